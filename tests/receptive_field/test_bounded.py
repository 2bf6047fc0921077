"""What units see is found with bounded work, and only where it is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from archcalc.errors import UsageError
from archcalc.figures.figure import Figure
from archcalc.figures.language import reads_fields
from archcalc.figures.of_layer import OF_LAYER
from archcalc.figures.of_network import OF_NETWORK
from archcalc.walk import analyze, walk
from tests.graphs import random_graphs

FAR = """\
name: far
input: [3, 8, 8]
layers:
  - repeat: 99
    layers: [max_pool: {kernel: 1, stride: 1000000000}]
"""


def test_a_jump_beyond_64_bits_is_unknown_and_the_other_figures_are_not() -> None:
    layers = analyze(FAR).layers
    assert [layer.jump for layer in layers[:3]] == [(10**9,) * 2, (10**18,) * 2, None]
    assert layers[-1].receptive_field is None
    assert layers[-1].output.shape == (3, 1, 1)


@given(random_graphs(most=12))
def test_without_what_units_see_all_other_figures_are_the_same(graph: Any) -> None:
    found, without = walk(graph, 2, "float32"), walk(graph, 2, "float32", fields=False)
    for key, figure in OF_NETWORK.items():
        if not reads_fields(key):
            assert value(figure, found) == value(figure, without), key
    for one, other in zip(found.layers, without.layers, strict=True):
        for key, figure in OF_LAYER.items():
            assert reads_fields(key) or figure.of(one) == figure.of(other), key
        assert other.receptive_field in (None, ())


@pytest.mark.parametrize(
    ("quantity", "reads"),
    [
        ("receptive_field", True),
        ("macs / layers[conv1].jump", True),
        ("blocks[*].offset", True),
        ("training_peak + layers[conv1].output", False),
    ],
)
def test_a_quantity_says_whether_it_reads_what_units_see(quantity: str, reads: bool) -> None:
    assert reads_fields(quantity) is reads


def value(figure: Figure, analysis: Any) -> Any:
    try:
        return figure.of(analysis)
    except UsageError as error:
        return str(error)
