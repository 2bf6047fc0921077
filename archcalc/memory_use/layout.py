"""How torch lays maps out in memory: which are views, and what is copied for want of one.

Where torch can, it gives a map another shape in place. Behind a crop or a slice of the channels a
map has gaps; then another shape may take a copy, and some layers copy what they take in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from archcalc.analysis import Analysis
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import Node
from archcalc.layers import Extra, Layer, Storage
from archcalc.layers.joining import Elementwise
from archcalc.layers.linear import Linear
from archcalc.layers.reshaping import InOrder
from archcalc.layers.strides import Strides, dense_strides, strides_after
from archcalc.memory_use.learning import there_once
from archcalc.quantity.arithmetic import Quantity, smallest
from archcalc.quantity.conditions import is_symbol, one_for_all

if TYPE_CHECKING:
    from archcalc.layers.recurrent import Recurrent

COPY = "copy of its input"


class Layout(NamedTuple):
    """Where the outputs of layers lie.

    Attributes:
        of: for each layer, and each input, the storage that its output lies in, called after the
            layer that made it.
        copies: what layers make beside their outputs, since their inputs have gaps.
        copied_inputs: of layers that reshape their inputs, what they copy of these, by number;
            `copies` has it together.
        overwriting: the layers that write where their first input lies.
        behind_gaps: the layers whose first input has gaps.
        repeated: the layers whose outputs are views in which a value stands for several.
    """

    of: dict[str, str]
    copies: dict[str, Extra]
    copied_inputs: dict[str, dict[int, Extra]]
    overwriting: set[str]
    behind_gaps: set[str]
    repeated: set[str]


class _Placed(NamedTuple):
    """A map in memory, with the batch."""

    shape: tuple[int, ...]
    strides: Strides

    def has_gaps(self) -> bool:
        dense = _without_gaps(self.shape).strides
        return any(n > 1 and a != b for n, a, b in zip(*self, dense, strict=True))


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
    found = Layout({name: name for name in analysis.graph.inputs}, {}, {}, set(), set(), set())
    placing = _placing(analysis, layers, within or {})
    overwriting = _Overwriting(analysis, layers, found) if in_place else None
    for number, layer in enumerate(layers):
        if not layer.inputs:
            found.of[layer.name] = layer.name
            if placing is not None:
                placing.place_source(layer.name)
            continue
        source = layer.inputs[0]
        stays = layer.effect.storage in shared and layer.node.layer.can_stay(maps[source])
        if stays and placing is not None:
            stays = placing.can_stay(layer)
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
        else:
            copied = _copied_anyway(layer, analysis, at_inference)
        if type(copied) is not int or copied:
            found.copies[layer.name] = Extra(COPY, copied)
    return found


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


def unsettled(analysis: Analysis) -> str | None:
    """A layer of which free sizes leave open whether it copies; None if there is none."""
    if not any(is_symbol(n) for x in analysis.maps.values() for n in x.shape):
        return None
    with_gaps: set[str] = set()
    maps = analysis.maps
    for layer in analysis.layers:
        behind_gaps = bool(layer.inputs) and layer.inputs[0] in with_gaps
        kind = layer.node.layer
        if kind.reshapes_inputs:
            x, *others = [maps[name].shape[:-2] for name in layer.inputs]
            if any(other != x for other in others) or not with_gaps.isdisjoint(layer.inputs):
                return layer.name
        if behind_gaps and _minds_gaps(kind, maps[layer.inputs[0]]):
            return layer.name
        is_view = layer.effect.storage is not Storage.OWN
        between_images = kind.steps_first and layer.output.sizes and analysis.batch != 1
        if between_images or (is_view and (behind_gaps or kind.leaves_gaps)):
            with_gaps.add(layer.name)
    return None


def _minds_gaps(kind: Layer, x: FeatureMap) -> bool:
    """Whether a layer may copy an input that has gaps, or make more of it."""
    if isinstance(kind, Linear):
        return bool(x.sizes)  # rows that lie apart make a matrix too
    return kind.steps_first or kind.closes_gaps or isinstance(kind, InOrder)


def _shapes(analysis: Analysis) -> dict[str, tuple[Any, ...]]:
    """The shapes of all maps, with the batch."""
    once = there_once(analysis)
    return {
        name: ((1 if name in once else analysis.batch) * x.items, *map(one_for_all, x.shape))
        for name, x in analysis.maps.items()
    }


def _placing(
    analysis: Analysis, layers: Iterable[LayerAnalysis], within: Mapping[str, int]
) -> _Placing | None:
    """Follows where maps lie; None where nothing has gaps, or sizes are not plain numbers."""
    kinds = [layer.node.layer for layer in layers]
    minding = [
        kind for kind in kinds if kind.leaves_gaps or kind.steps_first or kind.reshapes_inputs
    ]
    if not within and not minding:
        return None
    shapes = _shapes(analysis)
    if not all(isinstance(n, int) for shape in shapes.values() for n in shape):
        return None
    return _Placing(shapes, within, analysis)


class _Placing:
    """Where each map lies in memory, layer by layer."""

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        within: Mapping[str, int],
        analysis: Analysis,
    ) -> None:
        self._maps = analysis.maps
        self._shapes = shapes
        self._within = within
        self._placed = {name: _without_gaps(shapes[name]) for name in analysis.graph.inputs}

    def can_stay(self, layer: LayerAnalysis) -> bool:
        """Whether what a layer that moves no values puts out can stay where its input lies."""
        return self._strides(layer) is not None

    def takes_gaps(self, layer: LayerAnalysis) -> bool:
        """Whether the first input of a layer has gaps, in the order in which it takes that."""
        source = self._placed[layer.inputs[0]]
        steps_first = layer.node.layer.steps_first
        return (_in_order_of_steps(source) if steps_first else source).has_gaps()

    def copied_inputs(self, layer: LayerAnalysis) -> dict[int, int]:
        """The inputs that a layer copies which sees them under other shapes: values of an image."""
        kind = layer.node.layer
        if not kind.reshapes_inputs:
            return {}
        shapes, strides = zip(*[self._placed[name] for name in layer.inputs], strict=True)
        return {n: values // layer.batch for n, values in kind.copied_inputs(shapes, strides)}

    def place_source(self, name: str) -> None:
        """Places what a layer without an input puts out."""
        self._placed[name] = _without_gaps(self._shapes[name])

    def place(self, layer: LayerAnalysis, stays: bool, at_inference: bool) -> Quantity:
        """Places what a layer puts out; the values of each image that it copies for it."""
        source, shape = self._placed[layer.inputs[0]], self._shapes[layer.name]
        kind, x = layer.node.layer, self._maps[layer.inputs[0]]
        strides = self._strides(layer) if stays else None
        if strides is None:
            shape, strides = _without_gaps(shape)
            strides = (self._within.get(layer.name, strides[0]), *strides[1:])
            if kind.steps_first:
                strides = _steps_first(_without_gaps(_steps_first(shape)).strides)
            elif kind.orders_as_input(x) and layer.name not in self._within:
                by = self._combined(layer) if kind.pointwise else [_Placed(shape, source.strides)]
                strides = _made_by_value(by).strides
        self._placed[layer.name] = _Placed(shape, strides)
        if _is_recurrent(kind):
            return _made_of_steps(layer.node, kind, _in_order_of_steps(source), at_inference)
        if not source.has_gaps():
            return 0
        return _copied(layer.node, source, prod(shape[1:]), at_inference)

    def _combined(self, layer: LayerAnalysis) -> list[_Placed]:
        """The inputs of a layer, in the order in which it combines them."""
        names, kind = layer.inputs, layer.node.layer
        if isinstance(kind, Elementwise):
            maps = [self._maps[name] for name in names]
            names = tuple([names[number] for number in kind.order_of(maps, layer.output)])
        return [self._placed[name] for name in names]

    def _strides(self, layer: LayerAnalysis) -> Strides | None:
        """Those of the input under the shape of the output; None where there are none."""
        source = self._placed[layer.inputs[0]]
        return layer.node.layer.view_strides(*source, self._shapes[layer.name])


def _copied(node: Node, source: _Placed, outputs: int, at_inference: bool) -> int:
    """The values, for each image, of what a layer makes beside its output of an input with gaps.

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


