"""A graph as the text of a spec again: every layer written out, nothing left to expand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archcalc.graph import INPUT, Graph, Node, Stretch
from archcalc.layers import Join, Layer
from archcalc.record import as_dict
from archcalc.spec.keys import NAMED
from archcalc.spec.writing import in_lines, mapping, scalar, text_of

_NO_NAME = re.compile(r"[^A-Za-z0-9_.]+")
_LONGEST_NAME = 100


def spec_text(graph: Graph) -> str:
    """The spec of a network with `graph`'s layers under the same names, and no blocks.

    Loading it gives the same figures, layer by layer.
    """
    body = _body(graph.nodes, graph, graph.first_input, stretches=graph.stretches)
    lines = [*head_of(graph), "layers:", *body]
    return "\n".join([part for line in lines for part in in_lines(line)]) + "\n"


def head_of(graph: Graph) -> Iterator[str]:
    """The lines before the layers.

    Of a network that was changed, the name says how, and nothing is said of what was published
    about the other.
    """
    about, identity = graph.about, graph.identity
    known = {
        "name": _NO_NAME.sub("-", str(identity)).strip("-")[:_LONGEST_NAME],
        "title": about.title or (str(identity) if identity.is_changed else ""),
        "authors": about.authors,
        "year": about.year,
        "paper": about.paper,
        "source": about.origin,
        "published_depth": about.published_depth,
    }
    yield from (f"{key}: {scalar(value)}" for key, value in known.items() if value)
    if about.accuracy is not None:
        figures = as_dict(about.accuracy).items()
        yield f"accuracy: {mapping({k: scalar(v) for k, v in figures if v is not None})}"
    yield from _ends(graph)
    if scaling := _scaling(graph):
        yield f"scaling: {mapping(scaling)}"


def _ends(graph: Graph) -> Iterator[str]:
    """What the spec says of inputs and outputs."""
    if [*graph.inputs] == [INPUT] and graph.input.dtype is None:
        yield f"input: {text_of(graph.input.shape)}"
    else:
        yield "inputs:"
        for name, x in graph.inputs.items():
            shape = text_of(x.shape)
            given = shape if x.dtype is None else f"{{shape: {shape}, dtype: {x.dtype}}}"
            yield f"  {scalar(name)}: {given}"
    if graph.network.outputs is not None:
        names = {graph.output_name(layer): layer for layer in graph.outputs}
        yield f"outputs: {mapping({scalar(n): scalar(layer) for n, layer in names.items()})}"


def _scaling(graph: Graph) -> dict[str, str]:
    """What the spec says of scaling, where it is about sizes: no parameters are left."""
    said = {way: [x.text for x in labels] for way, labels in graph.network.scaling.items()}
    return {
        way: f"[{', '.join(labels)}]"
        for way, labels in said.items()
        if not any(label.partition("[")[0] in graph.parameters for label in labels)
    }


def _body(
    nodes: Sequence[Node],
    graph: Graph,
    previous: str,
    within: str = "",
    indent: str = "  ",
    stretches: Sequence[Stretch] = (),
) -> Iterator[str]:
    """The lines of a list of layers.

    Args:
        nodes: the layers: of the whole network, of a head or of what is checkpointed.
        previous: what stands before them.
        within: the name of the head that they stand in, with a dot behind.
        stretches: those of the network that do not stand around all of them.
    """
    rest = list(nodes)
    while rest:
        head = _head_of(rest[0], graph, within)
        members = [node for node in rest if head and node.name.startswith(f"{head}.")]
        names = [node.name for node in members]
        opening = [s for s in stretches if s.layers[0] == rest[0].name]
        stretch = next((s for s in opening if head is None or s.layers[-1] not in names), None)
        if stretch is not None:
            inside, rest = rest[: len(stretch.layers)], rest[len(stretch.layers) :]
            inner = stretches[stretches.index(stretch) + 1 :]
            yield f"{indent}- repeat: 1"
            yield f"{indent}  checkpoint: true"
            yield f"{indent}  layers:"
            yield from _body(inside, graph, previous, within, indent + "    ", inner)
            main = [node.name for node in inside if _head_of(node, graph, within) is None]
            previous = [previous, *main][-1]
        elif head is None:
            yield f"{indent}- {_statement(rest[0], previous, within)}"
            previous, rest = rest[0].name, rest[1:]
        else:
            only = all(node.training_only for node in members)
            yield f"{indent}- head:"
            yield f"{indent}    name: {scalar(head.removeprefix(within))}"
            yield f"{indent}    training_only: {scalar(only)}"
            yield f"{indent}    layers:"
            inner = [s for s in stretches if s.layers[-1] in names]
            yield from _body(members, graph, previous, head + ".", indent + "      ", inner)
            rest = rest[len(members) :]


def _head_of(node: Node, graph: Graph, within: str) -> str | None:
    """The outermost head inside the one called `within` that a layer belongs to."""
    around = (block for block in graph.blocks_around(node.name) if block.startswith(within))
    return next((block for block in around if graph.blocks[block] == "head"), None)


def _statement(node: Node, previous: str, prefix: str = "") -> str:
    """`conv: {name: conv1, …}`, with the fields that are not at their default."""
    layer = node.layer
    keys = {"name": scalar(node.name.removeprefix(prefix))}
    if isinstance(layer, Join) and len(node.inputs) > 1:
        keys["from"] = f"[{', '.join(map(scalar, node.inputs))}]"
    elif node.inputs and node.inputs[0] != previous:
        keys["from"] = scalar(node.inputs[0])
    if is_branched(node):
        keys["branches"] = "[[]]"
    if node.weights is not None:
        keys["weights"] = scalar(node.weights)
    if node.indices is not None:
        keys["indices"] = scalar(node.indices)
    if not node.trainable and node.weights is None:
        keys["trainable"] = "false"
    keys |= {name: text_of(value) for name, value in settings(layer).items()}
    return f"{layer.kind}: {mapping(keys)}"


def is_branched(node: Node) -> bool:
    """Whether a spec writes a layer with branches of its own: a join of a single input."""
    layer = node.layer
    return isinstance(layer, Join) and len(node.inputs) == 1 and not layer.takes_one


def settings(layer: Layer) -> dict[str, object]:
    """What a spec says in a layer's fields: those not at their default, and the sizes it names."""
    given = layer.given()
    own = {
        name: dict(value) if layer.types[name] == "NamedShapes" else value
        for name, value in given.items()
        if name != NAMED
    }
    return {**own, **dict(given.get(NAMED, ()))}
