"""Networks with values of one byte: what torch makes of them, and where gradients end."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archcalc import Graph, analyze, load, symbol, verify
from archcalc.errors import LayerError
from archcalc.exporting.source import torch_source
from archcalc.feature_map import FeatureMap
from archcalc.layers.quantizing import Dequantize, Quantize
from archcalc.testing.training import check_step

FIGURES = ["sizes", "params", "macs", "memory", "field"]
HEAD = """\
name: quantized
input: [3, 8, 8]
layers:
  - conv: {name: c, channels: 4, kernel: 3}
  - quantize: {name: q, dtype: DTYPE}
"""
BEHIND = [
    ["dequantize", "linear: {features: 3}"],
    ["slice: {axis: 0, start: 1}", "flatten", "dequantize", "linear: {features: 3}"],
    ['rearrange: {axes: "c h w -> (h w) c"}', "dequantize", "linear: {features: 3}"],
    ["concat: {from: [q, q]}", "dequantize", "relu", "conv: {channels: 2, kernel: 3}"],
    [
        "slice: {axis: 1, start: 1}",
        "dequantize",
        "conv: {channels: 2, kernel: 3}",
        "quantize",
        "dequantize",
        "batch_norm",
    ],
    [
        "slice: {axis: 0, stop: 1}",
        "expand: {shape: [3, -1, -1]}",
        "dequantize",
        "conv: {channels: 2, kernel: 3}",
    ],
    ["dequantize: {name: d}", "add: {from: [c, d]}", "relu", "conv: {channels: 2, kernel: 3}"],
]


def quantized(lines: list[str], dtype: str) -> Graph:
    head = HEAD.replace("DTYPE", dtype)
    return load(head + "".join(f"  - {line}\n" for line in lines))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("lines", BEHIND)
def test_figures_and_a_step_are_torchs(lines: list[str], dtype: str) -> None:
    network = quantized(lines, dtype)
    batch, floating = (1, "float32") if dtype == "int8" else (2, "bfloat16")
    found = verify(network, subjects=FIGURES, batch=batch, dtype=floating)
    assert not found.found.differences
    assert not verify(network, subjects=["memory"], dtype="mixed").found.differences
    check_step(network, batch)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("lines", BEHIND)
def test_the_export_runs_and_rounds(lines: list[str], dtype: str) -> None:
    network = quantized(lines, dtype)
    scope: dict[str, Any] = {}
    exec(compile(torch_source(network, ""), "<export>", "exec"), scope)
    module = scope["Quantized"]()
    last = analyze(network).layers[-1].output
    assert module(torch.rand(2, 3, 8, 8)).shape == (2, *last.shape)
    x = torch.tensor([-400.0, -1.6, 0.4, 0.6, 400.0])
    low, high = (0, 255) if dtype == "uint8" else (-128, 127)
    assert module.q(x).tolist() == [low, max(low, -2), 0, 1, high]


def test_a_value_takes_one_byte_until_it_is_dequantized() -> None:
    text = HEAD.replace("DTYPE", "uint8") + "  - relu: {from: c}\n  - dequantize: {from: q}\n"
    analysis = analyze(load(text + "outputs: [relu1, dequantize1]\n"), batch=2)
    found = {layer.name: layer.activation_bytes for layer in analysis.layers}
    values = 2 * 4 * 6 * 6
    assert found == {"c": 4 * values, "q": values, "relu1": 4 * values, "dequantize1": 4 * values}


def test_free_sizes_have_the_figures_of_numbers() -> None:
    n: Any = symbol("n")
    layers: list[tuple[Any, str | None]] = [(Quantize(), None), (Dequantize(), "int8")]
    for layer, dtype in layers:
        free = layer.effect_on(FeatureMap(n, (n,), dtype=dtype))
        fixed = layer.effect_on(FeatureMap(7, (7,), dtype=dtype))
        assert free.other_ops.subs({n: 7}) == fixed.other_ops
        assert free.output.dtype == fixed.output.dtype
        found = [extra.values.subs({n: 7}) for extra in free.workspace]
        assert found == [extra.values for extra in fixed.workspace]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("relu", "takes no integers .uint8."),
        ("quantize", "takes no integers .uint8."),
        ("dequantize: {from: c}", "takes what `quantize` makes"),
        ("concat: {from: [c, q]}", "branches of different types: floating and uint8"),
    ],
)
def test_only_what_moves_values_takes_integers(line: str, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        analyze(load(HEAD.replace("DTYPE", "uint8") + f"  - {line}\n"))
