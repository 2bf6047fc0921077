"""Layers that no output depends on: listed and marked, and part of no figure of the network."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from archcalc import Analysis, FeatureMap, Graph, analyze
from archcalc.cli import main
from archcalc.comparing.key_figures import key_figures
from archcalc.comparing.stages import stages
from archcalc.hardware.device import find_device
from archcalc.hardware.roofline import roofline
from archcalc.layers.activation import ReLU
from archcalc.layers.convolution import Conv
from archcalc.memory_use.totals import activation_bytes, saved_bytes, training_only_bytes
from archcalc.memory_use.training import backward_macs, step_of
from archcalc.torch_backend.build import build
from archcalc.torch_backend.counting import layer_macs, module_values
from archcalc.torch_backend.storages import Storages
from archcalc.torch_backend.verify import verify
from tests.exporting.exported import class_of
from tests.graphs import all_used, graph, node, random_graphs
from tests.spec_texts import analysis_of, graph_of

# A detector whose writer took a head in a plain block for an output: h3 is none.
FPN = """\
name: fpn
input: [3, 256, 256]
blocks:
  cb:
    parameters: [channels, stride]
    layers:
      - conv: {channels: channels, kernel: 3, stride: stride, padding: 1, bias: false}
      - batch_norm
      - relu
  dethead:
    layers:
      - conv: {name: c1, channels: 256, kernel: 3, padding: 1}
      - relu
      - conv: {name: c2, channels: 720, kernel: 3, padding: 1}
layers:
  - cb: {name: c2, channels: 64, stride: 4}
  - cb: {name: c3, channels: 128, stride: 2}
  - cb: {name: c4, channels: 256, stride: 2}
  - cb: {name: c5, channels: 512, stride: 2}
  - conv: {name: p5, channels: 256, kernel: 1}
  - upsample: {name: u5, factor: 2}
  - conv: {name: l4, from: c4, channels: 256, kernel: 1}
  - add: {name: p4, from: [u5, l4]}
  - upsample: {name: u4, factor: 2}
  - conv: {name: l3, from: c3, channels: 256, kernel: 1}
  - add: {name: p3, from: [u4, l3]}
  - dethead: {name: h3, from: p3}
  - dethead: {name: h4, from: p4}
