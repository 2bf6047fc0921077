"""Explanations whose figures are computed: `{networks[vgg11].params / params:%} of it`.

What stands in braces is a quantity, in the language of `archcalc.figures.language`. Its value
takes the place: whole numbers with all digits, others to six digits with a `~` before them where
these are not all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archcalc.claims.printed import PERCENT
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import is_open

_IN_BRACES = re.compile(r"\{([^{}]*?)(:%)?\}")
_DIGITS = 6
_DIGITS_OF_PERCENT = 4


def explained(template: str, value_of: Callable[[str], Any]) -> str:
    """A template with the values of its quantities in their places.

    Args:
        value_of: gives the value of a quantity.
    """

    def put(match: re.Match[str]) -> str:
        return figure_text(value_of(match[1]), PERCENT if match[2] else Fraction(1))

    return _IN_BRACES.sub(put, template)


def figure_text(value: Any, unit: Fraction = Fraction(1)) -> str:
    """A computed value: `1,234`, `64x56x56`, `true`, `2.5`, `~8.71112`; empty for None.

    Args:
        unit: PERCENT for shares: `33%`, `~1.906%`.
    """
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return "x".join(str(plain(item)) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    if is_open(value):
        return "unknown" if value.is_bare else f"at least {figure_text(value.known, unit)}"
    if unit == PERCENT and isinstance(value, (int, float, Fraction)):
        return _rounded(Fraction(value) / unit, _DIGITS_OF_PERCENT) + "%"
    if isinstance(value, (float, Fraction)):
        return _rounded(Fraction(value), _DIGITS)
    number = plain(value)
    return f"{number:,}" if isinstance(number, int) else str(number)


def _rounded(number: Fraction, digits: int) -> str:
    """A number to so many digits, and two behind the point at least; marked if these are not all.

    Fractions of the spec language are exact; floats are as exact as they are printed.
    """
    if number.denominator == 1:
        return f"{number.numerator:,}"
    before = len(str(abs(int(number)))) if abs(number) >= 1 else 0
    text = f"{float(number):,.{max(2, digits - before)}f}".rstrip("0").rstrip(".")
    return text if Fraction(text.replace(",", "")) == number else f"~{text}"
