"""Convolutions, and layers that fold and unfold what they slide over."""

from __future__ import annotations

from typing import Any

from archcalc.importing.kinds.axes import axis_of, regrouped, replaced
from archcalc.importing.kinds.call import Call, handles, with_products
from archcalc.importing.kinds.drafts import NotCoveredError, Value
from archcalc.importing.kinds.joining import put_together
from archcalc.importing.kinds.slicing import sliced
from archcalc.importing.kinds.weights import weight_of

MOST_WINDOWS = 64  # that overlap or lie apart, each of which is a slice
_OVERLAPPING = "memory may be off where the module sees windows that overlap, which are copied here"


def per_axis(given: Any, default: int) -> Any:
    """A setting for all axes as one number, where it is the same along each."""
    if given is None or given == []:
        return default
    if isinstance(given, (list, tuple)):
        return given[0] if len({*given}) == 1 else [*given]
    return given


@handles("conv1d", "conv2d", "conv3d")
def conv(call: Call) -> None:
    """A convolution; its weights may be computed from what learns."""
    # Each value of the output is a sum over what lies under the weights of its channel.
    with_products(call, _conv, call.output, call.shape(call.number_of("weight"))[1:])


def _conv(call: Call) -> None:
    channels, _, *kernel = call.shape(call.operation.arguments["weight"].tensor)
    padding = call.get("padding", default=0)
    fields = {
        "channels": channels,
        "kernel": per_axis(kernel, 1),
        "stride": per_axis(call.get("stride"), 1),
        "padding": padding if isinstance(padding, str) else per_axis(padding, 0),
        "dilation": per_axis(call.get("dilation"), 1),
        "groups": call.get("groups", default=1),
    }
    _convolve(call, "conv", fields, len(kernel))


@handles("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(call: Call) -> None:
    """A transposed convolution."""
    weights = call.shape(call.number_of("weight"))[1:]
    with_products(call, _conv_transpose, call.number_of("input"), weights)


def _conv_transpose(call: Call) -> None:
    groups = call.get("groups", default=1)
    _, channels, *kernel = call.shape(call.operation.arguments["weight"].tensor)
    fields = {
        "channels": channels * groups,
        "kernel": per_axis(kernel, 1),
        "stride": per_axis(call.get("stride"), 1),
        "padding": per_axis(call.get("padding"), 0),
        "output_padding": per_axis(call.get("output_padding"), 0),
        "dilation": per_axis(call.get("dilation"), 1),
        "groups": groups,
    }
    _convolve(call, "conv_transpose", fields, len(kernel))


def _convolve(call: Call, kind: str, fields: dict[str, Any], axes: int) -> None:
    value = call.value("input")
    if len(value.axes) != axes + 2:
        raise NotCoveredError("convolves without a batch")
    value = call.batched(value)
    if kind == "conv" and _is_fixed(call, fields):
        _convolve_by_a_fixed_kernel(call, value, fields)
        return
    weight = weight_of(call, "weight")
    bias = weight_of(call, "bias") if call.has("bias") else None
    held: dict[str, int | None] = {"weight": weight.number}
    fields |= weight.fields
    if bias is None:
        fields["bias"] = False
    else:
        held["bias"] = bias.number
    draft = call.layer(kind, value, fields, held)
    draft.held |= weight.others
    call.lowering.owners |= dict.fromkeys(weight.others.values(), draft)
    for scale in weight.scales:
        weight.apply(call, draft, scale)


def _is_fixed(call: Call, fields: dict[str, Any]) -> bool:
    """Whether the kernel depends on no image and on nothing that learns."""
    number, lowering = call.number_of("weight"), call.lowering
    depends = number in lowering.of_images or number in lowering.learned
    return not depends and not call.has("bias") and not isinstance(fields["padding"], str)


def _convolve_by_a_fixed_kernel(call: Call, value: Value, fields: dict[str, Any]) -> None:
    held = call.held("weight", buffers=True)
    own = held is not None and held not in call.lowering.owners
    call.layer("fixed_conv", value, fields, {"weight": held if own else None})


@handles("unfold", "im2col")
def unfold(call: Call) -> None:
    """Blocks as columns; or, of one axis, windows as a new axis."""
    value = call.value("input")
    if call.has("dimension"):
        _windows(call)
        return
    fields = {
        "kernel": per_axis(call.get("kernel_size"), 1),
        "stride": per_axis(call.get("stride"), 1),
        "padding": per_axis(call.get("padding"), 0),
        "dilation": per_axis(call.get("dilation"), 1),
    }
    call.layer("unfold", value, fields)


def _windows(call: Call) -> None:
    """Windows along an axis that follow one another are that axis, cut in two; of others each is
    a slice."""
    value = call.value("input")
    size, step = call.get("size"), call.get("step")
    dim = call.get("dimension") % len(value.axes)
    sizes = call.lowering.sizes(call.output)
    count = sizes[dim][0]
    whole = call.lowering.sizes(call.operation.arguments["input"].tensor)
    if size != step or count * size != whole[dim][0]:
        call.same(_slices(call, value, dim, count))
        return
    runs = len(call.lowering.trace.batches)
    cut = [*whole[:dim], (count,) * runs, (size,) * runs, *whole[dim + 1 :]]
    found = regrouped(value.axes, cut)
    if found is None:
        raise NotCoveredError("takes windows across what a view has cut")
    axes, base = replaced(*found), replaced(value.base, found[1])
    call.moved(value, (*axes[: dim + 1], *axes[dim + 2 :], axes[dim + 1]), base)


def _slices(call: Call, value: Value, dim: int, count: int) -> Value:
    """Windows side by side along an axis of their own, and what is inside them along the last."""
    size, step = call.get("size"), call.get("step")
    if count > MOST_WINDOWS:
        raise NotCoveredError("takes many windows that overlap or lie apart")
    call.lowering.note(_OVERLAPPING, call.operation.path or call.operation.operator)
    cut = [sliced(call, value, dim, n * step, n * step + size) for n in range(count)]
    runs = len(call.lowering.trace.batches)
    several, inside = axis_of((count,) * runs), axis_of((size,) * runs)
    found = cut[0] if count == 1 else put_together(call, cut, dim, several + inside)
    inside = found.axes[dim][len(several) :]
    return found._replace(axes=(*found.axes[:dim], several, *found.axes[dim + 1 :], inside))


@handles("fold", "col2im")
def fold(call: Call) -> None:
    """Columns put back where unfolding takes them from."""
    fields = {
        "output": per_axis(call.get("output_size"), 1),
        "kernel": per_axis(call.get("kernel_size"), 1),
        "stride": per_axis(call.get("stride"), 1),
        "padding": per_axis(call.get("padding"), 0),
        "dilation": per_axis(call.get("dilation"), 1),
    }
    call.layer("fold", call.value("input"), fields)