"""
UNUSED = ["u4", "l3", "p3", "h3.c1", "h3.relu1", "h3.c2"]
# 64x64x64 x 27, 128x32x32 x 576, 256x16x16 x 1152, 512x8x8 x 2304; p5 and l4; the two of h4.
MACS = 7_077_888 + 75_497_472 * 3 + 8_388_608 + 16_777_216 + 256 * 256 * 2304 + 720 * 256 * 2304
# What no output needs: l3, 32x32 positions of 128 x 256; of h3 four times what h4 does.
UNUSED_MACS = 1024 * 128 * 256 + 4 * (256 * 256 * 2304 + 720 * 256 * 2304)


@pytest.fixture(scope="module")
def fpn() -> Analysis:
    return analysis_of(FPN)


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "fpn.yaml"
    path.write_text(FPN)
    return str(path)


# ----- what counts -----


def test_they_are_listed_and_in_no_total(fpn: Analysis) -> None:
    assert [layer.name for layer in fpn.layers if not layer.used] == UNUSED
    assert fpn.totals.macs == MACS == 834_404_352
    assert fpn.unused_totals.macs == UNUSED_MACS
    assert fpn.layer("h3.c2").macs == 1024 * 720 * 2304


def figures(analysis: Analysis) -> dict[str, Any]:
    """All figures of a network as a whole."""
    backward = backward_macs(analysis)
    return {
        "totals": analysis.totals,
        "training only": (analysis.training_only_totals, training_only_bytes(analysis)),
        "activations": activation_bytes(analysis),
        "training": step_of(analysis).peak,
        "backward": sum(macs.total for macs in backward.values()),
        "kept": sum(saved_bytes(analysis).values()),
        "key figures": key_figures(analysis),
        "roofline": [x.seconds for x in roofline(analysis, find_device("generic_cpu"))],
        "stages": [(stage.stride, len(stage.layers)) for stage in stages(analysis)],
    }


@given(random_graphs(most=12))
def test_every_figure_is_that_of_the_network_without_them(network: Graph) -> None:
    with_them = analyze(network, batch=2)
    without = analyze(network.without_unused(), batch=2)
    assert [x.name for x in with_them.used_layers] == [x.name for x in without.layers]
    assert figures(with_them) == figures(without)


def test_the_figures_would_tell_if_they_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    right = figures(analysis_of(FPN))
    for needed in ("live", "with_gradient"):
        monkeypatch.setattr(Graph, needed, lambda graph: {node.name for node in graph.nodes})
    told = figures(analysis_of(FPN))
    assert {key for key in told if told[key] != right[key]} == set(told) - {"training only"}


@given(random_graphs(most=12))
def test_torch_counts_what_counts(network: Graph) -> None:
    """The twin of all layers returns every end; that of the network has what its outputs need."""
    analysis = analyze(network, batch=2)
    twin = build(network, device="meta")
    values = module_values(twin)
    used = (analysis.totals, analysis.training_only_totals)
    assert values.weights + values.biases == sum(totals.params for totals in used)
    assert values.buffers == sum(totals.buffers for totals in used)
    x = torch.empty(2, *network.input.shape, device="meta")
    assert layer_macs(twin, x)[""] == sum(totals.macs for totals in used)


@given(random_graphs(most=8))
def test_autograd_lets_go_of_what_they_would_keep(network: Graph) -> None:
    """The twin runs all layers; when what no output needs is gone, so is what it kept."""
    everything = all_used(network)
    analysis = analyze(network, batch=2)
    assert sum(saved_bytes(analysis).values()) == _held(everything, network.outputs)


class _Held:
    """What autograd keeps in place of a tensor."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def _held(network: Graph, outputs: tuple[str, ...]) -> int:
    """The bytes that autograd holds while only `outputs` of all that leaves a network are held."""
    twin = build(network)
    x = torch.rand(2, *network.input.shape)
    constant = {t.untyped_storage()._cdata for t in (*twin.parameters(), *twin.buffers())}
    kept: weakref.WeakSet[_Held] = weakref.WeakSet()

    def keep(tensor: Tensor) -> _Held:
        held = _Held(tensor.detach())  # what a layer puts out would hold the layer, and it that
        kept.add(held)
        return held

    unpack: Callable[[Any], Tensor] = lambda held: held.tensor  # noqa: E731  as torch wants it
    storages = Storages((x, *twin.parameters(), *twin.buffers()))
    with storages, saved_tensors_hooks(keep, unpack):
        returned = twin(x)
    values = returned if isinstance(returned, tuple) else (returned,)
    leaving = [v for name, v in zip(twin.graph.outputs, values, strict=True) if name in outputs]
    del returned, values
    found = {held.tensor.untyped_storage()._cdata: held.tensor for held in kept}
    assert leaving
    return sum(
        storages.bytes[tensor.untyped_storage()]
        for identity, tensor in found.items()
        if identity not in constant
    )


# ----- weights that are shared with one -----


def test_shared_weights_count_with_a_layer_that_is_used() -> None:
    conv = Conv(channels=3, kernel=1)
    nodes = [
        node("lost", conv),
        node("first", conv, weights="lost"),
        node("second", conv, "first", weights="lost"),
    ]
    network = graph(FeatureMap(3, (4, 4)), nodes)
    analysis = analyze(network)
    assert {layer.name: layer.params for layer in analysis.layers} == {
        "lost": 0,
        "first": 12,
        "second": 0,
    }
    assert [one.weights for one in network.without_unused().nodes] == [None, "first"]
    twin = build(network)
    assert module_values(twin).weights + module_values(twin).biases == analysis.totals.params
    assert verify(network).differences == ()


def test_weights_shared_with_a_head_for_training_count_at_inference() -> None:
    conv = Conv(channels=3, kernel=1)
    nodes = [
        node("lost", conv),
        node("aux", conv, weights="lost", training_only=True),
        node("out", conv, weights="lost"),
    ]
    analysis = analyze(graph(FeatureMap(3, (4, 4)), nodes, ["out", "aux"]))
    assert (analysis.totals.params, analysis.training_only_totals.params) == (12, 0)
    assert verify(analysis.graph).differences == ()


# ----- layers that only heads for training depend on -----

