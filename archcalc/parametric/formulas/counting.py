"""Formulas in a count of blocks: the network is walked at some counts, and a closed form found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import sympy

from archcalc.errors import ArchcalcError, LayerError, SpecError, UsageError
from archcalc.parametric.formulas.sequences import (
    MOST_DEGREE,
    Piece,
    closed_form,
    closed_forms,
    rounded_symbols,
)
from archcalc.parametric.formulas.subjects import Subject
from archcalc.quantity.conditions import decided

LAST_START = 5
ONE_FORM = 10  # points: of so many, one form is looked for before several
MOST_POINTS = 16
BEYOND_A_TURN = 9  # points that are looked at behind a number where a form stopped to hold
LAST_TURN = 100

_T = TypeVar("_T")


class Forms(NamedTuple):
    """Closed forms of several quantities.

    Attributes:
        first: the least number that they hold for.
        values: one for each, in the symbol.
    """

    first: int
    values: tuple[Any, ...]


def along_counts(at: Callable[[int], Sequence[Any]], subject: Subject, turn: int) -> Forms:
    """The closed forms of what is found at whole numbers.

    Where they change at some number, `conditions.decided` is asked on which side of it.

    Args:
        at: the quantities at a number; raises SpecError or LayerError where there is no network.
        turn: a number at which a form from fewer points was seen to fail; 0 if none was.

    Raises:
        UsageError: there is no such form.
    """
    symbol = subject.symbol
    first, row = _first(at, subject.variable.own)
    rows, last = [_row(row)], max(first + MOST_POINTS, turn + BEYOND_A_TURN)
    if turn > LAST_TURN:
        raise _no_form(subject, rows)
    for number in range(first + 1, last + 2):
        found = _pieces(rows, first, symbol, turn)
        if found is not None:
            return _in_its_case(found, first, symbol)
        if number > last or (len(rows) >= ONE_FORM and rounded_symbols(rows)):
            break
        try:
            rows.append(_row(at(number)))
        except (LayerError, SpecError):
            found = _of_columns(closed_forms, rows, first, symbol)
            if found is not None:
                return _in_its_case(found, first, symbol)
            raise UsageError(
                f"no closed form in {symbol} gives {symbol} = {first} … {number - 1}, and there is "
                f"no network at {number} to look further"
            ) from None
    raise _no_form(subject, rows)


def _pieces(
    rows: Sequence[Sequence[Any]], first: int, symbol: Any, turn: int
) -> list[list[Piece]] | None:
    """Pieces of each quantity from these rows, if they are enough of them."""
    last = first + len(rows) - 1
    if turn and last < turn + BEYOND_A_TURN:
        return None
    one = _of_columns(closed_form, rows, first, symbol)
    if one is not None:
        return [[Piece(first, form)] for form in one]
    if not turn and len(rows) < ONE_FORM + 2:
        return None
    return _of_columns(closed_forms, rows, first, symbol)


def _of_columns(
    find: Callable[[Sequence[Any], int, Any], _T | None],
    rows: Sequence[Sequence[Any]],
    first: int,
    symbol: Any,
) -> list[_T] | None:
    """What is found of each quantity; None if one has nothing."""
    every = []
    for column in zip(*rows, strict=True):
        found = find(column, first, symbol)
        if found is None:
            return None
        every.append(found)
    return every


def _in_its_case(pieces: Sequence[Sequence[Piece]], first: int, symbol: Any) -> Forms:
    """The pieces that hold, and the least number that any does."""
    starts = sorted({piece.first for of_one in pieces for piece in of_one}, reverse=True)
    for start, after in zip(starts[:-1], [None, *starts], strict=False):
        is_it = sympy.Eq(symbol, start) if after == start + 1 else symbol >= start
        if decided(is_it):
            break
    else:
        start = starts[-1]
    values = [
        next(piece.value for piece in reversed(of_one) if piece.first <= start) for of_one in pieces
    ]
    return Forms(first, tuple(values))


def _first(at: Callable[[int], Sequence[Any]], own: Any) -> tuple[int, Sequence[Any]]:
    """The first number at which there is a network with all that is asked for, and that there."""
    refusal: ArchcalcError | None = None
    for number in range(1, LAST_START):
        try:
            return number, at(number)
        except (LayerError, SpecError) as error:
            refusal = refusal or error
    low, high = LAST_START - 1, int(own)
    found: tuple[int, Sequence[Any]] | None = None
    while high > low:  # from the network's own number downwards
        number = (low + high) // 2 if found is not None else high
        try:
            found, high = (number, at(number)), number
        except (LayerError, SpecError):
            if found is None:
                break
            low = number
        if found is not None and high - low == 1:
            return found
    assert refusal is not None, "none of these numbers gave a network"
    raise refusal


def _row(values: Sequence[Any]) -> list[Any]:
    return [sympy.expand(sympy.sympify(value)) for value in values]


def _no_form(subject: Subject, rows: Sequence[Any]) -> UsageError:
    named = rounded_symbols(rows)
    hint = ""
    if named:
        assumed = [f"{s}%32==0" if s.is_integer else f"32*{s}%1==0" for s in named]
        hint = (
            f", as long as {' and '.join(map(str, named))} can be rounded; "
            f"try to assume {' and '.join(assumed)}"
        )
    return UsageError(
        f"no closed form in {subject.symbol} gives this: no polynomial of degree {MOST_DEGREE} or "
        f"less, nor a sum of powers{hint}"
    )
