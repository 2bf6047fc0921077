"""How the figures of a network grow with its width, its depth and its resolution.

Each way to make a network larger is carried out, exactly, and what comes of it compared: the
ratio after doubling, the exponent that amounts to, and the degree of the polynomial in the factor,
which the exponent approaches. What width, depth and resolution are is said by the spec (`scaling`).
Where it is not, width is the channels of all layers, resolution the sizes of the input, and depth
is guessed: parameters that repeat layers which are there already.
Source: Tan & Le 2019 (arXiv:1905.11946), section 3.1, equation 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm, log2
from typing import TypeAlias

from archcalc.analysis import Analysis, require_numbers
from archcalc.errors import LayerError, SpecError, UsageError
from archcalc.figures.language import evaluate
from archcalc.figures.of_network import weight_layers
from archcalc.graph import Graph, inputs_text
from archcalc.layers import Layer
from archcalc.parametric.variables import Variable, rebuilt, variable
from archcalc.parametric.widening import layers_of_classes, widened
from archcalc.quantity.at_least import is_open
from archcalc.record import Record
from archcalc.spec.conversions import shown
from archcalc.spec.keys import WAYS
from archcalc.spec.labels import size_labels
from archcalc.spec.values import ExpressionError, Value
from archcalc.walk import walk

QUANTITIES = (
    "params", "kinds[conv].weights", "kinds[linear].weights", "macs", "other_ops",
    "lecture_bytes", "peak_bytes", "training_bytes", "weight_layers",
)  # fmt: skip
DEEPER = 2.05  # times as many layers with weights on a path: more is not twice as deep
_POINTS = 6  # which determine a polynomial of degree 3, and leave two to check it
_LAYERS = 600  # of a network that is walked to see what a figure comes to


class Growth(Record):
    """How one figure grows.

    Attributes:
        ratio: after doubling, to what it is now; None where it is 0.
        degree: of the polynomial in the factor that it is; None where it is none.
    """

    ratio: Fraction | None
    degree: int | None

    @property
    def exponent(self) -> float | None:
        """Of the power of the factor that the ratio amounts to; None where it is none."""
        return None if self.ratio is None or self.ratio <= 0 else log2(self.ratio)


class Way:
    """A way to make a network larger, which was found to be possible.

    Attributes:
        name: one of `WAYS`, or of a variable.
        now: the network.
        is_guess: whether the spec does not say what the way is, and it might be another.
        doubled: the network after doubling.

    Args:
        variables: what is multiplied; if nothing, the channels and features of all layers.

    Raises:
        UsageError: the network cannot grow that way; a layer refuses what becomes of its input.
    """

    def __init__(
        self,
        analysis: Analysis,
        name: str,
        variables: Sequence[Variable] = (),
        *,
        is_guess: bool = False,
    ) -> None:
        self.name, self.now, self.is_guess = name, analysis, is_guess
        self._variables = variables
        if variables and not any(n for one in variables for n in one.values):
            raise UsageError(f"{name} is {shown(variables[0].own)}, and so twice that", "by")
        try:
            self.doubled = self.times(2)
        except LayerError as error:
            raise UsageError(f"{analysis.name} at twice the {name}: {error}") from None

    def times(self, factor: int | Fraction) -> Analysis:
        """The network made larger by a factor that leaves whole numbers whole.

        Raises:
            SpecError: there is no such network.
            LayerError: a layer refuses what becomes of its input.
        """
        if self._variables:
            graph = _with_times(self.now.graph, factor, self._variables)
        else:
            graph = widened(self.now, int(factor))
        return walk(graph, self.now.batch, self.now.dtype)

    @property
    def change(self) -> str:
        """What doubling changes, in words."""
        if not self._variables:
            but = layers_of_classes(self.now)
            is_module = self.doubled.input.channels != self.now.input.channels
            kept = f" but {', '.join(but)}" if but else ""
            return f"channels and features of all layers{' and the input' if is_module else kept}"
        if any(one.parameter is None for one in self._variables):
            return inputs_text(self.doubled.graph.inputs)
        before, after = self.now.graph.parameters, self.doubled.graph.parameters
        return ", ".join(f"{k} = {_text(after[k])}" for k in after if after[k] != before[k])

    def growth(self, quantities: Sequence[str]) -> dict[str, Growth]:
        """How the quantities grow.

        Raises:
            UsageError: a quantity is malformed, or no plain number.
        """
        now, then = figures(self.now, quantities), figures(self.doubled, quantities)
        rows = self._along(quantities)
        return {
            quantity: Growth(
                ratio=Fraction(then[quantity], now[quantity]) if now[quantity] else None,
                degree=_degree([row[quantity] for row in rows]),
            )
            for quantity in quantities
        }

    def _along(self, quantities: Sequence[str]) -> list[dict[str, int]]:
        """The figures at equal distances, as many as it takes to find the degrees of polynomials.

        Empty where they become too large to compute.
        """
        for factors in self._factors():
            rows: list[dict[str, int]] = []
            with suppress(SpecError, LayerError):
                for factor in factors:
                    rows.append(figures(self.times(factor), quantities))
                    if all(_degree([row[q] for row in rows]) is not None for q in quantities):
                        break
                return rows
        return []

    def _factors(self) -> Iterator[list[Fraction]]:
        """Factors at equal distances, the best first: large ones.

        So large that a peak has come to stay with one layer, and that a width that stops to grow
        has stopped; where they make more layers, as large as a walk of them is quick. Widths and
        sizes take multiples of a power of two, which halve without a rest, fractions those that
        make whole numbers.
        """
        more = len(self.doubled.layers) - len(self.now.layers)
        if more:
            counts = [n for one in self._variables for n in one.values if isinstance(n, int)]
            step = Fraction(1, gcd(*counts) or 1)
            for start in (_LAYERS // abs(more) + 1, 1):
                yield [start + step * k for k in range(_POINTS)]
            return
        if not self._variables:
            step, large = Fraction(8), 2**10
        elif self._variables[0].parameter is None:
            step, large = Fraction(32), 2**8
        else:
            fractions = [Fraction(n) for one in self._variables for n in one.values]
            step, large = Fraction(lcm(*[n.denominator for n in fractions])), 2**14
        for start in (large, 1):
            yield [step * (start + k) for k in range(_POINTS)]


Growths: TypeAlias = Mapping[Way, Mapping[str, Growth]]  # of the same quantities in each way


def way_called(analysis: Analysis, name: str) -> Way:
    """The way to make a network larger with that name.

    It is a parameter, an item of a list or a size of the input (`alpha`, `depths[2]`, `H`), or
    else one of `WAYS`, which a parameter of that name hides.

    Raises:
        UsageError: there is no such way; or as `Way`.
    """
    if name in WAYS and name not in analysis.graph.parameters:
        return _own_way(analysis, name)
    return Way(analysis, name, [variable(name, analysis.graph, "by", others=WAYS)])


def possible_ways(analysis: Analysis) -> list[Way]:
    """Those of `WAYS` that the network can grow."""
    found = []
    for name in WAYS:
        with suppress(UsageError, SpecError):
            found.append(_own_way(analysis, name))
    return found


def _own_way(analysis: Analysis, name: str) -> Way:
    """The one of `WAYS`: as the spec says it, or else by rule, or by a guess."""
    graph = analysis.graph
    labels = graph.network.scaling.get(name)
    if labels is not None:
        variables = [variable(label.text, graph, f"scaling, {name}") for label in labels]
        hidden = graph.given and any(one.parameter is not None for one in variables)
        if name != "resolution" or not hidden:  # a given input stays, whatever parameters say
            return Way(analysis, name, variables)
    if name == "width":
        return Way(analysis, name)
    if name == "resolution":  # of three axes one may be time, or all may be alike
        return Way(analysis, name, _sizes(graph), is_guess=len(graph.input.sizes) > 2)
    return Way(analysis, name, _depths(graph), is_guess=True)


def _with_times(graph: Graph, factor: int | Fraction, variables: Sequence[Variable]) -> Graph:
    return rebuilt(graph, {one: _times(one.own, factor) for one in variables})


def _depths(graph: Graph) -> list[Variable]:
    """The parameters that seem to say how deep the network is.

    With twice as much it is deeper and has the layers that it had, and with three times as much no
    others: an expansion that adds a layer where it is not 1 makes layers wider, and each level of a
    U-Net brings its own. Of such whose blocks stand in one another, those that make the network
    twice as deep: doubling all would make it four times as deep.

    Raises:
        UsageError: there is none.
    """
    found: list[Variable] = []
    deepens = []
    own = walk(graph, 1, "float32")
    now = reached = _depth(own)
    for name, value in graph.parameters.items():
        one = Variable(name, name, None, value)
        twice = _grown(graph, 2, [*found, one]) if _is_count(one) else None
        depth = 0 if twice is None else _depth(twice)
        if twice is not None and depth > reached:
            deepens.append(name)
            thrice = _grown(graph, 3, [*found, one])
            repeats = thrice is not None and _weighted(own) <= _weighted(twice) >= _weighted(thrice)
            if repeats and depth <= DEEPER * now:
                found.append(one)
                reached = depth
    if found:
        return found
    also = f"; try {deepens[0]} instead, or say it in the spec" if deepens else ""
    raise UsageError(
        f"{graph.name} does not say what its depth is (`scaling`), and no parameter repeats the "
        f"layers that it has{also}"
    )


def _grown(graph: Graph, factor: int, variables: Sequence[Variable]) -> Analysis | None:
    """The network with the variables times a factor; None where there is none."""
    try:
        return walk(_with_times(graph, factor, variables), 1, "float32")
    except (SpecError, LayerError):
        return None


def _weighted(analysis: Analysis) -> set[Layer]:
    """The layers with weights, each once however often it stands there."""
    layers = (layer.node.layer for layer in analysis.layers)
    return {layer for layer in layers if layer.is_weight_layer}


def figures(analysis: Analysis, quantities: Sequence[str]) -> dict[str, int]:
    """The quantities of a network.

    Raises:
        UsageError: one is malformed, or no plain number; the network has free sizes.
    """
    require_numbers(analysis)
    found = {}
    for quantity in quantities:
        try:
            value = evaluate(quantity, analysis)
        except ExpressionError as error:
            raise UsageError(f"{quantity}: {error}") from None
        if is_open(value):
            raise UsageError(f"{quantity} is {value}: how it grows depends on costs not known")
        if not isinstance(value, int) or isinstance(value, bool):
            raise UsageError(f"{quantity} is {value}, not a plain number")
        found[quantity] = value
    return found


def known_figures(
    analysis: Analysis, quantities: Sequence[str]
) -> tuple[dict[str, int], dict[str, str]]:
    """Those of the quantities that are known, and for each other one why it is not.

    Raises:
        UsageError: the network has free sizes, or none of them is known.
    """
    require_numbers(analysis)
    known: dict[str, int] = {}
    unknown: dict[str, str] = {}
    for quantity in quantities:
        try:
            known |= figures(analysis, [quantity])
        except UsageError as error:
            unknown[quantity] = str(error)
    if not known:
        raise UsageError(next(iter(unknown.values())))
    return known, unknown


def _degree(values: Sequence[int]) -> int | None:
    """The degree of the polynomial that takes these values at equal distances."""
    for degree in range(len(values) - 2):
        values = [b - a for a, b in pairwise(values)]
        if not any(values):
            return degree
    return None


def _sizes(graph: Graph) -> list[Variable]:
    """The sizes of the image, and those of other inputs that are as large."""
    if not graph.input.sizes:
        raise UsageError(f"{graph.name} takes a vector, which has no resolution")
    labels, image = size_labels(len(graph.input.sizes)), graph.first_input
    alike = [name for name, x in graph.inputs.items() if x.sizes == graph.input.sizes]
    return [
        Variable(label if name == image else f"{name}[{number}]", None, number, size, name)
        for name in alike
        for number, (label, size) in enumerate(zip(labels, graph.input.sizes, strict=True), 1)
    ]


def _is_count(one: Variable) -> bool:
    return bool(one.values) and all(type(item) is int and item > 0 for item in one.values)


def _depth(analysis: Analysis) -> int:
    """Layers with weights on the longest path; at least 1."""
    return max(1, weight_layers(analysis))


def _text(value: Value) -> str:
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, list) else str(value)


def _times(value: Value, factor: int | Fraction) -> Value:
    if isinstance(value, list):
        return [_times(item, factor) for item in value]
    product = value * factor
    return int(product) if product == int(product) else product