TO_AUX = """\
  - conv: {name: a, channels: 4, kernel: 1}
  - conv: {name: to_aux, channels: 5, kernel: 1}
  - head: {name: aux, training_only: true, layers: [conv: {channels: 2, kernel: 1}]}
  - conv: {name: out, from: a, channels: 6, kernel: 1}
"""


def test_what_only_a_head_for_training_needs_exists_in_training_only() -> None:
    analysis = analysis_of(TO_AUX)
    assert [x.name for x in analysis.training_only_layers] == ["to_aux", "aux.conv1"]
    assert [x.name for x in analysis.inference_layers] == ["a", "out"]
    assert verify(analysis.graph, what=["sizes", "params", "macs", "memory"]).differences == ()


# ----- as users see it -----


def test_the_table_marks_them_and_leaves_them_out(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", spec, "--exact", "--wide"]) == 0
    out, error = capsys.readouterr()
    (line,) = [line for line in out.splitlines() if line.startswith("l3 ")]
    assert " ".join(line.split()[1:]) == "conv, unused 256x32x32 11 8 33,024 33,554,432 1,048,576"
    assert f"MACs         {MACS:,}" in out
    assert (
        "not in these totals, unused, since no output needs them: params 2,282,704, "
        f"MACs {UNUSED_MACS:,}, activations 8,192,000"
    ) in " ".join(out.split())
    assert "no output of fpn needs u4" in error
    assert "`head: {layers: […]}`" in error
    assert main(["table", spec, "--depth", "1", "--exact", "--wide"]) == 0
    out = capsys.readouterr().out
    assert "dethead, unused" in out
    total = next(line for line in out.splitlines() if line.startswith("total"))
    assert f"{MACS:,}" in total


def test_the_json_tells_them(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", spec, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [layer["name"] for layer in found["layers"] if not layer["used"]] == UNUSED
    assert found["totals"]["macs"] == MACS
    assert found["totals"]["unused"]["macs"] == UNUSED_MACS
    assert found["totals"]["unused"]["activation_bytes"]["peak"] == 0


def test_drawings_and_formulas_tell_them(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", spec]) == 0
    assert "conv 1x1<br>unused" in capsys.readouterr().out
    assert main(["formula", spec, "--quantity", "macs", "--symbols", "N"]) == 2
    assert main(["formula", spec, "--input", "3x256x256", "--quantity", "macs"]) == 0
    out, error = capsys.readouterr()
    assert f"{MACS:,}" in out or str(MACS) in out
    assert "no output of fpn needs u4" in error


def test_what_the_writer_meant_has_two_outputs(spec: str) -> None:
    text = FPN.replace(
        "  - dethead: {name: h3, from: p3}\n",
        "  - head: {name: h, training_only: false, layers: [dethead: {name: h3, from: p3}]}\n",
    )
    analysis = analysis_of(text)
    assert analysis.unused_layers == ()
    assert analysis.totals.macs == MACS + UNUSED_MACS


def test_the_source_leaves_them_out_and_says_so(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", spec]) == 0
    source = capsys.readouterr().out
    module = class_of(source)()
    names = {name.partition(".")[0] for name, _ in module.named_parameters()}
    assert names == {"c2", "c3", "c4", "c5", "p5", "l4", "h4"}
    docstring = " ".join((type(module).__doc__ or "").split())
    assert f"Multiply-accumulates per image: {MACS:,}" in docstring
    assert (
        "Without the layers that no output depends on: u4, l3, p3, h3.c1, h3.relu1 and 1 more."
    ) in docstring
    assert layer_macs(module, torch.zeros(1, 3, 256, 256))[""] == MACS


def test_verify_agrees_with_all_counters(spec: str) -> None:
    found = verify(graph_of(FPN), what=["sizes", "params", "macs"])
    assert found.differences == ()
    assert {figure.layer for figure in found.figures}.isdisjoint(UNUSED)
    rules = {f.quantity: f.rule for f in found.figures if f.layer == "" and f.subject == "macs"}
    assert rules["macs"] == rules.get("macs (fvcore)", MACS) == MACS


def test_memory_bills_nothing_for_them(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", spec, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    of = {layer["name"]: layer for layer in found["layers"]}
    for name in UNUSED:
        assert of[name]["kept_bytes"] == of[name]["backward_macs"]["inputs"] == 0
        assert of[name]["kept"] == []
        assert of[name]["used"] is False
    assert found["macs"]["forward"] == MACS


def test_a_quantity_of_a_claim_is_without_them(fpn: Analysis) -> None:
    from archcalc.figures.language import evaluate

    def no_other(name: str) -> Analysis:
        raise AssertionError(name)

    assert evaluate("macs", fpn, no_other) == MACS
    assert evaluate("kinds[upsample].count", fpn, no_other) == 1
    assert evaluate("layers[*.c1].macs", fpn, no_other) == 256 * 256 * 2304
    assert evaluate("blocks[h3].macs", fpn, no_other) == UNUSED_MACS - 1024 * 128 * 256
    assert evaluate("layer_count", fpn, no_other) == len(fpn.layers) - len(UNUSED)


# ----- a head for training that does not fit -----

HEAD = """\
  - conv: {name: a, channels: 4, kernel: 1}
  - conv: {name: to_aux, channels: 4, kernel: 1}
  - head:
      name: aux
      training_only: true
      layers: [relu: {name: r}, conv: {name: big, channels: 2, kernel: 9}, relu]
  - head: {name: fits, training_only: true, layers: [relu: {name: s, from: a}]}
  - relu: {name: out, from: a}
"""


def test_a_head_for_training_that_does_not_fit_costs_a_note() -> None:
    analysis = analysis_of(HEAD)
    assert [layer.name for layer in analysis.layers] == ["a", "fits.s", "out"]
    (left_out,) = analysis.graph.left_out
    assert (left_out.head, left_out.layer) == ("aux", "aux.big")
    assert "aux.big (conv channels=2 kernel=9) on 4x8x8" in left_out.reason
    assert left_out.reason.endswith("a window of 9 does not fit in 8")
    assert analysis.graph.outputs == ("out", "fits.s")
    assert analyze(analysis.graph, batch=2).graph.left_out == analysis.graph.left_out
    assert verify(analysis.graph, what=["sizes", "params", "macs", "memory"]).differences == ()


def test_one_that_fits_is_there() -> None:
    analysis = analysis_of(HEAD.replace("kernel: 9", "kernel: 8"))
    assert analysis.graph.left_out == ()
    assert "aux.relu1" in analysis.maps


def test_weights_of_a_head_that_does_not_fit_stay_with_who_shares_them() -> None:
    conv = Conv(channels=2, kernel=9)
    nodes = [
        node("aux", conv, training_only=True),
        node("smaller", ReLU()),
        node("main", replace_kernel(conv, 1), "smaller", weights="aux"),
    ]
    analysis = analyze(graph(FeatureMap(3, (4, 4)), nodes, ["main", "aux"]))
    assert [(x.name, x.params) for x in analysis.layers] == [("smaller", 0), ("main", 8)]
    assert analysis.layer("main").node.weights is None


def replace_kernel(conv: Conv, kernel: int) -> Conv:
    return Conv(**(vars(conv) | {"kernel": kernel}))


INCEPTION = ["inception_v3", "--input", "3x224x224"]


@pytest.mark.parametrize(
    "command",
    [
        ["table", *INCEPTION],
        ["explain", *INCEPTION],
        ["memory", *INCEPTION],
        ["roofline", *INCEPTION],
        ["field", *INCEPTION],
        ["draw", *INCEPTION],
        ["export", *INCEPTION],
        ["expand", *INCEPTION],
        ["verify", *INCEPTION, "--device", "meta", "--what", "sizes,params,macs"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_does_without_it_and_says_so(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    out, error = capsys.readouterr()
    assert "archcalc: note: without AuxLogits, for training only: AuxLogits.conv1.conv" in error
    assert "a window of 5 does not fit in 3" in error
    assert out


def test_its_json_names_the_layer_and_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", *INCEPTION, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (left_out,) = found["left_out"]
    assert (left_out["head"], left_out["layer"]) == ("AuxLogits", "AuxLogits.conv1.conv")
    assert left_out["reason"].endswith("a window of 5 does not fit in 3")
    # torchvision's figures for 224x224 pixels without its auxiliary head.
    assert found["totals"]["params"] == 23_834_568
    assert "training_only" not in found["totals"]


def test_the_main_path_has_to_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "inception_v3", "--input", "3x64x64"]) == 2
    assert "a window of 3 does not fit in 2" in capsys.readouterr().err
