"""The networks that archcalc knows, as lines and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archcalc.analysis import Analysis
from archcalc.render.numbers import exact, shape, short
from archcalc.render.output import Data, Document, Part, Table
from archcalc.render.text_columns import in_columns
from archcalc.spec.syntax import Network

_KEYS = ("name", "year", "title", "authors", "paper", "spec")
_FIGURES = ("input", "params", "macs", "activation_values")
_HEADINGS = ("name", "year", "input", "params", "MACs", "activations")


class ListDocument(Document):
    """Networks, and what is known of each beside its layers.

    Attributes:
        analyses: of each network by its name, whose figures are shown; of none if empty.
        in_full: all digits in place of `138.36M`.
    """

    networks: Sequence[Network]
    analyses: Mapping[str, Analysis] = {}
    in_full: bool = False

    def record(self) -> list[dict[str, object]]:
        """Each network."""
        data = self.data()
        return [dict(zip(data.keys, row, strict=True)) for row in data.cells()]

    def data(self) -> Data:
        """A row for each network."""
        known = [(network.name, network.about, network.source.name) for network in self.networks]
        rows = [[name, a.year, a.title, a.authors, a.paper, file] for name, a, file in known]
        if not self.analyses:
            return Data(_KEYS, rows)
        found = [[*row, *_figures(self.analyses[str(row[0])])] for row in rows]
        return Data([*_KEYS, *_FIGURES], found)

    def parts(self, form: str) -> Iterator[Part]:
        """A line for each, in text without headings; with figures a table."""
        if self.analyses:
            count = exact if self.in_full else short
            cells = [
                [n.name, str(n.about.year or ""), shape(sizes), *map(count, counts)]
                for n in self.networks
                for sizes, *counts in [_figures(self.analyses[n.name])]
            ]
            yield Table(_HEADINGS, cells, "wrrrrr", room=0)
            return
        rows = [[n.name, str(n.about.year or ""), n.about.title] for n in self.networks]
        yield in_columns(rows) if form == "text" else Table(_KEYS[:3], rows)


def _figures(analysis: Analysis) -> list[object]:
    totals = analysis.totals
    return [analysis.input.shape, totals.params, totals.macs, totals.activation_values]
