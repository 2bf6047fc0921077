"""The whole spec of a folded graph."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

from archcalc.analysis import Analysis
from archcalc.errors import ArchcalcError, Source
from archcalc.expansion import build_graph
from archcalc.folding.body import Line, NotFoldedError, body
from archcalc.folding.columns import Parameters
from archcalc.folding.folds import KEYS, folded
from archcalc.folding.items import Block, Leaf, Repeat
from archcalc.folding.tree import grouped
from archcalc.graph import Graph, Node
from archcalc.layers.registry import known_names
from archcalc.render.spec_text import head_of, spec_text
from archcalc.spec.parser import parse_family
from archcalc.spec.writing import in_lines, text_of

_CONTAINERS = ("", "group", "Sequential", "ModuleList", "ModuleDict")  # classes that say nothing
_NO_BLOCKS = frozenset(["head", "repeat", "if", "network", "layers", "in"])


def folded_text(analysis: Analysis) -> str:
    """The spec of a network with blocks and repeats; read back it is the same graph.

    What is checkpointed stays as it is.
    """
    graph = analysis.graph
    flat = spec_text(graph)
    if graph.stretches:
        return flat
    for several, rounds in product((True, False), repeat=2):
        try:
            text = _folded(analysis, several, rounds)
            if is_same(text, graph):
                return text
        except (ArchcalcError, NotFoldedError):
            pass  # names hide one another: without what makes them
    return flat


def is_same(text: str, graph: Graph) -> bool:
    """Whether a spec has the layers of a graph, under the same names and in the same order.

    Raises:
        SpecError: it is none.
    """
    (network,) = parse_family(Source("<folded>", text)).networks.values()
    found = build_graph(network)
    return (
        found.outputs == graph.outputs
        and found.inputs == graph.inputs
        and [*map(_said, found.nodes)] == [*map(_said, graph.nodes)]
    )


def _said(node: Node) -> tuple[object, ...]:
    training = node.trainable, node.training_only
    return node.name, node.layer, node.inputs, node.weights, node.indices, *training


def _folded(analysis: Analysis, several: bool, rounds: bool) -> str:
    graph = analysis.graph
    maps = {**graph.inputs, **{layer.name: layer.output for layer in analysis.layers}}
    imported = graph.network.imported
    kinds = graph.blocks if imported is None else imported.modules
    heads = dict.fromkeys(filter(None, [graph.head_around(node.name) for node in graph.nodes]))
    root = grouped(graph.nodes, maps, kinds, heads=heads)
    root.entering = graph.first_input
    blocks = folded(root, several, rounds)
    _name(blocks)
    lines = [*head_of(graph), ""]
    if blocks:
        lines.append("blocks:")
    for block in blocks:
        lines.append(f"  {block.name}:")
        if block.parameters:
            lines.append(f"    parameters: [{', '.join(_parameters(block))}]")
        lines.append("    layers:")
        lines += _indented(body(block.groups, Parameters(KEYS)), 6)
        lines.append("")
    lines.append("layers:")
    lines += _indented(body([root], Parameters(KEYS)), 2)
    return "\n".join([part for line in lines for part in in_lines(line)]) + "\n"


def _indented(lines: Sequence[Line], indent: int) -> Iterator[str]:
    return (" " * (indent + 2 * line.depth) + line.text for line in lines)


def _parameters(block: Block) -> Iterator[str]:
    """The parameters of a block, those that have a default behind those that have none."""
    yield from (name for name in block.parameters if name not in block.defaults)
    for name, value in block.defaults.items():
        yield f"{name}: {text_of(value)}"


# ----- names of blocks -----


def _name(blocks: Sequence[Block]) -> None:
    """Names each block after the class of its modules, or where it stands, and what tells it."""
    taken = {*known_names(), *_NO_BLOCKS}
    alike: dict[str, list[Block]] = {}
    for block in blocks:
        alike.setdefault(_base(block), []).append(block)
    for base, same in alike.items():
        same = sorted(same, key=lambda block: -len(block.groups))
        usual = _item_names(same[0])
        for number, block in enumerate(same, 1):
            name = base if number == 1 else f"{base}_{number}"
            if number > 1 and (what := _difference(_item_names(block), usual)):
                name = name if f"{base}_{what}" in taken else f"{base}_{what}"
            if name in taken:
                name = f"{name}_block"
            while name in taken:
                name += "_"
            taken.add(name)
            block.name = name


def _base(block: Block) -> str:
    classes = Counter(group.kind for group in block.groups if group.kind not in _CONTAINERS)
    ((usual, _),) = classes.most_common(1) or [("", 0)]
    if usual:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", usual)
        found = re.sub(r"\W+", "_", words).strip("_").lower()
    else:
        parts = [
            re.sub(r"\W|\d+$", "_", part).strip("_") for part in block.groups[0].path.split(".")
        ]
        found = next((part for part in reversed(parts) if part.isidentifier()), "").lower()
    return found if found.isidentifier() else "block"


def _item_names(block: Block) -> list[str]:
    """What the items of a block are called, without what stands behind a dot; or their kinds."""
    found = []
    for item in block.groups[0].items:
        name = (item.prefix if isinstance(item, Repeat) else item.name).partition(".")[0]
        if isinstance(item, Leaf) and not name.isidentifier():
            name = item.node.layer.kind
        found.append(name)
    return found


def _difference(own: Sequence[str], usual: Sequence[str]) -> str:
    """The first thing that one block has and another has not, or the other way round; or ""."""
    more, less = ([n for n in a if n not in b and n.isidentifier()]
                  for a, b in ((own, usual), (usual, own)))  # fmt: skip
    return more[0] if more else f"without_{less[0]}" if less else ""
