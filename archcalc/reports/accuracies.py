"""Published accuracies in tables: figures of different protocols never share a column.

An accuracy from ten views of each image, or from running over all of a larger image, is some
percent higher than the same network's from a single view.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archcalc.reports.library import Entry
from archcalc.spec.syntax import DENSE, Accuracy

Protocol = int | str | None  # the `crops` of an accuracy


def protocol(entry: Entry) -> Protocol:
    """How the published accuracy was measured; None where that is not said, or none is known."""
    return entry.about.accuracy.crops if entry.about.accuracy else None


def said(crops: Protocol) -> str:
    """A protocol in words: `1 view`, `10 views`, `dense`, `views not said`."""
    if crops is None:
        return "views not said"
    return DENSE if crops == DENSE else "1 view" if crops == 1 else f"{crops} views"


def protocols(entries: Iterable[Entry]) -> list[Protocol]:
    """The protocols of these networks' accuracies: by the number of views, then the others."""
    found = {entry.about.accuracy.crops for entry in entries if entry.about.accuracy}
    return sorted(found, key=lambda crops: (not isinstance(crops, int), crops is None, str(crops)))


def accuracy_columns(entries: Sequence[Entry]) -> tuple[list[str], list[list[str]]]:
    """A column for each protocol: the headings, and the cells of each network."""
    found = protocols(entries)
    headings = [f"top-1 / top-5, {said(crops)}" for crops in found]
    return headings, [
        [both(entry.about.accuracy) if protocol(entry) == crops else "" for crops in found]
        for entry in entries
    ]


def both(accuracy: Accuracy | None) -> str:
    """`76.1 / 92.9`; empty where neither was published, a dash for the one that was not."""
    if accuracy is None:
        return ""
    return f"{percent(accuracy.top1) or '-'} / {percent(accuracy.top5) or '-'}"


def percent(value: float | None) -> str:
    """A share as it was printed, to one decimal; empty for None."""
    return "" if value is None else f"{value:.1f}"
