"""Layers that resample, reshape and join maps."""

from __future__ import annotations

from archcalc.layers import joining, resampling, reshaping
from archcalc.layers.layer import per_side
from archcalc.torch_spelling.spelling import (
    Built,
    Setting,
    Spelling,
    Weight,
    given,
    in_call,
    named,
    spell,
    tidy,
)

# ----- resampling -----


@spell.register
def _(layer: resampling.Upsample, at: Setting) -> Spelling:
    arguments = (
        named("scale_factor", tidy(layer.factor), role="factor"),
        named("mode", layer.mode, "nearest"),
    )
    return Spelling("nn.Upsample", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: resampling.PixelShuffle, at: Setting) -> Spelling:
    arguments = (given("upscale_factor", layer.factor, "factor"),)
    return Spelling("nn.PixelShuffle", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: resampling.Pad, at: Setting) -> Spelling:
    sides = per_side(layer.sides, at.x, "sides")
    amounts = tuple([n for side in reversed(sides) for n in side])
    return Spelling(f"nn.ZeroPad{at.axes}d", (given("padding", tidy(amounts)),))


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
    sizes = [in_call(f"size{number}", size) for number, size in enumerate(layer.shape)]
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
    return _join("Concat", at, f"torch.cat([{_all(at, ', ')}], 1)", "")


@spell.register
def _(layer: joining.Add, at: Setting) -> Spelling:
    return _join("Add", at, _all(at, " + "), "+")


@spell.register
def _(layer: joining.Mean, at: Setting) -> Spelling:
    return _join("Mean", at, f"({_all(at, ' + ')}) / {len(at.inputs)}", "*")


@spell.register
def _(layer: joining.Multiply, at: Setting) -> Spelling:
    return _join("Multiply", at, _all(at, " * "), "*")


def _join(name: str, at: Setting, call: str, operator: str) -> Spelling:
    built = Built(name, {})
    if len(at.inputs) == 1:
        return Spelling("nn.Identity", inline="{0}", built=built)
    return Spelling(None, call=call, operator=operator, weight=Weight.JOIN, built=built)


def _all(at: Setting, between: str) -> str:
    return between.join(f"{{{number}}}" for number in range(len(at.inputs)))
