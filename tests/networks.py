"""Which networks the tests go through."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.spec.library import network_names

# Of more than 1,000 layers, but for preact_resnet1001: they test how large a network may be.
LARGE = frozenset({"resnet1202"})


def each_network(step: int = 1) -> list[Any]:
    """Every network, or each `step`-th, as arguments of tests that take long for large ones."""
    return [
        pytest.param(name, marks=pytest.mark.large) if name in LARGE else name
        for name in network_names()[::step]
    ]
