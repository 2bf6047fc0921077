"""The functions of the language of expressions that are written in Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from archcalc.spec.values import Value, ceil, floor, length, maximum, minimum, total


def _late(name: str, *arguments: Value) -> Value:
    from archcalc.spec import arithmetic

    found: Value = getattr(arithmetic, name)(*arguments)
    return found


# By name, with the least and the largest number of arguments.
FUNCTIONS: dict[str, tuple[Callable[..., Value], int, int | None]] = {
    "floor": (floor, 1, 1),
    "ceil": (ceil, 1, 1),
    "min": (minimum, 1, None),
    "max": (maximum, 1, None),
    "len": (length, 1, 1),
    "sum": (total, 1, 1),
    "sqrt": (partial(_late, "square_root"), 1, 1),
    "log": (partial(_late, "logarithm"), 1, 2),
    "log2": (partial(_late, "binary_logarithm"), 1, 1),
    "range": (partial(_late, "numbers"), 1, 3),
    "zip": (partial(_late, "pairs"), 1, None),
}
