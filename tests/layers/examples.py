"""Hypothesis strategies: for each layer kind, layers with the shapes that they meet.

Every option is drawn, along 0 to 3 spatial axes, and now and then a value that a layer has to
refuse. Left to tests of their own are the refusals on which torch has no verdict: a wrong number
of values for the axes, a crop of negative width, a circular side that is cut off (which torch
fills with what lies in memory), spreading a branch over channels.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from math import prod
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from archcalc import FeatureMap, LayerError
from archcalc.layers import (
    Layer,
    activation,
    attention,
    bilinear,
    composed_functions,
    convolution,
    deform_conv,
    embedding,
    fixed_conv,
    frozen_norm,
    functions,
    further_joins,
    gating,
    indexing,
    instance_norm,
    interpolating,
    joining,
    l2_norm,
    linear,
    local_response_norm,
    matmul,
    multihead_attention,
    normalization,
    opaque,
    pooling,
    quantizing,
    rearranging,
    recurrent,
    reductions,
    regularization,
    repeating,
    resampling,
    reshaping,
    rms_norm,
    roi_align,
    rolling,
    rotary,
    slicing,
    softmax,
    sources,
    unfolding,
    unpooling,
    upsampling,
)
from archcalc.layers.along_axes import per_axis
from archcalc.layers.registry import kind_called
from archcalc.testing.strategies import (
    Example,
    axes,
    divisors,
    examples_of,
    maps,
    mostly,
    multiples,
    number,
    paddings,
    pool_paddings,
    sides,
    spatial_maps,
)

Draw = st.DrawFn


# The layers of a kind with one input, for an input of a given shape.
LAYERS: dict[type[Layer], Callable[[FeatureMap], st.SearchStrategy[Layer]]] = {}
EXAMPLES: dict[type[Layer], st.SearchStrategy[Example]] = {}


def register(
    kind: type[Layer],
    layers: Callable[[FeatureMap], st.SearchStrategy[Layer]],
    inputs: st.SearchStrategy[FeatureMap],
) -> None:
    """`layers` draws layers of `kind` for a map, `inputs` the maps to draw them for."""
    LAYERS[kind] = layers
    EXAMPLES[kind] = examples_of(layers, inputs)


def axes_of(x: FeatureMap) -> st.SearchStrategy[int]:
    """The number of an axis, from the first or the last; now and then of none."""
    rank = len(x.shape)
    return mostly(st.integers(-rank, rank - 1), st.just(rank))


def layers_of(
    kind: type[Layer], inputs: st.SearchStrategy[FeatureMap]
) -> Callable[[Callable[[Draw, FeatureMap], Layer]], None]:
    """As `register`, for a function that draws the layer."""
    return lambda draw_layer: register(kind, st.composite(draw_layer), inputs)


# ----- convolutions, fully connected -----


@layers_of(convolution.Conv, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    groups = draw(divisors(x.channels))
    return convolution.Conv(
        channels=draw(multiples(groups, 4)),
        kernel=draw(axes(number(1, 4, wrong=0), x)),
        stride=draw(axes(number(1, 3, wrong=0), x)),
        padding=draw(paddings(3, x)),
        dilation=draw(axes(number(1, 3, wrong=0), x)),
        groups=groups,
        bias=draw(st.booleans()),
        weight_norm=draw(st.booleans()),
    )


@layers_of(fixed_conv.FixedConv, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    groups = draw(divisors(x.channels))
    return fixed_conv.FixedConv(
        channels=draw(multiples(groups, 4)),
        kernel=draw(axes(number(1, 4, wrong=0), x)),
        stride=draw(axes(number(1, 3, wrong=0), x)),
        padding=draw(axes(number(0, 3, wrong=-1), x)),
        dilation=draw(axes(number(1, 3, wrong=0), x)),
        groups=groups,
    )


@layers_of(convolution.ConvTranspose, spatial_maps(channels=6))
def _(draw: Draw, x: FeatureMap) -> Layer:
    groups = draw(divisors(x.channels))
    kernels = axes(number(1, 4, wrong=0), x)
    if len(x.sizes) == 3:  # torch's kernel for 1x1x1 hands out larger storages than its outputs
        kernels = kernels.filter(lambda kernel: kernel not in (1, (1, 1, 1)))
    return convolution.ConvTranspose(
        channels=draw(multiples(groups, 3)),
        kernel=draw(kernels),
        stride=draw(axes(number(1, 3, wrong=0), x)),
        padding=draw(paddings(2, x)),
        output_padding=draw(axes(number(0, 1, wrong=2), x)),
        dilation=draw(axes(st.integers(1, 3), x)),  # some of torch's kernels take even 0
        groups=groups,
        bias=draw(st.booleans()),
        weight_norm=draw(st.booleans()),
    )


@layers_of(convolution.LocallyConnected, maps(1, 3, channels=4))
def _(draw: Draw, x: FeatureMap) -> Layer:
    return convolution.LocallyConnected(
        channels=draw(number(1, 4, wrong=0)),
        kernel=draw(axes(number(1, 3, wrong=9), x)),
        stride=draw(axes(number(1, 3, wrong=0), x)),
        padding=draw(st.one_of(sides(2, x), st.sampled_from(["same", "valid"]))),
        bias=draw(st.booleans()),
    )


@layers_of(linear.Linear, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return linear.Linear(
        features=draw(number(1, 9, wrong=0)),
        bias=draw(st.booleans()),
        **draw(st.sampled_from([{}, {"weight_norm": True}, {"transposed": True}])),
    )


# ----- recurrent -----

# One axis too many now and then; a vector torch would take for a sequence without images.
sequences = mostly(maps(1, 1, channels=4), maps(2, 2))


@layers_of(recurrent.Rnn, sequences)
def _(draw: Draw, x: FeatureMap) -> Layer:
    nonlinearity: Any = draw(st.sampled_from(["tanh", "relu"]))
    return recurrent.Rnn(nonlinearity=nonlinearity, **draw(recurrent_fields()))


@layers_of(recurrent.Gru, sequences)
def _(draw: Draw, x: FeatureMap) -> Layer:
    return recurrent.Gru(**draw(recurrent_fields()))


@layers_of(recurrent.Lstm, sequences)
def _(draw: Draw, x: FeatureMap) -> Layer:
    return recurrent.Lstm(projection=draw(number(0, 3, wrong=-1)), **draw(recurrent_fields()))


def recurrent_fields() -> st.SearchStrategy[dict[str, Any]]:
    """The fields that all recurrent kinds have."""
    return st.fixed_dictionaries(
        {
            "features": number(1, 5, wrong=0),
            "layers": number(1, 3, wrong=0),
            "bidirectional": st.booleans(),
            "bias": st.booleans(),
            "dropout": st.sampled_from([0.0, 0.0, 0.5, 1.0, 1.5]),
            "output": st.sampled_from(["sequence", "last"]),
        }
    )


# ----- pooling -----


@layers_of(pooling.MaxPool, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    kernel = draw(axes(number(1, 4, wrong=0), x))
    padding, ceil = draw(pool_paddings(kernel, x))
    if ceil and draw(st.booleans()):
        return pooling.MaxPool(
            kernel=kernel,
            stride=draw(st.one_of(st.none(), axes(number(1, 5, wrong=0), x))),
            padding=draw(st.sampled_from([0, padding])),
            ceil="caffe",
        )
    return pooling.MaxPool(
        kernel=kernel,
        stride=draw(st.one_of(st.none(), axes(number(1, 4, wrong=0), x))),
        padding=padding,
        dilation=draw(axes(number(1, 3, wrong=0), x)),
        ceil=ceil,
    )


@layers_of(pooling.AvgPool, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    kernel = draw(axes(number(1, 4, wrong=0), x))
    padding, ceil = draw(pool_paddings(kernel, x))
    return pooling.AvgPool(
        kernel=kernel,
        stride=draw(st.one_of(st.none(), axes(number(1, 4, wrong=0), x))),
        padding=padding,
        ceil=ceil,
        count_include_pad=draw(st.booleans()),
    )


@layers_of(pooling.AdaptiveAvgPool, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return pooling.AdaptiveAvgPool(output=draw(axes(number(1, 5, wrong=0), x)))


@layers_of(pooling.AdaptiveMaxPool, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return pooling.AdaptiveMaxPool(output=draw(axes(number(1, 5, wrong=0), x)))


@st.composite
def unpooled_examples(draw: Draw) -> Example:
    """A max unpool behind its pool: most often with the figures of that, and its input's size."""
    pooled = draw(maps(1, 3))
    kernel = draw(st.integers(1, min(4, *pooled.sizes)))
    padding = draw(st.integers(0, kernel // 2))
    pool = pooling.MaxPool(
        kernel=kernel,
        stride=draw(st.one_of(st.none(), st.integers(1, 3))),
        padding=padding,
        ceil=draw(st.booleans()),
    )
    layer = unpooling.MaxUnpool(
        kernel=draw(mostly(st.just(kernel), st.integers(1, 5))),
        stride=pool.stride,
        padding=draw(mostly(st.just(padding), st.integers(0, 2))),
        output=draw(st.one_of(st.none(), st.just(pooled.sizes), axes(st.integers(1, 9), pooled))),
    )
    return Example(layer, (pool.effect_on(pooled).output,), pool, pooled)


EXAMPLES[unpooling.MaxUnpool] = unpooled_examples()


# ----- resampling -----


@layers_of(upsampling.Upsample, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    linear: tuple[upsampling.Interpolation, ...] = ("nearest", "linear", "bilinear", "trilinear")
    fitting: list[upsampling.Interpolation] = ["nearest", "area"]
    fitting += linear[len(x.sizes) :][:1]
    fitting += ["bicubic"] if len(x.sizes) == 2 else []
    mode = draw(mostly(st.sampled_from(fitting), st.sampled_from([*linear, "bicubic"])))
    corners = mode in ("linear", "bilinear", "trilinear", "bicubic") and draw(st.booleans())
    align = draw(mostly(st.just(corners), st.booleans()))
    whole, ratio = number(1, 3, wrong=0), st.builds(Fraction, st.integers(1, 7), st.integers(2, 5))
    wide = len(x.sizes) < 3
    if draw(st.booleans()):
        factor = draw(axes(st.one_of(whole, ratio if wide else whole), x))
        return upsampling.Upsample(factor=factor, mode=mode, align_corners=align)
    size = draw(axes(number(1, 12 if wide else 7, wrong=0), x))
    return upsampling.Upsample(size=size, mode=mode, align_corners=align)


@layers_of(resampling.PixelShuffle, maps(2, 2, channels=36))
def _(draw: Draw, x: FeatureMap) -> Layer:
    fitting = [factor for factor in (1, 2, 3) if x.channels % factor**2 == 0]
    return resampling.PixelShuffle(factor=draw(mostly(st.sampled_from(fitting), st.integers(0, 3))))


@layers_of(resampling.PixelUnshuffle, maps(2, 2))
def _(draw: Draw, x: FeatureMap) -> Layer:
    fitting = [factor for factor in (1, 2, 3) if all(n % factor == 0 for n in x.sizes)]
    factor = draw(mostly(st.sampled_from(fitting), st.integers(0, 3)))
    return resampling.PixelUnshuffle(factor=factor)


@layers_of(resampling.Pad, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    fillings: list[resampling.Filling] = ["constant", "reflect", "replicate", "circular"]
    mode = draw(st.sampled_from(fillings))
    least = min(x.sizes, default=1)
    most = {"reflect": least - 1, "circular": least}.get(mode, 3)
    fitting = sides(min(most, 3), x, least=0 if mode == "circular" else -2)
    return resampling.Pad(
        sides=draw(mostly(fitting, sides(9, x))),
        mode=mode,
        value=draw(st.sampled_from([0.0, -1.0])),
    )


@layers_of(resampling.Crop, maps(1, 3))
def _(draw: Draw, x: FeatureMap) -> Layer:
    most = (min(x.sizes, default=1) - 1) // 2
    return resampling.Crop(sides=draw(mostly(sides(min(most, 3), x), sides(5, x))))


@layers_of(resampling.PadChannels, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    count = st.integers(0, 4)
    return resampling.PadChannels(before=draw(count), after=draw(count))


# ----- normalization and scales -----


@layers_of(normalization.BatchNorm, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return normalization.BatchNorm(affine=draw(st.booleans()), gamma=draw(st.booleans()))


@layers_of(frozen_norm.FrozenBatchNorm, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return frozen_norm.FrozenBatchNorm(eps=draw(st.sampled_from([1e-5, 0.01])))


@layers_of(normalization.LayerNorm, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return normalization.LayerNorm(
        over=draw(st.sampled_from(["all", "channels", "last"])),
        affine=draw(st.booleans()),
        bias=draw(st.booleans()),
    )


@layers_of(normalization.GroupNorm, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return normalization.GroupNorm(
        groups=draw(divisors(x.channels)), affine=draw(st.booleans()), bias=draw(st.booleans())
    )


@layers_of(local_response_norm.LocalResponseNorm, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    size = draw(number(1, 6, wrong=0))
    if draw(st.booleans()):
        return local_response_norm.LocalResponseNorm(size=size, region="within_channel")
    return local_response_norm.LocalResponseNorm(size=size)


@layers_of(instance_norm.InstanceNorm, maps(1, 3))
def _(draw: Draw, x: FeatureMap) -> Layer:
    affine, tracks = draw(st.booleans()), draw(st.booleans()) and x.positions > 1
    return instance_norm.InstanceNorm(affine=affine, track_running_stats=tracks)


@layers_of(l2_norm.Normalize, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    eps = draw(st.sampled_from([1e-12, 0.01]))
    return l2_norm.Normalize(axis=draw(axes_of(x)), scale=draw(st.booleans()), eps=eps)


@layers_of(normalization.Scale, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    factor, shift = st.sampled_from([1.0, 0.5, -1.0]), st.sampled_from([0.0, 1.0, -1.0])
    return normalization.Scale(factor=draw(factor), shift=draw(shift))


@layers_of(normalization.ChannelScale, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return normalization.ChannelScale(bias=draw(st.booleans()))


# ----- activations -----


@layers_of(activation.PReLU, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return activation.PReLU(per_channel=draw(st.booleans()))


@layers_of(activation.LeakyReLU, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return activation.LeakyReLU(slope=draw(st.floats(0, 1)))


@layers_of(activation.ELU, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return activation.ELU(alpha=draw(st.floats(0.125, 2)))


@layers_of(activation.GELU, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return activation.GELU(approximate=draw(st.sampled_from(["none", "tanh"])))


def _constants(kind: type[functions.PointwiseFunction], x: FeatureMap) -> st.SearchStrategy[Layer]:
    """Its constants, now and then those that torch refuses: 0, negative, one above the other."""
    usual, rare = st.floats(0.25, 2), st.sampled_from([0.0, -1.0, 3.0])
    drawn = {option.name: mostly(usual, rare) for option in kind.function.options}
    if "min" in drawn:
        drawn["min"] = mostly(st.floats(-2, 0), rare)
    return st.builds(kind, **drawn)


for _function in functions.FUNCTIONS:
    _pointwise = kind_called(_function.kind)
    assert _pointwise is not None and issubclass(_pointwise, functions.PointwiseFunction)
    register(_pointwise, partial(_constants, _pointwise), maps())


@layers_of(composed_functions.RReLU, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return composed_functions.RReLU(lower=draw(st.floats(0, 0.2)), upper=draw(st.floats(0.2, 1)))


@layers_of(composed_functions.Clamp, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    limit = st.one_of(st.none(), st.floats(-1, 1))
    return composed_functions.Clamp(min=draw(limit), max=draw(limit))


@layers_of(composed_functions.Power, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return composed_functions.Power(exponent=draw(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0])))


def _along(kind: type[Layer], x: FeatureMap) -> st.SearchStrategy[Layer]:
    return st.builds(kind, axis=axes_of(x))


_SOFTMAXES: tuple[type[Layer], ...] = (softmax.Softmax, softmax.LogSoftmax, softmax.Softmin)
for _kind in _SOFTMAXES:
    register(_kind, partial(_along, _kind), maps())


@layers_of(gating.GLU, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    even = [axis for axis, n in enumerate(x.shape) if n % 2 == 0]
    return gating.GLU(
        axis=draw(st.one_of(st.sampled_from(even), axes_of(x)) if even else axes_of(x))
    )


# ----- regularization -----


@layers_of(regularization.Dropout, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    p = draw(mostly(st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.just(1.5)))
    return regularization.Dropout(p=p)


@layers_of(regularization.DropPath, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return regularization.DropPath(p=draw(st.sampled_from([0.0, 0.3, 0.5, 1.0])))


# ----- reshaping -----


@layers_of(reshaping.Reshape, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    shape = []
    left = x.values
    for _ in range(draw(st.integers(0, 3))):
        shape.append(draw(divisors(left)))
        left = max(1, left // max(1, shape[-1]))
    shape.append(left)
    if draw(st.booleans()):
        shape[draw(st.integers(0, len(shape) - 1))] = -1
    return reshaping.Reshape(shape=tuple(shape))


@layers_of(rearranging.Rearrange, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    """Axes in up to two factors each, in any order, put together anew."""
    sizes: dict[str, int] = {}
    before, names = [], []
    for axis, size in enumerate(x.shape):
        own = [f"a{axis}", f"b{axis}"][: draw(st.integers(1, 2))]
        if len(own) == 2:
            sizes[own[1]] = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        before.append(f"({' '.join(own)})" if len(own) == 2 else own[0])
        names += own
    groups: list[list[str]] = []
    for name in draw(st.permutations(names)):
        joins: bool = draw(st.booleans())
        if groups and joins:
            groups[-1].append(name)
        else:
            groups.append([name])
    after = [f"({' '.join(group)})" for group in groups]
    return rearranging.Rearrange(
        axes=f"{' '.join(before)} -> {' '.join(after)}",
        copy=draw(st.sampled_from(["reordered", "needed", "apart"])),
        sizes=tuple(sizes.items()),
    )


@layers_of(slicing.Slice, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    axis = draw(st.integers(-x.rank, x.rank - 1))
    size = x.shape[axis]
    step, start = draw(st.integers(1, 3)), draw(st.integers(0, size - 1))
    stop = draw(st.integers(start + 1, size))
    if axis in (0, -x.rank) and (stop - start) % step:  # else their number grows by rounding
        step = 1
    return slicing.Slice(
        axis=axis,
        start=start - size * draw(st.booleans()),
        stop=None if stop == size and draw(st.booleans()) else stop,
        step=step,
    )


@layers_of(slicing.Select, maps(1, 3))
def _(draw: Draw, x: FeatureMap) -> Layer:
    axis = draw(st.integers(-x.rank, x.rank - 1))
    return slicing.Select(axis=axis, index=draw(st.integers(-x.shape[axis], x.shape[axis] - 1)))


def _reductions(
    kind: type[reductions.Reduction], x: FeatureMap
) -> st.SearchStrategy[reductions.Reduction]:
    """Over one axis or several, of which one is there twice now and then; never do all go."""
    several = st.lists(axes_of(x), min_size=1, max_size=x.rank).map(tuple)
    layers = st.builds(kind, axes=st.one_of(axes_of(x), several), keep=st.booleans())
    return layers.filter(lambda layer: layer.keep or not _goes_altogether(layer, x))


def _goes_altogether(layer: reductions.Reduction, x: FeatureMap) -> bool:
    given = layer.axes if isinstance(layer.axes, tuple) else (layer.axes,)
    return {axis % x.rank for axis in given} == {*range(x.rank)}


_REDUCTIONS: tuple[type[reductions.Reduction], ...] = (
    reductions.Mean,
    reductions.Sum,
    reductions.Max,
    reductions.Min,
    reductions.LogSumExp,
)
for _reduction in _REDUCTIONS:
    register(_reduction, partial(_reductions, _reduction), maps())


@layers_of(rolling.Roll, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    """Around any axes, one of them twice now and then; at times as many shifts as do not fit."""
    shift, count = st.integers(-7, 7), draw(st.integers(1, 3))
    axes = tuple(draw(st.lists(axes_of(x), min_size=count, max_size=count)))
    if draw(st.booleans()):
        return rolling.Roll(shifts=draw(shift), axes=axes if count > 1 else axes[0])
    counts = mostly(st.just(count), st.integers(1, 3))
    shifts = draw(counts.flatmap(lambda many: st.tuples(*[shift] * many)))
    return rolling.Roll(shifts=shifts, axes=axes)


@st.composite
def _with_single_places(draw: Draw, inputs: st.SearchStrategy[FeatureMap]) -> FeatureMap:
    """One of `inputs` with one value along some axes."""
    alone = [draw(st.sampled_from([n, 1])) for n in draw(inputs).shape]
    return FeatureMap(alone[0], tuple(alone[1:]))


@layers_of(repeating.Expand, _with_single_places(maps()))
def _(draw: Draw, x: FeatureMap) -> Layer:
    """Along the axes of one value to any size, along the others to theirs."""
    fitting = [st.sampled_from([-1, n] if n > 1 else [-1, 1, 2, 3, 5]) for n in x.shape]
    sizes = [mostly(fit, st.just(n + 1)) for fit, n in zip(fitting, x.shape, strict=True)]
    return repeating.Expand(shape=tuple([draw(size) for size in sizes]))


@layers_of(repeating.RepeatInterleave, maps(channels=4))
def _(draw: Draw, x: FeatureMap) -> Layer:
    repeats = draw(number(1, 4, wrong=0))
    return repeating.RepeatInterleave(repeats=repeats, axis=draw(axes_of(x)))


@layers_of(repeating.Tile, maps(channels=4))
def _(draw: Draw, x: FeatureMap) -> Layer:
    return repeating.Tile(repeats=tuple([draw(number(1, 3, wrong=0)) for _ in x.shape]))


@layers_of(rms_norm.RMSNorm, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return rms_norm.RMSNorm(affine=draw(st.booleans()), eps=draw(st.sampled_from([None, 1e-3])))


@layers_of(rotary.RotaryEmbedding, maps(1, 1).filter(lambda x: x.sizes[0] % 2 == 0))
def _(draw: Draw, x: FeatureMap) -> Layer:
    heads = draw(divisors(max(x.shape[-1] // 2, 1)))
    # The twin, of which torch has no operator, would take heads of an odd number of features.
    assume(not heads or x.shape[-1] % heads or not x.shape[-1] // heads % 2)
    return rotary.RotaryEmbedding(heads=heads)


@layers_of(reshaping.ChannelShuffle, spatial_maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    return reshaping.ChannelShuffle(groups=draw(divisors(x.channels)))


@layers_of(reshaping.ChannelSlice, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    start = draw(st.integers(0, x.channels - 1))
    stop = draw(mostly(st.integers(start + 1, x.channels), st.integers(0, x.channels + 2)))
    return reshaping.ChannelSlice(start=start, stop=stop)


@layers_of(reshaping.ChannelSplit, maps())
def _(draw: Draw, x: FeatureMap) -> Layer:
    parts = draw(divisors(x.channels))
    part = draw(mostly(st.integers(0, max(0, parts - 1)), st.just(parts)))
    return reshaping.ChannelSplit(parts=parts, part=part)


# ----- blocks -----


@layers_of(unfolding.Unfold, mostly(maps(2, 2, channels=3), maps(0, 3, channels=3)))
def _(draw: Draw, x: FeatureMap) -> Layer:
    return unfolding.Unfold(
        kernel=draw(axes(number(1, 3, wrong=0), x)),
        stride=draw(axes(number(1, 3, wrong=0), x)),
        padding=draw(axes(number(0, 2, wrong=-1), x)),
        dilation=draw(axes(number(1, 2, wrong=0), x)),
    )


@layers_of(unfolding.Fold, mostly(maps(1, 1, channels=18), maps(0, 3, channels=18)))
def _(draw: Draw, x: FeatureMap) -> Layer:
    """Blocks that lie apart, or in one row with a stride of their own; at times not as many."""
    columns = x.sizes[0] if x.sizes else 1
    fitting = [
        k for k in ((1, 1), (1, 2), (2, 1), (1, 3), (2, 2), (3, 3)) if x.channels % prod(k) == 0
    ]
    kernel = draw(st.sampled_from(fitting))
    rows = draw(st.sampled_from([n for n in range(1, columns + 1) if columns % n == 0]))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation, padding = draw(st.integers(1, 2)), draw(st.integers(0, 1))
    fits = [
        (count - 1) * s + dilation * (k - 1) + 1 - 2 * padding
        for count, s, k in zip((rows, columns // rows), stride, kernel, strict=True)
    ]
    return unfolding.Fold(
        output=draw(mostly(st.just(tuple(fits)), axes(number(1, 9, wrong=0), x))),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )


# ----- kinds without options -----


def _layer_alone(kind: type[Layer], x: FeatureMap) -> st.SearchStrategy[Layer]:
    return st.builds(kind)


_WITHOUT_OPTIONS: tuple[type[Layer], ...] = (
    activation.ReLU,
    activation.ReLU6,
    activation.SiLU,
    activation.Sigmoid,
    activation.Tanh,
    activation.HardSwish,
    activation.HardSigmoid,
    composed_functions.Softsign,
    composed_functions.Tanhshrink,
    composed_functions.LogSigmoid,
    reshaping.Identity,
    reshaping.Flatten,
)
for _kind in _WITHOUT_OPTIONS:
    register(_kind, partial(_layer_alone, _kind), maps())
register(pooling.GlobalAvgPool, partial(_layer_alone, pooling.GlobalAvgPool), spatial_maps())


# ----- joins -----


def strangers(x: FeatureMap) -> st.SearchStrategy[list[FeatureMap]]:
    """Now and then a branch that fits neither `x` nor what torch would spread over it."""
    larger = FeatureMap(x.channels + 1, tuple([n + 1 for n in x.sizes]))
    wrong = [larger] if x.sizes and x.channels > 1 and min(x.sizes) > 1 else []
    return mostly(st.just([]), st.just(wrong))


@st.composite
def concat_examples(draw: Draw) -> Example:
    """Maps that differ along one axis, the channels more often than another."""
    x = draw(maps())
    axes = len(x.shape)
    axis = draw(mostly(st.sampled_from([0, 0, *range(-axes, axes)]), st.just(axes)))
    branches = [x]
    for size in draw(st.lists(st.integers(1, 6), max_size=3)):
        shape = [*x.shape]
        shape[axis % axes] = size
        branches.append(FeatureMap(shape[0], tuple(shape[1:])))
    return Example(joining.Concat(axis=axis), (*branches, *draw(strangers(x))))


@st.composite
def elementwise_examples(draw: Draw, kind: type[Layer], fewest: int = 1, most: int = 4) -> Example:
    """Maps of one shape, some of one position along some axes: spread over those of the others."""
    x = draw(maps())
    single = FeatureMap(x.channels, (1,) * len(x.sizes))
    along_any = st.tuples(*[st.sampled_from([1, n]) for n in x.shape])
    spread = along_any.map(lambda shape: FeatureMap(shape[0], shape[1:]))
    branch = st.one_of(st.sampled_from([x, x, single]), spread)
    branches = draw(st.lists(branch, min_size=fewest, max_size=most))
    return Example(kind(), (*branches, *draw(strangers(x)))[-most:])


EXAMPLES[joining.Concat] = concat_examples()
for _join in (
    joining.Add,
    joining.Average,
    joining.Multiply,
    further_joins.Maximum,
    further_joins.Minimum,
):
    EXAMPLES[_join] = elementwise_examples(_join)
for _of_two in (further_joins.Subtract, further_joins.Divide):
    EXAMPLES[_of_two] = elementwise_examples(_of_two, fewest=2, most=2)


@st.composite
def attention_examples(draw: Draw) -> Example:
    """Queries, keys and values of some heads, of which several may share their keys."""
    groups, ratio, each = (draw(st.integers(1, 3)) for _ in range(3))
    heads, length = groups * ratio, draw(st.integers(1, 5))
    steps, causal = draw(st.integers(1, 5)), draw(st.booleans())
    scores = [draw(mostly(st.sampled_from([n, 1]), st.just(7))) for n in (heads, length, steps)]
    bias = [FeatureMap(scores[0], tuple(scores[1:]))] if draw(st.booleans()) else []
    layer = attention.ScaledDotProductAttention(
        heads=heads,
        key_heads=groups if ratio > 1 or draw(st.booleans()) else None,
        causal=causal,
        scale=draw(st.one_of(st.none(), st.just(0.5))),
    )
    keys = FeatureMap(steps, (groups * each,))
    return Example(layer, (FeatureMap(length, (heads * each,)), keys, keys, *bias))


EXAMPLES[attention.ScaledDotProductAttention] = attention_examples()


@st.composite
def index_select_examples(draw: Draw) -> Example:
    """No field of it is exact, so that it stands in no random graph."""
    x = draw(maps())
    layer = indexing.IndexSelect(axis=draw(axes_of(x)), count=draw(number(1, 9, wrong=0)))
    return Example(layer, (x,))


EXAMPLES[indexing.IndexSelect] = index_select_examples()


@st.composite
def multihead_examples(draw: Draw) -> Example:
    """Of one input, of two, or of three of which the keys and values may be of other widths."""
    heads, each, length, steps = (draw(st.integers(1, 3)) for _ in range(4))
    width = heads * each
    layer = multihead_attention.MultiheadAttention(
        heads=draw(mostly(st.just(heads), st.sampled_from([0, width + 1]))),
        bias=draw(st.booleans()),
        causal=draw(st.booleans()),
        dropout=draw(st.sampled_from([0.0, 0.5])),
    )
    others = [
        FeatureMap(draw(mostly(st.just(steps), st.just(steps + 1))), (draw(of_width),))
        for of_width in [st.sampled_from([width, 2])] * draw(st.integers(0, 2))
    ]
    return Example(layer, (FeatureMap(length, (width,)), *others))


EXAMPLES[multihead_attention.MultiheadAttention] = multihead_examples()


@st.composite
def matmul_examples(draw: Draw) -> Example:
    """Two stacks of matrices, at times one matrix of one of them for several of the other."""
    n, k, m, other_k = (draw(st.integers(1, 4)) for _ in range(4))
    front = draw(st.lists(st.integers(1, 3), max_size=2))
    turned = draw(st.booleans())
    matrix = [draw(mostly(st.just(k), st.just(other_k))), m]
    first, second = ([draw(mostly(st.just(n), st.just(1))) for n in front] for _ in range(2))
    shapes = [*first, n, k], [*second, *(reversed(matrix) if turned else matrix)]
    inputs = tuple([FeatureMap(shape[0], tuple(shape[1:])) for shape in shapes])
    return Example(matmul.Matmul(transposed=turned), inputs)


EXAMPLES[matmul.Matmul] = matmul_examples()


@st.composite
def bilinear_examples(draw: Draw) -> Example:
    """Two inputs that are alike but for their features."""
    front = draw(st.lists(st.integers(1, 4), max_size=3))
    features = [draw(st.integers(1, 5)) for _ in range(2)]
    shapes = [[*front, n] for n in features]
    if front and draw(st.integers(0, 15)) == 15:
        shapes[1][0] += 1
    layer = bilinear.Bilinear(features=draw(number(1, 5, wrong=0)), bias=draw(st.booleans()))
    return Example(layer, tuple([FeatureMap(shape[0], tuple(shape[1:])) for shape in shapes]))


@st.composite
def grid_sample_examples(draw: Draw) -> Example:
    """A map of two or three axes, now and then of another number, and a grid for it."""
    x = draw(mostly(maps(2, 3, channels=4), maps(1, 1, channels=4)))
    axes = len(x.sizes)
    mode: Any = draw(st.sampled_from(["bilinear", "bilinear", "nearest", "bicubic"]))
    beyond: Any = draw(st.sampled_from(["zeros", "border", "reflection"]))
    layer = interpolating.GridSample(
        mode=mode, padding_mode=beyond, align_corners=draw(st.booleans())
    )
    sizes = [draw(st.integers(1, 4)) for _ in range(axes)]
    last = draw(mostly(st.just(axes), st.integers(1, 4)))
    return Example(layer, (x, FeatureMap(sizes[0], (*sizes[1:], last))))


@st.composite
def deform_conv_examples(draw: Draw) -> Example:
    """A map, offsets in some groups, and a mask or none; now and then one channel too many."""
    served, groups, shared = (draw(st.integers(1, 2)) for _ in range(3))
    x = FeatureMap(served * groups * shared, (draw(st.integers(1, 7)), draw(st.integers(1, 7))))
    layer = deform_conv.DeformConv(
        channels=draw(multiples(groups, 3)),
        kernel=draw(axes(number(1, 3, wrong=0), x)),
        stride=draw(axes(number(1, 3, wrong=0), x)),
        padding=draw(axes(number(0, 2, wrong=-1), x)),
        dilation=draw(axes(number(1, 2, wrong=0), x)),
        groups=draw(mostly(st.just(groups), st.just(5))),
        bias=draw(st.booleans()),
    )
    try:
        shape = convolution.Conv(**vars(layer)).effect_on(x).output
        sizes, kernel = shape.sizes, per_axis(layer.kernel, x, "kernel")
    except LayerError:  # which any offsets leave as it is
        sizes, kernel = (1, 1), (1, 1)
    places = served * prod(kernel)
    sizes = draw(mostly(st.just(sizes), st.just((sizes[0] + 1, sizes[1]))))
    offsets = FeatureMap(2 * places + draw(mostly(st.just(0), st.just(1))), sizes)
    mask = FeatureMap(places + draw(mostly(st.just(0), st.just(1))), sizes)
    return Example(layer, (x, offsets, *([mask] if draw(st.booleans()) else [])))


@st.composite
def roi_align_examples(draw: Draw) -> Example:
    """A map and boxes, now and then of another number of corners."""
    x = draw(maps(2, 2, channels=4))
    layer = roi_align.RoiAlign(
        output=draw(axes(number(1, 3, wrong=0), x)),
        sampling_ratio=draw(number(1, 3, wrong=0)),
        spatial_scale=draw(st.sampled_from([1.0, 0.25])),
        aligned=draw(st.booleans()),
    )
    corners = draw(mostly(st.just(4), st.just(3)))
    return Example(layer, (x, FeatureMap(draw(st.integers(1, 5)), (corners,))))


EXAMPLES[bilinear.Bilinear] = bilinear_examples()
EXAMPLES[interpolating.GridSample] = grid_sample_examples()
EXAMPLES[deform_conv.DeformConv] = deform_conv_examples()
EXAMPLES[roi_align.RoiAlign] = roi_align_examples()

# No layer that learns can stand before these, or behind them: tests/layers/test_tokens.py and
# test_quantizing.py have networks of them.
# What is opaque has no twin, and refuses every shape but one: tests/layers/test_opaque.py.
WITHOUT_EXAMPLES = (
    embedding.Embedding,
    sources.Parameter,
    quantizing.Quantize,
    quantizing.Dequantize,
    opaque.Opaque,
)

# The functions of the table share one rule: that of one of them stands for all.
KINDS_WITH_RULES = [
    kind
    for kind in EXAMPLES
    if not issubclass(kind, functions.PointwiseFunction) or kind.kind == "hard_tanh"
]
