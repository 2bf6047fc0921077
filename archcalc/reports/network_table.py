"""Networks as the rows of a table, in units that make its columns easy to run an eye down."""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.quantity.arithmetic import plain
from archcalc.render.numbers import exact, local_beside, per_axis, shape
from archcalc.reports.accuracies import accuracy_columns
from archcalc.reports.library import Entry
from archcalc.reports.page import Page, table


def network_table(page: Page, entries: Iterable[Entry], *, in_millions: bool) -> str:
    """A row for each network; columns without a figure are left out.

    Args:
        in_millions: counts in millions and bytes in 10^6, to two decimals; else all digits.
    """
    count = millions if in_millions else exact
    unit, mega = (", M", ", MB") if in_millions else ("", ", bytes")
    entries = list(entries)
    of_accuracy, accuracies = accuracy_columns(entries)
    rows = []
    for entry, measured in zip(entries, accuracies, strict=True):
        figures = entry.figures
        rows.append(
            [
                page.link(entry.title, entry.page),
                str(entry.about.year or ""),
                shape(entry.analysis.input.shape),
                str(figures.weight_layers),
                count(figures.params),
                count(figures.macs),
                count(figures.lecture_bytes),
                per_axis(figures.receptive_field, "-")
                + local_beside(figures.receptive_field, figures.local_receptive_field),
                *measured,
            ]
        )
    headings = [
        "network", "year", "input", "depth", f"params{unit}", f"MACs{unit}", f"activations{mega}",
        "field", *of_accuracy,
    ]  # fmt: skip
    filled = [n for n, cells in enumerate(zip(*rows, strict=True)) if any(cells)]
    return table(
        [headings[n] for n in filled], [[row[n] for n in filled] for row in rows],
        "l" + "r" * (len(filled) - 1),
    )  # fmt: skip


def millions(value: object) -> str:
    """A count in millions, to two decimals: 138357544 -> `138.36`."""
    number = plain(value)
    return f"{number / 10**6:,.2f}" if isinstance(number, int) else str(number)


def by_year(entries: Iterable[Entry]) -> list[Entry]:
    """The oldest first; those without a year last."""
    return sorted(entries, key=lambda entry: entry.about.year or 9999)
