"""How values moved, as a layer: a rearrangement in einops' notation, or what has a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from archcalc.importing.kinds.axes import Axes, Axis, Factor, factors_of, size_of

# Which values are copied: those whose order changes; those alone that cannot stay where they are;
# or those too that keep their order, and lie apart.
Copy: TypeAlias = Literal["reordered", "needed", "apart"]

_PARTS = {"h": "hp", "w": "wq", "t": "tr", "n": "nm", "l": "lm"}  # of an axis cut in two
_LETTERS = "abcdefgijkmnopqrstuvxyz"


class Move(NamedTuple):
    """A layer that only moves values.

    Attributes:
        kind, fields: as a spec says it.
        axes: what the axes of its output are called in the patterns of others.
    """

    kind: str
    fields: dict[str, Any]
    axes: tuple[str, ...]


def move(base: Axes, target: Axes, called: Sequence[str], copy: Copy) -> Move:
    """The layer that makes a map of the axes `base` one of the axes `target`, items first in both.

    Args:
        called: the names of the axes, without the items.
        copy: as the field of a `rearrange` that says so.
    """
    names = _names(base, called)
    after = tuple([_called(axis, names) for axis in target[1:]])
    if copy == "apart" and _in_order(base, target):
        found = _rearrangement(base, target, names, after)
        return found._replace(fields=found.fields | {"copy": "apart"})
    named = _with_a_name(base, target, after)
    if named is not None and (copy != "needed" or named.kind == "flatten"):
        return named
    found = _rearrangement(base, target, names, after)
    if copy != "needed" or _in_order(base, target):
        return found
    return found._replace(fields=found.fields | {"copy": "needed"})


def _in_order(base: Axes, target: Axes) -> bool:
    """Whether the values come in the same order."""
    before, after = ([f for f in factors_of(axes) if f.size != 1] for axes in (base, target))
    return before == after


def _rearrangement(
    base: Axes, target: Axes, names: dict[Factor, str], after: tuple[str, ...]
) -> Move:
    fields: dict[str, Any] = {"axes": f"{_side(base, names)} -> {_side(target, names)}"}
    cut = [axis for axis in base if len(axis) > 1]
    for axis in cut:
        spatial = len(cut) > 1 and len(axis) == 2
        left_open = axis[0] if spatial else max(axis, key=lambda each: each.size)
        fields |= {names[each]: each.size for each in axis if each is not left_open}
    return Move("rearrange", fields, after)


def _with_a_name(base: Axes, target: Axes, after: tuple[str, ...]) -> Move | None:
    """A move that a reader would call by its name."""
    if base[0] or target[0]:
        return None
    before, found = base[1:], target[1:]
    if len(found) == 1 and len(before) > 1 and [*factors_of(before)] == [*factors_of(found)]:
        return Move("flatten", {}, after)
    alike = len(before) == len(found) > 1 and before[1:] == found[1:]
    if alike and len(before[0]) == 2 and found[0] == before[0][::-1]:
        return Move("channel_shuffle", {"groups": before[0][0].size}, after)
    if len(before) == len(found) == 3:
        for kind, few, many in (
            ("pixel_shuffle", found, before),
            ("pixel_unshuffle", before, found),
        ):
            side = _block(few, many)
            if side is not None:
                return Move(kind, {"factor": side}, after)
    return None


def _block(large: Axes, deep: Axes) -> int | None:
    """The factor of a pixel shuffle that makes the axes `deep` the axes `large`."""
    (channels, rows, columns), (depth, *grid) = large, deep
    if len(rows) < 2 or len(columns) < 2 or rows[-1].size != columns[-1].size:
        return None
    alike = depth == (*channels, rows[-1], columns[-1])
    return rows[-1].size if alike and grid == [rows[:-1], columns[:-1]] else None


def _names(base: Axes, called: Sequence[str]) -> dict[Factor, str]:
    names: dict[Factor, str] = {}
    if len(called) != len(base) - 1:
        called = _LETTERS[: len(base) - 1]
    for axis, name in zip(base, ("i", *called), strict=True):
        for each, letter in zip(axis, _letters(axis, name), strict=False):
            names[each] = _free(letter, names)
    return names


def _letters(axis: Axis, name: str) -> Iterator[str]:
    if len(axis) == 1:
        yield name
    elif len(axis) == 2 and name in _PARTS:
        yield from _PARTS[name]
    elif len(axis) == 2:
        yield from ("g", name)
    else:
        yield from ("k", "h", "d", "e", "f")
        yield from _LETTERS


def _free(letter: str, names: dict[Factor, str]) -> str:
    taken = {*names.values()}
    return letter if letter not in taken else next(each for each in _LETTERS if each not in taken)


def _called(axis: Axis, names: dict[Factor, str]) -> str:
    return names[axis[0]] if len(axis) == 1 else "n"


def _side(axes: Axes, names: dict[Factor, str]) -> str:
    items, *others = axes
    texts = [f"[{' '.join(names[each] for each in items)}]"] if items else []
    for axis in others:
        inside = " ".join(names[each] for each in axis)
        texts.append(inside if len(axis) == 1 else f"({inside})" if axis else "1")
    return " ".join(texts)


def sizes_of(axes: Axes) -> list[int]:
    """The sizes of axes without the batch."""
    return [size_of(axis) for axis in axes]
