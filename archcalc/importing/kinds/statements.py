"""Trace -> Model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module

from archcalc.feature_map import FeatureMap
from archcalc.importing.kinds.axes import Axes, axis_of, without_batch
from archcalc.importing.kinds.call import HANDLERS, Call
from archcalc.importing.kinds.drafts import Draft, NotCoveredError, Value
from archcalc.importing.kinds.lowering import Lowering, tensors_in
from archcalc.importing.kinds.naming import common_path, free_name, name_all, plain_name
from archcalc.importing.kinds.opaque import opaque
from archcalc.importing.kinds.rearranging import sizes_of
from archcalc.importing.kinds.sums import merged_sums
from archcalc.importing.model import Input, Model, Statement
from archcalc.importing.trace import PARAMETER, Held, Operation, Trace

for _family in (
    "attending", "convolving", "indexing", "joining", "moving", "norming", "pointwise", "pooling",
    "products", "recurring", "resizing", "sampling", "slicing", "writing",
):  # fmt: skip
    import_module(f"archcalc.importing.kinds.{_family}")

_NOTHING_LEFT = "nothing of the image was left to what follows it"


def statements(trace: Trace, origin: str) -> Model:
    """The layers that a trace is made of.

    Args:
        origin: one line that says where it comes from.
    """
    lowering = Lowering(trace, _lower)
    inputs: dict[str, Input] = {}
    for given, number in trace.inputs.items():
        name = free_name(plain_name(given) or "input", {*inputs})
        inputs[name] = _input(lowering, name, number)
    for operation in _live(trace.operations, trace.outputs.values()):
        if all(map(lowering.is_empty, operation.outputs)):
            _leave(operation, lowering)
        elif not lowering.of_images.isdisjoint(operation.outputs):
            _lower(operation, lowering)
        elif not lowering.learned.isdisjoint(operation.outputs):
            lowering.waiting |= dict.fromkeys(operation.outputs, operation)
    made = {name: _end(lowering, number) for name, number in trace.outputs.items()}
    outputs = {name: draft for name, draft in made.items() if draft is not None}
    heads = _heads(lowering)
    left = _left(lowering, [*outputs.values(), *heads])
    ends = [*outputs.values(), *heads, *left]
    drafts = merged_sums(_needed(lowering.drafts, ends), ends)
    name_all(drafts, trace.held, {*inputs})
    _note_unused(lowering)
    found = tuple([_statement(draft, trace.held) for draft in drafts])
    main = [each.name for each in found if not each.head]
    named = {plain_name(name): draft.name for name, draft in outputs.items()}
    named |= {draft.name: draft.name for draft in left}
    alone = len(named) == 1 and [*named.values()] == main[-1:]
    return Model(
        name=plain_name(trace.name) or "model",
        origin=origin,
        inputs=inputs,
        statements=found,
        outputs=None if alone or not named else named,
        notes=(*trace.notes, *lowering.told()),
        modules=trace.modules,
        macs=None if trace.flops is None else trace.flops // 2 // trace.batches[0],
    )


def _leave(operation: Operation, lowering: Lowering) -> None:
    """Of an operation that gives no value: what it takes leaves the model there."""
    lowering.left += [n for n in tensors_in(operation.arguments) if n in lowering.of_images]
    where = operation.path or lowering.trace.name
    if where not in lowering.notes.get(_NOTHING_LEFT, ()):
        lowering.note(_NOTHING_LEFT, where)


def _left(lowering: Lowering, ends: list[Draft]) -> list[Draft]:
    """The layers from which nothing of the image was left to what takes them."""
    found = {}
    for number in dict.fromkeys(lowering.left):
        if not lowering.is_empty(number) and lowering.value(number).draft.kind:
            draft = _end(lowering, number)
            found[id(draft)] = draft
    drafts = [draft for draft in found.values() if draft is not None]
    needed = _needed(lowering.drafts, [*ends, *drafts])
    taken = {id(each) for draft in needed for each in draft.inputs}
    return [draft for draft in drafts if id(draft) not in taken]


def _heads(lowering: Lowering) -> list[Draft]:
    """The last layers of what runs in training alone, each the end of a head of its own."""
    ends = []
    for name, number in lowering.trace.training_outputs.items():
        before = len(lowering.drafts)
        operations = _live(lowering.trace.training_operations, [number])
        lowering.depend_on_images(operations)
        for operation in operations:
            _lower(operation, lowering)
        end = _end(lowering, number)
        if end is None:
            continue
        ends.append(end)
        own = lowering.drafts[before:]
        paths = [draft.operation.path for draft in own if draft.operation is not None]
        head = plain_name(common_path(paths) or name)
        for draft in own:
            draft.head = head
        if own:
            places = [lowering.trace.training_places.get(each.outputs[0]) for each in operations]
            _put_in_turn(lowering, own, next((n for n in places if n is not None), None))
    return ends


def _put_in_turn(lowering: Lowering, own: list[Draft], place: int | None) -> None:
    """Puts the last layers, those of a head, where it runs: behind so many operations."""
    if place is None:
        return
    rest = lowering.drafts[: -len(own)]
    turn = {
        id(each): n
        for n, operation in enumerate(lowering.trace.operations)
        for each in _with_inside(operation)
    }
    taken = {id(each) for draft in own for each in draft.inputs}
    least = max([n for n, draft in enumerate(rest, 1) if id(draft) in taken], default=0)
    later = (n for n, draft in enumerate(rest) if turn.get(id(draft.operation), -1) >= place)
    at = max(least, next(later, len(rest)))
    lowering.drafts = [*rest[:at], *own, *rest[at:]]


def _with_inside(operation: Operation) -> Iterator[Operation]:
    """An operation, and those that it is made of."""
    yield operation
    for inner in operation.inside:
        yield from _with_inside(inner)


def _live(operations: Sequence[Operation], ends: Iterable[int]) -> list[Operation]:
    """The operations that some tensors need, in order."""
    needed = {*ends}
    found = []
    for operation in reversed(operations):
        if not needed.isdisjoint(operation.outputs):
            needed.update(tensors_in(operation.arguments))
            found.append(operation)
    return found[::-1]


def _input(lowering: Lowering, name: str, number: int) -> Input:
    sizes = lowering.sizes(number)
    several = len(lowering.trace.batches) > 1
    varying = [n for n, each in enumerate(sizes) if len({*each}) > 1] if several else [0]
    along = varying[0] if varying else 0
    axes: Axes = tuple(
        [lowering.axis_with_batch(each, None) if n == along else axis_of(each)
         for n, each in enumerate(sizes)]
    )  # fmt: skip
    items, rest = without_batch(axes[along]), (axes[:along] + axes[along + 1 :]) or ((),)
    base = ((), items, *rest) if items else ((), *rest)
    shape = tuple(sizes_of(base[1:]))
    draft = Draft("")
    draft.name, draft.map = name, FeatureMap(shape[0], shape[1:], dtype=lowering.dtype(number))
    draft.axes = {1: ("c",), 2: ("n", "c"), 3: ("c", "h", "w"), 4: ("c", "t", "h", "w")}.get(
        len(shape), ()
    )
    lowering.values[number] = Value(draft, base, axes, of_images=True)
    return Input(shape, lowering.dtype(number))


def _lower(operation: Operation, lowering: Lowering) -> None:
    handler = HANDLERS.get(operation.operator)
    call = Call(operation, lowering)
    try:
        if handler is None:
            raise NotCoveredError("is no layer kind")
        handler(call)
    except NotCoveredError as reason:
        if operation.inside:
            for inner in operation.inside:
                _lower(inner, lowering)
            return
        opaque(call, reason)


def _end(lowering: Lowering, number: int) -> Draft | None:
    """The layer whose output leaves the model as a tensor."""
    if number not in lowering.of_images or lowering.is_empty(number):
        return None
    value = lowering.value(number)
    draft = lowering.take(value, value.by, apart=True).draft
    if draft.kind:
        return draft
    return lowering.add("identity", (draft,), {}, None)


def _needed(drafts: list[Draft], ends: Iterable[Draft]) -> list[Draft]:
    """The layers that an output needs, and those whose weights these share, in order."""
    waiting = [*ends]
    seen: set[int] = set()
    while waiting:
        draft = waiting.pop()
        if id(draft) in seen:
            continue
        seen.add(id(draft))
        beside = [each for each in (draft.weights, draft.indices) if each is not None]
        waiting += [*draft.inputs, *beside]
    return [draft for draft in drafts if id(draft) in seen]


def _statement(draft: Draft, held: Mapping[int, Held]) -> Statement:
    assert draft.map is not None
    learned = [held[n] for n in draft.held.values() if held[n].role == PARAMETER]
    frozen = learned and draft.weights is None and not any(each.trainable for each in learned)
    fields = draft.fields | {"trainable": False} if frozen else draft.fields
    if draft.indices is not None:
        fields = {"indices": draft.indices.name} | fields
    return Statement(
        kind=draft.kind,
        name=draft.name,
        inputs=tuple([each.name for each in draft.inputs]),
        fields=fields,
        weights=None if draft.weights is None else draft.weights.name,
        shape=tuple([int(n) for n in draft.map.shape]),
        head=draft.head,
    )


def _note_unused(lowering: Lowering) -> None:
    """Says which parameters no layer holds."""
    for name in _unused(lowering):
        lowering.note("parameters that nothing takes at inference are not counted", name)


def _unused(lowering: Lowering) -> Iterator[str]:
    for number, held in lowering.trace.held.items():
        if held.role == PARAMETER and number not in lowering.owners:
            yield held.name
    for held in lowering.trace.unused:
        if held.role == PARAMETER:
            yield held.name
