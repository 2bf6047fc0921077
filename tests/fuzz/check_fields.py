"""Receptive fields: of all units of a layer, of single ones, and by single paths."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

from archcalc.receptive_field.field import AxisField
from archcalc.unit_field import UnitField, path_sizes, unit_field
from archcalc.window import Reach
from tests.fuzz.channels import NONE, Channels, every
from tests.fuzz.checking import Comparison, Subject
from tests.fuzz.interpreter import Layer
from tests.fuzz.mixing import goes_by_the_image
from tests.fuzz.reach import (
    SAMPLE,
    Extent,
    Follow,
    Reaching,
    Row,
    ends,
    local_reaching,
    paths_to,
    periods_of,
)
from tests.fuzz.sight import sights

LAYERS = 4  # of each graph, whose units are looked at
UNITS = 4  # of each of them
LONGEST_PERIOD = 64
MOST_PATHS = 16


def check_units(subject: Subject, comparison: Comparison) -> None:
    """The pixels that units see, at the borders and within, of all channels or of one."""
    net = subject.net
    sizes = net.input[1:]
    if not sizes:
        return
    rng = random.Random(len(net.layers))
    seen = sights(net, subject.shapes)
    for layer in rng.sample(net.layers, min(LAYERS, len(net.layers))):
        shape = subject.shapes[layer.name]
        axes = subject.analysis.layer(layer.name).unit_axes
        stood = [shape[axis] for axis in axes]
        for _ in range(UNITS):
            at = tuple(rng.choice((0, n - 1, rng.randrange(n))) for n in stood)
            channel = None if 0 in axes else rng.choice((None, rng.randrange(shape[0])))
            places = dict(zip(axes, at, strict=True))
            if channel is not None:
                places[0] = channel
            answers = seen[layer.name]
            for axis in sorted(places, reverse=True):
                answers = answers.select(1 + axis, places[axis])
            answers = answers.reshape(len(answers), -1).amax(1)
            wanted = {tuple(place) for place in answers.view(sizes).nonzero().tolist()}
            field = unit_field(subject.analysis, layer.name, at, channel=channel)
            where = f"{layer.name}, unit {at}, channel {channel}"
            if wanted and not any(map(goes_by_the_image, net.layers)):
                _check_bounds(field, wanted, where, comparison)
            _check_unit(field, wanted, where, comparison)


def _check_bounds(
    field: UnitField, wanted: set[tuple[int, ...]], where: str, comparison: Comparison
) -> None:
    """That the field on an image without ends, where told, holds what is seen in the image."""
    for axis, seen in enumerate(zip(*wanted, strict=True)):
        bound = field.unbounded[axis]
        if not isinstance(bound, Reach):
            inside = bound is not None and bound[0] <= min(seen) and max(seen) <= bound[1]
            comparison.of("pixels within the field", f"{where}, axis {axis}", inside, True)


def _check_unit(
    field: UnitField, wanted: set[tuple[int, ...]], where: str, comparison: Comparison
) -> None:
    found = {
        pixel
        for patch in field.patches or ()
        for pixel in product(*[_members(bits) for bits in patch.positions])
    }
    if not field.exact:
        comparison.unknown += 1
        if field.patches is not None:
            comparison.of("pixels at the most", where, wanted <= found, True)
        return
    along = [ends(frozenset(places)) for places in zip(*wanted, strict=True)]
    comparison.of("pixels seen", where, found, wanted)
    comparison.of("number of pixels seen", where, field.pixels, len(wanted))
    comparison.of("in the image", where, field.in_image, tuple(along or [None] * len(field.image)))


def _members(bits: int) -> list[int]:
    return [n for n in range(bits.bit_length()) if bits >> n & 1]


def check_layers(subject: Subject, comparison: Comparison) -> None:
    """Receptive field, jump and offset of each layer; with gates and norms, and without."""
    net, shapes = subject.net, subject.shapes
    periods = periods_of(net, shapes)
    if max(periods, default=1) > LONGEST_PERIOD:
        return
    whole = [Reaching(net, shapes, axis) for axis in range(len(periods))]
    local = local_reaching(whole, net)
    for axis, period in enumerate(periods):
        for layer in subject.analysis.layers:
            where = f"{layer.name}, axis {axis}"
            for what, reaching, has in (
                ("field", whole[axis], layer.field[axis]),
                ("local field", local[axis], layer.local_field[axis]),
            ):
                wanted = reaching.row(layer.name, period)
                if has is Reach.UNKNOWN:
                    comparison.unknown += wanted is not Extent.UNKNOWN
                elif wanted is not Extent.UNKNOWN:
                    everything = has is Reach.ALL and reaching.sees_all(layer.name)
                    expected = Extent.ALL if everything else wanted
                    comparison.of(what, where, _row(has, wanted), expected)


def _row(has: AxisField, wanted: Row | Extent) -> Row | Extent | None:
    """What archcalc says of a layer's units, in the oracle's words."""
    if isinstance(has, Reach):
        return {Reach.ALL: Extent.ALL, Reach.MISALIGNED: Extent.NO_INTERVAL}.get(has)
    jump = None if isinstance(wanted, Row) and wanted.jump is None else has.jump
    units = tuple([has.of_unit(unit) for unit in SAMPLE])
    return Row(has.size, None if jump is None else Fraction(jump), has.offset, units)


def check_paths(subject: Subject, comparison: Comparison) -> None:
    """The smallest and the largest field by single paths to the last layer, all of them tried."""
    net, name = subject.net, subject.net.layers[-1].name
    periods = periods_of(net, subject.shapes)
    paths = paths_to(net, name)
    if len(paths) > MOST_PATHS or max(periods, default=1) > LONGEST_PERIOD:
        return
    has = path_sizes(subject.analysis)[name]
    for axis, period in enumerate(periods):
        rows = []
        for path in paths:
            reaching = Reaching(net, subject.shapes, axis, _only(path))
            if not reaching.leads_on(name, every(subject.shapes[name])):
                continue  # a slice of the channels leaves it
            row = reaching.row(name, period)
            alone = (
                isinstance(row, Row)
                and reaching.sees_all(name)
                and (
                    row.jump == 0
                    or (row.jump is None and _is_behind_all(reaching, [*path], period))
                )
            )
            rows.append(Extent.ALL if alone else row)
        if Extent.UNKNOWN in rows:
            continue
        sizes = [row.size for row in rows if isinstance(row, Row)]
        largest = "all" if Extent.ALL in rows else max(sizes, default=0)
        for what, found, wanted in (
            ("smallest path", has.smallest[axis], min(sizes, default="all" if rows else 0)),
            ("largest path", has.largest[axis], largest),
        ):
            if found is None:
                comparison.unknown += 1
            else:
                comparison.of(what, f"{name}, axis {axis}", found, wanted)


def _is_behind_all(reaching: Reaching, names: list[str], period: int) -> bool:
    """Whether units of some of the layers see all that there is, wherever they stand."""
    rows = [reaching.row(name, period) for name in names]
    return any(row.jump == 0 if isinstance(row, Row) else row is Extent.ALL for row in rows)


def _only(path: dict[str, str]) -> Follow:
    def follow(layer: Layer, number: int, channels: Channels) -> Channels:
        return channels if layer.sources[number] == path.get(layer.name) else NONE

    return follow
