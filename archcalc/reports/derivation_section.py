"""What the page of a network says about how its key figures come about."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.explaining.layers import derive
from archcalc.explaining.totals import Breakdown, breakdown
from archcalc.quantity.at_least import is_open, known_part
from archcalc.render.explain import LayerDocument
from archcalc.render.numbers import exact
from archcalc.render.output import write
from archcalc.reports.page import Markup, Page, bullets, code, details

_TOTALS = {"params": "parameters", "macs": "MACs"}
_MOST_NAMED = 4  # parts of a total


def add_derivations(page: Page, analysis: Analysis) -> None:
    """Adds the section: which layers make up the totals, and the largest of them in full."""
    found = {quantity: breakdown(analysis, quantity) for quantity in _TOTALS}
    if not any(of_one.total for of_one in found.values()):
        return
    page.heading("How the figures come about")
    lines = [_breakdown_line(x) for x in found.values() if x.total and x.among > _MOST_NAMED]
    page.add(bullets(lines))
    for name in _largest_layers(analysis):
        document = LayerDocument(analysis, derive(analysis, analysis.layer(name)))
        page.add(details(f"{name}, derived", write(document, "markdown")))


def _breakdown_line(found: Breakdown) -> Markup:
    """`90% of the 138,357,544 parameters are in 4 of 39 parts: `fc6` 74.3%, …`."""
    shares = found.shares()
    named = [f"{code(part.name)} {float(share):.1%}" for part, _, share, _ in shares[:_MOST_NAMED]]
    together = float(shares[-1][3])
    more = ", …" if len(shares) > _MOST_NAMED else ""
    return Markup(
        f"{together:.0%} of the {exact(known_part(found.total))} {_TOTALS[found.quantity]}"
        f"{' that are known' if is_open(found.total) else ''} are in "
        f"{len(shares)} of {found.among} parts: {', '.join(named)}{more}"
    )


def _largest_layers(analysis: Analysis) -> list[str]:
    """The layer with most parameters and the one with most MACs; one where they are the same."""
    layers = analysis.inference_layers
    largest = [
        max(layers, key=lambda layer: known_part(getattr(layer, key))).name for key in _TOTALS
    ]
    return list(dict.fromkeys(largest))
