"""Recurrent layers: published figures, refusals, and what a step sees."""

from __future__ import annotations

import pytest
import torch

from archcalc import FeatureMap, LayerError, SpecError, analyze
from archcalc.analysis import Analysis
from archcalc.layers.layer import Layer
from archcalc.layers.recurrent import Gru, Lstm, Rnn
from archcalc.memory_use.totals import peak_bytes
from archcalc.memory_use.training import backward_macs
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch
from archcalc.testing.training import check_step
from archcalc.torch_backend.build import build
from archcalc.torch_backend.peak_memory import measured_inference


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


def test_gradients_go_from_step_to_step_towards_no_input_too() -> None:
    analysis = analysis_of("[5, 2]", "rnn: {features: 3}", batch=2)
    (found,) = backward_macs(analysis).values()
    assert found.weights == 2 * 5 * (3 * 2 + 3 * 3)
    assert found.inputs == 2 * 4 * 3 * 3
