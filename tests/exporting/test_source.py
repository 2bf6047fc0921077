"""The PyTorch source of a network: the twin's module, and code that reads well."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

import archcalc
from archcalc import FeatureMap, Graph, Node, UsageError, analyze, load
from archcalc.exporting import torch_source
from archcalc.exporting.names import MODULE_DICT_ATTRIBUTES
from archcalc.graph import INPUT
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Concat
from archcalc.layers.normalization import BatchNorm, Scale
from archcalc.layers.pooling import MaxPool
from archcalc.layers.regularization import Dropout
from archcalc.layers.resampling import PadChannels
from archcalc.layers.unpooling import MaxUnpool
from archcalc.record import replace
from archcalc.torch_backend.build import build
from archcalc.torch_spelling.module_names import MODULE_ATTRIBUTES
from tests.exporting.exported import (
    check_counts,
    check_network,
    check_same_as_twin,
    class_of,
    module_of,
)
from tests.graphs import entangled_graphs, graph, node, random_graphs, with_some_frozen
from tests.hostile import hostile_analysis
from tests.networks import SAMPLE, analyzed, each_network, names_taken
from tests.spec_texts import graph_of

Draw = st.DrawFn


def source_of(network: Graph | str) -> str:
    return torch_source(load(network) if isinstance(network, str) else network, "a test")


# ----- the same network: every spec, every kind of layer, any graph, any names -----


SMALL = (
    "lenet5", "lenet5_1998", "highway_mnist10", "local_7_3", "deconv_unpool", "resnet20",
    "densenet_40_12", "fractalnet20", "nin_cifar10", "reduced_vgg", "wrn_16_8", "fire_module",
    "stochastic_depth110", "inception_bottleneck",
)  # fmt: skip


@pytest.mark.parametrize("name", each_network())
def test_every_network_has_its_parameters_under_the_keys_of_the_twin(name: str) -> None:
    network = analyzed(name).graph
    with torch.device("meta"):
        module = module_of(network)
    check_counts(network, module)
    twin = build(network, device="meta")
    shapes = {key: value.shape for key, value in twin.state_dict().items()}
    assert {key: value.shape for key, value in module.state_dict().items()} == shapes


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_do_what_the_twin_does(name: str) -> None:
    network = load(name)
    check_same_as_twin(network, module_of(network), build(network))


# Parts of names: such as stand in specs, and such as Python or torch have plans of their own for.
PATHS = ("", "", "a", "a", "b", "a.b", "stage.0", "stage.1", "0", "class", "3x3", "keys", "x.y")
LAST = (
    "conv", "relu", "x", "out", "0", "1", "3x3", "class", "forward", "training", "keys", "__x",
    "__init__", "graph", "run", "add", "a", "b", "skip", "torch", "self", "nn", "conv-1", "b.1",
)  # fmt: skip


@st.composite
def renamed(draw: Draw) -> Graph:
    """A random graph whose layers stand in containers at random, under any names."""
    network = draw(with_some_frozen(st.one_of(random_graphs(most=16), entangled_graphs())))
    plain = draw(st.booleans())
    names = {INPUT: INPUT}
    for number, layer in enumerate(network.nodes):
        last = f"l{number}" if plain else draw(st.sampled_from(LAST))
        name = f"{draw(st.sampled_from(PATHS))}.{last}".lstrip(".")
        names[layer.name] = name if name not in names.values() else f"{name}_{number}"
    nodes = [
        replace(
            layer,
            name=names[layer.name],
            inputs=tuple([names[value] for value in layer.inputs]),
            weights=layer.weights and names[layer.weights],
            indices=layer.indices and names[layer.indices],
        )
        for layer in network.nodes
    ]
    return replace(network, nodes=tuple(nodes), outputs=tuple([names[n] for n in network.outputs]))


@given(renamed())
def test_any_graph_under_any_names_does_what_the_twin_does(network: Graph) -> None:
    check_network(network)


PARTS = ("conv", "conv", "batch_norm", "relu", "dropout", "scale", "pad_channels")
STYLES = ("{part}", "l{part}", "l{block}_{part}", "b{block}.l{part}")


@st.composite
def families(draw: Draw) -> Graph:
    """Blocks of one make, that differ in numbers, in how often they come, and in a part or two."""
    kinds = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
    style, dense = draw(st.sampled_from(STYLES)), draw(st.booleans())
    nodes: list[Node] = []
    blocks: dict[str, str] = {}
    last, channels = INPUT, 4
    for block in range(draw(st.integers(2, 5))):
        blocks[f"stage{block}"] = "stage"
        width, rate = draw(st.sampled_from([4, 8, 12])), draw(st.sampled_from([0.1, 0.2]))
        missing = draw(st.one_of(st.none(), st.integers(0, len(kinds) - 1)))
        for unit in range(draw(st.integers(1, 4))):
            path = f"stage{block}.{unit}"
            blocks[path] = "unit"
            start, stride = last, 1 if dense or unit else draw(st.sampled_from([1, 2]))
            for part, kind in enumerate(kinds):
                if part != missing:
                    name = f"{path}.{style.format(part=part, block=block)}"
                    layer, channels = layer_of(kind, channels, width, rate, stride)
                    nodes.append(node(name, layer, last))
                    last = name
            if dense and last != start:
                nodes.append(node(f"{path}.join", Concat(), start, last))
                last = f"{path}.join"
                channels = analyze(graph(FeatureMap(4, (8, 8)), nodes)).layer(last).output.channels
    assume(bool(nodes) and channels < 2000)
    return replace(graph(FeatureMap(4, (8, 8)), nodes), blocks=blocks)


def layer_of(kind: str, channels: int, width: int, rate: float, stride: int) -> tuple[Layer, int]:
    """A layer, and the channels behind it."""
    if kind == "conv":
        return Conv(channels=width, kernel=3, stride=stride, padding=1), width
    if kind == "pad_channels":
        return PadChannels(after=width), channels + width
    layers: dict[str, Layer] = {
        "batch_norm": BatchNorm(),
        "relu": ReLU(),
        "dropout": Dropout(p=rate),
        "scale": Scale(factor=rate),
    }
    return layers[kind], channels


@given(families())
def test_blocks_of_one_make_do_what_the_twin_does(network: Graph) -> None:
    check_network(network)


@given(
    widths=st.lists(st.integers(1, 4), min_size=4, max_size=5),
    expansions=st.lists(st.integers(1, 3), min_size=4, max_size=4),
)
def test_blocks_of_which_some_lack_a_part_do_what_the_twin_does(
    widths: list[int], expansions: list[int]
) -> None:
    # As in MobileNetV2, the width of what may be missing is made of that of what never is.
    network = load(
        "name: mobile\ninput: [3, 5, 5]\n"
        f"parameters: {{widths: {widths}, expansions: {expansions}}}\n"
        "blocks:\n  residual:\n    parameters: [inputs, outputs, expansion]\n"
        "    let: {hidden: inputs*expansion}\n    layers:\n"
        "      - if: expansion > 1\n"
        "        then: [conv: {name: expand, channels: hidden, kernel: 1}]\n"
        "      - conv: {name: depthwise, channels: hidden, kernel: 3, groups: hidden, padding: 1}\n"
        "      - conv: {name: project, channels: outputs, kernel: 1}\n"
        "layers:\n  - conv: {name: stem, channels: 'widths[0]', kernel: 1}\n"
        "  - repeat: len(widths) - 1\n    index: i\n    layers:\n"
        "      - residual: {name: 'stage{i}', inputs: 'widths[i]', outputs: 'widths[i + 1]',"
        " expansion: 'expansions[i]'}\n"
    )
    check_network(network)


def test_blocks_of_too_many_numbers_to_share_a_class_may_lack_a_part() -> None:
    # 14 widths that come in no order: three classes, of which the second has no `first`.
    network = load(
        "name: wide\ninput: [3, 2, 2]\n"
        "blocks:\n  stage:\n    parameters: [number]\n    layers:\n"
        "      - if: number != 1\n"
        "        then: [softplus: {name: first}]\n"
        "      - concat:\n          name: all\n          branches:\n"
        "            - - repeat: 14\n                index: k\n                layers:\n"
        "                  - conv: {name: 'c{k}', channels: (k + 3)**(number + 2) % 29 + 1,"
        " kernel: 1}\n"
        "            - []\n"
        "layers:\n  - repeat: 3\n    index: i\n    layers:\n"
        "      - stage: {name: 'stage{i}', number: i}\n"
    )
    check_network(network)
    classes = re.findall(r"class Stage.*?(?=class |$)", torch_source(network, ""), re.DOTALL)
    assert [text.count("nn.Softplus") for text in classes] == [1, 0, 1]


@given(st.lists(st.integers(1, 5), min_size=3, max_size=7), st.integers(1, 2))
def test_widths_that_rise_and_fall_are_those_of_the_twin(widths: list[int], stages: int) -> None:
    # What a convolution takes is what the one before it gives, also where that falls evenly.
    network = load(
        f"name: chain\ninput: [3, 2, 2]\nparameters: {{widths: {widths}}}\n"
        f"layers:\n  - repeat: {stages}\n    index: n\n    layers:\n"
        "      - repeat: len(widths)\n        index: k\n        layers:\n"
        "          - conv: {name: 'stage{n}.c{k}', channels: '(n + 1)*widths[k]', kernel: 1}\n"
    )
    check_network(network)


# ----- code that reads well -----


def test_blocks_that_differ_in_numbers_share_a_class() -> None:
    source = source_of("resnet50")
    assert source.count("class ") == 3
    assert "class Unit(nn.Module):\n" in source
    assert "in_channels: int, channels: int, stride: int = 1, downsample: bool = False\n" in source
    assert "self.layer3 = Stage(512, 256, depth=6, stride=2)\n" in source
    assert "*[Unit(4 * channels, channels) for _ in range(1, depth)]," in source


def test_names_and_widths_that_go_on_become_a_loop() -> None:
    assert """
        for i in range(depth):
            self.add_module(
                f"conv{number}_{i + 1}",
                nn.Conv2d(in_channels if i == 0 else channels, channels, 3, padding=1),
            )
            self.add_module(f"relu{number}_{i + 1}", nn.ReLU())
        self.add_module(f"pool{number}", nn.MaxPool2d(2, stride=2))
