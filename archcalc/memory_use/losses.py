"""The losses: which operators torch runs from the outputs of a network to one value.

Each is that of torch under its name in `torch.nn.functional`, averaged over what it compares. Of
several outputs, as of a network with heads for training, the losses are stacked and summed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Extra
from archcalc.layers.operator import Gradient, Kept, Operator, Taken
from archcalc.quantity.arithmetic import Quantity
from archcalc.record import replace

_INDEX_BYTES = 8  # torch numbers classes in int64


class Target(NamedTuple):
    """What an output is compared with; whoever trains holds it all through the step.

    Attributes:
        tensor: what the operators of the loss call it.
        values: of an image.
        bytes_each: bytes per value; None where it has the dtype of the outputs.
    """

    tensor: str
    values: Quantity
    bytes_each: int | None = None


class Loss(NamedTuple):
    """What runs from the outputs to the loss.

    Attributes:
        operators: in order; the outputs are called by their numbers.
        targets: what they take beside the outputs.
    """

    operators: tuple[Operator, ...]
    targets: tuple[Target, ...]


def loss_of(name: str, outputs: Sequence[FeatureMap]) -> Loss:
    """The loss of that name, one of `LOSSES`, for outputs of these shapes."""
    each, targets = [], []
    for number, output in enumerate(outputs):
        operators, target = LOSSES[name](number, output)
        each.append(operators)
        targets += [target] if target is not None else []
    if len(each) == 1 and targets:
        *before, last = each[0]
        return Loss((*before, replace(last, makes="")), tuple(targets))
    parts = tuple([Taken(operators[-1].makes, Gradient.PART) for operators in each])
    stack = _one_value("stack", *parts, makes="stack", values=len(parts))
    total = _one_value("sum", Taken("stack", Gradient.SPREAD))
    return Loss((*[operator for one in each for operator in one], stack, total), tuple(targets))


def _sum(number: int, _: FeatureMap) -> _OfOne:
    """The sum of all values. It keeps nothing, so that no loss needs less."""
    return [_one_value("sum", Taken(number, Gradient.SPREAD), makes=f"sum {number}")], None


def _mse(number: int, output: FeatureMap) -> _OfOne:
    """`mse_loss`: it keeps the output, and a target of its shape."""
    target = Target(f"target {number}", output.values)
    takes = (Taken(number), Taken(target.tensor))
    kept = (Kept(number), Kept(target.tensor))
    return [_one_value("mse_loss", *takes, kept=kept, makes=f"mse_loss {number}")], target


def _cross_entropy(number: int, output: FeatureMap) -> _OfOne:
    """`cross_entropy` over the channels, at each position; it keeps their log-softmax."""
    target = Target(f"target {number}", output.positions, _INDEX_BYTES)
    logs = f"log_softmax {number}"
    return [
        Operator("log_softmax", (Taken(number),), output.values, kept=(Kept(None),), makes=logs),
        _one_value(
            "nll_loss",
            *(Taken(logs), Taken(target.tensor)),
            kept=(Kept(logs), Kept(target.tensor)),
            beside_kept=(Extra("total weight", 1, per_image=False),),
            makes=f"nll_loss {number}",
        ),
    ], target


def _one_value(
    name: str,
    *takes: Taken,
    makes: str = "",
    values: int = 1,
    kept: tuple[Kept, ...] = (),
    beside_kept: tuple[Extra, ...] = (),
) -> Operator:
    """What makes one value of a whole batch, or a few."""
    return Operator(
        name, takes, values, per_image=False, makes=makes, kept=kept, beside_kept=beside_kept
    )


# Of one output, by its number and shape: the operators, and the target; None where it has none.
_OfOne: TypeAlias = tuple[list[Operator], Target | None]

LOSSES: dict[str, Callable[[int, FeatureMap], _OfOne]] = {
    "sum": _sum, "mse": _mse, "cross_entropy": _cross_entropy
}  # fmt: skip
