"""The torch twin: names, values, sharing, what it returns, and what it lets go."""

from __future__ import annotations

import copy
import sys
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor, nn

import archcalc
from archcalc import FeatureMap, MissingExtraError, UsageError
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU
from archcalc.layers.convolution import Conv, LocallyConnected
from archcalc.layers.joining import Add, Average, Multiply
from archcalc.layers.normalization import BatchNorm, ChannelScale, LayerNorm, Scale
from archcalc.layers.pooling import AvgPool, MaxPool
from archcalc.layers.regularization import DropPath
from archcalc.layers.reshaping import ChannelSlice, ChannelSplit
from archcalc.layers.unpooling import MaxUnpool
from archcalc.torch_backend.build import Twin, build
from archcalc.torch_backend.layer_modules import module_for
from archcalc.torch_backend.verify import conditions, verify
from tests.graphs import chain, graph, node


def module_on(layer: Layer, *shape: int) -> Any:
    """The module of a layer for images of this shape; its attributes are its own."""
    return module_for(layer, FeatureMap(shape[0], shape[1:]))


# ----- names -----


def test_layers_are_found_by_the_names_of_the_spec() -> None:
    twin = build("resnet18", device="meta")
    assert isinstance(twin.get_submodule("layer1.0.conv1"), nn.Conv2d)
    keys = list(twin.state_dict())
    assert keys[:2] == ["conv1.weight", "bn1.weight"]
    assert "layer2.0.downsample.0.weight" in keys
    assert twin.graph.name == "resnet18"


def test_every_node_is_a_module_joins_included() -> None:
    twin = build("googlenet", device="meta")
    for spec_node in twin.graph.nodes:
        assert isinstance(twin.get_submodule(spec_node.name), nn.Module)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("forward", "forward_"),
        ("train.type", "train_.type_"),
        ("a..b", "a._.b"),
        # What only the twin itself has: its own, and found all the same.
        ("graph", "graph"),
        ("block.run", "block.run"),
        ("module_of", "module_of"),
    ],
)
def test_a_name_that_torch_cannot_have_is_another(name: str, path: str) -> None:
    network = graph(FeatureMap(1, (4,)), [node(name, Conv(channels=1, kernel=1))])
    twin = build(network)
    assert list(twin.state_dict()) == [f"{path}.weight", f"{path}.bias"]
    assert isinstance(twin.module_of(name), nn.Conv1d)
    assert twin.module_names == {name: path}
    assert twin(torch.zeros(1, 1, 4)).shape == (1, 1, 4)
    assert twin.graph is network


def test_what_is_measured_of_a_renamed_layer_is_found() -> None:
    nodes = [
        node("half.type", Conv(channels=2, kernel=3)),
        node("forward", BatchNorm(), "half.type"),
        node("eval", Conv(channels=2, kernel=1), "forward"),
        node("run", Conv(channels=2, kernel=1), "eval"),
    ]
    network = graph(FeatureMap(1, (8, 8)), nodes)
    what = ["sizes", "params", "macs", "memory", "field"]
    found = verify(network, what=what, under=conditions("cpu"))
    assert found.differences == ()
    measured = {(f.layer, f.quantity): f.measured for f in found.figures}
    assert measured["half.type", "macs"] == 36 * 2 * 9
    assert measured["eval", "weights"] == 4


def test_layers_hang_on_a_layer_that_comes_after_them() -> None:
    nodes = [
        node("a.b", Conv(channels=1, kernel=1)),
        node("a", Conv(channels=1, kernel=3), "a.b"),
    ]
    twin = build(graph(FeatureMap(1, (4,)), nodes))
    assert list(twin.state_dict()) == ["a.weight", "a.bias", "a.b.weight", "a.b.bias"]
    assert twin(torch.zeros(1, 1, 4)).shape == (1, 1, 2)


def test_parameters_and_inputs_can_be_changed_on_the_way() -> None:
    twin = archcalc.build("resnet18", device="meta", classes=7, input=[3, 64, 96])
    assert twin(torch.empty(2, 3, 64, 96, device="meta")).shape == (2, 7)


# ----- what cannot be built -----


