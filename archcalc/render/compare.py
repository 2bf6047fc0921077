"""Networks side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from archcalc.comparing.compare import Contrast
from archcalc.comparing.key_figures import KEY_FIGURES, KeyFigures, ratio
from archcalc.comparing.stages import Stage, stride_text
from archcalc.figures.figure import Figure, Unit
from archcalc.figures.of_layer import OF_LAYER
from archcalc.figures.of_network import OF_NETWORK
from archcalc.quantity.arithmetic import plain
from archcalc.record import replace
from archcalc.render.numbers import in_unit
from archcalc.render.opaque import at_least_record, opaque_lines, opaque_record
from archcalc.render.output import Data, Document, Folded, Part, Table
from archcalc.render.table import caption

TOTALS = {key: OF_NETWORK[key] for key in KEY_FIGURES}
LOCAL_FIELD = "local receptive field: by convolutions and pools alone, without gates and norms"
_OF_STAGE = (
    Figure("sizes", Unit.SHAPE, lambda stage: stage.sizes or None, "", "map", "map"),
    Figure("layers", Unit.COUNT, lambda stage: len(stage.layers), "", "layers", "layers"),
    *[replace(OF_LAYER[key], of=partial(Stage.total, key=key)) for key in ("params", "macs")],
    replace(
        OF_NETWORK["all_bytes"],
        key="activation_bytes",
        of=partial(Stage.total, key="activation_bytes"),
    ),
)


class Line(NamedTuple):
    """One figure of all networks.

    Attributes:
        stage: of which stage, as text; empty for the whole network.
        figure: what it is.
        values: of each network; None where it has no such stage.
        ratios: of each value but the first to the first; None where there is none.
    """

    stage: str
    figure: Figure
    values: list[object]
    ratios: list[Fraction | None]


class CompareDocument(Document):
    """Networks side by side: their totals, and their stages.

    Attributes:
        in_full: all digits in place of `138.36M`.
        by_network: a row for each network with its totals, in place of a column; without stages
            and ratios.
    """

    found: Contrast
    in_full: bool = False
    by_network: bool = False

    def record(self) -> dict[str, object]:
        """The networks, each with its ratios to the first one."""
        found = self.found
        first = _line("", OF_NETWORK["input"], [one.input.shape for one in found.analyses])
        totals, by_stage = [first, *total_lines(found)], list(stage_lines(found))
        networks = []
        for number, (label, analysis) in enumerate(zip(found.labels, found.analyses, strict=True)):
            record: dict[str, object] = {
                "label": label,
                **analysis.identity.record(),
                "title": analysis.graph.about.title,
                **analysis.ends_record(),
                "batch": analysis.batch,
                "dtype": analysis.dtype,
                **opaque_record(analysis),
                "totals": {
                    **{line.figure.key: plain(line.values[number]) for line in totals},
                    **at_least_record(analysis.totals),
                },
                "stages": _stages_record(by_stage, number),
            }
            if number:
                record["ratios"] = {
                    line.figure.key: _float(line.ratios[number - 1]) for line in totals
                }
            networks.append(record)
        return {"networks": networks}

    def data(self) -> Data:
        """A row for each figure, a column for each network and each ratio; or by network."""
        found = self.found
        if self.by_network:
            lines = (*input_lines(found), *total_lines(found))
            keys = ["network", *[line.figure.key for line in lines]]
            return Data(keys, [[name, *values] for name, values in self._of_networks(lines)])
        first, *others = found.labels
        keys = [key for label in others for key in (label, f"{label} ratio")]
        rows = []
        for line in (*input_lines(found), *total_lines(found), *stage_lines(found)):
            cells = [line.values[0]]
            for value, of_first in zip(line.values[1:], line.ratios, strict=True):
                cells += [value, _float(of_first)]
            rows.append([line.stage, line.figure.key, *cells])
        return Data(["stage", "figure", first, *keys], rows)

    def parts(self, form: str) -> Iterator[Part]:
        """A table of totals and one of stages."""
        found, in_full = self.found, self.in_full
        shown = totals_shown(found.totals)
        if form == "text":
            legend = [LOCAL_FIELD] if "local_receptive_field" in shown else []
            titles = [[caption(one)[0], *opaque_lines(one)] for one in found.analyses]
            yield [*[line for lines in titles for line in lines], *legend]
        if self.by_network:
            yield self._rows((*input_lines(found), *total_lines(found, shown)))
            return
        first, labels = found.analyses[0], found.labels
        headings = [labels[0], *(text for label in labels[1:] for text in (label, "ratio"))]
        holds_for = f"batch {first.batch}, {first.dtype}; MB: 10^6 bytes"
        figures = "r" * len(headings)
        lines = (*input_lines(found), *total_lines(found, shown))
        totals = [_cells(line, in_full) for line in lines]
        yield Table([holds_for, *headings], totals, f"l{figures}", bars=partial(_bars, lines, 1))
        of_stages = list(stage_lines(found))
        by_stage = _said_once([[line.stage, *_cells(line, in_full)] for line in of_stages])
        behind = partial(_bars, of_stages, 2)
        table = Table(["stage", "figure", *headings], by_stage, f"ll{figures}", bars=behind)
        if form == "html" and by_stage:
            yield Folded("by stages", table)
        else:
            yield table

    def _rows(self, lines: Sequence[Line]) -> Table:
        cells = [
            [name, *[cell(line.figure, value, in_full=self.in_full)
                     for line, value in zip(lines, values, strict=True)]]
            for name, values in self._of_networks(lines)
        ]  # fmt: skip
        headings = ["network", *[line.figure.short for line in lines]]
        return Table(headings, cells, f"l{'r' * len(lines)}", room=0)

    def _of_networks(self, lines: Sequence[Line]) -> Iterator[tuple[str, list[object]]]:
        for number, label in enumerate(self.found.labels):
            yield label, [line.values[number] for line in lines]


def totals_shown(networks: Sequence[KeyFigures]) -> dict[str, Figure]:
    """The figures worth a line for people: the local field only where it is another."""
    same = all(figures.receptive_field == figures.local_receptive_field for figures in networks)
    return {
        k: figure for k, figure in TOTALS.items() if not (same and k == "local_receptive_field")
    }


def input_lines(found: Contrast) -> Iterator[Line]:
    """The inputs; of networks that have several each by its name."""
    of_each = []
    for analysis in found.analyses:
        inputs = analysis.graph.inputs
        of_each.append(inputs if len(inputs) > 1 else {"": analysis.input})
    for name in dict.fromkeys([name for inputs in of_each for name in inputs]):
        text = f"input {name}" if name else "input"
        figure = replace(OF_NETWORK["input"], key=text, heading=text)
        shapes = [inputs[name].shape if name in inputs else None for inputs in of_each]
        yield _line("", figure, shapes)


def total_lines(found: Contrast, figures: Mapping[str, Figure] = TOTALS) -> Iterator[Line]:
    """The figures of the whole networks, beside their inputs."""
    for key, figure in figures.items():
        yield _line("", figure, [getattr(totals, key) for totals in found.totals])


def stage_lines(found: Contrast) -> Iterator[Line]:
    """The figures of the stages, one after the other."""
    for stride in found.strides:
        for figure in _OF_STAGE:
            of_one = [stages.get(stride) for stages in found.stages]
            values = [None if stage is None else figure.of(stage) for stage in of_one]
            yield _line(stride_text(stride), figure, values)


def cell(figure: Figure, value: object, *, in_full: bool = False) -> str:
    """A figure of a network, or of a stage that it may not have."""
    return "-" if value is None else in_unit(value, figure.unit, in_full=in_full)


def ratio_text(value: Fraction | None) -> str:
    """`0.185x`, `41x`; empty for None."""
    if value is None:
        return ""
    return f"{float(value):,.0f}x" if value >= 100 else f"{float(value):.3g}x"


def _line(stage: str, figure: Figure, values: Sequence[object]) -> Line:
    has_ratio = figure.unit is not Unit.SHAPE
    ratios = [ratio(value, values[0]) if has_ratio else None for value in values[1:]]
    return Line(stage, figure, [*values], ratios)


def _cells(line: Line, in_full: bool) -> list[str]:
    shown = [cell(line.figure, value, in_full=in_full) for value in line.values]
    cells = [line.figure.heading, shown[0]]
    for text, of_first in zip(shown[1:], line.ratios, strict=True):
        cells += [text, ratio_text(of_first)]
    return cells


def _bars(lines: Sequence[Line], before: int) -> list[list[float | None]]:
    """Behind the figures of each line, beside its largest; none behind names and ratios."""
    from archcalc.render.bars import in_rows

    found = []
    for first, *others in in_rows([line.values for line in lines]):
        found.append([*[None] * before, first, *[cell for bar in others for cell in (bar, None)]])
    return found


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
            record.setdefault(line.stage, {})[line.figure.key] = plain(value)
    return record


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(f"{float(value):.6g}")
