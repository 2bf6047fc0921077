"""What a page says of networks beside their figures."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from typing import Any

from archcalc.analysis import DTYPES, Analysis
from archcalc.explaining.layers import QUANTITIES, derive
from archcalc.figures.figure import Figure, Unit
from archcalc.figures.of_layer import OF_LAYER, LayerAnalysis
from archcalc.figures.of_network import OF_NETWORK
from archcalc.graph import Graph
from archcalc.hardware.device import USUAL, device_names, find_device
from archcalc.layers.setting_text import setting_text
from archcalc.pages.live import Live
from archcalc.pages.offering import Offer, number
from archcalc.pages.runtime import LEAST_TIME, LIMIT
from archcalc.parametric.formulas.every_figure import AXES, KEPT, MOVED, axis_keys
from archcalc.parametric.formulas.tracing import Leaf
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.conditions import is_symbol
from archcalc.render import notation

_SIZES = {"H": "height of the input", "W": "width of the input", "L": "length of the input",
          "D": "depth of the input"}  # fmt: skip


def network_data(live: Live) -> tuple[dict[str, Any], dict[int, int]]:
    """A network as a page has it, and the number of the graph of each leaf, by the leaf's `id`."""
    graph, about = live.graph, live.graph.about
    leaves = [end for end in live.traces.ends() if isinstance(end, Leaf)]
    leaves.sort(key=lambda leaf: leaf is not live.own)
    lists: dict[str, int] = {}
    numbers: dict[int, int] = {}
    steps: list[list[str]] = []
    for leaf in leaves:
        names = json.dumps([_layer_key(node) for node in leaf.found.graph.nodes])
        if names not in lists:
            lists[names] = len(lists)
            steps.append([*leaf.found.step_layers])
        numbers[id(leaf)] = lists[names]
    first = {numbers[id(leaf)]: leaf for leaf in reversed(leaves)}
    layer_lists = [_layers(first[number].found.graph) for number in range(len(lists))]
    own: Leaf = live.own
    analysis = live.walked(own.setting)
    derivations = _derive(analysis, layer_lists)
    data = {
        "name": graph.name,
        "title": about.title or graph.name,
        "source": ", ".join(filter(None, (about.authors, str(about.year or ""), about.paper))),
        "description": about.origin,
        "figures": [*_figures(own, len(graph.input.grid))],
        "variables": [*map(_variable, live.offers), _DTYPE, _device()],
        "not_offered": [{"label": one.label, "why": one.why} for one in live.not_offered],
        "variants": [],
        "layers": layer_lists[0],
        "layer_lists": layer_lists,
        "steps": steps,
        "memory_title": "activations alive while each layer runs at inference",
        "derivations": derivations,
        "blocks": dict(graph.blocks),
        "inputs": [
            {"name": name, "shape": plain(x.shape), "dtype": x.dtype}
            for name, x in graph.inputs.items()
        ],
        "outputs": [*graph.outputs],
        "notes": [*_notes(analysis, own)],
    }
    return data, numbers


def _layer_key(node: Any) -> list[Any]:
    return [node.name, node.layer.kind, node.inputs, node.weights, _text(node.layer)]


def _notes(analysis: Analysis, own: Leaf) -> Iterator[str]:
    for note in analysis.notes:
        yield note.text
    if own.found.memory_unknown is not None:
        yield f"peak and training memory are not shown: {own.found.memory_unknown}"
    for dtype, why in own.found.open_dtypes.items():
        yield f"peak and training memory in {dtype} are not shown: {why}"


def _figures(own: Leaf, axes: int) -> Iterator[dict[str, Any]]:
    for figure in OF_LAYER.values():
        for key, axis in _keys(figure, axes):
            if key in own.found.layers:
                yield _figure(figure, key, axis, "layer")
    if KEPT in own.found.layers:
        yield {
            "key": KEPT, "heading": "kept", "unit": Unit.BYTES.name, "of": "layer",
            "meaning": "Bytes that autograd keeps on its account for the backward pass.",
        }  # fmt: skip
    yield {
        "key": MOVED, "heading": "bytes moved", "short": "moved",
        "unit": Unit.BYTES.name, "of": "layer",
        "meaning": "Bytes of its inputs, its output and its parameters, each moved once.",
    }  # fmt: skip
    for of in ("layer", "network"):
        yield {
            "key": LEAST_TIME, "heading": "least time", "unit": "SECONDS", "of": of, "summed": True,
            "meaning": "The least time on the device, each layer by itself: its arithmetic at the "
            "peak of the device, or moving its bytes, whichever takes longer.",
        }  # fmt: skip
    yield {
        "key": LIMIT, "heading": "limit", "unit": Unit.TEXT.name, "of": "layer",
        "meaning": "What the least time is due to.",
    }  # fmt: skip
    for figure in OF_NETWORK.values():
        for key, axis in _keys(figure, axes):
            if key in own.found.totals:
                yield _figure(figure, key, axis, "network")


