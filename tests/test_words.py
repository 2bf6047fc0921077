"""How archcalc is written: who may speak of the command line, and how long a file may be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import archcalc

PACKAGE = Path(str(archcalc.__file__)).parent
# What writes for the command line. All else is called from Python too, and names arguments.
OF_THE_COMMAND_LINE = {"cli.py", "commands", "render", "reports"}
_OPTION = re.compile(r"(?<![\w-])--[a-z]+")


def options_in(text: str) -> list[str]:
    """The options of the command line that a module names."""
    return _OPTION.findall(text)


def modules() -> Iterator[Path]:
    return (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))


def test_the_core_knows_no_option_of_the_command_line() -> None:
    found = {
        str(path): options
        for path in modules()
        if path.parts[0] not in OF_THE_COMMAND_LINE
        if path.name not in ("layout.py", "revisions.py")  # call ruff and git
        if (options := options_in((PACKAGE / path).read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize("text", ["free sizes; give plain numbers with --input", "`--set` takes"])
def test_an_option_would_be_seen(text: str) -> None:
    assert options_in(text) != []


@pytest.mark.parametrize("text", ["# ----- a section -----", "i--", "a-b--c"])
def test_dashes_are_not_options(text: str) -> None:
    assert options_in(text) == []


# ----- lengths -----

MOST_LINES = 400


def too_long(texts: Mapping[str, str]) -> list[str]:
    """The files that are longer than one reads at a sitting."""
    return [name for name, text in texts.items() if len(text.splitlines()) > MOST_LINES]


def test_no_file_is_too_long() -> None:
    assert too_long({str(path): (PACKAGE / path).read_text("utf-8") for path in modules()}) == []


def test_a_file_that_is_too_long_would_be_seen() -> None:
    assert too_long({"a": "x\n" * MOST_LINES, "b": "x\n" * (MOST_LINES + 1)}) == ["b"]
