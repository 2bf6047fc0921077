"""Layers that read a map at places that are computed, and the bilinear form of two tensors."""

from __future__ import annotations

from typing import Any

from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.convolving import per_axis
from archcalc.importing.kinds.drafts import NotCoveredError
from archcalc.importing.trace import Ref


@handles("grid_sample", "grid_sampler")
def grid_sample(call: Call) -> None:
    """A map read at the places of a grid."""
    fields = {
        "mode": call.get("mode", default="bilinear"),
        "padding_mode": call.get("padding_mode", default="zeros"),
        "align_corners": bool(call.get("align_corners", default=False)),
    }
    call.of("grid_sample", [call.take(call.value(name)) for name in ("input", "grid")], fields)


@handles("bilinear")
def bilinear(call: Call) -> None:
    """The bilinear form of two tensors, along their last axes."""
    held = {name: call.held(name) for name in ("weight", "bias")}
    if held["weight"] is None or (held["bias"] is None and call.has("bias")):
        raise NotCoveredError("has weights that are computed")
    fields = {"features": call.shape(held["weight"])[0], "bias": call.has("bias")}
    taken = [call.take(call.value(name)) for name in ("input1", "input2")]
    call.of("bilinear", taken, fields, held)


@handles("torchvision.deform_conv2d")
def deform_conv(call: Call) -> None:
    """A convolution whose taps are moved by offsets, and weighed by a mask where there is one."""
    weight = call.held("weight")
    if weight is None:
        raise NotCoveredError("has weights that are computed")
    channels, _, *kernel = call.shape(weight)
    fields: dict[str, Any] = {
        name: per_axis([call.get(f"{short}_{side}", default=default) for side in "hw"], default)
        for name, short, default in (
            ("stride", "stride", 1), ("padding", "pad", 0), ("dilation", "dilation", 1),
        )
    }  # fmt: skip
    fields |= {"channels": channels, "kernel": per_axis(kernel, 1)}
    fields["groups"] = call.get("groups", default=1)
    names = ["input", "offset", *(["mask"] if call.get("use_mask", default=True) else [])]
    held = {"weight": weight, "bias": call.held("bias")}
    if held["bias"] is None:
        if isinstance(call.operation.arguments.get("bias"), Ref) and _adds(call):
            raise NotCoveredError("has a bias that is computed")
        fields["bias"] = False
    call.of("deform_conv", [call.take(call.value(name)) for name in names], fields, held)


def _adds(call: Call) -> bool:
    """Whether its bias may be other than the zeros that stand for none."""
    maker = call.lowering.makers.get(call.number_of("bias"))
    return maker is None or maker.operator not in ("zeros", "new_zeros", "zeros_like")
