"""What layers refuse of which torch has no word, or says something else."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import cast

import pytest
import torch

from archcalc import FeatureMap, LayerError
from archcalc.layers import Effect, Layer
from archcalc.layers.convolution import Conv, ConvTranspose, LocallyConnected
from archcalc.layers.further_joins import Divide, Subtract
from archcalc.layers.instance_norm import InstanceNorm
from archcalc.layers.joining import Add, Concat, Multiply
from archcalc.layers.local_response_norm import LocalResponseNorm
from archcalc.layers.normalization import BatchNorm
from archcalc.layers.pooling import AdaptiveAvgPool, AvgPool, GlobalAvgPool, MaxPool
from archcalc.layers.regularization import Dropout, DropPath
from archcalc.layers.resampling import Crop, Pad, PadChannels, PixelShuffle
from archcalc.layers.reshaping import ChannelShuffle, ChannelSlice, ChannelSplit, Reshape
from archcalc.layers.rolling import Roll
from archcalc.layers.sliding import sliding_windows
from archcalc.layers.unpooling import MaxUnpool
from archcalc.layers.upsampling import Upsample
from archcalc.torch_backend.layer_modules import module_for

VECTOR = (8,)
NO_AXIS = "needs at least one spatial axis, and a vector has none"


def refusal(layer: Layer, *shapes: tuple[int, ...]) -> str:
    """Why the layer refuses maps of these shapes, channels first."""
    rule: Callable[..., Effect] = layer.effect_on  # joins take several maps
    with pytest.raises(LayerError) as refused:
        rule(*[FeatureMap(shape[0], shape[1:]) for shape in shapes])
    return str(refused.value)


@pytest.mark.parametrize(
    "layer",
    [
        Conv(channels=4, kernel=3),
        ConvTranspose(channels=4, kernel=3),
        LocallyConnected(channels=4, kernel=3),
        MaxPool(kernel=2),
        AvgPool(kernel=2),
        AdaptiveAvgPool(output=1),
        GlobalAvgPool(),
        MaxUnpool(kernel=2),
        Upsample(factor=2),
        Pad(sides=1),
        Crop(sides=1),
        LocalResponseNorm(),
        ChannelShuffle(groups=2),
    ],
    ids=lambda layer: layer.kind,
)
def test_what_slides_needs_an_axis_to_slide_along(layer: Layer) -> None:
    assert refusal(layer, VECTOR) == NO_AXIS


@pytest.mark.parametrize(
    "layer",
    [
        Conv(channels=4, kernel=1),
        ConvTranspose(channels=4, kernel=1),
        LocallyConnected(channels=4, kernel=1),
        MaxPool(kernel=1),
        AvgPool(kernel=1),
        AdaptiveAvgPool(output=1),
        GlobalAvgPool(),
        MaxUnpool(kernel=1),
        Upsample(factor=2),
        Pad(sides=1, mode="reflect"),
        BatchNorm(),
        InstanceNorm(),
    ],
    ids=lambda layer: layer.kind,
)
def test_torch_slides_and_normalizes_along_up_to_three_axes(layer: Layer) -> None:
    assert refusal(layer, (4, 2, 2, 2, 2)) == "takes up to 3 spatial axes, and 4x2x2x2x2 has 4"


@pytest.mark.parametrize("layer", [Pad(sides=1), Pad(sides=1, value=2.0)], ids=str)
def test_torch_fills_borders_along_any_number_of_axes(layer: Layer) -> None:
    x = FeatureMap(1, (2, 2, 2, 2))
    (found,) = module_for(layer, x)(torch.zeros(1, *x.shape))
    assert tuple(found.shape) == layer.effect_on(x).output.shape


@pytest.mark.parametrize(
    ("layer", "shape", "why"),
    [
        (Conv(channels=4, kernel=(3, 3)), (8, 9), "kernel has 2 values for 1 spatial axis"),
        (Conv(channels=4, kernel=3, stride=(2,)), (8, 9, 9), "stride has 1 values for 2"),
        (MaxPool(kernel=3, padding=(1, 1, 1)), (8, 9, 9), "padding has 3 values for 2"),
        (Upsample(factor=(2, 2)), (8, 9), "factor has 2 values for 1 spatial axis"),
        (AdaptiveAvgPool(output=(2,)), (8, 9, 9), "output has 1 values for 2 spatial axes"),
    ],
)
def test_there_is_one_value_for_each_axis(layer: Layer, shape: tuple[int, ...], why: str) -> None:
    assert why in refusal(layer, shape)


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (Conv(channels=4, kernel=3, padding=((1, -1), (0, 0))), "a padding of -1"),
        (Conv(channels=4, kernel=3, padding="full"), "'full' is neither 'same' nor 'valid'"),
        (ConvTranspose(channels=4, kernel=3, dilation=0), "a dilation of 0"),
        (MaxPool(kernel=2, padding=((0, 2), (0, 0))), "padding 2 is more than half a kernel of 2"),
        (MaxPool(kernel=2, padding=((0, 1), (0, 0)), ceil=True), "same padding on both sides"),
        (MaxPool(kernel=2, padding="same", ceil="caffe"), "knows neither dilation nor `same`"),
        (MaxPool(kernel=2, dilation=2, ceil="caffe"), "knows neither dilation nor `same`"),
        (MaxUnpool(kernel=2), "needs `indices`, the name of the max pool that it undoes"),
        (Pad(sides=((-4, -5), (0, 0))), "-4 before and -5 after leave nothing of 9"),
        (Pad(sides=((-10, 12), (0, 0))), "-10 and 12 cut off more than 9"),
        (Pad(sides=9, mode="reflect"), "9 to reflect on a side of 9"),
        (Pad(sides=10, mode="circular"), "10 to go around on a side of 9"),
        (Pad(sides=-1, mode="circular"), "-1 on a side, where it goes around"),
        (Crop(sides=(-1, 0)), "-1 on a side"),
        (Crop(sides=((4, 5), (0, 0))), "cropping 4 and 5 off 9"),
        (PadChannels(before=-1), "-1 channels before"),
        (PadChannels(after=-1), "-1 channels after"),
        (ChannelSlice(start=-1, stop=2), "starts at channel -1"),
        (ChannelSlice(start=2, stop=2), "no channels between 2 and 2"),
        (ChannelSplit(parts=2, part=-1), "part -1"),
        (ChannelSplit(parts=3, part=0), "8 channels do not divide into 3 parts"),
        (Reshape(shape=(-1, -1)), "a size of -1"),
        (Reshape(shape=(-1, 5)), "648 values do not fill -1x5"),
        (Reshape(shape=(1,) * 9), "a shape of 9 numbers; 1 to 8 work"),
        (Roll(shifts=(1, 2), axes=0), "2 shifts for 1 axes"),
        (Roll(shifts=1, axes=(0, 3)), "no axis 3 of 8x9x9"),
        (Dropout(p=1.5), "p (=1.5) is a probability"),
        (DropPath(p=-0.1), "p (=-0.1) is a probability"),
        (Upsample(factor=2, mode="trilinear"), "mode 'trilinear' is for 3 spatial axes"),
        (Upsample(factor=2, mode="area", align_corners=True), "'area' has no corners to align"),
        (Upsample(), "takes either `factor` or `size`"),
        (Upsample(factor=2, size=18), "takes either `factor` or `size`"),
        (Upsample(factor=cast(int, Fraction(1, 10))), "a factor of 1/10 leaves nothing of 9"),
        (Upsample(size=0), "a size of 0"),
    ],
)
def test_figures_without_a_meaning_are_refused(layer: Layer, why: str) -> None:
    assert why in refusal(layer, (8, 9, 9))


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 9, 9)])
def test_a_pixel_shuffle_takes_two_axes(shape: tuple[int, ...]) -> None:
    assert "needs 2 spatial axes" in refusal(PixelShuffle(factor=2), shape)


def test_along_three_axes_torch_fits_averages_without_their_padding() -> None:
    why = refusal(AvgPool(kernel=4, padding=2), (8, 3, 9, 9))
    assert why == "a kernel of 4 does not fit in 3 without its padding"


@pytest.mark.parametrize("other", [(2, 5, 5), (4, 2, 5), (4, 5), (5,), VECTOR])
@pytest.mark.parametrize("join", [Add(), Multiply()], ids=lambda join: join.kind)
def test_only_one_position_is_spread_and_only_along_as_many_axes(
    join: Layer, other: tuple[int, ...]
) -> None:
    # torch would have (N, 5) and (N, 4, 5, 5) meet at their last axes, or else refuse.
    assert "do not match" in refusal(join, (4, 5, 5), other)
    assert "do not match" in refusal(join, other, (4, 5, 5))


def test_a_gate_of_linear_layers_is_told_how_it_becomes_one() -> None:
    assert refusal(Multiply(), (8, 5, 5), VECTOR) == (
        "branches of 8x5x5 and 8 do not match: 8 has 1 axis and 8x5x5 has 3; "
        "reshape: {shape: [8, 1, 1]} makes it one value for each channel"
    )


@pytest.mark.parametrize("join", [Subtract(), Divide()], ids=lambda join: join.kind)
def test_a_difference_is_of_two(join: Layer) -> None:
    assert refusal(join, VECTOR, VECTOR, VECTOR) == "takes two branches, and there are 3"
    assert refusal(join, VECTOR) == "takes two branches, and there are 1"


@pytest.mark.parametrize("axis", [3, -4])
def test_an_axis_is_one_of_an_image(axis: int) -> None:
    why = "no axis {} of 4x5x5: its axes are 0 to 2, or -3 to -1"
    assert refusal(Concat(axis=axis), (4, 5, 5), (4, 5, 5)) == why.format(axis)


def test_branches_of_other_sizes_do_not_concatenate() -> None:
    assert refusal(Concat(), (4, 5, 5), (2, 5, 4)) == "branches of 4x5x5 and 2x5x4 do not match"


@pytest.mark.parametrize("output", [(3, 7), (9, 7)])
def test_an_unpooling_stays_within_a_stride(output: tuple[int, int]) -> None:
    layer = MaxUnpool(kernel=2, stride=2, output=output)
    with pytest.raises(LayerError, match="is not within a stride"):
        layer.effect_on(FeatureMap(2, (3, 3)), FeatureMap(2, output))


@pytest.mark.parametrize(
    ("pool", "size", "refused"),
    [
        (MaxPool(kernel=2, padding="same", dilation=5), 2, True),  # taps at -2 and 3
        (MaxPool(kernel=2, padding="same", dilation=2), 2, False),
        (MaxPool(kernel=3, padding="same", dilation=5, stride=1), 1, False),  # -5, 0 and 5
        (MaxPool(kernel=2, padding=1, dilation=3, stride=1), 2, True),  # -1 and 2
        (MaxPool(kernel=2, padding=1, dilation=3, stride=1), 3, False),
    ],
)
def test_no_window_of_a_max_pool_lies_in_the_padding_alone(
    pool: MaxPool, size: int, refused: bool
) -> None:
    if refused:
        assert "lies in the padding alone" in refusal(pool, (1, size))
    else:
        pool.effect_on(FeatureMap(1, (size,)))


def test_windows_in_the_padding_alone_are_found_one_by_one() -> None:
    for size, kernel, stride, dilation in product(range(1, 9), range(1, 6), range(1, 4), range(8)):
        for padding in ("same", 0, kernel // 2):
            pool = MaxPool(kernel=kernel, stride=stride, dilation=dilation + 1, padding=padding)
            try:
                windows = sliding_windows(
                    FeatureMap(1, (size,)), kernel, stride, padding, dilation + 1
                )
                count = windows[0].placements(size)
            except LayerError:
                continue
            taps = [
                [n * stride - windows[0].before + (dilation + 1) * t for t in range(kernel)]
                for n in range(count)
            ]
            alone = any(all(not 0 <= tap < size for tap in window) for window in taps)
            try:
                pool.effect_on(FeatureMap(1, (size,)))
            except LayerError:
                assert alone, pool
            else:
                assert not alone, pool
