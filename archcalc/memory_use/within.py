"""What is alive within a layer at inference, by the operators that it runs."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers.effect import Extra
from archcalc.layers.operator import Operator
from archcalc.quantity.arithmetic import Quantity, largest_of

_OUTPUT = ""  # as `Operator.makes` calls it


def most_within(operators: Sequence[Operator], layer: LayerAnalysis) -> Quantity:
    """The most bytes that are alive at once of what the operators make, the output among them.

    What an operator makes is there until the last one that takes or holds it has run.
    """
    last: dict[str, int] = {}
    for number, operator in enumerate(operators):
        taken = [one.tensor for one in operator.takes if isinstance(one.tensor, str)]
        last |= dict.fromkeys([*taken, *operator.holds, operator.makes], number)
    alive: dict[str, Quantity] = {}
    moments: list[Quantity] = []
    for number, operator in enumerate(operators):
        images = layer.batch if operator.per_image else 1
        own = 0 if operator.view else operator.values * images * layer.bytes_each
        alive[operator.makes] = own
        beside = [extra_bytes(extra, layer) for extra in (*operator.beside, *operator.beside_kept)]
        moments.append(sum(alive.values()) + sum(beside))
        alive = {n: b for n, b in alive.items() if n == _OUTPUT or last[n] > number}
    return largest_of(moments)


def extra_bytes(extra: Extra, layer: LayerAnalysis) -> Quantity:
    """Bytes of a tensor that a layer makes beside its output, for the batch."""
    return extra.bytes_for(layer.batch, layer.bytes_each)
