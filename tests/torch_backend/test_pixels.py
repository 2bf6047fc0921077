"""The pixels that units see, by the gradient of archcalc's own twin, are those of the oracle."""

from __future__ import annotations

from math import prod

from hypothesis import assume, given
from hypothesis import strategies as st

from archcalc import Graph, analyze
from archcalc.torch_backend import pixels as pixels_module
from archcalc.torch_backend.pixels import measured_pixels
from archcalc.unit_field import unit_field
from tests.dependence import dependence, pixels_of
from tests.graphs import entangled_graphs, random_graphs
from tests.unit_field.test_tracing import MOST_PIXELS, reached, units


def check_pixels(graph: Graph, data: st.DataObject) -> None:
    assume(prod(graph.input.shape) <= MOST_PIXELS and graph.nodes)
    analysis, oracle = analyze(graph), dependence(graph)
    chosen = [
        (layer.name, at)
        for layer in analysis.layers
        for at in {place for place, channel in units(layer, data)}
    ]
    measured = measured_pixels(analysis, chosen)
    assert measured.pixels is not None
    assert not measured.left_out
    for name, at in chosen:
        answers = reached(oracle[name], analysis.layer(name).unit_axes, at, None)
        wanted = pixels_of(answers, graph.input.shape)
        assert measured.pixels[name, at] == wanted, (name, at)


@given(random_graphs(most=10), st.data())
def test_random_graphs(graph: Graph, data: st.DataObject) -> None:
    check_pixels(graph, data)


@given(entangled_graphs(most=8), st.data())
def test_entangled_graphs(graph: Graph, data: st.DataObject) -> None:
    check_pixels(graph, data)


@given(entangled_graphs(most=8))
def test_along_single_axes_the_trace_agrees_where_it_is_measured(graph: Graph) -> None:
    assume(graph.nodes)
    analysis = analyze(graph)
    chosen = [
        (layer.name, tuple([layer.output.shape[axis] // 2 for axis in layer.unit_axes]))
        for layer in analysis.layers
    ]
    measured = pixels_module._along_each_axis(analysis, chosen)
    for (name, at), along in measured.along.items():
        field = unit_field(analysis, name, at)
        if not field.pixels or not field.exact:  # along the other axes it may see nothing
            continue
        found = tuple(
            frozenset(n for first, last in field.runs(axis) for n in range(first, last + 1))
            for axis in range(len(along))
        )
        assert found == along, (name, at)
