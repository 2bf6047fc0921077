"""archcalc's figures of a spec beside the oracle's."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

import archcalc
from archcalc import Analysis
from tests.fuzz.counting import counts
from tests.fuzz.interpreter import Net, read
from tests.fuzz.network import Shape, learn, shapes_of
from tests.fuzz.operators import Learned

BYTES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}


class Difference(NamedTuple):
    """A figure of archcalc's that is not the oracle's."""

    quantity: str
    layer: str
    archcalc: Any
    oracle: Any

    def __str__(self) -> str:
        where = f" of {self.layer}" if self.layer else ""
        return f"{self.quantity}{where}: archcalc {self.archcalc}, oracle {self.oracle}"


class Subject(NamedTuple):
    """A spec, as archcalc sees it and as the oracle does."""

    analysis: Analysis
    net: Net
    shapes: dict[str, Shape]
    learned: dict[str, Learned]

    def images(self) -> torch.Tensor:
        """A batch of the size and the dtype that the analysis is for."""
        dtype = getattr(torch, self.analysis.dtype)
        return torch.rand(self.analysis.batch, *self.net.input).to(dtype)


def subject(text: str, path: Path, batch: int, dtype: str) -> Subject:
    """The spec `text`, which is written to `path` for archcalc to read."""
    path.write_text(text, encoding="utf-8")
    net = read(text)
    shapes = shapes_of(net)
    learned = learn(net, shapes, getattr(torch, dtype))
    return Subject(archcalc.analyze(path, batch=batch, dtype=dtype), net, shapes, learned)


class Comparison:
    """Collects what is compared, and what differs.

    Attributes:
        compared: how many figures.
        differences: those that differ.
    """

    def __init__(self) -> None:
        self.compared = 0
        self.differences: list[Difference] = []

    def of(self, quantity: str, layer: str, found: object, wanted: object) -> None:
        """Holds a figure of archcalc's, `found`, against the oracle's."""
        self.compared += 1
        if found != wanted:
            self.differences.append(Difference(quantity, layer, found, wanted))


Check = Callable[[Subject, Comparison], None]


def check_layers(subject: Subject, comparison: Comparison) -> None:
    """Inputs, sizes, parameters, buffers, operations, and their sums."""
    analysis, net, shapes = subject.analysis, subject.net, subject.shapes
    batch, size = analysis.batch, BYTES[analysis.dtype]
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
            ("activation_bytes", row.activation_bytes, values * size),
        ):
            comparison.of(quantity, layer.name, has, wanted)


CHECKS: dict[str, Check] = {"figures of layers": check_layers}
