"""Forty ONNX files and more that torch's exporter writes: networks of the library, small modules.

Their sizes, parameters and products are those of what was exported.
"""

from __future__ import annotations

import warnings
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archcalc import Analysis, analyze, load
from archcalc.exporting import torch_source
from archcalc.importing.code import network_of_module
from tests.exporting.exported import class_of

# On inputs so small that an export takes a moment.
NETWORKS: dict[str, list[int] | None] = {
    "lenet5": None, "srcnn": [1, 16, 16], "espcn": [1, 8, 8], "tcn_copy_memory": None,
    "resnet20": None, "dcgan_generator": None, "mobilenet_v3_small": [3, 64, 64],
    "nin_cifar10": None, "mnasnet0_5": [3, 64, 64], "dcgan_discriminator": None,
    "mobilenet_v2": [3, 64, 64], "squeezenet1_1": [3, 64, 64], "inception_bottleneck": None,
    "fire_module": None, "pixelgan": [6, 16, 16], "mobilenet_v1_shallow": [3, 64, 64],
    "densenet_40_12": None, "highway_mnist10": None, "edsr_baseline_x2": [3, 8, 8],
    "efficientnet_b0": [3, 64, 64],
}  # fmt: skip


class Function(nn.Module):
    """A module and what is done with what it makes."""

    def __init__(self, module: nn.Module, function: Any) -> None:
        super().__init__()
        self.module = module
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.module, x)


def _seen(module: nn.Module, function: Any) -> nn.Module:
    return Function(module, function)


_IMAGE, _TOKENS = (3, 12, 12), (6, 8)
MODULES: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "linear": (nn.Sequential(nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3, bias=False)), (8,)),
    "linear on tokens": (nn.Sequential(nn.Linear(8, 5), nn.LeakyReLU()), _TOKENS),
    "conv1d": (nn.Sequential(nn.Conv1d(3, 4, 3, stride=2, dilation=2), nn.ELU()), (3, 20)),
    "conv3d": (nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.MaxPool3d(2)), (2, 6, 6, 6)),
    "grouped": (nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.Conv2d(6, 4, 1)), _IMAGE),
    "transposed": (nn.ConvTranspose2d(3, 4, 3, 2, 1, output_padding=1), _IMAGE),
    "batch norm": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU6()), _IMAGE),
    "hard swish": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Hardswish(), nn.Softplus()), _IMAGE),
    "layer norm": (nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8), nn.GELU()), _TOKENS),
    "instance norm": (nn.InstanceNorm2d(3, affine=True), _IMAGE),
    "prelu": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.PReLU(4)), _IMAGE),
    "pools": (nn.Sequential(nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(2)), _IMAGE),
    "adaptive pool": (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), _IMAGE),
    "bilinear upsampling": (nn.Upsample(scale_factor=2, mode="bilinear"), _IMAGE),
    "padding": (nn.Sequential(nn.ReflectionPad2d(1), nn.ZeroPad2d((1, 0, 2, 0))), _IMAGE),
    "pixel shuffle": (nn.Sequential(nn.Conv2d(3, 8, 1), nn.PixelShuffle(2)), _IMAGE),
    "lstm": (_seen(nn.LSTM(8, 5, batch_first=True), lambda m, x: m(x)[0]), _TOKENS),
    "gru": (
        _seen(nn.GRU(8, 5, batch_first=True, bidirectional=True), lambda m, x: m(x)[0]),
        _TOKENS,
    ),
    "squeeze and excitation": (
        _seen(
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1), nn.Hardsigmoid()),
            lambda m, x: x * m(x),
        ),
        _IMAGE,
    ),
    "halves": (
        _seen(nn.Linear(8, 8), lambda m, x: torch.cat([*m(x).chunk(2, -1)][::-1], -1).softmax(-1)),
        _TOKENS,
    ),
}  # fmt: skip


def exported(
    module: nn.Module, path: Path, size: tuple[int, ...], opset: int | None = None
) -> Path:
    """The file of a module that works on one image, with norms as they are."""
    kept = torch.onnx.TrainingMode.PRESERVE  # else they become a part of convolutions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), (torch.zeros(1, *size),), str(path), dynamo=False, training=kept,
            opset_version=opset,
        )  # fmt: skip
    return path


def figures(analysis: Analysis) -> tuple[Any, ...]:
    """The products, and the sizes of the outputs."""
    outputs = [analysis.layer(name).output for name in analysis.graph.outputs]
    return analysis.totals.macs, [output.shape for output in outputs]


def check(path: Path, module: nn.Module, own: Analysis) -> None:
    """Holds a file to what was exported."""
    found = analyze(path)
    assert figures(found) == figures(own)
    assert found.totals.params == sum(prod(p.shape) for p in module.parameters())
    assert all(layer.kind != "opaque" for layer in found.layers)


def test_there_are_forty() -> None:
    assert len(NETWORKS) + len(MODULES) >= 40


@pytest.mark.parametrize("opset", [13, 17])
def test_what_an_exporter_has_no_operator_for_is_found_again(opset: int, tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8))
    path = exported(module, tmp_path / "norm.onnx", _IMAGE, opset)
    assert [layer.kind for layer in analyze(path)] == ["conv", "group_norm"]
    check(path, module, analyze(network_of_module(module, _IMAGE)))


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_found_again(causal: bool, tmp_path: Path) -> None:
    attention = partial(nn.functional.scaled_dot_product_attention, is_causal=causal)
    module = _seen(
        nn.Linear(8, 24),
        lambda m, x: attention(*m(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4).unbind()),
    )
    path = exported(module, tmp_path / "attention.onnx", _TOKENS)
    assert "scaled_dot_product_attention" in [layer.kind for layer in analyze(path)]
    check(path, module, analyze(network_of_module(module, _TOKENS)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_the_library_has_its_figures(name: str, tmp_path: Path) -> None:
    size = NETWORKS[name]
    graph = load(name) if size is None else load(name, input=size)
    with torch.device("meta"):
        module = class_of(torch_source(graph, "a test"))()
    module.to_empty(device="cpu")
    for tensor in module.state_dict().values():  # of equal tensors a file has one
        if tensor.is_floating_point():
            tensor.uniform_()
    (x,) = graph.inputs.values()
    path = exported(module, tmp_path / "net.onnx", tuple([int(n) for n in x.shape]))
    check(path, module, analyze(graph))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_its_figures(name: str, tmp_path: Path) -> None:
    module, size = MODULES[name]
    own = analyze(network_of_module(module, size))
    check(exported(module, tmp_path / "net.onnx", size), module, own)
