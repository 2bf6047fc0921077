"""Types in a training step: half precision throughout, and autocast, beside what lives in torch."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import assume, given

from archcalc import FeatureMap, Graph, UsageError, analyze, load
from archcalc.layers import Layer
from archcalc.layers.activation import Sigmoid
from archcalc.layers.linear import Linear
from archcalc.layers.rms_norm import RMSNorm
from archcalc.memory_use import autocast
from archcalc.memory_use.moments import OPTIMIZER
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.taping import Taping
from archcalc.memory_use.training import refused_in_training, step_of
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import measured_step
from archcalc.torch_backend.verify import conditions, verify
from tests.graphs import (
    all_used,
    chain,
    overwriting_graphs,
    random_graphs,
    sliding_graphs,
    with_some_checkpointed,
    with_some_frozen,
)
from tests.spec_texts import graph_of

BATCH = 2
HALF = ["bfloat16", "float16"]
NETWORKS = ["lenet5_1998", "highway_mnist10", "resnet20", "densenet_40_12", "deconv_unpool"]
MORE = [
    "local_7_3", "shared_7_3", "fire_module", "lenet5", "lenet_caffe", "plain20", "resnet56",
    "factorized_3x3", "residual_bottleneck", "residual_basic", "nin_cifar10", "grid_reduction",
    "inception_bottleneck", "squeezenet1_1", "mobilenet_v1_shallow",
]  # fmt: skip
# Of what autocast treats apart, each: padded copies, norms, powers, pools along 3 axes, joins of
# several types, a shared weight, views of what is learned.
SMALL = {
    "norms": (
        "[3, 6, 6]",
        "conv: {channels: 4, kernel: 3, padding: same}; layer_norm: {over: channels};"
        "group_norm: {groups: 2}; batch_norm: {affine: false}; local_response_norm;"
        "conv: {channels: 2, kernel: 2, padding: same}; layer_norm: {over: last, affine: false}",
    ),
    "three axes": (
        "[2, 6, 6, 6]",
        "conv: {channels: 3, kernel: 2}; max_pool: {kernel: 2, stride: 1}; relu;"
        "conv: {channels: 3, kernel: 2}; avg_pool: {kernel: 2, stride: 1}; batch_norm;"
        "adaptive_max_pool: {output: 2}; global_avg_pool; flatten; linear: {features: 2}",
    ),
    "learned views": (
        "[2, 5, 5]",
        "locally_connected: {channels: 2, kernel: 2}; prelu; channel_scale: {bias: true};"
        "conv_transpose: {channels: 2, kernel: 2}; softmax; upsample: {factor: 2}; prelu",
    ),
    "types that meet": (
        "[2, 5, 5]",
        "conv: {name: a, channels: 2, kernel: 1}; channel_scale: {name: b};"
        "concat: {name: c, from: [a, b]}; add: {name: d, from: [a, b]};"
        "multiply: {name: e, from: [b, a]}; mean: {name: f, from: [d, e, b]};"
        "add: {name: g, from: [a, a, b]}; concat: {from: [c, f, g]};"
        "conv: {channels: 2, kernel: 3}",
    ),
    "views of images": ("[4, 6, 6]", "crop: {sides: 1}; linear: {features: 3}"),
    "views": (
        "[4, 6, 6]",
        "conv: {channels: 4, kernel: 1}; crop: {sides: 1}; linear: {features: 3};"
        "channel_scale; channel_slice: {stop: 2}; linear: {features: 3, bias: false}",
    ),
    "shared weights": (
        "[2, 5, 5]",
        "conv: {name: a, channels: 2, kernel: 1}; conv: {channels: 2, kernel: 1, weights: a};"
        "softmax; conv: {channels: 2, kernel: 1, weights: a}",
    ),
}


def small(name: str) -> Graph:
    """One of `SMALL`."""
    shape, layers = SMALL[name]
    lines = "\n".join(f"  - {layer.strip()}" for layer in layers.split(";"))
    return graph_of(f"name: net\ninput: {shape}\nlayers:\n{lines}\n")


def check(graph: Graph, dtype: str, loss: str = "sum") -> None:
    """Each layer has as much alive, at the most, as in torch, forward and backward."""
    options = TrainingOptions(dtype=dtype, loss=loss)
    step = step_of(analyze(graph, batch=BATCH), options)
    images = partial(torch.rand, BATCH, *graph.input.shape)
    found = measured_step(build(graph), images, options)
    assert step.peak.bytes == found.peak_bytes
    constant = sum(step.course.constant.values())
    rule = {(m.layer, m.direction): m.bytes - constant for m in step.moments}
    places = [place for place in found.most if place[0] != OPTIMIZER and place in rule]
    assert {place: rule[place] for place in places} == {at: found.most[at] for at in places}


def check_where_torch_can(graph: Graph, dtype: str) -> None:
    """As `check`, of graphs for all of whose layers torch has a kernel on the CPU."""
    try:
        check(all_used(graph), dtype)
    except RuntimeError as error:
        assert "not implemented for" in str(error)
    except UsageError as error:
        assert "is not known" in str(error)
    except ValueError as error:
        assert "more than 1 value per channel" in str(error)


# ----- half precision throughout -----


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", NETWORKS)
def test_in_half_precision_a_step_is_what_lives_in_torch(name: str, dtype: str) -> None:
    # On a CPU torch takes twenty times as long for float16, whose values take as many bytes.
    smaller = dtype == "float16" and name in ("resnet20", "densenet_40_12")
    check(load(name, input=[3, 8, 8]) if smaller else load(name), dtype)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("dtype", [*HALF, "mixed"])
def test_with_every_loss(dtype: str, loss: str) -> None:
    check(load("lenet5"), dtype, loss)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("before", [Linear(features=7), Sigmoid()], ids=lambda layer: layer.kind)
def test_what_torch_computes_in_float32_within_a_layer(
    before: Layer, affine: bool, dtype: str
) -> None:
    network = chain(FeatureMap(3, (7,)), before, RMSNorm(affine=affine), RMSNorm(affine=affine))
    check(network, dtype)
    under = conditions("cpu", dtype, BATCH)
    assert not verify(network, what=("memory",), under=under, trained=()).differences


@given(sliding_graphs())
def test_random_graphs_of_windows_in_half_precision(graph: Graph) -> None:
    check_where_torch_can(graph, "bfloat16")


@given(random_graphs(most=12))
def test_random_graphs_of_all_kinds_in_half_precision(graph: Graph) -> None:
    check_where_torch_can(graph, "float16")


# ----- autocast -----


@pytest.mark.parametrize("name", [*NETWORKS, *MORE])
def test_under_autocast_a_step_is_what_lives_in_torch(name: str) -> None:
    check(load(name), "mixed")


@pytest.mark.parametrize("name", SMALL)
def test_of_every_kind_that_autocast_treats_apart(name: str) -> None:
    check(small(name), "mixed")


@given(overwriting_graphs())
def test_random_graphs_with_views_and_gaps_under_autocast(graph: Graph) -> None:
    check_where_torch_can(graph, "mixed")


@given(random_graphs(most=12))
def test_random_graphs_of_all_kinds_under_autocast(graph: Graph) -> None:
    check_where_torch_can(graph, "mixed")


CHECKPOINTED = """\
name: checkpointed
input: [3, 6, 6]
layers:
  - conv: {name: a, channels: 3, kernel: 1}
  - repeat: 2
    checkpoint: true
    layers:
      - conv: {channels: 3, kernel: 1, weights: a}
      - relu
  - conv: {channels: 3, kernel: 1, weights: a}
