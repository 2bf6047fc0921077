"""What a sweep varies, as people write it: `alpha=0.25:1:0.05`, `resolution=128,160,192`.

    128,160,192        a list: of numbers, texts, true and false, or lists in brackets
    2..36              whole numbers, both ends included
    0.25:1:0.05        from, to and step; both ends included, where the steps come to the second
    16:1024:*2         from, to and factor: powers
    2..8,16,32         a list of any of these
    0.25:1             every number between, for draws
    0.25:1:log         the same, drawn with equal chances for equal ratios; 2..36:log as well

Numbers are read as in a spec, exactly: the third of the steps above is 7/20, and no float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import count, takewhile
from typing import TypeAlias

from archcalc.errors import UsageError
from archcalc.identity import value_text
from archcalc.quantity.arithmetic import LARGEST_INT64
from archcalc.record import Record
from archcalc.spec.settings import read_setting
from archcalc.spec.values import Value, exact_value

OVER = "over"  # the argument that messages name
MOST_LISTED = 1_000_000  # values that a list of ranges is written out to

_NUMBER = r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"
_WHOLES = re.compile(r"([-+]?\d+(?:\.\d+)?)\.\.([-+]?\d+(?:\.\d+)?)(:log)?")
_STEPS = re.compile(rf"({_NUMBER}):({_NUMBER})(?::(\*?)({_NUMBER})|(:log))?")
_FORMS = "a list (128,160), whole numbers (2..36), steps (0.25:1:0.05) or powers (16:1024:*2)"


class Steps(Record):
    """Numbers at equal distances.

    Attributes:
        first: the first of them.
        step: from each to the next.
        count: how many there are.
    """

    first: Fraction
    step: Fraction
    count: int

    def __iter__(self) -> Iterator[Value]:
        return (exact_value(_plain(self.first + self.step * n)) for n in range(self.count))


class Interval(Record):
    """All numbers from one to another, of which some are drawn.

    Attributes:
        log: whether equal ratios have equal chances, and not equal distances.
        whole: whether only whole numbers are meant.
    """

    low: Fraction
    high: Fraction
    log: bool
    whole: bool


class Axis(Record):
    """A number of a network, or another parameter, and the values that it takes.

    Attributes:
        label: what the user calls it: `alpha`, `depths[2]`, `H`.
        values: those that are combined with those of other axes, or what some are drawn of.
    """

    label: str
    values: Steps | Interval | tuple[Value, ...]

    @property
    def count(self) -> int | None:
        """How many values there are; None of an interval, which has no end of them."""
        if isinstance(self.values, Interval):
            return None
        return self.values.count if isinstance(self.values, Steps) else len(self.values)


_Part: TypeAlias = "Steps | Interval | tuple[Value, ...]"


def read_axes(texts: Sequence[str]) -> list[Axis]:
    """Reads what a sweep varies, each as LABEL=VALUES.

    Raises:
        UsageError: one is malformed, or given twice.
    """
    axes = [read_axis(text) for text in texts]
    labels = [axis.label for axis in axes]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"{label} is given {labels.count(label)} times", OVER)
        name = label.partition("[")[0]
        if name != label and name in labels:
            raise UsageError(f"{name} is given as a whole, and {label} by itself", OVER)
    return axes


def read_axis(text: str) -> Axis:
    """Reads LABEL=VALUES.

    Raises:
        UsageError: it is malformed.
    """
    label, equals, values = (part.strip() for part in text.partition("="))
    if not (label and equals and values):
        raise UsageError(f"{text[:60]!r} is not LABEL=VALUES; the values are {_FORMS}", OVER)
    parts = [_part(label, item) for item in _items(values)]
    if len(parts) == 1:
        return Axis(label, parts[0])
    return Axis(label, _together(label, parts))


def _items(text: str) -> list[str]:
    """What stands between commas, but for those in brackets."""
    items, depth = [""], 0
    for sign in text:
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            items.append("")
        else:
            items[-1] += sign
    return [item.strip() for item in items]


def _together(label: str, parts: Sequence[_Part]) -> tuple[Value, ...]:
    if any(isinstance(part, Interval) for part in parts):
        raise UsageError(f"{label}: what is drawn of an interval stands in no list", OVER)
    sizes = [part.count if isinstance(part, Steps) else len(part) for part in parts]  # type: ignore[arg-type]  # no interval
    if sum(sizes) > MOST_LISTED:
        raise UsageError(
            f"{label}: a list of {sum(sizes):,} values; at most {MOST_LISTED:,} are read", OVER
        )
    values = [value for part in parts for value in part]  # type: ignore[union-attr]  # no interval
    seen: set[str] = set()
    for value in values:
        if repr(value) in seen:
            raise UsageError(f"{label}: {value_text(value)} is given twice", OVER)
        seen.add(repr(value))
    return tuple(values)


def _part(label: str, text: str) -> _Part:
    wholes, steps = _WHOLES.fullmatch(text), _STEPS.fullmatch(text)
    if wholes is not None:
        return _wholes(label, text, *wholes.groups())
    if steps is not None:
        return _steps(label, text, *steps.groups())
    if re.search(rf"^{_NUMBER}\s*(:|\.\.)|:\*?{_NUMBER}$", text):
        raise UsageError(f"{label}: {text[:60]!r} is no range; expected {_FORMS}", OVER)
    if not text:
        raise UsageError(f"{label}: a value is missing between commas", OVER)
    try:
        return (read_setting(f"value={text}")[1],)
    except UsageError as error:
        raise UsageError(f"{label}: {str(error).removeprefix(f'value={text}: ')}", OVER) from None


def _wholes(label: str, text: str, first: str, last: str, log: str | None) -> _Part:
    low, high = Fraction(first), Fraction(last)
    if low.denominator > 1 or high.denominator > 1:
        raise UsageError(
            f"{label}: {text} is of whole numbers; steps are written {first}:{last}:0.1", OVER
        )
    _require_order(label, text, low, high)
    if log:
        return _interval(label, text, low, high, log=True, whole=True)
    return Steps(low, Fraction(1), int(high - low) + 1)


def _steps(
    label: str, text: str, first: str, last: str, times: str | None, by: str | None, log: str | None
) -> _Part:
    low, high = Fraction(first), Fraction(last)
    _require_order(label, text, low, high)
    if by is None:
        return _interval(label, text, low, high, log=bool(log), whole=False)
    step = Fraction(by)
    if times:
        if step <= 1 or low <= 0:
            raise UsageError(
                f"{label}: {text} has no end; powers go up from above 0, by a factor above 1", OVER
            )
        powers = takewhile(lambda n: n <= high, (low * step**n for n in count()))
        return tuple(exact_value(_plain(power)) for power in powers)
    if step <= 0:
        raise UsageError(f"{label}: {text} has no end; a step is above 0", OVER)
    return Steps(low, step, (high - low) // step + 1)


def _interval(
    label: str, text: str, low: Fraction, high: Fraction, *, log: bool, whole: bool
) -> Interval:
    if low == high:
        raise UsageError(f"{label}: {text} is one number, and no interval", OVER)
    if log and low <= 0:
        raise UsageError(f"{label}: {text} begins at {low}, which has no logarithm", OVER)
    for end in (low, high):
        if abs(end) > LARGEST_INT64 or exact_value(float(end)) != end:
            raise UsageError(f"{label}: the ends of {text} have too many digits to draw by", OVER)
    return Interval(low, high, log, whole)


def _require_order(label: str, text: str, low: Fraction, high: Fraction) -> None:
    if low > high:
        raise UsageError(f"{label}: {text} begins above its end", OVER)


def _plain(value: Fraction) -> Value:
    return int(value) if value.denominator == 1 else value
