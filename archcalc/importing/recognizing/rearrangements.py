"""Rearrangements that follow one another are one, and none where values come back."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from archcalc.feature_map import FeatureMap
from archcalc.importing.kinds.axes import Axes, Axis, axis_of, regrouped, replaced
from archcalc.importing.kinds.rearranging import move
from archcalc.layers.notation import pattern_of

_CALLED = {1: "c", 2: "nc", 3: "chw", 4: "cthw"}


class Merged(NamedTuple):
    """Rearrangements as one layer; its kind is empty where they leave all as it was."""

    kind: str
    fields: dict[str, Any]


def merged(x: FeatureMap, *moves: Mapping[str, Any]) -> Merged | None:
    """What several rearrangements of `x` are together, by their fields, from first to last.

    None where that takes axes apart that have no common boundary.
    """
    base: Axes = tuple([axis_of((int(n),)) for n in (x.items, *x.shape)])
    axes = base
    for fields in moves:
        again = _moved(axes, base, fields)
        if again is None:
            return None
        axes, base = again
    if axes == base:
        return Merged("", {})
    found = move(base, axes, _CALLED.get(x.rank, ""), "reordered")
    return Merged(found.kind, found.fields)


def _moved(axes: Axes, base: Axes, fields: Mapping[str, Any]) -> tuple[Axes, Axes] | None:
    """The axes behind a rearrangement, and those before all, by factors that both are made of."""
    pattern = pattern_of(fields["axes"])
    sizes: dict[str, int] = {}
    for names, axis in zip(pattern.before, axes, strict=True):
        known = prod([fields[name] for name in names if name in fields])
        whole = prod([each.size for each in axis])
        sizes |= {name: fields.get(name, whole // known) for name in names}
    order = [name for names in pattern.before for name in names]
    found = regrouped(axes, [(sizes[name],) for name in order])
    if found is None:
        return None
    cut, parts = found
    of: dict[str, Axis] = dict(zip(order, replaced(cut, parts), strict=True))
    after = tuple([tuple([each for n in names for each in of[n]]) for names in pattern.after])
    return after, replaced(base, parts)
