"""What Python's brackets take of a tensor: places, parts, new axes, and what tables say."""

from __future__ import annotations

from typing import Any, NamedTuple

from archcalc.importing.kinds.axes import batch_axis, size_of
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.drafts import NotCoveredError, Value
from archcalc.importing.kinds.slicing import by_table, selected, sizes_of_table, sliced
from archcalc.importing.trace import Ref


@handles("__getitem__")
def getitem(call: Call) -> None:
    """Whatever Python's brackets take of a tensor."""
    value = call.value("input", "self")
    index = call.operation.arguments["index"]
    several = isinstance(index, (list, tuple)) and not isinstance(index, Ref)
    index = [*index] if several else [index]
    index = (
        index if Ellipsis in [e for e in index if not isinstance(e, Ref)] else [*index, Ellipsis]
    )
    if _crop(call, value, index):
        return
    index = _with_tables_together([call.number(each) for each in index])
    dim, left = 0, sum(map(_axes_taken, index))
    for each in index:
        if each is Ellipsis:
            dim = len(value.axes) - left
            continue
        if each is None:
            value = value._replace(axes=(*value.axes[:dim], (), *value.axes[dim:]))
            dim += 1
            continue
        left -= _axes_taken(each)
        if isinstance(each, slice):
            each = _by_numbers(call, each)
            if each != slice(None):
                value = call.unbatched(value, dim)
            whole = any(factor.is_batch for factor in value.axes[dim])
            size = size_of(value.axes[dim])
            if whole and each != slice(None):
                if each.start or (each.stop or 0) < 0 or each.step:
                    raise NotCoveredError("takes some images of a batch")
                size_after = call.lowering.sizes(call.output)
                if not any(len({*one}) > 1 for one in size_after):
                    raise NotCoveredError("takes some images of a batch")
            elif not whole:
                value = sliced(call, value, dim, *each.indices(size))
            dim += 1
        elif isinstance(each, bool):
            raise NotCoveredError("takes places by a mask")
        elif isinstance(each, int):
            value = selected(call, value, dim, each)
        elif isinstance(each, _Tables):
            sizes = _common_sizes(call, each.tables)
            behind = dim + len(each.tables)
            as_one = tuple([factor for axis in value.axes[dim:behind] for factor in axis])
            value = value._replace(axes=(*value.axes[:dim], as_one, *value.axes[behind:]))
            value = by_table(call, value, dim, sizes)
            dim += len(sizes)
        else:
            raise NotCoveredError(f"takes places by {type(each).__name__}")
    call.moved(value, value.axes)


class _Tables(NamedTuple):
    """What says together which places along axes that follow one another."""

    tables: tuple[Any, ...]  # constants, and lists of numbers


def _with_tables_together(index: list[Any]) -> list[Any]:
    """An index with all tables in it as one, at their place.

    Raises:
        NotCoveredError: there is something else between them, so that torch puts their axes first.
    """
    places = [n for n, each in enumerate(index) if isinstance(each, Ref) or _is_list(each)]
    if not places:
        return index
    first, last = places[0], places[-1]
    if len(places) != last - first + 1:
        raise NotCoveredError("takes places by tables that lie apart")
    return [*index[:first], _Tables(tuple(index[first : last + 1])), *index[last + 1 :]]


def _is_list(given: Any) -> bool:
    return isinstance(given, list) and all(type(n) is int for n in given)


def _axes_taken(place: Any) -> int:
    """How many axes of the tensor a place in an index is about."""
    if isinstance(place, _Tables):
        return len(place.tables)
    return 0 if place is None or place is Ellipsis else 1


def _common_sizes(call: Call, tables: tuple[Any, ...]) -> list[tuple[int, ...]]:
    """The size of each axis that tables have when they are spread over one another."""
    runs = len(call.lowering.trace.batches)
    found = [
        sizes_of_table(call, each.tensor) if isinstance(each, Ref) else [(len(each),) * runs]
        for each in tables
    ]
    rank = max(map(len, found))
    spread = [[(1,) * runs] * (rank - len(each)) + each for each in found]
    return [max(sizes) for sizes in zip(*spread, strict=True)]


def _by_numbers(call: Call, given: slice) -> slice:
    """A slice whose ends may be tensors of one value."""
    ends = [call.number(each) for each in (given.start, given.stop, given.step)]
    if any(isinstance(each, Ref) for each in ends):
        raise NotCoveredError("takes places that depend on the image")
    return slice(*ends)


def _crop(call: Call, value: Value, index: list[Any]) -> bool:
    """Makes the layer that cuts off the border of a map along several axes; says whether it is."""
    whole, sides = slice(None), index[2:-1]
    if len(sides) < 2 or index[:2] != [whole, whole] or index[-1] is not Ellipsis:
        return False
    if not all(isinstance(each, slice) for each in sides) or len(value.axes) != len(index) - 1:
        return False
    if batch_axis(value.axes) != 0 or value.base[0] or value.axes[1:] != value.base[1:]:
        return False
    cuts = []
    for each, axis in zip(sides, value.axes[2:], strict=True):
        size = size_of(axis)
        start, stop, step = each.indices(size)
        if step != 1 or stop <= start:
            return False
        cuts.append((start, size - stop))
    if sum(cut != (0, 0) for cut in cuts) < 2:
        return False
    alike = [cut[0] if cut[0] == cut[1] else [*cut] for cut in cuts]
    one = alike[0] if isinstance(alike[0], int) and len({*map(str, alike)}) == 1 else alike
    call.layer("crop", value, {"sides": one})
    return True
