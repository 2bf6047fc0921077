"""The losses: a step by the rule beside the storages that are alive in torch with torch's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor

from archcalc import UsageError, analyze
from archcalc.graph import Graph
from archcalc.memory_use.losses import LOSSES
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.tape import tape
from archcalc.memory_use.training import step_of
from archcalc.memory_use.training_step import Direction, Purpose, training_step
from archcalc.torch_backend.build import build
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.peak_memory import LiveStorages
from tests.spec_texts import graph_of

SRCNN = """\
name: srcnn
input: [3, 224, 224]
layers:
  - conv: {channels: 64, kernel: 9, padding: 4}
  - relu
  - conv: {channels: 32, kernel: 1}
  - relu
  - conv: {channels: 3, kernel: 5, padding: 2}
"""
NETWORKS = {
    "a vector": "  - conv: {channels: 3, kernel: 3}\n  - flatten\n  - linear: {features: 300}\n",
    "a map": "  - conv: {channels: 3, kernel: 1}\n",
    "a view": "  - conv: {channels: 3, kernel: 3}\n  - flatten\n",
    "a head for training": (
        "  - conv: {name: stem, channels: 9, kernel: 3}\n"
        "  - head: {name: aux, training_only: true, layers: [conv: {channels: 5, kernel: 1}]}\n"
        "  - conv: {from: stem, channels: 90, kernel: 1}\n"
    ),
    "nothing that learns": "  - relu\n",
}


def _classes(output: Tensor) -> Tensor:
    return torch.randint(output.shape[1], (output.shape[0], *output.shape[2:]))


# Of each loss, how torch writes it, and a target of an output.
IN_TORCH: dict[str, tuple[Callable[..., Tensor], Callable[[Tensor], Tensor]]] = {
    "mse": (F.mse_loss, torch.rand_like),
    "cross_entropy": (F.cross_entropy, _classes),
}


def measured(graph: Graph, batch: int, loss: str) -> int:
    """The most bytes that are alive at once in torch, beyond the parameters."""
    in_torch, target_of = IN_TORCH[loss]
    twin = build(graph).train()

    def run(images: Tensor) -> list[Tensor]:
        returned = twin(images)
        return [*returned] if isinstance(returned, tuple) else [returned]

    images = torch.rand(batch, *graph.input.shape)
    targets = [target_of(output) for output in run(images)]
    storages = LiveStorages(twin)
    with one_thread(), storages:
        given = [tensor.clone() for tensor in (images, *targets)]
        outputs = run(given[0])
        losses = [in_torch(*pair) for pair in zip(outputs, given[1:], strict=True)]
        del outputs
        total = torch.stack(losses).sum() if losses[1:] else losses.pop()
        losses.clear()
        if total.requires_grad:
            total.backward()  # type: ignore[no-untyped-call]  # torch gives no types
        twin.zero_grad(set_to_none=True)
    return storages.peak


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("loss", IN_TORCH)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_with_a_loss_is_what_lives_in_torch(name: str, loss: str, batch: int) -> None:
    graph = graph_of(NETWORKS[name])
    step = training_step(tape(analyze(graph, batch=batch), loss=loss), {})
    assert step.peak.bytes == measured(graph, batch, loss)


def test_srcnn_with_a_mean_square_loss_takes_159_06_MB() -> None:
    graph = graph_of(SRCNN)
    options = TrainingOptions(loss="mse")
    step = step_of(analyze(graph, batch=4), options)
    assert f"{step.peak.bytes / 10**6:.2f}" == "159.06"
    parameters = step.peak.parts[Purpose.PARAMETERS]
    assert parameters == 4 * (64 * 3 * 81 + 64 + 32 * 64 + 32 + 3 * 32 * 25 + 3)
    assert step.peak.bytes - parameters == measured(graph, 4, "mse")
    # The backward pass of the first relu: its output, the gradient of that, and of its input.
    assert (step.peak.layer, step.peak.direction) == ("relu1", Direction.BACKWARD)


def test_only_known_losses_have_operators() -> None:
    assert [*IN_TORCH] == [loss for loss in LOSSES if loss != "sum"]
    with pytest.raises(UsageError, match="unknown loss 'ms'; did you mean 'mse'"):
        TrainingOptions(loss="ms").check()
