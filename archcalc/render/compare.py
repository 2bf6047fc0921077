"""Networks side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from archcalc.comparing.compare import Contrast
from archcalc.comparing.key_figures import KeyFigures, ratio
from archcalc.comparing.stages import Stage, stride_text
from archcalc.quantity.arithmetic import plain
from archcalc.render import numbers
from archcalc.render.output import Data, Document, Part, Table
from archcalc.render.table import caption

Shown = Callable[[object], str]


class _Figure(NamedTuple):
    """How a figure is called and shown: `short` for people, `exact` in full."""

    heading: str
    short: Shown = numbers.short
    exact: Shown = numbers.exact


def _bytes(heading: str) -> _Figure:
    return _Figure(heading, numbers.short_bytes, numbers.exact_bytes)


def _field(value: object) -> str:
    return numbers.per_axis(value, unknown="-")


TOTALS: dict[str, _Figure] = {
    "params": _Figure("params"),
    "macs": _Figure("MACs"),
    "flops": _Figure("FLOPs (2 x MACs)"),
    "other_ops": _Figure("other ops"),
    "lecture_bytes": _bytes("activations, lecture"),
    "all_bytes": _bytes("activations, all"),
    "peak_bytes": _bytes("activations, peak"),
    "training_bytes": _bytes("activations, training"),
    "weight_layers": _Figure("weight layers"),
    "receptive_field": _Figure("receptive field", _field, _field),
    "local_receptive_field": _Figure("local receptive field", _field, _field),
}
LOCAL_FIELD = "local receptive field: by convolutions and pools alone, without gates and norms"
_OF_STAGE: dict[str, _Figure] = {
    "sizes": _Figure("map", numbers.shape, numbers.shape),
    "layers": _Figure("layers"),
    "params": _Figure("params"),
    "macs": _Figure("MACs"),
    "activation_bytes": _bytes("activations, all"),
}


class Line(NamedTuple):
    """One figure of all networks.

    Attributes:
        stage: of which stage, as text; empty for the whole network.
        key: the figure, under its key in JSON.
        figure: how it is called and shown.
        values: of each network; None where it has no such stage.
        ratios: of each value but the first to the first; None where there is none.
    """

    stage: str
    key: str
    figure: _Figure
    values: list[object]
    ratios: list[Fraction | None]


class CompareDocument(Document):
    """Networks side by side: their totals, and their stages.

    Args:
        in_full: all digits in place of `138.36M`.
    """

    def __init__(self, found: Contrast, *, in_full: bool = False) -> None:
        self._found = found
        self._in_full = in_full

    def record(self) -> dict[str, object]:
        """The networks, each with its ratios to the first one."""
        return contrast_record(self._found)

    def data(self) -> Data:
        """A row for each figure, a column for each network and each ratio."""
        first, *others = self._found.labels
        keys = [key for label in others for key in (label, f"{label} ratio")]
        rows = []
        for line in (*total_lines(self._found), *stage_lines(self._found)):
            cells = [line.values[0]]
            for value, of_first in zip(line.values[1:], line.ratios, strict=True):
                cells += [value, _float(of_first)]
            rows.append([line.stage, line.key, *cells])
        return Data(["stage", "figure", first, *keys], rows)

    def parts(self, form: str) -> Iterator[Part]:
        """A table of totals and one of stages."""
        found, in_full = self._found, self._in_full
        shown = totals_shown(found.totals)
        if form == "text":
            legend = [LOCAL_FIELD] if "local_receptive_field" in shown else []
            yield [*[caption(analysis)[0] for analysis in found.analyses], *legend]
        first, headings = found.analyses[0], _headings(found)
        holds_for = f"batch {first.batch}, {first.dtype}; MB: 10^6 bytes"
        figures = "r" * len(headings)
        totals = [_cells(line, in_full) for line in total_lines(found, shown)]
        yield Table([holds_for, *headings], totals, f"l{figures}")
        by_stage = [[line.stage, *_cells(line, in_full)] for line in stage_lines(found)]
        yield Table(["stage", "figure", *headings], _said_once(by_stage), f"ll{figures}")


def contrast_record(found: Contrast) -> dict[str, object]:
    """The networks side by side in types that JSON knows."""
    totals, by_stage = list(total_lines(found)), list(stage_lines(found))
    networks = []
    for number, (label, analysis) in enumerate(zip(found.labels, found.analyses, strict=True)):
        record: dict[str, object] = {
            "label": label,
            **analysis.identity.record(),
            "title": analysis.graph.about.title,
            "input": plain(analysis.input.shape),
            "batch": analysis.batch,
            "dtype": analysis.dtype,
            "totals": {line.key: plain(line.values[number]) for line in totals},
            "stages": _stages_record(by_stage, number),
        }
        if number:
            record["ratios"] = {line.key: _float(line.ratios[number - 1]) for line in totals}
        networks.append(record)
    return {"networks": networks}


def totals_shown(networks: Sequence[KeyFigures]) -> dict[str, _Figure]:
    """The figures worth a line for people: the local field only where it is another."""
    same = all(figures.receptive_field == figures.local_receptive_field for figures in networks)
    return {
        k: figure for k, figure in TOTALS.items() if not (same and k == "local_receptive_field")
    }


def total_lines(found: Contrast, figures: Mapping[str, _Figure] = TOTALS) -> Iterator[Line]:
    """The figures of the whole networks."""
    inputs: list[object] = [analysis.input.shape for analysis in found.analyses]
    yield _line("", "input", _Figure("input", numbers.shape, numbers.shape), inputs)
    for key, figure in figures.items():
        yield _line("", key, figure, [getattr(totals, key) for totals in found.totals])


def stage_lines(found: Contrast) -> Iterator[Line]:
    """The figures of the stages, one after the other."""
    for stride in found.strides:
        for key, figure in _OF_STAGE.items():
            values = [_of_stage(stages.get(stride), key) for stages in found.stages]
            yield _line(stride_text(stride), key, figure, values)


def ratio_text(value: Fraction | None) -> str:
    """`0.185x`, `41x`; empty for None."""
    if value is None:
        return ""
    return f"{float(value):,.0f}x" if value >= 100 else f"{float(value):.3g}x"


def _line(stage: str, key: str, figure: _Figure, values: list[object]) -> Line:
    is_shape = figure.short is numbers.shape
    ratios = [None if is_shape else ratio(value, values[0]) for value in values[1:]]
    return Line(stage, key, figure, values, ratios)


def _of_stage(stage: Stage | None, key: str) -> object:
    if stage is None:
        return None
    if key == "sizes":
        return stage.output.sizes or None
    return len(stage.layers) if key == "layers" else getattr(stage, key)


def _cells(line: Line, in_full: bool) -> list[str]:
    show = line.figure.exact if in_full else line.figure.short
    shown = ["-" if value is None else show(value) for value in line.values]
    cells = [line.figure.heading, shown[0]]
    for text, of_first in zip(shown[1:], line.ratios, strict=True):
        cells += [text, ratio_text(of_first)]
    return cells


def _headings(found: Contrast) -> list[str]:
    headings = [found.labels[0]]
    for label in found.labels[1:]:
        headings += [label, "ratio"]
    return headings


def _said_once(rows: list[list[str]]) -> list[list[str]]:
    """The rows, with the stage in the first row of each alone."""
    stages = [row[0] for row in rows]
    previous = ["", *stages]
    return [
        row if row[0] != before else ["", *row[1:]]
        for row, before in zip(rows, previous, strict=False)
    ]


def _stages_record(lines: list[Line], network: int) -> dict[str, dict[str, object]]:
    record: dict[str, dict[str, object]] = {}
    for line in lines:
        value = line.values[network]
        if value is not None:
            record.setdefault(line.stage, {})[line.key] = plain(value)
    return record


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(f"{float(value):.6g}")
