"""Many graphs, in processes of their own: torch crashes now and then, and takes its process along.

A process compares one graph after another; where it ends over one, another goes on behind it.
"""

from __future__ import annotations

import math
import multiprocessing
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch

from tests.fuzz.checking import Check
from tests.fuzz.generator import drawn
from tests.fuzz.trial import CHECKS, Count, compare, counted, told

GRACE = 5.0  # seconds beyond the limit, for the graphs in hand
SHOWN = 5  # differences of a graph that is not made small


@dataclass
class Tried:
    """What came of many graphs.

    Attributes:
        count: of those that were compared.
        differing: what is told of each that differs, by seed.
        crashed: how the process ended that compared it, by seed.
        left: seeds that there was no time for.
    """

    count: Count = field(default_factory=lambda: Count(0, 0, 0, 0))
    differing: dict[int, str] = field(default_factory=dict)
    crashed: dict[int, str] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether no graph differs and no process crashed."""
        return not (self.differing or self.crashed)

    def __str__(self) -> str:
        lines = [str(self.count)]
        if self.differing:
            lines.append(f"differ: {', '.join(map(str, sorted(self.differing)))}")
        if self.crashed:
            ends = [f"{seed} ({how})" for seed, how in sorted(self.crashed.items())]
            lines.append(f"torch crashed: {', '.join(ends)}")
        if self.left:
            lines.append(f"no time for {len(self.left):,}, from seed {min(self.left)}")
        return "\n".join(lines)


def try_many(
    seeds: Iterable[int],
    processes: int = 1,
    seconds: float = math.inf,
    say: Callable[[str], None] = lambda text: None,
    every: int = 500,
    checks: Sequence[Check] = CHECKS,
) -> Tried:
    """Compares the graphs of these seeds, several at once.

    Args:
        seconds: after which no more are begun; those in hand have `GRACE` to end.
        say: is given what is told of each graph that differs, and the counts now and then.
        every: graphs after which the counts are said.
        checks: what is compared.
    """
    return _Run(deque(seeds), seconds, say, every, checks).run(processes)


class _Worker:
    """A process that compares the graphs whose seeds it is sent, one at a time."""

    def __init__(self, checks: Sequence[Check]) -> None:
        context = multiprocessing.get_context("spawn")  # torch's threads survive no fork
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, checks), daemon=True)
        self.process.start()
        other.close()  # so that the end of the process is the end of the pipe
        self.seed: int | None = None  # in hand

    def send(self, seed: int | None) -> None:
        """A seed to compare, or the end."""
        self.seed = seed
        self.connection.send(seed)

    def end(self) -> str:
        """Waits for the process that is ending: how it did."""
        self.process.join()
        code = self.process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def _work(connection: Connection, checks: Sequence[Check]) -> None:
    """Answers with the count and the differences, and where there are some with what is told."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.yaml"
        while (seed := connection.recv()) is not None:
            graph = drawn(seed)
            comparison = compare(graph, path, checks)
            differences = comparison.differences
            shown = "\n".join(map(str, differences[:SHOWN]))
            connection.send((counted(comparison), shown))
            if differences:
                connection.send(told(graph, differences, path, checks))


class _Run:
    def __init__(
        self,
        waiting: deque[int],
        seconds: float,
        say: Callable[[str], None],
        every: int,
        checks: Sequence[Check],
    ) -> None:
        self.waiting = waiting
        self.end = time.monotonic() + seconds
        self.say = say
        self.every = every
        self.checks = checks
        self.found = Tried()

    def run(self, processes: int) -> Tried:
        workers = [self.worker() for _ in range(min(processes, len(self.waiting)))]
        while busy := {x.connection: x for x in workers if x.seed is not None}:
            left = self.end + GRACE - time.monotonic()
            if left <= 0:
                break
            for ready in wait([*busy], None if left == math.inf else left):
                assert isinstance(ready, Connection)
                if not self.hear(busy[ready]):
                    workers.remove(busy[ready])
                    workers += [self.worker()] if self.waiting else []
        for worker in workers:
            if worker.seed is not None:
                worker.process.kill()
                if worker.seed not in self.found.differing:
                    self.waiting.appendleft(worker.seed)
            worker.end()
        self.found.left = sorted(self.waiting)
        return self.found

    def worker(self) -> _Worker:
        worker = _Worker(self.checks)
        self.deal(worker)
        return worker

    def deal(self, worker: _Worker) -> None:
        in_time = self.waiting and time.monotonic() < self.end
        worker.send(self.waiting.popleft() if in_time else None)

    def hear(self, worker: _Worker) -> bool:
        """Takes an answer, and gives the worker more to do; False if there is no worker left."""
        found, seed = self.found, worker.seed
        assert seed is not None
        try:
            answer = worker.connection.recv()
        except (EOFError, ConnectionError):
            how = worker.end()
            if seed not in found.differing:
                found.crashed[seed] = how
                self.say(f"seed {seed}: torch crashed ({how})")
            return False
        if isinstance(answer, str):
            found.differing[seed] = answer
            self.say(answer)
        else:
            count, differences = answer
            found.count += count
            if found.count.graphs % self.every == 0:
                self.say(str(found.count))
            if differences:
                found.differing[seed] = f"seed {seed}\n{differences}"
                return True  # what is told of them comes next
        self.deal(worker)
        return True