def test_without_torch_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"needs torch, .* pip install 'archcalc\[torch\]'"):
        archcalc.build("vgg16")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cuda:x"])
def test_a_device_that_is_not_here_is_refused(device: str) -> None:
    with pytest.raises(UsageError, match=f"device '{device}'"):
        build("lenet5", device=device)


def test_a_free_size_is_refused() -> None:
    with pytest.raises(UsageError, match="resnet18 has free sizes; give plain numbers"):
        archcalc.build("resnet18", input=[3, 32 * archcalc.symbol("h"), 224])


# ----- values -----


def test_same_is_what_torch_calls_same_where_torch_has_it() -> None:
    layer = Conv(channels=2, kernel=(2, 4), dilation=(3, 1), padding="same")
    conv = module_on(layer, 3, 7, 8)
    x = torch.rand(2, 3, 7, 8)
    with warnings.catch_warnings(action="ignore"):  # torch warns that even kernels take a copy
        same = nn.Conv2d(3, 2, (2, 4), padding="same", dilation=(3, 1))
        same.load_state_dict(conv.state_dict())
        expected = same(x)
    torch.testing.assert_close(conv(x), expected)


def test_the_odd_pixel_of_same_lies_behind() -> None:
    conv = module_on(Conv(channels=1, kernel=3, stride=2, padding="same", bias=False), 1, 4)
    nn.init.ones_(conv.weight)
    # As TensorFlow: on 4 pixels windows of 3 at every second need 1 pixel of padding, after.
    assert conv(torch.tensor([[[1.0, 2, 4, 8]]])).tolist() == [[[7, 12]]]


def test_each_side_is_padded_by_its_own_measure() -> None:
    sides = ((0, 1), (2, 0))
    x = torch.rand(1, 2, 5, 6)
    conv = module_on(Conv(channels=2, kernel=2, padding=sides), 2, 5, 6)
    padded = F.pad(x, (2, 0, 0, 1))
    torch.testing.assert_close(conv(x), F.conv2d(padded, conv.weight, conv.bias))
    pooled = module_on(MaxPool(kernel=2, stride=1, padding=((0, 1), (1, 0))), 2, 5, 6)(-x)
    torch.testing.assert_close(pooled[:, :, 4, 1:], F.max_pool1d(-x[:, :, 4], 2, 1))


@pytest.mark.parametrize("count_include_pad", [True, False])
def test_uneven_padding_of_an_average_counts_or_does_not(count_include_pad: bool) -> None:
    layer = AvgPool(kernel=2, padding=((0, 1),), count_include_pad=count_include_pad)
    pooled = module_on(layer, 1, 3)(torch.tensor([[[2.0, 4, 6]]]))
    assert pooled.tolist() == [[[3, 3 if count_include_pad else 6]]]


@pytest.mark.parametrize("sizes", [(7,), (6, 7), (4, 5, 6)])
def test_a_locally_connected_layer_with_equal_weights_is_a_convolution(
    sizes: tuple[int, ...],
) -> None:
    options: dict[str, Any] = {"channels": 3, "kernel": 3, "stride": 2, "padding": "same"}
    conv = module_on(Conv(**options), 2, *sizes)
    local = module_on(LocallyConnected(**options), 2, *sizes)
    with torch.no_grad():
        local.weight.copy_(conv.weight.expand_as(local.weight))
        local.bias.copy_(conv.bias.expand_as(local.bias))
    x = torch.rand(2, 2, *sizes)
    torch.testing.assert_close(local(x), conv(x))


