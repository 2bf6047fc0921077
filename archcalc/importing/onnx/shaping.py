"""ONNX's operators as calls of torch: what moves values, cuts, joins, reduces and repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from archcalc.errors import UsageError
from archcalc.importing.onnx.graph import Node
from archcalc.importing.onnx.operators import Rule, Value, tensor


def integers(value: Value, node: Node, name: str) -> list[int] | None:
    """Numbers that are an input, or in older files an attribute.

    Raises:
        UsageError: they depend on what is in a tensor.
    """
    if value is None:
        found = node.of(name)
        return None if found is None else [int(number) for number in np.atleast_1d(found)]
    if isinstance(value, Tensor):
        raise UsageError(f"its {name} depend on the values of a tensor")
    return [int(number) for number in np.atleast_1d(value)]


def reshape(node: Node, x: Tensor, shape: Value = None) -> Tensor:
    sizes = integers(shape, node, "shape") or []
    if not node.of("allowzero", 0):
        sizes = [x.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return x.reshape(sizes)


def flatten(node: Node, x: Tensor) -> Tensor:
    axis = node.of("axis", 1)
    axis += x.dim() if axis < 0 else 0
    if axis == 1:
        return torch.flatten(x, 1)
    first = 1
    for size in x.shape[:axis]:
        first *= size
    return x.reshape(first, -1)


def transpose(node: Node, x: Tensor) -> Tensor:
    return x.permute(node.of("perm", [*reversed(range(x.dim()))]))


def squeeze(node: Node, x: Tensor, axes: Value = None) -> Tensor:
    found = integers(axes, node, "axes")
    if found is None:
        found = [axis for axis, size in enumerate(x.shape) if size == 1]
    for axis in sorted((axis % x.dim() for axis in found), reverse=True):
        x = x.squeeze(axis)
    return x


def unsqueeze(node: Node, x: Tensor, axes: Value = None) -> Tensor:
    found = integers(axes, node, "axes") or []
    for axis in sorted(axis % (x.dim() + len(found)) for axis in found):
        x = x.unsqueeze(axis)
    return x


def concat(node: Node, *values: Value) -> Tensor:
    like = next(v for v in values if isinstance(v, Tensor))
    parts = [tensor(v, like) for v in values]
    axis = node.of("axis", 1) % like.dim()
    most = max(part.shape[0] for part in parts)
    if axis:  # what the file has once for all images
        parts = [p.expand(most, *p.shape[1:]) if p.shape[0] == 1 < most else p for p in parts]
    return torch.cat(parts, axis)


def split(node: Node, x: Tensor, sizes: Value = None) -> Sequence[Tensor]:
    axis = node.of("axis", 0) % x.dim()
    found = integers(sizes, node, "split")
    if found is None:
        each = -(-x.shape[axis] // len(node.outputs))
        found = [min(each, x.shape[axis] - each * n) for n in range(len(node.outputs))]
    return torch.split(x, found, axis)


def slice_(
    node: Node,
    x: Tensor,
    starts: Value = None,
    ends: Value = None,
    axes: Value = None,
    steps: Value = None,
) -> Tensor:
    first = integers(starts, node, "starts") or []
    last = integers(ends, node, "ends") or []
    along = integers(axes, node, "axes") or [*range(len(first))]
    by = integers(steps, node, "steps") or [1] * len(first)
    index: list[Any] = [slice(None)] * x.dim()
    for axis, start, end, step in zip(along, first, last, by, strict=True):
        if step < 0:
            if (start, step) in ((-1, -1), (x.shape[axis] - 1, -1)) and end < -x.shape[axis]:
                x = x.flip(axis)
                continue
            raise UsageError("a slice that goes backwards")
        if (start, step) != (0, 1) or end < x.shape[axis]:
            index[axis % x.dim()] = slice(start, min(end, x.shape[axis]), step)
    return x[tuple(index)] if any(part != slice(None) for part in index) else x


def gather(node: Node, x: Tensor, indices: Value) -> Tensor:
    axis = node.of("axis", 0) % x.dim()
    if isinstance(indices, np.ndarray):
        if indices.ndim == 0:
            return x.select(axis, int(indices))
        flat = tensor(indices.reshape(-1).astype(np.int64), x)
        found = torch.index_select(x, axis, flat)
        return found if indices.ndim == 1 else torch.unflatten(found, axis, indices.shape)
    assert indices is not None, "it is there, the file was checked"
    if axis == 0 and x.dim() == 2:
        return F.embedding(indices, x)
    flat = torch.index_select(x, axis, indices.reshape(-1))
    return torch.unflatten(flat, axis, tuple(indices.shape))


def expand(node: Node, x: Tensor, shape: Value) -> Tensor:
    sizes = integers(shape, node, "shape") or []
    sizes = [1] * (x.dim() - len(sizes)) + sizes
    own = [1] * (len(sizes) - x.dim()) + [*x.shape]
    wanted = [a if b == 1 else b for a, b in zip(own, sizes, strict=True)]
    return x if wanted == [*x.shape] else x.expand(wanted)


def tile(node: Node, x: Tensor, repeats: Value) -> Tensor:
    times = integers(repeats, node, "repeats") or []
    return x.repeat(times) if any(t != 1 for t in times) else x


def scatter_nd(node: Node, x: Value, indices: Value, updates: Value) -> Tensor:
    like = next(v for v in (x, updates, indices) if isinstance(v, Tensor))
    at = tensor(indices, like).long()
    return torch.index_put(tensor(x, like), at.unbind(-1), tensor(updates, like))


def where(node: Node, condition: Value, a: Value, b: Value) -> Tensor:
    like = next(v for v in (a, b, condition) if isinstance(v, Tensor))
    return torch.where(tensor(condition, like), tensor(a, like), tensor(b, like))


_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def pad(
    node: Node, x: Tensor, pads: Value = None, value: Value = None, axes: Value = None
) -> Tensor:
    found = integers(pads, node, "pads" if pads is not None or node.of("pads") else "paddings")
    found = found or [0] * 2 * x.dim()
    along = integers(axes, node, "axes") or [*range(x.dim())]
    before, after = [0] * x.dim(), [0] * x.dim()
    for number, axis in enumerate(along):
        before[axis], after[axis] = found[number], found[number + len(along)]
    if not any(before + after):
        return x
    mode = _MODES[node.of("mode", "constant")]
    first = next(axis for axis in range(x.dim()) if before[axis] or after[axis])
    if mode != "constant":
        first = max(first, x.dim() - 3)  # torch pads the last axes alone
    sides = [s for axis in reversed(range(first, x.dim())) for s in (before[axis], after[axis])]
    if mode != "constant":
        return F.pad(x, sides, mode)
    fill = node.of("value", 0.0) if value is None else value
    return F.pad(x, sides, value=float(np.asarray(fill).reshape(-1)[0]) if np.size(fill) else 0.0)


def resize(
    node: Node, x: Tensor, roi: Value = None, scales: Value = None, sizes: Value = None
) -> Tensor:
    """Also `Upsample`, whose second input are the scales."""
    if node.operator == "Upsample":
        roi, scales = None, roi if roi is not None else np.asarray(node.of("scales"))
    target = integers(sizes, node, "sizes") if sizes is not None else None
    factors = None
    if target is None:
        if not isinstance(scales, np.ndarray):
            raise UsageError("its scales depend on the values of a tensor")
        factors = [float(f) for f in scales.reshape(-1)]
    axes = node.of("axes") or [*range(x.dim())]
    full: list[Any] = [1.0 if target is None else size for size in x.shape]
    for number, axis in enumerate(axes):
        full[axis] = factors[number] if factors is not None else target[number]  # type: ignore[index]
    if full[:2] != ([1.0, 1.0] if target is None else [*x.shape[:2]]):
        raise UsageError("it resizes images or channels")
    mode = {"nearest": "nearest", "cubic": "bicubic"}.get(node.of("mode", "nearest"))
    if mode is None:
        mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[x.dim() - 2]
    corners = node.of("coordinate_transformation_mode") == "align_corners"
    how: dict[str, Any] = {} if mode == "nearest" else {"align_corners": corners}
    if node.of("antialias", 0) and mode != "nearest" and _is_smaller(x, full, target is None):
        how["antialias"] = True
    if target is not None:
        return F.interpolate(x, size=tuple(full[2:]), mode=mode, **how)
    return F.interpolate(x, scale_factor=tuple(full[2:]), mode=mode, **how)


def _is_smaller(x: Tensor, full: list[Any], by_factors: bool) -> bool:
    """Whether a map becomes smaller along some axis: only then a filter against aliasing acts."""
    if by_factors:
        return any(factor < 1 for factor in full)
    return any(size < own for size, own in zip(full, x.shape, strict=True))


def depth_to_space(node: Node, x: Tensor) -> Tensor:
    block = node.of("blocksize")
    if node.of("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, block)
    n, c, h, w = x.shape
    x = x.reshape(n, block, block, c // block**2, h, w)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(n, c // block**2, h * block, w * block)


def space_to_depth(node: Node, x: Tensor) -> Tensor:
    block = node.of("blocksize")
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // block, block, w // block, block)
    return x.permute(0, 3, 5, 1, 2, 4).reshape(n, c * block**2, h // block, w // block)


def _reduced(call: Rule) -> Rule:
    def rule(node: Node, x: Tensor, axes: Value = None) -> Any:
        found = integers(axes, node, "axes")
        if not found:
            if node.of("noop_with_empty_axes", 0):
                return x
            found = [*range(x.dim())]
        return call(x, tuple(axis % x.dim() for axis in found), bool(node.of("keepdims", 1)))

    return rule


def _norm(order: int, x: Tensor, axes: Any, keep: bool) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(x, order, axes, keep)
    return found


def _product(x: Tensor, axes: Any, keep: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = torch.prod(x, axis, keep)
    return x


def _index(call: Rule) -> Rule:
    def rule(node: Node, x: Tensor) -> Any:
        return call(x, node.of("axis", 0), bool(node.of("keepdims", 1)))

    return rule


def cumsum(node: Node, x: Tensor, axis: Value) -> Tensor:
    (along,) = integers(axis, node, "axis") or [0]
    return torch.cumsum(x, along)


def grid_sample(node: Node, x: Tensor, grid: Tensor) -> Tensor:
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(m := node.of("mode", "linear"), m)
    padding = node.of("padding_mode", "zeros")
    return F.grid_sample(x, grid, mode, padding, bool(node.of("align_corners", 0)))


# ----- recurrence -----

_RECURRENT = {"LSTM": (torch.lstm, 4, 1), "GRU": (torch.gru, 3, 2), "RNN": (torch.rnn_tanh, 1, 1)}


def recurrent(node: Node, x: Tensor, w: Tensor, r: Tensor, b: Value = None, *more: Value) -> Any:
    """One layer in one or both directions; y is (steps, directions, images, features)."""
    call, gates, _ = _RECURRENT[node.operator]
    if node.of("layout", 0):
        raise UsageError("a recurrent layer whose images come first, of layout 1")
    if any(value is not None for value in more[:1]):
        raise UsageError("a recurrent layer that is told how long its sequences are")
    directions, features = w.shape[0], r.shape[-1]
    if directions == 1 and node.of("direction", "forward") == "reverse":
        x = x.flip(0)
    weights: list[Tensor] = []
    for d in range(directions):
        weights += [w[d], r[d]]
        if b is not None:
            both = tensor(b, x)[d]
            weights += [both[: gates * features], both[gates * features :]]
    start = x.new_zeros(directions, x.shape[1], features)
    states: Any = (start, start) if node.operator == "LSTM" else start
    y, *last = call(  # type: ignore[operator]
        x, states, weights, b is not None, 1, 0.0, False, directions == 2, False
    )
    if directions == 1 and node.of("direction", "forward") == "reverse":
        y = y.flip(0)
    return y.unflatten(-1, (directions, features)).transpose(1, 2), *last


RULES: dict[str, Rule] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "Expand": expand,
    "Tile": tile,
    "Where": where,
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "ReduceMean": _reduced(torch.mean),
    "ReduceSum": _reduced(torch.sum),
    "ReduceMax": _reduced(torch.amax),
    "ReduceMin": _reduced(torch.amin),
    "ReduceProd": _reduced(_product),
    "ReduceL1": _reduced(partial(_norm, 1)),
    "ReduceL2": _reduced(partial(_norm, 2)),
    "ReduceLogSumExp": _reduced(torch.logsumexp),
    "ReduceSumSquare": _reduced(lambda x, axes, keep: torch.sum(x * x, axes, keep)),
    "ArgMax": _index(torch.argmax),
    "ArgMin": _index(torch.argmin),
    "CumSum": cumsum,
    "ScatterND": scatter_nd,
    "GridSample": grid_sample,
    "LSTM": recurrent,
    "GRU": recurrent,
    "RNN": recurrent,
}
