"""Which stretches of a network are checkpointed, beside those that its spec names."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.errors import UsageError, did_you_mean
from archcalc.graph import Graph, Stretch, in_order, stretch_of
from archcalc.memory_use.patterns import groups_meant
from archcalc.record import replace

_TO = ".."  # between the first layer of a stretch and its last


def with_checkpoints(graph: Graph, patterns: Sequence[str]) -> Graph:
    """The network in which the stretches that `patterns` mean run again, beside those of the spec.

    Each block or layer that a pattern matches is a stretch of its own.

    Args:
        patterns: as `patterns.groups_meant` takes them; or `FIRST..LAST` for all layers from one
            to another, in the order in which they run.

    Raises:
        UsageError: nothing matches a pattern, with a guess; two stretches overlap, of which
            neither stands in the other.
    """
    if not patterns:
        return graph
    names = [node.name for node in graph.nodes]
    found = [*graph.stretches]
    for pattern in patterns:
        first, to, last = pattern.partition(_TO)
        if not to or pattern in names:
            groups = groups_meant(graph, [pattern], "checkpoint")
            found += [Stretch(name, layers) for name, layers in groups.items()]
            continue
        for name in {first, last} - {*names}:
            guess = did_you_mean(name, names)
            raise UsageError(f"{pattern}: {graph.name} has no layer {name!r}{guess}", "checkpoint")
        if names.index(first) > names.index(last):
            message = f"{pattern}: {last!r} runs before {first!r}"
            raise UsageError(message, "checkpoint")
        found.append(stretch_of(tuple(names[names.index(first) : names.index(last) + 1])))
    stretches = in_order(graph.nodes, found)
    _require_nested(stretches)
    return replace(graph, stretches=stretches)


def _require_nested(stretches: Sequence[Stretch]) -> None:
    around: list[Stretch] = []
    for stretch in stretches:
        while around and stretch.layers[0] not in around[-1].layers:
            around.pop()
        if around and stretch.layers[-1] not in around[-1].layers:
            raise UsageError(
                f"{around[-1].name} and {stretch.name} overlap, and neither stands in the other",
                "checkpoint",
            )
        around.append(stretch)