""" in source_of("vgg11")


def test_widths_that_grow_evenly_become_a_loop() -> None:
    source = source_of("densenet121")
    assert (
        """
        for i in range(depth):
            self.add_module(f"denselayer{i + 1}", DenseLayer(in_channels + 32 * i))
"""
        in source
    )


def test_branches_and_joins_are_plain_expressions() -> None:
    source = source_of("googlenet")
    assert (
        """
    def forward(self, x: Tensor) -> Tensor:
        branch1 = self["1x1"](x)
        branch2 = self["3x3"](self["3x3_reduce"](x))
        branch3 = self["5x5"](self["5x5_reduce"](x))
        branch4 = self["pool_proj"](self["pool"](x))
        return torch.cat([branch1, branch2, branch3, branch4], 1)
"""
        in source
    )
    assert "        aux1 = self.aux1(x) if self.training else None\n" in source


U_NET = """\
name: tiny
input: [1, 8, 8]
blocks:
  down:
    parameters: [width]
    layers:
      - conv: {name: conv, channels: width, kernel: 3, padding: 1}
      - relu: {name: relu}
  up:
    parameters: [width, skip]
    layers:
      - upsample: {name: up, factor: 2}
      - concat: {name: cat, from: [up, "enc{skip}"]}
      - conv: {name: conv, channels: width, kernel: 3, padding: 1}
