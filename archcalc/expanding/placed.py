"""A layer in its place: what its rule answers to its inputs there, and how it refuses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.graph import Node
from archcalc.layers import Effect, Layer
from archcalc.layers.integers import dtype_kept
from archcalc.layers.items import effect_with_items
from archcalc.layers.setting_text import settings_of
from archcalc.quantity.arithmetic import LARGEST_INT64
from archcalc.quantity.conditions import follower, is_symbol, named, remembered
from archcalc.record import replace

MOST_SHOWN = 4  # inputs of a layer in a message
MOST_CHARACTERS = 60  # of one of them, or of a setting
LONGEST_FORMULA = 100  # operations; each layer wraps another floor around a free size


def effect_of(node: Node, inputs: Sequence[FeatureMap], pooled: FeatureMap | None) -> Effect:
    """What the rule of a layer answers.

    Args:
        inputs: the shapes of its inputs.
        pooled: what the max pool takes that it undoes.

    Raises:
        LayerError: it refuses them, or no tensor could hold its output.
    """
    key = (effect_of, node.layer, pooled, *inputs)
    return remembered(lambda: _effect_of(node.layer, inputs, pooled), key)


def _effect_of(layer: Layer, inputs: Sequence[FeatureMap], pooled: FeatureMap | None) -> Effect:
    integers = dtype_kept(layer, inputs)
    effect = effect_with_items(layer, *inputs, *([] if pooled is None else [pooled]))
    if follower() is not None:
        effect = replace(effect, output=_with_names(effect.output))
    _require_holdable(effect.output)
    if integers is None:
        return effect
    return replace(effect, output=replace(effect.output, dtype=integers))


class Effects:
    """What the rules of one network answer.

    What is asked again is remembered: blocks of one kind have layers alike, and these one effect.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], Effect] = {}

    def of(self, node: Node, inputs: Sequence[FeatureMap], pooled: FeatureMap | None) -> Effect:
        """As `effect_of`."""
        asked = (node.layer, pooled, *inputs)
        try:
            found = self._found.get(asked)
        except TypeError:  # arrays have no hash, and are not remembered
            return effect_of(node, inputs, pooled)
        if found is None:
            found = self._found[asked] = effect_of(node, inputs, pooled)
        return found


def _with_names(x: FeatureMap) -> FeatureMap:
    """A map whose sizes are symbols by themselves, whatever they were computed from."""
    sizes = tuple(map(named, x.sizes))
    return replace(x, channels=named(x.channels), sizes=sizes, items=named(x.items))


def _require_holdable(output: FeatureMap) -> None:
    values = output.values
    if type(values) is int and values > LARGEST_INT64:
        raise LayerError("an output of more than 2**63 - 1 values")
    for size in output.sizes:
        if is_symbol(size) and cast(Any, size).count_ops() > LONGEST_FORMULA:
            raise LayerError(
                f"its output size takes more than {LONGEST_FORMULA} operations as a formula; "
                "try sizes such as 32h"
            )


def located(node: Node, inputs: Sequence[FeatureMap], refusal: LayerError) -> str:
    """`features.conv9 (conv kernel=99) on 16x16x16, specs/tiny.yaml:9:5: the local fact`."""
    layer = node.layer
    settings = settings_of(layer).items()
    given = [f"{name}={text[:MOST_CHARACTERS]}" for name, text in settings]
    what = " ".join([layer.kind, *given])
    met = " and ".join(str(x)[:MOST_CHARACTERS] for x in inputs[:MOST_SHOWN])
    met += f" and {len(inputs) - MOST_SHOWN} more" if len(inputs) > MOST_SHOWN else ""
    where = f" on {met}" if inputs else ""
    return f"{node.name} ({what}){where}, {node.place}: {refusal}"
