"""Reductions over axes: what they refuse, and their gradients behind views and matrix products."""

from __future__ import annotations

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from archcalc import FeatureMap, LayerError
from archcalc.graph import Graph
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU, Sigmoid
from archcalc.layers.linear import Linear
from archcalc.layers.normalization import LayerNorm
from archcalc.layers.rearranging import Rearrange
from archcalc.layers.reductions import LogSumExp, Max, Mean, Reduction, Sum
from archcalc.layers.reshaping import Reshape
from archcalc.testing.training import check_step
from tests.graphs import chain

REDUCTIONS: tuple[type[Reduction], ...] = (Sum, Sum, Mean, Max, LogSumExp)


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (Mean(axes=3), "no axis 3 of 8x9x9"),
        (Sum(axes=(0, -3), keep=True), "an axis of 8x9x9 is given twice"),
        (Max(axes=(), keep=True), "no axis is given"),
        (Mean(axes=(0, 1, 2)), "leaves no axis of 8x9x9; `keep: true` leaves one value along each"),
    ],
)
def test_axes_that_make_no_sense_are_refused(layer: Layer, why: str) -> None:
    with pytest.raises(LayerError) as refusal:
        layer.effect_on(FeatureMap(8, (9, 9)))
    assert why in str(refusal.value)


def _shapes(values: int) -> st.SearchStrategy[tuple[int, ...]]:
    of = [n for n in range(1, values + 1) if values % n == 0]
    return st.tuples(st.sampled_from(of), st.sampled_from(of)).map(
        lambda ab: (ab[0], values // ab[0]) if values // ab[0] % ab[1] else
        (ab[0], ab[1], values // ab[0] // ab[1])
    )  # fmt: skip


@st.composite
def _networks(draw: st.DrawFn) -> Graph:
    """Layers that learn, views and copies of what they make, and reductions of that."""
    x = FeatureMap(draw(st.integers(1, 3)), (draw(st.sampled_from([2, 4])),))
    layers: list[Layer] = [Linear(features=4)]
    shape = layers[0].effect_on(x).output
    for _ in range(draw(st.integers(1, 5))):
        axes = st.lists(st.integers(0, shape.rank - 1), min_size=1, unique=True).map(tuple)
        over = draw(axes)
        keep = draw(st.booleans()) or len(over) == shape.rank
        turned = "a b -> b a" if shape.rank == 2 else "a b c -> b a c"
        options: list[Layer] = [
            Linear(features=2),
            LayerNorm(over=draw(st.sampled_from(["channels", "last"]))),
            ReLU(),
            Sigmoid(),
            Reshape(shape=draw(_shapes(shape.values))),
            draw(st.sampled_from(REDUCTIONS))(axes=over, keep=keep),
            draw(st.sampled_from(REDUCTIONS))(axes=over, keep=keep),
        ]
        if shape.rank in (2, 3):
            options.append(Rearrange(axes=turned))
        layers.append(draw(st.sampled_from(options)))
        shape = layers[-1].effect_on(shape).output
    return chain(x, *layers)


@given(_networks(), st.integers(1, 2))
def test_gradients_are_repeated_as_torch_repeats_them(network: Graph, batch: int) -> None:
    note(f"{[node.layer for node in network.nodes]}")
    check_step(network, batch)
