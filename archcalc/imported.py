"""What is to be said of a network that was read from a model of elsewhere."""

from __future__ import annotations

from archcalc.graph import Graph
from archcalc.quantity.at_least import is_open
from archcalc.walk import walk


def notes_on_import(graph: Graph) -> list[str]:
    """What is to be known of a model from elsewhere, the count of another counter included."""
    imported = graph.network.imported
    if imported is None:
        return []
    notes = [*imported.notes]
    if imported.macs is not None and graph.inputs == graph.own_inputs:
        macs = walk(graph, 1, "float32").totals.macs
        known = macs.known if is_open(macs) else macs
        if known != imported.macs:  # of what is opaque, torch's counter mostly counts nothing
            notes.append(
                f"torch's FlopCounterMode counts {imported.macs:,} multiply-accumulates in it; "
                f"the layers here have {'at least ' if is_open(macs) else ''}{known:,}"
            )
    return notes
