"""Layers that take parts of maps to other places: blocks as columns, and back."""

from __future__ import annotations

from archcalc.layers import unfolding
from archcalc.torch_spelling.spelling import Argument, Setting, Spelling, given, named, spell, tidy


@spell.register
def _(layer: unfolding.Unfold, at: Setting) -> Spelling:
    return Spelling("nn.Unfold", _of_blocks(layer))


@spell.register
def _(layer: unfolding.Fold, at: Setting) -> Spelling:
    size = given("output_size", tidy(layer.output), "output")
    return Spelling("nn.Fold", (size, *_of_blocks(layer)))


def _of_blocks(layer: unfolding.Unfold | unfolding.Fold) -> tuple[Argument, ...]:
    return (
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("dilation", tidy(layer.dilation), 1),
        named("padding", tidy(layer.padding), 0),
        named("stride", tidy(layer.stride), 1),
    )
