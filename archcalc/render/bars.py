"""Bars behind the figures of a table, which HTML shows: each beside the longest of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real


def in_rows(rows: Iterable[Sequence[object]]) -> list[list[float | None]]:
    """How long the bar of each cell is, from 0 to 1, beside the largest figure of its row.

    None for what is no plain number, and where the largest is none above 0.
    """
    return [_shares(row) for row in rows]


def in_columns(columns: Iterable[Sequence[object]]) -> list[list[float | None]]:
    """As `in_rows`, beside the largest of its column; a list for each row."""
    return [list(row) for row in zip(*in_rows(columns), strict=True)]


def _shares(values: Sequence[object]) -> list[float | None]:
    known = [float(v) if isinstance(v, Real) and not isinstance(v, bool) else None for v in values]
    largest = max([value for value in known if value is not None], default=0.0)
    return [None if v is None or largest <= 0 else max(v, 0.0) / largest for v in known]
