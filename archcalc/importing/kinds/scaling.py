"""Products with one value for each channel or each image that are layers with a name."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.importing.kinds.call import Call
from archcalc.importing.kinds.drafts import Value
from archcalc.importing.kinds.lowering import Lowering, tensors_in
from archcalc.importing.trace import BUFFER, Held, Operation, Ref

FROZEN = "frozen_batch_norm"
_FACTOR, _SHIFT = ("weight", "running_var"), ("bias", "running_mean")


def scaled(call: Call) -> bool:
    """Makes the layer that a product is, where it has a name; says whether it has."""
    pair = _pair(call)
    return pair is not None and (
        _drop_path(call, *pair)
        or _frozen_batch_norm(call, *pair)
        or _scaled_lengths(call, *pair)
        or _channel_scale(call, *pair)
    )


def shifted(call: Call) -> bool:
    """The shift of a frozen batch norm, which its layer has; says whether it is one."""
    pair = _pair(call)
    if pair is None:
        return False
    maker = call.lowering.makers.get(pair[0])
    value = call.lowering.values.get(pair[0])
    if value is None or value.draft.kind != FROZEN or value.draft.operation is not maker:
        return False
    call.same(value)
    return True


def _pair(call: Call) -> tuple[int, int] | None:
    """The number of a tensor of images, and of one that is none, where it is these that meet."""
    found = [call.operation.arguments.get(name) for name in ("input", "other")]
    numbers = [each.tensor for each in found if isinstance(each, Ref)]
    if len(numbers) != 2 or call.has("alpha"):
        return None
    numbers.sort(key=lambda number: number not in call.lowering.of_images)
    first, second = numbers
    of_images = call.lowering.of_images
    return (first, second) if first in of_images and second not in of_images else None


def _drop_path(call: Call, number: int, factor: int) -> bool:
    """One value for each image, dropped out of ones."""
    maker = call.lowering.makers.get(factor)
    if maker is None or maker.operator != "dropout":
        return False
    sizes = call.lowering.sizes(factor)
    batches = call.lowering.trace.batches
    if sizes[0] != batches or any({*each} != {1} for each in sizes[1:]):
        return False
    call.layer("drop_path", call.lowering.value(number), {"p": maker.arguments.get("p", 0.5)})
    return True


def _scaled_lengths(call: Call, number: int, factor: int) -> bool:
    """Lengths of one times a learned value for each place along their axis, as SSD has them."""
    lowering = call.lowering
    value = lowering.value(number)
    draft = value.draft
    at_once = [draft] == lowering.drafts[-1:] and lowering.makers.get(number) is draft.operation
    if draft.kind != "normalize" or not at_once or call.operation.in_place:
        return False
    axis = 1 + draft.fields.get("axis", 0) % (len(value.axes) - 1)
    held = _learned_along(call, value, factor, axis)
    if held is None or len(lowering.users[number]) > 1 or not _along_first(value):
        return False
    draft.fields["scale"] = True
    lowering.hold(draft, {"weight": held})
    call.same(value)
    return True


def _learned_along(call: Call, value: Value, factor: int, axis: int) -> int | None:
    """What a factor is of the model, where it learns and lies along one axis of a tensor alone,
    and nothing else takes it."""
    lowering = call.lowering
    if factor not in lowering.learned:
        return None
    learned = lowering.value(factor)
    source, axes = learned.draft, call.of_rank(learned, len(value.axes)).axes
    (held,) = source.held.values() or (-1,)
    if source.kind != "parameter" or source.map is not None or held in lowering.owners:
        return None
    alone = len(lowering.users[held]) == len(lowering.users[factor]) == 1
    if not alone or len(axes) != len(value.axes) or any(axes[:axis]) or any(axes[axis + 1 :]):
        return None
    whole = [each for each in lowering.sizes(held) if {*each} != {1}]
    return held if whole == [lowering.sizes(call.output)[axis]] else None


def _channel_scale(call: Call, number: int, factor: int) -> bool:
    """A learned value for each channel of a map; of tokens the first axis is none of channels."""
    value = call.lowering.value(number)
    if len(value.axes) < 4 or not _along_first(value):
        return False
    held = _learned_along(call, value, factor, 1)
    if held is None:
        return False
    call.layer("channel_scale", value, {}, {"weight": held})
    return True


def _along_first(value: Value) -> bool:
    """Whether the axes are the batch and those of the layer, in order."""
    return value.axes[1:] == value.base[1:] and not value.base[0]


def _frozen_batch_norm(call: Call, number: int, factor: int) -> bool:
    """A factor and a shift that are computed from statistics and weights that stay as they are."""
    lowering = call.lowering
    users = lowering.users.get(call.output, [])
    if factor in lowering.learned or len(users) != 1 or users[0].operator not in ("add", "__add__"):
        return False
    others = [n for n in tensors_in(users[0].arguments) if n != call.output]
    if len(others) != 1 or others[0] in lowering.of_images:
        return False
    held = {name: n for n, name in _buffers(lowering, [factor, *others])}
    eps = [*_added(lowering, factor)]
    if {*held} != {*_FACTOR, *_SHIFT} or len(eps) != 1:
        return False
    if {name for _, name in _buffers(lowering, [factor])} != {*_FACTOR}:
        return False
    call.layer(FROZEN, lowering.value(number), {"eps": eps[0]}, held)
    return True


def _behind(lowering: Lowering, numbers: list[int]) -> Iterator[Operation]:
    """The operations that some tensors are made by, each once."""
    waiting = [*numbers]
    met: set[int] = set()
    while waiting:
        number = waiting.pop()
        maker = lowering.makers.get(number)
        if maker is not None and number not in met:
            met.update(maker.outputs)
            yield maker
            waiting += tensors_in(maker.arguments)


def _buffers(lowering: Lowering, numbers: list[int]) -> Iterator[tuple[int, str]]:
    """What the model keeps that some tensors are made of, with the last part of its name."""
    for maker in _behind(lowering, numbers):
        for number in tensors_in(maker.arguments):
            held: Held | None = lowering.trace.held.get(number)
            if held is not None and held.role == BUFFER:
                yield number, held.name.rpartition(".")[2]


def _added(lowering: Lowering, number: int) -> Iterator[float]:
    """The numbers that are added to what a tensor is made of."""
    for maker in _behind(lowering, [number]):
        if maker.operator in ("add", "__add__"):
            yield from [each for each in maker.arguments.values() if isinstance(each, float)]
