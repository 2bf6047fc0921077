"""The checks that the rule of every layer kind has to pass, whatever its options.

Each takes an example and raises AssertionError where the rule is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from archcalc.errors import LayerError, QuantityError
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node
from archcalc.layers import Effect, Layer
from archcalc.layers.convolution import Conv
from archcalc.layers.linear import Linear
from archcalc.layers.normalization import GroupNorm, LayerNorm
from archcalc.layers.resampling import Crop
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.totals import saved_bytes
from archcalc.quantity.arithmetic import Quantity, symbol
from archcalc.quantity.conditions import is_array, is_symbol
from archcalc.quantity.integer_array import as_quantity
from archcalc.record import Record, as_dict, replace
from archcalc.testing.graphs import graph, node
from archcalc.testing.strategies import Example
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build
from archcalc.torch_backend.flops import flop_counter
from archcalc.torch_backend.layer_modules import module_for
from archcalc.torch_backend.saved_tensors import saved_by_layer
from archcalc.walk import analyze
from archcalc.window import Reach, Window

BATCH = 2  # batch and group norm need more than one value for their statistics

# Which numbers of an example become symbols or arrays.
Varied: TypeAlias = Literal["inputs", "layer", "both"]
# The quantity for a place (an axis, "channels", a field of the layer) and the number there.
Substitute: TypeAlias = Callable[[Hashable, int], Quantity]
# How numbers change from one element of an array to another: channels and such times the first
# (so that groups still divide them), sizes plus the second.
Change: TypeAlias = tuple[int, int]
_ALONG_AXES = (0, 1, 2)


def effect_of(example: Example) -> Effect | None:
    """What the rule answers; None where it refuses."""
    rule: Callable[..., Effect] = example.layer.effect_on  # some take several maps
    pooled = () if example.pooled is None else (example.pooled,)
    try:
        return rule(*example.inputs, *pooled)
    except LayerError:
        return None


# ----- against torch -----


def check_torch_agrees(example: Example) -> None:
    """Shapes, parameters, buffers and MACs are torch's, and it refuses what torch refuses."""
    effect = effect_of(example)
    if effect is None:
        assert _torch_refuses(example), "torch accepts what the rule refuses"
        return
    with flop_counter() as counter:
        try:
            with torch.device("meta"):
                module = module_for(example.layer, *example.inputs).eval()
            output = module(*_tensors(example, "meta"))
        except Exception as refusal:
            raise AssertionError("torch refuses what the rule accepts") from refusal
    assert tuple(output.shape) == (BATCH * effect.output.items, *effect.output.shape)
    learned = {name: tuple(tensor.shape) for name, tensor in module.named_parameters()}
    kept = {name: tuple(tensor.shape) for name, tensor in module.named_buffers()}
    assert {tensor.name: tensor.shape for tensor in effect.parameters} == learned
    assert {tensor.name: tensor.shape for tensor in effect.state} == learned | kept
    assert sum(p.numel() for p in module.parameters()) == effect.weights + effect.biases
    assert sum(b.numel() for b in module.buffers()) == effect.buffers
    state = module.bfloat16().state_dict()
    assert {t.name: t.bytes_each or 2 for t in effect.state} == {
        name: tensor.element_size() for name, tensor in state.items()
    }
    assert counter.get_total_flops() == 2 * BATCH * effect.macs


def _torch_refuses(example: Example) -> bool:
    """Whether torch raises, or leaves a map without values or of infinite ones, or cannot undo it.

    Asked with one image as well: what batches of one refuse goes unnoticed in some larger ones.
    """
    try:
        module = module_for(example.layer, *example.inputs).eval()
        module(*_tensors(example, "cpu", batch=1))
        output: Tensor = module(*_tensors(example, "cpu"))
    except LayerError:
        raise  # the rule's own word would prove nothing
    except Exception:
        return True
    undoes = example.pooled is None or output.shape[1:] == example.pooled.shape
    return output.numel() == 0 or not output.isfinite().all() or not undoes


def _tensors(example: Example, device: str, batch: int = BATCH) -> list[Tensor]:
    tensors = [torch.zeros(batch, *x.shape, device=device) for x in example.inputs]
    if example.pool is not None:
        tensors.append(torch.zeros_like(tensors[0], dtype=torch.int64))  # indices
    return tensors


