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
    batch, owners, parts, constant = analysis.batch, net.owners(), net.parts(), net.constant()
    comparison.of("outputs", "", list(analysis.graph.outputs), net.outputs)
    shapes_of_inputs = {name: x.shape for name, x in analysis.graph.inputs.items()}
    comparison.of("inputs", "", shapes_of_inputs, net.inputs)
    for row, layer in zip(analysis.layers, net.layers, strict=True):
        images = 1 if layer.name in constant else batch
        own = counts(layer, shapes, owners[layer.name] == layer.name, images)
        training_only = layer.training_only or layer.name in parts.training_only
        values = 0 if layer.kind == "parameter" else math.prod(shapes[layer.name]) * images
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
            ("macs", row.macs, own.macs),
            ("flops", row.flops, 2 * own.macs),
            ("other_ops", row.other_ops, own.other_ops),
            ("activation_values", row.activation_values, values),
            ("activation_bytes", row.activation_bytes, values * subject.bytes_of(layer.name)),
        ):
            comparison.of(quantity, layer.name, has, wanted)


def check_totals(subject: Subject, comparison: Comparison) -> None:
    """The sums: of what runs at inference, in training only, and never."""
    analysis, net, batch = subject.analysis, subject.net, subject.analysis.batch
    at_inference, training_only = net.parts()
    unused = {layer.name for layer in net.layers} - at_inference - training_only
    owners, constant = net.owners(), net.constant()
    images = {x.name: 1 if x.name in constant else batch for x in net.layers}
    for what, totals, names in (
        ("total", analysis.totals, at_inference),
        ("total in training only", analysis.training_only_totals, training_only),
        ("total of what no output needs", analysis.unused_totals, unused),
    ):
        rows = [
            counts(layer, subject.shapes, owners[layer.name] == layer.name, images[layer.name])
            for layer in net.layers
            if layer.name in names
        ]
        _check_total(what, totals, total(rows), subject, comparison)
    sizes = {
        x.name: math.prod(subject.shapes[x.name]) * images[x.name] * subject.bytes_of(x.name)
        for x in net.layers
        if x.kind != "parameter"
    }
    listed = [x.name for x in net.layers if x.kind in IN_LECTURE and x.name in at_inference]
    each = {name: 8 if name in net.integers else subject.bytes_each for name in net.inputs}
    image = sum([math.prod(net.inputs[name]) * each[name] for name in net.inputs]) * batch
    activations = archcalc.activation_bytes(analysis)
    everything = sum([size for name, size in sizes.items() if name in at_inference])
    comparison.of("all bytes", "", activations.all, everything)
    lecture = image + sum([sizes[name] for name in listed])
    comparison.of("lecture bytes", "", activations.lecture, lecture)


def _check_total(
    what: str, totals: Totals, own: Counts, subject: Subject, comparison: Comparison
) -> None:
    params = own.weights + own.biases
    for quantity, has, wanted in (
        ("weights", totals.weights, own.weights),
        ("biases", totals.biases, own.biases),
        ("params", totals.params, params),
        ("param_bytes", totals.param_bytes, params * subject.bytes_each),
        ("buffers", totals.buffers, own.buffers),
        ("macs", totals.macs, own.macs),
        ("flops", totals.flops, 2 * own.macs),
        ("other_ops", totals.other_ops, own.other_ops),
    ):
        comparison.of(f"{what} {quantity}", "", has, wanted)
