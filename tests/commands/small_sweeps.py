"""A network and two spaces of it, for the tests of what `sweep -o` writes."""

from __future__ import annotations

TINY = """\
name: tiny
input: [3, 8, 8]
parameters: {n: 4}
layers:
  - conv: {channels: n, kernel: 3, padding: same}
  - conv: {channels: 8, kernel: 1}
"""
SPACE = (
    "sweep",
    "tiny.yaml",
    "--over",
    "n=1..40",
    "--over",
    "H=1..25",
    "--figures",
    "params,macs",
)
DRAWN = ("sweep", "tiny.yaml", "--over", "n=1..99", "--over", "H=1..25:log", "--sample", "250",
         "--figures", "params,macs")  # fmt: skip
