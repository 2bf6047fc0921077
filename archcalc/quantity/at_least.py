"""Quantities of which a part is not known: what is known of them, and of how many terms it lacks.

The rule of an opaque layer answers with `UNKNOWN` where nobody knows its cost. What is computed
from that stays open, so that no sum is silently too small: it is at least what is known of it, and
says so wherever it is shown. What no bound follows from is a `TypeError`, such as a comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, cast

if TYPE_CHECKING:
    from archcalc.quantity.arithmetic import Quantity


class AtLeast:
    """A quantity that is at least `known`.

    Attributes:
        known: what is known of it.
        unknown: the number of terms, not negative, that are not known.
    """

    __slots__ = ("known", "unknown")
    __array_ufunc__ = None  # numpy's arrays leave the operators to this class

    def __init__(self, known: Quantity, unknown: int) -> None:
        self.known = known
        self.unknown = unknown

    def __repr__(self) -> str:
        return "unknown" if self.is_bare else f"at least {self.known}"

    @property
    def is_bare(self) -> bool:
        """Whether nothing is known of it but that it is not negative."""
        return type(self.known) is int and self.known == 0

    def __eq__(self, other: object) -> bool:
        """Whether as much is known of both: records of them compare."""
        if not isinstance(other, AtLeast):
            return NotImplemented
        return self.known == other.known and self.unknown == other.unknown

    def __hash__(self) -> int:
        return hash((self.known, self.unknown))

    def __add__(self, other: Any) -> AtLeast:
        if isinstance(other, AtLeast):
            return AtLeast(self.known + other.known, self.unknown + other.unknown)
        return AtLeast(self.known + other, self.unknown)

    __radd__ = __add__

    def __sub__(self, other: Any) -> AtLeast:
        if isinstance(other, AtLeast):
            return NotImplemented
        return AtLeast(self.known - other, self.unknown)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, AtLeast) or _is_negative(other):
            return NotImplemented
        return 0 if type(other) is int and other == 0 else AtLeast(self.known * other, self.unknown)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> AtLeast:
        if isinstance(other, AtLeast) or _is_negative(other):
            return NotImplemented
        return AtLeast(self.known // other, self.unknown)

    def __truediv__(self, other: Any) -> AtLeast:
        if isinstance(other, AtLeast) or _is_negative(other):
            return NotImplemented
        return AtLeast(self.known / other, self.unknown)


def _is_negative(value: Any) -> bool:
    """Whether it is a plain number below 0, by which a bound from below becomes one from above."""
    return (isinstance(value, float) or hasattr(value, "denominator")) and bool(value < 0)


UNKNOWN = cast("Quantity", AtLeast(0, 1))  # of which nothing is known but that it is not negative


def is_open(value: object) -> TypeGuard[AtLeast]:
    """Whether a part of a quantity is not known."""
    return isinstance(value, AtLeast)


def known_part(value: Any) -> Any:
    """What is known of a quantity: all of it, of most."""
    return value.known if isinstance(value, AtLeast) else value
