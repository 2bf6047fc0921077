"""Random graphs: sizes, parameters, buffers and MACs are torch's, layer by layer."""

from __future__ import annotations

import torch
from hypothesis import given

from archcalc import Graph, analyze
from archcalc.torch_backend.build import build
from archcalc.torch_backend.counting import layer_macs, layer_outputs, layer_values
from tests.graphs import all_used, random_graphs

BATCH = 2


def check_graph(graph: Graph) -> None:
    """Layer by layer, the twin on the meta device is what the analysis says."""
    analysis = analyze(graph, batch=BATCH)
    twin = build(graph, device="meta")
    x = torch.empty(BATCH, *graph.input.shape, device="meta")
    # Weights that layers share count with those that exist at inference, too.
    ordered = sorted(analysis.layers, key=lambda layer: layer.training_only)
    names = [layer.name for layer in ordered]
    outputs = layer_outputs(twin, x, names)
    values = layer_values(twin, names)
    macs = layer_macs(twin, x)
    for layer in analysis.layers:
        name = layer.name
        assert outputs[name].shape == (BATCH, *layer.output.shape), name
        assert outputs[name].bytes == layer.activation_bytes, name
        assert values[name].weights + values[name].biases == layer.params, name
        assert values[name].buffers == layer.buffers, name
        assert macs.get(name, 0) == layer.macs, name


@given(random_graphs())
def test_random_graphs_are_what_torch_makes_of_them(graph: Graph) -> None:
    check_graph(all_used(graph))


@given(random_graphs(most=8))
def test_what_leaves_the_network_leaves_the_twin(graph: Graph) -> None:
    analysis = analyze(graph, batch=BATCH)
    shapes = {layer.name: layer.output.shape for layer in analysis.layers}
    shapes["input"] = graph.input.shape
    only_training = {layer.name for layer in analysis.layers if layer.training_only}
    x = torch.empty(BATCH, *graph.input.shape, device="meta")
    for training in (True, False):
        twin = build(graph, device="meta").train(training)
        leaving = [name for name in graph.outputs if training or name not in only_training]
        returned = twin(x)
        outputs = returned if isinstance(returned, tuple) else (returned,)
        assert [tuple(y.shape) for y in outputs] == [(BATCH, *shapes[name]) for name in leaving]
