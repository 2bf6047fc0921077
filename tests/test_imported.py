"""What is said of a model from elsewhere."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archcalc
from archcalc import Graph
from archcalc.expansion import build_graph
from archcalc.imported import notes_on_import
from archcalc.record import replace


class Inverse(nn.Module):
    """Nothing of archcalc's does that, and torch's counter counts nothing for it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inverse: torch.Tensor = torch.linalg.inv(x)
        return inverse


def counted(graph: Graph, macs: int) -> Graph:
    """The same model, as if torch's counter had counted so many MACs in it."""
    imported = graph.network.imported
    assert imported is not None
    return build_graph(replace(graph.network, imported=replace(imported, macs=macs)))


@pytest.mark.parametrize(
    ("module", "known"),
    [(nn.Linear(4, 250), "1,000"), (nn.Sequential(nn.Linear(4, 4), Inverse()), "at least 64")],
)
def test_another_count_is_told(module: nn.Module, known: str) -> None:
    graph = archcalc.from_torch(module, (4, 4) if isinstance(module, nn.Sequential) else (4,))
    assert notes_on_import(graph) == []
    (note,) = notes_on_import(counted(graph, 1234))
    assert "counts 1,234 multiply-accumulates" in note
    assert note.endswith(f"the layers here have {known}")
