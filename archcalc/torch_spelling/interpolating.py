"""Layers that read maps at places that other inputs say."""

from __future__ import annotations

from archcalc.layers import deform_conv, interpolating, roi_align
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


@spell.register
def _(layer: interpolating.GridSample, at: Setting) -> Spelling:
    tensors = ["{0}", "{1}"]
    for number in at.once if len(at.once) == 1 else ():
        tensors[number] += f".expand(len({{{1 - number}}}), {', '.join(['-1'] * at.x.rank)})"
    arguments = (
        in_call("mode", layer.mode),
        in_call("padding_mode", layer.padding_mode),
        in_call("align_corners", layer.align_corners),
    )
    options = ", ".join([f"{one.name}={{{one.name}}}" for one in arguments])
    call = f"F.grid_sample({', '.join(tensors)}, {options})"
    built = Built("GridSample", vars(layer))
    return Spelling(None, arguments, call, weight=Weight.MAIN, built=built)


@spell.register
def _(layer: deform_conv.DeformConv, at: Setting) -> Spelling:
    arguments = (
        given("in_channels", at.x.channels),
        given("out_channels", layer.channels, "channels"),
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.stride), 1),
        named("padding", tidy(layer.padding), 0),
        named("dilation", tidy(layer.dilation), 1),
        named("groups", layer.groups, 1),
        named("bias", layer.bias, True),
    )
    inputs = ", ".join([f"{{{number}}}" for number in range(len(at.inputs))])
    return Spelling("DeformConv2d", arguments, f"{{module}}({inputs})", weight=Weight.MAIN)


@spell.register
def _(layer: roi_align.RoiAlign, at: Setting) -> Spelling:
    arguments = (
        given("output_size", tidy(layer.output), "output"),
        given("sampling_ratio", layer.sampling_ratio),
        named("spatial_scale", layer.spatial_scale, 1.0),
        named("aligned", layer.aligned, False),
    )
    return Spelling("RoIAlign", arguments, "{module}({0}, {1})", weight=Weight.MAIN)


@spell.register
def _(layer: interpolating.ReadAnywhere, at: Setting) -> Spelling:
    return Spelling(None, built=Built("ReadAnywhere", {}))


@spell.register
def _(layer: deform_conv.DeformedAnywhere, at: Setting) -> Spelling:
    output = layer.effect_on(*at.inputs).output
    return Spelling(None, built=Built("DeformedAnywhere", {"shape": output.shape}))


@spell.register
def _(layer: roi_align.AlignedAnywhere, at: Setting) -> Spelling:
    output = layer.effect_on(*at.inputs).output
    return Spelling(None, built=Built("AlignedAnywhere", {"sizes": output.sizes}))
