"""The least time of each layer, and the records of devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc import ArchcalcError, FeatureMap, UsageError, analyze
from archcalc.hardware.device import Device, device_names, device_of_torch, find_device
from archcalc.hardware.roofline import roofline
from archcalc.layers.activation import ReLU
from archcalc.layers.convolution import Conv
from archcalc.layers.embedding import Embedding
from archcalc.layers.joining import Add
from archcalc.layers.linear import Linear
from archcalc.layers.normalization import BatchNorm
from archcalc.layers.regularization import Dropout
from archcalc.layers.reshaping import Flatten
from tests.graphs import chain, graph, node

# 1000 FLOPs and 100 bytes a second: 10 FLOPs for each byte is where the roof bends.
DEVICE = Device("toy", "a toy", {"float32": 1000.0, "float16": 2000.0}, 100.0, "made up")


def test_a_convolution_moves_input_output_and_parameters_once() -> None:
    network = chain(FeatureMap(2, (3, 3)), Conv(channels=4, kernel=2))
    (bound,) = roofline(analyze(network, batch=5), DEVICE)
    assert bound.flops == 2 * 5 * (2 * 2) * 4 * (2 * 2 * 2)
    # 5 images of 18 values, 5 outputs of 16, 32 weights and 4 biases, of 4 bytes each
    assert bound.bytes_moved == 4 * (5 * 18 + 5 * 16 + 32 + 4)
    assert bound.arithmetic_seconds == 1280 / 1000
    assert bound.memory_seconds == 824 / 100
    assert bound.seconds == bound.memory_seconds
    assert bound.limit == "memory"
    assert bound.intensity == 1280 / 824


def test_of_a_table_the_rows_that_are_looked_up_are_read() -> None:
    tokens = FeatureMap(3, dtype="int64")
    few, all_rows = (
        roofline(analyze(chain(tokens, Embedding(rows=rows, features=2)), batch=5), DEVICE)[0]
        for rows in (1000, 4)
    )
    assert few.bytes_moved == 5 * 3 * 8 + 4 * (2 * 5 * 3 * 2)
    assert all_rows.bytes_moved == 5 * 3 * 8 + 4 * (4 * 2 + 5 * 3 * 2)


def test_many_channels_are_bound_by_arithmetic() -> None:
    network = chain(FeatureMap(256, (16, 16)), Conv(channels=256, kernel=3, padding=1))
    (bound,) = roofline(analyze(network), DEVICE)
    assert bound.limit == "arithmetic"
    assert bound.seconds == bound.arithmetic_seconds == bound.flops / 1000


def test_the_dtype_sets_both_roofs() -> None:
    network = chain(FeatureMap(2, (3, 3)), Conv(channels=4, kernel=2))
    (full,) = roofline(analyze(network), DEVICE)
    (half,) = roofline(analyze(network, dtype="float16"), DEVICE)
    assert half.bytes_moved * 2 == full.bytes_moved
    assert half.arithmetic_seconds * 2 == full.arithmetic_seconds


def test_views_cost_nothing() -> None:
    network = chain(FeatureMap(2, (3, 3)), Dropout(), Flatten(), ReLU())
    dropout, flatten, relu = roofline(analyze(network), DEVICE)
    assert (dropout.seconds, dropout.limit, dropout.intensity) == (0, "nothing", 0)
    assert flatten.bytes_moved == 0
    assert relu.bytes_moved == 2 * 18 * 4


def test_an_input_that_is_taken_twice_moves_once() -> None:
    nodes = [node("a", ReLU()), node("b", Add(), "a", "a", "input")]
    _, add = roofline(analyze(graph(FeatureMap(1, (5,)), nodes)), DEVICE)
    assert add.bytes_moved == 3 * 5 * 4  # a, the image, the sum


def test_shared_weights_move_for_each_layer() -> None:
    conv = Conv(channels=2, kernel=1)
    nodes = [node("a", conv), node("b", conv, "a", weights="a")]
    first, second = roofline(analyze(graph(FeatureMap(2, (1, 1)), nodes)), DEVICE)
    assert first.bytes_moved == second.bytes_moved == 4 * (2 + 2 + 4 + 2)


def test_heads_for_training_are_left_out() -> None:
    names = {bound.layer.name for bound in roofline(analyze("googlenet"), DEVICE)}
    training_only = {layer.name for layer in analyze("googlenet").layers if layer.training_only}
    assert training_only
    assert not names & training_only


def test_a_dtype_without_a_figure_is_refused() -> None:
    with pytest.raises(UsageError, match="toy has no figure for int8; it has float32, float16"):
        roofline(analyze("lenet5", dtype="int8"), DEVICE)


def test_free_sizes_are_refused() -> None:
    network = analyze("vgg16", input=[3, *analyze_symbols()])
    with pytest.raises(UsageError, match="vgg16 has free sizes"):
        roofline(network, DEVICE)


def analyze_symbols() -> tuple[int, int]:
    from archcalc import symbol

    return 32 * symbol("h"), 32 * symbol("w")


# ----- TF32, fused kernels -----

TF32_DEVICE = Device("toy", "a toy", {"float32": 1000.0, "tf32": 8000.0}, 100.0, "made up")


def test_float32_convolutions_are_held_against_tf32_unless_it_is_off() -> None:
    network = chain(
        FeatureMap(2, (3, 3)), Conv(channels=4, kernel=2), Flatten(), Linear(features=5)
    )
    conv, _, linear = roofline(analyze(network), TF32_DEVICE)
    assert (conv.precision, conv.arithmetic_seconds) == ("tf32", conv.flops / 8000)
    assert (linear.precision, linear.arithmetic_seconds) == ("float32", linear.flops / 1000)
    conv, _, _ = roofline(analyze(network), TF32_DEVICE, tf32=False)
    assert (conv.precision, conv.arithmetic_seconds) == ("float32", conv.flops / 1000)


def test_tf32_is_no_dtype() -> None:
    with pytest.raises(UsageError, match=r"no figure for float16; it has float32$"):
        roofline(analyze("lenet5", dtype="float16"), TF32_DEVICE)


def test_norms_activations_and_sums_move_nothing_but_what_they_read_beside() -> None:
    nodes = [
        node("skip", ReLU()),
        node("conv", Conv(channels=2, kernel=1, bias=False), "skip"),
        node("norm", BatchNorm(), "conv"),
        node("add", Add(), "norm", "skip"),
        node("relu", ReLU(), "add"),
    ]
    found = roofline(analyze(graph(FeatureMap(2, (3, 3)), nodes)), DEVICE, fused=True)
    assert [[layer.name for layer in bound.layers] for bound in found] == [
        ["skip"], ["conv", "norm", "add", "relu"],
    ]  # fmt: skip
    # What the convolution reads, what the sum reads, what the last one writes; 4 + 4 parameters.
    assert found[1].bytes_moved == 4 * (18 + 18 + 18 + 4 + 4)


def test_what_two_layers_read_ends_a_kernel() -> None:
    nodes = [
        node("conv", Conv(channels=2, kernel=1)),
        node("relu", ReLU(), "conv"),
        node("add", Add(), "relu", "conv"),
    ]
    found = roofline(analyze(graph(FeatureMap(2, (3, 3)), nodes)), DEVICE, fused=True)
    assert [len(bound.layers) for bound in found] == [1, 1, 1]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v1", "googlenet", "vgg16"])
def test_fusing_loses_no_flops_and_moves_no_more(name: str) -> None:
    apart, fused = (roofline(analyze(name), DEVICE, fused=fused) for fused in (False, True))
    assert sorted(x.name for bound in fused for x in bound.layers) == sorted(
        x.name for bound in apart for x in bound.layers
    )
    assert sum(bound.flops for bound in fused) == sum(bound.flops for bound in apart)
    assert sum(bound.bytes_moved for bound in fused) < sum(bound.bytes_moved for bound in apart)


# ----- records of devices -----


@pytest.mark.parametrize("name", device_names())
def test_every_record_can_be_read(name: str) -> None:
    device = find_device(name)
    assert device.name == name
    assert device.title
    assert device.source
    assert device.flops_per_second["float32"] > device.bytes_per_second > 1e9


def test_the_records_say_what_the_data_sheets_say() -> None:
    h200, a100 = find_device("nvidia_h200"), find_device("nvidia_a100")
    assert h200.bytes_per_second == 4.8e12
    assert h200.flops_per_second["bfloat16"] == pytest.approx(989.4e12)
    assert a100.bytes_per_second == 2.039e12
    assert a100.flops_per_second["float32"] == 19.5e12


def test_a_gpu_is_known_by_the_name_that_torch_gives_it() -> None:
    assert device_of_torch("NVIDIA A100-SXM4-80GB") == find_device("nvidia_a100")
    assert device_of_torch("NVIDIA A10") == find_device("nvidia_a10")
    assert device_of_torch("NVIDIA H100 80GB HBM3") == find_device("nvidia_h100_sxm")
    for other in ("NVIDIA A100-PCIE-40GB", "NVIDIA A10G", "NVIDIA L40"):
        assert device_of_torch(other) is None
    assert device_of_torch("NVIDIA H200") == find_device("nvidia_h200")
    assert device_of_torch("Quadro 4000") is None
    assert device_of_torch("") is None


RECORD = """\
title: mine
teraflops: {float32: 1.5}
gigabytes_per_second: 20
source: measured
"""


def test_a_user_has_a_record_of_his_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(RECORD, encoding="utf-8")
    assert find_device(str(path)) == Device("mine", "mine", {"float32": 1.5e12}, 20e9, "measured")


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("title:", "titel:", "a device has no 'titel'; did you mean 'title'?"),
        ("source: measured\n", "", "a device needs `source`"),
        ("20", "fast", "expected a positive number, found 'fast'"),
        ("1.5", "-1.5", "expected a positive number, found '-1.5'"),
        ("1.5", ".inf", "expected a positive number"),
        ("{float32: 1.5}", "fast", "teraflops is a mapping"),
        ("mine", "[mine]", "title is text"),
    ],
)
def test_a_wrong_record_is_one_clear_message(
    wrong: str, right: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(RECORD.replace(wrong, right, 1), encoding="utf-8")
    with pytest.raises(ArchcalcError) as raised:
        find_device(str(path))
    assert message in str(raised.value)
    assert "mine.yaml:" in str(raised.value)


def test_an_unknown_device_gets_a_guess() -> None:
    with pytest.raises(UsageError, match="did you mean 'nvidia_h200'"):
        find_device("nvidia_h20")
    with pytest.raises(UsageError, match="known: apple_m1_max, generic_cpu, "):
        find_device("x")
    with pytest.raises(UsageError, match=r"none\.yaml: No such file"):
        find_device("none.yaml")
