"""Settings of a sweep, with their figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from archcalc.claims.conditions import in_full
from archcalc.figures.figure import Unit
from archcalc.figures.language import heading_of, is_of_bytes
from archcalc.figures.of_network import OF_NETWORK
from archcalc.identity import value_text
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import is_open
from archcalc.render.numbers import counted, in_unit, per_axis
from archcalc.render.output import WIDTH, Data, Document, Part, Table, Title

if TYPE_CHECKING:
    from archcalc.parametric.choosing.selection import Selection

REASON = "reason"


class SweepDocument(Document):
    """Settings, a row each, with what is varied and figures.

    Attributes:
        quantities: the figures.
        in_full: all digits in place of `138.36M`, for people.
    """

    selection: Selection
    quantities: Sequence[str]
    in_full: bool = False

    def record(self) -> dict[str, object]:
        """The settings in order: `null` where there is no figure, and the reason."""
        selection, figures = self.selection, self.selection.figures
        return {
            "networks": [sweep.about for sweep in figures.sweeps],
            "settings": figures.count,
            "undecided": selection.undecided,
            "rows": [
                {
                    "network": network,
                    "setting": dict(zip(figures.labels, map(_value, setting), strict=True)),
                    "figures": dict(zip(self.quantities, map(_value, found), strict=True)),
                    **_at_least(self.quantities, found),
                    REASON: reason,
                }
                for network, setting, found, reason in self._rows()
            ],
        }

    def data(self) -> Data:
        """A row for each setting."""
        keys = [*self.selection.figures.labels, *self.quantities, REASON, "network"]
        rows = [
            [*map(_value, setting), *map(_value, found), reason, network]
            for network, setting, found, reason in self._rows()
        ]
        return Data(keys, rows)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each setting; the reasons where there is one."""
        figures = self.selection.figures
        rows = list(self._rows())
        several = len(figures.sweeps) > 1
        reasons = any(reason for *_, reason in rows)
        # As text there is no room for them: they stand below, each once.
        numbers = {reason: n for n, reason in enumerate(_different(rows), 1)}
        headings = [
            *(["network"] if several else []), *figures.labels,
            *[heading_of(in_full(q)) for q in self.quantities], *([REASON] if reasons else []),
        ]  # fmt: skip
        cells = [
            [
                *([network] if several else []),
                *map(value_text, setting),
                *[self._text(q, v) for q, v in zip(self.quantities, found, strict=True)],
                *([_shown(reason, numbers, form)] if reasons else []),
            ]
            for network, setting, found, reason in rows
        ]
        sides = "l" * several + "r" * (len(figures.labels) + len(self.quantities)) + "l" * reasons
        yield Title(self._title(), self._notes())
        if cells:
            before: list[Any] = [None] * (several + len(figures.labels))

            def bars() -> list[list[float | None]]:
                from archcalc.render.bars import in_columns

                lines = [[*before, *found, *[None] * reasons] for _, _, found, _ in rows]
                return in_columns(zip(*lines, strict=True))

            yield Table(headings, cells, sides, room=0, bars=bars)
        if form == "text" and reasons:
            yield [line for text, n in numbers.items() for line in _numbered(n, text)]

    def _title(self) -> str:
        figures = self.selection.figures
        names = [sweep.about for sweep in figures.sweeps]
        return f"{', '.join(names)} over {', '.join(figures.labels)}"

    def _notes(self) -> list[str]:
        selection, figures = self.selection, self.selection.figures
        valid = int(figures.valid(figures.all_rows()).sum())
        count = counted(figures.count, "setting").replace(str(figures.count), f"{figures.count:,}")
        notes = [
            f"{figures.sweeps[0].holds_for}; MACs: multiply-accumulates; MB: 10^6 bytes",
            f"{count}, {valid:,} of them valid; {len(selection.rows):,} shown",
        ]
        if selection.undecided:
            notes.append(
                f"{selection.undecided:,} left out: what decides is a cost that is not known"
            )
        return notes

    def _rows(self) -> Iterator[tuple[str, list[Any], list[Any], str | None]]:
        selection = self.selection
        labels = selection.figures.labels
        columns = selection.columns([*labels, *self.quantities])
        reasons = selection.reasons(self.quantities)
        for number, network in enumerate(selection.networks()):
            cells = [column.cell(number) for column in columns]
            yield network, cells[: len(labels)], cells[len(labels) :], reasons[number]

    def _text(self, quantity: str, value: Any) -> str:
        name = in_full(quantity)
        if value is None:
            return "-"
        if isinstance(value, Fraction):
            return f"{float(value):.6g}"
        if name in OF_NETWORK:
            return in_unit(value, OF_NETWORK[name].unit, in_full=self.in_full)
        if isinstance(value, list):
            return per_axis(value)
        unit = Unit.BYTES if is_of_bytes(name) else Unit.COUNT
        return in_unit(value, unit, in_full=self.in_full)


def _different(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return list(dict.fromkeys(reason for *_, reason in rows if reason))


def _shown(reason: str | None, numbers: Mapping[str, int], form: str) -> str:
    if reason is None:
        return ""
    return f"({numbers[reason]})" if form == "text" else reason


def _numbered(number: int, reason: str) -> list[str]:
    return wrap(f"({number}) {reason}", WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _value(value: Any) -> object:
    """A value as programs take it: a number, a text, or a list."""
    return float(value) if isinstance(value, Fraction) else plain(value)


def _at_least(quantities: Sequence[str], found: Sequence[Any]) -> dict[str, object]:
    """What is known of the figures that are not known in full."""
    known = {q: plain(v.known) for q, v in zip(quantities, found, strict=True) if is_open(v)}
    return {"at_least": known} if known else {}
