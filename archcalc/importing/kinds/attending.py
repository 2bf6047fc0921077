"""Attention."""

from __future__ import annotations

from typing import Any

from archcalc.importing.kinds.axes import Axes, Axis, batch_axis, factor, size_of, without_batch
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.drafts import NotCoveredError, Value
from archcalc.importing.kinds.joining import common_batch
from archcalc.importing.kinds.lowering import Taken
from archcalc.importing.trace import Ref


@handles("scaled_dot_product_attention")
def attention(call: Call) -> None:
    """softmax(Q K^T scale) V, with the heads of each position side by side."""
    query, key, value = (call.value(name) for name in ("query", "key", "value"))
    heads, key_heads = _heads(query), _heads(key)
    if size_of(query.axes[-1]) != size_of(value.axes[-1]):
        _step_by_step(call, query, key, value)
        return
    fields: dict[str, Any] = {"heads": heads, "causal": bool(call.get("is_causal", default=False))}
    if key_heads != heads:
        fields["key_heads"] = key_heads
    if call.has("scale") and call.get("scale") != size_of(query.axes[-1]) ** -0.5:
        fields["scale"] = call.get("scale")
    taken = [call.take(_side_by_side(each)) for each in (query, key, value)]
    mask = call.operation.arguments.get("attn_mask")
    if isinstance(mask, Ref):
        taken.append(_bias(call, query, call.lowering.value(mask.tensor)))
    draft = call.add("scaled_dot_product_attention", taken, fields)
    _give_heads(call, draft, query)
    p = call.get("dropout_p", default=0.0)
    if p:
        call.lowering.note(
            "attention drops some of its weights in training, which is not counted",
            call.operation.path or call.operation.operator,
        )


def _step_by_step(call: Call, query: Value, key: Value, value: Value) -> None:
    """With values of another width than the keys: two products, and between them a softmax."""
    if call.has("attn_mask") or call.get("is_causal", default=False):
        raise NotCoveredError("hides positions, and has values of another width than its keys")
    along = common_batch([query, key, value])
    taken = [call.beside(each, along) for each in (query, key, value)]
    factor = call.get("scale", default=size_of(query.axes[-1]) ** -0.5)
    products = call.add("matmul", taken[:2], {"transposed": True})
    scores = call.add("scale", [products], {"factor": factor})
    draft = call.add("matmul", [call.add("softmax", [scores], {"axis": -1}), taken[2]])
    call.give(draft, *taken)


def _leading(value: Value) -> tuple[Axis, Axis]:
    """The factors that are items and those that are heads, of the axes before the last two."""
    *front, _, _ = value.axes
    along = batch_axis(value.axes)
    if along is None or along > len(front):
        if value.of_images:
            raise NotCoveredError("has its batch where attention has positions")
        return (), tuple([each for axis in front for each in axis])
    items = without_batch(value.axes[along])
    others = [axis for n, axis in enumerate(front) if n != along]
    *more, last = others or [()]
    return (*items, *[each for axis in more for each in axis]), last


def _heads(value: Value) -> int:
    return size_of(_leading(value)[1])


def _side_by_side(value: Value) -> Value:
    """(…, heads, L, d) as (items, L, heads d)."""
    items, heads = _leading(value)
    along = batch_axis(value.axes)
    batch = () if along is None else tuple([f for f in value.axes[along] if f.is_batch])
    front: Axes = ((*batch, *items),) if batch else ((items,) if items else ())
    return value._replace(axes=(*front, value.axes[-2], (*heads, *value.axes[-1])))


def _bias(call: Call, query: Value, mask: Value) -> Taken:
    """What is added to the scores, (heads, L, S)."""
    mask = call.of_rank(mask, len(query.axes))
    along = batch_axis(query.axes)
    if along is None:
        return call.take(mask)
    taken_axes = [axis for n, axis in enumerate(mask.axes) if n != along]
    if mask.axes[along] and batch_axis(mask.axes) != along:
        raise NotCoveredError("hides other positions in each item")
    if any(taken_axes[:-3]):
        raise NotCoveredError("hides other positions in each item")
    *_, rows, columns = taken_axes
    heads = taken_axes[-3] if len(taken_axes) > 2 else ()
    batch = mask.axes[along]
    front: Axes = (batch,) if batch else ()
    return call.take(mask._replace(axes=(*front, heads, rows, columns)))


def _give_heads(call: Call, draft: Any, query: Value) -> None:
    """The output as torch has it, (…, heads, L, d), of what a layer has side by side."""
    # Its own factors, of the same sizes: it is another tensor.
    fresh = {
        each: each if each.is_batch else factor(each.sizes)
        for axis in query.axes for each in axis
    }  # fmt: skip
    renewed = query._replace(
        axes=tuple([tuple([fresh[each] for each in axis]) for axis in query.axes])
    )
    items, heads = _leading(renewed)
    base: Axes = (items, renewed.axes[-2], (*heads, *renewed.axes[-1]))
    call.lowering.values[call.output] = Value(
        draft, base, renewed.axes, query.of_images, call.operation
    )


@handles("multi_head_attention_forward")
def multihead_attention(call: Call) -> None:
    """Attention with its projections, positions before the images."""
    query, key, value = (call.value(name) for name in ("query", "key", "value"))
    causal = False
    if call.has("attn_mask"):
        if not call.get("is_causal", default=False):
            raise NotCoveredError("hides positions by a mask")
        causal = True
    for name in ("key_padding_mask", "bias_k", "bias_v", "static_k", "static_v"):
        if call.has(name):
            raise NotCoveredError(f"takes {name}")
    if call.get("add_zero_attn", default=False):
        raise NotCoveredError("adds a position of zeros")
    names: tuple[str, ...] = (
        "in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias",
    )  # fmt: skip
    if call.get("use_separate_proj_weight", default=False):
        names = ("q_proj_weight", "k_proj_weight", "v_proj_weight", *names[1:])
    held = {name: call.held(name) for name in names}
    if held["out_proj_weight"] is None:
        raise NotCoveredError("has weights that are computed")
    own = {"weight" if name == names[0] else name: number for name, number in held.items()}
    fields: dict[str, Any] = {
        "heads": call.get("num_heads"),
        "bias": call.has("in_proj_bias"),
        "causal": causal,
        "dropout": float(call.get("dropout_p", default=0.0)),
    }
    values = [query]
    of_keys, of_values = (_moved(each) for each in (key, value))
    if not (_moved(query) == of_keys == of_values):
        values += [key] if of_keys == of_values else [key, value]
    call.of("multihead_attention", [call.take(each) for each in values], fields, own)


def _moved(value: Value) -> Value:
    """A tensor, whatever has moved it."""
    return value._replace(by=None)
