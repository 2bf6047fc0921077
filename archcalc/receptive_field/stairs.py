"""Functions that go up in steps: what a unit sees first, or last, behind layers that spread units.

Along a chain of layers the first pixel that unit u sees is `pixel + rise * ((u + shift) // step)`:
upsampling by f divides u by f and rounds down, a stride multiplies it, and where the two do not
cancel a step is left. Where branches meet it is the least of several such functions. So thousands
of phases take a few numbers, and the largest field of all phases is found without looking at each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import gcd
from typing import NamedTuple


class Stairs(NamedTuple):
    """The function u -> pixel + rise * ((u + shift) // step) of whole numbers u.

    Attributes:
        pixel: where it is on the ground floor.
        rise: pixels from one step to the next; 1 or more.
        shift: 0 <= shift < step: so many numbers before 0 the ground floor begins.
        step: numbers on each step; 1 where it goes straight up.
    """

    pixel: int
    rise: int
    shift: int
    step: int

    def __call__(self, unit: int) -> int:
        return self.pixel + self.rise * ((unit + self.shift) // self.step)

    def spread(self, shift: int, factor: int) -> Stairs:
        """The function u -> self((u + shift) // factor)."""
        return stairs(self.pixel, self.rise, shift + factor * self.shift, factor * self.step)

    def slid(self, stride: int, shift: int) -> Stairs | None:
        """The function u -> self(stride u + shift); None where steps of two lengths alternate."""
        common = gcd(stride, self.step)
        times, step, rest = stride // common, self.step // common, (shift + self.shift) // common
        if step == 1:
            return Stairs(self.pixel + self.rise * rest, self.rise * times, 0, 1)
        return stairs(self.pixel, self.rise, rest, step) if times == 1 else None


def stairs(pixel: int, rise: int, shift: int, step: int) -> Stairs:
    """The function u -> pixel + rise * ((u + shift) // step), for any shift."""
    floors, shift = divmod(shift, step)
    return Stairs(pixel + rise * floors, rise, shift, step)


def most_apart(upper: Stairs, lower: Stairs) -> int:
    """A number u for which upper(u) - lower(u) is largest.

    Both go up by the same on average, by a = rise / step for each number. With the remainders
    x = (u + shift) mod step of the upper and y of the lower one, the difference is a constant plus
    a (y - x): largest for x = 0 and y = step - 1, if some u has both. By the Chinese remainder
    theorem some u has x and y wherever x - y is what it has to be modulo the common divisor of
    the steps: y is lowered until it is.
    """
    common = gcd(upper.step, lower.step)
    y = lower.step - 1 - (upper.shift - lower.shift - 1) % common
    # u = x - shift modulo the upper step, and y - shift modulo the lower.
    at_upper, at_lower = -upper.shift, y - lower.shift
    rounds = upper.step // common
    turns = (at_upper - at_lower) // common * pow(lower.step // common, -1, rounds)
    return at_lower + lower.step * (turns % rounds)


def lowest(several: Iterable[Stairs]) -> tuple[Stairs, ...]:
    """Those functions that are somewhere below all others, in a fixed order."""
    return _undercut(several, lambda a, b: _never_above(a, b))


def highest(several: Iterable[Stairs]) -> tuple[Stairs, ...]:
    """Those functions that are somewhere above all others, in a fixed order."""
    return _undercut(several, lambda a, b: _never_above(b, a))


def _never_above(a: Stairs, b: Stairs) -> bool:
    unit = most_apart(a, b)
    return a(unit) <= b(unit)


def _undercut(
    several: Iterable[Stairs], suffices: Callable[[Stairs, Stairs], bool]
) -> tuple[Stairs, ...]:
    """The functions that no single other one suffices for."""
    kept: list[Stairs] = []
    for new in sorted(set(several)):
        if not any(suffices(old, new) for old in kept):
            kept = [old for old in kept if not suffices(new, old)] + [new]
    return tuple(kept)
