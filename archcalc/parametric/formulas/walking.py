"""A network walked with symbols or numbers in places of its variables, and its quantities there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy

from archcalc.analysis import Analysis
from archcalc.errors import LayerError, SpecError, UsageError
from archcalc.expansion import EndlessError, with_inputs
from archcalc.feature_map import FeatureMap
from archcalc.figures.language import evaluate, reads_fields
from archcalc.graph import Graph
from archcalc.layers import Join
from archcalc.loading import input_shapes
from archcalc.memory_use.open_memory import open_paddings, unsettled
from archcalc.memory_use.totals import LEFT_OPEN
from archcalc.parametric.formulas.exact import exact, holds_at
from archcalc.parametric.formulas.ranges import is_of_one, simplest
from archcalc.parametric.variables import Variable, rebuilt
from archcalc.quantity.arithmetic import normal
from archcalc.quantity.at_least import is_open
from archcalc.quantity.conditions import deciding, is_symbol
from archcalc.spec.values import ExpressionError, Value
from archcalc.walk import walk

# What is kept in memory depends on whether a map is padded by the same on both sides, or is copied.
_IN_MEMORY = re.compile(rf"\b({'|'.join(LEFT_OPEN)})_bytes\b")


class NoFigureError(SpecError):
    """A quantity does not exist in the network: it has no such layer, with these parameters."""


class UnsettledError(UsageError):
    """A quantity is another one where a symbol has a certain value.

    Attributes:
        symbol, value: the two.
    """

    def __init__(self, message: str, symbol: Any, value: Any) -> None:
        self.symbol, self.value = symbol, value
        super().__init__(message)


class Walker:
    """Walks one network for some quantities of it.

    Attributes:
        graph: the network.
        maps: of the latest walk.
        equal: the pairs of sizes that branches joined so far, and that may differ.
        apart: symbols with values that are not meant: those are walked by themselves.
        lengths: for each quantity, of how many items it is a list; None where it is a number.
    """

    def __init__(self, graph: Graph, quantities: Sequence[str], batch: int, dtype: str) -> None:
        self.graph = graph
        self.maps: list[FeatureMap] = []
        self.equal: dict[tuple[Any, Any], None] = {}
        self.apart: set[tuple[Any, Any]] = set()
        self.lengths: list[int | None] = []
        self._quantities = quantities
        self._reads_fields = any(map(reads_fields, quantities))
        self._batch, self._dtype = batch, dtype

    def built(self, values: Mapping[Variable, Value], sizes: Mapping[Any, Value]) -> Graph:
        """The network with `values` for variables, and `sizes` for free sizes of its inputs."""
        graph = rebuilt(self.graph, values)
        known = {name: [_with(size, sizes) for size in x.shape] for name, x in graph.inputs.items()}
        return with_inputs(graph, input_shapes(known))

    def analysis(self, graph: Graph) -> Analysis:
        """What comes of a network."""
        return walk(graph, self._batch, self._dtype, fields=self._reads_fields)

    def shapes_the_graph(self, one: Variable, symbol: Any) -> bool:
        """Whether the graph cannot be built with a symbol in place of a variable, or never ends
        while what is asked about it holds, or does not: it counts how often a block calls itself.
        """

        def at_its_own(condition: Any) -> bool:
            given = {s: one.own if s == symbol else 1 for s in condition.free_symbols}
            try:
                return holds_at(condition, {s: exact(value) for s, value in given.items()})
            except ZeroDivisionError:
                return False

        try:
            with deciding(at_its_own):
                self.built({one: symbol}, {})
        except (SpecError, LayerError):
            return True
        return any(self._is_endless(one, symbol, answer) for answer in (True, False))

    def _is_endless(self, one: Variable, symbol: Any, answer: bool) -> bool:
        try:
            with deciding(lambda _: answer):
                self.built({one: symbol}, {})
        except EndlessError:
            return True
        except (SpecError, LayerError):
            return False
        return False

    def quantities(self, analysis: Analysis) -> list[Any]:
        """All quantities as expressions, with lists item by item.

        Raises:
            NoFigureError: the network has no such layer.
            UsageError: one is not a number, or depends on more than a formula can say.
        """
        self.equal |= dict.fromkeys(_undecided_joins(analysis))
        self.maps = [*analysis.maps.values()]
        found, lengths = [], []
        for quantity in self._quantities:
            if _IN_MEMORY.search(quantity):
                _require_settled(analysis, quantity, self.apart)
            try:
                value = evaluate(quantity, analysis)
            except ExpressionError as error:
                raise NoFigureError(f"{quantity}: {error}") from None
            items = value if isinstance(value, list) else [value]
            for item in items:
                if is_open(item):
                    names = ", ".join([layer.name for layer in analysis.opaque_layers])
                    raise UsageError(
                        f"{quantity} is {item}, and no formula gives the rest: what it takes is "
                        f"not known of opaque layers ({names})"
                    )
                if not _is_number(item):
                    raise UsageError(f"{quantity} is {item}, which no formula gives")
            lengths.append(len(items) if isinstance(value, list) else None)
            found += [sympy.sympify(item) for item in items]
        if self.lengths not in ([], lengths):
            raise UsageError("a figure is one number in some cases, and several in others")
        self.lengths = lengths
        return found


def _with(size: Any, values: Mapping[Any, Value]) -> Any:
    return normal(size.subs(values)) if is_symbol(size) else size


def _is_number(item: Any) -> bool:
    if is_symbol(item):
        return not (item.is_Boolean or item.is_Relational)
    return isinstance(item, (int, Fraction)) and not isinstance(item, bool)


def _undecided_joins(analysis: Analysis) -> Iterator[tuple[Any, Any]]:
    """The sizes that have to be equal for a layer to join its branches, where symbols are free."""
    maps = analysis.maps
    for layer in analysis.layers:
        if isinstance(layer.node.layer, Join):
            for m, n in layer.node.layer.alike([maps[name] for name in layer.inputs]):
                if sympy.expand(m - n).is_zero is None:
                    yield m, n


def _require_settled(analysis: Analysis, quantity: str, apart: set[tuple[Any, Any]]) -> None:
    """Raises UsageError where it depends on free sizes whether maps are padded alike, or copied."""
    copying = unsettled(analysis)
    if copying is not None:
        raise UsageError(
            f"{quantity} depends on whether {copying} copies its input; give plain sizes"
        )
    for layer, more_behind in open_paddings(analysis):
        free = min(symbol.name for symbol in more_behind.free_symbols)
        message = (
            f"{quantity} depends on which sizes are even ({layer} pads `same`); "
            f"assume more of {free}, such as {free}%32==0, or set it to a number"
        )
        alike = simplest(sympy.Eq(more_behind, 0))
        if not is_of_one(alike):
            raise UsageError(message)
        if (alike.lhs, alike.rhs) not in apart:
            raise UnsettledError(message, alike.lhs, alike.rhs)