def _is_recurrent(kind: Layer) -> TypeGuard[Recurrent]:
    if not kind.steps_first:
        return False
    from archcalc.layers.recurrent import Recurrent  # which few networks need

    return isinstance(kind, Recurrent)


def _made_of_steps(node: Node, kind: Recurrent, source: _Placed, at_inference: bool) -> Quantity:
    """The values, for each image, that a recurrent layer makes more of steps with gaps."""
    if not source.has_gaps():
        return 0
    steps, images, inputs = source.shape
    x = FeatureMap(steps, (inputs,))
    # Its product is one of matrices; one for each step, unless the weight has a gradient.
    as_matrix = not node.trainable or strides_after(*source, (steps * images, inputs)) is not None
    if as_matrix and not kind.recurrence_on(x).by_one_kernel:
        return kind.made_by_bias_apart(x) if at_inference else 0
    return kind.made_by_copying(x, at_inference=at_inference)


def _without_gaps(shape: tuple[int, ...]) -> _Placed:
    return _Placed(shape, dense_strides(shape))


def _made_by_value(sources: Sequence[_Placed]) -> _Placed:
    """A new map that torch computes value by value from others, two at a time.

    Source: torch, `TensorIteratorBase::reorder_dimensions` (aten/src/ATen/TensorIterator.cpp).
    """
    first, *others = sources
    pairs: list[tuple[_Placed, ...]] = [(first, other) for other in others] or [(first,)]
    found = first
    for _, *other in pairs:
        found = _in_their_order([found, *other])
    return found


