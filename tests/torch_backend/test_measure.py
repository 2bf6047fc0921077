"""What is measured on a module: sizes, counts, memory, time."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from archcalc import FeatureMap, Graph, LayerError, analyze
from archcalc.graph import Node
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU, Sigmoid
from archcalc.layers.convolution import Conv, ConvTranspose
from archcalc.layers.joining import Add, Multiply
from archcalc.layers.local_response_norm import LocalResponseNorm
from archcalc.layers.normalization import BatchNorm, GroupNorm
from archcalc.layers.pooling import AvgPool, GlobalAvgPool, MaxPool
from archcalc.layers.regularization import Dropout
from archcalc.layers.resampling import Crop, Pad, PadChannels
from archcalc.layers.reshaping import ChannelSlice, Flatten, Identity, Reshape
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.totals import peak_bytes, saved_bytes
from archcalc.memory_use.training import USUAL
from archcalc.record import replace
from archcalc.testing.checks import between_learned_layers, effect_of
from archcalc.torch_backend import timing
from archcalc.torch_backend.build import build
from archcalc.torch_backend.counting import (
    Learned,
    NotCounted,
    Output,
    fvcore_count,
    layer_macs,
    layer_outputs,
    layer_values,
    module_values,
)
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.peak_memory import measured_inference
from archcalc.torch_backend.saved_tensors import saved_by_layer
from archcalc.torch_backend.storages import LiveStorages
from archcalc.torch_backend.timing import layer_seconds, starts_kernels
from archcalc.torch_backend.training_step import measured_step
from tests.graphs import chain, graph, node, random_graphs
from tests.layers.examples import EXAMPLES

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
BATCH = 2
# The kinds of which it is known what they need of memory, in some type at the least.
# Of these nobody knows what they make, on any input.
UNKNOWN = frozenset(["deform_conv", "roi_align"])
KNOWN = [kind for kind in EXAMPLES if kind.kind not in UNKNOWN]


class TwoPaths(nn.Module):
    """A user's own module: a part that runs twice, a part that never runs, a shared weight."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.again = nn.Conv2d(4, 4, 1, bias=False)
        self.tied = nn.Conv2d(4, 4, 1, bias=False)
        self.tied.weight = self.again.weight
        self.never = nn.Linear(5, 6)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        y: Tensor = self.tied(self.again(self.again(x)))
        return y


NAMES = ["conv", "again", "tied", "never", "norm"]


# ----- counts -----


def test_outputs_are_those_of_the_layers_that_run_exactly_once() -> None:
    outputs = layer_outputs(TwoPaths(), torch.zeros(2, 3, 5, 6), NAMES)
    assert outputs == {  # 2*4*5*6 values of 4 bytes
        "conv": Output((2, 4, 5, 6), 960),
        "norm": Output((2, 4, 5, 6), 960),
        "tied": Output((2, 4, 5, 6), 960),
    }


def test_a_shared_parameter_counts_for_its_first_owner() -> None:
    assert layer_values(TwoPaths(), NAMES) == {
        "conv": Learned(weights=3 * 4 * 9, biases=4, buffers=0),
        "again": Learned(weights=16, biases=0, buffers=0),
        "tied": Learned(weights=0, biases=0, buffers=0),
        "never": Learned(weights=30, biases=6, buffers=0),
        "norm": Learned(weights=4, biases=4, buffers=9),  # 4 means, 4 variances, 1 count
    }
    assert module_values(TwoPaths()) == Learned(weights=108 + 16 + 30 + 4, biases=14, buffers=9)


def test_macs_add_up_over_the_runs_of_a_part() -> None:
    with torch.device("meta"):
        macs = layer_macs(TwoPaths(), torch.zeros(2, 3, 5, 6))
    assert macs["conv"] == 2 * 30 * 4 * 27
    assert macs["again"] == 2 * (2 * 30 * 16)
    assert "never" not in macs
    assert macs[""] == macs["conv"] + macs["again"] + 2 * 30 * 16


