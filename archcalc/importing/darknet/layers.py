"""The sections of a cfg file that are layers, by darknet's own rules of their sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, TypeAlias

from archcalc.importing.builder import Value
from archcalc.importing.darknet.section import Reading

Handler: TypeAlias = Callable[[Reading], Value]


def _shown(value: Value) -> str:
    return "x".join(map(str, value.shape))


# ----- products -----


def _padding(reading: Reading, size: int) -> int:
    """`pad=1` is half a kernel; else `padding`, in positions."""
    section = reading.section
    return size // 2 if section.whole("pad", 0) else section.whole("padding", 0)


def convolutional(reading: Reading) -> Value:
    x, section = reading.map(), reading.section
    channels, size = section.whole("filters", 1, 1), section.whole("size", 1, 1)
    stride = section.whole("stride", 1, 1)
    strides = [section.whole(name, stride, 1) for name in ("stride_y", "stride_x")]
    padding = _padding(reading, size)
    groups, dilation = section.whole("groups", 1, 1), section.whole("dilation", 1, 1)
    if x.shape[0] % groups or channels % groups:
        raise reading.error(f"{x.shape[0]} and {channels} channels in {groups} groups")
    if dilation > 1 and 2 * padding != size - 1:
        raise reading.error("dilation: it is read with half a kernel of padding", "dilation")
    padding *= dilation
    extent = dilation * (size - 1) + 1
    sizes = [(n + 2 * padding - extent) // s + 1 for n, s in zip(x.shape[1:], strides, strict=True)]
    if min(sizes) < 1:
        raise reading.error(f"a kernel of {extent} does not fit in {_shown(x)}")
    fields: dict[str, Any] = {"channels": channels, "kernel": size}
    if strides != [1, 1]:
        fields["stride"] = strides[0] if strides[0] == strides[1] else strides
    for name, value, usual in (
        ("padding", padding, 0),
        ("dilation", dilation, 1),
        ("groups", groups, 1),
    ):
        if value != usual:
            fields[name] = value
    owner = None
    if "share_index" in section:
        owner = reading.number_of(section.whole("share_index", least=-(1 << 30)), "share_index")
    return _product(reading, "conv", "conv", x, (channels, *sizes), fields, owner)


def deconvolutional(reading: Reading) -> Value:
    x, section = reading.map(), reading.section
    channels, size = section.whole("filters", 1, 1), section.whole("size", 1, 1)
    stride, padding = section.whole("stride", 1, 1), _padding(reading, size)
    sizes = [(n - 1) * stride + size - 2 * padding for n in x.shape[1:]]
    if min(sizes) < 1:
        raise reading.error(f"a size of {min(sizes)}")
    fields = {"channels": channels, "kernel": size, "stride": stride, "padding": padding}
    return _product(reading, "conv_transpose", "deconv", x, (channels, *sizes), fields)


def _product(
    reading: Reading,
    kind: str,
    word: str,
    x: Value,
    shape: tuple[int, ...],
    fields: Mapping[str, Any],
    owner: int | None = None,
) -> Value:
    """With a bias, or normalized in its place, and behind its activation."""
    section = reading.section
    normalized = section.whole("batch_normalize", 0) != 0 or section.whole("cbn", 0) != 0
    if normalized:
        fields = {**fields, "bias": False}
    value = reading.add(kind, word, (x,), shape, fields, owner)
    return reading.finished(value, "logistic", normalized, owner=owner)


def connected(reading: Reading) -> Value:
    features = reading.section.whole("output", 1, 1)
    return _product(
        reading, "linear", "linear", reading.flat(), (features,), {"features": features}
    )


def local(reading: Reading) -> Value:
    x, section = reading.map(), reading.section
    channels, size = section.whole("filters", 1, 1), section.whole("size", 1, 1)
    stride, padding = section.whole("stride", 1, 1), section.whole("pad", 0)
    if padding and size != 2 * padding + 1:
        raise reading.error(
            f"pad={padding} is read beside a size of {2 * padding + 1} alone", "pad"
        )
    sizes = [(n + 2 * padding - size) // stride + 1 for n in x.shape[1:]]
    if min(sizes) < 1:
        raise reading.error(f"a kernel of {size} does not fit in {_shown(x)}")
    fields = {"channels": channels, "kernel": size, "stride": stride, "padding": padding}
    value = reading.add("locally_connected", "local", (x,), (channels, *sizes), fields)
    return reading.finished(value, "logistic")


# ----- pooling and sizes -----


def maxpool(reading: Reading) -> Value:
    """`padding` is that of both sides together, the smaller half of it before the map."""
    x, section = reading.map(), reading.section
    stride = section.whole("stride", 1, 1)
    size = section.whole("size", stride, 1)
    padding = section.whole("padding", size - 1)
    before, after = padding // 2, padding - padding // 2
    if after > size // 2:
        raise reading.error(f"padding: {padding} around a kernel of {size}", "padding")
    sizes = [(n + padding - size) // stride + 1 for n in x.shape[1:]]
    if min(n + padding - size for n in x.shape[1:]) < 0:
        raise reading.error(f"a kernel of {size} does not fit in {_shown(x)}")
    fields: dict[str, Any] = {"kernel": size}
    if stride != size:
        fields["stride"] = stride
    if padding and not before and padding == stride - 1:
        fields["ceil"] = True  # reaches beyond the map just where this rounds up
    elif padding:
        fields["padding"] = before if before == after else [[before, after], [before, after]]
    return reading.add("max_pool", "maxpool", (x,), (x.shape[0], *sizes), fields)


def avgpool(reading: Reading) -> Value:
    x = reading.map()
    return reading.add("global_avg_pool", "avgpool", (x,), (x.shape[0], 1, 1))


def upsample(reading: Reading) -> Value:
    """The nearest values; by a stride below 0 every so many are summed up."""
    x, section = reading.map(), reading.section
    stride = section.whole("stride", 2, least=-(1 << 20))
    if stride < 1:
        raise reading.error("stride: archcalc does not read the way down", "stride")
    shape = (x.shape[0], *[n * stride for n in x.shape[1:]])
    value = reading.add("upsample", "upsample", (x,), shape, {"factor": stride})
    return _scaled(reading, value, section.real("scale", 1.0), "upsample_scale")


def _scaled(reading: Reading, value: Value, factor: float, word: str) -> Value:
    if factor == 1:
        return value
    return reading.add("scale", word, (value,), value.shape, {"factor": factor})


def crop(reading: Reading) -> Value:
    """The middle, and the values from 0 … 1 brought to -1 … 1."""
    x, section = reading.map(), reading.section
    wanted = [section.whole(name, 1, 1) for name in ("crop_height", "crop_width")]
    sides = []
    for n, size in zip(x.shape[1:], wanted, strict=True):
        if size > n:
            raise reading.error(f"{size} positions of {n}")
        sides.append([(n - size) // 2, n - size - (n - size) // 2])
    value = x
    if any(map(any, sides)):
        value = reading.add("crop", "crop", (x,), (x.shape[0], *wanted), {"sides": sides})
    if section.whole("noadjust", 0):
        return value
    fields = {"factor": 2.0, "shift": -1.0}
    return reading.add("scale", "crop_scale", (value,), value.shape, fields)


def reorg(reading: Reading) -> Value:
    """Positions and channels exchanged, in darknet's own order.

    Without `reverse` it does not gather each block of positions, as the paper has it, but takes
    the map for one of fewer channels and more positions, gathers the blocks of that, and takes
    what comes out for one of more channels.
    """
    x, section = reading.map(), reading.section
    s = section.whole("stride", 1, 1)
    extra = section.whole("extra", 0)
    if extra:  # it moves nothing then, and has values of 0 behind
        flat = reading.flat()
        count = flat.shape[0] + extra
        return reading.add("pad_channels", "reorg", (flat,), (count,), {"after": extra})
    if section.whole("flatten", 0):
        raise reading.error("flatten: archcalc does not read it", "flatten")
    c, h, w = x.shape
    if c % (s * s):
        raise reading.error(f"{c} channels in {s * s} parts")
    reverse = section.whole("reverse", 0) != 0
    if not reverse and (h % s or w % s):
        raise reading.error(f"{h}x{w} positions in blocks of {s}x{s}")
    if s == 1:
        return reading.add("identity", "reorg", (x,), x.shape)
    inside, outside = "c (h p) (w q)", "(p q c) h w"
    if reverse:
        shape: tuple[int, ...] = (c // (s * s), h * s, w * s)
        fields = {"axes": f"{outside} -> {inside}", "p": s, "q": s}
        return reading.add("rearrange", "reorg", (x,), shape, fields)
    wide = (c // (s * s), h * s, w * s)
    taken: list[Any] = [f"in_channels // {s * s}", f"{s} * in_shape[1]", f"{s} * in_shape[2]"]
    value = reading.add("reshape", "reorg_wide", (x,), wide, {"shape": taken})
    fields = {"axes": f"{inside} -> {outside}", "p": s, "q": s}
    value = reading.add("rearrange", "reorg", (value,), x.shape, fields)
    given: list[Any] = [f"{s * s} * in_channels", f"in_shape[1] // {s}", f"in_shape[2] // {s}"]
    return reading.add(
        "reshape", "reorg_deep", (value,), (c * s * s, h // s, w // s), {"shape": given}
    )


# ----- several sections -----


def route(reading: Reading) -> Value:
    """The channels of earlier sections one after the other, or of each one group of them."""
    section = reading.section
    values = [reading.earlier(number, "layers") for number in section.wholes("layers")]
    groups, group = section.whole("groups", 1, 1), section.whole("group_id", 0)
    if not values:
        raise reading.error("layers: expected numbers of sections", "layers")
    if groups > 1:
        if group >= groups:
            raise reading.error(f"group_id: {group} of {groups} groups", "group_id")
        values = [_group(reading, value, groups, group, i) for i, value in enumerate(values)]
    if len(values) == 1:
        return values[0]
    if len({value.shape[1:] for value in values}) > 1 or len(values[0].shape) == 1:
        values = [
            reading.flattened(value, f"route_flatten_{i}") for i, value in enumerate(values, 1)
        ]
    shape = (sum(value.shape[0] for value in values), *values[0].shape[1:])
    return reading.add("concat", "route", values, shape)


def _group(reading: Reading, value: Value, groups: int, group: int, number: int) -> Value:
    if value.shape[0] % groups:
        raise reading.error(f"{value.shape[0]} channels in {groups} groups", "groups")
    shape = (value.shape[0] // groups, *value.shape[1:])
    word = f"route_group_{number + 1}" if number else "route_group"
    return reading.add("channel_split", word, (value,), shape, {"parts": groups, "part": group})


def shortcut(reading: Reading) -> Value:
    """The map before, and an earlier one: of that every so many positions, and as many channels."""
    x, section = reading.map(), reading.section
    other = reading.earlier(section.whole("from", least=-(1 << 30)), "from")
    if len(other.shape) != 3:
        raise reading.error(f"from: {_shown(other)} is no map", "from")
    of_x, of_other = section.real("alpha", 1.0), section.real("beta", 1.0)
    fitted = _fitted(reading, other, x)
    if of_x != 1 and other.shape != x.shape and x.shape[0] > other.shape[0]:
        raise reading.error("alpha, where some channels have nothing added", "alpha")
    x = _scaled(reading, x, of_x, "shortcut_alpha")
    fitted = _scaled(reading, fitted, of_other, "shortcut_beta")
    value = reading.add("add", "shortcut", (x, fitted), x.shape)
    return reading.finished(value, "linear")


def _fitted(reading: Reading, other: Value, x: Value) -> Value:
    """The other map with the sizes of `x`."""
    steps = [max(1, n // m) for n, m in zip(other.shape[1:], x.shape[1:], strict=True)]
    if any(n < m for n, m in zip(other.shape[1:], x.shape[1:], strict=True)):
        raise reading.error(f"{_shown(other)} is added to a part of {_shown(x)} alone", "from")
    if steps[0] != steps[1]:
        raise reading.error(f"{_shown(other)} on {_shown(x)}: two ratios", "from")
    value = other
    for axis in (1, 2):
        n, m, step = value.shape[axis], x.shape[axis], steps[0]
        if n == m:
            continue
        fields: dict[str, Any] = {"axis": axis}
        if -(-n // step) != m:
            fields["stop"] = (m - 1) * step + 1
        if step > 1:
            fields["step"] = step
        shape = [*value.shape]
        shape[axis] = m
        value = reading.add("slice", f"shortcut_slice_{axis}", (value,), shape, fields)
    c, wanted = value.shape[0], x.shape[0]
    if c > wanted:
        value = reading.add(
            "channel_slice", "shortcut_channels", (value,), x.shape, {"stop": wanted}
        )
    elif c < wanted:
        value = reading.add(
            "pad_channels", "shortcut_channels", (value,), x.shape, {"after": wanted - c}
        )
    return value


def scale_channels(reading: Reading) -> Value:
    """An earlier map times a number for each channel: squeeze and excitation."""
    x = reading.map()
    other = reading.earlier(reading.section.whole("from", least=-(1 << 30)), "from")
    if len(other.shape) != 3 or x.shape != (other.shape[0], 1, 1):
        raise reading.error(f"{_shown(x)} has no number for each channel of {_shown(other)}")
    value = reading.add("multiply", "scale", (other, x), other.shape)
    return reading.finished(value, "linear")


def sam(reading: Reading) -> Value:
    """An earlier map times this one, value by value: spatial attention."""
    other = reading.earlier(reading.section.whole("from", least=-(1 << 30)), "from")
    if other.shape != reading.x.shape:
        raise reading.error(f"{_shown(reading.x)} and {_shown(other)} are not alike", "from")
    value = reading.add("multiply", "sam", (other, reading.x), other.shape)
    return reading.finished(value, "linear")


# ----- value by value -----


def dropout(reading: Reading) -> Value:
    p = reading.section.real("probability", 0.5)
    if not 0 <= p < 1:
        raise reading.error(f"probability: {p:g} is no share below 1", "probability")
    fields = {"p": p} if p != 0.5 else None
    return reading.add("dropout", "dropout", (reading.x,), reading.x.shape, fields)


def batchnorm(reading: Reading) -> Value:
    x = reading.map()
    return reading.add("batch_norm", "bn", (x,), x.shape)


def activation(reading: Reading) -> Value:
    return reading.finished(reading.x, "linear")


def normalization(reading: Reading) -> Value:
    """Across channels; alpha is of each square here, and of their sum divided by the size there."""
    x, section = reading.map(), reading.section
    size = section.whole("size", 5, 1)
    alpha, beta = section.real("alpha", 0.0001), section.real("beta", 0.75)
    fields = {"size": size, "alpha": round(alpha * size, 12), "beta": beta}
    kappa = section.real("kappa", 1.0)
    fields |= {"k": kappa} if kappa != 1 else {}
    return reading.add("local_response_norm", "lrn", (x,), x.shape, fields)


def l2norm(reading: Reading) -> Value:
    x = reading.map()
    return reading.add("normalize", "l2norm", (x,), x.shape, {"axis": 0})


def logistic(reading: Reading) -> Value:
    return reading.add("sigmoid", "logistic", (reading.x,), reading.x.shape)


def softmax(reading: Reading) -> Value:
    """Over all values, those of each group, or with `spatial` the channels of each position."""
    x, section = reading.x, reading.section
    groups = section.whole("groups", 1, 1)
    if section.real("spatial", 0.0) or (groups == 1 and x.shape[1:] == (1, 1)):
        if groups > 1:
            raise reading.error("groups and spatial together", "groups")
        return reading.add("softmax", "softmax", (x,), x.shape)
    x = reading.flat()
    if groups == 1:
        return reading.add("softmax", "softmax", (x,), x.shape)
    if prod(x.shape) % groups:
        raise reading.error(f"{x.shape[0]} values in {groups} groups", "groups")
    shape = (groups, x.shape[0] // groups)
    x = reading.add("reshape", "softmax_groups", (x,), shape, {"shape": list(shape)})
    return reading.add("softmax", "softmax", (x,), shape, {"axis": 1})
