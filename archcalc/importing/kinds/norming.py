"""Normalizations."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.importing.kinds.axes import size_of
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.drafts import NotCoveredError, Value


def _learned(call: Call, fields: dict[str, Any], missing: str = "") -> dict[str, int | None]:
    """The weight and bias that it holds; in `fields` where it has none.

    Args:
        missing: the field that says that one of the two alone is missing: `gamma` the weight,
            `bias` the bias; empty of kinds that have both or none.
    """
    weight, offset = call.held("weight"), call.held("bias")
    for name, held in (("weight", weight), ("bias", offset)):
        if held is None and call.has(name):
            raise NotCoveredError(f"has a {name} that does not learn")
    if weight is None and offset is None:
        fields["affine"] = False
    elif weight is None or offset is None:
        if missing != ("gamma" if weight is None else "bias"):
            raise NotCoveredError("has either a weight or a bias")
        fields[missing] = False
    return {"weight": weight, "bias": offset}


@handles("batch_norm", "native_batch_norm")
def batch_norm(call: Call) -> None:
    """Batch normalization, by running statistics."""
    value = call.batched(call.value("input"))
    if not value.of_images:
        raise NotCoveredError("normalizes what is there once for all images")
    fields: dict[str, Any] = {
        "eps": call.get("eps", default=1e-5),
        "momentum": call.get("momentum", default=0.1),
    }
    held = _learned(call, fields, "gamma")
    call.layer("batch_norm", value, fields, held)


@handles("layer_norm")
def layer_norm(call: Call) -> None:
    """Layer normalization, over the last axis, the channels or all."""
    value = call.value("input")
    shape = call.get("normalized_shape")
    count = len(shape) if isinstance(shape, (list, tuple)) else 1
    fields: dict[str, Any] = {"eps": call.get("eps", default=1e-5)}
    held: dict[str, int | None] = {"weight": call.held("weight"), "bias": call.held("bias")}
    for name, number in held.items():
        if number is None and call.has(name):
            raise NotCoveredError(f"has a {name} that is computed")
    if held["weight"] is None and held["bias"] is None:
        fields["affine"] = False
    elif held["weight"] is None:
        raise NotCoveredError("has a bias alone")
    elif held["bias"] is None:
        fields["bias"] = False
    if count == 1:
        if _channels_last_for_a_while(call, value):
            _over_channels(call, value, fields, held)
            if not _copied_behind(call, value):
                call.lowering.note(_BY_VIEW, call.operation.path or call.operation.operator)
        else:
            call.layer("layer_norm", value, fields | {"over": "last"}, held, apart=True)
        return
    taken = call.take(value)
    if count != taken.rank:
        raise NotCoveredError("normalizes some of several axes together")
    call.of("layer_norm", [taken], fields, held)


def _channels_last_for_a_while(call: Call, value: Value) -> bool:
    """Whether the channels were put last for this norm alone, and are put first again behind."""
    base = value.base
    if len(base) < 3 or base[0] or not value.of_images or value.draft.map is None:
        return False
    moved = (*base[2:], base[1])
    if value.axes[1:] != moved or value.axes == base:
        return False
    users = call.lowering.users.get(call.output, [])
    if len(users) != 1 or users[0].operator not in ("permute", "movedim", "transpose"):
        return False
    made = users[0].outputs[0]
    return call.shape(made)[1:] == tuple([size_of(axis) for axis in base[1:]])


_BY_VIEW = (
    "the peaks of inference and of a training step may be off where a norm takes channels last and "
    "the module puts them first again by a view, of which the layer makes a copy"
)


def _copied_behind(call: Call, value: Value) -> bool:
    """Whether what puts the channels first again behind the norm is a view of which all that takes
    it is a copy; or a single one, or a single position, stays where it is."""
    if 1 in (size_of(value.base[1]), prod(map(size_of, value.base[2:]))):
        return True
    users = call.lowering.users
    taking = users.get(users[call.output][0].outputs[0], [])
    return bool(taking) and all(each.operator == "contiguous" for each in taking)


def _over_channels(
    call: Call, value: Value, fields: dict[str, Any], held: dict[str, int | None]
) -> None:
    plain = value._replace(axes=(value.axes[0], *value.base[1:]))
    taken = call.take(plain)
    draft = call.add("layer_norm", [taken], fields | {"over": "channels"})
    call.lowering.hold(draft, {name: n for name, n in held.items() if n is not None})
    call.lowering.values[call.output] = value._replace(draft=draft, by=call.operation)


@handles("group_norm")
def group_norm(call: Call) -> None:
    """Group normalization."""
    fields: dict[str, Any] = {
        "groups": call.get("num_groups"),
        "eps": call.get("eps", default=1e-5),
    }
    held = _learned(call, fields, "bias")
    call.layer("group_norm", call.value("input"), fields, held)


@handles("instance_norm")
def instance_norm(call: Call) -> None:
    """Instance normalization."""
    fields: dict[str, Any] = {"eps": call.get("eps", default=1e-5)}
    held = _learned(call, fields)
    fields["affine"] = fields.get("affine", True)
    if call.has("running_mean"):
        fields["track_running_stats"] = True
    call.layer("instance_norm", call.value("input"), fields, held)


@handles("rms_norm")
def rms_norm(call: Call) -> None:
    """Normalization by the root of the mean square."""
    shape = call.get("normalized_shape")
    if isinstance(shape, (list, tuple)) and len(shape) != 1:
        raise NotCoveredError("normalizes several axes together")
    fields: dict[str, Any] = {"eps": call.get("eps")}
    if call.held("weight") is None:
        if call.has("weight"):
            raise NotCoveredError("has a weight that is computed")
        fields["affine"] = False
    held = {"weight": call.held("weight")}
    call.layer("rms_norm", call.value("input"), fields, held, apart=True)


@handles("normalize")
def normalize(call: Call) -> None:
    """Every vector along an axis by its length."""
    if call.get("p", default=2.0) != 2:
        raise NotCoveredError("measures lengths by another norm")
    taken = call.take(call.value("input"), apart=True)
    axis = taken.last_or(call.get("dim", default=1))
    call.of("normalize", [taken], {"axis": axis, "eps": call.get("eps", default=1e-12)})


@handles("local_response_norm")
def local_response_norm(call: Call) -> None:
    """Local response normalization, across channels."""
    names = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0}
    fields = {name: call.get(name, default=default) for name, default in names.items()}
    call.layer("local_response_norm", call.value("input"), fields)