"""


def test_a_stretch_that_runs_again_casts_its_weights_again() -> None:
    check(graph_of(CHECKPOINTED), "mixed")


@given(with_some_checkpointed(with_some_frozen(random_graphs(most=12))))
def test_random_graphs_checkpointed_and_frozen_under_autocast(graph: Graph) -> None:
    analysis = analyze(graph, batch=BATCH)
    assume(not refused_in_training(analysis) and not why_memory_is_unknown(analysis, "mixed"))
    check(all_used(graph), "mixed")


# What they are called in torch where that is not their kind.
ATEN = {
    "conv": "conv2d", "conv_transpose": "conv_transpose2d.input", "global_avg_pool3d":
    "adaptive_avg_pool3d", "max_unpool": "max_unpool2d", "concat": "cat", "upsample":
    "upsample_nearest2d", "pow": "pow.Tensor_Scalar", "softmax": "softmax.int",
    "log_softmax": "log_softmax.int", "grid_sample": "grid_sampler",
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "listed"), [("AutocastCPU", autocast._ON_CPU), ("AutocastCUDA", autocast._ON_GPU)]
)
def test_what_autocast_casts_is_listed_in_torch_too(key: str, listed: dict[str, object]) -> None:
    known = torch._C._dispatch_has_kernel_for_dispatch_key
    missing = {name for name in listed if not known(f"aten::{ATEN.get(name, name)}", key)}
    # On the CPU it lists the whole of a cross entropy, which begins with this.
    assert missing == ({"log_softmax"} if key == "AutocastCPU" else set())
    assert known("aten::cross_entropy_loss", "AutocastCPU")


# ----- on a GPU -----


@pytest.mark.parametrize(
    ("name", "batch", "dtype", "largest_live"),
    [
        ("densenet121", 32, "bfloat16", 2136339184),
        ("densenet121", 32, "mixed", 2187522192),
        ("lenet5", 512, "bfloat16", 15745784),
        ("lenet5", 512, "mixed", 18089748),
        ("mobilenet_v1", 64, "bfloat16", 1553265024),
        ("mobilenet_v1", 64, "mixed", 1589460512),
        ("resnet50", 64, "mixed", 3022206832),
        ("vgg16", 32, "mixed", 2668595656),
    ],
)
def test_on_a_gpu_it_is_what_was_measured(
    name: str, batch: int, dtype: str, largest_live: int
) -> None:
    """On an H200, torch 2.11: the most that was alive between two operators of a step."""
    options = TrainingOptions(dtype=dtype, device="cuda")
    assert step_of(analyze(name, batch=batch), options).peak.bytes == largest_live


# ----- mistakes -----


def test_a_cast_that_is_forgotten_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {name: how for name, how in autocast._ON_CPU.items() if name != "avg_pool3d"}
    monkeypatch.setattr(autocast, "_ON_CPU", listed)
    with pytest.raises(AssertionError):
        check(small("three axes"), "mixed")


def test_a_cast_of_a_weight_that_is_freed_with_its_operator_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cast_one = Taping._cast_one

    def forgets(taping: Taping, *arguments: object) -> str:
        name: str = cast_one(taping, *arguments)  # type: ignore[arg-type]  # handed on as they are
        taping._cached.clear()
        return name

    monkeypatch.setattr(Taping, "_cast_one", forgets)
    with pytest.raises(AssertionError):
        check(small("shared weights"), "mixed")


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed"])
def test_statistics_in_the_wrong_type_are_seen(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"bfloat16": 4, "mixed": 2}[dtype]
    monkeypatch.setattr(autocast.Types, "statistics_of", lambda *_: wrong)
    with pytest.raises(AssertionError):
        check(load("resnet20"), dtype)
