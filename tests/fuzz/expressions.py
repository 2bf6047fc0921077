"""Values written as expressions over parameters, now and then."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

MOST_COUNTED = 20  # items of a list


def spelled(rng: random.Random, value: Any, names: Mapping[str, int]) -> Any:
    """A whole number, or a list of them, now and then as an expression."""
    if isinstance(value, list):
        return [spelled(rng, item, names) for item in value]
    if type(value) is not int or rng.random() < 0.7:
        return value
    name, known = rng.choice([*names.items()] or [("", 0)])
    if not name:
        ones = ", ".join("1" * min(value, MOST_COUNTED))
        counted = f"len([{ones}])" if 0 < value < MOST_COUNTED else str(value)
        return rng.choice((f"{value} + 0", counted, f"floor({2 * value + 1}/2)"))
    difference = value - known
    forms = [
        f"{name} + {difference}" if difference >= 0 else f"{name} - {-difference}",
        f"min({value}, {name} + {abs(value)})",
        f"max({value}, {name} - 99)",
        f"{value} if {name} == {known} else {value + 1}",
        f"[{value + 2}, {value}][1 if {name} > {known - 1} else 0]",
        f"{value} + {name} % 1",
    ]
    if known and value % known == 0:
        forms += [f"{value // known}*{name}", f"{name}*{value}//{known}"]
    if known:
        forms.append(f"{value}*{name}/{known}")
    return rng.choice(forms)


def condition(rng: random.Random, holds: bool, names: Mapping[str, int]) -> Any:
    """What is true, or what is false."""
    name, known = rng.choice([*names.items()] or [("", 0)])
    if not name:
        return rng.choice((holds, "1 < 2" if holds else "1 > 2"))
    true = rng.choice(
        (
            f"{name} == {known}",
            f"{name} >= {known} and true",
            f"not {name} < {known}",
            f"{name} > {known} or {name} <= {known}",
            f"{name} != {known + 1}",
        )
    )
    return true if holds else f"not ({true})"
