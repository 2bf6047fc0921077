"""Network -> formulas of its quantities in some of its parameters and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import sympy

from archcalc.analysis import Analysis
from archcalc.claims.quantities import evaluate
from archcalc.derivation.totals import block_called
from archcalc.errors import ArchcalcError, LayerError, SpecError, UsageError
from archcalc.expansion import EndlessError, build_graph
from archcalc.feature_map import FeatureMap
from archcalc.formulas.assumptions import Replacement, read_assumption, replacements
from archcalc.formulas.cases import cases, known_values
from archcalc.formulas.interpolation import interpolate
from archcalc.formulas.subjects import Subject, subjects
from archcalc.formulas.tidying import Sizes, tidy
from archcalc.graph import Graph
from archcalc.layers import Join
from archcalc.quantity import certainly_equal, deciding, is_symbol, normal
from archcalc.spec.labels import size_labels
from archcalc.spec.syntax import Network
from archcalc.spec.values import ExpressionError, Value
from archcalc.symbolic import replaced
from archcalc.variables import rebuilt
from archcalc.views import unsettled
from archcalc.walk import input_shape, require_dtype, walk, whole_batch
from archcalc.window import Window

# What is kept in memory hangs on whether a map is padded by the same on both sides, or is copied.
_IN_MEMORY = re.compile(r"\b(peak|training)_bytes\b")


class Case(NamedTuple):
    """A formula, and when it holds.

    Attributes:
        condition: a sympy condition on the symbols; true where it always holds.
        values: one expression, or one for each item where the quantity is a list.
    """

    condition: Any
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """A quantity in closed form.

    Attributes:
        quantity: in the language of `archcalc.claims.quantities`.
        is_list: whether it is a list, such as an output's shape.
        cases: of which exactly one holds.
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

    def at(self, values: Mapping[Any, Any]) -> list[Any]:
        """The number, or the numbers of a list, with values put in for its symbols."""
        given = {symbol: sympy.sympify(value) for symbol, value in values.items()}
        case = next(case for case in self.cases if case.condition.subs(given) == sympy.true)
        return [replaced(value, given) for value in case.values]


@dataclass(frozen=True, slots=True)
class Formulas:
    """Formulas of several quantities of one network.

    Attributes:
        graph: the network, with all that is not a symbol.
        formulas: in the order asked for.
        assumptions: what they take for granted, as it was written.
        first: for each symbol that shapes the graph, the least value that they hold for.
        equal: pairs of sizes that branches join, and that have to be equal.
    """

    graph: Graph
    formulas: tuple[Formula, ...]
    assumptions: tuple[str, ...]
    first: dict[str, int]
    equal: tuple[tuple[Any, Any], ...]

    def without_zeros(self) -> Formulas:
        """The same without the formulas that are 0 in every case."""
        kept = [f for f in self.formulas if any(any(case.values) for case in f.cases)]
        return replace(self, formulas=tuple(kept))


