"""Layers with windows: convolutions, pooling, resizing."""

from __future__ import annotations

from typing import Any, NamedTuple

from archcalc.importing.builder import Value, size_of
from archcalc.importing.caffe.fields import Fields
from archcalc.importing.caffe.layer import Blob, Layer, Mask, shown
from archcalc.importing.caffe.opaque import opaque


class _Windows(NamedTuple):
    """The settings of a convolution, for each axis."""

    kernel: list[int]
    stride: list[int]
    pad: list[int]
    dilation: list[int]

    @property
    def fields(self) -> dict[str, Any]:
        """As a spec has them: without what is at its default, one number where all are alike."""
        found: dict[str, Any] = {"kernel": alike(self.kernel)}
        if set(self.stride) != {1}:
            found["stride"] = alike(self.stride)
        if any(self.pad):
            found["padding"] = alike(self.pad)
        if set(self.dilation) != {1}:
            found["dilation"] = alike(self.dilation)
        return found

    def extent(self, axis: int) -> int:
        """How many positions a window spans."""
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1


def alike(numbers: list[int]) -> int | list[int]:
    """One number where all are alike."""
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _windows(layer: Layer, param: Fields, axes: int) -> _Windows:
    def each(name: str, default: int | None, *, short: str = "", least: int = 0) -> list[int]:
        short = short or name
        sides = (f"{short}_h", f"{short}_w")
        if any(side in param for side in sides):
            if axes != 2 or name in param:
                raise param.error(
                    f"{sides[0]} and {sides[1]} are for 2 axes, without {name}", sides[0]
                )
            return [param.whole(side, default, least) for side in sides]
        found = param.wholes(name, least)
        if not found and default is None:
            raise layer.error(f"{name} is missing")
        if len(found) not in (0, 1, axes):
            raise param.error(f"{name} is given {len(found)} times for {axes} axes", name)
        return found if len(found) == axes else (found or [int(default or 0)]) * axes

    return _Windows(
        kernel=each("kernel_size", None, short="kernel", least=1),
        stride=each("stride", 1, least=1),
        pad=each("pad", 0),
        dilation=each("dilation", 1, least=1),
    )


def _of_maps(layer: Layer) -> Value:
    x = layer.x
    if len(x.shape) < 2:
        raise layer.error(f"{layer.type} takes maps with positions, and not {shown(x)}")
    return x


def _convolution(layer: Layer) -> tuple[Value, Fields, _Windows, dict[str, Any]]:
    """What both kinds of convolution have."""
    x = _of_maps(layer)
    param = layer.param("convolution_param")
    if layer.axis(param.whole("axis", 1, least=-8), x) != 0:
        raise param.error("axis: the channels of a convolution are axis 1", "axis")
    windows = _windows(layer, param, len(x.shape) - 1)
    channels = param.whole("num_output", least=1)
    depthwise = layer.type == "ConvolutionDepthwise"
    groups = param.whole("group", x.shape[0] if depthwise else 1, least=1)
    if x.shape[0] % groups or channels % groups:
        raise layer.error(f"{x.shape[0]} and {channels} channels in {groups} groups")
    fields: dict[str, Any] = {"channels": channels, **windows.fields}
    if groups != 1:
        fields["groups"] = groups
    if not param.flag("bias_term", True):
        fields["bias"] = False
    return x, param, windows, fields


