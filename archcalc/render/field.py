"""Receptive fields: of all layers, and what one unit sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import inputs_text
from archcalc.quantity.arithmetic import plain
from archcalc.receptive_field.field import AxisField, Field, Interval, PhasedField
from archcalc.receptive_field.words import Words, words_for
from archcalc.regions.bits import runs
from archcalc.regions.patches import Patch
from archcalc.render.numbers import counted, per_axis, percent, things
from archcalc.render.opaque import opaque_lines
from archcalc.render.output import Data, Document, Part, Table, Title
from archcalc.render.rows import ALL_LEVELS, Row, depth_that_fits, folded_line, rows_at_depth
from archcalc.render.table import caption, with_network
from archcalc.render.text_columns import in_columns
from archcalc.unit_field import PathSizes, Seen, UnitField, alignment, path_sizes
from archcalc.window import Reach

if TYPE_CHECKING:
    from archcalc.torch_backend.effective import EffectiveField

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_KEYS = (
    "name", "receptive_field", "local_receptive_field", "smallest_path", "largest_path", "jump",
    "padding", "aligned",
)  # fmt: skip
_UNIT_KEYS = (
    "name", "unit", "channel", "axis", "receptive_field", "jump", "offset", "first", "last",
    "first_in_image", "last_in_image",
)  # fmt: skip
_AXIS_HEADINGS = ("axis", "field", "jump", "offset", "sees")  # and in the image
_MOST_RUNS = 4  # of pixels without gaps, that are listed one by one
_MOST_PHASES = 1024  # that are listed
_LOCAL = "without gates and norms"


class FieldDocument(Document):
    """The receptive field of every layer.

    Attributes:
        depth: the level of nesting below which blocks are folded; for people what fits a screen
            if None, for programs all layers by themselves.
    """

    analysis: Analysis
    depth: int | None = None

    def record(self) -> dict[str, object]:
        """The field of each layer; `_record` says what its keys mean."""
        return {**self.analysis.identity.record("network"), "layers": self._records()}

    def data(self) -> Data:
        """A row for each layer or folded block, whose field is that of its output."""
        rows = rows_at_depth(self.analysis, self.depth or ALL_LEVELS)
        cells = [[*record.values()] for record in self._rows(rows) if record is not None]
        return Data(_KEYS, cells).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each layer or block; with the local field only where that is another."""
        analysis = self.analysis
        differ = any(layer.local_field != layer.field for layer in analysis.layers)
        keys = [key for key in _KEYS if differ or key != "local_receptive_field"]
        headings = [key.replace("_", " ").replace("receptive ", "") for key in keys]
        shown = rows_at_depth(analysis, self.depth or depth_that_fits(analysis))
        rows = []
        for row, record in zip(shown, self._rows(shown), strict=True):
            name = row.label if form == "text" else row.name
            if record is not None:
                rows.append([name, *[_cell(key, record[key]) for key in keys[1:]]])
            elif form == "text":
                rows.append([name, *[""] * (len(keys) - 1)])
        sides = f"{'w' if form == 'text' else 'l'}{'r' * (len(keys) - 2)}l"
        table = Table(with_network(analysis, headings, form), rows, sides, room=0)
        if form != "text":
            yield table
            return
        graph = analysis.graph
        alone = " alone" if len(graph.inputs) > 1 else ""
        inputs = inputs_text({graph.first_input: graph.input}) + alone
        yield [caption(analysis)[0], *opaque_lines(analysis), inputs]
        yield table
        folded = folded_line(shown, analysis)
        if folded:
            folded.append("a block's figures are those of its output; aligned: all that meet in it")
        yield [*folded, *[f"local field: {_LOCAL}; jump and padding are of it"] * differ]

    def _records(self) -> list[dict[str, object]]:
        paths = path_sizes(self.analysis)
        return [_record(x, paths[x.name], self.analysis) for x in self.analysis.layers]

    def _rows(self, rows: Sequence[Row]) -> Iterator[dict[str, object] | None]:
        """For each row that of its layer, of a block that of its output; None for a heading.

        The branches of a block are aligned where those of all joins in it are.
        """
        by_name = {str(record["name"]): record for record in self._records()}
        for row in rows:
            said = [by_name[layer.name]["aligned"] for layer in row.layers]
            of_joins = [aligned for aligned in said if aligned is not None]
            own = {"name": row.name, "aligned": all(of_joins) if of_joins else None}
            yield by_name[row.counted[-1].name] | own if row.layers else None