def test_a_norm_over_channels_makes_each_position_standard() -> None:
    y = module_on(LayerNorm(over="channels", affine=False), 64, 3, 2)(torch.rand(2, 64, 3, 2))
    torch.testing.assert_close(y.mean(dim=1), torch.zeros(2, 3, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var(dim=1, correction=0), torch.ones(2, 3, 2), atol=1e-3, rtol=0)


def test_a_batch_norm_without_gamma_learns_its_bias_alone() -> None:
    norm = module_on(BatchNorm(gamma=False), 3, 4)
    assert [name for name, _ in norm.named_parameters()] == ["bias"]
    y = norm(torch.rand(5, 3, 4))
    torch.testing.assert_close(y.std(dim=(0, 2), correction=0), torch.ones(3), atol=1e-3, rtol=0)


def test_constants_scale_and_shift() -> None:
    x = torch.rand(2, 3)
    torch.testing.assert_close(module_on(Scale(factor=-1.0, shift=1.0), 3)(x), 1 - x)
    torch.testing.assert_close(module_on(Scale(factor=1e30), 3)(x), 1e30 * x)
    scale = module_on(ChannelScale(bias=True), 3)
    with torch.no_grad():
        scale.weight.copy_(torch.tensor([1.0, 2, 3]))
        scale.bias.fill_(1)
    torch.testing.assert_close(scale(x), x * torch.tensor([1.0, 2, 3]) + 1)


def test_a_dropped_path_is_dropped_for_whole_images() -> None:
    torch.manual_seed(0)
    drop = module_on(DropPath(p=0.25), 2, 3)
    y = drop(torch.ones(1000, 2, 3))
    kept = y[:, 0, 0] != 0
    assert set(y.unique().tolist()) == {0, torch.tensor(1 / 0.75).item()}
    assert torch.equal(y != 0, kept.view(-1, 1, 1).expand_as(y))
    assert 700 < int(kept.sum()) < 800
    assert torch.equal(drop.eval()(torch.ones(5, 2, 3)), torch.ones(5, 2, 3))


def test_a_path_that_is_always_dropped_is_zero() -> None:
    assert not module_on(DropPath(p=1.0), 2)(torch.ones(4, 2)).any()


def test_slices_and_parts_are_views_of_the_right_channels() -> None:
    x = torch.arange(6.0).view(1, 6)
    assert module_on(ChannelSlice(start=1, stop=3), 6)(x).tolist() == [[1, 2]]
    part = module_on(ChannelSplit(parts=3, part=2), 6)(x)
    assert part.tolist() == [[4, 5]]
    assert part.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


@pytest.mark.parametrize(
    ("join", "expected"), [(Add(), [5.0, 7]), (Average(), [5 / 3, 7 / 3]), (Multiply(), [4.0, 12])]
)
def test_joins_combine_branches_and_leave_them_as_they_are(
    join: Layer, expected: list[float]
) -> None:
    branches = [torch.tensor([[[2.0]]]), torch.tensor([[[1.0, 3]]]), torch.tensor([[[2.0, 2]]])]
    given = copy.deepcopy(branches)
    maps = [FeatureMap(1, (1,)), FeatureMap(1, (2,)), FeatureMap(1, (2,))]
    joined = module_for(join, *maps)(*branches)
    torch.testing.assert_close(joined, torch.tensor([[expected]]))
    assert all(map(torch.equal, branches, given))
    only = module_for(join, maps[1])(branches[1])
    only.zero_()
    assert torch.equal(branches[1], given[1])


@pytest.mark.parametrize(
    ("pool", "padding"),
    [
        (MaxPool(kernel=2), 0),
        (MaxPool(kernel=3, stride=2, padding=1), 1),
        (MaxPool(kernel=2, stride=3, padding="same"), 0),
        (MaxPool(kernel=3, stride=2, padding=((0, 1), (1, 0))), 0),
    ],
)
def test_what_is_unpooled_lies_where_it_was_pooled(pool: MaxPool, padding: int) -> None:
    x = torch.randperm(2 * 3 * 49).view(2, 3, 7, 7) + 1.0
    unpool = MaxUnpool(kernel=pool.kernel, stride=pool.stride, padding=padding, output=7)
    nodes = [node("pool", pool), node("unpool", unpool, "pool", indices="pool")]
    twin = build(graph(FeatureMap(3, (7, 7)), nodes))
    y = twin(x)
    pooled, _ = twin.get_submodule("pool")(x)
    taken = y != 0
    assert torch.equal(y[taken], x[taken])
    assert set(y[taken].tolist()) == set(pooled.flatten().tolist())


# ----- weights that are shared -----


SHARING = graph(
    FeatureMap(3, (6, 6)),
    [
        node("block.first", Conv(channels=3, kernel=3, padding=1)),
        node("norm", BatchNorm(), "block.first"),
        node("second", Conv(channels=3, kernel=3, stride=2), "norm", weights="block.first"),
        node("third", BatchNorm(), "second", weights="norm"),
    ],
)


def assert_shared(twin: Twin) -> None:
    for name, owner in (("second", "block.first"), ("third", "norm")):
        module, shared = twin.get_submodule(name), twin.get_submodule(owner)
        for key, tensor in module.state_dict(keep_vars=True).items():
            assert tensor is shared.state_dict(keep_vars=True)[key], f"{name}.{key}"


def test_shared_weights_are_the_very_same() -> None:
    twin = build(SHARING)
    assert_shared(twin)
    assert len(list(twin.parameters())) == 4
    assert len(list(twin.buffers())) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda twin: twin.double(),
        lambda twin: twin.to("meta"),
        lambda twin: build(SHARING, device="meta").to_empty(device="cpu"),
        copy.deepcopy,
    ],
    ids=["converted", "moved", "filled", "copied"],
)
def test_shared_weights_stay_so(change: Callable[[Twin], Twin]) -> None:
    assert_shared(change(build(SHARING)))