def _in_their_order(sources: Sequence[_Placed]) -> _Placed:
    """A map whose axes lie in the order of those of others, one value along an axis for all."""
    shape = tuple(map(max, zip(*[source.shape for source in sources], strict=True)))
    along = [
        [
            step if n == m else 0
            for n, m, step in zip(source.shape, shape, source.strides, strict=True)
        ]
        for source in sources
    ]
    closest = [*reversed(range(len(shape)))]
    for start in range(1, len(closest)):
        at = start
        for before in reversed(range(start)):
            later = _lies_before(closest[before], closest[at], shape, along)
            if later is False:
                break
            if later:
                closest[before], closest[at] = closest[at], closest[before]
                at = before
    strides, step = [0] * len(shape), 1
    for axis in closest:
        strides[axis] = step
        step *= shape[axis]
    return _Placed(shape, tuple(strides))


def _lies_before(
    one: int, other: int, shape: Sequence[int], along: Sequence[Sequence[int]]
) -> bool | None:
    """Whether values along `other` lie closer than along `one`; None where nothing tells it."""
    for strides in along:
        a, b = strides[one], strides[other]
        if a and b and (a != b or shape[one] > shape[other]):
            return a >= b
    return None


def _in_order_of_steps(source: _Placed) -> _Placed:
    """A map with its first axis before the images."""
    return _Placed(_steps_first(source.shape), _steps_first(source.strides))


def _steps_first(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Shape or strides of a map with its first axis before the images; of a vector as they are."""
    return axes if len(axes) < 3 else (axes[1], axes[0], *axes[2:])


def _copied_anyway(layer: LayerAnalysis, analysis: Analysis, at_inference: bool) -> Quantity:
    """The values of each image that a layer copies of an input without gaps, at free sizes."""
    kind = layer.node.layer
    if not kind.steps_first or analysis.batch == 1:
        return 0
    x = analysis.maps[layer.inputs[0]]
    several = smallest(1, x.channels - 1)  # 0 where there is but one step, and so one order
    return several * kind.made_by_copying(x, at_inference=at_inference)
