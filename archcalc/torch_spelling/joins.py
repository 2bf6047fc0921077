"""Joins that few networks have."""

from __future__ import annotations

from functools import reduce

from archcalc.layers import bilinear, further_joins
from archcalc.torch_spelling.spelling import (
    Built,
    Setting,
    Spelling,
    Weight,
    given,
    named,
    spell,
)


@spell.register(further_joins.Maximum)
@spell.register(further_joins.Minimum)
def _(layer: further_joins.Maximum | further_joins.Minimum, at: Setting) -> Spelling:
    first, *others = [f"{{{number}}}" for number in range(len(at.inputs))]
    if not others:
        return Spelling(None, call="{0}.clone()")
    call = reduce(lambda so_far, other: f"torch.{layer.kind}({so_far}, {other})", others, first)
    return Spelling(None, call=call, weight=Weight.JOIN)


@spell.register
def _(layer: further_joins.Subtract, at: Setting) -> Spelling:
    return Spelling(None, call="{0} - {1}", operator="+", weight=Weight.JOIN)


@spell.register
def _(layer: further_joins.Divide, at: Setting) -> Spelling:
    return Spelling(None, call="{0} / {1}", operator="*", weight=Weight.JOIN)


@spell.register
def _(layer: bilinear.Bilinear, at: Setting) -> Spelling:
    first, second = (at.inputs[n].shape[-1] for n in (0, -1))
    arguments = (
        given("in1_features", first, "in_features"),
        given("in2_features", second, "in_features2"),
        given("out_features", layer.features, "features"),
        named("bias", layer.bias, True),
    )
    taken = ["{0}", "{1}"]
    for number in at.once if len(at.once) == 1 else ():
        taken[number] += f".expand(len({{{1 - number}}}), {', '.join(['-1'] * at.x.rank)})"
    built = Built("Bilinear", {one.name: one.value for one in arguments})
    call = f"{{module}}({', '.join(taken)})"
    return Spelling("nn.Bilinear", arguments, call, weight=Weight.JOIN, built=built)


@spell.register
def _(layer: bilinear.SeenByForm, at: Setting) -> Spelling:
    return Spelling(None, built=Built("SeenByForm", {"features": layer.features}))
