"""The fuzz by hand: `python -m tests.fuzz 17`, `0:50000`, or `spec.yaml`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import torch

from tests.fuzz.generator import Drawn
from tests.fuzz.trial import Count, compare, counted, told, try_seeds

CHUNK = 500  # graphs, after which the count is printed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("what", help="a seed, a range of seeds such as 0:2000, or a spec's file")
    parser.add_argument("--batch", type=int, default=2, help="images, of a spec's file")
    parser.add_argument("--dtype", default="float32", help="of a spec's file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.yaml"
        if Path(arguments.what).is_file():
            text = Path(arguments.what).read_text(encoding="utf-8")
            comparison = compare(Drawn(-1, text, arguments.batch, arguments.dtype), path)
            print(*comparison.differences, sep="\n")
            print(counted(comparison))
            return bool(comparison.differences)
        first, _, end = arguments.what.partition(":")
        return _many(int(first), int(end or int(first) + 1), path)


def _many(first: int, end: int, path: Path) -> int:
    count = Count(0, 0, 0, 0)
    for start in range(first, end, CHUNK):
        more, failures = try_seeds(range(start, min(start + CHUNK, end)), path)
        count += more
        for graph, differences in failures:
            print(told(graph, differences, path), flush=True)
        print(f"up to seed {min(start + CHUNK, end) - 1}: {count}", flush=True)
    return bool(count.differences)


if __name__ == "__main__":
    sys.exit(main())