def _keys(figure: Figure, axes: int) -> list[tuple[str, str | None]]:
    if figure.unit in (Unit.FIELD, Unit.STEP):
        return [*zip(axis_keys(figure, axes), AXES[axes] if axes < len(AXES) else (), strict=True)]
    return [(figure.key, None)]


def _figure(figure: Figure, key: str, axis: str | None, of: str) -> dict[str, Any]:
    end = "" if axis is None else f", {axis}"
    found = {
        "key": key, "heading": figure.heading + end, "short": figure.short + end,
        "unit": figure.unit.name, "meaning": figure.meaning, "of": of,
    }  # fmt: skip
    return found if axis is None else {**found, "axis": axis}


def _variable(offer: Offer) -> dict[str, Any]:
    variable = offer.variable
    kind = "batch" if variable is None else "parameter" if variable.input is None else "size"
    meaning = "number of images" if variable is None else _SIZES.get(variable.label, "")
    if variable is not None and variable.input is None:
        meaning = "a parameter of the spec"
    if offer.is_flag:
        kind = "flag"
    return {
        "label": offer.label, "kind": kind, "own": number(offer.own),
        "minimum": number(offer.least), "maximum": number(offer.most), "step": number(offer.step),
        "choices": None, "meaning": meaning,
    }  # fmt: skip


_DTYPE = {
    "label": "dtype", "kind": "dtype", "own": "float32", "minimum": None, "maximum": None,
    "step": None, "choices": [*DTYPES], "meaning": "of parameters and activations",
}  # fmt: skip


def _device() -> dict[str, Any]:
    names = device_names()
    return {
        "label": "device", "kind": "device", "own": USUAL, "minimum": None, "maximum": None,
        "step": None, "choices": names, "meaning": "whose peaks say what takes how long at least",
        "titles": [find_device(name).title for name in names],
    }  # fmt: skip


def _layers(graph: Graph) -> list[dict[str, Any]]:
    used = graph.live()
    return [
        {
            "name": node.name,
            "kind": node.layer.kind,
            "inputs": [*node.inputs],
            "blocks": graph.blocks_around(node.name),
            "text": _text(node.layer),
            "training_only": node.training_only,
            "used": node.name in used,
            "derivation": None,
            "weights_shared_with": node.weights,
        }
        for node in graph.nodes
    ]


def _derive(
    analysis: Analysis, layer_lists: list[list[dict[str, Any]]]
) -> list[list[dict[str, Any]]]:
    """Derivations of the network as it is, those that say the same once; enters their numbers.

    In other graphs a layer of the same name and kind has the same rule.
    """
    shared: dict[str, int] = {}
    known: dict[Any, int] = {}
    numbers: dict[tuple[str, str], int] = {}
    for layer in analysis.layers:
        alike = _derived_from(analysis, layer)
        if alike not in known:
            lines = json.dumps([*_lines(analysis, layer)])
            known[alike] = shared.setdefault(lines, len(shared))
        numbers[layer.name, layer.kind] = known[alike]
    for layers in layer_lists:
        for one in layers:
            one["derivation"] = numbers.get((one["name"], one["kind"]))
    return [json.loads(lines) for lines in shared]


def _derived_from(analysis: Analysis, layer: LayerAnalysis) -> Hashable:
    """All that the derivations of a layer in a network come from: neither its name nor others'."""
    node, named = layer.node, analysis.by_name
    names = [*node.sources]
    if node.indices is not None:  # the pool that it undoes takes what it gives
        names += named[node.indices].inputs[:1]
    inputs = [
        (x.output, x.field, x.local_field, x.origins)
        if (x := named.get(name)) is not None
        else name
        for name in names
    ]
    own = [getattr(layer, field) for field in type(layer)._fields if field != "node"]
    twice = [names.index(name) for name in names]
    return (node.layer, node.weights, node.indices is None, *own, *twice, *inputs)


def _lines(analysis: Analysis, layer: LayerAnalysis) -> Iterator[dict[str, Any]]:
    """The derivations of a layer, figure by figure."""
    for one in derive(analysis, layer).only(()).derivations:
        yield {
            "figure": QUANTITIES[one.quantity][0],
            "symbols": "" if one.form is None else notation.text(one.form),
            "numbers": "" if one.form is None else notation.text(one.form, values=True),
            "result": plain(one.value),
            **({"note": one.note} if one.note else {}),
        }


def _text(layer: Any) -> str:
    """The settings that do not change with what the reader changes."""
    given = {name: value for name, value in layer.given().items() if not _is_free(value)}
    return ", ".join(f"{name}={setting_text(value)}" for name, value in given.items())


def _is_free(value: Any) -> bool:
    return any(map(_is_free, value)) if isinstance(value, tuple) else is_symbol(value)
