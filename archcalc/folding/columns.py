"""What one place in several groups says in each of them, and how a block says all of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from archcalc.feature_map import FeatureMap
from archcalc.folding.items import Ref

BEFORE = "before"  # the number that a row of layers ends before


NO_DEFAULT = object()


class Expression(str):
    """A value that is written as it stands, and evaluated in the block."""


class Slot(NamedTuple):
    """A value at one place in a group.

    Attributes:
        name: of the field, or of the parameter that is given.
        of: the name of the layer or the call that it is given to.
        is_width: whether it grows with the channels of a network.
        map: what flows into that layer or call.
        beside: other values there, by name.
        default: what it is where nothing is said; `NO_DEFAULT` where something has to be.
        around: what flows into the body that it stands in.
    """

    name: str
    of: str
    value: object
    is_width: bool = False
    map: FeatureMap | None = None
    beside: tuple[tuple[str, object], ...] = ()
    default: object = NO_DEFAULT
    around: FeatureMap | None = None


class Parameters:
    """The parameters of a block, found one after the other, with their values in each group.

    Attributes:
        columns: the values of each.
        widths: for each whether it grows with the channels of a network.
        defaults: what some of them are where nothing is said.
    """

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self.columns: dict[str, list[object]] = {}
        self.widths: dict[str, bool] = {}
        self.defaults: dict[str, object] = {}

    def said(self, slots: Sequence[Slot]) -> object:
        """What a block says at one place, where its groups have these slots: a value or an
        expression, for which there may be one parameter more."""
        values, slot = [each.value for each in slots], slots[0]
        if all(_same(value, values[0]) for value in values):
            return self._constant(slots)
        lists = [value for value in values if isinstance(value, tuple)]
        if len(lists) == len(values) and len({*map(len, lists)}) == 1:
            return [
                self.said(
                    [
                        s._replace(value=v, default=NO_DEFAULT)
                        for s, v in zip(slots, items, strict=True)
                    ]
                )
                for items in zip(*lists, strict=True)
            ]
        is_width = any(each.is_width for each in slots)
        found = self._known(slots, is_width) or (self._of_sizes(slots) if is_width else None)
        if found is None:
            found = self._new_name(slot)
            self.columns[found] = values
            self.widths[found] = is_width
            if isinstance(slot.default, int) and any(_same(v, slot.default) for v in values):
                self.defaults[found] = slot.default
        return Expression(f"{{{found}}}" if isinstance(slot.value, Ref) else found)

    def _constant(self, slots: Sequence[Slot]) -> object:
        """A value that is the same in all groups; one that has to fit what comes in follows it."""
        slot = slots[0]
        if (
            slot.name == "groups"
            and slot.value != 1
            and all(s.map is not None and s.map.channels == s.value for s in slots)
        ):
            return Expression("in_channels")
        return slot.value

    def _known(self, slots: Sequence[Slot], is_width: bool) -> str | None:
        """In terms of the parameters so far."""
        values = [slot.value for slot in slots]
        for name, column in self.columns.items():
            if all(map(_same, values, column)):
                return name
        if is_width:
            for name, column in self.columns.items():
                if self.widths[name] and (text := _multiple(values, column, name)):
                    return text
        if slots[0].name == BEFORE:
            for name, column in self.columns.items():
                if (further := _further(values, column)) is not None:
                    return f"{name} + {further}"
        if slots[0].name == "padding":
            kernels = [dict(slot.beside).get("kernel") for slot in slots]
            of = next((n for n, c in self.columns.items() if all(map(_same, kernels, c))), None)
            if of is not None and all(
                isinstance(k, int) and _same(v, k // 2)
                for v, k in zip(values, kernels, strict=True)
            ):
                return f"{of} // 2"
        return None

    def _of_sizes(self, slots: Sequence[Slot]) -> str | None:
        """In terms of what comes in there, or into the body."""
        values = [slot.value for slot in slots]
        for maps, texts in (
            ([slot.map for slot in slots], ("in_channels", "in_shape[-1]")),
            ([slot.around for slot in slots], ("shape_of(in)[0]", "shape_of(in)[-1]")),
        ):
            for axis, text in zip((0, -1), texts, strict=True):
                column = [x.shape[axis] for x in maps if x is not None]
                if len(column) == len(slots) and len({*column}) > 1:
                    found = text if values == column else _multiple(values, column, text)
                    if found is not None:
                        return found
        return None

    def _new_name(self, slot: Slot) -> str:
        for name in (slot.name, f"{slot.of.replace('.', '_')}_{slot.name}"):
            if name.isidentifier() and name not in self.columns and name not in self._taken:
                return name
        number = 2
        while f"{slot.name}_{number}" in self.columns:
            number += 1
        return f"{slot.name}_{number}"


def _multiple(values: Sequence[object], column: Sequence[object], name: str) -> str | None:
    """`4*name`, `name // 4`: whole numbers that are all the same multiple, or part, of others."""
    ratio: Fraction | None = None
    for value, known in zip(values, column, strict=True):
        if type(value) is not int or type(known) is not int or known == 0:
            return None
        if ratio is not None and Fraction(value, known) != ratio:
            return None
        ratio = Fraction(value, known)
    if ratio is None or ratio <= 0:
        return None
    if ratio.denominator == 1:
        return f"{ratio.numerator}*{name}"
    if ratio.numerator == 1:
        return f"{name} // {ratio.denominator}"
    return None


def _further(values: Sequence[object], column: Sequence[object]) -> int | None:
    """By how much whole numbers are above others, where that is the same for all."""
    apart = {
        a - b if type(a) is type(b) is int else None for a, b in zip(values, column, strict=True)
    }
    (found,) = apart if len(apart) == 1 else (None,)
    return found if found is not None and found > 0 else None


def _same(a: object, b: object) -> bool:
    """Whether two values are the same; 1 is not true."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)
