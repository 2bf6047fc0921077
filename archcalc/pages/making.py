"""Networks -> one HTML file."""

from __future__ import annotations

from collections.abc import Sequence

import archcalc
from archcalc.graph import Graph
from archcalc.pages.data import network_data
from archcalc.pages.html import page_html
from archcalc.pages.live import Live, live
from archcalc.pages.script import script


def page(graphs: Sequence[Graph]) -> str:
    """One HTML file, which needs no other, with some networks.

    Raises:
        UsageError, SpecError, LayerError: there is no such network.
    """
    return page_of([live(graph) for graph in graphs])


def page_of(forms: Sequence[Live]) -> str:
    """One HTML file with networks whose closed forms are there."""
    made = [network_data(one) for one in forms]
    data = {"archcalc": archcalc.__version__, "networks": [data for data, _ in made]}
    evaluate = script([(one, numbers) for one, (_, numbers) in zip(forms, made, strict=True)])
    return page_html(" and ".join(one.graph.name for one in forms), data, evaluate)
