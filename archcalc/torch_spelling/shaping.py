"""Layers that resample, reshape and join maps."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from archcalc.errors import LayerError
from archcalc.layers import joining, resampling, reshaping, upsampling
from archcalc.layers.along_axes import per_axis, per_side
from archcalc.layers.broadcasting import broadcast
from archcalc.layers.layer import Ratios
from archcalc.torch_spelling.spelling import (
    Built,
    Setting,
    Spelling,
    Weight,
    dimension,
    given,
    in_call,
    named,
    spell,
    tidy,
)

# ----- resampling -----


@spell.register
def _(layer: upsampling.Upsample, at: Setting) -> Spelling:
    factor, size = layer.factor, layer.size
    if factor is not None and _rounds_below(factor, at):
        factor, size = None, layer.effect_on(at.x).output.sizes
    arguments = (
        named("size", size if size is None else tidy(size), None),
        named("scale_factor", factor if factor is None else _scale(tidy(factor)), None, "factor"),
        named("mode", layer.mode, "nearest"),
        named("align_corners", layer.align_corners or None, None),
    )
    return Spelling("nn.Upsample", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: upsampling.PositiveUpsample, at: Setting) -> Spelling:
    return Spelling("PositiveUpsample", tuple([named(n, v) for n, v in vars(layer).items()]))


def _rounds_below(factor: Ratios, at: Setting) -> bool:
    """Whether torch, which has the factor as a float, makes a smaller size of it.

    Of 100 times 0.29 it makes 28. In that case the size says the same as the factor.
    """
    factors = per_axis(factor, at.x, "factor")
    return any(floor(n * float(f)) < floor(n * f) for n, f in zip(at.x.sizes, factors, strict=True))


def _scale(factor: Any) -> object:
    """Fractions as floats, but for whole ones."""
    if isinstance(factor, tuple):
        return tuple(map(_scale, factor))
    if isinstance(factor, Fraction):
        return float(factor) if factor.denominator != 1 else int(factor)
    return factor


@spell.register
def _(layer: resampling.PixelShuffle, at: Setting) -> Spelling:
    arguments = (given("upscale_factor", layer.factor, "factor"),)
    return Spelling("nn.PixelShuffle", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: resampling.PixelUnshuffle, at: Setting) -> Spelling:
    arguments = (given("downscale_factor", layer.factor, "factor"),)
    return Spelling("nn.PixelUnshuffle", arguments, weight=Weight.MAIN)


_PADS = {"constant": "Zero", "reflect": "Reflection", "replicate": "Replication",
         "circular": "Circular"}  # fmt: skip


@spell.register
def _(layer: resampling.Pad, at: Setting) -> Spelling:
    sides = per_side(layer.sides, at.x, "sides")
    numbers = tuple([n for side in reversed(sides) for n in side])
    if layer.mode == "constant" and at.axes > 3:  # of which torch has no module
        arguments = (in_call("pad", numbers), in_call("value", layer.value))
        return Spelling(None, arguments, "F.pad({0}, {pad}, value={value})")
    amounts = given("padding", tidy(numbers))
    if layer.mode == "constant" and layer.value != 0:
        return Spelling(f"nn.ConstantPad{at.axes}d", (amounts, given("value", layer.value)))
    return Spelling(f"nn.{_PADS[layer.mode]}Pad{at.axes}d", (amounts,))


@spell.register
def _(layer: resampling.Crop, at: Setting) -> Spelling:
    sides = per_side(layer.sides, at.x, "sides")
    cuts = [f"{before or ''}:{-after if after else ''}" for before, after in sides]
    return Spelling(None, call=f"{{0}}[:, :, {', '.join(cuts)}]")


@spell.register
def _(layer: resampling.PadChannels, at: Setting) -> Spelling:
    call = f"F.pad({{0}}, ({'0, 0, ' * at.axes}{{before}}, {{after}}))"
    return Spelling(None, (in_call("before", layer.before), in_call("after", layer.after)), call)


# ----- reshaping -----


@spell.register
def _(layer: reshaping.Identity, at: Setting) -> Spelling:
    return Spelling("nn.Identity", inline="{0}")


@spell.register
def _(layer: reshaping.Flatten, at: Setting) -> Spelling:
    return Spelling("nn.Flatten", inline="{0}.flatten(1)")


@spell.register
def _(layer: reshaping.Reshape, at: Setting) -> Spelling:
    sizes = [in_call(f"size{number}", size) for number, size in enumerate(layer.sizes_for(at.x))]
    call = f"{{0}}.reshape(-1, {', '.join([f'{{{size.name}}}' for size in sizes])})"
    return Spelling(None, tuple(sizes), call, built=Built("Reshape", vars(layer)))


@spell.register
def _(layer: reshaping.ChannelShuffle, at: Setting) -> Spelling:
    return Spelling("nn.ChannelShuffle", (given("groups", layer.groups),))


@spell.register
def _(layer: reshaping.ChannelSlice, at: Setting) -> Spelling:
    arguments = (in_call("start", layer.start), in_call("stop", layer.stop))
    built = Built("ChannelSlice", vars(layer))
    return Spelling(None, arguments, "{0}[:, {start}:{stop}]", built=built)


@spell.register
def _(layer: reshaping.ChannelSplit, at: Setting) -> Spelling:
    arguments = (in_call("parts", layer.parts), in_call("part", layer.part))
    built = Built("ChannelSplit", vars(layer))
    return Spelling(None, arguments, "{0}.chunk({parts}, 1)[{part}]", built=built)


# ----- joins -----


@spell.register
def _(layer: joining.Concat, at: Setting) -> Spelling:
    inputs = [f"{{{number}}}" for number in range(len(at.inputs))]
    whole = next((each for n, each in enumerate(inputs) if n not in at.once), "{0}")
    for number in at.once if whole != "{0}" or 0 not in at.once else ():
        inputs[number] += f".expand(len({whole}), {', '.join(['-1'] * at.inputs[number].rank)})"
    along = dimension(layer.axis)
    return _join("Concat", at, f"torch.cat([{', '.join(inputs)}], {along})", "", dim=along)


@spell.register
def _(layer: joining.Add, at: Setting) -> Spelling:
    text = _sum(layer, at)
    return _join("Add", at, text, "" if text.endswith(")") else "+")


@spell.register
def _(layer: joining.Average, at: Setting) -> Spelling:
    return _join("Average", at, f"({_sum(layer, at)}).div_({len(at.inputs)})", "")


@spell.register
def _(layer: joining.Multiply, at: Setting) -> Spelling:
    return _join("Multiply", at, _all(at, " * "), "*")


def _join(name: str, at: Setting, call: str, operator: str, **given: int) -> Spelling:
    built = Built(name, given)
    if len(at.inputs) == 1:
        return Spelling("nn.Identity", inline="{0}", built=built)
    return Spelling(None, call=call, operator=operator, weight=Weight.JOIN, built=built)


def _sum(layer: joining.Elementwise, at: Setting) -> str:
    """As one tensor where it can be: what comes after the second is added in place."""
    try:
        output = broadcast(at.inputs)
    except LayerError:
        return _all(at, " + ")  # torch refuses it as well
    first, *others = layer.order_of(at.inputs, output)
    so_far, once, text = at.inputs[first], first in at.once, f"{{{first}}}"
    for place, number in enumerate(others):
        total = broadcast((so_far, at.inputs[number]))
        fits = place > 0 and total == so_far and (number in at.once or not once)
        around = text if text.endswith("})") else f"({text})"
        text = f"{around}.add_({{{number}}})" if fits else f"{text} + {{{number}}}"
        so_far, once = total, once and number in at.once
    return text


def _all(at: Setting, between: str) -> str:
    return between.join(f"{{{number}}}" for number in range(len(at.inputs)))
