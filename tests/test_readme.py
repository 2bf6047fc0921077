"""The examples of the README, run. `python -m tests.test_readme` writes what they print into it."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from archcalc import analyze
from archcalc.cli import main
from archcalc.expansion import build_graph
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
from archcalc.spec.library import network_names, read_family

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPEC = re.compile(r"^```yaml\n(name: .*?)^```$", re.MULTILINE | re.DOTALL)
SPECS = SPEC.findall(README.read_text(encoding="utf-8"))
MODULE = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """(command, what the README says it prints), in order."""
    found = []
    for block in CONSOLE.findall(README.read_text(encoding="utf-8")):
        for example in re.split(r"^(?=\$ )", block, flags=re.MULTILINE):
            if example.strip():
                command, _, output = example.partition("\n")
                found.append((command.removeprefix("$ "), output.rstrip("\n")))
    return found


def printed(command: str, folder: Path) -> str:
    """What a command prints on both streams, run by bash in a folder with the README's files."""
    for text in SPECS:
        (folder / f"{text.split(maxsplit=2)[1]}.yaml").write_text(text, encoding="utf-8")
    for name, text in MODULE.findall(README.read_text(encoding="utf-8")):
        (folder / name).write_text(text, encoding="utf-8")
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    return (done.stdout + done.stderr).rstrip("\n")


@pytest.mark.parametrize(("command", "output"), examples())
def test_an_example_prints_what_the_readme_says(command: str, output: str, tmp_path: Path) -> None:
    assert printed(command, tmp_path) == output


@pytest.mark.parametrize("text", SPECS, ids=lambda text: text.split(maxsplit=2)[1])
def test_a_spec_of_the_readme_is_one_whose_claims_and_budgets_hold(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "readme.yaml"
    path.write_text(text)
    for network in read_family(str(path)).networks.values():
        assert analyze(build_graph(network)).totals.params > 0
    if "claims:" in text:
        assert main(["check", str(path)]) == 0


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
    "small packages": len(PROJECT["dependencies"]),
}
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_counts_are_todays(page: str) -> None:
    assert wrong_counts((ROOT / page).read_text(encoding="utf-8")) == []


def test_the_readme_counts_what_is_to_install() -> None:
    assert "small packages" in README.read_text(encoding="utf-8")


def wrong_counts(text: str) -> list[str]:
    """What a text counts of archcalc, where it is not so."""
    found = re.findall(rf"\b([\d,]+|{'|'.join(NUMBERS)})\s+({'|'.join(COUNTED)})\b", text)
    return [
        f"{number} {what}"
        for number, what in found
        if COUNTED[what] != (NUMBERS.get(number) or int(number.replace(",", "")))
    ]


def test_a_wrong_count_would_be_seen() -> None:
    text = f"four small packages, 7 layer kinds, and {COUNTED['networks come']}\nnetworks come"
    assert wrong_counts(text) == ["four small packages", "7 layer kinds"]


def test_python_examples_run() -> None:
    blocks = PYTHON.findall(README.read_text(encoding="utf-8"))
    assert blocks
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    for number, block in enumerate(blocks):
        test = parser.get_doctest(block, {}, f"README block {number}", str(README), 0)
        assert runner.run(test).failed == 0


def test_a_wrong_example_would_be_seen(tmp_path: Path) -> None:
    assert printed("archcalc list --names | head -n 1", tmp_path) != "no such network"


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    setup = [
        line for line in README.read_text(encoding="utf-8").splitlines() if "pip install " in line
    ]
    commands = [line for line in setup if line.startswith("pip install")][:2]
    assert len(commands) == 2
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace("--quiet ", "")
    for command in commands:
        assert command in ci


def write_examples() -> None:
    """Puts into the README what its commands print now."""
    text = README.read_text(encoding="utf-8")
    for command, output in examples():
        old = f"$ {command}\n" + (f"{output}\n" if output else "")
        with tempfile.TemporaryDirectory() as folder:
            new = printed(command, Path(folder))
        text = text.replace(old, f"$ {command}\n" + (f"{new}\n" if new else ""), 1)
    head, _, rest = text.partition("| quantity | what it is |\n| --- | --- |\n")
    tail = rest[rest.index("| each parameter") :]
    table = "".join(f"{row}\n" for row in figure_rows())
    README.write_text(
        f"{head}| quantity | what it is |\n| --- | --- |\n{table}{tail}", encoding="utf-8"
    )


if __name__ == "__main__":
    write_examples()
