"""Numbers as people read them: `138.36M`, `12.85MB`, `64x224x224`, `3x7`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from archcalc.figures.figure import Unit
from archcalc.quantity.arithmetic import normal, plain
from archcalc.quantity.at_least import AtLeast, is_open
from archcalc.quantity.conditions import is_array

if TYPE_CHECKING:
    from fractions import Fraction

_PREFIXES = ("", "K", "M", "G", "T", "P", "E")


def short(value: object) -> str:
    """A count in steps of 1000, to two decimals: 138357544 -> `138.36M`, 64 -> `64`.

    Symbols and arrays are shown as `exact` shows them, and what is known in part so too.
    """
    if is_open(value):
        return _at_least(value, short)
    number = normal(value)  # type: ignore[arg-type]  # whatever is not a number comes back as it is
    if type(number) is not int or abs(number) < 1000:
        return exact(number)
    step = (len(str(abs(number))) - 1) // 3
    # Rounding may carry into the next step: 999,999 is 1.00M.
    scaled = number / 1000**step
    if abs(round(scaled, 2)) >= 1000 and step + 1 < len(_PREFIXES):
        step, scaled = step + 1, scaled / 1000
    if step >= len(_PREFIXES):
        return f"{number:.2e}"
    return f"{scaled:.2f}{_PREFIXES[step]}"


def short_bytes(value: object) -> str:
    """Bytes in steps of 1000: 12845056 -> `12.85MB`. MB is 10^6 bytes.

    Symbols and arrays stand apart from the unit: `4*h*w B`, `(4*h*w + 36) B`.
    """
    if is_open(value):
        return _at_least(value, short_bytes)
    number = normal(value)  # type: ignore[arg-type]  # as in `short`
    if type(number) is int:
        return f"{short(number)}B"
    text = short(number)
    if number is None:
        return text
    return f"({text}) B" if getattr(number, "is_Add", False) else f"{text} B"


def binary_bytes(number: int) -> str:
    """Bytes in steps of 1024, as memories are sold: 17172529643 -> `15.99GiB`."""
    step = min((number.bit_length() - 1) // 10, len(_PREFIXES) - 1) if number else 0
    if step + 1 < len(_PREFIXES) and round(number / 1024**step, 2) >= 1024:
        step += 1  # rounding carries: one byte less than a GiB is 1.00GiB
    return f"{number / 1024**step:,.2f}{_PREFIXES[step]}iB" if step else f"{number}B"


def exact(value: object) -> str:
    """All digits, in groups of three: 138357544 -> `138,357,544`.

    Arrays are shown as their range, and None, what is unknown, as `?`; what is known in part as
    `at least 138,357,544`.
    """
    if is_open(value):
        return _at_least(value, exact)
    number = plain(value)
    if isinstance(number, int):
        return f"{number:,}"
    if number is None:
        return "?"
    if is_array(value):
        elements = value.elements  # type: ignore[attr-defined]  # is_array says so
        return f"{elements.min():,} … {elements.max():,}"
    return str(number)


def _at_least(value: AtLeast, form: Callable[[object], str]) -> str:
    """`at least 4.10G`, where nothing more is known; `?` where nothing is."""
    return "?" if value.is_bare else f"at least {form(value.known)}"


def _in_cell(value: object, form: Callable[[object], str]) -> str:
    """A figure where there is little space: `4.10G + ?` is at least 4.10G."""
    if not is_open(value):
        return form(value)
    return "?" if value.is_bare else f"{form(value.known)} + ?"


def shape(value: object) -> str:
    """Sizes with an x between: (64, 224, 224) -> `64x224x224`; sums in parentheses."""
    sizes = plain(value)
    return "x".join(map(_factor, sizes)) if isinstance(sizes, list) else str(sizes)


def per_axis(value: object, unknown: str = "?") -> str:
    """One figure per axis, once where all are equal: (3, 3) -> `3`, (1, 7) -> `1x7`.

    None is shown as `unknown`, and no spatial axes as `-`.
    """
    if value is None:
        return unknown
    figures = plain(value)
    if not isinstance(figures, list):
        return str(figures)
    shown = [unknown if figure is None else _factor(figure) for figure in figures]
    if not shown:
        return "-"
    return shown[0] if len(set(shown)) == 1 else "x".join(shown)


def _factor(size: object) -> str:
    """A size between others: what has several terms in parentheses."""
    text = str(size)
    return f"({text})" if " " in text else text


def in_unit(value: object, unit: Unit, *, in_full: bool = False) -> str:
    """A figure for people: all digits of a count `in_full`, else `138.36M`."""
    if unit in (Unit.COUNT, Unit.BYTES):
        return _in_cell(value, exact if in_full else _SHORT[unit])
    if unit is Unit.SHAPE:
        return shape(value)
    if unit in (Unit.FIELD, Unit.STEP):
        return per_axis(value, "?" if unit is Unit.FIELD else "-")
    return ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def in_full(value: object) -> str:
    """A count with all digits, where there is little space: `4,100 + ?` is at least 4,100."""
    return _in_cell(value, exact)


_SHORT = {Unit.COUNT: short, Unit.BYTES: short_bytes}


def local_beside(field: object, local: object) -> str:
    """What stands behind a receptive field: ` (7)`, the local one, where that is another."""
    return "" if local in (None, field) else f" ({per_axis(local)})"


def share(part: object, whole: object) -> str:
    """A part of a whole in percent: `74%`; empty where they are not plain numbers."""
    a, b = plain(part), plain(whole)
    return f"{100 * a / b:.0f}%" if isinstance(a, int) and isinstance(b, int) and b else ""


def percent(share: Fraction) -> str:
    """A share in percent, with one decimal: `12.5%`."""
    return f"{float(100 * share):.1f}%"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 figure`, `2 figures`, `no figures`."""
    return f"{number or 'no'} {things(number, noun)}"


def things(number: object, noun: str, ending: str = "s") -> str:
    """What there is a number of: `layer` of 1, else `layers`."""
    return noun if type(number) is int and number == 1 else f"{noun}{ending}"
