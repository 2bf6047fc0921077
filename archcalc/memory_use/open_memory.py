"""What leaves memory open: free sizes, by which a layer copies its input or not; and data types."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from archcalc.analysis import Analysis
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers import Layer, Storage
from archcalc.layers.layer import Category
from archcalc.layers.linear import Linear
from archcalc.layers.operator import Taking
from archcalc.layers.reshaping import InOrder
from archcalc.layers.steps_first import StepsFirst
from archcalc.memory_use.layout import layout
from archcalc.memory_use.learning import circumstances, learning, same_inputs, there_once
from archcalc.quantity.arithmetic import certainly_one, is_one
from archcalc.quantity.conditions import is_symbol
from archcalc.window import Window


def why_memory_is_open(analysis: Analysis) -> str | None:
    """Why peak and training memory are not known, or no formulas in the free sizes; None if so."""
    unknown = why_memory_is_unknown(analysis, analysis.dtype)
    if unknown is not None:
        return unknown
    copying = unsettled(analysis)
    if copying is not None:
        return f"peak and training depend on whether {copying} copies its input"
    for layer, _ in open_paddings(analysis):
        return f"peak and training depend on whether {layer} pads both sides alike"
    return None


def unsettled(analysis: Analysis) -> str | None:
    """A layer of which free sizes leave open whether it copies; None if there is none."""
    if not any(is_symbol(n) for x in analysis.maps.values() for n in x.shape):
        return None
    with_gaps, maps = _turned(analysis), analysis.maps
    for layer in analysis.layers:
        behind_gaps = bool(layer.inputs) and layer.inputs[0] in with_gaps
        kind = layer.node.layer
        if kind.reshapes_inputs:
            x, *others = [maps[name].shape[:-2] for name in layer.inputs]
            if any(other != x for other in others) or not with_gaps.isdisjoint(layer.inputs):
                return layer.name
        if behind_gaps and _minds_gaps(kind, maps[layer.inputs[0]]):
            return layer.name
        if isinstance(kind, StepsFirst) and not certainly_one(analysis.batch):
            inputs = [maps[name] for name in layer.inputs]
            copied = dict.fromkeys(range(len(inputs)), Taking.COPIED_IN_ORDER)
            keeps = kind.kept_by_taking(inputs, copied, same_inputs(layer, analysis))
            if any(is_one(inputs[number].channels) is None for number in keeps):
                return layer.name
        if layer.effect.storage is not Storage.OWN and (behind_gaps or kind.may_leave_gaps):
            with_gaps.add(layer.name)
    return None


def _minds_gaps(kind: Layer, x: FeatureMap) -> bool:
    """Whether a layer may copy an input that has gaps, or make more of it."""
    if isinstance(kind, Linear):
        return bool(x.sizes)  # rows that lie apart make a matrix too
    return kind.minds_gaps or isinstance(kind, InOrder)


def why_memory_is_unknown(analysis: Analysis, dtype: str, *, on_gpu: bool = False) -> str | None:
    """Why nobody says what torch makes and keeps in a type of numbers; None if it is known."""
    usual = Layer.memory_is_known  # that of most layers, which need not be asked
    asked = [x for x in analysis.used_layers if type(x.node.layer).memory_is_known is not usual]
    if not asked:
        return None
    where = f" in {dtype} on a GPU" if on_gpu else f" in {dtype}" if dtype != "float32" else ""
    maps, learns, once = analysis.maps, learning(analysis), there_once(analysis)
    scattered, turned = _scattered(analysis), _turned(analysis)
    for layer in asked:
        at = circumstances(layer, maps, learns, once, on_gpu=on_gpu)
        apart, other = (
            tuple([number for number, name in enumerate(layer.inputs) if name in found])
            for found in (scattered, turned)
        )
        same = same_inputs(layer, analysis) if layer.node.layer.steps_first else ()
        at = at._replace(scattered=apart, turned=other, same=same)
        inputs = [maps[name] for name in layer.inputs]
        if not layer.node.layer.memory_is_known(dtype, inputs, at):
            return f"what {layer.name} ({layer.kind}) makes and keeps{where} is not known"
    return None


def _scattered(analysis: Analysis) -> set[str]:
    """The maps whose values may lie apart along the last axis, or stand for several."""
    found: set[str] = set()
    maps = analysis.maps
    for layer in analysis.used_layers:
        kind = layer.node.layer
        if kind.convolves and certainly_one(layer.output.shape[-1]):
            # It may lie channels last: a stride of an axis of one value, which nothing else minds.
            found.add(layer.name)
        if layer.effect.storage is Storage.OWN or not layer.inputs:
            continue
        source = layer.inputs[0]
        kept = source in found and kind.can_stay(maps[source])
        if kept or kind.scatters(maps[source]):
            found.add(layer.name)
    return found


def kept_channels_last(analysis: Analysis) -> Iterator[LayerAnalysis]:
    """The layers that may lay out their output channels last, as an input lies.

    What is counted lies channels first, so that torch may make copies fewer, or more.
    Source: torch, `suggest_memory_format` (c10/core/TensorImpl.h): of two or three spatial axes,
    and of one where that is seen as two.
    """
    maps = analysis.maps
    ones = {x.name for x in analysis.used_layers if _moves_ones(x.node.layer, x.inputs, maps)}
    views = any(_is_turned_view(layer.node.layer) for layer in analysis.used_layers)
    if not ones and not views:
        return
    turned = _turned(analysis, ones)
    readers = [
        layer
        for layer in analysis.used_layers
        if layer.node.layer.keeps_order and not turned.isdisjoint(layer.inputs)
    ]
    placed = layout(analysis, at_inference=False).placed if readers else {}

    def may_keep(layer: LayerAnalysis, name: str) -> bool:
        axes = 1 if layer.node.layer.category in (Category.CONVOLUTION, Category.POOLING) else 2
        if len(maps[name].sizes) < axes:
            return False
        where = placed.get(name)
        # Without gaps it is taken as it lies, and of one channel an output has no other order.
        has_gaps = views if where is None else where.has_gaps()
        if certainly_one(layer.output.channels) and not has_gaps:
            return False
        return where is None or where.may_lie_channels_last()

    for layer in readers:
        if any(may_keep(layer, name) for name in turned.intersection(layer.inputs)):
            yield layer


def _is_turned_view(kind: Layer) -> bool:
    """Whether what a layer puts out is a view whose axes may lie in another order than its own."""
    return kind.may_leave_gaps and not kind.leaves_gaps


def _moves_ones(kind: Layer, inputs: Sequence[str], maps: Mapping[str, FeatureMap]) -> bool:
    """Whether axes of one value change places in a view, which in torch have strides too."""
    if not kind.moves_axes or isinstance(kind, InOrder) or kind.may_leave_gaps:
        return False
    from archcalc.layers.rearranging import Rearrange  # which most networks have none of

    if not isinstance(kind, Rearrange):
        return False
    moved = kind.moved(maps[inputs[0]])
    factors = [n for axis in moved.joined for n in axis]
    return moved.keeps_order and factors != sorted(factors)


def _turned(analysis: Analysis, others: Collection[str] = ()) -> set[str]:
    """The maps whose axes may lie in another order than their own: steps before images.

    Args:
        others: layers that put such out too.
    """
    found: set[str] = set()
    maps = analysis.maps
    for layer in analysis.used_layers:
        kind = layer.node.layer
        stays = layer.effect.storage is not Storage.OWN and layer.inputs
        if kind.steps_first:
            turned = bool(layer.output.sizes) and not certainly_one(layer.batch)
        elif layer.name in others or _is_turned_view(kind):
            turned = True  # a rearrangement
        elif stays:
            turned = layer.inputs[0] in found and kind.can_stay(maps[layer.inputs[0]])
        else:
            ordering = layer.inputs if kind.pointwise else layer.inputs[:1]
            orders = bool(ordering) and kind.orders_as_input(maps[ordering[0]])
            turned = orders and not found.isdisjoint(ordering)
        if turned:
            found.add(layer.name)
    return found


def open_paddings(analysis: Analysis) -> Iterator[tuple[str, Any]]:
    """The layers that pad both sides alike at some sizes and not at others, where they copy.

    Each with how much more it pads behind than before.
    """
    for layer in analysis.used_layers:
        windows = layer.effect.windows
        if not isinstance(windows, tuple) or layer.node.layer.leaves_gaps:  # which pads nothing
            continue
        for window in windows:
            if isinstance(window, Window):
                more: Any = window.after - window.before
                if is_symbol(more) and more.is_zero is None:
                    yield layer.name, more
