"""Figures as they are printed: `138M`, `~600K`, `1,072Ki`, `33%`, `55x55x96`, and rounding."""

from __future__ import annotations

import re
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

from archcalc.errors import ArchcalcError
from archcalc.quantity.at_least import is_open

PERCENT = Fraction(1, 100)
_UNITS: dict[str, Fraction] = {
    "": Fraction(1),
    "%": PERCENT,
    **{prefix: Fraction(1000) ** n for n, prefix in enumerate("KMGTP", 1)},
    **{f"{prefix}i": Fraction(1024) ** n for n, prefix in enumerate("KMGTP", 1)},
}
_FIGURE = re.compile(
    r"(?P<relation>~|<=|>=|<|>|)\s*(?P<number>-?\d[\d,]*(?:\.\d+)?)\s*"
    r"(?P<unit>[KMGTP]i?|%|)(?P<bytes>B?)"
)
_SHAPE = re.compile(r"\d+(x\d+)+")
ABOUT = Fraction(1, 10)  # how far a figure printed with "about" may be off


class Verdict(Enum):
    """How a printed figure compares with the computed one."""

    AGREES = "agrees"  # rounded as printed, it is the same
    TRUNCATED = "agrees by truncation"  # the digits after the last printed one were cut off
    APPROXIMATELY = "approximately"  # printed as "about", and within a tenth
    WRONG = "wrong"  # an arithmetic of the figure's own source contradicts it
    DIFFERS = "differs"  # of another variant, rounding or convention, which is said
    UNEXPLAINED = "unexplained"  # not what archcalc computes, and nobody knows why
    UNDECIDABLE = "not decidable here"  # nothing that follows from the layers


class PrintedError(ArchcalcError):
    """A text is not a figure."""


class Printed(NamedTuple):
    """A figure as printed.

    Attributes:
        text: as it stands in the claim.
        number: in its unit; a tuple for a shape, a bool for a statement.
        unit: what one of the unit is, such as 10**6.
        decimals: how many were printed.
        relation: "~" for "about", "<", "<=", ">" or ">=" for a bound, else empty.
    """

    text: str
    number: Fraction | tuple[int, ...] | bool
    unit: Fraction = Fraction(1)
    decimals: int = 0
    relation: str = ""

    @property
    def value(self) -> Fraction:
        """The number that it stands for, of one that is a number: 138M is 138,000,000."""
        assert isinstance(self.number, Fraction), "a shape, or a statement"
        return self.number * self.unit

    def verdict(self, computed: Any) -> Verdict:
        """Whether the figure is right: AGREES, TRUNCATED, APPROXIMATELY or DIFFERS.

        Of a number of which only a part is known it is UNDECIDABLE, unless that part decides.

        Args:
            computed: a number, a list of sizes or a bool, as the figure is.

        Raises:
            PrintedError: one is a number and the other is not.
        """
        if not isinstance(self.number, Fraction):
            right = tuple(computed) if isinstance(computed, (list, tuple)) else computed
            if type(right) is not type(self.number):
                raise PrintedError(f"{self.text} cannot be compared with {computed}")
            return Verdict.AGREES if right == self.number else Verdict.DIFFERS
        if isinstance(computed, (bool, str, list, tuple)) or computed is None:
            raise PrintedError(f"{self.text} cannot be compared with {computed}")
        if is_open(computed):
            return self._of_open(computed.known, self.number)
        value = Fraction(computed) / self.unit
        if self.relation in ("<", "<=", ">", ">="):
            return Verdict.AGREES if _BOUNDS[self.relation](value, self.number) else Verdict.DIFFERS
        # In steps of the last printed digit; a half may go either way.
        steps, printed = value * 10**self.decimals, self.number * 10**self.decimals
        if abs(steps - printed) <= Fraction(1, 2):
            return Verdict.AGREES
        if self.relation == "~":
            close = abs(value - self.number) <= ABOUT * abs(value)
            return Verdict.APPROXIMATELY if close else Verdict.DIFFERS
        if 0 < steps - printed < 1:
            return Verdict.TRUNCATED
        return Verdict.DIFFERS

    def _of_open(self, known: Any, number: Fraction) -> Verdict:
        """The verdict on a number that is at least so much."""
        found = self.verdict(known)
        if self.relation in (">", ">="):
            decides = found is Verdict.AGREES
        elif self.relation in ("<", "<="):
            decides = found is Verdict.DIFFERS
        else:  # too much already, and more makes it no better
            decides = found is Verdict.DIFFERS and Fraction(known) / self.unit > number
        return found if decides else Verdict.UNDECIDABLE

    def is_near(self, one: Any, other: Any) -> bool:
        """Whether two values are the same to the last digit of the figure, cut or rounded."""
        if not isinstance(self.number, Fraction) or isinstance(one, bool):
            return bool(one == other)
        step = self.unit / 10**self.decimals
        return bool(abs(Fraction(one) - Fraction(other)) < step)

    def deviation(self, computed: Any) -> Fraction | None:
        """How far the printed number is off, as a share of the computed one; None for others."""
        if not isinstance(self.number, Fraction) or is_open(computed) or not computed:
            return None
        return self.number * self.unit / Fraction(computed) - 1


_BOUNDS = {
    "<": Fraction.__lt__,
    "<=": Fraction.__le__,
    ">": Fraction.__gt__,
    ">=": Fraction.__ge__,
}


def parse_printed(text: str) -> Printed:
    """Reads a figure.

    `~` before it says "about"; `<`, `<=`, `>`, `>=` a bound. Units: K M G T P are powers of 1000,
    Ki Mi … of 1024, % hundredths, with or without a B for bytes. `55x55x96` is a shape, `true` a
    statement.

    Raises:
        PrintedError: the text is not a figure.
    """
    if text in ("true", "false"):
        return Printed(text, text == "true")
    if _SHAPE.fullmatch(text):
        return Printed(text, tuple(map(int, text.split("x"))))
    match = _FIGURE.fullmatch(text.strip())
    if match is None:
        raise PrintedError(
            f"{text!r} is not a figure; expected one such as 138M, ~600K, 33%, 1,072Ki or 64x56x56"
        )
    digits = match["number"].replace(",", "")
    return Printed(
        text=text,
        number=Fraction(digits),
        unit=_UNITS[match["unit"]],
        decimals=len(digits.partition(".")[2]),
        relation=match["relation"],
    )
