"""The totals that other tools print: their rules beside the tools themselves.

Each tool runs the module that archcalc exports, where it is installed in the version that the
conventions name.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Sequence
from typing import cast

import pytest
import torch
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from archcalc import AnalysisStopped, Graph, analyze, load
from archcalc.exporting import torch_source
from archcalc.exporting.helpers import HELPERS
from archcalc.other_tools import CONVENTIONS
from archcalc.other_tools.call import PARENTS
from archcalc.testing.graphs import graph, node
from archcalc.testing.strategies import Example
from tests.exporting.exported import class_of
from tests.graphs import random_graphs
from tests.layers.examples import EXAMPLES
from tests.other_tools.tools import TOOLS, Tool, inputs_of

# Of each family of layers one that takes tools no time: convolutions of all sorts, pools, norms,
# resizing, attention, recurrence, tables, response norms, sources.
NETWORKS = (
    "lenet5", "alexnet", "mobilenet_v3_small", "shufflenet_v2_x0_5", "deit_tiny", "lstm_lm_medium",
    "dcgan_generator", "lraspp_mobilenet_v3_large", "tcn_mnist", "spatial_transformer",
)  # fmt: skip
INSTALLED = {name: tool for name, tool in TOOLS.items() if tool.is_installed()}
# What archcalc does not say the totals of: classes of its own that are many operators.
KINDS = [kind for kind in EXAMPLES if kind.kind not in ("deform_conv", "max_unpool", "roi_align")]


def check(network: Graph, tools: dict[str, Tool]) -> int:
    """Each total of each tool is that of the rules; how many there were."""
    analysis = analyze(network)
    made = class_of(torch_source(network, "a test"))
    shapes = [(cast(Sequence[int], x.shape), x.dtype) for x in network.inputs.values()]
    held = 0
    for tool in tools.values():
        device = "meta" if tool.on_meta else "cpu"
        with torch.device(device):
            module = made().eval()
        for name, total in tool.totals(module, inputs_of(shapes, device)).items():
            assert CONVENTIONS[name].total(analysis) == total, (name, str(network))
            held += 1
    return held


def runs(network: Graph) -> bool:
    """Whether torch takes one image: a norm refuses a single value to norm."""
    shapes = [(cast(Sequence[int], x.shape), x.dtype) for x in network.inputs.values()]
    try:
        class_of(torch_source(network, "a test"))().eval()(*inputs_of(shapes, "cpu"))
    except ValueError:
        return False
    return True


def test_the_tools_are_there_in_the_versions_that_the_conventions_name() -> None:
    """calflops, DeepSpeed and thop do not go beside the others, or bring much with them: they lie
    apart, where `.ci/tools` has installed them."""
    apart = {name for name, tool in TOOLS.items() if tool.apart is not None}
    assert TOOLS.keys() - INSTALLED.keys() <= (set() if "TOOLS_FOLDER" in os.environ else apart)


@pytest.mark.parametrize("name", NETWORKS)
def test_totals_of_networks(name: str) -> None:
    assert check(load(name), INSTALLED) >= len(INSTALLED) - 1


@given(random_graphs())
def test_totals_of_random_networks(network: Graph) -> None:
    # ptflops and thop count a module once for each block that has it as an attribute.
    assume(not any(each.weights for each in network.nodes) and runs(network))
    event(f"{check(network, INSTALLED)} totals")


@settings(max_examples=100)
@given(st.sampled_from(KINDS).flatmap(lambda kind: EXAMPLES[kind]))
def test_totals_of_single_layers(example: Example) -> None:
    inputs = {f"x{number}": x for number, x in enumerate(example.inputs)}
    assume(all(x.items == 1 for x in inputs.values()))
    alone = graph(inputs, [node("layer", example.layer, *inputs)])
    try:
        analyze(alone)
    except AnalysisStopped:
        assume(False)
    assume(runs(alone))
    check(alone, INSTALLED)


def test_classes_that_are_derived_from_torchs_are_known() -> None:
    """What a class of the exported source is derived from decides who counts it."""
    derived = {}
    for name, source in HELPERS.items():
        for made in ast.parse(source).body:
            if isinstance(made, ast.ClassDef):
                parent = ast.unparse(made.bases[0])
                if parent != "nn.Module":
                    derived[name] = parent
    without_axes = {
        _without_axes(name): _without_axes(parent.removeprefix("nn."))
        for name, parent in derived.items()
    }
    assert without_axes == PARENTS


def _without_axes(name: str) -> str:
    for axes in "123":
        name = name.replace(f"{axes}d", "")
    return name
