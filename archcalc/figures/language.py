"""The language in which claims, budgets, formulas and scaling name figures.

    params                           of the whole network: any of `OF_NETWORK`, or of the spec's
                                     own parameters
    layers[conv1].weights            of a layer (the end of its name will do): any of `OF_LAYER`
                                     that is not a name, channels, size, sizes (a list), input (a
                                     list), count, and the layer's own fields (kernel, stride,
                                     …; a list of each layer's where several match)
    layers[*.conv_dw].macs           the sum over all layers whose names match
    blocks[inception_4a].macs        the sum over all layers of a block; output of its last
                                     (both without layers that no output depends on)
    kinds[conv].params               the sum over all layers of a kind; 0 without any
    path[conv, linear]               how many such layers stand on the longest path
    networks[vgg19].macs             any of these of another network, whose parameters can be
    networks[mobilenet_v1 alpha=0.5].layers[fc].params                              changed
    networks[vgg16 depths=[1,1,3,3,3]].weight_layers                (a list has no spaces)

Around these stands the arithmetic of `archcalc.spec.expression`: `networks[vgg19].macs / macs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from archcalc.analysis import Analysis
from archcalc.errors import UsageError, did_you_mean
from archcalc.feature_map import FeatureMap
from archcalc.figures.figure import Figure, Unit
from archcalc.figures.of_layer import OF_LAYER, LayerAnalysis, counted
from archcalc.figures.of_network import OF_NETWORK, longest_path
from archcalc.graph import names_meant, with_ends
from archcalc.layers.registry import kind_called, known_names
from archcalc.quantity.conditions import all_or_none
from archcalc.spec.expression import parse
from archcalc.spec.values import ExpressionError, comparable

# What is read of the last of some layers, beside its figures.
_OF_OUTPUT: dict[str, Callable[[FeatureMap], Any]] = {
    "channels": lambda x: x.channels,
    "size": lambda x: x.sizes[0] if x.sizes else 1,
    "sizes": lambda x: list(x.sizes),
}
_READ = (Unit.SHAPE, Unit.FIELD, Unit.STEP)
_OF_FIELDS = {
    figure.key
    for figure in (*OF_LAYER.values(), *OF_NETWORK.values())
    if figure.unit in (Unit.FIELD, Unit.STEP)
}
# All that follows the dot behind some layers, but for their own fields.
OF_LAYERS = (
    *[figure.key for figure in OF_LAYER.values() if figure.is_summed or figure.unit in _READ],
    *_OF_OUTPUT, "input", "count",
)  # fmt: skip
_REFERENCE = re.compile(
    r"(?<![\w.'])(?:networks\[(?P<network>(?:[^\[\]]|\[[^\[\]]*\])*)\]\.)?"
    r"(?:(?P<where>layers|blocks|kinds|path)\[(?P<which>[^\]]*)\](?:\.(?P<figure>\w+))?"
    r"|(?P<whole>[A-Za-z_]\w*))"
)
_FUNCTIONS = ("floor", "ceil", "min", "max", "sum", "len", "and", "or", "not", "if", "else")

Find = Callable[[str], Analysis]


def no_other(text: str) -> Analysis:
    """In place of a look-up of other networks, where there is but one."""
    raise UsageError(f"networks[{text}]: this is about one network")


def evaluate(text: str, analysis: Analysis, find: Find = no_other) -> Any:
    """The value of a quantity.

    Args:
        analysis: of the network that it is about.
        find: gives the analysis of another network, by `NAME` or `NAME KEY=VALUE …`; without it, a
            quantity is about one network.

    Raises:
        ExpressionError: the quantity is malformed, or names what is not there; with a guess.
    """
    values: dict[str, Any] = {}
    called: dict[str, str] = {}

    def substitute(match: re.Match[str]) -> str:
        whole = match["whole"]
        if whole in _FUNCTIONS and match["network"] is None:
            return match[0]
        about = analysis if match["network"] is None else _found(find, match["network"])
        name = f"_{len(values)}"
        called[name] = match[0]
        if match["where"] is not None:
            values[name] = _part(about, match["where"], match["which"].strip(), match["figure"])
        else:
            values[name] = _figure_of_network(about, whole)
        return name

    arithmetic = _REFERENCE.sub(substitute, text)
    try:
        return parse(arithmetic).evaluate(values)
    except ExpressionError as error:
        shown = str(error)
        for name in values:
            shown = shown.replace(repr(arithmetic), repr(text)).replace(
                name + " =", f"{called[name]} ="
            )
        raise ExpressionError(shown) from None


def heading_of(text: str) -> str:
    """What a quantity is called in tables: `MACs`, `conv weights`; else as it is written."""
    match = _REFERENCE.fullmatch(text)
    if match is None or match["network"]:
        return text
    if match["where"] == "kinds" and match["figure"] in OF_LAYER:
        return f"{match['which']} {OF_LAYER[match['figure']].short}"
    return OF_NETWORK[text].short if text in OF_NETWORK else text


def is_of_bytes(text: str) -> bool:
    """Whether a quantity has figures of bytes in it."""
    known = OF_LAYER | OF_NETWORK
    return any(w in known and known[w].unit is Unit.BYTES for w in re.findall(r"\w+", text))


def reads_fields(text: str) -> bool:
    """Whether a quantity has figures in it of what units see."""
    return not _OF_FIELDS.isdisjoint(re.findall(r"\w+", text))


def _found(find: Find, text: str) -> Analysis:
    try:
        return find(text)
    except UsageError as error:
        raise ExpressionError(str(error)) from None


def _figure_of_network(analysis: Analysis, name: str) -> Any:
    if name in OF_NETWORK:
        try:
            return _read(OF_NETWORK[name], analysis)
        except UsageError as error:  # it is a figure of others
            raise ExpressionError(str(error)) from None
    parameters = analysis.graph.parameters
    if name in parameters:
        return parameters[name]
    wholes = ("layers[…]", "blocks[…]", "kinds[…]", "path[…]", "networks[…]")
    guess = did_you_mean(name, [*OF_NETWORK, *parameters, "layers", "blocks", "kinds", "networks"])
    guess = guess or f"; known: {', '.join((*OF_NETWORK, *wholes, *parameters))}"
    raise ExpressionError(f"{analysis.name} has no figure {name!r}{guess}")


def _part(analysis: Analysis, where: str, which: str, figure: str | None) -> Any:
    if where == "path":
        kinds = [kind.strip() for kind in which.split(",")]
        return longest_path(analysis, lambda layer: layer.kind in kinds)
    if figure is None:
        raise ExpressionError(f"which figure of {where}[{which}]? such as {where}[{which}].macs")
    layers = list(_selected(analysis, where, which))
    known = OF_LAYER.get(figure)
    if known is not None and known.is_summed:
        return known.total(layers)
    if figure == "count":
        return len(layers)
    if not layers:
        raise ExpressionError(f"{analysis.name} has no layer of kind {which!r}")
    last = layers[-1]
    if known is not None and known.unit in _READ:
        return _read(known, last)
    if figure in _OF_OUTPUT:
        return _OF_OUTPUT[figure](last.output)
    if figure == "input":
        return list(analysis.maps[layers[0].inputs[0]].shape)
    if all(figure in vars(layer.node.layer) for layer in layers):
        values = [_own(layer, figure) for layer in layers]
        return values[0] if len(values) == 1 else values
    guess = did_you_mean(figure, [*OF_LAYERS, *vars(last.node.layer)])
    raise ExpressionError(f"{where}[{which}] has no figure {figure!r}{guess}")


def _own(layer: LayerAnalysis, field: str) -> Any:
    value = vars(layer.node.layer)[field]
    return list(value) if isinstance(value, tuple) else value


def _selected(analysis: Analysis, where: str, which: str) -> Iterator[LayerAnalysis]:
    layers = analysis.layers
    if where == "kinds":
        names = known_names()
        found = [layer for layer in analysis.inference_layers if layer.kind == which]
        if kind_called(which):  # of a kind there may be none
            return iter(found)
    elif where == "blocks":
        prefixes = _blocks_called(analysis, which)
        found = [x for x in layers if any(x.name.startswith(p + ".") for p in prefixes)]
        names = list(analysis.graph.blocks)
    elif any(sign in which for sign in "*?"):
        found = [layer for layer in layers if fnmatchcase(layer.name, which)]
        names = []
    else:
        try:
            return iter([analysis.layer(which)])
        except UsageError as error:
            raise ExpressionError(str(error)) from None
    if not found:
        guess = did_you_mean(which, with_ends(names))
        raise ExpressionError(f"{analysis.name} has no {where}[{which}]{guess}")
    return iter(counted(found))


def _blocks_called(analysis: Analysis, which: str) -> list[str]:
    blocks = analysis.graph.blocks
    if which not in blocks and any(sign in which for sign in "*?"):
        return [block for block in blocks if fnmatchcase(block, which)]
    found = names_meant(which, blocks)
    if len(found) > 1:
        raise ExpressionError(f"{len(found)} blocks are called {which!r}: {', '.join(found[:3])}")
    return found


def _read(figure: Figure, of: Analysis | LayerAnalysis) -> Any:
    """A figure as the arithmetic takes it: fields once where they are equal along all axes."""
    value = figure.of(of)
    if not isinstance(value, tuple):
        return value
    alike = figure.unit is not Unit.SHAPE and value and all(_same(value[0], v) for v in value)
    return value[0] if alike else list(value)


def _same(a: Any, b: Any) -> bool:
    """Whether two values are equal; of arrays, at all settings."""
    found = comparable(a) == comparable(b)
    return all_or_none(found, otherwise=False) if hasattr(found, "dtype") else bool(found)
