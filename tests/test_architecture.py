"""docs/architecture.md is about the package as it is.

`python -m tests.test_architecture` puts the tree and the order of imports into it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.render.real_mermaid import needs_mermaid, refused_by_mermaid
from tests.test_imports import ORDER, PACKAGE

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
IN_A_ROW = 6  # places in the order; more do not fit the width of a page


def tree() -> str:
    """What the modules and packages of archcalc are about, in the order of imports."""
    units = [unit for units in ORDER for unit in units if "." not in unit]
    width = max(map(len, units))
    return "\n".join([f"{unit:{width}}  {_about(unit)}" for unit in units])


def _about(unit: str) -> str:
    """The first sentence of the docstring."""
    package, module = PACKAGE / unit / "__init__.py", PACKAGE / f"{unit}.py"
    path = package if package.exists() else module if module.exists() else PACKAGE / "__init__.py"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring is not None, f"{path} has no docstring"
    return docstring.splitlines()[0].partition(". ")[0].rstrip(".")


def order() -> str:
    """The order of imports as a Mermaid chart, row by row."""
    return "\n".join(["flowchart TD", *_rows()])


def _rows() -> Iterator[str]:
    starts = range(0, len(ORDER), IN_A_ROW)
    for row, start in enumerate(starts):
        places = range(start, min(start + IN_A_ROW, len(ORDER)))
        yield f'  subgraph row{row} [" "]'
        yield "    direction LR"
        for place in places:
            yield f'    p{place}["{"<br>".join(ORDER[place])}"]'
        if len(places) > 1:
            yield "    " + " --> ".join([f"p{place}" for place in places])
        yield "  end"
    for row, below in pairwise(range(len(starts))):
        yield f"  row{row} --> row{below}"


def with_what_is_made(text: str) -> str:
    """The page with the tree and the order as they are now."""
    for name, language, made in (("tree", "text", tree()), ("order", "mermaid", order())):
        before, start, rest = text.partition(f"<!-- {name} -->")
        _, end, after = rest.partition("<!-- end -->")
        assert end, f"the page has no place for the {name}"
        text = f"{before}{start}\n\n```{language}\n{made}\n```\n\n{end}{after}"
    return text


def test_the_tree_and_the_order_are_those_of_the_package() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_what_is_made(text), "run python -m tests.test_architecture"


def test_every_file_that_it_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`((?:archcalc|specs|tests|docs)(?:/[\w./]+)?)`", text)
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert (PAGE.parent / "../CONTRIBUTING.md").exists()


def test_what_is_no_longer_so_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr("tests.test_architecture.ORDER", (*ORDER[1:], ORDER[0]))
    assert text != with_what_is_made(text)


@needs_mermaid
def test_mermaid_reads_the_order(tmp_path: Path) -> None:
    assert refused_by_mermaid({"order": order()}, tmp_path) == {}


if __name__ == "__main__":
    PAGE.write_text(with_what_is_made(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
