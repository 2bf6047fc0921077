"""How fast archcalc is, as ratios that mean the same on every machine.

    python benchmarks/bench_table.py [--rounds 25]

Each round measures the two sides of a ratio one after the other, so that what else the machine
does meets both; a figure is the median over the rounds. Of processes it is the time that the
processor gave them, with bytecode written before. What needs torch says so where there is none.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import yaml

from archcalc import MissingExtraError, analyze, load
from archcalc.render.spec_text import spec_text

BARE = [sys.executable, "-c", "pass"]
COMMAND = [str(shutil.which("archcalc", path=str(Path(sys.executable).parent)) or "")]
ARCHCALC = COMMAND if COMMAND[0] else [sys.executable, "-m", "archcalc"]


class Ratio(NamedTuple):
    """Two times and the most that one may be of the other."""

    what: str
    seconds: float
    beside: str
    beside_seconds: float
    most: float

    def __str__(self) -> str:
        ratio = self.seconds / self.beside_seconds
        verdict = "" if ratio <= self.most else "  MISSED"
        return (
            f"{self.what:38} {1e3 * self.seconds:8.2f} ms  {self.beside:36} "
            f"{1e3 * self.beside_seconds:8.2f} ms  ratio {ratio:6.3f}, at most {self.most}{verdict}"
        )


def of_children() -> float:
    """Seconds that the processor gave to the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds that a call takes."""
    start = clock()
    run()
    return clock() - start


def side_by_side(
    one: Callable[[], object],
    other: Callable[[], object],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """The medians of two calls, measured in turns; a first turn warms up."""
    times = [(timed(one, clock), timed(other, clock)) for _ in range(rounds + 1)][1:]
    return median(a for a, _ in times), median(b for _, b in times)


def process(command: list[str]) -> Callable[[], object]:
    """A call that starts a process and waits for its end."""
    environment = {key: os.environ[key] for key in os.environ.keys() - {"PYTHONDONTWRITEBYTECODE"}}

    def run() -> None:
        status = subprocess.run(command, stdout=subprocess.DEVNULL, env=environment).returncode
        assert status in (0, 1), f"{command} ended with {status}"  # 1: `diff` found a difference

    return run


def cold_starts(rounds: int) -> Iterator[Ratio]:
    """The command, process and all, beside an interpreter that does nothing."""
    for words, most in (
        (["table", "vgg16"], 6.5),
        (["table", "resnet152"], 8.5),
        (["diff", "resnet152", "densenet264"], 60),
    ):
        command, bare = process([*ARCHCALC, *words]), process(BARE)
        ours, least = side_by_side(command, bare, rounds, of_children)
        yield Ratio(" ".join(["archcalc", *words]), ours, "python -c pass", least, most)


def loading(rounds: int) -> Ratio:
    """Loading a spec beside PyYAML's C loader on the same network, fully written out."""
    text = spec_text(load("resnet152"))
    ours, theirs = side_by_side(
        lambda: load("resnet152"), lambda: yaml.load(text, Loader=yaml.CSafeLoader), rounds
    )
    return Ratio("load('resnet152')", ours, f"CSafeLoader, {len(text):,} characters", theirs, 1)


def analyzing(rounds: int) -> Ratio:
    """The walk beside FlopCounterMode on the same network on the meta device."""
    from archcalc import build

    twin, graph = build("resnet152", device="meta").eval(), load("resnet152")

    import torch
    from torch.utils.flop_counter import FlopCounterMode

    image = torch.empty(1, 3, 224, 224, device="meta")

    def count() -> None:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            twin(image)
        assert counter.get_total_flops() == analyze(graph).totals.flops

    ours, theirs = side_by_side(lambda: analyze(graph), count, rounds)
    return Ratio("analyze(graph of resnet152)", ours, "FlopCounterMode, on meta", theirs, 0.1)


def capturing(rounds: int) -> Iterator[Ratio]:
    """The capture of a module beside FlopCounterMode's run of the same module, both on meta."""
    from archcalc import build

    graphs = {name: load(name) for name in ("resnet50", "swin_t")}
    twins = {name: build(graph, device="meta").eval() for name, graph in graphs.items()}
    for twin in twins.values():
        twin.requires_grad_(False)  # the counter follows gradients of what is not run for them

    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from archcalc.importing.capture.capturing import capture

    image = torch.empty(1, 3, 224, 224, device="meta")

    def count(twin: Callable[[object], object]) -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            twin(image)

    for name, twin in twins.items():
        ours, theirs = side_by_side(
            partial(capture, twin, (3, 224, 224)), partial(count, twin), rounds, time.process_time
        )
        yield Ratio(f"capture of {name}", ours, "FlopCounterMode, on meta", theirs, 2)


# What a process says of itself: what its parent sees counts the parent's own memory in.
PEAK = """
import re, sys
from archcalc.cli import main
main(sys.argv[1:])
with open("/proc/self/status") as status:
    print(*re.findall(r"VmHWM:\\s+(\\d+)", status.read()), file=sys.stderr)
"""


def peak_mebibytes(*words: str) -> float:
    """The most memory that a command of archcalc holds; Linux only."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *words], capture_output=True, text=True, check=True
    )
    return int(done.stderr) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints how fast archcalc is, as ratios.")
    parser.add_argument("--rounds", type=int, default=25, help="measurements of each (default 25)")
    rounds = parser.parse_args().rounds
    for ratio in cold_starts(rounds):
        print(ratio)
    try:
        print(analyzing(rounds))
        for ratio in capturing(rounds):
            print(ratio)
    except MissingExtraError as error:
        print(error)
    print(loading(rounds))
    for name in ("vgg16", "resnet152"):
        peak = peak_mebibytes("table", name)
        verdict = "" if peak < 35 else "  MISSED"
        print(f"{f'archcalc table {name}':38} {peak:8.2f} MiB at its peak, less than 35{verdict}")


if __name__ == "__main__":
    main()
