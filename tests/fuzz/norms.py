"""Norms that few networks have, in torch's own functions."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor

from tests.fuzz.learned import Learned
from tests.fuzz.mixing import axis_of
from tests.fuzz.windows import Fields, Refused, axes_of


def rms_norm(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    return F.rms_norm(x, x.shape[-1:], learned.get("weight"), fields.get("eps"))


def frozen_batch_norm(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    weight, bias, mean, variance = (
        learned[name].view(-1, *[1] * (x.dim() - 2))
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    factor = weight * (variance + 1e-5).rsqrt()
    shift = bias - mean * factor
    return x * factor + shift


def instance_norm(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axes_of(x)
    if x[0, 0].numel() == 1 and "running_mean" not in learned:
        raise Refused("a single value for each mean")
    # As F.instance_norm, which refuses to train on a single value for each channel.
    return torch.instance_norm(
        x, learned.get("weight"), learned.get("bias"), learned.get("running_mean"),
        learned.get("running_var"), training or "running_mean" not in learned, 0.1, 1e-5, False,
    )  # fmt: skip


def normalize(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axis = axis_of(fields, x.dim() - 1)
    y = F.normalize(x, dim=1 + axis)
    return y * learned["weight"].view(-1, *[1] * (x.dim() - 2 - axis)) if learned else y


def local_response_norm(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axes, size = axes_of(x), fields.get("size", 5)
    if fields.get("region") != "within_channel":
        return F.local_response_norm(x, size)
    if size % 2 == 0:
        raise Refused("no middle")
    pool = getattr(F, f"avg_pool{axes}d")
    divisor: Tensor = pool(x * x, size, 1, size // 2)
    divisor = (divisor * 1e-4 + 1) ** 0.75
    return x / divisor
