"""Which layers of a network patterns mean."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from archcalc.errors import UsageError, did_you_mean
from archcalc.graph import Graph, with_ends

Groups = dict[str, tuple[str, ...]]  # of layers, in order: those of a block, or a single one


def groups_meant(graph: Graph, patterns: Sequence[str], what: str) -> Groups:
    """The blocks and layers whose dotted names match any of `patterns`, by name.

    A pattern is a name, in which `*` stands for any signs, dots among them, `?` for one, and
    `[ab]` for one of these. What stands in a block that matches belongs to the block.

    Raises:
        UsageError: nothing matches a pattern; with a guess.
    """
    inside: dict[str, list[str]] = {block: [] for block in graph.blocks}
    for node in graph.nodes:
        for block in graph.blocks_around(node.name):
            inside[block].append(node.name)
    groups = {name: tuple(layers) for name, layers in inside.items() if layers}
    groups |= {node.name: (node.name,) for node in graph.nodes}
    found: Groups = {}
    for pattern in patterns:
        matching = {n: layers for n, layers in groups.items() if fnmatchcase(n, pattern)}
        if not matching:
            guess = did_you_mean(pattern, with_ends(groups))
            raise UsageError(f"{graph.name} has no layer or block {pattern!r}{guess}", what)
        for name, layers in matching.items():
            if not any(name.startswith(other + ".") for other in matching):
                found[name] = layers
    return found
