"""What changes between two networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.comparing.diff import Change, Difference, LayerChange, Status, changed_figures
from archcalc.comparing.key_figures import gap, ratio
from archcalc.quantity.arithmetic import plain
from archcalc.render import escape
from archcalc.render.change_lines import COUNTS, Line, change_text, difference_lines
from archcalc.render.compare import TOTALS, cell, ratio_text, totals_shown
from archcalc.render.escape import Markup
from archcalc.render.opaque import opaque_lines, opaque_record
from archcalc.render.output import Data, Document, Folded, Part, Table, Title
from archcalc.render.table import caption
from archcalc.render.text_columns import in_columns

_SIGNS = {Status.REMOVED: "-", Status.ADDED: "+", Status.CHANGED: "~", Status.RENAMED: "="}
_COLORS = {"-": "\033[31m", "+": "\033[32m", "~": "\033[33m", "=": "\033[36m"}
_NO_COLOR = "\033[0m"


class DiffDocument(Document):
    """What changes from one network to another.

    Attributes:
        full: a line for each layer, see `difference_lines`.
        in_color: with the colours of a terminal, in text.
        in_full: all digits in place of `138.36M`, for people.
    """

    found: Difference
    full: bool = False
    in_color: bool = False
    in_full: bool = False

    def record(self) -> dict[str, object]:
        """What changes, and the totals; layers that stay the same are left out."""
        found = self.found
        opaque = {
            "before": opaque_record(found.before).get("opaque", {}),
            "after": opaque_record(found.after).get("opaque", {}),
        }
        return {
            "before": found.labels[0],
            "after": found.labels[1],
            "equal": found.is_empty,
            **({"opaque": opaque} if any(opaque.values()) else {}),
            "settings": {change.what: _plain_change(change) for change in found.settings},
            "outputs": found.outputs and _plain_change(found.outputs),
            "layers": [
                _layer_record(layer) for layer in found.layers if layer.status is not Status.SAME
            ],
            "totals": {
                key: {"before": before, "after": after}
                for key, before, after in _plain_totals(found)
            },
        }

    def data(self) -> Data:
        """For each layer that changes, and for the totals, a row for each field and figure."""
        found = self.found
        keys = ["change", "name", "kind", "key", "before", "after"]
        rows = [[*row, *found.labels] for row in _plain_rows(found)]
        return Data([*keys, "before_network", "after_network"], rows)

    def parts(self, form: str) -> Iterator[Part]:
        """The changes, as text as `diff` shows them, and a table of totals; elsewhere that first.

        In Markdown and HTML the changes are folded away, as a comment on them would have it.
        """
        found = self.found
        lines = difference_lines(found, full=self.full, in_full=self.in_full)
        if form == "text":
            before = [f"--- {_heading(found, 0)}", *opaque_lines(found.before)]
            yield [*before, f"+++ {_heading(found, 1)}", *opaque_lines(found.after)]
            yield [f"~ {change_text(change)}" for change in found.settings]
            yield list(_laid_out(lines, self.in_color))
            yield [f"~ {change_text(change)}" for change in _outputs(found)]
            hint = "; --full shows each that is not the same"
            tally = _tally(found)
            yield [tally + hint * (_changed(found) > len(lines)), *_verdict(found)]
            yield _totals_table(found, self.in_full)
            return
        of_network = [("changed", change) for change in (*found.settings, *_outputs(found))]
        rows = [[what, "", "", change_text(change)] for what, change in of_network]
        rows += [[line.status.value, line.name, line.kind, line.what] for line in lines]
        labels = [escape.one_line(label) for label in found.labels]
        opaque = [*opaque_lines(found.before), *opaque_lines(found.after)]
        yield Title(" -> ".join(labels), [*opaque, *_verdict(found)])
        yield _totals_table(found, self.in_full)
        if rows:
            yield Folded(_tally(found), Table(["change", "name", "kind", "what"], rows))


def _outputs(found: Difference) -> list[Change]:
    """The change of the network's outputs, if there is one."""
    return [] if found.outputs is None else [found.outputs]


