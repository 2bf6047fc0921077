"""The checks of what a layer kind says of itself, beside its rule: torch is the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from inspect import signature
from itertools import product

import torch
from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from torch import Tensor, nn

from archcalc.feature_map import FeatureMap
from archcalc.layers import Effect, Join, Layer, Storage
from archcalc.layers.join import combines
from archcalc.layers.registry import KINDS
from archcalc.parametric.widening import wider_layer
from archcalc.regions.bits import NotFollowedError
from archcalc.regions.patches import Patch
from archcalc.spec.fields import fields_of
from archcalc.spec.keys import KEYWORDS, placement_keys
from archcalc.testing.checks import BATCH, effect_of
from archcalc.testing.strategies import Example
from archcalc.torch_backend.layer_modules import module_for
from archcalc.torch_backend.probe import positive_module

_Unit = tuple[int, ...]  # channel and position
_ROUNDING = 1e-12  # of a gradient: what an interpolation of float64 has where its weight is 0


def check_kind(kind: type[Layer], examples: st.SearchStrategy[Example]) -> None:
    """It is registered, specs can give its name and its fields, and it forgets no fact.

    What no single example can show: some example bears out that it leaves gaps, or is not
    pointwise.
    """
    assert KINDS.get(kind.kind) is kind, f"{kind.__name__} is not registered"
    assert kind.kind not in KEYWORDS, f"{kind.kind!r} is a word of the spec language"
    taken = fields_of(kind).keys() & {*placement_keys(kind)}
    assert not taken, f"keys of every layer: {', '.join(taken)}"
    if not kind.has_twin:
        return
    assert kind.pointwise or _some(examples, _looks_elsewhere), "pointwise should be True"
    assert not kind.leaves_gaps or _some(examples, _has_gaps), "leaves_gaps should be False"


def _some(examples: st.SearchStrategy[Example], fits: Callable[[Example], bool]) -> bool:
    with suppress(NoSuchExample):
        find(examples, fits, settings=settings(phases=[Phase.generate], database=None))
        return True
    return False


def _looks_elsewhere(example: Example) -> bool:
    """Whether a unit sees more than its own place; also one that undoes a pool."""
    effect = effect_of(example)
    if effect is None or example.pool is not None:
        return effect is not None
    unit = tuple([n // 2 for n in effect.output.shape])
    with torch.random.fork_rng():
        torch.manual_seed(0)  # hypothesis asks twice: a rectifier hides what random weights make it
        module = module_for(example.layer, *example.inputs).double().eval()
    seen = set(_seen_by(unit, module, _images(example.inputs, torch.Generator().manual_seed(0))))
    return not seen <= _own_places(unit, example, effect.output)


def _own_places(unit: _Unit, example: Example, output: FeatureMap) -> set[_Unit]:
    """The place of a unit in each input that has one; the first along axes of one position."""
    return {
        (number, *[0 if n == 1 else own for n, own in zip(x.shape, unit, strict=True)])
        for number, x in enumerate(example.inputs)
        if len(x.shape) == len(unit)
        and all(n in (1, m) for n, m in zip(x.shape, output.shape, strict=True))
    }


def _has_gaps(example: Example) -> bool:
    return effect_of(example) is not None and not _output(example).is_contiguous()


def _output(example: Example) -> Tensor:
    module = module_for(example.layer, *example.inputs).eval()
    output: Tensor = module(*[torch.rand(BATCH, *x.shape) for x in example.inputs])
    return output


def check_facts(example: Example) -> None:
    """What torch does in place, what it leaves in memory, and what makes depth."""
    effect, layer = effect_of(example), example.layer
    if effect is None:
        return
    has_product = effect.macs != 0 and effect.weights != 0
    assert layer.is_weight_layer == has_product, f"is_weight_layer should be {has_product}"
    if example.pool is not None:
        return
    if not isinstance(layer, Join) and effect.storage is Storage.OWN:
        takes = "inplace" in signature(type(module_for(layer, *example.inputs))).parameters
        assert layer.in_place == takes, f"in_place should be {takes}"
    gaps = layer.may_leave_gaps or layer.steps_first
    assert gaps or not _has_gaps(example), "leaves_gaps should be True"
    _check_order(example, effect)


def _check_order(example: Example, effect: Effect) -> None:
    """In which order the axes of a new output lie, where channels lie before images in its inputs.

    Of inputs of other shapes than the output's it is not asked which of them says so.
    """
    layer, first = example.layer, example.inputs[0] if example.inputs else None
    if first is None or not first.sizes or effect.storage is not Storage.OWN or layer.steps_first:
        return
    if isinstance(layer, Join) and any(x != effect.output for x in example.inputs):
        return
    inputs = [torch.rand(x.channels, BATCH, *x.sizes).transpose(0, 1) for x in example.inputs]
    output: Tensor = module_for(layer, *example.inputs).eval()(*inputs)
    own, orders = output.is_contiguous(), output.transpose(0, 1).is_contiguous()
    said = layer.orders_as_input(first)
    assert own == orders or orders == said, f"orders_as_input should be {orders}"


def check_widths(example: Example, factor: int = 2) -> None:
    """`widths` widen it alone, and with `follows` its output grows as its input does."""
    effect, layer = effect_of(example), example.layer
    if effect is None:
        return
    inputs, pooled = example.inputs, example.pooled
    x = inputs[0]
    # One channel that is spread over those of other branches stays one.
    of_channels = _spreads(layer) and effect.output.channels > 1
    own, following = layer.widths(x), layer.follows(x)
    if layer.moves_axes and not own + following:  # its channels may be another axis
        wider = Example(layer, tuple([_wider_map(one, factor) for one in inputs]), pooled=pooled)
        assert effect_of(wider) is not None, "refused when its input grows: see `follows`"
        return
    alone = effect_of(Example(wider_layer(layer, own, factor), example.inputs, pooled=pooled))
    assert alone is not None, "refused when its `widths` grow alone"
    widest = effect.output.channels * (factor if any(vars(layer)[name] for name in own) else 1)
    assert effect.output.channels <= alone.output.channels <= widest
    assert widest == effect.output.channels or alone.output.channels > effect.output.channels
    grown = Example(
        wider_layer(layer, own + following, factor),
        tuple(
            [
                one if one.channels == 1 and of_channels else _wider_map(one, factor)
                for one in inputs
            ]
        ),
        pooled=pooled and _wider_map(pooled, factor),
    )
    if isinstance(layer, Join) and any(m != n for m, n in layer.alike(grown.inputs)):
        return  # the channels of one are not those of another: they do not grow together
    together = effect_of(grown)
    assert together is not None, "refused when it grows with its input: see `widths`, `follows`"
    channels = together.output.channels
    assert channels == factor * effect.output.channels, "does not grow: see `widths`, `follows`"


def _spreads(layer: Layer) -> bool:
    """Whether one channel of an input stands for all those of its output."""
    return combines(layer) or (layer.spreads and not isinstance(layer, Join))


def _wider_map(x: FeatureMap, factor: int) -> FeatureMap:
    return FeatureMap(x.channels * factor, x.sizes)


def check_probe(example: Example, seed: int) -> None:
    """The probe is linear, without negative weights, and a unit of it sees what the rule reads.

    A unit of the layer itself sees no more than that, on any values.
    """
    effect, layer = effect_of(example), example.layer
    if effect is None or example.pool is not None:
        return
    draw = torch.Generator().manual_seed(seed)
    probe = positive_module(layer, *example.inputs).double()
    a, b = (_images(example.inputs, draw) for _ in range(2))
    with torch.no_grad():
        both: Tensor = probe(*[x + y for x, y in zip(a, b, strict=True)])
        assert torch.allclose(both, probe(*a) + probe(*b)), "not linear: see `pointwise`, `probe`"
        assert bool((both >= 0).all()), "the probe has negative weights"
    shape = effect.output.shape
    unit = tuple(int(torch.randint(n, (), generator=draw)) for n in shape)
    probed = set(_seen_by(unit, probe, a))
    own = set(_seen_by(unit, module_for(layer, *example.inputs).double().eval(), a))
    assert not layer.pointwise or own <= _own_places(unit, example, effect.output), (
        "pointwise should be False"
    )
    assert own <= probed, "a unit sees more than its probe: see `pointwise`, `probe`"
    channel, *position = unit
    patch = Patch(1 << channel, tuple(1 << n for n in position))
    try:
        read = {
            (number, *place)
            for number, part in layer.reads(patch, example.inputs, effect.windows)
            for place in product(*[_numbers(bits) for bits in (part.channels, *part.positions)])
        }
    except NotFollowedError:
        return
    assert probed == read, "the probe sees other values than the rule reads"


def _images(inputs: Sequence[FeatureMap], draw: torch.Generator) -> list[Tensor]:
    return [10 * torch.rand(BATCH, *x.shape, generator=draw, dtype=torch.float64) for x in inputs]


def _seen_by(unit: _Unit, module: nn.Module, images: Sequence[Tensor]) -> Iterator[_Unit]:
    """Number of the input, channel and position of all that the unit has a gradient by."""
    leaves = [image.clone().requires_grad_() for image in images]
    value = module(*leaves)[0][unit]
    if not value.requires_grad:
        return
    for number, gradient in enumerate(torch.autograd.grad(value, leaves, materialize_grads=True)):
        for place in (gradient[0].abs() > _ROUNDING).nonzero().tolist():
            yield number, *place


def _numbers(bits: int) -> list[int]:
    return [n for n in range(bits.bit_length()) if bits >> n & 1]
