"""What changes the sizes of maps: borders, interpolation; and rows of a table for integers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.importing.kinds.axes import axis_of, batch_axis
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.convolving import per_axis
from archcalc.importing.kinds.drafts import NotCoveredError, Value
from archcalc.importing.kinds.lowering import Lowering
from archcalc.importing.kinds.slicing import by_table, sliced
from archcalc.importing.kinds.weights import makers_of

_LOWEST = -3.4028234663852886e38  # of float32: what nothing is less than, for a spec


@handles("pad", "constant_pad_nd")
def pad(call: Call) -> None:
    """A border around a map; of channels too."""
    value = call.value("input")
    given = call.get("pad")
    pairs = [(given[n], given[n + 1]) for n in range(0, len(given), 2)]
    rank = len(value.axes)
    sides = {rank - 1 - n: pair for n, pair in enumerate(pairs) if pair != (0, 0)}
    if not sides:
        call.same(value)
        return
    along = batch_axis(value.axes)
    if along in sides:
        raise NotCoveredError("adds images to the batch")
    mode = call.get("mode", default="constant")
    filling = max(_LOWEST, min(-_LOWEST, float(call.get("value", default=0.0))))
    taken = call.take(value)
    own = {taken.axis(n): pair for n, pair in sides.items()}
    if [*own] == [0] and mode == "constant" and not filling and min(own[0]) >= 0 and taken.rank > 1:
        before, after = own[0]
        call.of("pad_channels", [taken], {"before": before, "after": after})
        return
    fields: dict[str, Any] = {"mode": mode, "value": filling}
    if 0 not in own:
        fields["sides"] = _sides([own.get(n, (0, 0)) for n in range(1, taken.rank)])
        call.of("pad", [taken], fields)
        return
    _along_the_first_too(call, value, fields, [own.get(n, (0, 0)) for n in range(taken.rank)])


def _sides(pairs: list[tuple[int, int]]) -> Any:
    texts = [before if before == after else [before, after] for before, after in pairs]
    alike = all(each == texts[0] for each in texts) and isinstance(texts[0], int)
    return texts[0] if alike else texts


def _along_the_first_too(
    call: Call, value: Value, fields: dict[str, Any], pairs: list[tuple[int, int]]
) -> None:
    """With an axis of one value in front, which is no border's, and goes again."""
    along = batch_axis(value.axes)
    at = 0 if along != 0 else 1
    wide = value._replace(axes=(*value.axes[:at], (), *value.axes[at:]))
    taken = call.take(wide)
    draft = call.add("pad", [taken], fields | {"sides": _sides(pairs)})
    axes = tuple(
        [
            axis if n == along else axis_of(size)
            for n, (axis, size) in enumerate(
                zip(value.axes, call.lowering.sizes(call.output), strict=True)
            )
        ]
    )
    items = () if along is None else tuple([f for f in axes[along] if not f.is_batch])
    rest = axes if along is None else axes[:along] + axes[along + 1 :]
    call.lowering.values[call.output] = Value(
        draft, (items, (), *rest), axes, value.of_images, call.operation
    )


@handles("interpolate", "upsample")
def interpolate(call: Call) -> None:
    """A map in another size."""
    value = call.batched(call.value("input"))
    mode = call.get("mode", default="nearest")
    sizes = [*call.shape(call.output)[2:]]
    before = [*call.shape(call.operation.arguments["input"].tensor)[2:]]
    # The filter against aliasing gives a larger map the same values, but takes memory on the way.
    filtered = bool(call.get("antialias", default=False))
    larger = all(n >= m for n, m in zip(sizes, before, strict=True))
    same = larger and mode == "bilinear" and not value.of_images
    if (filtered and not same) or mode == "nearest-exact":
        raise NotCoveredError("interpolates in a way of its own")
    if mode == "area":
        adaptive_avg_pool_to(call, value)
        return
    if sizes == before and not call.get("align_corners", default=False):
        call.same(value)
        return
    fields: dict[str, Any] = {"mode": mode}
    if call.get("align_corners"):
        fields["align_corners"] = True
    factors = call.get("scale_factor")
    if factors is not None and not call.get("recompute_scale_factor", default=False):
        listed = factors if isinstance(factors, (list, tuple)) else [factors] * len(sizes)
        exact = [Fraction(str(each)) for each in listed]
        if all(each.denominator == 1 for each in exact):
            call.layer("upsample", value, fields | {"factor": per_axis([*map(int, exact)], 1)})
            return
    call.layer("upsample", value, fields | {"size": per_axis(sizes, 1)})


def adaptive_avg_pool_to(call: Call, value: Value) -> None:
    """A map in another size, each value the mean of what it covers."""
    sizes = [*call.shape(call.output)[2:]]
    call.layer("adaptive_avg_pool", value, {"output": per_axis(sizes, 1)})


@handles("embedding")
def embedding(call: Call) -> None:
    """A row of a table for each integer."""
    weight = call.held("weight")
    number = call.operation.arguments["input"].tensor
    if number not in call.lowering.of_images:
        _constant_rows(call, number)
        return
    if weight is None:
        raise NotCoveredError("takes rows of a table that is computed")
    rows, features = call.shape(weight)
    fields = {"rows": rows, "features": features}
    call.layer("embedding", call.value("input"), fields, {"weight": weight}, apart=True)


def _constant_rows(call: Call, number: int) -> None:
    """Of integers that are the same for all images, rows of a learned tensor."""
    table = call.value("weight")
    sizes = call.lowering.sizes(number)
    if counts_up(call.lowering, number):
        found = sliced(call, table, 0, 0, sizes[-1][0])
        axes = ((),) * (len(sizes) - 1) + found.axes
        call.moved(found, axes)
        return
    found = by_table(call, table, 0, sizes)
    call.moved(found, found.axes)


_IN_ORDER = frozenset(("unsqueeze", "expand", "to", "long", "view", "reshape", "contiguous"))


def counts_up(lowering: Lowering, number: int) -> bool:
    """Whether a constant is 0, 1, 2 … along its last axis, and has no other."""
    values = lowering.tensor(number).values
    while isinstance(values, (list, tuple)) and len(values) == 1:
        values = values[0]
    if isinstance(values, (list, tuple)):
        return [*values] == [*range(len(values))]
    shape = lowering.tensor(number).shapes[0]
    makers = [*makers_of(lowering, number)]
    if not makers or any(n != 1 for n in shape[:-1]):
        return False
    *moves, first = makers
    counting = first.operator == "arange" and not (
        first.arguments.get("start") or first.arguments.get("step", 1) != 1
    )
    return counting and all(each.operator in _IN_ORDER for each in moves)
