"""What convolutions are defined by, beside torch's own."""

from __future__ import annotations

from typing import Any, cast

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from archcalc import FeatureMap, analyze
from archcalc.layers.convolution import Conv, ConvTranspose
from archcalc.torch_backend.layer_modules import module_for

numbers = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5))


@given(st.lists(numbers, min_size=1, max_size=2))
def test_transposed_same_is_the_transpose_of_a_convolution_with_same(
    along: list[tuple[int, int, int, int]],
) -> None:
    kernel, stride, dilation, sizes = (tuple(values) for values in zip(*along, strict=True))
    small = FeatureMap(2, sizes)
    large = FeatureMap(3, tuple([n * s for n, s in zip(sizes, stride, strict=True)]))
    options: dict[str, Any] = {
        "kernel": kernel,
        "stride": stride,
        "dilation": dilation,
        "bias": False,
    }
    conv = module_for(Conv(channels=2, padding="same", **options), large).double()
    spread = module_for(ConvTranspose(channels=3, padding="same", **options), small).double()
    spread.weight = cast(nn.Parameter, conv.weight)  # both (2, 3, k…)
    image = torch.rand(1, *large.shape, dtype=torch.float64, requires_grad=True)
    given_back = torch.rand(1, *small.shape, dtype=torch.float64)
    (transposed,) = torch.autograd.grad(conv(image), image, given_back)
    assert torch.allclose(spread(given_back), transposed)


def test_keras_doubles_a_map() -> None:
    """`Conv2DTranspose(8, 3, strides=2, padding="same")`: pytorch#3867."""
    text = (
        "name: decoder\ninput: [8, 7, 7]\nlayers:\n"
        "  - conv_transpose: {channels: 8, kernel: 3, stride: 2, padding: same}\n"
    )
    assert analyze(text).layers[0].output == FeatureMap(8, (14, 14))
