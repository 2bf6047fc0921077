"""Arithmetic progressions of rational numbers: the whole numbers, the multiples of 32, of 1/16 …"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple


class Progression(NamedTuple):
    """start, start + step, start + 2 step …, and as far downwards; 0 <= start < step."""

    start: Fraction
    step: Fraction

    @classmethod
    def of(cls, factor: Fraction, divisor: int | Fraction, rest: int | Fraction) -> Progression:
        """The x for which factor x leaves `rest` when divided by `divisor`."""
        step = abs(divisor / factor)
        return cls(Fraction(rest / factor) % step, step)

    @property
    def is_whole(self) -> bool:
        """Whether all are whole numbers."""
        return self.step.denominator == self.start.denominator == 1

    def text(self, label: str) -> str:
        """That a symbol is one of them: `whole n`, `16*alpha%1==0`."""
        if self == WHOLE_NUMBERS:
            return f"whole {label}"
        return f"{1 / self.step}*{label}%1=={self.start / self.step}"

    def __contains__(self, number: object) -> bool:
        assert isinstance(number, int | Fraction)
        return (number - self.start) % self.step == 0

    def common(self, other: Progression) -> Progression | None:
        """What two have in common; None if nothing."""
        scale = lcm(*[x.denominator for x in (*self, *other)])
        a, m, b, n = (int(x * scale) for x in (*self, *other))
        shared = gcd(m, n)
        if (b - a) % shared:
            return None
        steps = (b - a) // shared * pow(m // shared, -1, n // shared) % (n // shared)
        step = Fraction(m // shared * n, scale)
        return Progression(Fraction(a + m * steps, scale) % step, step)

    def around(self, other: Progression) -> Progression:
        """The one with the largest step that both are part of."""
        scale = lcm(*[x.denominator for x in (*self, *other)])
        a, m, b, n = (int(x * scale) for x in (*self, *other))
        step = Fraction(gcd(m, n, b - a), scale)
        return Progression(self.start % step, step)

    def from_(self, low: int | Fraction) -> Fraction:
        """The least of its numbers that is no less than `low`."""
        return low + (self.start - low) % self.step


WHOLE_NUMBERS = Progression(Fraction(0), Fraction(1))