layers:
  - down: {name: enc1, width: 4}
  - max_pool: {name: pool1, kernel: 2, stride: 2}
  - down: {name: enc2, width: 8}
  - max_pool: {name: pool2, kernel: 2, stride: 2}
  - up: {name: dec2, width: 8, skip: 2}
  - up: {name: dec1, width: 4, skip: 1}
"""


def test_what_a_block_takes_from_outside_is_an_argument() -> None:
    network = graph_of(U_NET)
    check_network(network)
    source = source_of(network)
    assert "    def forward(self, x: Tensor, skip: Tensor) -> Tensor:\n" in source
    assert (
        """
        enc1 = self.enc1(x)
        x = self.pool1(enc1)
        enc2 = self.enc2(x)
        x = self.pool2(enc2)
        x = self.dec2(x, enc2)
        return self.dec1(x, enc1)
"""
        in source
    )


SHARING = """\
name: tiny
input: [1, 8, 8]
blocks:
  tower:
    parameters: [owner: "'own'"]
    layers:
      - if: owner == 'own'
        then: [conv: {name: conv, channels: 1, kernel: 3, padding: 1}]
        else: [conv: {name: conv, channels: 1, kernel: 3, padding: 1, weights: "{owner}.conv"}]
      - relu: {name: relu}