def test_fvcore_says_what_it_counts_by_other_measures_and_what_not_at_all() -> None:
    layers = (Conv(channels=4, kernel=3), BatchNorm(), MaxPool(kernel=2))
    network = chain(FeatureMap(3, (8, 8)), *layers)
    found = fvcore_count(build(network), torch.zeros(1, 3, 8, 8))
    assert found.macs == 36 * 4 * 27
    assert found.others == ("batch_norm",)
    assert found.unknown == ("max_pool2d",)


def test_a_network_that_cannot_be_traced_has_no_fvcore_count() -> None:
    twin = build("deconv_unpool")
    with pytest.raises(NotCounted, match="torch cannot trace the network for fvcore"):
        fvcore_count(twin, torch.zeros(1, *twin.graph.input.shape))


# ----- what training keeps -----


def test_a_storage_counts_once_for_the_first_layer_that_saves_it() -> None:
    network = chain(FeatureMap(2, (4, 4)), Conv(channels=2, kernel=1), ReLU(), AvgPool(kernel=2))
    names = [layer.name for layer in network.nodes]
    found = saved_by_layer(build(network), torch.zeros(1, 2, 4, 4), names)
    # The convolution keeps the image, the rectifier its output, and the pool needs no more.
    assert found == {"conv0": 128, "relu1": 128, "avg_pool2": 0, "": 0}


def test_what_a_later_layer_of_the_main_path_saves_is_on_its_account() -> None:
    nodes = [
        node("stem", Conv(channels=2, kernel=1)),
        node("head", Conv(channels=1, kernel=1), "stem", training_only=True),
        node("body", Conv(channels=1, kernel=1), "stem"),
    ]
    network = graph(FeatureMap(2, (4, 4)), nodes, ["body", "head"])
    account = saved_by_layer(build(network), torch.zeros(1, 2, 4, 4), ["stem", "body", "head"])
    assert account == {"stem": 128, "body": 128, "head": 0, "": 0}
    assert account == saved_bytes(analyze(network)) | {"": 0}


