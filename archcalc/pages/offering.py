"""What a page lets its reader change: the numbers of a network, and which values of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

import sympy

from archcalc.analysis import DTYPES
from archcalc.graph import Graph
from archcalc.parametric.formulas.every_figure import BATCH, BYTES
from archcalc.parametric.formulas.exact import Exact, exact
from archcalc.parametric.formulas.tracing import REFUSALS
from archcalc.parametric.variables import Variable, rebuilt
from archcalc.quantity.conditions import is_symbol
from archcalc.record import Record
from archcalc.spec.labels import size_labels

MOST_TIMES = 4  # of the network's own value: up to which
MOST_ABOVE = 1  # an own value that is no larger
_PARTS = (8, 4, 2, 1)  # of the own value: from which on
_FEWEST = 4  # steps to the own value
_MOST_POWER = 7  # of two
SHAPES = 2  # so much less and more of what says which layers there are
MOST_BATCH = 1024
_OTHERS = ("batch", "dtype", "device")  # that a page lets one change
_EXTREME = 0.2  # of what is drawn
_PARTS_OF_ONE = (20, 16, 10, 8, 4, 2, 1)  # steps of numbers that need not be whole


class Offer(Record):
    """A number of a network that a page lets its reader change.

    Attributes:
        variable: the number; None for the batch and the data type.
        symbol: what stands for it in figures.
        own: the value that the network has.
        step: from each value to the next; the own one is among them.
        least, most: the ends.
    """

    variable: Variable | None
    symbol: Any
    own: Exact
    step: Exact
    least: Exact
    most: Exact

    @property
    def label(self) -> str:
        """What the user calls it; a parameter that is called as another setting is named so."""
        if self.variable is None:
            return "batch"
        label = self.variable.label
        return f"parameter {label}" if label in _OTHERS else label

    @property
    def count(self) -> int:
        """How many values it takes."""
        return int((self.most - self.least) // self.step) + 1

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false: 1 or 0."""
        return self.variable is not None and isinstance(self.variable.own, bool)

    def given(self, setting: Mapping[Any, Any]) -> Any:
        """What the network is given for it at a setting, where it may be a symbol."""
        value = setting[self.symbol]
        if not self.is_flag:
            return value
        return sympy.Eq(value, 1, evaluate=False) if is_symbol(value) else value == 1

    def value(self, number: int) -> Exact:
        """One of the values, by its number."""
        return exact(self.least + self.step * number)

    def drawn(self, random: Random, extreme: float = 0) -> Exact:
        """Any of the values; the first or the last as often as `extreme` says."""
        if random.random() < extreme:
            return random.choice([self.least, self.most])
        return self.value(random.randrange(self.count))


THE_BATCH = Offer(None, BATCH, 1, 1, 1, MOST_BATCH)


def drawn_setting(offers: list[Offer], random: Random, own: float = 0.3) -> dict[Any, Exact]:
    """A setting of all of them; each at its own value as often as `own` says.

    A map of one pixel, or a batch of one image, is often a case by itself: hence the extremes.
    """
    found = {
        o.symbol: o.own if random.random() < own else o.drawn(random, _EXTREME) for o in offers
    }
    return {**found, BYTES: random.choice([*DTYPES.values()])}


def own_setting(offers: list[Offer]) -> dict[Any, Exact]:
    """The network as it is."""
    return {**{o.symbol: o.own for o in offers}, BYTES: DTYPES["float32"]}


def built_at(graph: Graph, offers: Sequence[Offer], setting: Mapping[Any, Any]) -> Graph:
    """The network with the values of a setting, or with symbols.

    Raises:
        UsageError, SpecError, LayerError: there is none.
    """
    return rebuilt(graph, {o.variable: o.given(setting) for o in offers if o.variable is not None})


def candidates(graph: Graph) -> Iterator[Variable]:
    """The numbers that may be varied: sizes of the inputs, and parameters that are numbers."""
    labels = size_labels(len(graph.input.sizes)) if graph.input.dtype is None else ()
    taken = {*graph.parameters}
    for name, x in graph.inputs.items():
        first = 0 if x.dtype is not None else 1
        for number, size in enumerate(x.shape[first:], first):
            plain = labels[number - 1] if name == graph.first_input and labels else ""
            label = plain if plain and plain not in taken else f"{name}[{number}]"
            yield Variable(label, None, number, size, name)
    for name, value in graph.parameters.items():
        if isinstance(value, int | Fraction):  # true or false among them
            yield Variable(name, name, None, value)


def offers_of(variable: Variable, is_whole: bool, shapes: bool) -> Iterator[Offer]:
    """The ways to offer a variable, from the finest and widest to the coarsest.

    Args:
        is_whole: whether there is no network for other than whole numbers.
        shapes: whether other layers are there at other values.
    """
    if isinstance(variable.own, bool):
        symbol = sympy.Symbol(variable.label, integer=True)
        yield Offer(variable, symbol, int(variable.own), 1, 0, 1)
        return
    own = exact(variable.own)
    symbol = sympy.Symbol(variable.label, **({"integer": True} if is_whole else {"real": True}))
    for step in _steps(own, is_whole):
        seen = set()
        for part in _PARTS:
            least = own if own <= 0 else max(exact(Fraction(own) / part), _least(own, is_whole))
            most = own * MOST_TIMES if own > 1 else own + MOST_ABOVE
            if shapes:
                least, most = max(least, own - SHAPES), min(most, own + SHAPES)
            below, above = (own - least) // step, (most - own) // step
            if (below, above) not in seen:
                seen.add((below, above))
                low, high = exact(own - below * step), exact(own + above * step)
                yield Offer(variable, symbol, own, step, low, high)


def _steps(own: Exact, is_whole: bool) -> list[Exact]:
    """Of a whole number its divisors and powers of two, as far as several steps are left; else
    parts of one."""
    if (is_whole or own not in (0, 1)) and own == int(own) and own > 0:
        whole = int(own)
        divisors = [n for n in range(1, whole + 1) if whole % n == 0]
        steps = sorted({*divisors, *[2**n for n in range(_MOST_POWER)]})
        return [n for n in steps if n * _FEWEST <= whole] or [1]
    if is_whole or own == 0:
        return [1]
    parts = [Fraction(1, n) for n in _PARTS_OF_ONE if own % Fraction(1, n) == 0]
    return [exact(step) for step in parts or [Fraction(1, Fraction(own).denominator)]]


def _least(own: Exact, is_whole: bool) -> Exact:
    return 1 if is_whole or own > 1 else exact(Fraction(1, 8))


def shapes_the_graph(graph: Graph, variable: Variable) -> bool:
    """Whether other layers are there at other values of a parameter."""
    if variable.input is not None:
        return False
    if isinstance(variable.own, bool):
        return True  # or what its layers are given
    names = _layers_of(graph)
    own = variable.own
    for value in dict.fromkeys([own + 1, own - 1, own * 2, Fraction(own) / 2]):
        try:
            found = rebuilt(graph, {variable: exact(value)})
        except REFUSALS:
            continue
        if _layers_of(found) != names:
            return True
    return False


def _layers_of(graph: Graph) -> list[tuple[Any, ...]]:
    return [(node.name, node.layer.kind, node.inputs) for node in graph.nodes]


def number(value: Exact) -> Any:
    """A number as a page has it: {n, d} of one that is not whole."""
    exact = Fraction(value)
    if exact.denominator == 1:
        return int(exact)
    return {"n": exact.numerator, "d": exact.denominator}
