"""A graph as the text of a spec again: every layer written out, nothing left to expand."""

from __future__ import annotations

import json
from itertools import groupby

from archcalc.graph import INPUT, Graph, Node
from archcalc.layers import Join
from archcalc.quantity import is_symbol


def spec_text(graph: Graph) -> str:
    """The spec of a network with `graph`'s layers under the same names, and no blocks.

    Loading it gives the same figures, layer by layer.
    """
    about = graph.network.about
    known = {
        "name": graph.name,
        "title": about.title,
        "authors": about.authors,
        "year": about.year,
        "paper": about.paper,
        "source": about.origin,
    }
    lines = [f"{key}: {_scalar(value)}" for key, value in known.items() if value]
    lines += [f"input: {_value(graph.input.shape)}", "layers:"]
    previous = INPUT
    for head, nodes in groupby(graph.nodes, key=lambda node: _head_of(node, graph)):
        if head is None:
            for node in nodes:
                lines.append(f"  - {_statement(node, previous)}")
                previous = node.name
            continue
        members = list(nodes)
        training_only = _scalar(members[0].training_only)
        lines.append("  - head:")
        lines.append(f"      name: {_scalar(head)}")
        lines.append(f"      training_only: {training_only}")
        lines.append("      layers:")
        inside = previous
        for node in members:
            lines.append(f"        - {_statement(node, inside, head + '.')}")
            inside = node.name
    return "\n".join(lines) + "\n"


def _head_of(node: Node, graph: Graph) -> str | None:
    """The outermost head that a layer belongs to."""
    parts = node.name.split(".")
    prefixes = (".".join(parts[:n]) for n in range(1, len(parts)))
    return next((prefix for prefix in prefixes if graph.blocks.get(prefix) == "head"), None)


def _statement(node: Node, previous: str, prefix: str = "") -> str:
    """`conv: {name: conv1, …}`, with the fields that are not at their default."""
    layer = node.layer
    keys = {"name": _scalar(node.name.removeprefix(prefix))}
    if isinstance(layer, Join) and len(node.inputs) > 1:
        keys["from"] = f"[{', '.join(map(_scalar, node.inputs))}]"
    elif node.inputs[0] != previous:
        keys["from"] = _scalar(node.inputs[0])
    if isinstance(layer, Join) and len(node.inputs) == 1:
        keys["branches"] = "[[]]"
    if node.weights is not None:
        keys["weights"] = _scalar(node.weights)
    if node.indices is not None:
        keys["indices"] = _scalar(node.indices)
    keys |= {name: _value(value) for name, value in layer.given().items()}
    return f"{layer.kind}: {{{', '.join(f'{key}: {text}' for key, text in keys.items())}}}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return _scalar(value)


def _scalar(value: object) -> str:
    """A value as YAML that is read back as the same value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    if is_symbol(value) or not text or not text.isidentifier():
        return json.dumps(text, ensure_ascii=False)
    return text if text.lower() not in _RESERVED else json.dumps(text)


_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