def _heading(found: Difference, which: int) -> str:
    analysis = (found.before, found.after)[which]
    title, label = caption(analysis)[0], escape.one_line(found.labels[which])
    return title if label == str(analysis.identity) else f"{label}: {title}"


def _laid_out(lines: Sequence[Line], in_color: bool) -> Iterator[str]:
    """The lines in columns, each behind its sign."""
    cells = [[escape.one_line(text) for text in (x.name, x.kind, x.what)] for x in lines]
    for line, text in zip(lines, in_columns(cells), strict=True):
        sign = _SIGNS.get(line.status, " ")
        shown = f"{sign} {text}"
        if in_color and sign in _COLORS:
            shown = Markup(f"{_COLORS[sign]}{shown}{_NO_COLOR}")
        yield shown


def _tally(found: Difference) -> str:
    counts = Counter(layer.status for layer in found.layers)
    told = [f"{counts[status]} {status.value}" for status in Status if counts[status]]
    return f"layers: {', '.join(told)}"


def _changed(found: Difference) -> int:
    """How many layers are not the same."""
    return len(found.layers) - len(found.of_status(Status.SAME))


def _verdict(found: Difference) -> list[str]:
    """What is to be said of two networks whose figures are the same."""
    if found.is_empty:
        return ["the two are the same, layer by layer"]
    return ["the two differ in names alone"] if found.is_of_names else []


def _totals_table(found: Difference, in_full: bool) -> Table:
    before, after = found.totals
    rows = []
    for key, figure in totals_shown(found.totals).items():
        a, b = getattr(before, key), getattr(after, key)
        by = gap(b, a)
        values = [cell(figure, value, in_full=in_full) for value in (a, b, by)]
        values[-1] = f"{'+' if by > 0 else ''}{values[-1]}" if by else ""
        rows.append([figure.heading, *values, ratio_text(ratio(b, a)) if a != b else ""])
    first = found.before
    headings = [
        f"batch {first.batch}, {first.dtype}; MB: 10^6 bytes",
        *found.labels, "difference", "ratio",
    ]  # fmt: skip
    return Table(headings, rows, "lrrrr")


def _layer_record(layer: LayerChange) -> dict[str, Any]:
    old, new = layer.before, layer.after
    figures = [] if old is None or new is None else changed_figures(old, new)
    return {
        "change": layer.status.value,
        "before": None if old is None else old.name,
        "after": None if new is None else new.name,
        "kind": layer.layer.kind,
        "fields": {change.what: _plain_change(change) for change in layer.changes},
        "figures": {change.what: _plain_change(change) for change in figures},
    }


def _plain_rows(found: Difference) -> Iterator[list[object]]:
    for layer in found.layers:
        if layer.status is Status.SAME:
            continue
        record = _layer_record(layer)
        pairs = record["fields"] | record["figures"]
        if not pairs:
            old, new = layer.before, layer.after
            pairs = {
                key: {"before": old and getattr(old, key), "after": new and getattr(new, key)}
                for key in COUNTS
            }
        for key, pair in pairs.items():
            yield [layer.status.value, layer.layer.name, layer.layer.kind, key, *pair.values()]
    for change in _outputs(found):
        yield ["changed", "", "", change.what, " ".join(change.before), " ".join(change.after)]
    for key, before, after in _plain_totals(found):
        yield ["total", "", "", key, before, after]


def _plain_change(change: Change) -> dict[str, object]:
    return {"before": plain(change.before), "after": plain(change.after)}


def _plain_totals(found: Difference) -> Iterator[tuple[str, object, object]]:
    before, after = found.totals
    for key in TOTALS:
        yield key, plain(getattr(before, key)), plain(getattr(after, key))
