"""Weight normalization: a weight that is made of lengths and directions at each forward pass.

w = g v / |v|, with |v| taken for each slice along the first axis of the weight, as
`torch.nn.utils.parametrizations.weight_norm` does it by default; of a transposed convolution that
is the axis of its input channels.
Source: Salimans & Kingma 2016 (arXiv:1602.07868), eq. 2.
"""

from __future__ import annotations

from typing import Any

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Towards
from archcalc.layers.layer import Layer
from archcalc.layers.operator import Circumstances, Operator, Taken
from archcalc.layers.state import Role, StateTensor
from archcalc.record import replace

LENGTHS = "parametrizations.weight.original0"
DIRECTIONS = "parametrizations.weight.original1"
WEIGHT = "weight"  # of a layer, and what is made in its place


def normed(effect: Effect, towards: Towards = Towards.ANY) -> Effect:
    """The effect of a layer whose weight is made of lengths (m, 1…) and directions (m, …).

    Operations: for each value of the weight a square, a sum and a product, for each slice a root
    and a quotient; once for each forward pass, whatever the batch.

    Args:
        effect: what it would be with a weight that is learned itself.
        towards: the gradients for which the layer keeps its weight.
    """
    weight = next(tensor for tensor in effect.state if tensor.name == WEIGHT)
    others = [tensor for tensor in effect.state if tensor.name != WEIGHT]
    slices, *inside = weight.shape
    lengths = StateTensor(LENGTHS, Role.WEIGHT, (slices, *[1] * len(inside)))
    directions = StateTensor(DIRECTIONS, Role.WEIGHT, weight.shape)
    made = Extra(WEIGHT, weight.values, per_image=False)
    # At inference the norms are gone before there is an output.
    norms = Extra("statistics", slices, per_image=False, least_bytes=4, towards=Towards.WEIGHTS)
    return replace(
        effect,
        state=(*others, lengths, directions),
        other_ops=effect.other_ops + 3 * weight.values + 2 * slices,
        saved=(*effect.saved, replace(made, towards=towards), norms),
        workspace=(*effect.workspace, made),
    )


def on_normed_weight(
    layer: Layer, inputs: tuple[FeatureMap, ...], at: Circumstances, *, first: bool = False
) -> tuple[Operator, ...]:
    """What torch runs for a layer with `weight_norm`: the same, on the weight that it makes.

    Args:
        first: whether that is made before all else, and held to the end.
    """
    fields: dict[str, Any] = {**vars(layer), "weight_norm": False}
    plain = type(layer)(**fields)
    before = plain.effect_on(*inputs)
    found = list(plain.operators(before, *inputs, at=at))
    _, norms = normed(before).saved[-2:]
    assert isinstance(norms, Extra)
    weight = next(tensor for tensor in before.state if tensor.name == WEIGHT)
    making = Operator(
        "weight_norm",
        (Taken(DIRECTIONS), Taken(LENGTHS)),
        weight.values,
        beside_kept=(norms,),
        per_image=False,
        makes=WEIGHT,
        contiguous=True,
    )
    if first:
        return (making, *[replace(one, holds=(WEIGHT, *one.holds)) for one in found])
    number = next(n for n, one in enumerate(found) if any(t.tensor == WEIGHT for t in one.takes))
    return (*found[:number], making, *found[number:])
