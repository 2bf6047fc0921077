"""The peak of a training step over the batch: as a formula by pieces, or at some batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archcalc.analysis import Analysis
from archcalc.memory_use.batches import Peak, Peaks, Piece
from archcalc.memory_use.options import TrainingOptions
from archcalc.render.numbers import binary_bytes, exact, short_bytes
from archcalc.render.output import Data, Document, Part, Table
from archcalc.render.table import with_network
from archcalc.render.training import in_words, options_record, where_is


class FormulaDocument(Document):
    """The peak of a training step as a function of the batch.

    Attributes:
        symbol: what stands for the number of images.
    """

    analysis: Analysis
    options: TrainingOptions
    peaks: Peaks
    symbol: str

    def record(self) -> dict[str, object]:
        """Each piece, as bytes for each image and bytes whatever their number."""
        return {
            **self.analysis.identity.record(),
            "options": options_record(self.options),
            "pieces": [
                dict(zip(_PIECE_KEYS, self._cells(piece), strict=True))
                for piece in self.peaks.pieces
            ],
        }

    def data(self) -> Data:
        """A row for each piece."""
        cells = [self._cells(piece) for piece in self.peaks.pieces]
        return Data(_PIECE_KEYS, cells).of(self.analysis.identity)

    def _cells(self, piece: Piece) -> list[object]:
        size = _formula(piece, self.symbol)
        where = [piece.layer, piece.direction.value]
        return [piece.first, piece.last, piece.each, piece.always, size, *where]

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each piece: for which batches, the formula, and where the peak lies."""
        if form == "text":
            yield [_title(self.analysis, self.options)]
        rows = [
            [
                _batches(piece),
                _formula(piece, self.symbol),
                where_is(piece.layer, piece.direction),
            ]
            for piece in self.peaks.pieces
        ]
        headings = with_network(self.analysis, [f"batch {self.symbol}", "bytes", "peak"], form)
        yield Table(headings, rows, "lrl")


class BatchesDocument(Document):
    """The peak of a training step at some batches."""

    analysis: Analysis
    options: TrainingOptions
    found: Sequence[Peak]
    in_full: bool = False

    def record(self) -> dict[str, object]:
        """Each batch."""
        data = self.data()
        rows = [dict(zip(_PEAK_KEYS, row, strict=False)) for row in data.rows]
        options = {"options": options_record(self.options)}
        return {**self.analysis.identity.record(), **options, "batches": rows}

    def data(self) -> Data:
        """A row for each batch."""
        rows = [[p.batch, p.bytes, p.layer, p.direction.value] for p in self.found]
        return Data(_PEAK_KEYS, rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each batch: the peak, and where it lies."""
        if form == "text":
            yield [_title(self.analysis, self.options)]
        size = exact if self.in_full else short_bytes
        rows = [
            [
                exact(peak.batch),
                size(peak.bytes),
                binary_bytes(peak.bytes),
                where_is(peak.layer, peak.direction),
            ]
            for peak in self.found
        ]
        headings = with_network(self.analysis, ["batch", "bytes", "", "peak"], form)
        yield Table(headings, rows, "rrrl")


_PIECE_KEYS = ("first", "last", "bytes_each", "bytes_always", "formula", "at", "direction")
_PEAK_KEYS = ("batch", "peak_bytes", "at", "direction")


def _title(analysis: Analysis, options: TrainingOptions) -> str:
    return f"{analysis.identity}: the peak of a training step, {in_words(options)}"


def _batches(piece: Piece) -> str:
    if piece.last is None:
        return f"from {piece.first:,} on"
    return f"{piece.first:,}" if piece.first == piece.last else f"{piece.first:,} to {piece.last:,}"


def _formula(piece: Piece, symbol: str) -> str:
    """As `archcalc formula` writes it."""
    if not piece.each:
        return str(piece.always)
    return f"{piece.each}*{symbol} + {piece.always}" if piece.always else f"{piece.each}*{symbol}"
