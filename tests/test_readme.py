"""What the README says. `python -m tests.test_readme` writes what is generated into it.

It also writes into every page of the documentation, or into those that are named, what their
examples print: `tests.test_examples` runs them.
"""

from __future__ import annotations

import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from archcalc.figures.language import OF_LAYERS
from archcalc.figures.of_network import OF_NETWORK
from archcalc.layers import own_kinds
from archcalc.spec.function_table import FUNCTIONS
from archcalc.spec.keys import (
    ABOUT_KEYS,
    FAMILY_KEYS,
    INDICES,
    KEYWORDS,
    PLACEMENT_KEYS,
    VARIANT_KEYS,
)
from archcalc.spec.library import network_names
from tests.examples import PAGES, README, ROOT, specs, written_anew

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SPECS = specs(README.read_text(encoding="utf-8"))


def test_the_readme_says_all_that_the_language_has() -> None:
    assert len(SPECS) == 4
    text = README.read_text(encoding="utf-8")
    language, _, quantities = text.partition("### The spec language")[2].partition("### Quantities")
    words = set(re.findall(r"\w+", language))
    said_elsewhere = set(ABOUT_KEYS)
    keys = {*FAMILY_KEYS, *VARIANT_KEYS, *PLACEMENT_KEYS, *chain(*KEYWORDS.values()), INDICES}
    assert keys - said_elsewhere <= words
    assert set(FUNCTIONS) <= words
    assert "\n".join(figure_rows()) in quantities


def figure_rows() -> list[str]:
    """The rows of the table of quantities that follow from the figures."""
    of_layers = ", ".join(f"`{key}`" for key in OF_LAYERS)
    return [
        *[f"| `{key}` | {figure.meaning} |" for key, figure in OF_NETWORK.items()],
        f"| `layers[conv1].…` | of a layer, or of all `layers[*.conv_dw]`: {of_layers}, "
        "and its own fields |",
    ]


COUNTED = {
    "layer kinds": len(own_kinds()),
    "networks come": len(network_names()),
    "small package": len(PROJECT["dependencies"]),
}
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_counts_are_todays(page: Path) -> None:
    assert wrong_counts(page.read_text(encoding="utf-8")) == []


def test_the_readme_counts_what_is_to_install() -> None:
    assert "small package" in README.read_text(encoding="utf-8")


def wrong_counts(text: str) -> list[str]:
    """What a text counts of archcalc, where it is not so."""
    found = re.findall(rf"\b([\d,]+|{'|'.join(NUMBERS)})\s+({'|'.join(COUNTED)})\b", text)
    return [
        f"{number} {what}"
        for number, what in found
        if COUNTED[what] != (NUMBERS.get(number) or int(number.replace(",", "")))
    ]


def test_a_wrong_count_would_be_seen() -> None:
    text = f"four small package, 7 layer kinds, and {COUNTED['networks come']}\nnetworks come"
    assert wrong_counts(text) == ["four small package", "7 layer kinds"]


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    setup = [
        line for line in README.read_text(encoding="utf-8").splitlines() if "pip install " in line
    ]
    commands = [line for line in setup if line.startswith("pip install")][:2]
    assert len(commands) == 2
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace("--quiet ", "")
    for command in commands:
        assert command in ci


def write_examples(*pages: Path) -> None:
    """Puts into pages what their examples print now, and into the README what is generated."""
    for page in pages or PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(written_anew(text), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition("| quantity | what it is |\n| --- | --- |\n")
    tail = rest[rest.index("| each parameter") :]
    table = "".join(f"{row}\n" for row in figure_rows())
    README.write_text(
        f"{head}| quantity | what it is |\n| --- | --- |\n{table}{tail}", encoding="utf-8"
    )


if __name__ == "__main__":
    write_examples(*map(Path, sys.argv[1:]))
