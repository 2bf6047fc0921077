"""Which pixels each value of a network depends on, by brute force: torch on one-hot images.

Every value of the input is set alone, once, and all layers run on these images as torch runs
them, with weights of one and without biases: on values of 0 and 1 a unit answers exactly where
the pixel reaches it. Nothing here knows a rule of archcalc's, nor its torch modules: a layer is
read by its fields alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from archcalc import Graph
from archcalc.graph import INPUT, Node
from archcalc.layers import Join, Layer

Operator: TypeAlias = Callable[..., Tensor]

MAX_POOL: dict[int, Operator] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
CONV: dict[int, Operator] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONV_TRANSPOSE: dict[int, Operator] = {
    1: F.conv_transpose1d,
    2: F.conv_transpose2d,
    3: F.conv_transpose3d,
}
ADAPTIVE: dict[int, Operator] = {
    1: F.adaptive_max_pool1d,
    2: F.adaptive_max_pool2d,
    3: F.adaptive_max_pool3d,
}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def dependence(graph: Graph) -> dict[str, Tensor]:
    """For each layer (pixels, C, n…): whether the value depends on the pixel.

    Pixels are the values of the input, counted channels slowest.
    """
    pixels = prod(graph.input.shape)
    maps = {INPUT: torch.eye(pixels, dtype=torch.float64).reshape(pixels, *graph.input.shape)}
    nodes = {node.name: node for node in graph.nodes}
    for node in graph.nodes:
        inputs = [maps[name] for name in node.inputs]
        y = _unpooled(node, nodes, maps) if node.indices else _run(node.layer, inputs)
        maps[node.name] = (y > 1e-9).double()
    return {name: y.bool() for name, y in maps.items()}


def _run(layer: Layer, inputs: list[Tensor]) -> Tensor:
    x, f, axes = inputs[0], vars(layer), inputs[0].dim() - 2
    kind = layer.kind
    if kind == "expand":
        return x.expand(-1, *f["shape"])
    if kind == "repeat_interleave":
        return x.repeat_interleave(f["repeats"], _dimension(f["axis"]))
    if kind == "tile":
        return x.repeat(1, *f["repeats"])
    if layer.pointwise and not isinstance(layer, Join):  # by the gradients of `archcalc.testing`
        return x
    if kind in ("conv", "fixed_conv"):
        weight = x.new_ones(f["channels"], x.shape[1] // f["groups"], *_each(f["kernel"], axes))
        x = _padded(x, f, f["stride"])
        return CONV[axes](x, weight, None, f["stride"], 0, f["dilation"], f["groups"])
    if kind == "conv_transpose":
        return _transposed(x, f)
    if kind == "locally_connected":
        weight = x.new_ones(f["channels"], x.shape[1], *_each(f["kernel"], axes))
        return CONV[axes](_padded(x, f, f["stride"]), weight, None, f["stride"])
    if kind == "linear":
        return F.linear(x, x.new_ones(f["features"], x.shape[-1]))
    if kind in ("max_pool", "avg_pool"):
        return _pooled(x, f)
    if kind in ("adaptive_avg_pool", "adaptive_max_pool"):
        return ADAPTIVE[axes](x, f["output"])
    if kind == "global_avg_pool":
        return x.flatten(2).sum(2).reshape(*x.shape[:2], *[1] * axes)
    if kind == "upsample":
        return _resized(x, f)
    if kind == "pixel_shuffle":
        return F.pixel_shuffle(x, f["factor"])
    if kind == "pixel_unshuffle":
        return F.pixel_unshuffle(x, f["factor"])
    if kind == "unfold":
        return F.unfold(x, f["kernel"], f["dilation"], f["padding"], f["stride"])
    if kind == "fold":
        size = _each(f["output"], 2)
        return F.fold(x, size, f["kernel"], f["dilation"], f["padding"], f["stride"])
    if kind == "pad":
        return _surrounded(x, f["sides"], f["mode"])
    if kind == "crop":
        for axis, (before, after) in enumerate(_sides(f["sides"], axes), start=2):
            x = x.narrow(axis, before, x.shape[axis] - before - after)
        return x
    if kind == "pad_channels":
        return F.pad(x, [*[0, 0] * axes, f["before"], f["after"]])
    if kind in ("softmax", "log_softmax", "softmin"):
        return x + x.sum(_dimension(f["axis"]), keepdim=True)
    if kind == "glu":
        a, b = x.chunk(2, _dimension(f["axis"]))
        return a + b
    if kind == "rms_norm":
        return x + x.sum(-1, keepdim=True)
    if kind == "layer_norm":
        over = {"all": range(1, x.dim()), "channels": [1], "last": [x.dim() - 1]}[f["over"]]
        return x + x.sum([*over], keepdim=True)
    if kind == "rms_norm":
        return x + x.sum(-1, keepdim=True)
    if kind == "rotary_embedding":
        return _turned(x, f["heads"])
    if kind in ("rnn", "gru", "lstm"):
        return _over_steps(x, f, f.get("projection") or f["features"])
    if kind == "group_norm":
        groups: Tensor = x.reshape(len(x), f["groups"], -1)
        return (groups + groups.sum(2, keepdim=True)).reshape(x.shape)
    if kind == "normalize":
        return x + x.sum(_dimension(f["axis"]), keepdim=True)
    if kind == "instance_norm":
        return x if f["track_running_stats"] else x + x.sum([*range(2, x.dim())], keepdim=True)
    if kind == "local_response_norm" and f["region"] == "within_channel":
        return MAX_POOL[axes](x, f["size"], 1, f["size"] // 2)
    if kind == "local_response_norm":
        size = f["size"]
        channels = F.pad(x.flatten(2).transpose(1, 2), (size // 2, size - 1 - size // 2))
        return channels.unfold(2, size, 1).sum(3).transpose(1, 2).reshape(x.shape)
    if kind == "flatten":
        return x.flatten(1)
    if kind == "reshape":
        return x.reshape(len(x), *f["shape"])
    if kind == "rearrange":
        return _rearranged(x, layer)
    if kind in ("slice", "select"):
        axis = _dimension(f["axis"])
        if kind == "select":
            return x.select(axis, f["index"])
        return x.movedim(axis, 0)[f["start"] : f["stop"] : f["step"]].movedim(0, axis)
    if kind in ("mean", "sum", "max", "min", "logsumexp"):
        over = f["axes"] if isinstance(f["axes"], tuple) else (f["axes"],)
        return x.sum([_dimension(n) for n in over], f["keep"])
    if kind == "roll":
        along = f["axes"] if isinstance(f["axes"], tuple) else (f["axes"],)
        return torch.roll(x, _each(f["shifts"], len(along)), [_dimension(n) for n in along])
    if kind == "channel_shuffle":
        return F.channel_shuffle(x, f["groups"])
    if kind == "matmul":
        columns = inputs[1].transpose(-2, -1) if f["transposed"] else inputs[1]
        return x.sum(-1, keepdim=True) + columns.sum(-2, keepdim=True)
    if kind == "bilinear":
        seen = x.sum(-1, keepdim=True) + inputs[1].sum(-1, keepdim=True)
        return seen.expand(*x.shape[:-1], f["features"])
    if kind == "channel_slice":
        return x[:, f["start"] : f["stop"]]
    if kind == "channel_split":
        each = x.shape[1] // f["parts"]
        return x.narrow(1, f["part"] * each, each)
    if kind == "concat":
        return torch.cat(inputs, dim=_dimension(f["axis"]))
    if (
        isinstance(layer, Join) and layer.pointwise
    ):  # whatever changes one factor changes the product
        total = inputs[0]
        for other in inputs[1:]:
            total = total + other
        return total
    raise AssertionError(f"no torch for {kind}")


def _turned(x: Tensor, heads: int) -> Tensor:
    """Each feature with the other of its pair: in each head those of both halves are pairs."""
    halves = x.reshape(*x.shape[:2], heads, 2, -1)
    return (halves + halves.flip(3)).reshape(x.shape)


def _over_steps(x: Tensor, f: dict[str, Any], features: int) -> Tensor:
    """Every state by all inputs so far; from the end to the start in the reverse direction."""
    for _ in range(f["layers"]):
        steps = x.sum(2, keepdim=True)
        ways = [steps.cumsum(1)]
        if f["bidirectional"]:
            ways.append(steps.flip(1).cumsum(1).flip(1))
        x = torch.cat([way.expand(-1, -1, features) for way in ways], dim=2)
    if f["output"] == "sequence":
        return x
    return torch.cat([x[:, -1, :features], x[:, 0, features:]], dim=1)


def _transposed(x: Tensor, f: dict[str, Any]) -> Tensor:
    """The whole, and then without what the padding cuts off; "same" leaves n times the stride."""
    axes, padding = x.dim() - 2, f["padding"]
    weight = x.new_ones(x.shape[1], f["channels"] // f["groups"], *_each(f["kernel"], axes))
    whole = CONV_TRANSPOSE[axes](
        x, weight, None, f["stride"], 0, f["output_padding"], f["groups"], f["dilation"]
    )
    if padding == "valid":
        return whole
    if padding != "same":
        return _cut(whole, _sides(padding, axes))
    added = _each(f["output_padding"], axes)
    beyond = [
        m - n * s - extra
        for m, n, s, extra in zip(
            whole.shape[2:], x.shape[2:], _each(f["stride"], axes), added, strict=True
        )
    ]
    return _cut(
        whole, [(more // 2, more - more // 2) if more > 0 else (0, more) for more in beyond]
    )


def _cut(x: Tensor, sides: list[tuple[int, int]]) -> Tensor:
    return F.pad(x, [-number for side in reversed(sides) for number in side])


def _dimension(axis: int) -> int:
    """Of an axis of one image that of a batch."""
    return axis + 1 if axis >= 0 else axis


def _pooled(x: Tensor, f: dict[str, Any]) -> Tensor:
    """Of values from 0 up the largest is not 0 where any is not."""
    axes = x.dim() - 2
    stride, dilation = _stride(f), f.get("dilation", 1)
    if f["ceil"] == "caffe" and not f["padding"]:  # the last window too where it sees nothing
        figures = zip(x.shape[2:], _each(f["kernel"], axes), _each(stride, axes), strict=True)
        beyond = [(0, -(-(n - k) // s) * s + k - n) for n, k, s in figures]
        return MAX_POOL[axes](_surrounded(x, tuple(beyond)), f["kernel"], stride)
    if f["ceil"]:
        sides = _sides(f["padding"] if f["padding"] != "valid" else 0, axes)
        before = tuple([before for before, _ in sides])
        return MAX_POOL[axes](x, f["kernel"], stride, before, dilation, ceil_mode=True)
    return MAX_POOL[axes](_padded(x, f, stride), f["kernel"], stride, 0, dilation)


def _resized(x: Tensor, f: dict[str, Any]) -> Tensor:
    """By the absolute values of the weights, which torch gives for each pixel along an axis."""
    axes, mode = x.dim() - 2, f["mode"]
    mode = {"linear": "bilinear", "trilinear": "bilinear", "area": "area"}.get(mode, mode)
    for axis in range(axes):
        rows = torch.eye(x.shape[axis + 2], dtype=x.dtype).unsqueeze(0).unsqueeze(2)
        weights = F.interpolate(
            rows,
            size=None if f["size"] is None else (1, _each(f["size"], axes)[axis]),
            scale_factor=None
            if f["factor"] is None
            else (1.0, float(_each(f["factor"], axes)[axis])),
            mode=mode,
            align_corners=f["align_corners"] or None,
        )
        seen = (weights[0, :, 0].abs() > 1e-9).to(x)  # (n, m)
        x = torch.tensordot(x, seen, dims=([axis + 2], [0])).movedim(-1, axis + 2)
    return x


def _unpooled(node: Node, nodes: dict[str, Node], maps: dict[str, Tensor]) -> Tensor:
    """Each value at every place where its max pool may have found it, and so with its index."""
    assert node.indices is not None
    pool = nodes[node.indices]
    source = maps[pool.inputs[0]]
    # For each place of the map that was pooled, the windows that it lies in.
    sizes = source.shape[2:]
    places = torch.eye(prod(sizes), dtype=torch.float64).reshape(-1, 1, *sizes)
    windows = _pooled(places, vars(pool.layer)).flatten(1)  # (places, windows)
    values = (maps[node.inputs[0]] + maps[node.indices]).flatten(2)  # (pixels, C, windows)
    return (values @ windows.T).reshape(*values.shape[:2], *sizes)


def _stride(f: dict[str, Any]) -> Any:
    return f["kernel"] if f["stride"] is None else f["stride"]


def _each(value: Any, axes: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,) * axes


def _sides(value: Any, axes: int) -> list[tuple[int, int]]:
    each = value if isinstance(value, tuple) else (value,) * axes
    return [side if isinstance(side, tuple) else (side, side) for side in each]


def _surrounded(x: Tensor, sides: Any, mode: str = "constant") -> Tensor:
    each = _sides(sides, x.dim() - 2)
    return F.pad(x, [number for side in reversed(each) for number in side], mode)


def _padded(x: Tensor, f: dict[str, Any], stride: Any) -> Tensor:
    """Zeros as `padding` says; "same" as TensorFlow documents it."""
    axes = x.dim() - 2
    padding = f["padding"]
    if padding == "valid":
        return x
    if padding != "same":
        return _surrounded(x, padding)
    figures = zip(
        x.shape[2:], _each(f["kernel"], axes), _each(stride, axes),
        _each(f.get("dilation", 1), axes), strict=True,
    )  # fmt: skip
    total = [max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0) for n, k, s, d in figures]
    return _surrounded(x, tuple([(t // 2, t - t // 2) for t in total]))


def pixels_of(values: Tensor, shape: Sequence[int]) -> set[tuple[int, ...]]:
    """The positions of those pixels, with any of their channels, that are set in (pixels,)."""
    seen = values.reshape(tuple(shape)).any(0)
    return {tuple(place) for place in seen.nonzero().tolist()}


def _rearranged(x: Tensor, layer: Layer) -> Tensor:
    """By its notation: axes apart, in the new order, and together; sizes from the known ones."""
    sizes = dict(vars(layer)["sizes"])
    before, after = (re.findall(r"\(([^)]*)\)|(\w+)", s) for s in layer.axes.split("->"))  # type: ignore[attr-defined]
    factors: list[int] = []
    names: list[str] = []
    for (group, alone), size in zip(before, x.shape[1:], strict=True):
        own = (group or alone).split()
        known = prod(sizes[name] for name in own if name in sizes)
        factors += [sizes.get(name, size // known) for name in own]
        names += own
    x = x.reshape(len(x), *factors)
    order = [name for group, alone in after for name in (group or alone).split()]
    x = x.permute(0, *[names.index(name) + 1 for name in order])
    size_of = dict(zip(names, factors, strict=True))
    return x.reshape(len(x), *[prod(size_of[n] for n in (g or a).split()) for g, a in after])
