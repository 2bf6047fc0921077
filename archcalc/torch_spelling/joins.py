"""Joins that few networks have."""

from __future__ import annotations

from functools import reduce

from archcalc.layers import further_joins
from archcalc.torch_spelling.spelling import Setting, Spelling, Weight, spell


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
