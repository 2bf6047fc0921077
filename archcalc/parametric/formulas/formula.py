"""What a closed form is: cases, each with a condition and values, and what is assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sympy

from archcalc.errors import UsageError
from archcalc.graph import Graph
from archcalc.parametric.formulas.exact import Exact, exact, holds_at, value_at
from archcalc.record import Record, replace


class Case(NamedTuple):
    """A formula, and when it holds.

    Attributes:
        condition: a sympy condition on the symbols; true where it always holds.
        values: one expression, or one for each item where the quantity is a list.
    """

    condition: Any
    values: tuple[Any, ...]


class Formula(Record):
    """A quantity in closed form.

    Attributes:
        quantity: in the language of `archcalc.figures.language`.
        is_list: whether it is a list, such as an output's shape.
        cases: of which no two hold at once.
        symbols: that it may mention, in the order asked for.
    """

    quantity: str
    is_list: bool
    cases: tuple[Case, ...]
    symbols: tuple[Any, ...]

    @property
    def expression(self) -> Any:
        """As one sympy expression, or a list of them."""
        columns = zip(*[case.values for case in self.cases], strict=True)
        found = [_piecewise(self.cases, column) for column in columns]
        return found if self.is_list else found[0]

    def at(self, values: Mapping[Any, Any]) -> list[Exact]:
        """The number, or the numbers of a list, with values put in for its symbols.

        Raises:
            UsageError: it says nothing there: none of its cases holds, or it divides by zero.
        """
        given = {symbol: exact(value) for symbol, value in values.items()}
        try:
            for case in self.cases:
                if holds_at(case.condition, given):
                    return [value_at(value, given) for value in case.values]
        except ZeroDivisionError:
            pass
        raise UsageError(f"the formula of {self.quantity} says nothing of {setting_text(given)}")


class Formulas(Record):
    """Formulas of several quantities of one network.

    Attributes:
        graph: the network, with all that is not a symbol.
        formulas: in the order asked for.
        assumptions: what they take for granted: as the user wrote it, and `whole n` or `n >= 1`
            where there are networks beyond what the formulas are of.
        first: for each symbol that shapes the graph, the least value that they hold for.
        last: for each of these, the largest at which they were compared with the walk. No rule
            proves a form that was found from some counts: beyond, it is taken to go on so.
        equal: pairs of sizes that branches join, and that have to be equal.
        settings: at how many settings they were compared with the walk.
    """

    graph: Graph
    formulas: tuple[Formula, ...]
    assumptions: tuple[str, ...]
    first: dict[str, int]
    last: dict[str, int]
    equal: tuple[tuple[Any, Any], ...]
    settings: int

    def expressions(self) -> list[Any]:
        """Each formula as a sympy expression, or a list of them, that is nothing where it does not
        hold: a count of blocks from 3 on is `Piecewise((…, n >= 3))`."""
        symbols = {str(s): s for formula in self.formulas for s in formula.symbols}
        holds = sympy.And(*[symbols[label] >= n for label, n in self.first.items()])
        if holds == sympy.true:
            return [formula.expression for formula in self.formulas]

        def where(value: Any) -> Any:
            if isinstance(value, list):
                return [where(item) for item in value]
            return sympy.Piecewise((value, holds))

        return [where(formula.expression) for formula in self.formulas]

    def without_zeros(self) -> Formulas:
        """The same without the formulas that are 0 in every case."""
        kept = [f for f in self.formulas if any(any(case.values) for case in f.cases)]
        return replace(self, formulas=tuple(kept))


def setting_text(given: Mapping[Any, Exact]) -> str:
    """`alpha = 7/20, H = 224`."""
    return ", ".join(f"{symbol} = {value}" for symbol, value in given.items()) or "these values"


def _piecewise(cases: Sequence[Case], values: Sequence[Any]) -> Any:
    if len(cases) == 1 and cases[0].condition == sympy.true:
        return values[0]
    pairs = [(value, case.condition) for value, case in zip(values, cases, strict=True)]
    return sympy.Piecewise(*pairs)
