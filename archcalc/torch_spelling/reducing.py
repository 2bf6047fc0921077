"""Layers that make one value of many."""

from __future__ import annotations

from archcalc.layers import reductions
from archcalc.torch_spelling.spelling import Setting, Spelling, dimensions, in_call, spell

_WORDS = {"max": "amax", "min": "amin"}  # torch's, where it has another


@spell.register
def _(layer: reductions.Reduction, at: Setting) -> Spelling:
    keeps = ", keepdim=True" if layer.keep else ""
    call = f"{{0}}.{_WORDS.get(layer.kind, layer.kind)}({{dims}}{keeps})"
    return Spelling(None, (in_call("dims", dimensions(layer.axes)),), call)
