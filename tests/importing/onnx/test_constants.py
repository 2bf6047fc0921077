"""Weights that a file writes as constant nodes are those that it would hold as initializers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from archcalc.importing.model import Model, flat_spec
from archcalc.importing.onnx.reading import read_onnx
from archcalc.walk import analyze

WEIGHTS: dict[str, tuple[int, ...]] = {
    "kernel": (4, 3, 3, 3),
    "scale": (4,),
    "shift": (4,),
    "mean": (4,),
    "variance": (4,),
    "factor": (4,),
    "matrix": (5, 64),
    "bias": (5,),
    "one": (1, 4, 1, 1),
}


def _by_initializer(name: str, shape: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    return [numpy_helper.from_array(np.ones(shape, dtype=np.float32), name)], []


def _by_constant(name: str, shape: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    value = numpy_helper.from_array(np.ones(shape, dtype=np.float32))
    return [], [helper.make_node("Constant", [], [name], value=value)]


def _by_sizes(name: str, shape: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    """As in files that leave values out."""
    sizes = numpy_helper.from_array(np.asarray(shape, dtype=np.int64), f"{name}__SHAPE")
    value = helper.make_tensor("value", TensorProto.FLOAT, [1], [1.0])
    return [sizes], [helper.make_node("ConstantOfShape", [sizes.name], [name], value=value)]


def model(folder: Path, writes: Any) -> Model:
    held: list[Any] = []
    nodes: list[Any] = []
    for name, shape in WEIGHTS.items():
        more, made = writes(name, shape)
        held, nodes = held + more, nodes + made
    nodes += [
        helper.make_node("Conv", ["net/data:0", "kernel"], ["a"]),
        helper.make_node("BatchNormalization", ["a", "scale", "shift", "mean", "variance"], ["b"]),
        helper.make_node("Unsqueeze", ["factor"], ["wide"], axes=[1, 2]),
        helper.make_node("Mul", ["b", "wide"], ["c"]),
        helper.make_node("Conv", ["c", "one"], ["d"]),
        helper.make_node("Reshape", ["c", "flat"], ["f"]),
        helper.make_node("Gemm", ["f", "matrix", "bias"], ["g"], transB=1),
    ]
    held.append(numpy_helper.from_array(np.asarray([0, -1], dtype=np.int64), "flat"))
    of = helper.make_tensor_value_info
    inputs = [of("net/data:0", TensorProto.FLOAT, ["n", 3, 6, 6])]
    outputs = [of("g", TensorProto.FLOAT, ["n", 5]), of("d", TensorProto.FLOAT, ["n", 1, 4, 4])]
    graph = helper.make_graph(nodes, "net", inputs, outputs, held)
    path = folder / "net.onnx"
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)]).SerializeToString()
    )
    onnx.checker.check_model(str(path))
    return read_onnx(str(path))


@pytest.mark.parametrize("writes", [_by_constant, _by_sizes])
def test_weights_by_nodes_are_weights(writes: Any, tmp_path: Path) -> None:
    wanted, found = model(tmp_path, _by_initializer), model(tmp_path, writes)
    assert [(s.kind, s.shape) for s in found.statements] == [
        (s.kind, s.shape) for s in wanted.statements
    ]
    assert "opaque" not in [s.kind for s in found.statements]
    analysis = analyze(flat_spec(found))
    own = 4 * 3 * 9 + 2 * 4 + 4 + 4 + 64 * 5 + 5
    assert analysis.params == analyze(flat_spec(wanted)).params == own
    assert [*found.inputs] == ["net_data_0"]
