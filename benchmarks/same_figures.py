"""Writes what the commands print of every network, so that two commits can be compared.

    python benchmarks/same_figures.py before/     at the one commit
    python benchmarks/same_figures.py after/      at the other
    diff -r before after

For a change that must not change a figure. The reports have a test of their own.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

from archcalc.cli import main as archcalc

OF_EACH = {
    "table": ["table", "NAME", "--format", "json"],
    "rows": ["table", "NAME", "--exact", "--depth", "all"],
    "memory": ["memory", "NAME", "--format", "json"],
    "field": ["field", "NAME", "--format", "json"],
    "explain": ["explain", "NAME", "--format", "json"],
    "roofline": ["roofline", "NAME", "--format", "json"],
    "expand": ["expand", "NAME"],
    "export": ["export", "NAME"],
    "draw": ["draw", "NAME", "--format", "mmd"],
}
ONCE = {
    "list": ["list"],
    "check": ["check", "--format", "json"],
    "errata": ["errata"],
    "compare": ["compare", "vgg16", "resnet50", "--format", "json"],
    "diff": ["diff", "vgg16", "vgg19", "--format", "json"],
    "scale": ["scale", "mobilenet_v1", "--format", "json"],
    "formula": ["formula", "vgg16"],
    "formula_of_parameter": ["formula", "mobilenet_v1", "--symbols", "alpha"],
}


def printed(words: list[str]) -> str:
    """What a command prints, notes included, and its exit status."""
    written = BytesIO()
    text = TextIOWrapper(written, encoding="utf-8", write_through=True)
    with redirect_stdout(text), redirect_stderr(text):
        try:
            status = archcalc(words)
        except SystemExit as refused:
            status = int(refused.code or 0)
    return f"{written.getvalue().decode()}exit status {status}\n"


def main(folder: Path) -> None:
    names = [line.split()[0] for line in printed(["list"]).splitlines() if line[:1].isalnum()]
    for command, words in ONCE.items():
        _write(folder / command, printed(words))
    for name in names[:-1]:  # the last line is the exit status
        for command, words in OF_EACH.items():
            given = [name if word == "NAME" else word for word in words]
            _write(folder / name / command, printed(given))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
