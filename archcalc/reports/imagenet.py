"""The networks that tell the classes of ImageNet apart."""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.reports.accuracies import protocol
from archcalc.reports.library import Entry, Library
from archcalc.reports.network_table import by_year

IMAGENET = 1000  # classes
_NEARLY = 0.1  # the part by which costs differ that count as the same


def imagenet(library: Library) -> list[Entry]:
    """The networks that were published for ImageNet, the oldest first."""
    return by_year(
        entry for entry in library.entries if entry.classes == IMAGENET and entry.about.year
    )


def distinct(entries: Iterable[Entry]) -> list[Entry]:
    """The networks without those that cost what another of their family costs.

    Of such, it is the one with a published accuracy from a single view, else the first.
    """
    kept: list[Entry] = []
    for entry in sorted(entries, key=lambda entry: protocol(entry) != 1):
        if not any(_cost_the_same(entry, other) for other in kept):
            kept.append(entry)
    return kept


def _cost_the_same(a: Entry, b: Entry) -> bool:
    pairs = ((a.figures.macs, b.figures.macs), (a.figures.params, b.figures.params))
    near = all(abs(x - y) <= _NEARLY * max(x, y) for x, y in pairs)
    return a.family.name == b.family.name and near
