"""Layers that do not learn."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.errors import UsageError
from archcalc.graph import Graph
from archcalc.memory_use.patterns import groups_meant
from archcalc.record import replace


def with_frozen(graph: Graph, patterns: Sequence[str]) -> Graph:
    """The network in which the layers that `patterns` mean do not learn, beside those of the spec.

    As `requires_grad_(False)` of their parameters: they run as in training all the same.

    Args:
        patterns: as `patterns.groups_meant` takes them.

    Raises:
        UsageError: nothing matches a pattern, with a guess; a layer has the weights of another
            that learns.
    """
    if not patterns:
        return graph
    frozen = {name for group in groups_meant(graph, patterns, "freeze").values() for name in group}
    frozen |= {node.name for node in graph.nodes if not node.trainable}
    owners = graph.weight_origins()
    for name, owner in owners.items():
        if name in frozen and owner not in frozen:
            raise UsageError(
                f"{name!r} has the weights of {owner!r}: they learn, or neither does; freeze "
                f"{owner!r}",
                "freeze",
            )
    nodes = [replace(node, trainable=owners[node.name] not in frozen) for node in graph.nodes]
    return replace(graph, nodes=tuple(nodes))