@given(
    learns=st.lists(st.booleans(), min_size=1, max_size=4),
    spread=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_a_product_keeps_what_the_gradients_of_its_factors_need(
    learns: list[bool], spread: list[bool]
) -> None:
    nodes = []
    for number, (learned, is_spread) in enumerate(zip(learns, spread, strict=False)):
        nodes.append(node(f"start{number}", GlobalAvgPool() if is_spread else Sigmoid()))
        layer = Conv(channels=2, kernel=1) if learned else Sigmoid()
        nodes.append(node(f"end{number}", layer, f"start{number}"))
    ends = [f"end{number}" for number in range(len(learns))]
    network = graph(FeatureMap(2, (3, 4)), [*nodes, node("product", Multiply(), *ends)])
    names = [layer.name for layer in network.nodes]
    found = saved_by_layer(build(network), torch.zeros(BATCH, 2, 3, 4), names)
    assert found == saved_bytes(analyze(network, batch=BATCH)) | {"": 0}


def test_a_storage_counts_no_more_than_what_lies_in_it() -> None:
    # On the CPU torch makes the output, 1x4x4x4 values, in a storage of the input's 8x4x4x4.
    layers = (
        Conv(channels=8, kernel=1), ConvTranspose(channels=1, kernel=1), Conv(channels=8, kernel=1),
    )  # fmt: skip
    network = chain(FeatureMap(8, (4, 4, 4)), *layers)
    names = [layer.name for layer in network.nodes]
    found = saved_by_layer(build(network), torch.zeros(1, 8, 4, 4, 4), names)
    assert found == {"conv0": 2048, "conv_transpose1": 2048, "conv2": 256, "": 0}
    assert peak(network, 1) == 2048 + 2048


def test_the_meta_device_saves_what_the_cpu_saves() -> None:
    twin = build("resnet18", device="meta")
    names = [layer.name for layer in twin.graph.nodes]
    found = saved_by_layer(twin, torch.zeros(2, 3, 224, 224, device="meta"), names)
    assert found == saved_bytes(analyze("resnet18", batch=2)) | {"": 0}


# ----- what is alive at once -----


def peak(network: Graph, batch: int = BATCH) -> int:
    make_images = partial(torch.zeros, batch, *network.input.shape)
    return measured_inference(build(network), make_images).beyond


def test_a_tensor_is_alive_until_its_last_view_is_gone() -> None:
    storages = LiveStorages(nn.Identity())
    with storages:
        x = torch.zeros(10)
        view = x[2:4]
        del x
        assert storages.live == 40
        del view
        assert storages.live == 0
    assert storages.peak == 40


def test_parameters_do_not_count_as_alive() -> None:
    linear = nn.Linear(100, 2)
    storages = LiveStorages(linear)
    with torch.no_grad(), storages:
        linear(torch.zeros(1, 100))
    assert storages.peak == 400 + 8


def test_the_image_is_freed_after_its_last_use() -> None:
    network = chain(FeatureMap(64, (4, 4)), Conv(channels=1, kernel=1), ReLU())
    assert peak(network, 1) == 64 * 64 + 64  # of 4096 and 64, and then of 64 and 64


def test_a_max_pool_needs_room_for_its_indices() -> None:
    network = chain(FeatureMap(1, (4, 4)), MaxPool(kernel=2))
    assert peak(network, 1) == 64 + 16 + 32  # 16 values, 4 maxima, 4 indices of 8 bytes


@given(
    images=st.integers(1, 2),
    channels=st.integers(1, 3),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
)
def test_an_average_needs_room_for_what_it_divides_by(
    images: int, channels: int, sizes: list[int], kernel: int, stride: int
) -> None:
    pool = AvgPool(kernel=kernel, stride=stride, padding="same", count_include_pad=False)
    network = chain(FeatureMap(channels, tuple(sizes)), pool)
    assume(_fits(network))
    assert peak(network, images) == peak_bytes(analyze(network, batch=images))


def _fits(network: Graph) -> bool:
    try:
        analyze(network)
    except LayerError:
        return False
    return True


@given(random_graphs())
def test_the_peak_of_any_graph_is_the_rules(network: Graph) -> None:
    assume(any(not layer.training_only for layer in network.nodes))
    assert peak(network) == peak_bytes(analyze(network, batch=BATCH))


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.kind)
@given(data=st.data())
def test_the_memory_of_every_kind_is_the_rules(kind: type[Layer], data: st.DataObject) -> None:
    """At the end behind layers that learn; and between such, behind gaps."""
    example = data.draw(EXAMPLES[kind])
    effect = effect_of(example)
    assume(effect is not None)
    assert effect is not None
    batch = data.draw(st.integers(1, 3))
    assume(kind not in (BatchNorm, GroupNorm) or batch * example.inputs[0].positions > 1)
    plainly = between_learned_layers(example, effect.output)
    assume(len(plainly.inputs) == 1)
    network = _behind_gaps(plainly, data.draw(st.booleans()))
    at_the_end = analyze(_cut(plainly), batch=BATCH)
    if why_memory_is_unknown(at_the_end, at_the_end.dtype) is None:
        assert peak(at_the_end.graph) == peak_bytes(at_the_end)
    analysis = analyze(network, batch=batch)
    assume(why_memory_is_unknown(analysis, analysis.dtype) is None)
    names = [layer.name for layer in analysis.layers]
    x = torch.rand(batch, *network.input.shape)
    assert saved_by_layer(build(network), x, names) == saved_bytes(analysis) | {"": 0}
    without = _cut(network)
    assert peak(without, batch) == peak_bytes(analyze(without, batch=batch))


def _cut(network: Graph) -> Graph:
    """The network that ends in the layer itself."""
    return graph(network.input, network.nodes[:-1])


def _behind_gaps(network: Graph, in_channels: bool) -> Graph:
    """The network with a border put around each input of `layer`, and cut off again."""
    outputs = {layer.name: layer.output for layer in analyze(network).layers}
    nodes: list[Node] = []
    for one in network.nodes:
        if one.name == "layer":
            for name in one.inputs:
                channels, sizes = outputs[name].channels, outputs[name].sizes
                wider: Layer = Pad(sides=1)
                cut: Layer = Crop(sides=1)
                if in_channels or not sizes:
                    wider = PadChannels(before=1, after=1)
                    cut = ChannelSlice(start=1, stop=1 + channels)
                nodes.append(node(f"{name}_wider", wider, name))
                nodes.append(node(f"{name}_cut", cut, f"{name}_wider"))
            one = replace(one, inputs=tuple([f"{name}_cut" for name in one.inputs]))
        nodes.append(one)
    return graph(network.input, nodes)


