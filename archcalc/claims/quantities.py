"""The language in which claims say what they are about.

    params                           of the whole network; also weights, biases, buffers, macs,
                                     flops, other_ops, param_bytes, activation_values,
                                     lecture_bytes, all_bytes, peak_bytes, training_bytes,
                                     lecture_values, weight_layers, layer_count,
                                     training_only_params, training_only_macs,
                                     paths (ways from the input to the output),
                                     input (a list), and the spec's own parameters
    layers[conv1].weights            of a layer (the end of its name will do); beside the figures
                                     of the JSON contract: output (a list), channels, size,
                                     sizes (a list), input (a list), receptive_field,
                                     local_receptive_field, jump, offset, count, and the
                                     layer's own fields (kernel, stride, …; a list of
                                     each layer's where several match)
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from archcalc.analysis import Analysis, LayerAnalysis, counted
from archcalc.errors import UsageError, did_you_mean
from archcalc.graph import INPUT
from archcalc.layers.registry import KINDS, kind_called
from archcalc.memory_use.totals import all_bytes, lecture_bytes, peak_bytes, training_bytes
from archcalc.quantity.arithmetic import Quantity
from archcalc.spec.expression import parse
from archcalc.spec.values import ExpressionError

WEIGHT_KINDS = ("conv", "conv_transpose", "locally_connected", "linear")
SUMMED = (
    "weights", "biases", "params", "buffers", "macs", "flops", "other_ops",
    "activation_values", "activation_bytes",
)  # fmt: skip
READ = (
    "count", "output", "channels", "size", "sizes", "input", "receptive_field",
    "local_receptive_field", "jump", "offset",
)  # fmt: skip
_REFERENCE = re.compile(
    r"(?<![\w.'])(?:networks\[(?P<network>(?:[^\[\]]|\[[^\[\]]*\])*)\]\.)?"
    r"(?:(?P<where>layers|blocks|kinds|path)\[(?P<which>[^\]]*)\](?:\.(?P<figure>\w+))?"
    r"|(?P<whole>[A-Za-z_]\w*))"
)
_FUNCTIONS = ("floor", "ceil", "min", "max", "sum", "len", "and", "or", "not", "if", "else")

Find = Callable[[str], Analysis]


def evaluate(text: str, analysis: Analysis, find: Find) -> Any:
    """The value of a quantity.

    Args:
        analysis: of the network that it is about.
        find: gives the analysis of another network, by `NAME` or `NAME KEY=VALUE …`.

    Raises:
        ExpressionError: the quantity is malformed, or names what is not there; with a guess.
    """
    values: dict[str, Any] = {}

    def substitute(match: re.Match[str]) -> str:
        whole = match["whole"]
        if whole in _FUNCTIONS and match["network"] is None:
            return match[0]
        about = analysis if match["network"] is None else _found(find, match["network"])
        name = f"_{len(values)}"
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
        for name, value in values.items():
            shown = shown.replace(repr(arithmetic), repr(text)).replace(name + " =", f"{value} =")
        raise ExpressionError(shown) from None


def longest_path(analysis: Analysis, kinds: tuple[str, ...]) -> int:
    """The largest number of layers of these kinds on a path from the input to the output."""
    length = {INPUT: 0}
    for layer in analysis.layers:
        before = max(length[name] for name in layer.inputs)
        length[layer.name] = before + (layer.kind in kinds)
    return length[analysis.graph.outputs[0]]


def number_of_paths(analysis: Analysis) -> int:
    """How many ways lead from the input to the output."""
    ways = {INPUT: 1}
    for layer in analysis.layers:
        ways[layer.name] = sum(ways[name] for name in layer.inputs)
    return ways[analysis.graph.outputs[0]]


def _found(find: Find, text: str) -> Analysis:
    try:
        return find(text)
    except UsageError as error:
        raise ExpressionError(str(error)) from None


def _figure_of_network(analysis: Analysis, name: str) -> Any:
    figures: Mapping[str, Callable[[], Any]] = {
        **{key: _total(analysis, key) for key in (*SUMMED[:7], "param_bytes")},
        "activation_values": lambda: _sum(analysis.inference_layers, "activation_values"),
        "lecture_values": lambda: lecture_bytes(analysis) // analysis.bytes_each,
        "lecture_bytes": lambda: lecture_bytes(analysis),
        "all_bytes": lambda: all_bytes(analysis),
        "peak_bytes": lambda: peak_bytes(analysis),
        "training_bytes": lambda: training_bytes(analysis),
        "weight_layers": lambda: longest_path(analysis, WEIGHT_KINDS),
        "paths": lambda: number_of_paths(analysis),
        "layer_count": lambda: len(analysis.inference_layers),
        "training_only_params": lambda: analysis.training_only_totals.params,
        "training_only_macs": lambda: analysis.training_only_totals.macs,
        "input": lambda: list(analysis.input.shape),
    }
    if name in figures:
        return figures[name]()
    parameters = analysis.graph.parameters
    if name in parameters:
        return parameters[name]
    wholes = ("layers[…]", "blocks[…]", "kinds[…]", "path[…]", "networks[…]")
    guess = did_you_mean(name, [*figures, *parameters, "layers", "blocks", "kinds", "networks"])
    guess = guess or f"; known: {', '.join((*figures, *wholes, *parameters))}"
    raise ExpressionError(f"{analysis.name} has no figure {name!r}{guess}")


def _total(analysis: Analysis, key: str) -> Callable[[], Quantity]:
    return lambda: getattr(analysis.totals, key)


def _part(analysis: Analysis, where: str, which: str, figure: str | None) -> Any:
    if where == "path":
        return longest_path(analysis, tuple(kind.strip() for kind in which.split(",")))
    if figure is None:
        raise ExpressionError(f"which figure of {where}[{which}]? such as {where}[{which}].macs")
    layers = list(_selected(analysis, where, which))
    if figure in SUMMED:
        return _sum(layers, figure)
    if figure == "count":
        return len(layers)
    if not layers:
        raise ExpressionError(f"{analysis.name} has no layer of kind {which!r}")
    last = layers[-1]
    if figure == "output":
        return list(last.output.shape)
    if figure == "channels":
        return last.output.channels
    if figure == "size":
        return last.output.sizes[0] if last.output.sizes else 1
    if figure == "sizes":
        return list(last.output.sizes)
    if figure == "input":
        return list(_input_of(analysis, layers[0]))
    if figure in ("receptive_field", "local_receptive_field", "jump", "offset"):
        return _once(getattr(last, figure))
    if all(figure in vars(layer.node.layer) for layer in layers):
        values = [_own(layer, figure) for layer in layers]
        return values[0] if len(values) == 1 else values
    guess = did_you_mean(figure, [*SUMMED, *READ, *vars(last.node.layer)])
    raise ExpressionError(f"{where}[{which}] has no figure {figure!r}{guess}")


def _own(layer: LayerAnalysis, field: str) -> Any:
    value = vars(layer.node.layer)[field]
    return list(value) if isinstance(value, tuple) else value


def _selected(analysis: Analysis, where: str, which: str) -> Iterator[LayerAnalysis]:
    layers = analysis.layers
    if where == "kinds":
        names = list(KINDS)
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
        ends = [name.rpartition(".")[2] for name in names]
        guess = did_you_mean(which, [*names, *ends])
        raise ExpressionError(f"{analysis.name} has no {where}[{which}]{guess}")
    return iter(counted(found))


def _blocks_called(analysis: Analysis, which: str) -> list[str]:
    blocks = analysis.graph.blocks
    if which in blocks:
        return [which]
    if any(sign in which for sign in "*?"):
        return [block for block in blocks if fnmatchcase(block, which)]
    found = [block for block in blocks if block.endswith("." + which)]
    if len(found) > 1:
        raise ExpressionError(f"{len(found)} blocks are called {which!r}: {', '.join(found[:3])}")
    return found


def _sum(layers: Sequence[LayerAnalysis], figure: str) -> Quantity:
    result: Quantity = 0
    for layer in layers:
        result = result + getattr(layer, figure)
    return result


def _input_of(analysis: Analysis, layer: LayerAnalysis) -> tuple[Quantity, ...]:
    name = layer.inputs[0]
    return analysis.input.shape if name == INPUT else analysis.layer(name).output.shape


def _once(value: Any) -> Any:
    """One figure for all axes where they are equal, else a list of them."""
    if isinstance(value, tuple):
        return value[0] if len(set(value)) == 1 else list(value)
    return value
