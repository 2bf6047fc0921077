"""A spec as archcalc sees it and as the oracle does, and what differs between the two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch

import archcalc
from archcalc import Analysis
from tests.fuzz.fields import LEAST_ROWS
from tests.fuzz.interpreter import Net, read
from tests.fuzz.learned import Learned
from tests.fuzz.network import Shape, integers_of, learn, shapes_of


class Difference(NamedTuple):
    """A figure of archcalc's that is not the oracle's."""

    quantity: str
    where: str
    archcalc: Any
    oracle: Any

    def __str__(self) -> str:
        of = f" of {self.where}" if self.where else ""
        return f"{self.quantity}{of}: archcalc {self.archcalc}, oracle {self.oracle}"


class Comparison:
    """Collects what is compared, and what differs.

    Attributes:
        compared: how many figures.
        unknown: how many figures archcalc calls unknown, which the oracle knows.
        differences: those that differ.
    """

    def __init__(self) -> None:
        self.compared = 0
        self.unknown = 0
        self.differences: list[Difference] = []

    def of(self, quantity: str, where: str, found: object, wanted: object) -> None:
        """Holds a figure of archcalc's, `found`, against the oracle's."""
        self.compared += 1
        if found != wanted:
            self.differences.append(Difference(quantity, where, found, wanted))


class Subject(NamedTuple):
    """A spec, as archcalc sees it and as the oracle does.

    Attributes:
        path: where it is written.
    """

    text: str
    path: Path
    analysis: Analysis
    net: Net
    shapes: dict[str, Shape]
    learned: dict[str, Learned]

    @property
    def bytes_each(self) -> int:
        """Bytes per value."""
        return self.dtype.itemsize

    def bytes_of(self, name: str) -> int:
        """Bytes per value of a layer's output."""
        dtype = self.integers.get(name)
        return self.bytes_each if dtype is None else dtype.itemsize

    @property
    def integers(self) -> dict[str, torch.dtype]:
        """The dtype of each output that is of integers of one byte."""
        return integers_of(self.net)

    @property
    def dtype(self) -> torch.dtype:
        found: torch.dtype = getattr(torch, self.analysis.dtype)
        return found

    def images(self) -> list[torch.Tensor]:
        """A batch of each input, of the size and the dtype that the analysis is for."""
        return batch_of(self.net, self.analysis.batch, self.dtype)


def batch_of(net: Net, images: int, dtype: torch.dtype) -> list[torch.Tensor]:
    """A tensor for each input; integers that any table has a row for."""
    return [
        torch.randint(LEAST_ROWS, (images, *shape))
        if name in net.integers
        else torch.rand(images, *shape).to(dtype)
        for name, shape in net.inputs.items()
    ]


Check: TypeAlias = Callable[[Subject, Comparison], None]


def subject(text: str, path: Path, batch: int, dtype: str) -> Subject:
    """The spec `text`, which is written to `path` for archcalc to read."""
    path.write_text(text, encoding="utf-8")
    net = read(text)
    shapes = shapes_of(net)
    learned = learn(net, shapes, getattr(torch, dtype))
    analysis = archcalc.analyze(path, batch=batch, dtype=dtype)
    return Subject(text, path, analysis, net, shapes, learned)