def check_saved(example: Example) -> None:
    """What autograd keeps between learned layers is what the rule says, to the byte."""
    effect = effect_of(example)
    if effect is None:
        return
    network = between_learned_layers(example, effect.output)
    analysis = analyze(network, batch=BATCH)
    if why_memory_is_unknown(analysis, analysis.dtype):
        return
    layers = [layer.name for layer in analysis.layers]
    kept = saved_by_layer(build(network), drawn(network, BATCH, torch.float32, "cpu"), layers)
    assert kept == saved_bytes(analysis) | {"": 0}


def between_learned_layers(example: Example, output: FeatureMap, *, normed: bool = False) -> Graph:
    """A network in which layers that learn stand before each input of the layer, and behind it.

    The one behind keeps the layer's output: that tells a layer which keeps its output for
    itself from one that keeps its input.

    Args:
        normed: whether norms stand between them and the layer. The one behind hands on a gradient
            whose axes lie in another order, and one before copies such a gradient.
    """
    behind = [node("behind", _pointwise(output), "norm" if normed else "layer")]
    if normed:
        behind.insert(0, node("norm", LayerNorm(over="channels"), "layer"))

    def learned(name: str, x: FeatureMap, *source: str) -> list[Node]:
        found = [node(name, _pointwise(x), *source)]
        return [*found, node(f"{name} normed", GroupNorm(groups=1), name)] if normed else found

    if example.pool is not None and example.pooled is not None:
        before = learned("learned", example.pooled)
        pool = node("pool", example.pool, before[-1].name)
        undo = node("layer", example.layer, "pool", indices="pool")
        return graph(example.pooled, [*before, pool, undo, *behind])
    rank = example.inputs[0].rank
    alike = [x.shape for x in example.inputs if x.rank == rank]
    channels, *sizes = [max(axis) for axis in zip(*alike, strict=True)]
    widest = FeatureMap(channels, tuple(sizes))
    inputs = {INPUT: widest}
    nodes, ends = list[Node](), list[str]()
    for number, x in enumerate(example.inputs):
        source = INPUT
        if x.rank != rank:  # such as a bias: it comes from outside
            inputs[f"input{number}"] = x
            ends.append(f"input{number}")
            continue
        if x.sizes != widest.sizes:
            source = f"crop{number}"
            cut = tuple([(0, m - n) for n, m in zip(x.sizes, widest.sizes, strict=True)])
            nodes.append(node(source, Crop(sides=cut)))
        nodes += learned(f"learned{number}", x, source)
        ends.append(nodes[-1].name)
    return graph(inputs, [*nodes, node("layer", example.layer, *ends), *behind])


def on_the_images(example: Example, output: FeatureMap) -> Graph:
    """A network in which a layer with one input stands on the images, with a layer behind it."""
    (x,) = example.inputs
    return graph(x, [node("layer", example.layer), node("behind", _pointwise(output), "layer")])


def _pointwise(output: FeatureMap) -> Layer:
    if 1 <= len(output.sizes) <= 3:
        return Conv(channels=output.channels, kernel=1)
    return Linear(features=output.shape[-1])  # torch convolves along three axes at the most


# ----- numbers, symbols and arrays -----


def check_symbols(example: Example, varied: Varied) -> None:
    """The rule on symbols, evaluated at the numbers, is the rule on the numbers."""
    exact = effect_of(example)
    if exact is None:
        return
    symbols: dict[Hashable, Quantity] = {}
    values: dict[Quantity, int] = {}

    def substitute(place: Hashable, value: int) -> Quantity:
        found = symbols.setdefault((place, value), symbol(f"q{len(symbols)}"))
        values[found] = value
        return found

    formula = effect_of(_with_quantities(example, varied, substitute))
    assert formula is not None, "refused on symbols alone"
    _assert_same(_mapped(formula, partial(_evaluated, values=values)), exact, example.layer)


def _evaluated(quantity: Any, values: dict[Quantity, int]) -> int:
    found = quantity.subs(values) if is_symbol(quantity) else quantity
    number = int(found)
    assert found == number
    return number


