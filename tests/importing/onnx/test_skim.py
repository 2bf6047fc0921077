"""ONNX files without their weights; broken and hostile ones end in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from archcalc.errors import UsageError
from archcalc.importing.onnx.graph import read_nodes
from archcalc.importing.onnx.skim import LONGEST, MOST_NODES, skimmed


def a_model(*nodes: onnx.NodeProto, weight: int = 100) -> onnx.ModelProto:
    held = onnx.numpy_helper.from_array(np.zeros((weight, 100), np.float32), "w")
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, weight])
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g", [x], [helper.make_empty_tensor_value_info("y")], [held],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def written(folder: Path, data: bytes) -> str:
    path = folder / "net.onnx"
    path.write_bytes(data)
    return str(path)


def test_long_values_are_left_out_and_all_else_stays(tmp_path: Path) -> None:
    model = a_model(weight=1000)
    data = skimmed(written(tmp_path, model.SerializeToString()))
    assert len(data) < LONGEST
    found = onnx.ModelProto.FromString(data)
    (tensor,) = found.graph.initializer
    assert (tensor.name, list(tensor.dims), tensor.raw_data) == ("w", [1000, 100], b"")
    model.graph.initializer[0].ClearField("raw_data")
    assert found == model


def test_short_values_stay(tmp_path: Path) -> None:
    model = a_model(weight=2)
    assert (
        onnx.ModelProto.FromString(skimmed(written(tmp_path, model.SerializeToString()))) == model
    )


@given(st.binary(max_size=200))
def test_any_bytes_end_in_one_line(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            read_nodes(written(Path(folder), data))
        except UsageError as error:
            assert "\n" not in str(error)


@given(st.data())
def test_a_file_that_is_cut_or_changed_ends_in_one_line(data: st.DataObject) -> None:
    import tempfile

    whole = bytearray(a_model(weight=2).SerializeToString())
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(1, len(whole)))
    with tempfile.TemporaryDirectory() as folder:
        try:
            read_nodes(written(Path(folder), bytes(whole[:end])))
        except UsageError as error:
            assert "\n" not in str(error)


HUGE = b"\x3a\xff\xff\xff\xff\x07"  # a graph of 2 GB, says the number before it


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (HUGE, "is no ONNX file, or a broken one: byte 0"),
        (b"\xff" * 20, "is no ONNX file, or a broken one"),
        (b"not a model at all", "is no ONNX file, or a broken one"),
        (onnx.ModelProto().SerializeToString() or b"\x08\x07", "holds no graph"),
    ],
)
def test_what_is_no_model_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read_nodes(written(tmp_path, data))


def test_too_many_nodes_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"]).SerializeToString()
    graph = (b"\x0a" + bytes([len(node)]) + node) * (MOST_NODES + 1)
    size, count = bytearray(), len(graph)
    while count > 127:
        size.append(count & 127 | 128)
        count >>= 7
    size.append(count)
    with pytest.raises(UsageError, match="more than 50,000 nodes"):
        read_nodes(written(tmp_path, b"\x3a" + bytes(size) + graph))


def test_a_node_takes_what_is_there_before_it(tmp_path: Path) -> None:
    loop = a_model(
        helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])
    )
    with pytest.raises(UsageError, match="takes 'b', which comes from a node behind it"):
        read_nodes(written(tmp_path, loop.SerializeToString()))
    missing = a_model(helper.make_node("Relu", ["nobody"], ["y"]))
    with pytest.raises(UsageError, match="takes 'nobody', which is nowhere"):
        read_nodes(written(tmp_path, missing.SerializeToString()))


def test_a_function_that_calls_itself_is_refused(tmp_path: Path) -> None:
    model = a_model(helper.make_node("F", ["x"], ["y"], domain="own"))
    body = [helper.make_node("F", ["a"], ["b"], domain="own")]
    opset = [helper.make_opsetid("own", 1), helper.make_opsetid("", 20)]
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], body, opset))
    model.opset_import.append(helper.make_opsetid("own", 1))
    with pytest.raises(UsageError, match="function 'F' calls itself"):
        read_nodes(written(tmp_path, model.SerializeToString()))


def test_functions_that_double_are_refused(tmp_path: Path) -> None:
    model = a_model(helper.make_node("F40", ["x"], ["y"], domain="own"))
    opset = [helper.make_opsetid("own", 1), helper.make_opsetid("", 20)]
    for n in range(41):
        call = "Relu" if n == 0 else f"F{n - 1}"
        domain = "" if n == 0 else "own"
        body = [
            helper.make_node(call, ["a"], ["m"], domain=domain),
            helper.make_node(call, ["m"], ["b"], domain=domain),
        ]
        model.functions.append(helper.make_function("own", f"F{n}", ["a"], ["b"], body, opset))
    with pytest.raises(UsageError, match="its functions are more than 20,000 nodes"):
        read_nodes(written(tmp_path, model.SerializeToString()))


def test_an_old_operator_set_is_refused(tmp_path: Path) -> None:
    model = a_model()
    model.opset_import[0].version = 5
    with pytest.raises(UsageError, match="operator set 5; archcalc reads 7 and later"):
        read_nodes(written(tmp_path, model.SerializeToString()))
