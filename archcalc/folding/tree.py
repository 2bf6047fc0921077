"""Graph -> groups: layers in a row whose dotted names begin alike, one within the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from archcalc.feature_map import FeatureMap
from archcalc.folding.items import Group, Leaf
from archcalc.graph import Node


def grouped(
    nodes: Sequence[Node],
    maps: Mapping[str, FeatureMap],
    kinds: Mapping[str, str],
    path: str = "",
    heads: Collection[str] = (),
) -> Group:
    """The layers of a network, or of the module at `path`, as a group of groups.

    What does not stand in one row is no group: its layers keep that part of their names.

    Args:
        maps: what flows, by name.
        kinds: the classes of modules, by path.
        heads: the names of those that are heads.
    """
    prefix = f"{path}." if path else ""
    outer = (x for node in nodes for x in node.inputs if not x.startswith(prefix))
    entering = next(outer, None) if path else None
    group = Group(path.rpartition(".")[2], path, kinds.get(path, ""), entering)
    group.map = None if entering is None else maps[entering]
    rows: list[tuple[str, list[Node]]] = []
    for node in nodes:
        first, dot, _ = node.name.removeprefix(prefix).partition(".")
        key = next((head for head in heads if node.name.startswith(f"{head}.")), first)
        key = key if dot else ""
        if not rows or not key or rows[-1][0] != key:
            rows.append((key, []))
        rows[-1][1].append(node)
    keys = [key for key, _ in rows]
    for key, row in rows:
        if key and keys.count(key) == 1 and not any(node.name == prefix + key for node in nodes):
            inner = grouped(row, maps, kinds, prefix + key)
            inner.name, inner.around, inner.is_head = key, group, key in heads
            inner.training_only = all(node.training_only for node in row)
            group.items.append(inner)
        else:
            group.items += [_leaf(node, prefix, maps) for node in row]
    return group


def _leaf(node: Node, prefix: str, maps: Mapping[str, FeatureMap]) -> Leaf:
    x = maps[node.inputs[0]] if node.inputs else None
    return Leaf(node, node.name.removeprefix(prefix), x)
