"""Each layer kind in torch's own functions: what it does to tensors (N, C, n…).

Where torch has no such function the kind is spelled out here, in as few operators as it takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from tests.fuzz import moving, norms
from tests.fuzz.functions import FUNCTIONS, function_of
from tests.fuzz.learned import DIRECTIONS, LENGTHS, Learned, normalized_shape
from tests.fuzz.mixing import axis_of, reduced_by, shifts_of
from tests.fuzz.placed import PLACED, dequantize, quantize
from tests.fuzz.tokens import TOKENS
from tests.fuzz.windows import (
    Fields,
    Refused,
    Sides,
    axes_of,
    cropped,
    each,
    even,
    padded,
    pairs,
    sides_of,
    transposed_sides,
)

ELEMENTWISE = ("add", "average", "multiply", "maximum", "minimum", "subtract", "divide")
OF_TWO = ("subtract", "divide")
JOINS = ("concat", *ELEMENTWISE)
OF_SEVERAL = {**TOKENS, **PLACED}


def apply(
    kind: str, fields: Fields, learned: Learned, inputs: Sequence[Tensor], training: bool
) -> Tensor:
    """The output of a layer. A max pool that is unpooled later has its own function, below."""
    if kind in JOINS:
        return joined(kind, fields, inputs)
    if kind in OF_SEVERAL:
        return OF_SEVERAL[kind](inputs, fields, learned, training)
    (x,) = inputs
    return OPERATORS[kind](x, fields, learned, training)


def max_pool(x: Tensor, fields: Fields) -> tuple[Tensor, Tensor]:
    """The maxima and where they lie, in the map without its padding."""
    sides = _pool_sides(x, fields)
    y, indices = _maxima(x, fields, sides, return_indices=True)
    if _pads_itself(fields, sides):
        return y, indices
    return y, moved_indices(indices, list(x.shape[2:]), sides)


def _max_pool(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    sides = _pool_sides(x, fields)
    y: Tensor = _maxima(x, fields, sides, return_indices=False)
    return y


def _pool_sides(x: Tensor, fields: Fields) -> Sides:
    axes_of(x)
    return sides_of(fields, x.shape[2:], fields.get("stride", fields["kernel"]))


def _pads_itself(fields: Fields, sides: Sides) -> bool:
    """Whether torch pads: by the same on both sides, and by half a kernel at most.

    "same" may be more than that where the window is dilated, and is padded apart there.
    """
    dilated = any(d != 1 for d in each(fields.get("dilation", 1), len(sides)))
    return even(sides) and not (fields.get("padding") == "same" and dilated)


def _maxima(x: Tensor, fields: Fields, sides: Sides, return_indices: bool) -> Any:
    padding: Any = [n for n, _ in sides]
    if fields.get("ceil", False) == "caffe":
        x = _with_last_window(x, fields, sides)
    if not _pads_itself(fields, sides):
        require_half_kernels(fields, sides)
        x, padding = padded(x, sides, -math.inf), 0
    pool = getattr(F, f"max_pool{len(sides)}d")
    axes = len(sides)
    kernel, stride, dilation = (
        each(value, axes)
        for value in (
            fields["kernel"],
            fields.get("stride", fields["kernel"]),
            fields.get("dilation", 1),
        )
    )
    ceil = bool(fields.get("ceil", False))
    arguments = (x, kernel, stride, padding, dilation, ceil, return_indices)
    if len(sides) > 1 or return_indices or torch.is_grad_enabled():
        return pool(*arguments)
    # Along one axis and without gradients torch makes no indices, unless a mode is there to see.
    with _disable_current_modes():
        y: Tensor = pool(*arguments)
    return y.view(y.shape)  # which a mode sees


def _with_last_window(x: Tensor, fields: Fields, sides: Sides) -> Tensor:
    """The map, with room for a last window beyond it, which Caffe keeps where nothing is padded."""
    axes = len(sides)
    if fields.get("padding") == "same" or max(each(fields.get("dilation", 1), axes)) > 1:
        raise Refused("unknown to Caffe")
    kernels = each(fields["kernel"], axes)
    strides = each(fields.get("stride", kernels), axes)
    overlap = all(k >= s for k, s in zip(kernels, strides, strict=True))
    if overlap or any(map(any, sides)):
        return x
    room = [
        (0, math.ceil((n - k) / s) * s + k - n)
        for n, k, s in zip(x.shape[2:], kernels, strides, strict=True)
    ]
    return padded(x, room, torch.finfo(x.dtype).min)


def moved_indices(indices: Tensor, sizes: list[int], sides: Sides) -> Tensor:
    """Offsets into the padded map as offsets into the map."""
    moved = torch.zeros_like(indices)
    step = padded_step = 1
    for size, (before, after) in reversed([*zip(sizes, sides, strict=True)]):
        along = (indices // padded_step).remainder_(before + size + after)
        moved += along.sub_(before).mul_(step)
        del along
        step, padded_step = step * size, padded_step * (before + size + after)
    return moved


def require_half_kernels(fields: Fields, sides: Sides) -> None:
    """What torch would ask of its own padding, of padding that is not even."""
    if fields.get("ceil", False) and not even(sides):
        raise Refused("which end is rounded up?")
    if fields.get("padding") == "same":
        return
    for side, kernel in zip(sides, each(fields["kernel"], len(sides)), strict=True):
        if 2 * max(side) > kernel:
            raise Refused("a window in the padding alone")


def max_unpool(x: Tensor, fields: Fields, indices: Tensor) -> Tensor:
    """Each value where its max pool took it from."""
    axes = axes_of(x)
    output = fields.get("output")
    unpool = getattr(F, f"max_unpool{axes}d")
    y: Tensor = unpool(
        x, indices, fields["kernel"], fields.get("stride"), fields.get("padding", 0),
        None if output is None else each(output, axes),
    )  # fmt: skip
    return y


def joined(kind: str, fields: Fields, branches: Sequence[Tensor]) -> Tensor:
    """Concatenated, or combined two at a time, those that are spread over others last."""
    if kind == "concat":
        images = max(map(len, branches))  # of what no image changes there is one
        each_image = [x if len(x) == images else x.expand(images, *x.shape[1:]) for x in branches]
        return torch.cat(each_image, dim=dimension(fields, branches[0]))
    if len({x.dim() for x in branches}) > 1:
        raise Refused("branches of other numbers of axes")
    largest = [max(sizes) for sizes in zip(*[x.shape for x in branches], strict=True)]
    if any(n not in (1, m) for x in branches for n, m in zip(x.shape, largest, strict=True)):
        raise Refused("branches of other sizes")
    if kind in OF_TWO:
        if len(branches) != 2:
            raise Refused("not two branches")
        return branches[0] - branches[1] if kind == "subtract" else branches[0] / branches[1]
    if kind in ("maximum", "minimum"):
        first, *others = branches
        for other in others:
            first = torch.maximum(first, other) if kind == "maximum" else torch.min(first, other)
        return first if others else first.clone()
    first, *others = sorted(branches, key=lambda x: [*x.shape[1:]] != largest[1:])
    if kind == "multiply" and others:
        for other in others:
            first = first * other
        return first
    total = first + others[0] if others else first.clone()
    for other in others[1:]:
        if any(n < m for n, m in zip(total.shape, other.shape, strict=True)):
            total = total + other
        else:
            total += other
    return total.div_(len(branches)) if kind == "average" else total


def dimension(fields: Fields, x: Tensor) -> int:
    """That of an axis, which is counted without the batch; 0 by default."""
    axis: int = fields.get("axis", 0)
    if not 1 - x.dim() <= axis < x.dim() - 1:
        raise Refused("no such axis")
    return axis % (x.dim() - 1) + 1


def _weight(learned: Learned) -> Tensor:
    """The weight, made at each use where it is normalized."""
    if "weight" in learned:
        return learned["weight"]
    if not learned[DIRECTIONS].numel():
        raise Refused("torch divides by nothing")
    return torch._weight_norm(learned[DIRECTIONS], learned[LENGTHS], 0)


def _conv(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axes = axes_of(x)
    stride = each(fields.get("stride", 1), axes)
    dilation = each(fields.get("dilation", 1), axes)
    sides = sides_of(fields, x.shape[2:], stride)
    y: Tensor = getattr(F, f"conv{axes}d")(
        x if even(sides) else padded(x, sides), _weight(learned), learned.get("bias"), stride,
        [n for n, _ in sides] if even(sides) else 0, dilation, fields.get("groups", 1),
    )  # fmt: skip
    return y


def _conv_transpose(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axes = axes_of(x)
    stride, dilation = (each(fields.get(name, 1), axes) for name in ("stride", "dilation"))
    sides, more = transposed_sides(fields, axes)
    y: Tensor = getattr(F, f"conv_transpose{axes}d")(
        x, _weight(learned), learned.get("bias"), stride,
        [n for n, _ in sides] if even(sides) else 0, more, fields.get("groups", 1), dilation,
    )  # fmt: skip
    if even(sides):
        return y
    if min(map(min, sides)) < 0:
        raise Refused("less than nothing on a side")
    return F.pad(y, [-n for side in reversed(sides) for n in side])


def _locally_connected(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    """A matrix product at each position, of all that it sees with a weight of its own."""
    axes = axes_of(x)
    stride = fields.get("stride", 1)
    sides = sides_of(fields, x.shape[2:], stride)
    images, weight = x.shape[0], learned["weight"]
    windows = padded(x, sides) if any(map(any, sides)) else x
    for axis, (k, s) in enumerate(
        zip(each(fields["kernel"], axes), each(stride, axes), strict=True)
    ):
        windows = windows.unfold(2 + axis, k, s)
    places = windows.shape[2 : 2 + axes]
    # (N, C, m…, k…) -> (m…, N, C, k…) -> (positions, N, C k…)
    order = [*range(2, 2 + axes), 0, 1, *range(2 + axes, 2 + 2 * axes)]
    seen = windows.permute(order).clone(memory_format=torch.contiguous_format)
    seen = seen.view(math.prod(places), images, -1)
    y = torch.bmm(seen, weight.view(len(seen), -1, seen.shape[2]).transpose(1, 2))
    if "bias" in learned:
        y = y + learned["bias"].view(len(seen), 1, -1)
    first = y.permute(1, 2, 0).reshape(images, -1, *places)
    return first.clone(memory_format=torch.contiguous_format)


def _avg_pool(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axes = axes_of(x)
    kernel = each(fields["kernel"], axes)
    stride = each(fields.get("stride", kernel), axes)
    sides = sides_of(fields, x.shape[2:], stride)
    counts = fields.get("count_include_pad", True)
    pool = getattr(F, f"avg_pool{axes}d")
    options = {"stride": stride, "ceil_mode": fields.get("ceil", False)}
    if even(sides):
        padding = [n for n, _ in sides]
        y: Tensor = pool(x, kernel, padding=padding, count_include_pad=counts, **options)
        return y
    require_half_kernels(fields, sides)
    if counts:
        return cast(Tensor, pool(padded(x, sides), kernel, **options))
    ones = x.new_zeros(1, 1, *[n + sum(side) for n, side in zip(x.shape[2:], sides, strict=True)])
    cropped(ones, sides).fill_(1)
    inside = pool(ones, kernel, **options)
    del ones
    y = pool(padded(x, sides), kernel, **options)
    return y.div_(inside)


def _adaptive(name: str) -> Operator:
    def pool(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
        sizes = each(fields.get("output", 1), axes_of(x))
        if min(sizes) < 1:
            raise Refused("no positions")
        y: Tensor = getattr(F, f"{name}{axes_of(x)}d")(x, sizes)
        return y

    return pool


def _upsample(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axes, size, factor = axes_of(x), fields.get("size"), fields.get("factor")
    wanted = None if size is None else each(size, axes)
    factors = None if factor is None else [float(f) for f in each(factor, axes)]
    return F.interpolate(
        x, wanted, factors, fields.get("mode", "nearest"), fields.get("align_corners")
    )


def _reduction(name: str) -> Operator:
    def reduced(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
        axes, keep = reduced_by(fields, x.dim() - 1), fields.get("keep", False)
        if len(axes) == x.dim() - 1 and not keep:
            raise Refused("no axis is left")
        y: Tensor = getattr(torch, name)(x, [1 + axis for axis in axes], keep)
        return y

    return reduced


def _roll(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    shifts = shifts_of(fields, x.dim() - 1)
    axes = [axis for axis, shift in enumerate(shifts) if shift is not None]
    # One axis after the other, each in two parts that are put in a row.
    return torch.roll(x, [shifts[axis] or 0 for axis in axes], [1 + axis for axis in axes])


def _pixel_shuffle(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    if axes_of(x) != 2:
        raise Refused("two axes are wanted")
    return F.pixel_shuffle(x, fields["factor"])


def _pixel_unshuffle(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    if axes_of(x) != 2:
        raise Refused("two axes are wanted")
    return F.pixel_unshuffle(x, fields["factor"])


def _unfold(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    if axes_of(x) != 2:
        raise Refused("two axes are wanted")
    kernel: Any = each(fields["kernel"], 2)
    return F.unfold(x, kernel, *_of_blocks(fields))


def _fold(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    if axes_of(x) != 1:
        raise Refused("columns are wanted")
    return F.fold(x, fields["output"], fields["kernel"], *_of_blocks(fields))


def _of_blocks(fields: Fields) -> list[Any]:
    """Dilation, padding and stride."""
    defaults = (("dilation", 1), ("padding", 0), ("stride", 1))
    return [each(fields.get(name, default), 2) for name, default in defaults]


def _pad(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    sides, mode = pairs(fields["sides"], axes_of(x)), fields.get("mode", "constant")
    if mode == "circular" and min(map(min, sides)) < 0:
        raise Refused("torch leaves some of it as it finds it")
    y = F.pad(x, [n for side in reversed(sides) for n in side], mode)
    if y.numel() == 0:
        raise Refused("nothing left")
    return y


def _batch_norm(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    if training:
        learned["num_batches_tracked"].add_(1)
    # As F.batch_norm, which refuses to train on a single value for each channel.
    return torch.batch_norm(
        x, learned.get("weight"), learned.get("bias"), learned["running_mean"],
        learned["running_var"], training, fields.get("momentum", 0.1), fields.get("eps", 1e-5),
        False,
    )  # fmt: skip


def _layer_norm(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    shape = normalized_shape(fields, x.shape[1:])
    rest = (learned.get("weight"), learned.get("bias"), fields.get("eps", 1e-5))
    if x.dim() > 2 and fields.get("over") != "channels":
        return F.layer_norm(x, shape, *rest)
    y = F.layer_norm(x.movedim(1, -1), shape, *rest).movedim(-1, 1).contiguous()
    return y.flatten(1).view(x.shape)  # else the strides of axes of 1 may say channels last


def _group_norm(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    # As F.group_norm, which refuses a single value for each group of a single image.
    if x.shape[1] % fields["groups"]:
        raise Refused("groups that do not divide the channels")
    return torch.group_norm(
        x, fields["groups"], learned.get("weight"), learned.get("bias"), fields.get("eps", 1e-5)
    )


def _scale(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    factor, shift = fields.get("factor", 1.0), fields.get("shift", 0.0)
    if factor == -1 and shift != 0:
        return float(shift) - x  # one operator
    y = x if factor == 1 else x * float(factor)
    return y if shift == 0 else y + float(shift)


def _channel_scale(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    one = (-1, *[1] * (x.dim() - 2))
    y = x * learned["weight"].view(one)
    return y + learned["bias"].view(one) if "bias" in learned else y


def _drop_path(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    p = float(fields.get("p", 0.1))
    if not training or p == 0:
        return x
    keeps = x.new_empty((len(x), *[1] * (x.dim() - 1))).bernoulli_(1 - p)
    return x * (keeps.div_(1 - p) if p < 1 else keeps)


def _rrelu(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    lower, upper = float(fields.get("lower", 1 / 8)), float(fields.get("upper", 1 / 3))
    return F.rrelu(x, lower, upper, training)


def _dropout(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    return F.dropout(x, float(fields.get("p", 0.5)), training)


def _channel_shuffle(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axes_of(x)
    return F.channel_shuffle(x, fields["groups"])


def _channel_slice(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    start, stop = fields.get("start", 0), fields["stop"]
    if not 0 <= start < stop <= x.shape[1]:
        raise Refused("no such channels")
    return x.narrow(1, start, stop - start)  # indexing takes no slice of all that there is


def _channel_split(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    parts, part = fields["parts"], fields["part"]
    if x.shape[1] % parts or not 0 <= part < parts:
        raise Refused("no such part")
    return torch.unflatten(x, 1, (parts, -1)).select(1, part)


def _pad_channels(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    before, after = fields.get("before", 0), fields.get("after", 0)
    if min(before, after) < 0:
        raise Refused("less than no channels")
    return F.pad(x, [*[0, 0] * (x.dim() - 2), before, after])


def _along(function: Callable[..., Tensor]) -> Operator:
    return lambda x, fields, *_: function(x, dim=1 + axis_of(fields, x.dim() - 1))


def _pointwise(function: Callable[[Tensor], Tensor]) -> Operator:
    return lambda x, fields, learned, training: function(x)


Operator: TypeAlias = Callable[[Tensor, Fields, Learned, bool], Tensor]

OPERATORS: dict[str, Operator] = {
    "conv": _conv,
    "fixed_conv": _conv,
    "conv_transpose": _conv_transpose,
    "locally_connected": _locally_connected,
    "linear": lambda x, fields, learned, _: F.linear(x, _weight(learned), learned.get("bias")),
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "adaptive_avg_pool": _adaptive("adaptive_avg_pool"),
    "adaptive_max_pool": _adaptive("adaptive_max_pool"),
    "global_avg_pool": _adaptive("adaptive_avg_pool"),
    "upsample": _upsample,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "unfold": _unfold,
    "fold": _fold,
    "pad": _pad,
    "crop": lambda x, fields, *_: cropped(x, pairs(fields["sides"], axes_of(x))),
    "pad_channels": _pad_channels,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "rms_norm": norms.rms_norm,
    "instance_norm": norms.instance_norm,
    "normalize": norms.normalize,
    "group_norm": _group_norm,
    "frozen_batch_norm": norms.frozen_batch_norm,
    "local_response_norm": norms.local_response_norm,
    "scale": _scale,
    "channel_scale": _channel_scale,
    "relu": _pointwise(F.relu),
    "relu6": _pointwise(F.relu6),
    "leaky_relu": lambda x, fields, *_: F.leaky_relu(x, float(fields.get("slope", 0.01))),
    "prelu": lambda x, fields, learned, _: F.prelu(x, learned["weight"]),
    "elu": lambda x, fields, *_: F.elu(x, float(fields.get("alpha", 1.0))),
    "gelu": lambda x, fields, *_: F.gelu(x, approximate=fields.get("approximate", "none")),
    "silu": _pointwise(F.silu),
    "sigmoid": _pointwise(torch.sigmoid),
    "tanh": _pointwise(torch.tanh),
    "softmax": _along(F.softmax),
    "log_softmax": _along(F.log_softmax),
    "softmin": _along(F.softmin),
    "glu": _along(F.glu),
    "hard_swish": _pointwise(F.hardswish),
    "hard_sigmoid": _pointwise(F.hardsigmoid),
    "rrelu": _rrelu,
    **{kind: function_of(kind) for kind in FUNCTIONS},
    "roll": _roll,
    "mean": _reduction("mean"),
    "sum": _reduction("sum"),
    "max": _reduction("amax"),
    "min": _reduction("amin"),
    "logsumexp": _reduction("logsumexp"),
    "quantize": quantize,
    "dequantize": dequantize,
    "dropout": _dropout,
    "drop_path": _drop_path,
    "identity": _pointwise(lambda x: x),
    "flatten": _pointwise(lambda x: x.flatten(1)),
    "reshape": lambda x, fields, *_: x.reshape(len(x), *fields["shape"]),
    "rearrange": moving.rearrange,
    "expand": moving.expanded,
    "repeat_interleave": moving.repeated,
    "tile": moving.tiled,
    "slice": moving.sliced,
    "select": moving.selected,
    "index_select": moving.index_selected,
    "channel_shuffle": _channel_shuffle,
    "channel_slice": _channel_slice,
    "channel_split": _channel_split,
}
