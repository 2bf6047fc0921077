"""Layers on items: what torch does to each of many maps of an image, folded into the batch."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, multiplied
from archcalc.layers.layer import Layer
from archcalc.layers.operator import USUAL, Circumstances, Operator, as_often
from archcalc.quantity.arithmetic import Quantity, certainly_one, require_equal
from archcalc.record import replace


def items_of(inputs: Sequence[FeatureMap]) -> Quantity:
    """How many items the inputs of a layer have: those that have several, of the others it is 1."""
    return next((x.items for x in inputs if not certainly_one(x.items)), 1)


def effect_with_items(layer: Layer, *inputs: FeatureMap) -> Effect:
    """What a layer does to its inputs: to one of their items, as often as there are items.

    An input of one item is the same for all of them: what is learned, there once for all images
    too. Of what comes from images `archcalc.walk` refuses it, as torch does.

    Raises:
        LayerError: it refuses them, or several of them do not have as many items each.
    """
    items = items_of(inputs)
    if layer.takes_items or certainly_one(items):
        return layer.effect_on(*inputs)
    for x in inputs:
        if not certainly_one(x.items):
            require_as_many_items(items, x)
    return multiplied(layer.effect_on(*of_one_item(layer, inputs)), items)


def of_one_item(layer: Layer, inputs: Sequence[FeatureMap]) -> Sequence[FeatureMap]:
    """The inputs that the rule of a layer is about: one of their items, unless it takes all."""
    if layer.takes_items:
        return inputs
    return [x if certainly_one(x.items) else replace(x, items=1) for x in inputs]


def require_as_many_items(items: Quantity, x: FeatureMap) -> None:
    """Raises LayerError unless `x` has so many items."""
    require_equal(x.items, items, "inputs of {} and of {} items", items, x.items)


def operators_with_items(
    layer: Layer, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
) -> tuple[Operator, ...]:
    """What torch runs for a layer whose effect on all items is `effect`."""
    items = items_of(inputs)
    if layer.takes_items or certainly_one(items):
        return layer.operators(effect, *inputs, at=at)
    single = [replace(x, items=1) for x in inputs]
    at = at._replace(copied=at.copied // items)
    of_one = layer.operators(layer.effect_on(*single), *single, at=at)
    return tuple([as_often(operator, items) for operator in of_one])