layers:
  - tower: {name: left}
  - tower: {name: right, owner: "'left'"}
  - conv: {name: wide, channels: 1, kernel: 3, padding: 2, dilation: 2, weights: left.conv}
"""


def test_shared_weights_are_one_module_or_one_tensor() -> None:
    network = graph_of(SHARING)
    check_network(network)
    source = source_of(network)
    assert "        self.right = Tower()\n" in source
    assert "        self.right.conv = self.left.conv  # shared weights\n" in source
    assert "        self.wide.weight = self.left.conv.weight  # shared weights\n" in source


def test_layers_that_others_come_between_are_called_one_by_one() -> None:
    nodes = [
        node("a.first", Conv(channels=1, kernel=1)),
        node("b", ReLU(), "a.first"),
        node("a.second", Conv(channels=1, kernel=1), "b"),
    ]
    network = graph(FeatureMap(1, (4, 4)), nodes)
    check_network(network)
    assert "        self.a = nn.Module()\n" in source_of(network)
    assert "        x = self.b(self.a.first(x))\n" in source_of(network)


def test_a_pool_in_one_block_is_undone_in_another() -> None:
    nodes = [
        node("down.pool", MaxPool(kernel=2)),
        node("down.relu", ReLU(), "down.pool"),
        node("up.conv", Conv(channels=1, kernel=1), "down.relu"),
        node("up.unpool", MaxUnpool(kernel=2), "up.conv", indices="down.pool"),
    ]
    network = graph(FeatureMap(1, (4, 4)), nodes)
    check_network(network)
    assert "        return pool_indices, x\n" in source_of(network)


def test_a_layer_that_leads_nowhere_is_left_out() -> None:
    nodes = [node("lost", Conv(channels=1, kernel=1)), node("relu", ReLU())]
    source = source_of(graph(FeatureMap(1, (4, 4)), nodes))
    assert "self.lost" not in source
    assert "Without the layers that no output depends on: lost." in source


def test_the_docstring_says_what_it_is_and_how_it_was_made() -> None:
    source = torch_source(load("googlenet"), "archcalc export googlenet")
    docstring = class_of(source).__doc__
    assert docstring is not None
    for text in (
        "GoogLeNet (Inception v1)\n",
        "Andrew Rabinovich, 2014\n",
        "Going Deeper with Convolutions, arXiv:1409.4842\n",
        "Input: (N, 3, 224, 224)\n",
        "Parameters: 6,998,552, and 6,379,728 of heads for training\n",
        "Multiply-accumulates per image: 1,582,671,872\n",
        "In training it also returns aux1.classifier.fc2 and aux2.classifier.fc2.\n",
        ": archcalc export googlenet\n",
    ):
        assert text in docstring


# ----- the file as a whole -----


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of networks of every family; in the thorough run, of all networks."""
    found = tmp_path_factory.mktemp("sources")
    for name in names_taken({*SAMPLE, "local_7_3"}):  # which takes all that one may import
        (found / f"{name}.py").write_text(source_of(name), encoding="utf-8")
    return found


