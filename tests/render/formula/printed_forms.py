"""What the printed forms of formulas say, read back: text, LaTeX and Python.

    forms = PrintedForms(derive_formulas(network, ["macs"], ["H", "alpha"]))
    forms.at({"H": 224, "alpha": Fraction(1, 2)})
    # {("macs", "text"): [n], ("macs", "latex"): [n], ("macs", "python"): [n]}

Values are given by label, as ints or Fractions, one for each symbol. Each form gives a list, of
one number unless the quantity is a list, so that a differential test says

    for (quantity, form), found in forms.at(setting).items():
        assert found == right[quantity], form

Reading is done once, and `at` takes some 0.1 ms a formula. The text is read by Python's own
grammar and the LaTeX by `reading_latex`, both with exact fractions; they share no rule with the
writers. What no condition covers, and what divides by zero, is None.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from archcalc.parametric.formulas.formula import Formulas
from archcalc.render import escape
from archcalc.render import formula as render
from tests.render.formula.reading_latex import read_latex
from tests.render.formula.reading_text import Rows, Setting, read_text, value_of

Values: TypeAlias = "list[Fraction] | None"


class PrintedForms:
    """The three printed forms of formulas, ready to be evaluated."""

    def __init__(self, formulas: Formulas) -> None:
        self._labels = [s.name for f in formulas.formulas[:1] for s in f.symbols]
        quantities = [formula.quantity for formula in formulas.formulas]
        self._rows: dict[tuple[str, str], Rows] = {}
        for quantity, block in zip(quantities, _text_blocks(formulas), strict=True):
            self._rows[quantity, "text"] = read_text(block)
        for quantity, shown in zip(quantities, _latex_blocks(formulas), strict=True):
            self._rows[quantity, "latex"] = read_latex(shown)
        functions = _functions(render.python(formulas))
        self._functions = dict(zip(quantities, functions, strict=True))

    def at(self, values: Mapping[str, int | Fraction]) -> dict[tuple[str, str], Values]:
        """What each formula gives in each form, by quantity and form."""
        exact: Setting = {label: Fraction(value) for label, value in values.items()}
        found: dict[tuple[str, str], Values] = {
            key: value_of(rows, exact) for key, rows in self._rows.items()
        }
        for quantity, function in self._functions.items():
            found[quantity, "python"] = _called(function, [values[s] for s in self._labels])
        return found


def _called(function: Callable[..., Any], arguments: list[int | Fraction]) -> Values:
    try:
        found = function(*arguments)
    except ZeroDivisionError:
        return None
    items = found if isinstance(found, list) else [found]
    if any(item != item for item in items):  # nan
        return None
    for item in items:
        assert isinstance(item, int | Fraction), f"{item!r} is not exact"
    return [Fraction(item) for item in items]


def _text_blocks(formulas: Formulas) -> Iterator[str]:
    """The lines of each formula, those behind the first line with its lead as spaces."""
    lines = render.text(formulas).splitlines()
    for formula in formulas.formulas:
        lead = f"{escape.one_line(formula.quantity)} = "
        while not lines[0].startswith(lead):
            assert not lines.pop(0), "a line that belongs to no formula"
        block = [" " * (len(lead) - 2) + lines.pop(0)[len(lead) - 2 :]]
        while lines and lines[0].startswith(" "):
            block.append(lines.pop(0))
        yield "\n".join(line[len(lead) - 2 :] for line in block)


def _latex_blocks(formulas: Formulas) -> Iterator[str]:
    shown = re.findall(r"^\\\[\n(.*?)\n\\\]$", render.latex(formulas), re.DOTALL | re.MULTILINE)
    for formula, equation in zip(formulas.formulas, shown, strict=True):
        lead = rf"\mathrm{{{escape.latex(formula.quantity)}}} = "
        assert equation.startswith(lead)
        yield equation.removeprefix(lead)


def _functions(source: str) -> list[Callable[..., Any]]:
    """The functions of a module that `--python` prints, in order."""
    known: dict[str, Any] = {}
    exec(source, known)  # the source under test, which needs nothing
    return [found for found in known.values() if inspect.isfunction(found)]