def test_a_workspace_forgotten_in_the_rule_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = chain(FeatureMap(8, (4, 4)), LocalResponseNorm())
    measured = peak(network, 1)
    assert measured == peak_bytes(analyze(network))
    monkeypatch.setattr("archcalc.memory_use.liveness._workspace", lambda name: name)
    assert measured != peak_bytes(analyze(network))


def test_a_training_step_holds_activations_and_gradients() -> None:
    network = chain(FeatureMap(2, (4, 4)), Conv(channels=3, kernel=1), ReLU())
    analysis = analyze(network)
    measured = measured_step(build(network), partial(torch.zeros, 1, 2, 4, 4), USUAL).beyond
    kept = sum(saved_bytes(analysis).values())
    assert kept + analysis.totals.param_bytes <= measured <= 3 * kept


# ----- time -----


def test_every_layer_and_the_whole_take_time() -> None:
    twin = build("lenet5")
    names = [layer.name for layer in twin.graph.nodes]
    seconds = layer_seconds(twin, torch.rand(1, 1, 32, 32), names)
    assert set(seconds) == {*names, ""}
    assert all(value > 0 for value in seconds.values())


def test_a_layer_with_a_thousand_times_the_work_takes_longer() -> None:
    small = node("small", Conv(channels=8, kernel=1))
    large = node("large", Conv(channels=8, kernel=31, padding=15))
    network = graph(FeatureMap(8, (64, 64)), [small, large, node("sum", Add(), "small", "large")])
    with one_thread():  # on a busy machine threads wait for each other
        seconds = layer_seconds(build(network), torch.rand(1, 8, 64, 64), ["small", "large"])
    assert seconds["large"] > seconds["small"]


VIEWS: list[Layer] = [
    Flatten(), Identity(), Dropout(p=0.5), Crop(sides=1), ChannelSlice(stop=2),
    Reshape(shape=(2, 32)),
]  # fmt: skip


@pytest.mark.parametrize("layer", VIEWS, ids=lambda layer: layer.kind)
def test_a_view_starts_no_kernel(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA has no graph of nothing: on a GPU its time is 0, and no graph is recorded."""
    twin, x = build(chain(FeatureMap(4, (4, 4)), layer)).eval(), torch.rand(1, 4, 4, 4)
    assert not starts_kernels(lambda: twin(x))
    monkeypatch.setattr(timing, "_replay", pytest.fail)
    assert timing._median_seconds(lambda: twin(x), torch.device("cuda")) == 0


def test_what_computes_or_copies_starts_kernels() -> None:
    image = FeatureMap(4, (4, 4))
    x = torch.rand(1, *image.shape)
    for layers in ([ReLU()], [Conv(channels=1, kernel=1)], [Crop(sides=1), Flatten()]):
        twin = build(chain(image, *layers)).eval()
        assert starts_kernels(lambda twin=twin: twin(x))  # type: ignore[misc]  # of this round


# ----- on a GPU -----


@needs_gpu
def test_a_gpu_times_every_layer() -> None:
    twin = build("lenet5", device="cuda")
    names = [layer.name for layer in twin.graph.nodes]
    seconds = layer_seconds(twin, torch.rand(1, 1, 32, 32, device="cuda"), names)
    assert set(seconds) == {*names, ""}
    assert all(0 <= value < 1 for value in seconds.values())
    views = {layer.name for layer in twin.graph.nodes if layer.layer.kind == "flatten"}
    assert {name for name, value in seconds.items() if not value} == views


@needs_gpu
@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet"])
def test_tensors_on_a_gpu_live_as_the_rule_says(name: str) -> None:
    twin = build(name, device="cuda")
    make_images = partial(torch.zeros, 1, *twin.graph.input.shape, device="cuda")
    assert measured_inference(twin, make_images).beyond == peak_bytes(analyze(name))


@needs_gpu
def test_a_training_step_on_a_gpu_is_measured() -> None:
    twin = build("lenet5", device="cuda")
    kept = sum(saved_bytes(analyze("lenet5")).values())
    make_images = partial(torch.zeros, 1, 1, 32, 32, device="cuda")
    assert measured_step(twin, make_images, USUAL).beyond > kept