@pytest.mark.parametrize(
    "command", [["check", "--select", "E,F,I"], ["format", "--check"]], ids=lambda c: c[0]
)
def test_ruff_has_nothing_to_say(folder: Path, command: list[str]) -> None:
    options = ["--isolated", "--no-cache", "--line-length", "100", "."]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *options], cwd=folder, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_imports_nothing_but_torch(folder: Path) -> None:
    imports = {
        line
        for path in folder.iterdir()
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imports == {
        "import math",
        "import torch",
        "import torch.nn.functional as F",
        "from torch import Tensor, nn",
        "from torch.nn.utils.parametrizations import weight_norm",
    }


def test_hostile_names_and_titles_stay_text() -> None:
    network = hostile_analysis().graph
    check_counts(network, module_of(network))
    source = torch_source(network, '"""; evil()\n\\')
    tree = ast.parse(source)
    functions = [call.func for call in ast.walk(tree) if isinstance(call, ast.Call)]
    called = {function.id for function in functions if isinstance(function, ast.Name)}
    assert called <= {"super", *[node.name for node in tree.body if isinstance(node, ast.ClassDef)]}
    assert source.isprintable() or set(source) - {"\n"} <= set(filter(str.isprintable, source))


def test_no_attribute_of_modules_is_forgotten() -> None:
    """Else a layer of that name would break its module."""
    plain, keyed = (
        {name for name in dir(module) if not name.startswith("__")}
        for module in (nn.Module(), nn.ModuleDict())
    )
    assert plain <= MODULE_ATTRIBUTES
    assert keyed <= MODULE_ATTRIBUTES | MODULE_DICT_ATTRIBUTES


def test_free_sizes_are_refused() -> None:
    with pytest.raises(UsageError, match="vgg16 has free sizes; give plain numbers as input"):
        source_of(load("vgg16", input=[3, 224, archcalc.symbol("w")]))


def test_names_nested_without_end_are_refused() -> None:
    name = ".".join(["a"] * 100)
    with pytest.raises(UsageError, match="more than 60 dots in a name"):
        source_of(graph(FeatureMap(1, (4, 4)), [node(name, ReLU())]))


def test_arguments_that_only_new_versions_of_torch_have_are_not_given() -> None:
    network = graph_of("  - group_norm: {name: norm, groups: 3, bias: false}\n")
    source = source_of(network)
    assert "bias=" not in source
    check_network(network)


@pytest.mark.parametrize(
    "layers",
    [
        "conv: {name: rep}, conv: {name: skip, from: stem}, batch_norm: {name: skipbn}, "
        "add: {name: join, from: [rep, skipbn]}",
        "conv: {name: parts.0}, conv: {name: between}, conv: {name: parts.1, from: stem}, "
        "add: {name: join, from: [between, parts.1]}",
        "conv: {name: one}, conv: {name: two, from: stem}, conv: {name: three, from: one}, "
        "add: {name: join, from: [three, two]}, batch_norm: {name: norm}",
    ],
)
def test_the_code_runs_in_the_order_of_the_spec(layers: str) -> None:
    statements = f"conv: {{name: stem}}, {layers}".split("}, ")
    text = "".join(f"  - {each.rstrip('}')}}}\n" for each in statements)
    text = re.sub(r"conv: \{", "conv: {channels: 4, kernel: 1, ", text)
    check_network(graph_of(text))


def test_what_a_sum_spreads_runs_in_its_turn_though_it_is_written_last() -> None:
    network = load(
        "name: spread\ninput: [8, 9]\nlayers:\n"
        "  - conv: {name: narrow, channels: 1, kernel: 1}\n"
        "  - conv: {name: wide, from: input, channels: 8, kernel: 1}\n"
        "  - add: {from: [narrow, wide]}\n"
    )
    check_network(network)
    assert "wide(x) + out" in torch_source(network, "")
