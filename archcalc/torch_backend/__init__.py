"""The network as a real torch model: built, run, measured, compared. Only this package imports
torch; `require_torch` says what to install where it is missing."""

from __future__ import annotations

from archcalc.errors import require_extra


def require_torch(what: str) -> None:
    """Raises MissingExtraError, which names `what` as the one that needs it, without torch."""
    require_extra(what, "torch", "torch")