def convolution(layer: Layer) -> Value | tuple[Blob, ...]:
    """Convolution: sizes rounded down; several bottoms take the same weights."""
    if len(layer.bottoms) > 1:
        raise layer.error("a convolution of several bottoms: give each a layer, with shared param")
    x, _, windows, fields = _convolution(layer)
    sizes = []
    for axis, n in enumerate(x.shape[1:]):
        room = n + 2 * windows.pad[axis] - windows.extent(axis)
        if room < 0:
            raise layer.error(f"a kernel of {windows.extent(axis)} does not fit in {shown(x)}")
        sizes.append(room // windows.stride[axis] + 1)
    return layer.add("conv", (x,), (fields["channels"], *sizes), fields)


def deconvolution(layer: Layer) -> Value:
    """Deconvolution: a transposed convolution."""
    x, _, windows, fields = _convolution(layer)
    sizes = []
    for axis, n in enumerate(x.shape[1:]):
        size = (n - 1) * windows.stride[axis] + windows.extent(axis) - 2 * windows.pad[axis]
        if size < 1:
            raise layer.error(f"a size of {size}")
        sizes.append(size)
    return layer.add("conv_transpose", (x,), (fields["channels"], *sizes), fields)


def pooling(layer: Layer) -> Value | tuple[Blob, ...]:
    """Pooling: sizes rounded up, and a last window that would begin in the padding left out."""
    x = _of_maps(layer)
    param = layer.param("pooling_param")
    method = param.word("pool", ("MAX", "AVE", "STOCHASTIC"), "MAX")
    if len(x.shape) != 3:
        raise layer.error(f"pooling takes maps of 2 axes, and not {shown(x)}")
    if param.flag("global_pooling", False):
        if "kernel_size" in param or "kernel_h" in param or "kernel_w" in param:
            raise param.error("global_pooling has no kernel", "global_pooling")
        shape = (x.shape[0], 1, 1)
        if method == "STOCHASTIC":
            return opaque(layer, shape)
        if method == "AVE":
            return layer.add("global_avg_pool", (x,), shape)
        return layer.add("adaptive_max_pool", (x,), shape, {"output": 1})
    windows = _windows(layer, param, 2)
    if set(windows.dilation) != {1}:
        raise param.error("dilation: Caffe's pooling has none", "dilation")
    return _pooled(layer, x, param, method, windows)


def _pooled(
    layer: Layer, x: Value, param: Fields, method: str, windows: _Windows
) -> Value | tuple[Blob, ...]:
    # `ceil_mode` is what SegNet's Caffe and others call it.
    up = param.word("round_mode", ("CEIL", "FLOOR"), "CEIL") == "CEIL"
    up = param.flag("ceil_mode", up)
    sizes, beyond = [], False
    padded = any(windows.pad)
    for n, k, s, p in zip(x.shape[1:], windows.kernel, windows.stride, windows.pad, strict=True):
        if p >= k or p > k // 2:
            raise layer.error(f"pad {p} of a kernel of {k}: some windows would see no position")
        if n + 2 * p < k and not (up and n + 2 * p - k > -s):
            raise layer.error(f"a kernel of {k} does not fit in {shown(x)}")
        room = n + 2 * p - k
        size = (-(-room // s) if up else room // s) + 1
        if padded and (size - 1) * s >= n + p:
            size -= 1
        beyond = beyond or (size - 1) * s >= n + p
        sizes.append(size)
    fields = {key: value for key, value in windows.fields.items() if key != "stride"}
    if windows.stride != windows.kernel:
        fields["stride"] = alike(windows.stride)
    shape = (x.shape[0], *sizes)
    gaps = any(s > k for s, k in zip(windows.stride, windows.kernel, strict=True))
    if method == "STOCHASTIC":
        return opaque(layer, shape)
    if method == "AVE":
        if beyond:
            raise layer.error("the last window begins beyond the map, and averages nothing")
        return layer.add("avg_pool", (x,), shape, fields | ({"ceil": True} if up else {}))
    if up:
        fields["ceil"] = "caffe" if gaps and not padded else True
    pooled = layer.add("max_pool", (x,), shape, fields)
    if len(layer.tops) < 2:
        return pooled
    return pooled, Mask(pooled.name, x.shape)


def lrn(layer: Layer) -> Value:
    """Local response normalization, across channels or within one."""
    param = layer.param("lrn_param")
    size = param.whole("local_size", 5, least=1)
    if size % 2 == 0:
        raise param.error(f"local_size: {size} is no odd number", "local_size")
    fields: dict[str, Any] = {"size": size}
    alpha, beta, k = (
        param.real("alpha", 1.0),
        param.real("beta", 0.75),
        param.real("k", 1.0),
    )
    fields |= {"alpha": alpha, "beta": beta}
    regions = ("ACROSS_CHANNELS", "WITHIN_CHANNEL")
    if param.word("norm_region", regions, regions[0]) == regions[1]:
        fields["region"] = "within_channel"  # where Caffe has 1 for k, whatever is given
    elif k != 1:
        fields["k"] = k
    _of_maps(layer)
    return layer.alike("local_response_norm", fields)


def interp(layer: Layer) -> Value:
    """DeepLab's and PSPNet's bilinear resizing, whose corners are those of the map."""
    layer.require_bottoms(1, 2)
    x = layer.bottoms[0]
    if len(x.shape) != 3:
        raise layer.error(f"resizing takes maps of 2 axes, and not {shown(x)}")
    param = layer.param("interp_param")
    cut = [-param.whole(name, 0, least=-_MOST_CUT) for name in ("pad_beg", "pad_end")]
    if min(cut) < 0:
        raise layer.error("pad_beg and pad_end cut off, and cannot be above 0")
    if any(cut):
        sizes = [n - sum(cut) for n in x.shape[1:]]
        if min(sizes) < 1:
            raise layer.error(f"cutting {sum(cut)} off {shown(x)} leaves nothing")
        x = layer.add("crop", (x,), (x.shape[0], *sizes), {"sides": [cut, cut]}, "_crop")
    like = layer.bottoms[1] if len(layer.bottoms) == 2 else None
    sizes, wanted = _resized(layer, param, x, like)
    if min(sizes) < 1:
        raise layer.error(f"a size of {min(sizes)}")
    fields = {"size": wanted, "mode": "bilinear", "align_corners": True}
    return layer.add("upsample", (x,), (x.shape[0], *sizes), fields)


_MOST_CUT = 1 << 20


def _resized(
    layer: Layer, param: Fields, x: Value, like: Value | None
) -> tuple[list[int], list[int] | list[str]]:
    """The sizes that it comes to, and as expressions where they follow from others."""
    n = x.shape[1:]
    if like is not None:
        if len(like.shape) != 3:
            raise layer.error(f"it takes its size from {shown(like)}, which is no map")
        return list(like.shape[1:]), [size_of(like, axis) for axis in (1, 2)]
    shrink, zoom = param.whole("shrink_factor", 1, least=1), param.whole("zoom_factor", 1, least=1)
    if "zoom_factor" in param or "shrink_factor" in param:
        less = [(size - 1) // shrink + 1 for size in n]
        shrunk = [f"((in_shape[{axis}] - 1) // {shrink} + 1)" for axis in (1, 2)]
        sizes = [size + (size - 1) * (zoom - 1) for size in less]
        return sizes, [f"{each} * {zoom} - {zoom - 1}" for each in shrunk]
    sizes = [param.whole(name, least=1) for name in ("height", "width")]
    return sizes, sizes


def upsample(layer: Layer) -> Value:
    """The nearest values, by a factor; with a mask, maxima where they were before pooling."""
    x, param = layer.x, layer.param("upsample_param")
    if len(x.shape) != 3:
        raise layer.error(f"resizing takes maps of 2 axes, and not {shown(x)}")
    factor = param.whole("scale", 2, least=1)
    sizes = [
        n * factor - param.flag(f"pad_out_{side}", False)
        for n, side in zip(x.shape[1:], "hw", strict=True)
    ]
    if layer.mask is None:
        return layer.add("upsample", (x,), (x.shape[0], *sizes), {"factor": factor})
    if "upsample_h" in param or "upsample_w" in param:
        sizes = [param.whole(f"upsample_{side}", least=1) for side in "hw"]
    shape = (x.shape[0], *sizes)
    if shape != layer.mask.of:
        raise layer.error(
            f"the mask is of {shown(Value('', layer.mask.of))}, not {sizes[0]}x{sizes[1]}"
        )
    fields = {"kernel": factor, "output": sizes, "indices": layer.mask.pool}
    return layer.add("max_unpool", (x,), shape, fields)
