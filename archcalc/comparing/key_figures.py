"""The figures of a whole network by which networks are compared."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from archcalc.analysis import Analysis, LayerAnalysis, PerAxis
from archcalc.claims.quantities import WEIGHT_KINDS, longest_path
from archcalc.memory_use.totals import activation_bytes
from archcalc.quantity.arithmetic import Quantity, plain


class KeyFigures(NamedTuple):
    """Figures of a network for a batch of images: of the layers that run at inference.

    Attributes:
        params: learned values.
        flops: 2 x macs.
        other_ops: all arithmetic operations beside the MACs.
        lecture_bytes, all_bytes, peak_bytes, training_bytes: activations, under the definitions
            of `archcalc.ActivationBytes`; the latter two None where free sizes leave them
            open.
        weight_layers: the most layers with weights on a path from the input to the output.
        receptive_field: of the last layer with a bounded local receptive field; None if there is
            none.
        local_receptive_field: of the same layer: without gates and norms (see `Seen`).
    """

    params: Quantity
    macs: Quantity
    flops: Quantity
    other_ops: Quantity
    lecture_bytes: Quantity
    all_bytes: Quantity
    peak_bytes: Quantity | None
    training_bytes: Quantity | None
    weight_layers: int
    receptive_field: PerAxis
    local_receptive_field: PerAxis


def key_figures(analysis: Analysis) -> KeyFigures:
    """The figures of a network."""
    totals, memory = analysis.totals, activation_bytes(analysis)
    last = _last_bounded(analysis)
    return KeyFigures(
        params=totals.params,
        macs=totals.macs,
        flops=totals.flops,
        other_ops=totals.other_ops,
        lecture_bytes=memory.lecture,
        all_bytes=memory.all,
        peak_bytes=memory.peak,
        training_bytes=memory.training,
        weight_layers=longest_path(analysis, WEIGHT_KINDS),
        receptive_field=None if last is None else last.receptive_field,
        local_receptive_field=None if last is None else last.local_receptive_field,
    )


def ratio(value: object, reference: object) -> Fraction | None:
    """`value` / `reference`; None where they are not plain numbers, and for a reference of 0."""
    a, b = plain(_once(value)), plain(_once(reference))
    return Fraction(a, b) if isinstance(a, int) and isinstance(b, int) and b else None


def gap(value: object, reference: object) -> int | None:
    """`value` - `reference`; None where they are not plain numbers."""
    a, b = plain(_once(value)), plain(_once(reference))
    return a - b if isinstance(a, int) and isinstance(b, int) else None


def _last_bounded(analysis: Analysis) -> LayerAnalysis | None:
    """The last layer that sees, without gates and norms, a bounded part of the input."""
    for layer in reversed(analysis.inference_layers):
        field = layer.local_receptive_field
        if isinstance(field, tuple) and field and not {None, "all"} & set(field):
            return layer
    return None


def _once(value: object) -> object:
    """What is the same along all axes as one figure."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
