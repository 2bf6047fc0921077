"""The kept results of `archcalc verify` are those of today's specs and rules."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from archcalc import analyze
from archcalc.analysis import Analysis
from archcalc.figures.of_layer import total
from archcalc.identity import Identity
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import peak_bytes, saved_bytes
from archcalc.memory_use.training import step_of
from archcalc.reports.verification_page import roofline_page, verification_page
from archcalc.spec.library import network_names
from archcalc.verification import ALLOCATOR_PARTS, Comparison, Conditions, Figure, quantity_of

KEPT = Path(__file__).parents[2] / "reports" / "verification"


@cache
def kept() -> dict[str, Any]:
    results = json.loads((KEPT / "results.json").read_text(encoding="utf-8"))
    return {result["network"]: result for result in results["networks"]}


def rules(analysis: Analysis, at_training: Analysis) -> dict[str, int]:
    """The figures of a network as a whole, its heads for training included."""
    sums = total(analysis.layers, analysis.bytes_each)
    return {
        "weights": sums.weights,
        "biases": sums.biases,
        "buffers": sums.buffers,
        "macs": sums.macs,
        "saved_bytes": sum(saved_bytes(at_training).values()),
        "peak_bytes": peak_bytes(analysis),
        "training_peak_bytes": step_of(at_training, TrainingOptions()).peak.bytes,
    }


def test_every_network_was_verified() -> None:
    assert list(kept()) == network_names()


@pytest.mark.parametrize("name", network_names())
def test_the_kept_figures_are_todays(name: str) -> None:
    figures = {figure["quantity"]: figure for figure in kept()[name]["totals"]}
    for_two = figures["saved_bytes"].get("note", "").startswith("for two images")
    analysis = analyze(name)
    expected = rules(analysis, analyze(name, batch=2) if for_two else analysis)
    assert {quantity: figures[quantity]["rule"] for quantity in expected} == expected
    assert kept()[name]["compared"]["sizes"] == len(analysis.layers)


def test_no_kept_figure_differs() -> None:
    assert [name for name, result in kept().items() if result["differences"]] == []


def test_the_kept_rooflines_are_todays() -> None:
    assert (KEPT / "roofline.md").read_text(encoding="utf-8") == roofline_page()


def test_what_an_allocator_gave_out_has_a_table_for_each_peak() -> None:
    found = {"peak_bytes": [90, 50, 20, 12, 8], "training_peak_bytes": [1300, 900, 256, 144, 0]}
    figures = [Figure("memory", name, "", sizes[1], sizes[1]) for name, sizes in found.items()]
    figures += [
        Figure("memory", quantity_of(name, part), "", None, size, "while a convolution runs")
        for name, sizes in found.items()
        for part, size in zip(ALLOCATOR_PARTS, sizes, strict=True)
    ]
    under = Conditions("cuda:0", "NVIDIA H200", "2.13", "float32", 1)
    page = verification_page(
        [
            Comparison(Identity("vgg16", {}, {}, {}), (3, 8, 8), under, tuple(figures)),
            Comparison(Identity("lenet5", {}, {}, {}), (1, 8, 8), under, ()),
        ]
    )
    assert "2 networks, 2 figures, **0 differences**" in page
    assert "## The allocator: bytes alive at once, at inference\n" in page
    assert "| network | allocator | live | workspace | rounding | rest |" in page
    assert "| `vgg16` | 90 | 50 | 20 | 12 | 8 |" in page
    assert "| `vgg16` | 1,300 | 900 | 256 | 144 | 0 |" in page
    assert "while a convolution runs" not in page
