"""Weights that are shared, computed, or constant; and what no kind covers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from archcalc.errors import UsageError
from archcalc.importing.capture.capturing import capture
from archcalc.importing.kinds import statements
from tests.importing.kinds.judge import imported, same
from tests.importing.kinds.test_layers_of_one_operator import Function


class Standardized(nn.Conv2d):
    """Weights of mean 0 and variance 1, times a gain."""

    def __init__(self, gain: bool) -> None:
        super().__init__(3, 4, 3)
        self.gain = nn.Parameter(torch.ones(4, 1, 1, 1)) if gain else None

    def forward(self, x: Tensor) -> Tensor:
        flat = self.weight.reshape(1, 4, -1)
        weight = F.batch_norm(flat, None, None, training=True).reshape_as(self.weight)
        if self.gain is not None:
            weight = weight * self.gain
        return F.conv2d(x, weight, self.bias)


def test_weights_that_are_computed_are_the_layers_own_and_a_note_says_so() -> None:
    found = imported(Standardized(gain=False), (3, 5, 5))
    assert found.kinds == ["conv"]
    assert found.model.notes == (
        "weights are computed anew in each run, and what that takes is not counted: weight",
    )


def test_a_gain_of_the_weights_is_one_of_the_channels() -> None:
    assert imported(Standardized(gain=True), (3, 5, 5)).kinds == ["conv", "channel_scale"]


def test_weight_norm_is_that_of_the_layer() -> None:
    module = nn.Sequential(parametrizations.weight_norm(nn.Conv1d(3, 4, 2)))
    assert imported(module, (3, 6)).fields("conv")["weight_norm"] is True


class Blur(nn.Module):
    """A kernel that is kept, as it is or computed anew, over each channel by itself."""

    kernel: Tensor

    def __init__(self, computed: bool = False) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0])
        kernel = row[:, None] * row / 16
        self.computed = computed
        self.register_buffer("kernel", row if computed else kernel.repeat(3, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel
        if self.computed:
            kernel = (kernel[:, None] * kernel / kernel.sum() ** 2).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


def test_a_kernel_that_is_kept_is_that_of_a_fixed_convolution() -> None:
    module = nn.Sequential(nn.Conv2d(2, 3, 1), Blur(), nn.ReLU())
    found = same(module, (2, 6, 6))
    assert found.kinds == ["conv", "fixed_conv", "relu"]
    fields = {"channels": 3, "kernel": 3, "stride": 2, "padding": 1, "groups": 3}
    assert found.fields("fixed_conv") == fields
    assert found.analysis.buffers == 3 * 3 * 3


def test_so_is_one_that_is_computed_of_what_is_kept_alone() -> None:
    found = imported(nn.Sequential(Blur(computed=True), Blur()), (3, 6, 6))
    assert found.kinds == ["fixed_conv", "fixed_conv"]


def test_a_kernel_that_two_calls_take_is_no_reason_to_share() -> None:
    blur = Blur()
    assert imported(nn.Sequential(blur, nn.ReLU(), blur), (3, 6, 6)).kinds[-1] == "fixed_conv"


@pytest.mark.parametrize("transposed", [False, True])
def test_convolutions_by_kernels_of_each_image_are_opaque_and_their_products_are_known(
    transposed: bool,
) -> None:
    def function(x: Tensor) -> Tensor:
        images = len(x)
        kernels = x.mean((2, 3)).reshape(images * 4, 1, 1, 1).expand(-1, 2, 3, 3)
        convolve = F.conv_transpose2d if transposed else F.conv2d
        side = x.reshape(1, images * 4, 6, 6)
        if not transposed:
            side = side.repeat_interleave(2, dim=1)
        return convolve(side, kernels, groups=images * 4).flatten(1).view(images, -1)

    assert "opaque" in imported(Function(function), (4, 6, 6)).kinds


def test_of_products_that_are_opaque_the_number_is_known() -> None:
    found = imported(Function(lambda x: (x.new_ones(3, 4) @ x.t()).t()), (4,))
    assert found.kinds[0] == "opaque"
    assert found.analysis.macs == 3 * 4


def test_a_fixed_convolution_with_a_learned_bias_is_opaque_and_its_products_are_known() -> None:
    class Biased(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, x.new_ones(3, 1, 3, 3), self.bias, groups=3)

    found = imported(Biased(), (3, 6, 6))
    assert found.kinds[-1] == "opaque"
    assert found.analysis.macs == 3 * 4 * 4 * 9


def test_what_no_kind_does_is_opaque_with_the_sizes_that_it_had() -> None:
    def function(x: Tensor) -> Tensor:
        values, places = x.topk(3, dim=1)
        return values.relu() + places

    found = imported(Function(function), (8,))
    first, second, relu, add = found.model.statements
    assert [each.kind for each in (first, relu, second, add)] == [
        "opaque",
        "relu",
        "opaque",
        "opaque",
    ]
    assert first.fields == {"operator": "topk", "of": [[8]], "shape": [3], "macs": 0}
    assert second.fields["output"] == 1
    assert second.fields["dtype"] == "int64"


def test_a_model_that_mixes_the_images_of_a_batch_is_refused_in_one_line() -> None:
    trace = capture(Function(lambda x: x @ x.transpose(0, 1)), (4,))
    with pytest.raises(UsageError, match=r"matmul .* nothing can be said of its output"):
        statements(trace, "a test")


def test_what_is_computed_of_parameters_alone_is_a_layer_once_for_all_images() -> None:
    class Table(nn.Module):
        def __init__(self, filtered: bool) -> None:
            super().__init__()
            self.filtered = filtered
            self.places = nn.Parameter(torch.rand(1, 4, 2, 2))
            self.project = nn.Conv2d(4, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            places = F.interpolate(
                self.places, size=(6, 6), mode="bilinear", antialias=self.filtered
            )
            return x + self.project(places)  # type: ignore[no-any-return]

    for filtered in (False, True):
        assert same(Table(filtered), (3, 6, 6)).kinds == ["parameter", "upsample", "conv", "add"]


@pytest.mark.parametrize(("mode", "side"), [("bilinear", 2), ("bicubic", 2), ("bicubic", 8)])
def test_a_filter_against_aliasing_is_an_operator_of_its_own(mode: str, side: int) -> None:
    def function(x: Tensor) -> Tensor:
        return F.interpolate(x, size=(side, side), mode=mode, antialias=True)

    assert imported(Function(function), (3, 4, 4)).kinds == ["opaque"]


def test_values_of_another_width_are_attended_to_step_by_step() -> None:
    def function(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)

    found = same(Function(function), (2, 5, 4), (2, 3, 4), (2, 3, 6))
    assert found.kinds == ["matmul", "scale", "softmax", "matmul"]


def test_a_group_norm_may_have_no_bias() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4))
    module[1].register_parameter("bias", None)
    assert same(module, (3, 5, 5)).fields("group_norm") == {"groups": 2, "bias": False}


@pytest.mark.parametrize(("weight", "bias"), [(True, False), (False, True)])
def test_a_norm_with_one_of_two_that_its_kind_has_both_of_is_opaque(
    weight: bool, bias: bool
) -> None:
    class Norm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(3)) if weight else None
            self.bias = nn.Parameter(torch.rand(3)) if bias else None

        def forward(self, x: Tensor) -> Tensor:
            return F.instance_norm(x, weight=self.weight, bias=self.bias)

    assert imported(Norm(), (3, 6, 6)).kinds == ["opaque"]


def test_attention_of_torch_is_one_layer() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attn = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.attn(x, x, x)[0]  # type: ignore[no-any-return]

    found = same(Block(), (5, 8))
    assert (found.kinds, found.names) == (["multihead_attention"], ["attn"])


@pytest.mark.parametrize(
    "function",
    [
        lambda x, t: x[:, t[0], t[1]],
        lambda x, t: x[:, t[0][:, :1], t[1][:1], :2],
        lambda x, t: x[..., t[0], t[1]],
        lambda x, t: x[:, None, 1, t[0]],
        lambda x, t: x[:, [0, 2], [1, 3]],
        lambda x, t: x[:, t[0], 1],
    ],
)
def test_places_by_several_tables_are_places_of_their_axes_as_one(
    function: Callable[[Tensor, Tensor], Tensor],
) -> None:
    class Places(nn.Module):
        tables: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("tables", torch.tensor([[[0, 1, 2], [2, 1, 0]]] * 2))

        def forward(self, x: Tensor) -> Tensor:
            return function(x, self.tables) * 2

    found = imported(Places(), (5, 4, 6))
    assert "index_select" in found.kinds and "opaque" not in found.kinds


def test_tables_with_something_between_them_are_opaque() -> None:
    assert imported(Function(lambda x: x[:, [0, 1], :, [1, 0]]), (5, 4, 6)).kinds == ["opaque"]


def test_places_by_a_list_and_items_for_each_image() -> None:
    assert imported(Function(lambda x: x[:, [4, 0, 1]]), (6, 8)).kinds == ["index_select"]
    found = imported(Function(lambda x: x.repeat_interleave(3, dim=0).relu()), (4, 5))
    assert found.kinds == ["rearrange", "expand", "relu"]


def test_a_head_for_a_loss_stands_in_training_alone() -> None:
    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 2, 1)
            self.fc = nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(F.adaptive_avg_pool2d(self.conv(x), 1).flatten(1))  # type: ignore[no-any-return]

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 3)
            self.aux = Head()
            self.fc = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            x = self.stem(x)
            out: Tensor = self.fc(x.mean((2, 3)))
            return (out, self.aux(x)) if self.training else out

    found = imported(Network(), (3, 6, 6))
    assert found.names[-4:] == ["aux.conv", "aux.global_avg_pool", "aux.flatten", "aux.fc"]
    assert [each.head for each in found.model.statements[-5:]] == ["", *["aux"] * 4]
    assert found.analysis.training_only_totals.params == 4 * 2 + 2 + 2 * 3 + 3


def test_a_path_that_training_drops_is_so_and_what_does_nothing_is_left_out() -> None:
    class DropPath(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                return x
            return x * x.new_empty((x.shape[0], 1)).bernoulli_(0.75) / 0.75

    module = nn.Sequential(nn.Linear(3, 4), nn.Identity(), DropPath(), nn.ReLU())
    found = imported(module, (3,))
    assert found.kinds == ["linear", "drop_path", "relu"]
    assert found.fields("drop_path") == {"p": 0.25}