def check_arrays(example: Example, varied: Varied, changes: list[Change]) -> None:
    """Each element of the rule on arrays is the rule on that element, and so is its refusal."""

    def substitute(place: Hashable, value: int) -> Quantity:
        return as_quantity([_changed(place, value, change) for change in changes])

    singles = [
        effect_of(_with_quantities(example, varied, partial(_changed, change=change)))
        for change in changes
    ]
    together = effect_of(_with_quantities(example, varied, substitute))
    if together is None:
        assert None in singles, "refused as arrays alone"
        return
    for index, single in enumerate(singles):
        assert single is not None, "accepted in an array alone"
        _assert_same(_mapped(together, partial(_element, index=index)), single, example.layer)


def check_huge_arrays(example: Example, factor: int) -> None:
    """Numbers that leave 64 bits are refused, and never wrong."""
    with suppress(QuantityError):
        check_arrays(example, "inputs", [(1, 0), (factor, factor)])


def _changed(place: Hashable, value: int, change: Change) -> int:
    multiple, step = change
    return value + step if place in _ALONG_AXES else value * multiple


def _element(quantity: Any, index: int) -> int:
    number: int = quantity[index] if is_array(quantity) else quantity
    return number


def _with_quantities(example: Example, varied: Varied, substitute: Substitute) -> Example:
    """The example with other quantities in the place of its numbers from 2 on.

    A 1 stays: what depends on it (a single position is spread; one output sees everything) is
    decided on plain numbers alone.
    """
    if varied != "inputs":
        example = replace(example, layer=_layer_with(example.layer, substitute))
    if varied == "layer":
        return example
    pooled = example.pooled
    return replace(
        example,
        inputs=tuple([_map_with(x, substitute) for x in example.inputs]),
        pooled=None if pooled is None else _map_with(pooled, substitute),
    )


def _map_with(x: FeatureMap, substitute: Substitute) -> FeatureMap:
    sizes = [substitute(axis, n) if n > 1 else n for axis, n in enumerate(x.sizes)]
    channels = substitute("channels", x.channels) if x.channels > 1 else x.channels
    return FeatureMap(channels, tuple(sizes))


def _layer_with(layer: Layer, substitute: Substitute) -> Layer:
    values = vars(layer)
    quantities = [name for name, text in layer.types.items() if text == "Quantity"]
    changed = {n: substitute(n, values[n]) for n in quantities if values[n] > 1}
    return type(layer)(**values | changed)


def _mapped(value: Any, number: Callable[[Quantity], int]) -> Any:
    """An effect, or a part of one, with `number` of each quantity."""
    if isinstance(value, Record):
        parts = as_dict(value)
        return replace(value, **{name: _mapped(parts[name], number) for name in parts})
    if isinstance(value, tuple):
        return tuple([_mapped(part, number) for part in value])
    return value if value is None or isinstance(value, (bool, str, Enum)) else number(value)


def _assert_same(found: Effect, exact: Effect, layer: Layer) -> None:
    assert _window_agrees(found.windows, exact.windows)
    found = replace(found, windows=exact.windows)
    if getattr(layer, "padding", None) == "same" and vars(layer)["stride"] != 1:
        # Only the size itself tells whether the two sides are alike, and so what is copied.
        found = replace(found, saved=exact.saved, workspace=exact.workspace)
    assert found == exact


def _window_agrees(found: object, exact: object) -> bool:
    """Whether they are the same, or the one on symbols or arrays is left unknown."""
    if isinstance(found, tuple) and isinstance(exact, tuple):
        return all(map(_window_agrees, found, exact))
    return found is Reach.UNKNOWN or found == exact


# ----- windows -----


def check_placements(example: Example) -> None:
    """Along each axis there are as many outputs as there are windows, put down one by one."""
    effect = effect_of(example)
    if effect is None:
        return
    assert isinstance(effect.windows, tuple)
    ceil = getattr(example.layer, "ceil", False)
    sizes = zip(effect.windows, example.inputs[0].sizes, effect.output.sizes, strict=True)
    for window, size, outputs in sizes:
        assert isinstance(window, Window)
        assert outputs == len(starts(window, size, ceil))


def starts(window: Window, size: int, ceil: bool) -> list[int]:
    """Where the windows start on an axis of `size` positions, the first of which is 0."""
    last = size + window.after - 1
    last_tap = window.dilation * (window.kernel - 1)
    found = []
    start = -window.before
    while start + last_tap <= last:
        found.append(start)
        start += window.stride
    # Rounding up, one more, if the last one leaves positions over and this starts in the map.
    if ceil and start - window.stride + last_tap < last and start < size:
        found.append(start)
    return found
