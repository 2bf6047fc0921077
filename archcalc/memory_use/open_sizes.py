"""What free sizes leave open: whether a layer copies its input, and so what memory it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.analysis import Analysis
from archcalc.memory_use.layout import unsettled
from archcalc.quantity.conditions import is_symbol
from archcalc.window import Window


def why_memory_is_open(analysis: Analysis) -> str | None:
    """Why peak and training memory are not formulas in the free sizes; None if they are."""
    copying = unsettled(analysis)
    if copying is not None:
        return f"peak and training depend on whether {copying} copies a map that was cut"
    for layer, _ in open_paddings(analysis):
        return f"peak and training depend on whether {layer} pads both sides alike"
    return None


def open_paddings(analysis: Analysis) -> Iterator[tuple[str, Any]]:
    """The layers that pad both sides alike at some sizes and not at others, where they copy.

    Each with how much more it pads behind than before.
    """
    for layer in analysis.used_layers:
        windows = layer.effect.windows
        for window in windows if isinstance(windows, tuple) else ():
            if isinstance(window, Window):
                more: Any = window.after - window.before
                if is_symbol(more) and more.is_zero is None:
                    yield layer.name, more
