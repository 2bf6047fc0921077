"""A space of settings in chunks, of which each can be computed by itself, in any order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archcalc.errors import UsageError
from archcalc.graph import Graph
from archcalc.parametric.axes import OVER, Axis
from archcalc.parametric.choosing.columns import Figures
from archcalc.parametric.choosing.selection import Selection, choose
from archcalc.parametric.choosing.space import (
    BLOCK,
    Draws,
    counts_of,
    drawn_of,
    swept,
    values_at,
)
from archcalc.record import Record

CHUNK = 16 * BLOCK  # settings that are computed and written together
MOST_STREAMED = 10**11  # settings, which take days


class Stream(Record):
    """Settings of networks, one network after the other.

    Attributes:
        graphs: the networks.
        axes: what is varied.
        draws: how settings are drawn; None for all combinations.
        quantities: the figures.
        where: only settings at which these conditions hold.
        size: settings of a chunk.
    """

    graphs: tuple[Graph, ...]
    axes: tuple[Axis, ...]
    draws: Draws | None
    quantities: tuple[str, ...]
    where: str | None
    batch: int
    dtype: str
    size: int = CHUNK

    @property
    def count(self) -> int:
        """Of the settings of each network. Raises UsageError where there are too many."""
        if self.draws is not None:
            return self.draws.count
        found = math.prod(counts_of(self.axes))
        if found > MOST_STREAMED:
            raise UsageError(f"more than {MOST_STREAMED:,} settings would take days", OVER)
        return found

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return len(self.graphs) * math.ceil(self.count / self.size)

    def chunk(self, number: int) -> Selection:
        """The settings of a chunk that are wanted.

        Raises:
            UsageError: as `choose`.
        """
        of_network = math.ceil(self.count / self.size)
        graph = self.graphs[number // of_network]
        start = number % of_network * self.size
        settings = self._settings(start, min(start + self.size, self.count))
        figures = Figures(
            [swept(graph, settings, batch=self.batch, dtype=self.dtype)], order=settings
        )
        return choose(figures, self.quantities, where=self.where)

    def _settings(self, start: int, behind: int) -> dict[str, NDArray[Any]]:
        if self.draws is not None:
            return drawn_of(self.axes, self.draws, start, behind)
        places = np.unravel_index(np.arange(start, behind), counts_of(self.axes))
        return {
            axis.label: values_at(axis, index)
            for axis, index in zip(self.axes, places, strict=True)
        }

    def record(self) -> dict[str, object]:
        """All that the settings and their figures follow from, in types that JSON knows."""
        return {
            "networks": [_digest(graph) for graph in self.graphs],
            "axes": [repr(axis) for axis in self.axes],
            "draws": repr(self.draws),
            "quantities": list(self.quantities),
            "where": self.where,
            "batch": self.batch,
            "dtype": self.dtype,
            "size": self.size,
        }


def _digest(graph: Graph) -> str:
    """The same for the same network only: of its text, and of its layers as they are."""
    parts: Sequence[object] = (
        graph.network.source.text, graph.network.name, graph.parameters, graph.inputs, graph.nodes,
    )  # fmt: skip
    return sha256(repr(parts).encode()).hexdigest()
