"""How opaque layers are named, and what is said of the totals that they leave open."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import SUMMED, LayerAnalysis, Totals
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import is_open
from archcalc.render import escape
from archcalc.render.numbers import counted
from archcalc.render.output import WIDTH

_MOST_NAMED = 4  # layers in a line


def opaque_lines(analysis: Analysis) -> list[str]:
    """As `opaque_text`, in lines that fit, for the first of what is shown of a network."""
    text = opaque_text(analysis)
    if not text:
        return []
    from textwrap import wrap  # which few networks need

    return wrap(text, WIDTH, subsequent_indent="  ")


def opaque_text(analysis: Analysis) -> str:
    """`opaque: nms (torchvision.ops.nms, cost unknown)`; empty where no layer is."""
    layers = analysis.opaque_layers
    if not layers:
        return ""
    named = [_named(layer) for layer in layers[:_MOST_NAMED]]
    more = len(layers) - len(named)
    behind = f" and {more} more ({_open_count(layers)} in all of unknown cost)" if more else ""
    return escape.one_line(f"opaque: {', '.join(named)}{behind}")


def unknown_beside(value: object) -> str:
    """`; 2 layers unknown`, behind a sum of which a part is."""
    return f"; {counted(value.unknown, 'layer')} unknown" if is_open(value) else ""


def opaque_record(analysis: Analysis) -> dict[str, object]:
    """The opaque layers under their key of the JSON contract; nothing where there are none.

    By name their operators, and which figures of them are null as nobody knows them.
    """
    found = {
        layer.name: {"operator": operator_of(layer), "unknown": [*_open_figures(layer)]}
        for layer in analysis.opaque_layers
    }
    return {"opaque": found} if found else {}


def at_least_record(totals: Totals) -> dict[str, object]:
    """What is known of the sums that are null, under their key of the JSON contract."""
    sums = {key: getattr(totals, key) for key in SUMMED}
    found = {key: plain(value.known) for key, value in sums.items() if is_open(value)}
    return {"at_least": found} if found else {}


def operator_of(layer: LayerAnalysis) -> str:
    """What the operator of an opaque layer is called where it comes from."""
    return str(vars(layer.node.layer).get("operator", layer.kind))


def _named(layer: LayerAnalysis) -> str:
    cost = ", cost unknown" if any(_open_figures(layer)) else ""
    return f"{layer.name} ({operator_of(layer)}{cost})"


def _open_count(layers: tuple[LayerAnalysis, ...]) -> int:
    return sum(any(_open_figures(layer)) for layer in layers)


def _open_figures(layer: LayerAnalysis) -> Iterator[str]:
    for key, figure in SUMMED.items():
        if figure.may_be_open and is_open(figure.of(layer)):
            yield key
