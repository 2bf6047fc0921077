"""ONNX files as models: what torch's exporter writes of a module has the module's figures."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.importing.onnx.reading import read_onnx
from archcalc.walk import analyze


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = nn.Hardswish()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.conv2(self.act(self.conv1(x))) + x)  # type: ignore[no-any-return]


class Tokens(nn.Module):
    """A map as tokens with a class token, attention over them, and a head on the first."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.ones(1, 1, width))
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.head = nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        q, k, v = self.qkv(self.norm(x)).unflatten(-1, (3, 2, -1)).permute(2, 0, 3, 1, 4)
        x = x + nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.head(x[:, 0])  # type: ignore[no-any-return]


MODULES: dict[str, nn.Module] = {
    "convolutions": nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Residual(8), Residual(8),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5), nn.Softmax(-1),
    ),
    "depthwise": nn.Sequential(
        nn.Conv2d(3, 6, 1), nn.ReLU6(), nn.Conv2d(6, 6, 3, groups=6), nn.SiLU(), nn.AvgPool2d(2)
    ),
    "upsampling": nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Upsample(scale_factor=2), nn.ConvTranspose2d(4, 2, 2, 2),
        nn.Sigmoid(), nn.PixelShuffle(1), nn.InstanceNorm2d(2, affine=True),
    ),
    "tokens": Tokens(),
}  # fmt: skip


def exported(module: nn.Module, path: Path, dynamo: bool, **more: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.zeros(1, 3, 16, 16),),
            str(path),
            dynamo=dynamo,
            verbose=False,
            **more,
        )
    return path


def figures(analysis: Analysis) -> tuple[int, tuple[int, ...]]:
    (output,) = analysis.graph.outputs
    return analysis.totals.macs, analysis.layer(output).output.shape


@pytest.mark.parametrize("dynamo", [False, True], ids=["old exporter", "new exporter"])
@pytest.mark.parametrize("name", MODULES)
def test_an_exported_module_has_its_own_figures(name: str, dynamo: bool, tmp_path: Path) -> None:
    from archcalc.importing.code import network_of_module

    module = MODULES[name]
    path = exported(module, tmp_path / "net.onnx", dynamo)
    found, own = analyze(path), analyze(network_of_module(module, (3, 16, 16)))
    assert figures(found) == figures(own)
    assert found.totals.params == sum(p.numel() for p in module.parameters())
    assert all(layer.kind != "opaque" for layer in found.layers)


def test_layers_are_called_as_the_modules_were(tmp_path: Path) -> None:
    for dynamo in (False, True):
        path = exported(MODULES["convolutions"], tmp_path / "net.onnx", dynamo)
        names = [layer.name for layer in analyze(path).layers]
        assert {"0", "3.conv1", "4.conv2", "7"} <= {*names}


def test_no_class_of_archcalcs_own_shows(tmp_path: Path) -> None:
    graph = analyze(exported(MODULES["convolutions"], tmp_path / "net.onnx", False)).graph
    assert {*graph.blocks.values()} == {"group"}
    assert not any("cope" in node.name for node in graph.nodes)


def test_a_free_size_is_asked_for(tmp_path: Path) -> None:
    axes = {"x": {0: "batch", 2: "height", 3: "width"}}
    path = exported(
        MODULES["depthwise"], tmp_path / "net.onnx", False, input_names=["x"], dynamic_axes=axes
    )
    with pytest.raises(
        UsageError, match=r"input 'x' has sizes that are not known \(height, width\)"
    ):
        analyze(path)
    assert analyze(path, input=[3, 12, 12]).layer("0").output.shape == (6, 12, 12)


def test_a_file_that_fixes_its_sizes_is_walked_on_others(tmp_path: Path) -> None:
    path = exported(MODULES["depthwise"], tmp_path / "net.onnx", False)
    assert analyze(path).layer("0").output.shape == (6, 16, 16)
    larger = analyze(path, input=[3, 12, 20])
    assert larger.layer("0").output.shape == (6, 12, 20)
    assert larger.layer("0").macs == 12 * 20 * 6 * 3
    with pytest.raises(UsageError, match=r"fixes the first size of '.*' to 3"):
        analyze(path, input=[4, 16, 16])


def test_a_file_for_eight_images_is_read_as_one_for_any(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Tokens().eval(), (torch.zeros(8, 3, 16, 16),), str(path), dynamo=False)
    one = exported(Tokens(), tmp_path / "one.onnx", False)
    assert figures(analyze(path)) == figures(analyze(one))


def test_an_operator_without_a_rule_is_opaque_where_the_file_has_its_sizes(tmp_path: Path) -> None:
    node = helper.make_node("Surprise", ["x"], ["m"], name="s", domain="own")
    relu = helper.make_node("Relu", ["m"], ["y"])
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node, relu], "g", [helper.make_tensor_value_info("x", kind, [1, 3, 4])],
        [helper.make_tensor_value_info("y", kind, [1, 5, 4])],
        value_info=[helper.make_tensor_value_info("m", kind, [1, 5, 4])],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    path = tmp_path / "net.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    opaque = next(s for s in read_onnx(str(path)).statements if s.kind == "opaque")
    assert opaque.fields["operator"] == "own.Surprise"
    assert analyze(path).layers[-1].output.shape == (5, 4)
    graph.ClearField("value_info")
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    with pytest.raises(UsageError, match="Surprise 's': archcalc has no rule for this operator"):
        analyze(path)


@pytest.mark.parametrize(
    ("operator", "shape", "message"),
    [
        ("Conv", (4, 7, 3, 3), "Conv: Invalid channel dimensions"),
        ("MatMul", (7, 5), "MatMul: "),
        ("Add", (5, 9), "Add: "),
        ("Reshape", [2**40, 2**40], "Reshape: "),
        ("ConstantOfShape", [1, 3, 2**20, 2**20], "a constant of 3.3e"),
        ("Expand", [2**40, 3, 8, 8], "Expand: "),
    ],
)
def test_sizes_that_fit_nothing_end_in_one_line(
    operator: str, shape: tuple[int, ...] | list[int], message: str, tmp_path: Path
) -> None:
    held = np.zeros(shape, np.float32) if isinstance(shape, tuple) else np.array(shape, np.int64)
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 8, 8])
    taken = ["w"] if operator == "ConstantOfShape" else ["x", "w"]
    nodes = [
        helper.make_node(operator, taken, ["made"]),
        helper.make_node("Add", ["x", "made"], ["y"]),
    ]
    made = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph(nodes, "g", [x], [made], [onnx.numpy_helper.from_array(held, "w")])
    path = tmp_path / "wrong.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(UsageError) as refusal:
        read_onnx(str(path), {})
    assert message in str(refusal.value) and "\n" not in str(refusal.value)
