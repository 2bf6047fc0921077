"""What formulas are in: numbers of a network that have a symbol in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sympy

from archcalc.errors import UsageError
from archcalc.graph import Graph
from archcalc.parametric.formulas.domains import COUNTS, Domain, domains
from archcalc.parametric.formulas.exact import exact
from archcalc.parametric.formulas.walking import Walker
from archcalc.parametric.variables import Variable, variable
from archcalc.quantity.conditions import is_symbol


class Subject(NamedTuple):
    """A number that a formula leaves open.

    Attributes:
        variable: the number.
        symbol: what stands for it.
        domain: the values that it may take, without which there is no network.
        shapes: whether the graph cannot be built with the symbol in its place: it says how often
            blocks repeat, or call themselves, or stands in a name. Then its formulas are found
            from whole values.
    """

    variable: Variable
    symbol: Any
    domain: Domain
    shapes: bool

    @property
    def label(self) -> str:
        """What the user calls it."""
        return self.variable.label


def variables(labels: Sequence[str], graph: Graph) -> list[Variable]:
    """The numbers with these labels.

    Raises:
        UsageError: there is no such parameter or size, or it is not a number; with a guess.
    """
    found = [_variable(label.strip(), graph) for label in labels]
    for number, one in enumerate(found):
        if one in found[:number]:
            raise UsageError(f"{one.label} is repeated", "symbols")
    return found


def _variable(label: str, graph: Graph) -> Variable:
    found = variable(label, graph, "symbols")
    if isinstance(found.own, list):
        raise UsageError(f"{label} is a list; name an item, such as {label}[0]", "symbols")
    if is_symbol(found.own):
        raise UsageError(f"{label} is {found.own} in the input already", "symbols")
    return found


def subjects(walker: Walker, found: Sequence[Variable]) -> list[Subject]:
    """The variables with symbols in their places, of which is assumed what has to be."""
    bare = {one: sympy.Symbol(one.label, real=True) for one in found}
    sizes = [one for one in found if one.parameter is None]
    shaping = [one for one in found if one not in sizes and walker.shapes_the_graph(one, bare[one])]
    asked = {one: bare[one] for one in found if one not in shaping and one not in sizes}
    known: dict[Any, Domain] = {}
    if asked:
        own = {symbol: exact(one.own) for one, symbol in asked.items()}
        known = domains(own, lambda: walker.analysis(walker.built(asked, {})))
    every = []
    for one in found:
        domain = known.get(bare[one], COUNTS)
        every.append(Subject(one, domain.symbol(one.label), domain, one in shaping))
    return every
