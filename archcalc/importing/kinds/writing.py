"""What code writes into a tensor: the tensor with that in the place of what was there.

A part that is written to is put together with what lies around it, axis by axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from archcalc.importing.kinds.axes import Axis, axis_of, size_of
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.drafts import Draft, NotCoveredError, Value
from archcalc.importing.kinds.joining import put_together
from archcalc.importing.kinds.slicing import as_taken, sliced
from archcalc.importing.trace import Operation, Ref

_IN_PLACE = (
    "memory may be off where the module writes into a part of a tensor, which is put together "
    "anew here"
)


class Part(NamedTuple):
    """Some of the places along an axis.

    Attributes:
        start, stop: the first, and the one behind the last.
        stays: whether the part has the axis; not where it is one place by its number.
    """

    start: int
    stop: int
    stays: bool = True


@handles("__setitem__")
def setitem(call: Call) -> None:
    """What Python's brackets write."""
    if _is_there(call):
        call.same(call.value("input"))
        return
    _write(call, call.operation.arguments["index"], call.operation.arguments["value"])


def _is_there(call: Call) -> bool:
    """Whether the value was written there just before, as of `x[1:] += y`."""
    maker = call.lowering.makers.get(call.number_of("input"))
    if maker is None or maker.operator != "change_of_view":
        return False
    written = maker.arguments["value"]
    if written != call.operation.arguments["value"]:
        return False
    index = _index_of(_maker_of_view(call, written.tensor))
    return bool(index == call.operation.arguments["index"])


@handles("change_of_view")
def change_of_view(call: Call) -> None:
    """A tensor of which a part was changed, by an operator that took the part alone."""
    changed = call.operation.arguments["value"]
    view = _maker_of_view(call, changed.tensor)
    if view.arguments["input"].tensor not in _before(call, call.number_of("input")):
        raise NotCoveredError("is a view of a view")
    _write(call, _index_of(view), changed)


def _maker_of_view(call: Call, changed: int) -> Operation:
    """What has made the view that another operator has changed.

    Raises:
        NotCoveredError: nothing has that is known.
    """
    makers = call.lowering.makers
    before = makers[changed].arguments
    first = before.get("out", before.get("input"))
    maker = makers.get(first.tensor) if isinstance(first, Ref) else None
    if maker is None:
        raise NotCoveredError("is changed where nobody sees it")
    if maker.in_place:
        return _maker_of_view(call, first.tensor)
    return maker


def _before(call: Call, number: int) -> set[int]:
    """A tensor, and what it was before operators changed it."""
    found = {number}
    maker = call.lowering.makers.get(number)
    while maker is not None and maker.in_place and isinstance(maker.arguments.get("input"), Ref):
        number = maker.arguments["input"].tensor
        found.add(number)
        maker = call.lowering.makers.get(number)
    return found


def _index_of(view: Operation) -> Any:
    """What Python's brackets would say for a view.

    Raises:
        NotCoveredError: nothing would do.
    """
    given = view.arguments
    if view.operator == "__getitem__":
        return given["index"]
    if view.operator in ("select", "narrow") and given["dim"] >= 0:
        place: Any = given.get("index")
        if view.operator == "narrow":
            place = slice(given["start"], given["start"] + given["length"])
        return (*[slice(None)] * given["dim"], place)
    raise NotCoveredError("is a view in a way that no part is")


@handles("copy")
def copy(call: Call) -> None:
    """All values of another tensor."""
    _write(call, slice(None), call.operation.arguments["src"])


@handles("slice_scatter")
def slice_scatter(call: Call) -> None:
    """The tensor with others along an axis, from one place to another."""
    rank = len(call.shape(call.output))
    place = slice(call.get("start"), call.get("end"), call.get("step"))
    dim = call.get("dim", default=0) % rank
    _write(call, (*[slice(None)] * dim, place), call.operation.arguments["src"])


@handles("select_scatter")
def select_scatter(call: Call) -> None:
    """The tensor with others at one place along an axis."""
    dim = call.get("dim") % len(call.shape(call.output))
    _write(call, (*[slice(None)] * dim, call.get("index")), call.operation.arguments["src"])


