"""ONNX's operators as calls of torch: what slides, products and norms.

Each takes its node and the values of its inputs, None of one that is left out. A value is a tensor
of torch, or an array of numpy where it is known: a constant, a shape, what follows from these. The
meaning of each is that of its page in ONNX's operator documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from archcalc.errors import UsageError
from archcalc.importing.onnx.graph import Node, as_written

Value: TypeAlias = "Tensor | np.ndarray[Any, Any] | None"
Rule: TypeAlias = Callable[..., Any]  # (node, *values) -> value or values

_Calls: TypeAlias = "dict[int, Callable[..., Any]]"  # by the number of axes that slide
_CONVOLUTIONS: _Calls = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED: _Calls = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_MAX_POOLS: _Calls = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE_POOLS: _Calls = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
_GLOBAL: _Calls = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
_GLOBAL_MAX: _Calls = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


def tensor(value: Value, like: Tensor) -> Tensor:
    """A value as a tensor on the device of another."""
    assert value is not None, "it is there, the file was checked"
    if isinstance(value, Tensor):
        return value
    dtype = getattr(torch, str(value.dtype))
    if dtype.is_floating_point and like.is_floating_point():
        dtype = like.dtype
    return torch.tensor(value.tolist(), dtype=dtype, device=like.device)


def number(value: Value) -> Any:
    """A known value of one element as a number, else itself."""
    if not isinstance(value, np.ndarray) or value.size != 1:
        return value
    return as_written(value.item()) if value.dtype == np.float32 else value.item()


def spatial(x: Tensor) -> int:
    """How many axes x has behind images and channels."""
    if x.dim() - 2 not in _CONVOLUTIONS:
        raise UsageError(f"an input of {x.dim()} axes, where torch has 3 to 5")
    return x.dim() - 2


# ----- what slides -----


def conv(node: Node, x: Tensor, weight: Tensor, bias: Value = None) -> Any:
    n = spatial(x)
    stride = node.of("strides", [1] * n)
    dilation = node.of("dilations", [1] * n)
    x, padding = padded(node, x, [*weight.shape[2:]], stride, dilation, 0.0)
    return _CONVOLUTIONS[n](
        x, weight, _learned(bias, weight), tuple(stride), padding, tuple(dilation),
        node.of("group", 1),
    )  # fmt: skip


def conv_transpose(node: Node, x: Tensor, weight: Tensor, bias: Value = None) -> Any:
    n = spatial(x)
    stride = node.of("strides", [1] * n)
    dilation = node.of("dilations", [1] * n)
    kernel = [*weight.shape[2:]]
    beyond = node.of("output_padding", [0] * n)
    pads = node.of("pads", [0] * 2 * n)
    full = [
        s * (size - 1) + o + d * (k - 1) + 1
        for size, s, o, d, k in zip(x.shape[2:], stride, beyond, dilation, kernel, strict=True)
    ]
    mode = node.of("auto_pad", "NOTSET")
    wanted = node.of("output_shape")
    if wanted is None and mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [size * s for size, s in zip(x.shape[2:], stride, strict=True)]
    if wanted is not None:
        cut = [max(0, f - w) for f, w in zip(full, wanted[-n:], strict=True)]
        lower = [c // 2 if mode == "SAME_UPPER" else c - c // 2 for c in cut]
        pads = [*lower, *[c - low for c, low in zip(cut, lower, strict=True)]]
    even = [min(a, b) for a, b in zip(pads[:n], pads[n:], strict=True)]
    y = _TRANSPOSED[n](
        x, weight, _learned(bias, weight), tuple(stride), tuple(even), tuple(beyond),
        node.of("group", 1), tuple(dilation),
    )  # fmt: skip
    return _cut(y, [a - e for a, e in zip(pads[:n], even, strict=True)],
                [b - e for b, e in zip(pads[n:], even, strict=True)])  # fmt: skip


def _cut(y: Tensor, before: list[int], after: list[int]) -> Tensor:
    for axis, (a, b) in enumerate(zip(before, after, strict=True), 2):
        if a or b:
            y = y.narrow(axis, a, y.shape[axis] - a - b)
    return y


def padded(
    node: Node, x: Tensor, kernel: list[int], stride: list[int], dilation: list[int], value: float
) -> tuple[Tensor, tuple[int, ...]]:
    """x, padded where the sides differ, and the padding that is left to the window itself."""
    n = len(kernel)
    mode = node.of("auto_pad", "NOTSET")
    pads = node.of("pads", [0] * 2 * n)
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        pads = _same(x, kernel, stride, dilation, to_the_end=mode == "SAME_UPPER")
    elif mode == "VALID":
        pads = [0] * 2 * n
    if pads[:n] == pads[n:]:
        return x, tuple(pads[:n])
    sides = [side for axis in reversed(range(n)) for side in (pads[axis], pads[axis + n])]
    return F.pad(x, sides, value=value), (0,) * n


def _same(
    x: Tensor, kernel: list[int], stride: list[int], dilation: list[int], *, to_the_end: bool
) -> list[int]:
    """The padding by which a size is divided by its stride, and rounded up."""
    before, after = [], []
    for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True):
        total = max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size)
        small = total // 2
        before.append(small if to_the_end else total - small)
        after.append(total - small if to_the_end else small)
    return [*before, *after]


def max_pool(node: Node, x: Tensor) -> Any:
    n, kernel = spatial(x), node.of("kernel_shape")
    stride = node.of("strides", [1] * n)
    dilation = node.of("dilations", [1] * n)
    x, padding = padded(node, x, kernel, stride, dilation, float("-inf"))
    return _MAX_POOLS[n](
        x, tuple(kernel), tuple(stride), padding, tuple(dilation), bool(node.of("ceil_mode", 0)),
        len(node.outputs) > 1,
    )  # fmt: skip


def average_pool(node: Node, x: Tensor) -> Any:
    n, kernel = spatial(x), node.of("kernel_shape")
    stride = node.of("strides", [1] * n)
    if any(d != 1 for d in node.of("dilations", [1])):
        raise UsageError("an average pool with a dilation, which torch does not have")
    inside = not node.of("count_include_pad", 0)
    mode, pads = node.of("auto_pad", "NOTSET"), node.of("pads", [0] * 2 * n)
    if mode.startswith("SAME"):
        pads = _same(x, kernel, stride, [1] * n, to_the_end=mode == "SAME_UPPER")
    if inside and pads[:n] != pads[n:] and mode != "VALID":
        raise UsageError("an average pool whose padding differs between sides, and is not counted")
    x, padding = padded(node, x, kernel, stride, [1] * n, 0.0)
    return _AVERAGE_POOLS[n](
        x, tuple(kernel), tuple(stride), padding, bool(node.of("ceil_mode", 0)), not inside
    )


def lp_pool(node: Node, x: Tensor) -> Tensor:
    n, kernel = spatial(x), node.of("kernel_shape")
    if n > 2:
        raise UsageError("a pool by norms over three axes")
    call = F.lp_pool1d if n == 1 else F.lp_pool2d
    return call(x, float(node.of("p", 2)), tuple(kernel), tuple(node.of("strides", [1] * n)))


def _learned(value: Value, like: Tensor) -> Tensor | None:
    return None if value is None else tensor(value, like)


# ----- products -----


def gemm(node: Node, a: Tensor, b: Tensor, c: Value = None) -> Tensor:
    if node.of("transA", 0):
        a = a.t()
    alpha, beta = node.of("alpha", 1.0), node.of("beta", 1.0)
    bias = _learned(c, b)
    if node.of("transB", 0) and alpha == beta == 1 and (bias is None or bias.dim() == 1):
        return F.linear(a, b, bias)
    if node.of("transB", 0):
        b = b.t()
    if bias is None:
        return a @ b if alpha == 1 else (a @ b) * alpha
    return torch.addmm(bias, a, b, beta=beta, alpha=alpha)


def matmul(node: Node, a: Value, b: Value) -> Tensor:
    like = a if isinstance(a, Tensor) else b
    assert isinstance(like, Tensor), "one of them is not known"
    return torch.matmul(tensor(a, like), tensor(b, like))


def einsum(node: Node, *operands: Tensor) -> Tensor:
    return torch.einsum(node.of("equation"), *operands)


def attention(node: Node, q: Tensor, k: Tensor, v: Tensor, mask: Value = None, *more: Value) -> Any:
    if any(value is not None for value in more) or len([x for x in node.outputs if x]) > 1:
        raise UsageError("attention that takes or gives what it has cached")
    heads, shared = node.of("q_num_heads"), node.of("kv_num_heads")
    flat = q.dim() == 3
    if flat:
        q = torch.unflatten(q, -1, (heads, -1)).transpose(1, 2)
        k, v = (torch.unflatten(x, -1, (shared, -1)).transpose(1, 2) for x in (k, v))
    found = F.scaled_dot_product_attention(
        q, k, v, None if mask is None else tensor(mask, q), is_causal=bool(node.of("is_causal", 0)),
        scale=node.of("scale"), enable_gqa=q.shape[1] != k.shape[1],
    )  # fmt: skip
    return found.transpose(1, 2).flatten(2) if flat else found


# ----- norms -----


def batch_norm(
    node: Node, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor
) -> Tensor:
    return F.batch_norm(
        x, mean, var, weight, bias, False, 1 - node.of("momentum", 0.9), node.of("epsilon", 1e-5)
    )


def instance_norm(node: Node, x: Tensor, weight: Value, bias: Value) -> Tensor:
    if not (isinstance(weight, Tensor) or isinstance(bias, Tensor)):
        return F.instance_norm(x, eps=node.of("epsilon", 1e-5))
    weight, bias = tensor(weight, x), tensor(bias, x)
    return F.instance_norm(x, weight=weight, bias=bias, eps=node.of("epsilon", 1e-5))


def group_norm(node: Node, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.group_norm(x, node.of("num_groups"), weight, bias, node.of("epsilon", 1e-5))


def layer_norm(node: Node, x: Tensor, weight: Tensor, bias: Value = None) -> Tensor:
    axis = node.of("axis", -1) % x.dim()
    return F.layer_norm(
        x, tuple(x.shape[axis:]), weight, _learned(bias, weight), node.of("epsilon", 1e-5)
    )


def rms_norm(node: Node, x: Tensor, weight: Tensor) -> Tensor:
    axis = node.of("axis", -1) % x.dim()
    return F.rms_norm(x, tuple(x.shape[axis:]), weight, node.of("epsilon", 1e-5))


def local_response_norm(node: Node, x: Tensor) -> Tensor:
    return F.local_response_norm(
        x, node.of("size"), node.of("alpha", 1e-4), node.of("beta", 0.75), node.of("bias", 1.0)
    )


def lp_normalization(node: Node, x: Tensor) -> Tensor:
    return F.normalize(x, float(node.of("p", 2)), node.of("axis", -1))


RULES: dict[str, Rule] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalAveragePool": lambda node, x: _GLOBAL[spatial(x)](x, 1),
    "GlobalMaxPool": lambda node, x: _GLOBAL_MAX[spatial(x)](x, 1),
    "Gemm": gemm,
    "MatMul": matmul,
    "Einsum": einsum,
    "Attention": attention,
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "LRN": local_response_norm,
    "LpNormalization": lp_normalization,
}
