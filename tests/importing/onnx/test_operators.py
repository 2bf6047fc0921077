"""ONNX's operators as calls of torch: the same values as ONNX's own reference implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.reference
import pytest
import torch
from onnx import helper

from archcalc import analyze
from archcalc.importing.onnx.graph import read_nodes
from archcalc.importing.onnx.module import RULES, OnnxModule

OPSET = 20
_ONNX = {
    "float32": onnx.TensorProto.FLOAT,
    "int64": onnx.TensorProto.INT64,
    "bool": onnx.TensorProto.BOOL,
}


def values(*shape: int) -> np.ndarray[Any, Any]:
    """Values between -1 and 2 of a shape, none twice."""
    return np.random.default_rng(7).permutation(np.linspace(-1, 2, int(np.prod(shape)))).reshape(
        shape
    ).astype(np.float32)  # fmt: skip


def weights(rows: int, columns: int) -> np.ndarray[Any, Any]:
    return values(1, rows, columns)


def whole(*numbers: int) -> np.ndarray[Any, Any]:
    return np.array(numbers, dtype=np.int64)


X = values(2, 4, 6, 6)
V = values(2, 3, 8)
NONE = np.zeros(0, np.float32)
TWICE = np.array([1, 1, 2, 2], np.float32)
FLOORED = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
CORNERS = {"coordinate_transformation_mode": "align_corners"}
COUNTED = {"count_include_pad": 1}
SEQUENCE = values(4, 2, 3)  # steps, images, features
# The operator, its attributes, its inputs, the operator set.
CASES: list[tuple[str, dict[str, Any], list[Any], int]] = [
    ("Conv", {"pads": [1, 1, 1, 1], "group": 2}, [X, values(6, 2, 3, 3), values(6)], 20),
    ("Conv", {"pads": [0, 1, 2, 3], "strides": [2, 1]}, [X, values(5, 4, 3, 3)], 20),
    ("Conv", {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, [X, values(5, 4, 3, 3)], 20),
    ("Conv", {"auto_pad": "SAME_LOWER", "strides": [2, 2]}, [X, values(5, 4, 2, 2)], 20),
    ("Conv", {"dilations": [2], "pads": [2, 2]}, [values(2, 4, 9), values(5, 4, 3)], 20),
    ("ConvTranspose", {"strides": [2, 2], "pads": [1, 0, 1, 1]}, [X, values(4, 3, 3, 3)], 20),
    ("ConvTranspose", {"strides": [2, 2], "output_padding": [1, 0]}, [X, values(4, 3, 3, 3)], 20),
    ("MaxPool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]}, [X], 20),
    ("MaxPool", {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1], "strides": [2, 2]}, [X], 20),
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, [X], 20),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, [X], 20),
    ("AveragePool", {**COUNTED, "kernel_shape": [2, 2], "pads": [0, 0, 1, 1]}, [X], 20),
    ("GlobalAveragePool", {}, [X], 20),
    ("GlobalMaxPool", {}, [X], 20),
    ("Gemm", {"transB": 1}, [values(2, 5), values(3, 5), values(3)], 20),
    ("Gemm", {"transA": 1, "alpha": 0.5, "beta": 2.0}, [values(5, 2), values(5, 3), values(3)], 20),
    ("MatMul", {}, [values(2, 3, 4), values(2, 4, 5)], 20),
    ("Einsum", {"equation": "bij,bjk->bik"}, [values(2, 3, 4), values(2, 4, 5)], 20),
    ("BatchNormalization", {}, [X, values(4), values(4), values(4), abs(values(4))], 20),
    ("InstanceNormalization", {}, [X, values(4), values(4)], 20),
    ("GroupNormalization", {"num_groups": 2}, [X, values(4), values(4)], 21),
    ("LayerNormalization", {"axis": -1}, [V, values(8), values(8)], 20),
    ("RMSNormalization", {"axis": -1}, [V, values(8)], 23),
    ("LRN", {"size": 3}, [X], 20),
    ("LpNormalization", {"axis": 1}, [V], 20),
    ("Add", {}, [X, values(4, 1, 1)], 20),
    ("Mul", {}, [X, np.float32(3).reshape(())], 20),
    ("Sub", {}, [values(3), V[..., :3]], 20),
    ("Div", {}, [V, np.float32(4).reshape(1)], 20),
    ("Pow", {}, [abs(V), np.float32(2).reshape(())], 20),
    ("Sum", {}, [V, V, V], 20),
    ("Mean", {}, [V, V * 2], 20),
    ("Max", {}, [V, V[:, :1]], 20),
    ("Min", {}, [V, V[:, :1]], 20),
    ("Equal", {}, [whole(1, 2, 3), whole(1, 5, 3)], 20),
    ("Where", {}, [V > 0, V, -V], 20),
    ("Clip", {}, [V, np.float32(0).reshape(()), np.float32(6).reshape(())], 20),
    ("Clip", {"min": -0.5, "max": 0.5}, [V], 7),
    ("PRelu", {}, [X, values(4, 1, 1)], 20),
    ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}, [V * 4], 20),
    ("HardSigmoid", {}, [V * 4], 20),
    ("Gelu", {"approximate": "tanh"}, [V], 20),
    ("Gelu", {}, [V], 20),
    *[(name, {}, [V], 20) for name in (
        "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "HardSwish", "Mish",
        "Sigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Exp", "Abs", "Neg", "Sign", "Floor",
        "Ceil", "Round", "Sin", "Cos", "Reciprocal", "Identity", "Softmax", "LogSoftmax", "Dropout",
        "Shrink",
    )],
    ("Sqrt", {}, [abs(V)], 20),
    ("Log", {}, [abs(V) + 1], 20),
    ("Softmax", {"axis": 2}, [X], 13),
    ("Cast", {"to": onnx.TensorProto.INT64}, [V], 20),
    ("Reshape", {}, [X, whole(0, 2, -1)], 20),
    ("Flatten", {}, [X], 20),
    ("Flatten", {"axis": 2}, [X], 20),
    ("Transpose", {"perm": [0, 2, 3, 1]}, [X], 20),
    ("Transpose", {}, [V], 20),
    ("Squeeze", {}, [values(2, 1, 3, 1), whole(1, 3)], 20),
    ("Squeeze", {"axes": [1]}, [values(2, 1, 3, 1)], 11),
    ("Unsqueeze", {}, [V, whole(0, -1)], 20),
    ("Concat", {"axis": 1}, [V, V[:, :2]], 20),
    ("Split", {"axis": 2, "num_outputs": 2}, [values(2, 3, 7)], 20),
    ("Split", {"axis": 1}, [V, whole(1, 2)], 20),
    ("Slice", {}, [X, whole(1, 0), whole(4, 99), whole(2, 3), whole(1, 2)], 20),
    ("Slice", {}, [V, whole(-1), whole(-(2**63)), whole(1), whole(-1)], 20),
    ("Slice", {"starts": [1], "ends": [-1], "axes": [1]}, [V], 9),
    ("Gather", {"axis": 1}, [V, np.array(1)], 20),
    ("Gather", {"axis": 2}, [V, np.array([[0, 2], [1, 1]])], 20),
    ("Expand", {}, [values(1, 3, 1), whole(2, 1, 4)], 20),
    ("Tile", {}, [V, whole(1, 2, 3)], 20),
    ("Pad", {}, [X, whole(0, 0, 1, 2, 0, 0, 3, 4)], 20),
    ("Pad", {"mode": "reflect"}, [X, whole(0, 0, 1, 2, 0, 0, 3, 4)], 20),
    ("Pad", {"mode": "edge"}, [X, whole(0, 0, 1, 2, 0, 0, 3, 4)], 20),
    ("Pad", {"pads": [0, 1, 0, 0, 0, 0], "value": 2.0}, [V], 7),
    ("Resize", {**FLOORED, "mode": "nearest"}, [X, NONE, TWICE], 20),
    ("Resize", {"mode": "linear"}, [X, NONE, NONE, whole(2, 4, 9, 3)], 20),
    ("Resize", {**CORNERS, "mode": "linear"}, [X, NONE, TWICE], 20),
    ("Resize", {"mode": "linear", "antialias": 1}, [X, NONE, NONE, whole(2, 4, 9, 12)], 20),
    ("DepthToSpace", {"blocksize": 2}, [values(1, 8, 2, 3)], 20),
    ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, [values(1, 8, 2, 3)], 20),
    ("SpaceToDepth", {"blocksize": 2}, [values(1, 2, 4, 6)], 20),
    ("ReduceMean", {"keepdims": 0}, [X, whole(2, 3)], 20),
    ("ReduceMean", {"axes": [-1]}, [X], 13),
    ("ReduceSum", {}, [X, whole(1)], 20),
    ("ReduceMax", {}, [X, whole(1)], 20),
    ("ReduceMin", {}, [X, whole(1)], 20),
    ("ReduceProd", {}, [X, whole(1)], 20),
    ("ReduceL1", {}, [X, whole(1)], 20),
    ("ReduceL2", {}, [X, whole(1)], 20),
    ("ReduceSumSquare", {}, [X, whole(1)], 20),
    ("ReduceLogSumExp", {}, [X, whole(1)], 20),
    ("ArgMax", {"axis": 1, "keepdims": 0}, [X], 20),
    ("CumSum", {}, [V, np.array(1)], 20),
    ("ScatterND", {}, [V, whole(0, 1).reshape(2, 1), values(2, 3, 8)], 20),
    ("GridSample", {}, [X, values(2, 5, 5, 2) / 2], 20),
    ("LSTM", {"hidden_size": 5}, [SEQUENCE, *map(weights, (20, 20), (3, 5)), values(1, 40)], 20),
    ("GRU", {"hidden_size": 5, "linear_before_reset": 1},
     [SEQUENCE, *map(weights, (15, 15), (3, 5)), values(1, 30)], 20),
    ("RNN", {"hidden_size": 5}, [SEQUENCE, *map(weights, (5, 5), (3, 5)), values(1, 10)], 20),
]  # fmt: skip
# Whose first input flows alone: the others are read as numbers, which a file has as constants.
KNOWN = frozenset(["Reshape", "Squeeze", "Unsqueeze", "Split", "Slice", "Gather", "Expand", "Tile"])
KNOWN |= {"Pad", "Resize", "Clip", "CumSum"}


def read(
    tmp_path: Any, name: str, attributes: Any, given: list[Any], opset: int, outputs: int = 1
) -> Any:
    first = [given[0]] if name in KNOWN or name.startswith("Reduce") else given
    names = [f"v{number}" for number in range(len(given))]
    node = helper.make_node(name, names, [f"y{n}" for n in range(outputs)], **attributes)
    inputs = [
        helper.make_tensor_value_info(n, _ONNX[str(v.dtype)], v.shape)
        for n, v in zip(names, first, strict=False)
    ]
    constants = [
        onnx.numpy_helper.from_array(np.asarray(v), n)
        for n, v in [*zip(names, given, strict=True)][len(first) :]
    ]
    empty = [helper.make_empty_tensor_value_info(f"y{n}") for n in range(outputs)]
    graph = helper.make_graph([node], "g", inputs, empty, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    path = tmp_path / "one.onnx"
    path.write_bytes(model.SerializeToString())
    return model, str(path), first


@pytest.mark.parametrize(
    ("name", "attributes", "given", "opset"),
    CASES,
    ids=[f"{n}-{i}" for i, (n, *_) in enumerate(CASES)],
)
def test_an_operator_gives_what_the_reference_gives(
    name: str, attributes: dict[str, Any], given: list[Any], opset: int, tmp_path: Any
) -> None:
    outputs = {"Split": 2, "LSTM": 3, "GRU": 2, "RNN": 2}.get(name, 1)
    model, path, first = read(tmp_path, name, attributes, given, opset, outputs)
    expected = onnx.reference.ReferenceEvaluator(model).run(
        None, {f"v{n}": v for n, v in enumerate(first)}
    )
    graph = read_nodes(path)
    found = OnnxModule(graph, None, path)(
        *[torch.from_numpy(np.ascontiguousarray(v)) for v in first]
    )
    results = [*found.values()] if isinstance(found, dict) else [found]
    for result, wanted in zip(results, expected, strict=True):
        assert tuple(result.shape) == wanted.shape
        if name in ("LSTM", "GRU"):
            continue  # whose gates stand in another order in torch's weights: no size knows
        np.testing.assert_allclose(result.detach().numpy(), wanted, rtol=2e-4, atol=2e-5)


def test_a_filter_against_aliasing_that_acts_is_no_plain_resize(tmp_path: Any) -> None:
    for side, kind in ((3, "opaque"), (9, "upsample")):
        how = {"mode": "linear", "antialias": 1, "axes": [2, 3]}
        _, path, _ = read(tmp_path, "Resize", how, [X, NONE, NONE, whole(side, side)], 20)
        assert [layer.kind for layer in analyze(path)] == [kind]


def test_softmax_once_went_over_all_axes_from_one_on(tmp_path: Any) -> None:
    _, path, _ = read(tmp_path, "Softmax", {"axis": 1}, [X], 11)
    found = OnnxModule(read_nodes(path), None, path)(torch.from_numpy(X))
    torch.testing.assert_close(found.flatten(1).sum(1), torch.ones(2))


def test_every_operator_is_tested() -> None:
    # Each in one line beside one that is tested.
    others = "And Or Xor Not Greater GreaterOrEqual Less LessOrEqual IsNaN Mod Swish Tan Atan Sinh "
    others += "Cosh Upsample ArgMin LpPool Attention"
    untested = {*others.split()}
    assert {name for name, *_ in CASES} | untested >= {*RULES}
