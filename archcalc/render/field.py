"""Receptive fields: the table of all layers, what one unit sees, and both as JSON."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.quantity.arithmetic import plain
from archcalc.receptive_field.field import AxisField, Interval, PhasedField
from archcalc.regions.bits import runs
from archcalc.regions.patches import Patch
from archcalc.render.numbers import per_axis
from archcalc.render.output import SEPARATORS
from archcalc.render.table import (
    machine_text,
    separated_of,
    tabulate_rows,
    with_network,
)
from archcalc.unit_field import PathSizes, Seen, UnitField, alignment, path_sizes
from archcalc.window import Reach

if TYPE_CHECKING:
    from archcalc.torch_backend.effective import EffectiveField

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
FIELD_KEYS = (
    "name", "receptive_field", "local_receptive_field", "smallest_path", "largest_path", "jump",
    "padding", "aligned",
)  # fmt: skip
_MOST_RUNS = 4  # of pixels without gaps, that are listed one by one
_MOST_PHASES = 1024  # that are listed
_LOCAL = "without gates and norms"


def field_records(analysis: Analysis) -> list[dict[str, object]]:
    """The field of every layer, in types that JSON knows.

    `jump` is the effective stride and `padding` the effective padding of the network up to the
    layer (Araujo et al. 2019, section 3); `aligned` says of a join whether its branches look at
    the same place, null elsewhere.
    """
    paths = path_sizes(analysis)
    return [_record(layer, paths[layer.name], analysis) for layer in analysis.layers]


def _record(layer: LayerAnalysis, paths: PathSizes, analysis: Analysis) -> dict[str, object]:
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


def field_table(analysis: Analysis, form: str) -> str:
    """The field of every layer as text, in csv or in a format of tabulate.

    Raises:
        UsageError: there is no such format; with a guess.
    """
    records = field_records(analysis)
    if form in SEPARATORS:
        cells = [[*map(machine_text, record.values())] for record in records]
        return separated_of(analysis, form, FIELD_KEYS, cells)
    differ = any(layer.local_field != layer.field for layer in analysis.layers)
    keys = [key for key in FIELD_KEYS if differ or key != "local_receptive_field"]
    headings = [key.replace("_", " ").replace("receptive ", "") for key in keys]
    align = ["left", *["right"] * (len(keys) - 2), "left"]
    rows = [[_cell(key, record[key]) for key in keys] for record in records]
    return tabulate_rows(with_network(analysis, headings, form), rows, form, align)


def field_notes(analysis: Analysis) -> list[str]:
    """What the columns of `field_table` mean, where it is not plain."""
    if all(layer.local_field == layer.field for layer in analysis.layers):
        return []
    return [f"local field: {_LOCAL}; jump and padding are of it"]


def _cell(key: str, value: object) -> str:
    if key == "name":
        return str(value)
    if key == "aligned":
        return "" if value is None else "yes" if value else "no"
    return per_axis(value, "-" if key in ("jump", "padding") else "?")


def unit_lines(analysis: Analysis, field: UnitField, *, phases: bool) -> list[str]:
    """What one unit sees, in words."""
    layer = field.layer
    sizes = "x".join(map(str, layer.output.sizes))
    units = sizes or f"{layer.output.channels:,}"
    where = f"{'unit' if sizes else 'feature'} {','.join(map(str, field.unit))} of {units}"
    if field.channel is not None:
        where += f", channel {field.channel}"
    image = "x".join(map(str, field.image))
    lines = [f"{analysis.identity}, {layer.name} ({layer.kind}): {where}, image {image}", ""]
    lines += [*_axis_table(layer, field), "", _pixels(field)]
    if Reach.MISALIGNED in layer.field:
        lines.append("branches with different jumps meet before it: no one interval for all units")
    if field.local != field.unbounded:
        names = AXIS_NAMES[len(field.image)]
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
        names = AXIS_NAMES[len(field.image)]
        lines += [
            line for name, f in zip(names, layer.field, strict=True) for line in _phases(name, f)
        ]
    return lines


def effective_lines(effective: EffectiveField) -> list[str]:
    """How much of the field matters, in words."""
    lines = ["", f"effective field, over {effective.runs} random inputs and weights:"]
    for share, side in effective.sides.items():
        lines.append(f"  {share:.0%} of the gradient lies within {side}x{side} around its middle")
    return lines


def _axis_table(layer: LayerAnalysis, field: UnitField) -> list[str]:
    rows = [["axis", "field", "jump", "offset", "sees", "in the image"]]
    for number, (name, size, axis) in enumerate(
        zip(AXIS_NAMES[len(field.image)], _sizes(layer.field), layer.local_field, strict=True)
    ):
        moving = None if isinstance(axis, Reach) else axis
        rows.append(
            [
                name,
                _cell("", size),
                str(moving.jump) if moving else "-",
                _first(moving.offset) if moving else "-",
                "-" if size == "all" else _seen(field.unbounded[number]),
                ("" if field.exact else "at most ") + _run_list(field.runs(number)),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]


def _pixels(field: UnitField) -> str:
    """`49 of the 169 pixels of its box, 1.2% of the image; 0.0% of its field is padding`."""
    share = f"{_percent(field.image_share)} of the image"
    if field.pixels == field.box_in_image:
        text = f"{field.pixels:,} pixel{'' if field.pixels == 1 else 's'}, {share}"
    else:
        text = f"{field.pixels:,} of the {field.box_in_image:,} pixels of its box, {share}"
    if field.padding_share is not None:
        text += f"; {_percent(field.padding_share)} of its field is padding"
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


def _phases(name: str, field: AxisField) -> list[str]:
    if not isinstance(field, PhasedField):
        return [f"{name}: one phase"]
    lines = [f"{name}: {field.period} phases, each further by {field.advance} pixels a round"]
    shown = range(min(field.period, _MOST_PHASES))
    lines += [f"  phase {n}: {_interval(field.of_unit(n))}" for n in shown]
    return lines + ["  …"] * (field.period > _MOST_PHASES)


def unit_record(analysis: Analysis, field: UnitField) -> dict[str, object]:
    """What one unit sees, in types that JSON knows; intervals as [first, last], null for none.

    `sees` and `local` have a word in place of an interval where there is no one ("misaligned") or
    none is known ("unknown"). `in_image` is the box around the pixels of the image that the unit
    sees, `parts` are these pixels: of each part, along each axis, intervals that it is the product
    of. Unless `exact`, they are an upper bound; `parts` is null where only the box is known.
    """
    layer = field.layer
    paths = path_sizes(analysis)[layer.name]
    identity = analysis.identity.record("network")
    return (
        identity
        | _record(layer, paths, analysis)
        | {
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
    )


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


def _percent(share: Fraction) -> str:
    return f"{float(share):.1%}"