def _write(call: Call, index: Any, given: Any) -> None:
    """Makes the output what the input is with something else at the places of an index."""
    whole = call.value("input")
    parts = _parts(call, whole, index)
    rank = sum(part.stays for part in parts)
    new = call.lowering.value(given.tensor) if isinstance(given, Ref) else _number(rank)
    if len(new.axes) > rank and not any(new.axes[: len(new.axes) - rank]):
        new = new._replace(axes=new.axes[len(new.axes) - rank :])
    if len(new.axes) > rank:
        raise NotCoveredError("writes what has more axes")
    axes = iter(call.of_rank(new, rank).axes)
    new = new._replace(axes=tuple([next(axes) if part.stays else () for part in parts]))
    cut = [n for n, part in enumerate(parts) if _is_cut(whole, n, part)]
    if cut:
        call.lowering.note(_IN_PLACE, call.operation.path or call.operation.operator)
    call.same(_put(call, whole, _spread(call, whole, new, parts), parts, cut))


def _parts(call: Call, whole: Value, index: Any) -> list[Part]:
    """The part of each axis that an index says."""
    listed = (
        [*index] if isinstance(index, (list, tuple)) and not isinstance(index, Ref) else [index]
    )
    listed = [call.number(each) for each in listed]
    if any(not (each is Ellipsis or type(each) in (int, slice)) for each in listed):
        raise NotCoveredError("writes to places by a table or a mask")
    if Ellipsis not in listed:
        listed.append(Ellipsis)
    at, missing = listed.index(Ellipsis), len(whole.axes) - len(listed) + 1
    listed[at : at + 1] = [slice(None)] * missing
    return [_part(whole.axes[n], each) for n, each in enumerate(listed)]


def _part(axis: Axis, place: Any) -> Part:
    size = size_of(axis)
    of_batch = any(each.is_batch for each in axis)
    if of_batch and place != slice(None):
        raise NotCoveredError("writes to some images of a batch")
    if isinstance(place, int):
        return Part(place % size, place % size + 1, stays=False)
    if any(isinstance(each, Ref) for each in (place.start, place.stop, place.step)):
        raise NotCoveredError("writes to places by a table or a mask")
    start, stop, step = place.indices(size)
    if step != 1 or stop <= start:
        raise NotCoveredError("writes to places that lie apart")
    return Part(start, stop)


def _is_cut(whole: Value, dim: int, part: Part) -> bool:
    return part[:2] != (0, size_of(whole.axes[dim]))


def _number(rank: int) -> Value:
    """A constant of one value."""
    return Value(Draft("parameter"), ((), *[()] * max(rank, 1)), ((),) * rank, of_images=False)


def _spread(call: Call, whole: Value, new: Value, parts: Sequence[Part]) -> Value:
    """What is written, as large as the part."""
    axes: list[Axis] = []
    for n, part in enumerate(parts):
        size, own = part.stop - part.start, new.axes[n]
        one = not own and size != 1
        axes.append(axis_of((size,) * len(call.lowering.trace.batches)) if one else own)
    if tuple(axes) == new.axes:
        return new
    taken = call.take(new)
    shape = [-1 if axis == own else size_of(axis) for axis, own in zip(axes, new.axes, strict=True)]
    if taken.batch is not None:
        del shape[taken.batch]
    draft = call.add("expand", [taken], {"shape": shape})
    return as_taken(new._replace(axes=tuple(axes)), draft, taken.batch)


def _put(call: Call, whole: Value, new: Value, parts: Sequence[Part], cut: Sequence[int]) -> Value:
    """A tensor with another in the place of a part, which is smaller along the axes `cut`."""
    if not cut:
        return new
    dim, *others = cut
    start, stop, _ = parts[dim]
    inside = sliced(call, whole, dim, start, stop) if others else whole
    pieces = [_put(call, inside, new, parts, others)]
    if start > 0:
        pieces.insert(0, sliced(call, whole, dim, 0, start))
    if stop < size_of(whole.axes[dim]):
        pieces.append(sliced(call, whole, dim, stop, size_of(whole.axes[dim])))
    return put_together(call, pieces, dim, whole.axes[dim])
