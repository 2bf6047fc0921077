"""Recurrent layers: published figures, refusals, and what a step sees."""

from __future__ import annotations

import pytest
import torch

from archcalc import FeatureMap, LayerError, SpecError, UsageError, analyze
from archcalc.analysis import Analysis
from archcalc.layers.layer import Layer
from archcalc.layers.recurrent import Gru, Lstm, Rnn
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import activation_bytes, peak_bytes, saved_bytes
from archcalc.memory_use.training import backward_macs, step_of
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch
from archcalc.testing.training import check_step
from archcalc.torch_backend.build import build
from archcalc.torch_backend.memory_figures import memory_figures
from archcalc.torch_backend.peak_memory import measured_inference
from archcalc.torch_backend.saved_tensors import saved_by_layer
from archcalc.torch_backend.training_step import measured_step
from archcalc.torch_backend.verify import conditions, verify
from archcalc.verification import Conditions
from tests.graphs import chain


def network(input: str, *layers: str) -> str:
    lines = [f"  - {layer}" for layer in layers]
    return "\n".join(["name: recurrent", f"input: {input}", "layers:", *lines, ""])


def analysis_of(input: str, *layers: str, batch: int = 1) -> Analysis:
    return analyze(network(input, *layers), batch=batch)


@pytest.mark.parametrize(
    ("input", "layer", "params", "macs"),
    [
        # https://github.com/TylerYep/torchinfo/issues/32
        ("[100, 300]", "lstm: {features: 512, layers: 2}", 3_768_320, 376_012_800),
        # https://stats.stackexchange.com/questions/458685
        ("[1, 32]", "gru: {features: 32}", 6_336, 6_144),
        # Sak et al. 2014: 4 (F C + F P + 2 F) + P F, with two biases as torch has them.
        ("[2, 10]", "lstm: {features: 8, projection: 3}", 4 * 8 * 15 + 24, 2 * (4 * 8 * 13 + 24)),
    ],
)
def test_published_figures(input: str, layer: str, params: int, macs: int) -> None:
    totals = analysis_of(input, layer).totals
    assert (totals.params, totals.macs) == (params, macs)


@pytest.mark.parametrize("x", [FeatureMap(8), FeatureMap(3, (4, 4))], ids=str)
@pytest.mark.parametrize("layer", [Rnn(features=2), Gru(features=2), Lstm(features=2)])
def test_it_takes_a_sequence(layer: Layer, x: FeatureMap) -> None:
    with pytest.raises(LayerError, match=r"needs a sequence \(steps, features\)"):
        layer.effect_on(x)


def test_a_projection_is_to_fewer_features() -> None:
    with pytest.raises(LayerError, match="projects 4 features to 4, which are not fewer"):
        Lstm(features=4, projection=4).effect_on(FeatureMap(3, (2,)))


def test_the_number_of_layers_is_a_plain_number() -> None:
    with pytest.raises(SpecError, match="layers: expected a plain number, found 'n'"):
        analyze(network("[n, 2]", "gru: {features: 2, layers: in_channels}"))


X = FeatureMap(5, (2,))


@pytest.mark.parametrize(
    ("layer", "unit", "steps"),
    [
        (Gru(features=3), (2, 0), 0b00111),
        (Gru(features=3, layers=2), (2, 0), 0b00111),
        (Gru(features=3, bidirectional=True), (2, 0), 0b00111),
        (Gru(features=3, bidirectional=True), (2, 5), 0b11100),
        (Gru(features=3, bidirectional=True, layers=2), (2, 0), 0b11111),
        (Gru(features=3, output="last"), (1,), 0b11111),
    ],
)
def test_a_step_sees_those_before_it(layer: Gru, unit: tuple[int, ...], steps: int) -> None:
    channel, *position = unit
    patch = Patch(1 << channel, tuple([1 << n for n in position]))
    ((_, seen),) = layer.reads(patch, [X], layer.effect_on(X).windows)
    assert seen == Patch(steps, (full(2),))


# ----- in memory -----

CHAINS = (
    ("[3, 4]", "gru: {features: 3}", "lstm: {features: 5, layers: 2}", "linear: {features: 2}"),
    ("[3, 4]", "rnn: {features: 4}", "gelu", "dropout", "flatten", "linear: {features: 2}"),
    ("[3, 4]", "rnn: {features: 4}", "channel_scale", "glu: {axis: 1}", "rnn: {features: 3}"),
    ("[3, 4]", "rnn: {features: 4}", "local_response_norm", "linear: {features: 2}"),
    ("[3, 4]", "rnn: {features: 4}", "log_sigmoid", "flatten", "linear: {features: 2}"),
    ("[2, 3]", "lstm: {features: 3, bidirectional: true}", "relu", "linear: {features: 2}"),
    ("[4, 2]", "conv: {channels: 3, kernel: 1}", "lstm: {features: 3, projection: 2, layers: 2}"),
    (
        "[1, 4]",
        "gru: {features: 3, layers: 2, dropout: 0.5, output: last}",
        "linear: {features: 2}",
    ),
)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain[1])
def test_steps_lie_before_images(chain: tuple[str, ...], batch: int) -> None:
    analysis = analysis_of(*chain, batch=batch)
    check_step(analysis.graph, batch)
    images = torch.rand(batch, *analysis.input.shape)
    assert measured_inference(build(analysis.graph), lambda: images.clone()).beyond == peak_bytes(
        analysis
    )


