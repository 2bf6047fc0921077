"""Weights that a layer takes: as the model holds them, or computed from what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.importing.kinds.call import Call
from archcalc.importing.kinds.drafts import Draft, NotCoveredError
from archcalc.importing.kinds.lowering import Lowering, tensors_in
from archcalc.importing.trace import Operation


class Weight:
    """What a layer has for its weight.

    Attributes:
        number: the tensor that learns, as the model holds it; None where nothing learns.
        fields: what the layer kind says of it.
        others: other tensors that it is computed from and that the layer holds too, by name.
        scales: those that it is multiplied by, one for each output channel.
    """

    def __init__(self, number: int | None) -> None:
        self.number = number
        self.fields: dict[str, Any] = {}
        self.others: dict[str, int] = {}
        self.scales: list[int] = []

    def apply(self, call: Call, draft: Draft, scale: int) -> None:
        """Has the output multiplied by one of its scales: of a linear map that is the same."""
        value = call.lowering.values[call.output]
        bias = draft.held.pop("bias", None)
        fields: dict[str, Any] = {}
        if bias is not None:
            draft.fields["bias"] = False
            fields = {"bias": True}
        taken = call.take(value)
        scaled = call.add("channel_scale", [taken], fields)
        call.give(scaled, taken)
        held = {"weight": scale} | ({} if bias is None else {"bias": bias})
        scaled.held = held
        call.lowering.owners |= dict.fromkeys(held.values(), scaled)


def weight_of(call: Call, name: str) -> Weight:
    """The weight that is given under a name.

    Raises:
        NotCoveredError: it is computed in a way that no layer kind does.
    """
    number = call.operation.arguments[name].tensor
    lowering = call.lowering
    if number in lowering.of_images:
        raise NotCoveredError("has weights that depend on the image")
    held = call.held(name)
    if held is not None:
        return Weight(held)
    sources = learned_sources(lowering, number)
    if not sources:
        raise NotCoveredError("has constant weights")
    shape, wanted = call.shape(number), call.shape(number)
    alike = [n for n in sources if _count(lowering, n) == _count_of(wanted)]
    others = [n for n in sources if n not in alike]
    if len(alike) != 1:
        raise NotCoveredError("has weights computed from several")
    found = Weight(alike[0])
    makers = {operation.operator for operation in makers_of(lowering, number)}
    if "_weight_norm" in makers and len(others) == 1:
        found.fields = {"weight_norm": True}
        found.others = {"weight_g": others[0]}
        return found
    lowering.note(
        "weights are computed anew in each run, and what that takes is not counted",
        lowering.trace.held[alike[0]].name,
    )
    for other in others:
        if _count(lowering, other) != shape[0]:
            raise NotCoveredError("has weights computed from several")
    found.scales = others
    return found


def all_held(lowering: Lowering, numbers: Sequence[int]) -> list[int]:
    """Some tensors that learn as the model holds them: these, or what they are parts of, each once.

    Raises:
        NotCoveredError: they are not all of what it holds for them, or do not learn.
    """
    found: dict[int, None] = {}
    for number in numbers:
        own = [number] if number in lowering.trace.held else learned_sources(lowering, number)
        if not own:
            raise NotCoveredError("has constant weights")
        found |= dict.fromkeys(own)
    if sum(_count(lowering, n) for n in found) != sum(_count(lowering, n) for n in numbers):
        raise NotCoveredError("has weights computed from several")
    return [*found]


def makers_of(lowering: Lowering, number: int) -> Iterator[Operation]:
    """The operations that a tensor comes from."""
    made = {n: operation for operation in lowering.trace.operations for n in operation.outputs}
    waiting, seen = [number], {number}
    while waiting:
        operation = made.get(waiting.pop())
        if operation is None:
            continue
        yield operation
        new = {*tensors_in(operation.arguments)} - seen
        seen |= new
        waiting += sorted(new)


def learned_sources(lowering: Lowering, number: int) -> list[int]:
    """The tensors that learn, as the model holds them, that a tensor is computed from."""
    taken = {n for each in makers_of(lowering, number) for n in tensors_in(each.arguments)}
    taken.add(number)
    held = lowering.trace.held
    return sorted(n for n in taken if n in held and n in lowering.learned)


def _count(lowering: Lowering, number: int) -> int:
    return _count_of(lowering.tensor(number).shapes[0])


def _count_of(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
