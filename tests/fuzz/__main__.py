"""The fuzz by hand: `python -m tests.fuzz 17`, `0:20000 --processes 16`, or `spec.yaml`."""

from __future__ import annotations

import argparse
import math
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch

from tests.fuzz.generator import Drawn
from tests.fuzz.many import try_many
from tests.fuzz.trial import compare, counted


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("what", help="a seed, a range of seeds such as 0:2000, or a spec's file")
    parser.add_argument("--batch", type=int, default=2, help="images, of a spec's file")
    parser.add_argument("--dtype", default="float32", help="of a spec's file")
    parser.add_argument("--processes", type=int, default=1, help="that compare at once")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which it ends")
    arguments = parser.parse_args()
    if Path(arguments.what).is_file():
        torch.set_num_threads(1)
        text = Path(arguments.what).read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            graph = Drawn(-1, text, arguments.batch, arguments.dtype)
            comparison = compare(graph, Path(folder) / "drawn.yaml")
        print(*comparison.differences, sep="\n")
        print(counted(comparison))
        return bool(comparison.differences)
    first, _, end = arguments.what.partition(":")
    begun = time.monotonic()
    tried = try_many(
        range(int(first), int(end or int(first) + 1)),
        arguments.processes,
        60 * arguments.minutes,
        lambda text: print(text, flush=True),
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = f"{time.monotonic() - begun:,.0f} seconds"
    print(f"{tried}\n{took}, {used.ru_utime + used.ru_stime:,.0f} of the CPU", flush=True)
    return not tried.is_good


if __name__ == "__main__":
    sys.exit(main())