def derive_formulas(
    network: Network,
    quantities: Sequence[str],
    symbols: Sequence[str] | None = None,
    *,
    layer: str | None = None,
    input: Sequence[Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    assume: Sequence[str] = (),
    parameters: Mapping[str, Value] | None = None,
) -> Formulas:
    """The closed form of `quantities` in `symbols`.

    Args:
        quantities: in the language of `archcalc.claims.quantities`.
        symbols: parameters (`classes`, `depths[0]`) and sizes (`H`, `W`, of fewer or more axes
            `L` or `D`; `C` for the channels); None for all sizes, unless `input` is given;
            those that are free in it are free whether they are named or not.
        layer: the layer or block whose quantities they are; None for the network's.
        assume: such as `H%32==0` and `alpha>=0.25`.
        input, parameters: as for `archcalc.load`.

    Raises:
        UsageError: a symbol, a quantity or an assumption is malformed; or there is no closed form.
        SpecError, LayerError: as `archcalc.analyze`, at the network's own values.
    """
    require_dtype(dtype)
    batch = whole_batch(batch)
    shape = None if input is None else input_shape(input)
    graph = build_graph(network, input=shape, parameters=parameters)
    if layer is not None:
        whose = _whose(walk(graph, batch, dtype), layer)
        quantities = [f"{whose}.{quantity}" for quantity in quantities]
    sizes = [*graph.input.shape]
    free = {str(symbol): symbol for symbol in _free_symbols(sizes)}
    for label in symbols or ():
        if label in free and label in graph.parameters:
            raise UsageError(f"--symbols: {label} is a parameter and a size; call the size another")
    if symbols is None:
        symbols = [] if free or input is not None else size_labels(len(sizes) - 1)
    found = subjects([label for label in symbols if label not in free], graph)
    free |= {subject.label: subject.symbol for subject in found}
    replaced = replacements([read_assumption(text) for text in assume], free)
    derivation = _Derivation(graph, quantities, found, replaced, batch, dtype)
    formulas = derivation.formulas(tuple(free.values()))
    derivation.check(formulas)
    first = {s.label: derivation.first[s.label] for s in found if s.label in derivation.first}
    return Formulas(graph, formulas, tuple(assume), first, derivation.equal())


def _whose(analysis: Analysis, layer: str) -> str:
    """`layers[NAME]` or `blocks[NAME]`."""
    block = block_called(analysis, layer)
    return f"layers[{analysis.layer(layer).name}]" if block is None else f"blocks[{block}]"


def parts_of(graph: Graph, quantity: str) -> dict[str, str]:
    """The blocks and layers at the top level by their quantity, whose sum is the network's."""
    found = {}
    for node in graph.nodes:
        if not node.training_only:
            block = next(iter(graph.blocks_around(node.name)), None)
            part = f"layers[{node.name}]" if block is None else f"blocks[{block}]"
            found[f"{part}.{quantity}"] = block or node.name
    return found


class _Derivation:
    """Derives formulas of one network.

    Attributes:
        first: for each symbol that shapes the graph, the least value that the formulas hold for.
    """

    def __init__(
        self,
        graph: Graph,
        quantities: Sequence[str],
        found: Sequence[Subject],
        replaced: Sequence[Replacement],
        batch: int,
        dtype: str,
    ) -> None:
        self._graph = graph
        self._quantities = quantities
        self._subjects = found
        self._replaced = {r.symbol: r.expression for r in replaced}
        self._back = {r.inner: r.back for r in replaced}
        self._batch, self._dtype = batch, dtype
        self._maps: list[FeatureMap] = []
        self._lengths: list[int | None] = []
        self.first: dict[str, int] = {}
        self._equal: dict[tuple[Any, Any], None] = {}

    def equal(self) -> tuple[tuple[Any, Any], ...]:
        """Pairs of sizes that have to be equal wherever the formulas hold."""
        found: dict[tuple[Any, Any], None] = {}
        for pair in self._equal:
            sizes = [self._put_back(size, {}) for size in pair]
            m, n = (tidy(size, Sizes([[size]])) for size in sizes)
            if m != n:
                found[m, n] = None
        return tuple(found)

    def formulas(self, symbols: tuple[Any, ...]) -> tuple[Formula, ...]:
        """The formulas, case by case."""
        shaping = [subject for subject in self._subjects if self._shapes_the_graph(subject)]
        others: dict[Subject, Value] = {
            subject: self._replaced.get(subject.symbol, subject.symbol)
            for subject in self._subjects
            if subject not in shaping
        }
        for subject in shaping:
            if subject.symbol in self._replaced:
                raise UsageError(f"--assume: {subject.label} counts blocks: there is no need")
        found: list[tuple[Any, list[Any]]] = []
        for path, values in cases(lambda: self._at(others, shaping)):
            known = known_values(path)
            condition = sympy.And(*[c.as_relation() for c in path]).xreplace(self._back)
            sizes = Sizes([self._put_back(n, known) for n in m.sizes] for m in self._maps)
            found.append((condition, [tidy(self._put_back(v, known), sizes) for v in values]))
        return tuple(self._collected(found, symbols))

    def check(self, formulas: Iterable[Formula]) -> None:
        """Raises where a formula is not what the plain walk says, near the network's own values.

        Formulas are about positive values: where 0 gives another figure, `first` says 1.
        """
        own = {subject: subject.variable.own for subject in self._subjects}
        wrong = self._wrong_at(own, formulas)
        zeros = {subject: 1 for subject, value in own.items() if value == 0}
        if wrong and zeros:
            wrong = self._wrong_at(own | zeros, formulas)
            self.first |= {subject.label: 1 for subject in zeros}
        if wrong:
            raise ArchcalcError(f"{wrong}; please report this")

    def _wrong_at(
        self, setting: Mapping[Subject, Value], formulas: Iterable[Formula]
    ) -> str | None:
        values = {s: self._near(s.symbol, value) for s, value in setting.items()}
        sizes = {s: self._near(s, 2) for s in _free_symbols(self._graph.input.shape)}
        given = {**sizes, **{subject.symbol: value for subject, value in values.items()}}
        try:
            analysis = walk(self._built(values, sizes), self._batch, self._dtype)
        except (LayerError, SpecError):  # what is assumed need not hold for the network itself
            return None
        for formula in formulas:
            right = evaluate(formula.quantity, analysis, _no_other)
            found = formula.at(given)
            if found != (right if isinstance(right, list) else [right] * len(found)):
                return (
                    f"the formula of {formula.quantity} gives {found} at {given}, and the walk "
                    f"{right}"
                )
        return None

    def _near(self, symbol: Any, value: Value) -> Value:
        """`value`, or the next one that what is assumed allows, as a plain number."""
        if symbol not in self._replaced:
            return value
        expression = self._replaced[symbol]
        (inner,) = expression.free_symbols
        least = 1 if inner.is_positive else 0
        steps = max(least, sympy.ceiling(self._back[inner].subs(symbol, sympy.sympify(value))))
        found = expression.subs(inner, steps)
        return int(found) if found.is_Integer else Fraction(int(found.p), int(found.q))

    # ----- values at a point -----

    def _at(self, values: dict[Subject, Value], shaping: Sequence[Subject]) -> list[Any]:
        """All quantities, in the symbols that shape the graph and those among the values."""
        if not shaping:
            analysis = walk(self._built(values, self._replaced), self._batch, self._dtype)
            return self._evaluated(analysis)
        subject, *others = shaping
        found = interpolate(
            lambda number: self._at({**values, subject: number}, others), subject.symbol
        )
        self.first[subject.label] = max(found.first, self.first.get(subject.label, 0))
        return found.values

    def _built(self, values: Mapping[Subject, Value], sizes: Mapping[Any, Value]) -> Graph:
        """The network with `values` for subjects, and `sizes` for free sizes of its input."""
        given = {subject.variable: value for subject, value in values.items()}
        graph = rebuilt(self._graph, given)
        shape: Sequence[Any] = graph.input.shape
        known = [normal(n.subs(sizes)) if is_symbol(n) else n for n in shape]
        return replace(graph, input=input_shape(known))

    def _shapes_the_graph(self, subject: Subject) -> bool:
        """Whether the graph cannot be built with a symbol in its place, or never ends while what
        is asked about it holds, or does not: it counts how often a block calls itself."""

        def at_its_own(condition: Any) -> bool:
            return bool(condition.subs(subject.symbol, subject.variable.own) == sympy.true)

        try:
            with deciding(at_its_own):
                self._built({subject: subject.symbol}, {})
        except SpecError:
            return True
        return any(self._is_endless(subject, answer) for answer in (True, False))

    def _is_endless(self, subject: Subject, answer: bool) -> bool:
        try:
            with deciding(lambda _: answer):
                self._built({subject: subject.symbol}, {})
        except EndlessError:
            return True
        except SpecError:
            return False
        return False

    def _evaluated(self, analysis: Analysis) -> list[Any]:
        """All quantities, with lists item by item."""
        self._equal |= dict.fromkeys(_undecided_joins(analysis))
        self._maps = [analysis.input, *(layer.output for layer in analysis.layers)]
        found, lengths = [], []
        for quantity in self._quantities:
            if _IN_MEMORY.search(quantity):
                _require_settled(analysis, quantity)
            try:
                value = evaluate(quantity, analysis, _no_other)
            except ExpressionError as error:
                raise UsageError(f"{quantity}: {error}") from None
            items = value if isinstance(value, list) else [value]
            for item in items:
                if not _is_number(item):
                    raise UsageError(f"{quantity} is {item}, which no formula gives")
            lengths.append(len(items) if isinstance(value, list) else None)
            found += [sympy.sympify(item) for item in items]
        if self._lengths not in ([], lengths):
            raise UsageError("a figure is one number in some cases, and several in others")
        self._lengths = lengths
        return found

    # ----- from values to formulas -----

    def _put_back(self, value: Any, known: Mapping[Any, Any]) -> Any:
        """A value in the symbols that the user named."""
        return replaced(replaced(sympy.sympify(value), self._back), known)

    def _collected(
        self, found: list[tuple[Any, list[Any]]], symbols: tuple[Any, ...]
    ) -> Iterator[Formula]:
        """For each quantity its values, those that are the same in several cases once."""
        start = 0
        for quantity, length in zip(self._quantities, self._lengths, strict=True):
            end = start + (1 if length is None else length)
            by_value: dict[tuple[Any, ...], list[Any]] = {}
            for condition, values in found:
                by_value.setdefault(tuple(values[start:end]), []).append(condition)
            merged = tuple(
                Case(sympy.simplify(sympy.Or(*conditions)), values)
                for values, conditions in by_value.items()
            )
            yield Formula(quantity, length is not None, merged, symbols)
            start = end


def _piecewise(cases: Sequence[Case], values: Sequence[Any]) -> Any:
    if len(cases) == 1:
        return values[0]
    pairs = [(value, case.condition) for value, case in zip(values, cases, strict=True)]
    return sympy.Piecewise(*pairs)


def _is_number(item: Any) -> bool:
    if is_symbol(item):
        return not (item.is_Boolean or item.is_Relational)
    return isinstance(item, (int, Fraction)) and not isinstance(item, bool)


def _free_symbols(sizes: Iterable[Any]) -> list[Any]:
    found = {symbol for size in sizes if is_symbol(size) for symbol in size.free_symbols}
    return sorted(found, key=str)


def _no_other(text: str) -> Analysis:
    raise UsageError(f"networks[{text}]: a formula is of one network")


def _undecided_joins(analysis: Analysis) -> Iterator[tuple[Any, Any]]:
    """The sizes that have to be equal for a layer to join its branches, where symbols are free."""
    maps = analysis.maps
    for layer in analysis.layers:
        if isinstance(layer.node.layer, Join):
            first, *others = [maps[name].sizes for name in layer.inputs]
            for other in others:
                for m, n in zip(first, other, strict=False):
                    if sympy.expand(m - n).is_zero is None:
                        yield m, n


def _require_settled(analysis: Analysis, quantity: str) -> None:
    """Raises UsageError where it hangs on free sizes whether maps are padded alike, or copied."""
    copying = unsettled(analysis)
    if copying is not None:
        raise UsageError(
            f"{quantity} hangs on whether {copying} copies a map that was cut; give plain sizes"
        )
    for layer in analysis.layers:
        windows = layer.effect.windows
        for window in windows if isinstance(windows, tuple) else ():
            if not isinstance(window, Window) or certainly_equal(window.before, window.after):
                continue
            difference = sympy.sympify(window.after - window.before)
            if difference.is_zero is None:
                free = min(symbol.name for symbol in difference.free_symbols)
                raise UsageError(
                    f"{quantity} hangs on which sizes are even ({layer.name} pads `same`); "
                    f"say more of {free}, such as --assume {free}%32==0, or --set it"
                )
