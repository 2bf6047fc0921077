"""The drawings of the networks that come with archcalc, each made once for all tests."""

from __future__ import annotations

from functools import cache

from archcalc.render.drawing import Drawing, draw
from tests.networks import analyzed


@cache
def drawing_of(name: str) -> Drawing:
    """The diagram of a network as `archcalc draw` makes it."""
    return draw(analyzed(name))