def test_a_state_dict_loads_back() -> None:
    saved = build("lenet5").state_dict()
    twin = build("lenet5")
    twin.load_state_dict(saved)
    assert all(torch.equal(saved[key], tensor) for key, tensor in twin.state_dict().items())


def test_a_few_steps_of_training_lower_the_loss() -> None:
    torch.manual_seed(0)
    twin = build("lenet5")
    x, labels = torch.rand(16, 1, 32, 32), torch.arange(16) % 10
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(20):
        loss = F.cross_entropy(twin(x), labels)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_a_part_can_be_replaced() -> None:
    twin = build("resnet18", device="meta")
    twin.fc = nn.Linear(512, 3, device="meta")
    assert twin(torch.empty(1, 3, 64, 64, device="meta")).shape == (1, 3)


# ----- what leaves the network, and when -----


def test_heads_follow_the_main_output_and_training_only_ones_run_in_training_alone() -> None:
    nodes = [
        node("stem", Conv(channels=2, kernel=1)),
        node("aux", Conv(channels=5, kernel=1), "stem", training_only=True),
        node("side", Conv(channels=3, kernel=1), "stem"),
        node("body", Conv(channels=1, kernel=1), "stem"),
    ]
    twin = build(graph(FeatureMap(4, (3, 3)), nodes, ["body", "aux", "side"]))
    x = torch.rand(2, 4, 3, 3)
    assert [y.shape[1] for y in twin(x)] == [1, 5, 3]
    ran: list[str] = []
    twin.get_submodule("aux").register_forward_hook(lambda *arguments: ran.append("aux"))
    assert [y.shape[1] for y in twin.eval()(x)] == [1, 3]
    assert not ran


def test_a_pool_that_only_training_undoes_still_pools() -> None:
    nodes = [
        node("pool", MaxPool(kernel=2)),
        node("unpooled", MaxUnpool(kernel=2), "pool", indices="pool", training_only=True),
        node("body", ReLU(), "pool"),
    ]
    twin = build(graph(FeatureMap(1, (4,)), nodes, ["body", "unpooled"])).eval()
    assert twin(torch.tensor([[[1.0, 2, 4, 3]]])).tolist() == [[[2, 4]]]


def test_tensors_are_let_go_after_their_last_use() -> None:
    twin = build(chain(FeatureMap(1, (4,)), *[Scale(factor=2.0)] * 3)).eval()
    alive: list[int] = []
    made: list[weakref.ref[Tensor]] = []

    def count(module: nn.Module, given: object, output: Tensor) -> None:
        made.append(weakref.ref(output))
        alive.append(sum(tensor() is not None for tensor in made))

    for name in ("scale0", "scale1", "scale2"):
        twin.get_submodule(name).register_forward_hook(count)
    inputs = [torch.ones(1, 1, 4)]
    made.append(weakref.ref(inputs[0]))
    output = twin.run(inputs)
    assert isinstance(output, Tensor)
    assert output.tolist() == [[[8, 8, 8, 8]]]
    assert inputs == []
    assert alive == [2, 2, 2]  # the input and the output of the layer that runs
