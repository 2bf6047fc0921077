"""What in a network is probably a mistake, though it has figures: each rule under its name.

Where a network is meant to be so, its spec says why: `silence: {stride_skips: as in the paper}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from archcalc.analysis import Analysis
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import Graph
from archcalc.imported import notes_on_import
from archcalc.layers.layer import Category
from archcalc.memory_use.open_memory import kept_channels_last
from archcalc.receptive_field.per_axis import PerAxis
from archcalc.window import Window

MOST_NAMED = 3  # layers in a note
# What is noted by no rule, and never silenced.
IMPORT, LEFT_OUT, BUDGET = "import", "left_out", "budget"
_PICTURES = (1, 3, 4)  # channels
_CENTERING = ("batch_norm", "instance_norm")  # kinds that subtract the mean of a channel
_SLIDING = (Category.CONVOLUTION, Category.POOLING)
_BETWEEN = (Category.ACTIVATION, Category.REGULARIZATION)  # behind these a map is what it was


class Note(NamedTuple):
    """What whoever sees the figures should know.

    Attributes:
        rule: one of `RULES`, "unused", `IMPORT`, `LEFT_OUT` or `BUDGET`.
        text: a sentence.
        layers: those that it is about; none where it is about the whole.
    """

    rule: str
    text: str
    layers: tuple[str, ...] = ()


class _Network(NamedTuple):
    """What rules look at.

    Attributes:
        analysis: of the graph, also a partial one.
        readers: of each input and layer, the layers that take it.
        sliding: the layers that slide a window of plain numbers along each axis of one input.
    """

    graph: Graph
    analysis: Analysis
    layers: dict[str, LayerAnalysis]
    maps: Mapping[str, FeatureMap]
    readers: dict[str, list[LayerAnalysis]]
    sliding: list[tuple[LayerAnalysis, FeatureMap, tuple[Window, ...]]]


_Found: TypeAlias = "tuple[str, str]"  # an input or a layer, and what is particular to it


def notes_on(graph: Graph, analysis: Analysis | None = None) -> list[Note]:
    """All that is to be said of a network, without what its spec silences.

    Args:
        analysis: of the graph, also a partial one. Without it there is nothing by the rules that
            ask for shapes.
    """
    found = [Note(IMPORT, text) for text in notes_on_import(graph, analysis)]
    for out in graph.left_out:
        found.append(Note(LEFT_OUT, f"without {out.head}, for training only: {out.reason}"))
    if analysis is not None:
        network = _network(analysis)
        for rule, (what, looks) in RULES.items():
            if rule not in graph.network.silence and (hits := list(looks(network))):
                layers = tuple([name for name, _ in hits if name in network.layers])
                found.append(Note(rule, f"{what}: {_listed(hits, graph)}", layers))
    if "unused" not in graph.network.silence:
        found += _unused(graph)
    return [*found, *_over_budget(graph, analysis)]


def _network(analysis: Analysis) -> _Network:
    maps = analysis.maps
    readers: dict[str, list[LayerAnalysis]] = {}
    sliding = []
    for layer in analysis.layers:
        for name in layer.inputs:
            readers.setdefault(name, []).append(layer)
        windows = layer.effect.windows
        if isinstance(windows, tuple) and windows and len(layer.inputs) == 1:
            plain = tuple([w for w in windows if type(w) is Window and type(w.stride) is int])
            x = maps[layer.inputs[0]]
            if len(plain) == len(windows) == len(x.sizes) and _is_plain(x):
                sliding.append((layer, x, plain))
    layers = {layer.name: layer for layer in analysis.layers}
    return _Network(analysis.graph, analysis, layers, maps, readers, sliding)


def _listed(hits: list[_Found], graph: Graph) -> str:
    """The first inputs and layers, these with where they stand, and how many more there are."""
    places = {node.name: f" ({node.place})" for node in graph.nodes}
    named = [f"{name}{places.get(name, '')}{particular}" for name, particular in hits[:MOST_NAMED]]
    more = f" and {len(hits) - MOST_NAMED} more" if len(hits) > MOST_NAMED else ""
    return ", ".join(named) + more


def _unused(graph: Graph) -> Iterator[Note]:
    """Mostly a `from` was forgotten, or to say that there are several outputs."""
    live = graph.live()
    unused = [node.name for node in graph.nodes if node.name not in live]
    if unused:
        where = _listed([(name, "") for name in unused], graph)
        yield Note(
            "unused",
            f"no output of {graph.name} needs {where}; totals are without. "
            "A further output is a `head: {layers: […]}`, or named by `outputs: […]`",
            tuple(unused),
        )


def _over_budget(graph: Graph, analysis: Analysis | None) -> Iterator[Note]:
    """The bounds are about one image in float32."""
    if graph.network.budget is None or analysis is None or analysis.error is not None:
        return
    if analysis.batch == 1 and analysis.dtype == "float32":
        from archcalc.claims.budgets import exceeded  # which most networks have no need of

        for text in exceeded(analysis):
            yield Note(BUDGET, text)


# ----- rules -----


def _channels_last(network: _Network) -> Iterator[_Found]:
    for name, x in _slid_over(network):
        if x.rank == 3 and x.shape[2] in _PICTURES and x.shape[2] < min(x.shape[:2]):
            height, width, channels = x.shape
            yield name, f" {x}, not {channels}x{height}x{width}"


def _batch_in_input(network: _Network) -> Iterator[_Found]:
    for name, x in _slid_over(network):
        if x.rank == 4 and x.shape[1] in _PICTURES and x.shape[2] == x.shape[3]:
            images, channels, *sizes = x.shape
            yield name, f" {x}, not {FeatureMap(channels, tuple(sizes))} in a batch of {images}"


def _linear_on_map(network: _Network) -> Iterator[_Found]:
    for layer in network.layers.values():
        if layer.kind == "linear":
            x = network.maps[layer.inputs[0]]
            if x.rank > 2 and _is_of_channels(layer.inputs[0], network):
                yield layer.name, f" on {x}"


def _is_of_channels(name: str, network: _Network) -> bool:
    """Whether it is an input, or what a convolution, a pool or a batch norm has made."""
    while name in network.layers:
        layer = network.layers[name].node.layer
        if layer.category in _SLIDING or layer.kind == "batch_norm":
            return True
        if layer.category not in _BETWEEN:
            return False
        name = network.layers[name].inputs[0]
    return True


def _kernel_exceeds_map(network: _Network) -> Iterator[_Found]:
    for layer, x, windows in network.sliding:
        if any(window.extent > size for window, size in zip(windows, x.sizes, strict=True)):
            yield layer.name, f" {'x'.join(str(window.extent) for window in windows)} on {x}"


def _stride_skips(network: _Network) -> Iterator[_Found]:
    skipping: dict[str, list[str]] = {}
    for layer, _, windows in network.sliding:
        if any(window.stride > window.extent for window in windows):
            skipping.setdefault(layer.inputs[0], []).append(layer.name)
    for source, names in skipping.items():
        if len(names) == len(network.readers[source]):
            yield from ((name, "") for name in names)


def _dilation_holes(network: _Network) -> Iterator[_Found]:
    for layer, _, windows in network.sliding:
        if all(window.dilation == 1 for window in windows):
            continue
        source = network.layers.get(layer.inputs[0])
        at_first: PerAxis = (1,) * len(windows)
        fields = source.local_receptive_field if source else at_first
        jumps = source.jump if source else at_first
        for window, field, jump in zip(windows, fields or (), jumps or (), strict=False):
            if isinstance(field, int) and isinstance(jump, int):
                apart = jump * window.dilation
                if window.kernel > 1 and field < apart:
                    yield layer.name, f", {apart} apart, and each sees {field}"
                    break


def _bias_before_norm(network: _Network) -> Iterator[_Found]:
    for name, readers in network.readers.items():
        layer = network.layers.get(name)
        centered = all(each.kind in _CENTERING for each in readers)
        if layer and centered and layer.kind in ("conv", "linear") and layer.biases:
            yield name, ""


def _memory_order(network: _Network) -> Iterator[_Found]:
    if network.analysis.error is None:
        for layer in kept_channels_last(network.analysis):
            yield layer.name, ""


def _slid_over(network: _Network) -> Iterator[tuple[str, FeatureMap]]:
    """The inputs of plain sizes along which windows slide."""
    for name, x in network.graph.inputs.items():
        readers = network.readers.get(name, [])
        if _is_plain(x) and any(each.node.layer.category in _SLIDING for each in readers):
            yield name, x


def _is_plain(x: FeatureMap) -> bool:
    return all(type(size) is int for size in x.shape)


# By the name that `silence` knows: what is noted, and where it is found.
RULES: dict[str, tuple[str, Callable[[_Network], Iterator[_Found]]]] = {
    "channels_last": ("channels come first, which look as if they came last", _channels_last),
    "batch_in_input": (
        "sizes are of one image, and look as if there were a batch",
        _batch_in_input,
    ),
    "linear_on_map": ("linear along the last axis of a map that nobody flattened", _linear_on_map),
    "kernel_exceeds_map": ("a window is larger than its map and sees padding", _kernel_exceeds_map),
    "stride_skips": ("a stride passes over values that nothing else reads", _stride_skips),
    "dilation_holes": ("taps lie apart, with pixels between them that it misses", _dilation_holes),
    "memory_order": (
        "memory may be off where torch keeps channels last the order of a view",
        _memory_order,
    ),
    "bias_before_norm": ("a bias is taken away again by the norm behind it", _bias_before_norm),
}
