"""The figures of a whole network by which networks are compared."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.analysis import Analysis
from archcalc.figures.of_network import OF_NETWORK
from archcalc.memory_use.open_memory import why_memory_is_open
from archcalc.memory_use.totals import LEFT_OPEN
from archcalc.quantity.arithmetic import plain
from archcalc.record import Record

KEY_FIGURES = (
    "params", "macs", "flops", "other_ops", "lecture_bytes", "all_bytes", "peak_bytes",
    "training_bytes", "weight_layers", "receptive_field", "local_receptive_field",
)  # fmt: skip


class KeyFigures(Record):
    """The `KEY_FIGURES` of a network, each by its name; None where free sizes leave it open."""

    __annotations__ = dict.fromkeys(KEY_FIGURES, "Any")

    if TYPE_CHECKING:

        def __init__(self, **figures: Any) -> None: ...

        def __getattr__(self, key: str) -> Any: ...


def key_figures(analysis: Analysis) -> KeyFigures:
    """The figures of a network."""
    is_open = why_memory_is_open(analysis) is not None
    left_open = [f"{name}_bytes" for name in LEFT_OPEN] if is_open else []
    return KeyFigures(
        **{key: None if key in left_open else OF_NETWORK[key].of(analysis) for key in KEY_FIGURES}
    )


def ratio(value: object, reference: object) -> Fraction | None:
    """`value` / `reference`; None where they are not plain numbers, and for a reference of 0."""
    a, b = plain(_once(value)), plain(_once(reference))
    return Fraction(a, b) if isinstance(a, int) and isinstance(b, int) and b else None


def gap(value: object, reference: object) -> int | None:
    """`value` - `reference`; None where they are not plain numbers."""
    a, b = plain(_once(value)), plain(_once(reference))
    return a - b if isinstance(a, int) and isinstance(b, int) else None


def _once(value: object) -> object:
    """What is the same along all axes as one figure."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
