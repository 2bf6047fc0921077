"""How torch lays maps out in memory: which are views, and what is copied for want of one.

Where torch can, it gives a map another shape in place. Behind a crop or a slice of the channels a
map has gaps; then another shape may take a copy, and some layers copy what they take in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import Node
from archcalc.layers import Extra, Storage
from archcalc.layers.effect import COPY
from archcalc.layers.joining import Elementwise
from archcalc.layers.linear import Linear
from archcalc.layers.operator import Taking
from archcalc.layers.steps_first import StepsFirst
from archcalc.layers.strides import Strides, strides_after
from archcalc.memory_use.held_gradient import AxisOrder, order_in_memory
from archcalc.memory_use.learning import same_inputs, there_once
from archcalc.memory_use.placed import Placed, made_by_value, without_gaps
from archcalc.quantity.arithmetic import Quantity, certainly_one, is_one
from archcalc.quantity.conditions import is_symbol, one_for_all


class Layout(NamedTuple):
    """Where the outputs of layers lie.

    Attributes:
        of: for each layer, and each input, the storage that its output lies in, called after the
            layer that made it.
        copies: what layers make beside their outputs, since their inputs have gaps.
        copied_inputs: of layers that reshape their inputs, what they copy of these, by number;
            `copies` has it together.
        overwriting: the layers that write where their first input lies.
        taking: how layers that put steps before images take their inputs, by number, where not as
            they lie.
        behind_gaps: the layers whose first input has gaps.
        repeated: the layers whose outputs are views in which a value stands for several.
        lying: how the axes of outputs lie that do not in their order.
        placed: where maps lie, where that had to be followed.
    """

    of: dict[str, str]
    copies: dict[str, Extra]
    copied_inputs: dict[str, dict[int, Extra]]
    overwriting: set[str]
    taking: dict[str, dict[int, Taking]]
    behind_gaps: set[str]
    repeated: set[str]
    lying: dict[str, AxisOrder]
    placed: Mapping[str, Placed]


def layout(
    analysis: Analysis,
    *,
    at_inference: bool,
    in_place: bool = False,
    within: Mapping[str, int] | None = None,
) -> Layout:
    """Where the outputs of the layers lie that run at inference, or in training.

    Where sizes are free, or arrays, every layer that can be a view is one.

    Args:
        in_place: activations and sums overwrite their first input where nothing else needs what
            lies there, the layer itself included.
        within: storages that lie in a larger one: how many values apart their images lie.
    """
    layers = analysis.inference_layers if at_inference else analysis.used_layers
    shared = {Storage.SHARED, *([Storage.SHARED_AT_INFERENCE] if at_inference else [])}
    maps = analysis.maps
    of = {name: name for name in analysis.graph.inputs}
    placing = _placing(analysis, layers, within or {})
    placed = {} if placing is None else placing.placed
    found = Layout(of, {}, {}, set(), {}, set(), set(), {}, placed)
    overwriting = _Overwriting(analysis, layers, found) if in_place else None
    for number, layer in enumerate(layers):
        if not layer.inputs:
            found.of[layer.name] = layer.name
            if placing is not None:
                placing.place_source(layer.name)
            continue
        source = layer.inputs[0]
        stays = layer.effect.storage in shared
        if stays and placing is not None:
            stays = placing.can_stay(layer)
        elif stays:
            stays = layer.node.layer.can_stay(maps[source])
        if stays and (source in found.repeated or layer.node.layer.spreads):
            found.repeated.add(layer.name)
        if not stays and overwriting is not None and overwriting.may(layer, number):
            stays = True
            found.overwriting.add(layer.name)
        found.of[layer.name] = found.of[source] if stays else layer.name
        if overwriting is not None:
            overwriting.there.setdefault(found.of[layer.name], []).append(layer.name)
        if placing is not None:
            if placing.takes_gaps(layer):
                found.behind_gaps.add(layer.name)
            of_inputs = placing.copied_inputs(layer)
            if of_inputs:
                found.copied_inputs[layer.name] = {
                    n: Extra(COPY, values) for n, values in of_inputs.items()
                }
            copied = placing.place(layer, stays, at_inference) + sum(of_inputs.values())
            if copied:
                found.copies[layer.name] = Extra(COPY, copied)
            order = placing.order_of(layer)
            if order is not None:
                found.lying[layer.name] = order
        kind = layer.node.layer
        if isinstance(kind, StepsFirst):
            _take_steps(kind, layer, analysis, placing, found, at_inference=at_inference)
    return found


def _take_steps(
    kind: StepsFirst,
    layer: LayerAnalysis,
    analysis: Analysis,
    placing: _Placing | None,
    found: Layout,
    *,
    at_inference: bool,
) -> None:
    """Finds how a layer that puts steps before images takes its inputs, and what it makes more."""
    name = layer.name
    taking = _taking_anyway(layer, analysis) if placing is None else placing.taking(layer)
    found.taking[name] = taking
    inputs = [analysis.maps[source] for source in layer.inputs]
    same = same_inputs(layer, analysis)
    made = kind.made_by_taking(inputs, taking, same, at_inference=at_inference)
    if made is not None:
        found.copies[name] = made
    kept = kind.kept_by_taking(inputs, taking, same)
    if kept and not at_inference:
        found.copied_inputs[name] = dict(kept)


def _taking_anyway(layer: LayerAnalysis, analysis: Analysis) -> dict[int, Taking]:
    """How a layer takes inputs without gaps, at free sizes, that puts steps before images."""
    if certainly_one(analysis.batch):
        return {}
    how = Taking.COPIED_IN_ORDER if layer.node.trainable else Taking.APART_IN_ORDER
    several = [n for n, x in enumerate(layer.inputs) if not is_one(analysis.maps[x].channels)]
    return dict.fromkeys(several, how)


class _Overwriting:
    """Tells which layers may write where their first input lies.

    Attributes:
        there: the layers whose outputs lie in each storage, of those that have run.
    """

    def __init__(self, analysis: Analysis, layers: Sequence[LayerAnalysis], found: Layout) -> None:
        """`found` says where the outputs of the layers lie that have run."""
        self.there: dict[str, list[str]] = {}
        self._maps = analysis.maps
        self._inputs = analysis.graph.inputs
        self._outputs = {*analysis.graph.outputs}
        self._of, self._repeated = found.of, found.repeated
        self._last_read = {name: n for n, layer in enumerate(layers) for name in layer.inputs}

    def may(self, layer: LayerAnalysis, number: int) -> bool:
        """Whether nothing needs what lies there, once the layer, the number `number`, has run."""
        first, *others = layer.inputs
        storage = self._of[first]
        can = layer.node.layer.in_place and self._maps[first] == layer.output
        if not can or storage in self._inputs or first in self._repeated:
            return False
        if any(self._of[name] == storage for name in others):
            return False
        return not any(
            name in self._outputs or self._last_read.get(name, -1) > number
            for name in self.there[storage]
        )


def _shapes(analysis: Analysis) -> dict[str, tuple[Any, ...]]:
    """The shapes of all maps, with the batch."""
    once = there_once(analysis)
    return {
        name: (
            (1 if name in once else analysis.batch) * x.items,
            *[n if is_symbol(n) else one_for_all(n) for n in x.shape],
        )
        for name, x in analysis.maps.items()
    }


def _placing(
    analysis: Analysis, layers: Iterable[LayerAnalysis], within: Mapping[str, int]
) -> _Placing | None:
    """Follows where maps lie; None where nothing has gaps, or sizes are not plain numbers."""
    kinds = [layer.node.layer for layer in layers]
    minding = [
        kind for kind in kinds if kind.may_leave_gaps or kind.steps_first or kind.reshapes_inputs
    ]
    if not within and not minding:
        return None
    shapes = _shapes(analysis)
    if not all(isinstance(n, int) for shape in shapes.values() for n in shape):
        return None
    return _Placing(shapes, within, analysis)


class _Placing:
    """Where each map lies in memory (`placed`), layer by layer."""

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        within: Mapping[str, int],
        analysis: Analysis,
    ) -> None:
        self._maps = analysis.maps
        self._shapes = shapes
        self._within = within
        self.placed = {name: without_gaps(shapes[name]) for name in analysis.graph.inputs}

    def can_stay(self, layer: LayerAnalysis) -> bool:
        """Whether what a layer that moves no values puts out can stay where its input lies."""
        return self._strides(layer) is not None

    def takes_gaps(self, layer: LayerAnalysis) -> bool:
        """Whether the first input of a layer has gaps, in the order in which it takes that."""
        source = self.placed[layer.inputs[0]]
        steps_first = layer.node.layer.steps_first
        return (_in_order_of_steps(source) if steps_first else source).has_gaps()

    def taking(self, layer: LayerAnalysis) -> dict[int, Taking]:
        """How a layer takes its inputs that puts steps before images, where not as they lie."""
        found = {}
        for number, name in enumerate(layer.inputs):
            source = _in_order_of_steps(self.placed[name])
            if source.has_gaps():
                steps, images, inputs = source.shape
                # Its product is one of matrices; one for each step, unless the weight learns.
                matrix = strides_after(*source, (steps * images, inputs))
                copied = layer.node.trainable and matrix is None
                found[number] = Taking.COPIED if copied else Taking.APART
        return found

    def copied_inputs(self, layer: LayerAnalysis) -> dict[int, int]:
        """The inputs that a layer copies which sees them under other shapes: values of an image."""
        kind = layer.node.layer
        if not kind.reshapes_inputs:
            return {}
        shapes, strides = zip(*[self.placed[name] for name in layer.inputs], strict=True)
        return {n: values // layer.batch for n, values in kind.copied_inputs(shapes, strides)}

    def order_of(self, layer: LayerAnalysis) -> AxisOrder:
        """How the axes of what a layer puts out lie, once that is placed."""
        return order_in_memory(*self.placed[layer.name], layer.batch)

    def place_source(self, name: str) -> None:
        """Places what a layer without an input puts out."""
        self.placed[name] = without_gaps(self._shapes[name])

    def place(self, layer: LayerAnalysis, stays: bool, at_inference: bool) -> Quantity:
        """Places what a layer puts out; the values of each image that it copies for it."""
        source, shape = self.placed[layer.inputs[0]], self._shapes[layer.name]
        kind, x = layer.node.layer, self._maps[layer.inputs[0]]
        strides = self._strides(layer) if stays else None
        if strides is None:
            shape, strides = without_gaps(shape)
            strides = (self._within.get(layer.name, strides[0]), *strides[1:])
            if kind.steps_first:
                strides = _steps_first(without_gaps(_steps_first(shape)).strides)
            elif kind.orders_as_input(x) and layer.name not in self._within:
                by = self._combined(layer) if kind.pointwise else [Placed(shape, source.strides)]
                strides = made_by_value(by).strides
        self.placed[layer.name] = Placed(shape, strides)
        if not source.has_gaps() or kind.steps_first:
            return 0
        return x.items * _copied(layer.node, source, prod(shape[1:]), at_inference)

    def _combined(self, layer: LayerAnalysis) -> list[Placed]:
        """The inputs of a layer, in the order in which it combines them."""
        names, kind = layer.inputs, layer.node.layer
        if isinstance(kind, Elementwise):
            maps = [self._maps[name] for name in names]
            names = tuple([names[number] for number in kind.order_of(maps, layer.output)])
        return [self.placed[name] for name in names]

    def _strides(self, layer: LayerAnalysis) -> Strides | None:
        """Those of the input under the shape of the output; None where there are none."""
        source = self.placed[layer.inputs[0]]
        x = self._maps[layer.inputs[0]]
        return layer.node.layer.view_strides(*source, self._shapes[layer.name], x)


def _copied(node: Node, source: Placed, outputs: int, at_inference: bool) -> int:
    """The values, for each item, of what a layer makes beside its output of an input with gaps.

    Source: torch, `at::group_norm` and `at::linear`
    (aten/src/ATen/native/group_norm.cpp, Linear.cpp, LinearAlgebra.cpp).
    """
    layer, inputs = node.layer, prod(source.shape[1:])
    if layer.closes_gaps:
        return inputs
    if not isinstance(layer, Linear) or len(source.shape) == 2:
        return 0
    *leading, rows, last = source.shape
    # The product is one of matrices; one for each image, unless the weight has a gradient.
    learned = node.trainable and not (at_inference and layer.weight_norm)
    matrix = (prod(leading) * rows, last) if learned else (prod(leading), rows, last)
    copied = inputs if strides_after(*source, matrix) is None else 0
    # The bias is added to the product, in a tensor of its own.
    return max(copied, outputs) if at_inference and layer.bias else copied


def _in_order_of_steps(source: Placed) -> Placed:
    """A map with its first axis before the images."""
    return Placed(_steps_first(source.shape), _steps_first(source.strides))


def _steps_first(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Shape or strides of a map with its first axis before the images; of a vector as they are."""
    return axes if len(axes) < 3 else (axes[1], axes[0], *axes[2:])
