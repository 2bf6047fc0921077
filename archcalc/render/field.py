"""Receptive fields: the table of all layers, what one unit sees, and both as JSON."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from archcalc.analysis import Analysis, LayerAnalysis
from archcalc.quantity import plain
from archcalc.receptive_field import AxisField, Interval, PhasedField
from archcalc.render.numbers import per_axis
from archcalc.render.table import csv_of, machine_text, tabulate_rows
from archcalc.unit_field import PathSizes, UnitField, alignment, path_sizes
from archcalc.window import Reach

if TYPE_CHECKING:
    from archcalc.torch_backend.effective import EffectiveField

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
FIELD_KEYS = (
    "name", "receptive_field", "smallest_path", "largest_path", "jump", "padding", "aligned",
)  # fmt: skip


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
    if form == "csv":
        cells = [[*map(machine_text, record.values())] for record in records]
        return csv_of(analysis, FIELD_KEYS, cells)
    headings = [key.replace("_", " ").replace("receptive ", "") for key in FIELD_KEYS]
    align = ["left", *["right"] * 5, "left"]
    return tabulate_rows(headings, [_cells(record) for record in records], form, align)


def _cells(record: dict[str, object]) -> list[str]:
    return [
        str(record["name"]),
        *[per_axis(record[key]) for key in FIELD_KEYS[1:4]],
        per_axis(record["jump"], "-"),
        per_axis(record["padding"], "-"),
        {True: "yes", False: "no", None: ""}[record["aligned"]],  # type: ignore[index]  # a bool or None
    ]


def unit_lines(analysis: Analysis, field: UnitField, *, phases: bool) -> list[str]:
    """What one unit sees, in words."""
    layer = field.layer
    units = "x".join(map(str, layer.output.sizes)) or f"{layer.output.channels} values"
    where = f"unit {','.join(map(str, field.unit))} of " if field.unit else ""
    image = "x".join(map(str, field.image))
    lines = [f"{analysis.identity}, {layer.name} ({layer.kind}): {where}{units}, image {image}", ""]
    lines += _axis_table(layer, field)
    lines += [
        "",
        f"{field.pixels:,} positions, {_percent(field.padding_share)} of them padding; "
        f"{_percent(field.image_share)} of the image",
    ]
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
    for name, axis, seen, inside in zip(
        AXIS_NAMES[len(field.image)], layer.field, field.unbounded, field.clipped, strict=True
    ):
        everything = isinstance(axis, Reach)
        rows.append(
            [
                name,
                "all" if everything else str(axis.size),  # type: ignore[union-attr]  # a Reach has none
                "-" if everything else str(axis.jump),  # type: ignore[union-attr]  # as above
                "-" if everything else str(axis.offset),  # type: ignore[union-attr]  # as above
                "-" if everything else _interval(seen),
                _interval(inside),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]


def _phases(name: str, field: AxisField) -> list[str]:
    if not isinstance(field, PhasedField):
        return [f"{name}: one phase"]
    lines = [f"{name}: {field.period} phases, each further by {field.advance} pixels a round"]
    return lines + [f"  phase {n}: {_interval(seen)}" for n, seen in enumerate(field.phases)]


def unit_record(analysis: Analysis, field: UnitField) -> dict[str, object]:
    """What one unit sees, in types that JSON knows; intervals as [first, last], null for none."""
    layer = field.layer
    paths = path_sizes(analysis)[layer.name]
    return (
        analysis.identity.record("network")
        | _record(layer, paths, analysis)
        | {
            "unit": list(field.unit),
            "image": list(field.image),
            "sees": plain(field.unbounded),
            "in_image": plain(field.clipped),
            "padding_share": float(field.padding_share),
            "image_share": float(field.image_share),
            "phases": [
                {"intervals": plain(f.phases), "advance": f.advance}
                if isinstance(f, PhasedField)
                else None
                for f in layer.field
            ],
        }
    )


def _interval(interval: Interval) -> str:
    return "nothing" if interval is None else f"{interval[0]} … {interval[1]}"


def _percent(share: Fraction) -> str:
    return f"{float(share):.1%}"
