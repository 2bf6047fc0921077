"""The claims that come with archcalc, checked once."""

from __future__ import annotations

from functools import cache

from archcalc.claims.check import CheckedClaim, check_library


@cache
def checked_library() -> tuple[CheckedClaim, ...]:
    """Each claim with its verdict."""
    return tuple(check_library())
