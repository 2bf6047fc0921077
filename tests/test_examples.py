"""Every example of the README and of the pages in docs, run.

`python -m tests.test_readme` writes into them what they print.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from archcalc import analyze
from archcalc.cli import main
from archcalc.expansion import build_graph
from archcalc.spec.library import read_family
from tests import quick_commands
from tests.examples import BLOCK, PAGES, ROOT, Example, examples, of_command, specs

TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
# Files and settings, diagrams, and what is printed elsewhere: nothing that archcalc prints.
NOT_RUN = {"yaml", "python", "json", "mermaid", "sh"}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, id=f"{page}-{number}")
        for page, text in TEXTS.items()
        for number, example in enumerate(examples(text), 1)
    ],
)
def test_an_example_prints_what_its_page_says(example: Example) -> None:
    assert example.prints() == example.printed


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=f"{page}-{text.split(maxsplit=2)[1]}")
        for page in TEXTS
        for text in specs(TEXTS[page])
    ],
)
def test_a_spec_of_a_page_is_one_whose_claims_and_budgets_hold(text: str, tmp_path: Path) -> None:
    path = tmp_path / "page.yaml"
    path.write_text(text)
    for network in read_family(str(path)).networks.values():
        assert len(analyze(build_graph(network))) > 0
    if "claims:" in text or "budget:" in text:
        assert main(["check", str(path)]) == 0


@pytest.mark.parametrize("page", TEXTS)
def test_no_output_stands_where_it_is_not_run(page: str) -> None:
    """In a block of another language, or in one that is indented."""
    if page != "docs/architecture.md":  # its tree has a test of its own
        assert {language for language, _ in BLOCK.findall(TEXTS[page])} <= {
            "console",
            "pycon",
            *NOT_RUN,
        }
    assert re.findall(r"^[ >]+```.*", TEXTS[page], re.MULTILINE) == []


PAGE = """
```yaml
name: tiny
input: [3, 8, 8]
layers: [relu]
```

```console
$ archcalc table tiny.yaml --exact 2>&1 | grep -c relu
0
$ archcalc table wide.yaml; echo "exit status $?"
exit status 0
```

```yaml
name: wide
input: [3, 8, 8]
layers: [relu]
```

```pycon
>>> import archcalc
>>> archcalc.analyze("wide.yaml").params
7

>>> 1 / 0
```
"""


def test_a_wrong_example_would_be_seen() -> None:
    count, missing, python = examples(PAGE)
    assert (count.printed, count.prints()) == ("0\n", "2\n")
    # A file is there for what stands below it, and the status of a command is its own.
    assert missing.prints() == ("exit status 2\narchcalc: wide.yaml: No such file or directory\n")
    assert python.prints() == (
        python.printed.replace("7\n", "0\n")
        + "Traceback (most recent call last):\n  ...\nZeroDivisionError: division by zero\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        "table lenet5 --wide",
        "table lenet5 --input 1x12x12",
        "list --names | head -n 3",
        "show lenet5 | archcalc table - --depth 1",
        "table nothing",
        "-V",
    ],
)
def test_a_quick_command_does_what_the_command_does(words: str, tmp_path: Path) -> None:
    quick = of_command(f"archcalc {words}; echo $?", {}, tmp_path)
    path = os.environ["PATH"].replace(str(quick_commands.folder()), "")
    done = subprocess.run(
        ["bash", "-c", f"archcalc {words}; echo $?"],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert quick == done.stdout + done.stderr


SECTIONS = {
    f"{page}: {title}": text
    for page in TEXTS
    if page.startswith("docs/how-to/") and page != "docs/how-to/index.md"
    for title, text in re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", TEXTS[page], re.MULTILINE)
}


def test_each_question_is_answered_by_a_command_or_three_lines_of_python() -> None:
    assert len(SECTIONS) >= 25
    assert [title for title, text in SECTIONS.items() if not is_short(text)] == []


def is_short(text: str) -> bool:
    """Whether the first example is one command, or up to three statements beside imports."""
    example = next(examples(text), None)
    statements = r"^>>> (?!import |from )"
    return example is not None and len(re.findall(statements, example.text, re.MULTILINE)) <= 3


def test_a_long_answer_would_be_seen() -> None:
    assert not is_short("Some words.\n")
    assert not is_short("```pycon\n" + 4 * ">>> a = 1\n" + "```\n")
