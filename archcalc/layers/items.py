"""Layers on items: what torch does to each of many maps of an image, folded into the batch."""

from __future__ import annotations

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, multiplied
from archcalc.layers.layer import Layer
from archcalc.layers.operator import USUAL, Circumstances, Operator, as_often
from archcalc.quantity.arithmetic import certainly_one, require_equal
from archcalc.record import replace


def effect_with_items(layer: Layer, *inputs: FeatureMap) -> Effect:
    """What a layer does to its inputs: to one of their items, as often as there are items.

    Raises:
        LayerError: it refuses them, or they do not have as many items each.
    """
    if layer.takes_items or all(certainly_one(x.items) for x in inputs):
        return layer.effect_on(*inputs)
    items = inputs[0].items
    for x in inputs:
        require_equal(x.items, items, "inputs of {} and of {} items", items, x.items)
    return multiplied(layer.effect_on(*[replace(x, items=1) for x in inputs]), items)


def operators_with_items(
    layer: Layer, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
) -> tuple[Operator, ...]:
    """What torch runs for a layer whose effect on all items is `effect`."""
    if layer.takes_items or all(certainly_one(x.items) for x in inputs):
        return layer.operators(effect, *inputs, at=at)
    items = inputs[0].items
    single = [replace(x, items=1) for x in inputs]
    at = at._replace(copied=at.copied // items)
    of_one = layer.operators(layer.effect_on(*single), *single, at=at)
    return tuple([as_often(operator, items) for operator in of_one])
