"""Sizes, parameters and operations of each layer."""

from __future__ import annotations

import math

from tests.fuzz.checking import Comparison, Subject
from tests.fuzz.counting import counts


def check_layers(subject: Subject, comparison: Comparison) -> None:
    """Each layer's place, size, parameters, buffers and operations."""
    analysis, net, shapes = subject.analysis, subject.net, subject.shapes
    batch = analysis.batch
    comparison.of("outputs", "", list(analysis.graph.outputs), net.outputs)
    comparison.of("input", "", analysis.input.shape, net.input)
    for row, layer in zip(analysis.layers, net.layers, strict=True):
        own = counts(layer, shapes)
        values = math.prod(shapes[layer.name]) * batch
        for quantity, has, wanted in (
            ("kind", row.kind, layer.kind),
            ("inputs", row.inputs, layer.inputs),
            ("training_only", row.training_only, layer.training_only),
            ("output", row.output.shape, shapes[layer.name]),
            ("weights", row.weights, own.weights),
            ("biases", row.biases, own.biases),
            ("params", row.params, own.weights + own.biases),
            ("buffers", row.buffers, own.buffers),
            ("macs", row.macs, own.macs * batch),
            ("flops", row.flops, 2 * own.macs * batch),
            ("other_ops", row.other_ops, own.other_ops * batch),
            ("activation_values", row.activation_values, values),
            ("activation_bytes", row.activation_bytes, values * subject.bytes_each),
        ):
            comparison.of(quantity, layer.name, has, wanted)