class UnitDocument(Document):
    """What one unit sees.

    Attributes:
        phases: whether to say it of each phase too, in words.
        effective: how much of it matters, where that was measured.
    """

    analysis: Analysis
    field: UnitField
    phases: bool = False
    effective: EffectiveField | None = None

    def record(self) -> dict[str, object]:
        """What it sees, in types that JSON knows; intervals as [first, last], null for none.

        `sees` and `local` have a word in place of an interval where there is no one ("misaligned")
        or none is known ("unknown"). `in_image` is the box around the pixels of the image that the
        unit sees, `parts` are these pixels: of each part, along each axis, intervals that it is the
        product of. Unless `exact`, they are an upper bound; `parts` is null where only the box is
        known.
        """
        analysis, field, layer = self.analysis, self.field, self.field.layer
        found: dict[str, object] = {
            **analysis.identity.record("network"),
            **_record(layer, path_sizes(analysis)[layer.name], analysis),
            "unit": list(field.unit),
            "channel": field.channel,
            "image": list(field.image),
            "sees": [_plain_seen(seen) for seen in field.unbounded],
            "local": [_plain_seen(seen) for seen in field.local],
            "in_image": plain(field.in_image),
            "exact": field.exact,
            "pixels": field.pixels,
            "parts": None if field.patches is None else [_part(patch) for patch in field.patches],
            "padding_share": None if field.padding_share is None else float(field.padding_share),
            "image_share": float(field.image_share),
            "phases": [
                _phases_record(axis) if isinstance(axis, PhasedField) else None
                for axis in layer.field
            ],
        }
        if self.effective is not None:
            sides = self.effective.sides.items()
            found["effective"] = {f"{share:.0%}": side for share, side in sides}
        return found

    def data(self) -> Data:
        """A row for each axis."""
        field = self.field
        unit = ",".join(map(str, field.unit))
        rows = [[field.layer.name, unit, field.channel, *axis] for axis in _axis_figures(field)]
        return Data(_UNIT_KEYS, rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each axis, and the rest in words."""
        field = self.field
        inside = f"in the {words_for(self.analysis.input).example}"
        table = Table([*_AXIS_HEADINGS, inside], list(_axis_cells(field)))
        title = _unit_title(self.analysis, field)
        if form == "text":
            yield [title]
            yield in_columns([table.headings, *table.rows])
        else:
            yield Title(title)
            yield table
        yield _unit_lines(self.analysis, field, phases=self.phases)
        if self.effective is not None:
            yield _effective_lines(self.effective)


def _record(layer: LayerAnalysis, paths: PathSizes, analysis: Analysis) -> dict[str, object]:
    """The field of a layer.

    `jump` is the effective stride and `padding` the effective padding of the network up to the
    layer (Araujo et al. 2019, section 3); `aligned` says of a join whether its branches look at
    the same place, null elsewhere.
    """
    offset = layer.offset
    firsts = offset if isinstance(offset, tuple) else ()
    padding = tuple(-first if isinstance(first, int) else None for first in firsts) or None
    return {
        "name": layer.name,
        "receptive_field": plain(layer.receptive_field),
        "local_receptive_field": plain(layer.local_receptive_field),
        "smallest_path": plain(paths.smallest),
        "largest_path": plain(paths.largest),
        "jump": plain(layer.jump),
        "padding": plain(padding),
        "aligned": alignment(analysis, layer),
    }


def _cell(key: str, value: object) -> str:
    if key == "name":
        return str(value)
    if key == "aligned":
        return "" if value is None else "yes" if value else "no"
    return per_axis(value, "-" if key in ("jump", "padding") else "?")


def _unit_title(analysis: Analysis, field: UnitField) -> str:
    layer = field.layer
    sizes = "x".join([str(layer.output.shape[axis]) for axis in layer.unit_axes])
    units = sizes if layer.output.sizes else f"{layer.output.channels:,}"
    where = (
        f"{'unit' if layer.output.sizes else 'feature'} {','.join(map(str, field.unit))} of {units}"
    )
    if field.channel is not None:
        where += f", channel {field.channel}"
    image = "x".join(map(str, field.image))
    example = words_for(analysis.input).example
    return f"{analysis.identity}, {layer.name} ({layer.kind}): {where}, {example} {image}"


def _unit_lines(analysis: Analysis, field: UnitField, *, phases: bool) -> list[str]:
    """What one unit sees, in words."""
    layer = field.layer
    lines = [_pixels(field, words_for(analysis.input))]
    if Reach.MISALIGNED in layer.field:
        lines.append("branches with different jumps meet before it: no one interval for all units")
    if field.local != field.unbounded:
        names = _axis_names(field)
        local = [
            f"{name} {_cell('', size)}, {_seen(seen)}"
            for name, size, seen in zip(names, _sizes(layer.local_field), field.local, strict=True)
        ]
        lines.append(f"{_LOCAL}: {'; '.join(local)}")
    paths = path_sizes(analysis)[layer.name]
    if paths.smallest != paths.largest:
        lines.append(
            f"by single paths: {per_axis(paths.smallest)} the smallest, "
            f"{per_axis(paths.largest)} the largest"
        )
    aligned = alignment(analysis, layer)
    if aligned is not None:
        lines.append(
            "its branches look at " + ("the same place" if aligned else "different places")
        )
    if phases:
        names = _axis_names(field)
        lines += [
            line
            for name, f in zip(names, layer.field, strict=True)
            for line in _phases(name, f, words_for(analysis.input))
        ]
    return lines


def _effective_lines(effective: EffectiveField) -> list[str]:
    """How much of the field matters, in words."""
    lines = [f"effective field, over {effective.runs} random inputs and weights:"]
    for share, side in effective.sides.items():
        lines.append(f"  {share:.0%} of the gradient lies within {side}x{side} around its middle")
    return lines


def _axis_cells(field: UnitField) -> Iterator[list[str]]:
    """What it sees along each axis, for people."""
    for number, (name, size, moving) in enumerate(_axes(field)):
        yield [
            name,
            _cell("", size),
            "-" if moving is None else str(moving.jump),
            "-" if moving is None else _first(moving.offset),
            "-" if size == "all" else _seen(field.unbounded[number]),
            ("" if field.exact else "at most ") + _run_list(field.runs(number)),
        ]


def _axis_figures(field: UnitField) -> Iterator[list[object]]:
    """The same for programs; None where there is no one figure."""
    for number, (name, size, moving) in enumerate(_axes(field)):
        moves = [None, None] if moving is None else [moving.jump, moving.offset]
        seen = field.unbounded[number]
        sees = (None if isinstance(seen, Reach) else seen) or (None, None)
        yield [name, size, *moves, *sees, *(field.in_image[number] or (None, None))]


def _axis_names(field: UnitField) -> Sequence[str]:
    """A word for each axis; of more than people have words for, its number."""
    axes = len(field.image)
    return AXIS_NAMES.get(axes) or [f"axis {number}" for number in range(1, axes + 1)]


def _axes(field: UnitField) -> Iterator[tuple[str, object, Field | PhasedField | None]]:
    """Each axis: its name, the size of the field, and how it moves, where that is known."""
    names, layer = _axis_names(field), field.layer
    for name, size, axis in zip(names, _sizes(layer.field), layer.local_field, strict=True):
        yield name, size, None if isinstance(axis, Reach) else axis


def _pixels(field: UnitField, words: Words) -> str:
    """`49 of the 169 pixels of its box, 1.2% of the image; 0.0% of its field is padding`."""
    share = f"{percent(field.image_share)} of the {words.example}"
    if field.pixels == field.box_in_image:
        text = f"{field.pixels:,} {things(field.pixels, words.position)}, {share}"
    else:
        text = (
            f"{field.pixels:,} of the {field.box_in_image:,} {words.position}s of its box, {share}"
        )
    if field.padding_share is not None:
        text += f"; {percent(field.padding_share)} of its field is padding"
    return text if field.exact else f"at most {text}"


def _sizes(field: tuple[AxisField, ...]) -> list[object]:
    """The receptive field along each axis: a number, "all", or None where unknown."""
    return [
        ("all" if axis is Reach.ALL else None) if isinstance(axis, Reach) else axis.size
        for axis in field
    ]


def _seen(seen: Seen) -> str:
    return "-" if isinstance(seen, Reach) else _interval(seen)


def _first(offset: object) -> str:
    return "nothing" if offset is None else str(offset)


def _run_list(found: list[tuple[int, int]]) -> str:
    """`3 … 9`; `0, 2 … 12` for every second; `3, 11 … 13`; of many the first and the last."""
    if not found:
        return "nothing"
    steps = {later[0] - earlier[0] for earlier, later in pairwise(found)}
    if len(found) > 3 and len(steps) == 1 and all(first == last for first, last in found):
        return f"{found[0][0]}, {found[1][0]} … {found[-1][0]}"
    if len(found) <= _MOST_RUNS:
        return ", ".join(map(_interval, found))
    return f"{', '.join(map(_interval, found[: _MOST_RUNS - 1]))}, …, {_interval(found[-1])}"


def _phases(name: str, field: AxisField, words: Words) -> list[str]:
    if not isinstance(field, PhasedField):
        return [f"{name}: one phase"]
    further = f"each further by {counted(field.advance, words.position)} a round"
    lines = [f"{name}: {field.period} phases, {further}"]
    shown = range(min(field.period, _MOST_PHASES))
    lines += [f"  phase {n}: {_interval(field.of_unit(n))}" for n in shown]
    return lines + ["  …"] * (field.period > _MOST_PHASES)


def _phases_record(field: PhasedField) -> dict[str, object]:
    """The interval of each phase; of very many, of the first ones."""
    intervals = tuple(map(field.of_unit, range(min(field.period, _MOST_PHASES))))
    return {"period": field.period, "intervals": plain(intervals), "advance": field.advance}


def _plain_seen(seen: Seen) -> object:
    return seen.value if isinstance(seen, Reach) else plain(seen)


def _part(patch: Patch) -> list[list[list[int]]]:
    return [[[first, last] for first, last in runs(bits)] for bits in patch.positions]


def _interval(interval: Interval) -> str:
    if interval is None:
        return "nothing"
    return str(interval[0]) if interval[0] == interval[1] else f"{interval[0]} … {interval[1]}"
