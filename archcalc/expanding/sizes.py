"""The shapes of what layers put out, while the network is still being written out.

They are found by the layers' own rules, and only where an expression asks: most networks are
written out without.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from typing import Any

from archcalc.errors import LayerError, QuantityError
from archcalc.expanding.placed import LONGEST_FORMULA, effect_of, located
from archcalc.feature_map import FeatureMap
from archcalc.graph import Node
from archcalc.layers.state import State
from archcalc.quantity.conditions import is_symbol, stand_at
from archcalc.spec.values import ExpressionError, Value

MOST_TERMS = 256  # of a formula that is made of sizes, when it is multiplied out


class RefusedError(LayerError):
    """A layer refuses its input, and what comes behind it asks for its size."""


class Sizes:
    """The shapes of what the layers in `nodes` put out, of which there may be ever more.

    Attributes:
        were_asked_for: whether any was.
        failure: why there is none, where numbers of an array do not fit.
    """

    def __init__(
        self,
        nodes: Mapping[str, Node],
        inputs: Collection[str],
        find_input: Callable[[str], FeatureMap],
    ) -> None:
        self._nodes = nodes
        self._inputs = inputs
        self._find_input = find_input
        self._maps: dict[str, FeatureMap] = {}
        self._states: dict[str, State] = {}
        self.were_asked_for = False
        self.failure: QuantityError | None = None

    def of(self, name: str) -> FeatureMap:
        """The shape of a layer's output, or of an input of the network.

        Raises:
            RefusedError: it, or a layer before it, refuses its input.
            QuantityError: numbers of an array do not fit in 64 bits.
        """
        self.were_asked_for = True
        waiting = [name]
        while waiting:
            name = waiting[-1]
            missing = [source for source in self._sources(name) if source not in self._maps]
            if missing:
                waiting += reversed(missing)  # the first is looked at first
            elif waiting.pop() not in self._maps:
                self._maps[name] = self._found(name)
        return self._maps[name]

    def state_of(self, layer: str) -> State:
        """The tensors that a layer keeps.

        Raises:
            RefusedError, QuantityError: as `of`.
        """
        self.of(layer)
        return self._states[layer]

    def _sources(self, name: str) -> Sequence[str]:
        return () if name in self._maps or name in self._inputs else self._nodes[name].sources

    def _found(self, name: str) -> FeatureMap:
        if name in self._inputs:
            return self._find_input(name)
        node = self._nodes[name]
        inputs = [self._maps[source] for source in node.inputs]
        pooled = None
        if node.indices is not None:
            pooled = self._maps[self._nodes[node.indices].inputs[0]]
        stand_at(node, inputs)
        try:
            effect = effect_of(node, inputs, pooled)
        except LayerError as refusal:
            raise RefusedError(located(node, inputs, refusal)) from None
        except QuantityError as failure:
            self.failure = failure
            raise
        self._states[name] = effect.state
        return effect.output


def require_short(value: Value) -> None:
    """Raises ExpressionError where a formula is so long that those made of it would not end.

    One size may be made of another in thousands of layers, each of which multiplies out.
    """
    for formula in value if isinstance(value, list) else [value]:
        if is_symbol(formula) and (
            formula.count_ops() > LONGEST_FORMULA or _terms(formula) > MOST_TERMS
        ):
            raise ExpressionError(
                f"a formula of more than {LONGEST_FORMULA} operations, or {MOST_TERMS} terms when "
                "multiplied out; give plain sizes, or such as 32h"
            )


def _terms(formula: Any) -> int:
    """The most terms that a formula has, or a part of it, when it is multiplied out."""
    parts = [_terms(part) for part in formula.args]
    if formula.is_Add:
        return sum(parts)
    if formula.is_Mul:
        return prod(parts)
    if formula.is_Pow and formula.exp.is_Integer:
        return int(min(parts[0], MOST_TERMS + 1) ** abs(formula.exp))
    return max(parts, default=1)
