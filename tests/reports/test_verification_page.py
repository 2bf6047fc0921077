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
from archcalc.memory_use.totals import peak_bytes, saved_bytes
from archcalc.reports.verification_page import roofline_page
from archcalc.spec.library import network_names

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
