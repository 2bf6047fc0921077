"""What is said of a model from elsewhere."""

from __future__ import annotations

import warnings

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


class Trained(nn.Module):
    """A module that runs otherwise in training, in all ways that there are."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout2d(0.1))
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        x = self.norm(self.layers(x))
        return (x, self.head(x)) if self.training else x


def test_a_module_in_training_mode_is_said_to_be_read_in_evaluation_mode() -> None:
    module = Trained()
    module.norm.eval()
    with pytest.warns(UserWarning, match=r"these differ: 1 batch_norm, 1 dropout, 1 head for"):
        archcalc.from_torch(module, (3, 8, 8))
    assert module.training
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        archcalc.from_torch(module.eval(), (3, 8, 8))
        archcalc.from_torch(nn.Conv2d(3, 4, 1).train(), (3, 8, 8))