@pytest.mark.parametrize(
    ("features", "steps", "batch"), [(1, 1, 1), (1, 9, 1), (5, 1, 1), (2, 2, 3), (4, 2, 1)]
)
@pytest.mark.parametrize("more", ["", ", layers: 2", ", layers: 2, bidirectional: true"])
def test_what_stands_for_biases_is_there_while_a_kernel_runs(
    features: int, steps: int, batch: int, more: str
) -> None:
    layer = f"lstm: {{features: {features}, bias: false{more}}}"
    analysis = analysis_of(f"[{steps}, 4]", layer, batch=batch)
    images = torch.rand(batch, *analysis.input.shape)
    assert measured_inference(build(analysis.graph), lambda: images).beyond == peak_bytes(analysis)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    "layer", ["rnn: {features: 3", "gru: {features: 3", "lstm: {projection: 1, features: 3"]
)
def test_in_half_precision_what_is_written_out_is_half_as_large(dtype: str, layer: str) -> None:
    analysis = analyze(network("[3, 4]", f"{layer}, layers: 2}}"), batch=2, dtype=dtype)
    images = torch.rand(2, *analysis.input.shape).to(getattr(torch, dtype))
    twin = build(analysis.graph).to(images.dtype)
    assert measured_inference(twin, lambda: images.clone()).beyond == peak_bytes(analysis)
    options = TrainingOptions(dtype=dtype)
    step = step_of(analysis, options)
    found = measured_step(build(analysis.graph), lambda: torch.rand(2, *images.shape[1:]), options)
    assert step.peak.bytes == found.peak_bytes


def test_gradients_go_from_step_to_step_towards_no_input_too() -> None:
    analysis = analysis_of("[5, 2]", "rnn: {features: 3}", batch=2)
    (found,) = backward_macs(analysis).values()
    assert found.weights == 2 * 5 * (3 * 2 + 3 * 3)
    assert found.inputs == 2 * 4 * 3 * 3


@pytest.mark.parametrize(
    "layer", [Rnn(features=2), Gru(features=2), Lstm(features=2, projection=1)]
)
def test_of_what_is_written_out_half_precision_is_known_but_no_autocast(layer: Layer) -> None:
    analysis = analyze(chain(FeatureMap(3, (4,)), layer))
    step_of(analysis, TrainingOptions(dtype="bfloat16"))
    with pytest.raises(UsageError, match="makes and keeps in mixed is not known"):
        step_of(analysis, TrainingOptions(dtype="mixed"))


@pytest.mark.parametrize("layer", [Rnn(features=2), Gru(features=2), Lstm(features=2)])
def test_what_a_gpu_keeps_is_not_known(layer: Layer) -> None:
    analysis = analyze(chain(FeatureMap(3, (4,)), layer))
    with pytest.raises(UsageError, match="makes and keeps in float32 on a GPU is not known"):
        step_of(analysis, TrainingOptions(device="cuda"))
    assert why_memory_is_unknown(analysis, "float32", on_gpu=False) is None
    under = Conditions("cuda:0", "", "2", "float32", 1)
    *kept, peak = memory_figures(analysis, {}, under, [TrainingOptions()])
    assert "on a GPU is not known" in peak.note
    assert {figure.quantity for figure in kept} == {"activation_bytes", "saved_bytes"}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "mixed"])
def test_what_onednn_keeps_of_an_lstm_is_known_in_float32_alone(dtype: str) -> None:
    network = chain(FeatureMap(3, (4,)), Lstm(features=5))
    with pytest.raises(
        UsageError, match=rf"lstm0 \(lstm\) makes and keeps in {dtype} is not known"
    ):
        step_of(analyze(network), TrainingOptions(dtype=dtype))
    if dtype != "mixed":
        found = activation_bytes(analyze(network, dtype=dtype))
        assert (found.peak, found.training) == (None, None)
        assert found.unknown is not None
        compared = verify(network, what=["memory"], under=conditions("cpu", dtype))
        assert not compared.differences
        assert {found.unknown} <= {figure.note for figure in compared.figures}


FROZEN = (
    ("linear: {features: 3}", "gru: {features: 2, layers: 2, trainable: false}"),
    ("conv: {channels: 4, kernel: 1}", "rnn: {features: 3, trainable: false}", "relu"),
    (
        "linear: {features: 3}",
        "lstm: {features: 3, projection: 2, layers: 2, dropout: 0.5, trainable: false}",
    ),
    ("linear: {features: 3}", "lstm: {features: 3, layers: 2, bias: false, trainable: false}"),
    ("gru: {features: 2, trainable: false}", "linear: {features: 2}"),
    ("lstm: {features: 2, layers: 2, bidirectional: true, trainable: false}", "relu", "prelu"),
    ("linear: {features: 3}", "pad: {sides: 1}", "crop: {sides: 1}", "gru: {features: 2}"),
    (
        "linear: {features: 3}",
        "pad: {sides: 1}",
        "crop: {sides: 1}",
        "rnn: {features: 2, trainable: false}",
    ),
)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("shape", ["[1, 2]", "[3, 2]"])
@pytest.mark.parametrize("chain", FROZEN, ids=lambda chain: chain[-1])
def test_frozen_and_behind_gaps(chain: tuple[str, ...], shape: str, batch: int) -> None:
    analysis = analysis_of(shape, *chain, batch=batch)
    check_step(analysis.graph, batch)
    images = torch.rand(batch, *analysis.input.shape)
    names = [layer.name for layer in analysis.layers]
    assert saved_by_layer(build(analysis.graph), images, names) == saved_bytes(analysis) | {"": 0}
    assert measured_inference(build(analysis.graph), lambda: images.clone()).beyond == peak_bytes(
        analysis
    )
