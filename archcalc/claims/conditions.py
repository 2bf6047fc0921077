"""Conditions on figures: `macs <= 150M`, as budgets set them and sweeps choose by them.

On the left stands a quantity, in the language of `archcalc.figures.language`; `lecture`, `all`,
`peak` and `training` are short for `lecture_bytes` and so on. On the right stands a figure, in the
units of `archcalc.claims.printed`; where it is one of bytes the quantity has to be, too.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from archcalc.claims.printed import Printed, PrintedError, parse_printed
from archcalc.figures.language import is_of_bytes
from archcalc.memory_use.totals import DEFINITIONS

_CONDITION = re.compile(r"(?P<quantity>.*[^<>=])(?P<relation><=|>=|<|>)(?P<figure>[^<>=]+)")
_POWER = re.compile(r"(\d+(?:\.\d+)?)[eE](\d{1,2})")
_OR, _AND = re.compile(r"\s+or\s+"), re.compile(r"\s+and\s+")


class Condition(NamedTuple):
    """A bound on a quantity.

    Attributes:
        quantity: what is bounded, as it was written.
        bound: the relation and the figure.
    """

    quantity: str
    bound: Printed


def _without_power(figure: str) -> str:
    """`1.5e6` as `1500000`; all else as it is."""
    power = _POWER.fullmatch(figure)
    number = Fraction(power[1]) * 10 ** int(power[2]) if power else Fraction(1, 2)
    return str(number) if number.denominator == 1 else figure


def read_condition(text: str, what: str = "a condition") -> Condition:
    """Reads one condition.

    Args:
        what: it is called in messages.

    Raises:
        PrintedError: it is malformed, or compares bytes with something else.
    """
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise PrintedError(
            f"{text[:60]!r} is not {what}; expected one such as params <= 5M or peak <= 8MB"
        )
    quantity, figure = match["quantity"].strip(), match["figure"].strip()
    try:
        bound = parse_printed(f"{match['relation']} {_without_power(figure)}")
    except PrintedError:
        raise PrintedError(
            f"{figure[:60]!r} is not a bound; expected one such as 5M, 8MB, 1,024Ki or 10%"
        ) from None
    if figure.endswith("B") and not is_of_bytes(in_full(quantity)):
        raise PrintedError(
            f"{figure} is of bytes, and {quantity} is not; peak, training, all, lecture and "
            "param_bytes are"
        )
    return Condition(quantity, bound)


def read_conditions(text: str) -> list[list[Condition]]:
    """Reads conditions with `and` and `or` between; `and` binds closer.

    Returns:
        A list of alternatives, of which each is a list of conditions that all hold.

    Raises:
        PrintedError: as `read_condition`.
    """
    return [[read_condition(part) for part in _AND.split(way)] for way in _OR.split(text)]


def in_full(quantity: str) -> str:
    """A quantity as the language has it: `peak_bytes` for `peak`."""
    return f"{quantity}_bytes" if quantity in DEFINITIONS else quantity
