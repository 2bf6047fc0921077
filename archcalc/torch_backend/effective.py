"""The effective receptive field: how much each pixel matters to a unit, measured.

Luo et al. 2016, "Understanding the effective receptive field in deep convolutional neural networks"
(arXiv:1701.04128): the pixels in the middle of the theoretical field have far more paths to the
unit than those at its border, and the gradient shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.record import Record, replace
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build
from archcalc.torch_backend.hooks import Running
from archcalc.torch_backend.modes import undisturbed
from archcalc.unit_field import UnitField, unit_field

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

SHARES = (0.5, 0.95)


class EffectiveField(Record):
    """How much each pixel matters to a unit.

    Attributes:
        field: what the unit sees in theory.
        runs: over how many random inputs and weights it was measured.
        mass: (height, width), the mean absolute gradient of the unit, summed over its channels
            and the image's, by pixel; the sum over all pixels is 1.
        sides: for each of `SHARES`, the side of the smallest square around the middle of the
            theoretical field that holds that share of the mass.
    """

    field: UnitField
    runs: int
    mass: NDArray[float64]
    sides: dict[float, int]


def effective_field(
    analysis: Analysis, name: str, at: tuple[int, ...] | None = None, *, runs: int = 20,
    seed: int = 0, device: str = "cpu",
) -> EffectiveField:  # fmt: skip
    """Measures the effective receptive field of the unit at `at` of a layer (default: the middle).

    Inputs are standard normal and weights as torch initializes them, new ones for every run; the
    network is in evaluation mode. The same seed gives the same figures.

    Raises:
        UsageError: as `unit_field`; a network without exactly two spatial axes; no such device.
    """
    field = unit_field(analysis, name, at)
    if len(field.image) != 2:
        raise UsageError(f"the input of {analysis.name} does not have two spatial axes")
    with undisturbed(torch.device(device)):
        torch.manual_seed(seed)
        total = torch.zeros(field.image, dtype=torch.float64)
        for _ in range(runs):
            total += _gradient(analysis, field, device)
    mass = total / total.sum() if total.sum() > 0 else total
    return EffectiveField(field, runs, mass.numpy(), {s: _side(mass, field, s) for s in SHARES})


def _gradient(analysis: Analysis, field: UnitField, device: str) -> torch.Tensor:
    """(height, width): the absolute gradient of the unit, for one input and one set of weights."""
    name = field.layer.name
    # As an output of its own it is there whether or not another output depends on it.
    graph = replace(analysis.graph, outputs=(*analysis.graph.outputs, name))
    module = build(graph, device=device).eval()
    image, *others = drawn(graph, 1, torch.float32, device)
    image.requires_grad_()
    caught: list[torch.Tensor] = []
    with Running(module, [name], lambda _name, _part, _given, output: caught.append(output)):
        module(image, *others)
    unit = caught[0][0]  # of the one image
    for axis, position in sorted(zip(field.layer.unit_axes, field.unit, strict=True), reverse=True):
        unit = unit.select(axis, position)
    (gradient,) = torch.autograd.grad(unit.sum(), image)
    return gradient[0].abs().sum(dim=0).double().cpu()


def _side(mass: torch.Tensor, field: UnitField, share: float) -> int:
    """The side of the smallest square around the field's middle with this share of the mass."""
    bounds = [seen if seen is not None else (0, 0) for seen in field.box]
    middles = [(first + last) / 2 for first, last in bounds]
    distances = [
        (torch.arange(size) - middle).abs()
        for size, middle in zip(field.image, middles, strict=True)
    ]
    # Pixels by their distance from the middle along the farther axis: rings of a growing square.
    ring = torch.maximum(distances[0][:, None], distances[1][None, :])
    order = ring.flatten().argsort(stable=True)
    reached = mass.flatten()[order].cumsum(0) >= share * mass.sum()
    farthest = float(ring.flatten()[order][int(reached.int().argmax())])
    return int(2 * farthest) + 1
