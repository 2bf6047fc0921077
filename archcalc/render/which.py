"""Networks whose figures print as a number, and by whose count they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archcalc.claims.matching import Match
from archcalc.quantity.arithmetic import plain
from archcalc.render.numbers import counted, exact, things
from archcalc.render.output import Data, Document, Part, Table, Title

_MOST_NAMED = 1  # counts in a cell for people


class WhichDocument(Document):
    """Networks that match, and what of them.

    Attributes:
        asked: the numbers as they were given, by what they were asked for as.
        tolerance: how far off a total may be, as given; empty for the last digit.
        searched: how many networks were looked at.
        settings: at how many settings in all; None where each was looked at as it is.
    """

    matches: Sequence[Match]
    asked: Mapping[str, str]
    tolerance: str
    searched: int
    settings: int | None = None

    def record(self) -> dict[str, object]:
        """The networks in order, each with all totals that print so."""
        return {
            "asked": dict(self.asked),
            "searched": self.searched,
            "settings": self.settings,
            "networks": [
                {
                    **match.analysis.identity.record(),
                    "totals": {
                        key: {name: plain(total) for name, total in totals.items()}
                        for key, totals in match.totals.items()
                    },
                }
                for match in self.matches
            ],
        }

    def data(self) -> Data:
        """A row for each total of each network that prints so."""
        rows = [
            [str(match.analysis.identity), key, name, total]
            for match in self.matches
            for key, totals in match.totals.items()
            for name, total in totals.items()
        ]
        return Data(("network", "asked", "counted_as", "total"), rows)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each network, with the first total of each number that was asked for."""
        numbers = ", ".join([f"{key} {text}" for key, text in self.asked.items()])
        within = f" within {self.tolerance}" if self.tolerance else ""
        where = counted(self.searched, "network")
        if self.settings is not None:
            where = f"{self.settings:,} {things(self.settings, 'setting')} of {where}"
        nothing = "no network" if self.settings is None else "none"
        found = f"{len(self.matches):,}" if self.matches else nothing
        yield Title(
            f"{numbers}{within}: {found} of {where}",
            ["Totals of one image, by archcalc's own count or another tool's:",
             "`archcalc conventions` says what each counts."],
        )  # fmt: skip
        headings = ["network"]
        for key in self.asked:
            headings += [key, "counted as"]
        rows = [
            [
                str(match.analysis.identity),
                *[cell for totals in match.totals.values() for cell in _cells(totals)],
            ]
            for match in self.matches
        ]
        if rows:
            yield Table(headings, rows, "l" + "rl" * len(self.asked), room=0)


def _cells(totals: Mapping[str, int]) -> list[str]:
    """The first total, and whose counts it is; those of other totals are only counted."""
    first = next(iter(totals.values()))
    names = [*totals][:_MOST_NAMED]
    more = len(totals) - len(names)
    return [exact(first), ", ".join(names) + (f" and {more} more" if more else "")]
