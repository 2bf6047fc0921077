"""The networks that archcalc knows, as lines and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archcalc.render.output import Data, Document, Part, Table
from archcalc.render.text_columns import in_columns
from archcalc.spec.syntax import Network

_KEYS = ("name", "year", "title", "authors", "paper", "spec")


class ListDocument(Document):
    """Networks, and what is known of each beside its layers."""

    networks: Sequence[Network]

    def record(self) -> list[dict[str, object]]:
        """Each network."""
        return [dict(zip(_KEYS, row, strict=True)) for row in self.data().rows]

    def data(self) -> Data:
        """A row for each network."""
        known = [(network.name, network.about, network.source.name) for network in self.networks]
        rows = [[name, a.year, a.title, a.authors, a.paper, file] for name, a, file in known]
        return Data(_KEYS, rows)

    def parts(self, form: str) -> Iterator[Part]:
        """A line for each, in text without headings."""
        rows = [[n.name, str(n.about.year or ""), n.about.title] for n in self.networks]
        yield in_columns(rows) if form == "text" else Table(_KEYS[:3], rows)
