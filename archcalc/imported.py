"""What is to be said of a network that was read from a model of elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import Any

from archcalc.analysis import Analysis
from archcalc.graph import Graph
from archcalc.layers.layer import Category
from archcalc.layers.normalization import BatchNorm
from archcalc.quantity.at_least import is_open
from archcalc.walk import walk


def notes_on_import(graph: Graph, analysis: Analysis | None = None) -> list[str]:
    """What is to be known of a model from elsewhere, the count of another counter included.

    Args:
        analysis: of the graph, where somebody has walked it.
    """
    imported = graph.network.imported
    if imported is None:
        return []
    notes = [*imported.notes]
    whole = analysis is None or analysis.error is None
    if imported.macs is not None and whole and graph.inputs == graph.own_inputs:
        if analysis is None or analysis.batch != 1:
            analysis = walk(graph, 1, "float32")
        macs = analysis.totals.macs
        known = macs.known if is_open(macs) else macs
        if known != imported.macs:  # of what is opaque, torch's counter mostly counts nothing
            notes.append(
                f"torch's FlopCounterMode counts {imported.macs:,} multiply-accumulates in it; "
                f"the layers here have {'at least ' if is_open(macs) else ''}{known:,}"
            )
    return notes


def notes_on_mode(module: Any, graph: Graph) -> list[str]:
    """What of a torch module's figures is not as it would run now, in training mode.

    A module inside of it may be in evaluation mode by itself, as frozen batch norms are.
    """
    if not module.training:
        return []
    settled = {path for path, each in module.named_modules() if not each.training}
    found = Counter(
        node.layer.kind
        for node in graph.nodes
        if node.layer.category is Category.REGULARIZATION or isinstance(node.layer, BatchNorm)
        if node.name not in settled
    )
    what = [f"{times} {kind}" for kind, times in found.items()]
    heads = {graph.head_around(node.name) for node in graph.nodes if node.training_only}
    if heads:
        what.append(f"{len(heads)} head{'s' if len(heads) > 1 else ''} for training alone")
    if not what:
        return []
    return [
        "the module is in training mode, and is read as in evaluation mode, in which these differ: "
        f"{', '.join(what)}; module.eval() says that it is meant so"
    ]
