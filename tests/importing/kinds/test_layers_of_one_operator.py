"""Operators that are one layer each, with drawn settings."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from torch import Tensor, nn

from tests.importing.kinds.judge import imported, same


class Function(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> object:
        return self.function(*tensors)


def _drawn(*types: type[nn.Module]) -> st.SearchStrategy[type[nn.Module]]:
    return st.sampled_from(types)


@st.composite
def convolutions(draw: DrawFn) -> tuple[nn.Module, tuple[int, ...]]:
    axes = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 2]))
    transposed = draw(st.booleans())
    settings = {
        "kernel_size": draw(st.integers(1, 3)),
        "stride": draw(st.integers(1, 2)),
        "padding": draw(st.integers(0, 1)),
        "dilation": draw(st.integers(1, 2)),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    names = "ConvTranspose" if transposed else "Conv"
    kind = getattr(nn, f"{names}{axes}d")
    module = kind(2 * groups, 4, **settings)
    return module, (2 * groups, *[draw(st.integers(5, 7)) for _ in range(axes)])


@given(convolutions())
def test_convolutions(drawn: tuple[nn.Module, tuple[int, ...]]) -> None:
    module, size = drawn
    found = same(nn.Sequential(module), size)
    assert found.kinds == ["conv_transpose" if "Transpose" in type(module).__name__ else "conv"]
    assert found.names == ["0"]


@given(
    axes=st.integers(1, 3),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    ceil=st.booleans(),
    size=st.integers(6, 9),
    way=st.sampled_from(["Max", "Avg", "AdaptiveAvg", "AdaptiveMax"]),
)
def test_pools(axes: int, kernel: int, stride: int, ceil: bool, size: int, way: str) -> None:
    kind = getattr(nn, f"{way}Pool{axes}d")
    if way.startswith("Adaptive"):
        module = kind(kernel)
    else:
        module = kind(kernel, stride, padding=kernel // 2, ceil_mode=ceil)
    same(module, (3, *[size] * axes))


@given(
    axes=st.integers(1, 3),
    affine=st.booleans(),
    way=st.sampled_from(["batch", "group", "instance", "local", "layer", "rms"]),
)
def test_norms(axes: int, affine: bool, way: str) -> None:
    size = (4, *[5] * axes)
    modules: dict[str, nn.Module] = {
        "batch": getattr(nn, f"BatchNorm{axes}d")(4, affine=affine),
        "group": nn.GroupNorm(2, 4, affine=affine),
        "instance": getattr(nn, f"InstanceNorm{axes}d")(4, affine=affine),
        "local": nn.LocalResponseNorm(3),
        "layer": nn.LayerNorm(5 if axes < 3 else size, elementwise_affine=affine),
        "rms": nn.RMSNorm(5, elementwise_affine=affine, eps=1e-6),
    }
    same(nn.Sequential(modules[way]), size)


ACTIVATIONS: list[nn.Module] = [
    nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(),
    nn.CELU(0.5), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Sigmoid(), nn.Tanh(),
    nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh(-0.2, 0.3), nn.Softplus(2.0), nn.Softsign(),
    nn.Tanhshrink(), nn.LogSigmoid(), nn.Softshrink(0.1), nn.Hardshrink(0.1),
    nn.Threshold(0.1, 0.3), nn.PReLU(), nn.PReLU(4), nn.GLU(1), nn.Softmax(1), nn.LogSoftmax(2),
    nn.Dropout(0.3), nn.Dropout2d(0.1), nn.RReLU(),
]  # fmt: skip


@given(st.sampled_from(ACTIVATIONS), st.sampled_from([(4, 3, 5), (4, 6)]))
def test_activations(module: nn.Module, size: tuple[int, ...]) -> None:
    module = module.float()
    if isinstance(module, nn.Dropout2d):
        size = (4, 3, 5)
    found = same(nn.Sequential(module), size)
    assert len(found.kinds) == 1


FUNCTIONS = (
    torch.square, torch.exp, torch.abs, torch.neg, torch.sin, torch.cos, torch.tanh, torch.erf,
    torch.floor, torch.sign, torch.round, torch.trunc, torch.frac, torch.exp2, torch.expm1,
    torch.atan, torch.sinh, torch.cosh, torch.erfc,
    lambda x: torch.sqrt(x + 1), lambda x: torch.rsqrt(x + 1), lambda x: torch.log(x + 1),
    lambda x: torch.log2(x + 1), lambda x: torch.log10(x + 1), lambda x: torch.log1p(x),
    lambda x: torch.reciprocal(x + 2), lambda x: -x, lambda x: x.clamp(-0.1, 0.2),
    lambda x: x.clamp(min=0.1), lambda x: torch.clamp_max(x, 0.2), lambda x: x**3,
    lambda x: (x + 1) ** 0.5, lambda x: 1 - x, lambda x: x * 3, lambda x: 2 / (x + 1),
    lambda x: x / 4, lambda x: x - 0.5, lambda x: 3 + x, lambda x: x.add_(1).mul_(2),
    lambda x: x + x, lambda x: x * x, lambda x: F.normalize(x, dim=1),
    lambda x: x.norm(dim=-1, keepdim=True),
    lambda x: x.var(-1, keepdim=True),
    lambda x: x.std(1, unbiased=False, keepdim=True),
    lambda x: x.pow(2).mean(-1, keepdim=True),
)  # fmt: skip


@given(st.sampled_from(FUNCTIONS), st.sampled_from([(4, 3, 5), (4, 6), (7,)]))
def test_functions_of_values(function: Callable[..., object], size: tuple[int, ...]) -> None:
    same(Function(function), size)


@given(
    way=st.sampled_from(["mean", "sum", "amax", "amin", "logsumexp"]),
    dims=st.sampled_from([(1,), (-1,), (2, 3), (1, 2, 3), (1, 3)]),
    keep=st.booleans(),
)
def test_reductions(way: str, dims: tuple[int, ...], keep: bool) -> None:
    function = getattr(torch, way)
    found = same(Function(lambda x: function(x, dim=dims, keepdim=keep)), (3, 4, 5))
    if way == "mean" and dims == (2, 3) and keep:
        assert found.kinds == ["global_avg_pool"]


@given(
    mode=st.sampled_from(["nearest", "bilinear", "bicubic", "area"]),
    corners=st.booleans(),
    size=st.sampled_from([None, (7, 4), (3, 9)]),
    factor=st.sampled_from([2, 3, 0.5, 1.5]),
)
def test_interpolation(
    mode: str, corners: bool, size: tuple[int, int] | None, factor: float
) -> None:
    settings = {"align_corners": corners} if mode in ("bilinear", "bicubic") else {}
    given_size = {"scale_factor": factor} if size is None else {"size": size}
    same(Function(lambda x: F.interpolate(x, mode=mode, **given_size, **settings)), (2, 6, 6))


@given(
    sides=st.lists(st.integers(0, 2), min_size=2, max_size=8).filter(lambda s: len(s) % 2 == 0),
    mode=st.sampled_from(["constant", "reflect", "replicate", "circular"]),
)
def test_borders(sides: list[int], mode: str) -> None:
    if len(sides) > 6:
        sides = sides[:6]
    if mode != "constant":
        sides = [*sides, 0, 0, 0, 0][:4]
    same(Function(lambda x: F.pad(x, sides, mode=mode)), (3, 4, 5))


def test_a_border_of_zeros_around_the_channels_has_a_name() -> None:
    found = imported(Function(lambda x: F.pad(x, (0, 0, 0, 0, 1, 2))), (3, 4, 5))
    assert found.kinds == ["pad_channels"]


@settings(max_examples=10)
@given(
    layers=st.integers(1, 2),
    both=st.booleans(),
    bias=st.booleans(),
    first=st.booleans(),
    kind=_drawn(nn.LSTM, nn.GRU, nn.RNN),
)
def test_recurrent_layers(
    layers: int, both: bool, bias: bool, first: bool, kind: Callable[..., nn.Module]
) -> None:
    settings = {"num_layers": layers, "bidirectional": both, "bias": bias, "batch_first": first}

    class Sequence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells = kind(3, 4, **settings)

        def forward(self, x: Tensor) -> Tensor:
            if first:
                return self.cells(x)[0]  # type: ignore[no-any-return]
            return self.cells(x.transpose(0, 1))[0].transpose(0, 1)  # type: ignore[no-any-return]

    found = same(Sequence(), (5, 3))
    assert found.names == ["cells"]


def test_the_last_state_is_the_last_output() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 4, batch_first=True)
            self.head = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            _, (state, _) = self.lstm(x)
            return self.head(state[-1])  # type: ignore[no-any-return]

    assert same(Last(), (5, 3)).kinds == ["lstm", "select", "linear"]


@given(
    kernel=st.integers(1, 3), stride=st.integers(1, 2), padding=st.integers(0, 1),
)  # fmt: skip
def test_unfold_and_fold(kernel: int, stride: int, padding: int) -> None:
    settings = {"kernel_size": kernel, "stride": stride, "padding": padding}
    module = nn.Sequential(nn.Unfold(**settings), nn.ReLU(), nn.Fold((6, 6), **settings))
    assert same(module, (2, 6, 6)).kinds == ["unfold", "relu", "fold"]
