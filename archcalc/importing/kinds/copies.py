"""Where the code of a model copies values: there a layer puts them out as they lie then.

Views are followed until a layer takes them; a copy is made where and when the code makes it.
"""

from __future__ import annotations

from archcalc.importing.kinds.axes import Axes, batch_axis, without_batch
from archcalc.importing.kinds.call import Call
from archcalc.importing.kinds.drafts import Draft, Value, layer_of
from archcalc.importing.kinds.rearranging import Copy
from archcalc.layers import Storage
from archcalc.layers.items import effect_with_items
from archcalc.layers.strides import dense_strides


def copied(call: Call, value: Value) -> Value:
    """A tensor behind `contiguous`, or a `reshape` that can give no view of it."""
    along = batch_axis(value.axes)
    if along is None or not value.of_images:
        return value
    rest = value.axes[:along] + value.axes[along + 1 :]
    target: Axes = (without_batch(value.axes[along]), *(rest or ((),)))
    lowering, operation = call.lowering, call.operation
    if target != value.base:
        copy: Copy
        if operation.operator == "contiguous":
            copy = "apart" if lies_apart(value.draft) else "reordered"
        else:
            copy = "reordered" if _copies_one_image_too(call, value, target) else "needed"
        draft = lowering.node(value, target, operation, copy)
    elif lies_apart(value.draft):
        draft = _closed(call, value.draft)
    else:
        return value
    draft.copy_of = value
    return value._replace(draft=draft, base=target, by=operation)


def _closed(call: Call, source: Draft) -> Draft:
    """The layer that puts the values of another behind one another."""
    assert source.map is not None
    names = [f"{letter}" for letter, _ in zip("abcdefgh", source.map.shape, strict=False)]
    items = ["[i]"] if source.map.items != 1 else []
    side = " ".join([*items, *names])
    key = f"closed by {call.operation.outputs}"
    if key not in source.views:
        fields = {"axes": f"{side} -> {side}", "copy": "apart"}
        source.views[key] = call.add("rearrange", [source], fields)
    return source.views[key]


def _copies_one_image_too(call: Call, value: Value, target: Axes) -> bool:
    """Whether one image alone has to be copied as well to be put in that order."""
    draft = call.lowering.node(value, target, call.operation)
    layer = layer_of(draft.kind, draft.fields)
    x, y = draft.inputs[0].map, draft.map
    assert x is not None and y is not None
    before, after = (x.items, *x.shape), (y.items, *y.shape)
    return layer.view_strides(before, dense_strides(before), after, x) is None


def lies_apart(draft: Draft) -> bool:
    """Whether the values that a layer puts out may lie apart, or in an order not their own."""
    return _lies(draft, gaps=True)


def _lies(draft: Draft, *, gaps: bool) -> bool:
    """Whether they may lie in another order; or, with `gaps`, have some between."""
    if not draft.kind or draft.kind == "parameter":
        return False
    layer = layer_of(draft.kind, draft.fields)
    if layer.steps_first or (gaps and layer.may_leave_gaps):
        return True
    if layer.may_leave_gaps and not layer.leaves_gaps:
        return True  # it leaves them where it turns axes
    maps = [each.map for each in draft.inputs if each.map is not None]
    if effect_with_items(layer, *maps).storage is Storage.OWN:
        # What is made anew has no gaps.
        ordering = draft.inputs if layer.pointwise else draft.inputs[:1]
        orders = bool(maps) and layer.orders_as_input(maps[0])
        return orders and any(_lies(each, gaps=False) for each in ordering)
    return any(_lies(each, gaps=gaps) for each in draft.inputs[:1])
