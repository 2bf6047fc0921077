"""Comparisons with torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress

from archcalc.figures.figure import Unit
from archcalc.hardware.roofline import Bound
from archcalc.quantity.arithmetic import plain
from archcalc.record import as_dict
from archcalc.render.numbers import counted, exact, in_unit, shape, short, short_bytes
from archcalc.render.output import Data, Document, Folded, Part, Table, Title
from archcalc.render.roofline import bound_record, seconds_text
from archcalc.verification import Comparison, Figure, Times, per_second

_KEYS = ("subject", "quantity", "layer", "rule", "measured", "agrees", "not_measured", "note")
_MOST_SHOWN = 20  # differences of one network
_FURTHEST = 5  # layers that are named as furthest from their best


class VerifyDocument(Document):
    """A network's rules beside torch's measurements.

    Attributes:
        in_full: all digits beside the times too, for people.
    """

    comparison: Comparison
    in_full: bool = False

    def record(self) -> dict[str, object]:
        """All of the comparison."""
        comparison = self.comparison
        nothing = not any(figure.compared for figure in comparison.figures)
        return {
            **comparison.network.record("network"),
            "input": list(comparison.input),
            "conditions": as_dict(comparison.conditions),
            "agrees": None if nothing else not comparison.differences,
            "not_measured": not_measured(comparison),
            "unmatched": list(comparison.unmatched),
            "figures": [figure_record(figure) for figure in comparison.figures],
            "times": None if comparison.times is None else _times_record(comparison.times),
        }

    def data(self) -> Data:
        """A row for each figure, and for each time, in seconds, whose rule is the least."""
        comparison = self.comparison
        records = [*map(figure_record, comparison.figures), *_time_figures(comparison)]
        rows = [[record.get(key) for key in _KEYS] for record in records]
        return Data(_KEYS, rows).of(comparison.network)

    def parts(self, form: str) -> Iterator[Part]:
        """What differs and the verdict, then all figures."""
        lines = comparison_lines(self.comparison)
        if form == "text":
            yield [str(self.comparison.conditions), *lines]
        else:
            *notes, verdict = map(str.strip, lines)
            yield Title(verdict, [str(self.comparison.conditions), *notes])
        for part in self.figures():
            if form == "html" and isinstance(part, Table):
                yield Folded(f"{len(part.rows)} rows by {part.headings[0]}", part)
            else:
                yield part

    def figures(self) -> Iterator[Part]:
        """A table of the layers, the figures of the whole network, and the times."""
        comparison = self.comparison
        if any(figure.layer for figure in comparison.figures):
            yield _layer_table(comparison)
        if comparison.figures:
            yield _total_lines(comparison)
        if comparison.times is not None:
            yield _time_table(comparison.times, self.in_full)
            if line := furthest_line(comparison.times):
                yield [line]


class VerificationsDocument(Document):
    """Several networks' rules beside torch's measurements."""

    each: Sequence[VerifyDocument]

    def record(self) -> list[dict[str, object]]:
        """Each comparison."""
        return [document.record() for document in self.each]

    def data(self) -> Data:
        """The rows of all of them."""
        return Data([*_KEYS, "network"], [row for each in self.each for row in each.data().rows])

    def parts(self, form: str) -> Iterator[Part]:
        """One after the other."""
        for document in self.each:
            yield from document.parts(form)


def comparison_lines(comparison: Comparison) -> list[str]:
    """The differences, what could not be compared, and one line that sums it up."""
    different = comparison.differences
    lines = [f"  {difference_text(figure)}" for figure in different[:_MOST_SHOWN]]
    if len(different) > _MOST_SHOWN:
        lines.append(f"  and {len(different) - _MOST_SHOWN:,} more")
    if comparison.unmatched:
        several = ", ".join(comparison.unmatched[:4])
        more = ", …" if len(comparison.unmatched) > 4 else ""
        lines.append(
            f"  no part alone for {counted(len(comparison.unmatched), 'layer')}: {several}{more}"
        )
    lines += [f"  not measured: {text}" for text in not_measured(comparison)]
    verdict = verdict_of(comparison)
    lines.append(f"{comparison.network}  {verdict}  {_tally(comparison)}".rstrip())
    return lines


def verdict_of(comparison: Comparison) -> str:
    """`agrees`, `1 differs`, `3 differ`, or `not measured` where nothing was compared."""
    different = comparison.differences
    if different:
        return f"{len(different):,} {'differs' if len(different) == 1 else 'differ'}"
    compared = any(figure.compared for figure in comparison.figures)
    return "agrees" if compared or comparison.times is not None else "not measured"


def not_measured(comparison: Comparison) -> list[str]:
    """What there is a rule for and no measurement of, and why: a line for each reason.

    Of a network that could not be measured at all the reason alone.
    """
    layers: dict[tuple[str, str], dict[str, None]] = {}
    for figure in comparison.not_measured:
        layers.setdefault((figure.subject, figure.not_measured), {})[figure.layer or "total"] = None
    lines = [comparison.failure] if comparison.failure else []
    for (subject, why), names in layers.items():
        where = f"{len(names):,} layers" if len(names) > 1 else next(iter(names))
        lines.append(f"{subject} of {where}: {why}")
    return lines


def difference_text(figure: Figure) -> str:
    """`conv1: macs 10 by the rule, 11 by torch`."""
    text = (
        f"{figure.layer or 'total'}: {figure.quantity} {figure_text(figure.rule)} by the rule, "
        f"{figure_text(figure.measured)} by torch"
    )
    return f"{text} ({figure.note})" if figure.note else text


def figure_text(value: object) -> str:
    """A figure in full: `1,234`, `64x56x56`; `-` where there is none."""
    if value is None:
        return "-"
    return shape(value) if isinstance(value, tuple) else exact(value)


def _layer_table(comparison: Comparison) -> Table:
    """A row for each layer, a column for each quantity that layers have.

    A cell is the figure on which rule and torch agree, or `rule ≠ measured`.
    """
    by_layer: dict[str, dict[str, str]] = {}
    for figure in comparison.figures:
        if figure.layer:
            by_layer.setdefault(figure.layer, {})[figure.quantity] = _cell(figure)
    quantities = list(dict.fromkeys(key for cells in by_layer.values() for key in cells))
    rows = [[name, *[cells.get(q, "") for q in quantities]] for name, cells in by_layer.items()]
    return Table(["layer", *quantities], rows, f"l{'r' * len(quantities)}")


def _total_lines(comparison: Comparison) -> list[str]:
    """A line for each figure of the network as a whole, with what a reader of it should know."""
    return [
        f"{figure.quantity}: {_cell(figure)}{f' ({figure.note})' if figure.note else ''}"
        for figure in comparison.figures
        if not figure.layer
    ]


def _cell(figure: Figure) -> str:
    if figure.not_measured:
        return "not measured"
    if figure.agrees:
        return figure_text(figure.measured)
    return f"{figure_text(figure.rule)} ≠ {figure_text(figure.measured)}"


def tally(figures: Sequence[Figure]) -> dict[str, int]:
    """How many figures of each subject have both a rule and a measurement."""
    counts: dict[str, int] = {}
    for figure in figures:
        counts.setdefault(figure.subject, 0)
        counts[figure.subject] += figure.compared
    return counts


def _tally(comparison: Comparison) -> str:
    counts = [f"{count:,} {subject}" for subject, count in tally(comparison.figures).items()]
    counts = [f"figures: {', '.join(counts)}"] if counts else []
    if comparison.not_measured:
        counts.append(f"{len(comparison.not_measured):,} not measured")
    if comparison.times is not None:
        counts.append(time_text(comparison.times))
    return ", ".join(counts)


# ----- times -----

_TIME_HEADINGS = (
    "layer", "kind", "FLOPs", "moved", "best", "measured", "x best", "FLOP/s", "bytes/s",
)  # fmt: skip


def time_text(times: Times) -> str:
    """The time of the network beside the least that its layers need, where that is known."""
    if times.profile is None:
        return f"{seconds_text(times.seconds)} ({times.note})"
    best = sum(layer.bound.seconds for layer in times.layers)
    return f"{seconds_text(times.seconds)} against {seconds_text(best)} at best ({times.profile})"


def _time_table(times: Times, in_full: bool) -> Table:
    """A row for each layer, its best, its time and what it achieved; the network last, at once.

    Without a profile nothing is said of the best.
    """
    each = [(x.bound.layer.name, x.bound.layer.kind, [x.bound], x.seconds) for x in times.layers]
    bounds = [layer.bound for layer in times.layers]
    each.append(("the network at once", "", bounds, times.seconds))
    rows = [_time_row(*row, in_full=in_full) for row in each]
    known = times.profile is not None
    shown = [known or "best" not in heading for heading in _TIME_HEADINGS]
    headings, *rows = [list(compress(row, shown)) for row in (_TIME_HEADINGS, *rows)]

    def bars() -> list[list[float | None]]:
        from archcalc.render.bars import in_columns

        # Behind what was measured alone; the whole network is no layer among them.
        seconds = [layer.seconds for layer in times.layers]
        columns = [
            seconds if heading == "measured" else [None] * len(seconds) for heading in headings
        ]
        return in_columns(columns)

    return Table(headings, rows, f"ll{'r' * (len(headings) - 2)}", bars=bars)


def _time_row(
    name: str, kind: str, bounds: Sequence[Bound], seconds: float, *, in_full: bool
) -> list[str]:
    flops = sum(bound.flops for bound in bounds)
    moved = sum(bound.bytes_moved for bound in bounds)
    best = sum(bound.seconds for bound in bounds)
    return [
        name,
        kind,
        in_unit(flops, Unit.COUNT, in_full=in_full),
        in_unit(moved, Unit.BYTES, in_full=in_full),
        seconds_text(best),
        seconds_text(seconds),
        f"{seconds / best:.1f}" if best else "",
        short(round(per_second(flops, seconds))),
        short_bytes(round(per_second(moved, seconds))),
    ]


def furthest_line(times: Times) -> str:
    """The layers that lose most time against their best, the worst first; empty where unknown."""
    if times.profile is None:
        return ""
    costly = [layer for layer in times.layers if layer.bound.seconds]
    names = [
        f"{layer.bound.layer.name} ({seconds_text(layer.seconds)}, {layer.slowdown:.1f} x best)"
        for layer in sorted(costly, key=lambda x: x.bound.seconds - x.seconds)[:_FURTHEST]
    ]
    return f"furthest from their best: {', '.join(names)}"


# ----- records -----


def figure_record(figure: Figure) -> dict[str, object]:
    """One figure in types that JSON knows."""
    record: dict[str, object] = {
        "subject": figure.subject,
        "quantity": figure.quantity,
        "layer": figure.layer,
        "rule": plain(figure.rule),
        "measured": plain(figure.measured),
        "agrees": figure.agrees if figure.compared else None,
    }
    if figure.not_measured:
        record["not_measured"] = figure.not_measured
    return record | ({"note": figure.note} if figure.note else {})


def _time_figures(comparison: Comparison) -> Iterator[dict[str, object]]:
    """The times under the keys of figures; the whole network last."""
    times = comparison.times
    if times is None:
        return
    found = [(layer.bound.layer.name, layer.bound.seconds, layer.seconds) for layer in times.layers]
    found.append(("", sum(best for _, best, _ in found), times.seconds))
    for name, best, seconds in found:
        yield {
            "subject": "time",
            "quantity": "seconds",
            "layer": name,
            "rule": best if times.profile else None,
            "measured": seconds,
            "note": None if name else times.note,
        }


def _times_record(times: Times) -> dict[str, object]:
    known = times.profile is not None
    return {
        "profile": times.profile,
        **({"note": times.note} if times.note else {}),
        "seconds": times.seconds,
        "layers": [
            bound_record(layer.bound)
            | {
                "best_seconds": layer.bound.seconds if known else None,
                "limit": layer.bound.limit if known else None,
                "seconds": layer.seconds,
                "flops_per_second": layer.flops_per_second,
                "bytes_per_second": layer.bytes_per_second,
            }
            for layer in times.layers
        ],
    }
