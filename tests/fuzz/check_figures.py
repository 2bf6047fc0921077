"""Sizes, parameters and operations of each layer, and their sums."""

from __future__ import annotations

import math

import archcalc
from archcalc import Totals
from tests.fuzz.checking import Comparison, Subject
from tests.fuzz.counting import IN_LECTURE, Counts, counts, state, total


def check_layers(subject: Subject, comparison: Comparison) -> None:
    """Each layer's place, size, parameters, buffers and operations."""
    analysis, net, shapes = subject.analysis, subject.net, subject.shapes
    batch, owners, parts = analysis.batch, net.owners(), net.parts()
    comparison.of("outputs", "", list(analysis.graph.outputs), net.outputs)
    shapes_of_inputs = {name: x.shape for name, x in analysis.graph.inputs.items()}
    comparison.of("inputs", "", shapes_of_inputs, net.inputs)
    for row, layer in zip(analysis.layers, net.layers, strict=True):
        own = counts(layer, shapes, owners[layer.name] == layer.name)
        training_only = layer.training_only or layer.name in parts.training_only
        values = math.prod(shapes[layer.name]) * batch
        for quantity, has, wanted in (
            ("kind", row.kind, layer.kind),
            ("inputs", row.inputs, layer.inputs),
            ("training_only", row.training_only, training_only),
            ("used", row.used, layer.name in parts.at_inference | parts.training_only),
            ("output", row.output.shape, shapes[layer.name]),
            ("state", {t.name: t.shape for t in row.effect.state}, state(layer, shapes)),
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


def check_totals(subject: Subject, comparison: Comparison) -> None:
    """The sums: of what runs at inference, in training only, and never."""
    analysis, net, batch = subject.analysis, subject.net, subject.analysis.batch
    at_inference, training_only = net.parts()
    unused = {layer.name for layer in net.layers} - at_inference - training_only
    owners = net.owners()
    for what, totals, names in (
        ("total", analysis.totals, at_inference),
        ("total in training only", analysis.training_only_totals, training_only),
        ("total of what no output needs", analysis.unused_totals, unused),
    ):
        rows = [
            counts(layer, subject.shapes, owners[layer.name] == layer.name)
            for layer in net.layers
            if layer.name in names
        ]
        _check_total(what, totals, total(rows), subject, comparison)
    sizes = {x.name: math.prod(subject.shapes[x.name]) * batch for x in net.layers}
    listed = [x.name for x in net.layers if x.kind in IN_LECTURE and x.name in at_inference]
    image = sum(map(math.prod, net.inputs.values())) * batch
    activations = archcalc.activation_bytes(analysis)
    for quantity, has, values in (
        ("all bytes", activations.all, sum(sizes[name] for name in at_inference)),
        ("lecture bytes", activations.lecture, image + sum(sizes[name] for name in listed)),
    ):
        comparison.of(quantity, "", has, values * subject.bytes_each)


def _check_total(
    what: str, totals: Totals, own: Counts, subject: Subject, comparison: Comparison
) -> None:
    batch, params = subject.analysis.batch, own.weights + own.biases
    for quantity, has, wanted in (
        ("weights", totals.weights, own.weights),
        ("biases", totals.biases, own.biases),
        ("params", totals.params, params),
        ("param_bytes", totals.param_bytes, params * subject.bytes_each),
        ("buffers", totals.buffers, own.buffers),
        ("macs", totals.macs, own.macs * batch),
        ("flops", totals.flops, 2 * own.macs * batch),
        ("other_ops", totals.other_ops, own.other_ops * batch),
    ):
        comparison.of(f"{what} {quantity}", "", has, wanted)
