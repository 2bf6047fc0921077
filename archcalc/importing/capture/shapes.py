"""Shapes that are known without running what gives them.

Torch works out the shapes of some operators in Python: a batch norm on the meta device takes longer
than a convolution. Once a module has run, what is plain need not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_Arguments = tuple[Any, ...]


def known_output(
    function: Callable[..., Any], args: _Arguments, kwargs: Mapping[str, Any], *, ran: bool = True
) -> Tensor | None:
    """The output of a call on the meta device; None where it has to run for that.

    `ran`: the module ran before, so that torch is known to accept the call. Else only what asks
    for all that torch does, and multiplies nothing, need not run.

    Of a contiguous tensor of real numbers, and others of its dtype, it is contiguous and of that
    dtype, too.
    """
    rule = (_RULES if ran else _ASKING_ALL).get(function)
    x = args[0] if args else None
    if rule is None or not isinstance(x, Tensor):
        return None
    if not (x.is_meta and x.is_floating_point() and x.is_contiguous()):
        return None
    masked = rule is _masked_fill  # whose second tensor is one of truths
    if any(isinstance(each, Tensor) and each.dtype != x.dtype for each in args[1 + masked :]):
        return None
    if any(isinstance(each, Tensor) and each.dtype != x.dtype for each in kwargs.values()):
        return None
    shape = rule(x, args, kwargs)
    if shape is None:
        return None
    if kwargs.get("inplace"):
        return x
    return torch.empty(shape, dtype=x.dtype, device="meta")


_Shape = tuple[int, ...]
_Rule = Callable[[Tensor, _Arguments, Mapping[str, Any]], _Shape | None]


def _same(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    return x.shape


def _batch_norm(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    channels = x.shape[1:2]
    fits = all(each.shape == channels for each in args[1:] if isinstance(each, Tensor))
    return x.shape if fits else None


def _fixed_batch_norm(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    """By running statistics, and called as torch hands its function on."""
    fixed = kwargs.get("training") is False and len(args) == 3 and isinstance(args[1], Tensor)
    fixed = fixed and all(
        each.shape == x.shape[1:2] for each in kwargs.values() if isinstance(each, Tensor)
    )
    return _batch_norm(x, args, kwargs) if fixed else None


def _plain_layer_norm(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    """Called as torch hands its function on."""
    tensors = [each for each in kwargs.values() if isinstance(each, Tensor)]
    return _layer_norm(x, (*args, *tensors), kwargs) if len(args) == 2 else None


def _layer_norm(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    over = tuple(args[1]) if len(args) > 1 else ()
    fits = all(each.shape == over for each in args[2:] if isinstance(each, Tensor))
    return x.shape if over and fits and x.shape[-len(over) :] == over else None


def _linear(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    weight = args[1] if len(args) > 1 else None
    if not isinstance(weight, Tensor) or weight.dim() != 2 or x.shape[-1:] != weight.shape[1:]:
        return None
    return (*x.shape[:-1], weight.shape[0])


def _add(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    """With a number, or with what is spread over the first."""
    if len(args) != 2 or kwargs:
        return None
    other = args[1]
    if type(other) in (int, float):
        return x.shape
    if not isinstance(other, Tensor) or not other.is_contiguous() or other.dim() > x.dim():
        return None
    pairs = zip(reversed(other.shape), reversed(x.shape), strict=False)
    return x.shape if all(n in (1, m) for n, m in pairs) else None


def _masked_fill(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    """With a number, where a mask says so that is spread over the tensor."""
    if len(args) != 3 or not isinstance(args[1], Tensor) or args[1].dtype != torch.bool:
        return None
    return _add(x, args[:2], kwargs) if type(args[2]) in (int, float) else None


def _alone(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    """Of one without settings."""
    return x.shape if len(args) == 1 and kwargs.keys() <= {"inplace"} else None


def _gelu(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    known = kwargs.get("approximate", "none") in ("none", "tanh")
    return x.shape if len(args) == 1 and known and kwargs.keys() <= {"approximate"} else None


def _roll(x: Tensor, args: _Arguments, kwargs: Mapping[str, Any]) -> _Shape | None:
    shifts, dims = (*args[1:], None, None)[:2]
    shifts, dims = kwargs.get("shifts", shifts), kwargs.get("dims", dims)
    listed = isinstance(shifts, list | tuple) and isinstance(dims, list | tuple)
    if not listed or len(shifts) != len(dims) or not all(type(n) is int for n in (*shifts, *dims)):
        return None
    return x.shape if dims and all(-x.dim() <= n < x.dim() for n in dims) else None


_RULES: dict[Any, _Rule] = {
    F.batch_norm: _batch_norm,
    F.layer_norm: _layer_norm,
    F.linear: _linear,
    Tensor.add: _add,
    Tensor.sub: _add,
    Tensor.mul: _add,
    Tensor.div: _add,
    Tensor.masked_fill: _masked_fill,
    torch.roll: _roll,
    F.dropout: _same,
    F.dropout2d: _same,
    F.relu: _same,
    F.relu6: _same,
    F.leaky_relu: _same,
    F.elu: _same,
    F.gelu: _same,
    F.silu: _same,
    F.mish: _same,
    F.hardswish: _same,
    F.hardsigmoid: _same,
    F.sigmoid: _same,
    F.tanh: _same,
}
_ASKING_ALL: dict[Any, _Rule] = {
    F.batch_norm: _fixed_batch_norm,
    F.layer_norm: _plain_layer_norm,
    Tensor.add: _add,
    Tensor.sub: _add,
    Tensor.mul: _add,
    Tensor.div: _add,
    torch.roll: _roll,
    F.relu: _alone,
    F.relu6: _alone,
    F.gelu: _gelu,
    F.silu: _alone,
    F.hardswish: _alone,
    F.hardsigmoid: _alone,
}
