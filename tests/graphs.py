"""Graphs made by hand, and random ones: hypothesis strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeAlias

from hypothesis import strategies as st

from archcalc import FeatureMap, Graph, LayerError, Node
from archcalc.graph import INPUT, in_order, stretch_of
from archcalc.layers import Effect, Layer
from archcalc.layers.activation import (
    ELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
)
from archcalc.layers.convolution import Conv, ConvTranspose, LocallyConnected
from archcalc.layers.further_joins import Maximum
from archcalc.layers.joining import Add, Average, Concat, Multiply
from archcalc.layers.layer import Padding
from archcalc.layers.linear import Linear
from archcalc.layers.multihead_attention import MultiheadAttention
from archcalc.layers.normalization import BatchNorm, GroupNorm
from archcalc.layers.pooling import AvgPool, GlobalAvgPool, MaxPool
from archcalc.layers.resampling import Crop, Pad
from archcalc.layers.reshaping import ChannelSlice, ChannelSplit, Flatten, Identity
from archcalc.layers.unpooling import MaxUnpool
from archcalc.layers.upsampling import Upsample
from archcalc.record import replace
from archcalc.testing.graphs import PLACE
from archcalc.testing.graphs import graph as graph
from archcalc.testing.graphs import node as node
from tests.layers.examples import KINDS_WITH_RULES, LAYERS

Draw = st.DrawFn


def all_used(network: Graph) -> Graph:
    """The network with every layer that nobody reads as an output, so that none is unused."""
    read = {name for one in network.nodes for name in (*one.inputs, one.indices)}
    ends = [one.name for one in network.nodes if one.name not in read]
    return replace(network, outputs=tuple(dict.fromkeys([*network.outputs, *ends])))


def chain(input: FeatureMap, *layers: Layer) -> Graph:
    """The layers one after the other; each is called by its kind and its place in the row."""
    nodes: list[Node] = []
    for number, layer in enumerate(layers):
        before = [nodes[-1].name] if nodes else []
        nodes.append(node(f"{layer.kind}{number}", layer, *before))
    return graph(input, nodes)


@st.composite
def with_some_frozen(draw: Draw, graphs: st.SearchStrategy[Graph]) -> Graph:
    """One of `graphs` with some layers frozen, at times; those with the same weights are alike."""
    network = draw(graphs)
    if draw(st.booleans()):
        return network
    learns: dict[str, bool] = {}
    for one in network.nodes:
        learns[one.name] = draw(st.booleans()) if one.weights is None else learns[one.weights]
    nodes = [replace(one, trainable=learns[one.name]) for one in network.nodes]
    return replace(network, nodes=tuple(nodes))


@st.composite
def with_some_checkpointed(draw: Draw, graphs: st.SearchStrategy[Graph]) -> Graph:
    """One of `graphs` with some stretches checkpointed, at times, some of them in one another."""
    network = draw(graphs)
    if not network.nodes:
        return network
    last = len(network.nodes) - 1
    ends = st.tuples(st.integers(0, last), st.integers(0, last)).map(sorted)
    chosen: list[tuple[int, int]] = []
    for first, end in draw(st.lists(ends, max_size=4)):
        if all(end < a or b < first or _within((first, end), (a, b)) for a, b in chosen):
            chosen.append((first, end))
    names = tuple([one.name for one in network.nodes])
    stretches = [stretch_of(names[first : end + 1]) for first, end in chosen]
    return replace(network, stretches=in_order(network.nodes, stretches))


def _within(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one of two stretches stands in the other."""
    (a, b), (c, d) = one, other
    return (a <= c and d <= b) or (c <= a and b <= d)


# ----- random graphs -----

MOST_VALUES = 4096  # in a map: larger ones are left out
# Drawn more often than the other kinds.
FREQUENT: list[type[Layer]] = [MaxPool, AvgPool, ConvTranspose, Upsample, BatchNorm, ReLU] * 3
FREQUENT += [Conv] * 12
# But for that whose memory is not always known; the graphs of tests/fuzz draw it too.
KINDS = [k for k in KINDS_WITH_RULES if k in LAYERS and k is not MultiheadAttention]
OVERWRITING: list[type[Layer]] = [ELU, HardSigmoid, HardSwish, LeakyReLU, ReLU, ReLU6, SiLU]
OVERWRITING += [Conv, Identity, ChannelSlice, ChannelSplit, Crop, Flatten, GroupNorm]
OVERWRITING += [Conv, Identity, ChannelSlice, ChannelSplit, Linear, GlobalAvgPool, Sigmoid]
SLIDING: list[type[Layer]] = [Conv, MaxPool, AvgPool, LocallyConnected, Pad, Crop, ReLU]


class _Growing:
    """A graph to which layers are added one at a time, where they fit.

    Attributes:
        kinds: of single layers.
        maps: the shape of what comes out of each layer, by name.
    """

    def __init__(self, input: FeatureMap, kinds: Sequence[type[Layer]]) -> None:
        self.kinds = kinds
        self.maps = {INPUT: input}
        self.effects: dict[str, Effect] = {}
        self.nodes: dict[str, Node] = {}
        self.training_only = False

    def add(
        self,
        layer: Layer,
        *inputs: str,
        weights: str | None = None,
        indices: str | None = None,
    ) -> str | None:
        """The name of the new layer; None where it refuses its input, or grows too large."""
        maps = [self.maps[name] for name in inputs]
        if indices is not None:
            maps.append(self.maps[self.nodes[indices].inputs[0]])
        rule: Callable[..., Effect] = layer.effect_on  # joins and unpooling take several maps
        try:
            effect = rule(*maps)
        except LayerError:
            return None
        if effect.output.values > MOST_VALUES:
            return None
        if weights is not None and not _same_learned(effect, self.effects[weights]):
            return None
        number = len(self.nodes)
        name = f"stage{number // 4}.{layer.kind}{number}"
        self.maps[name] = effect.output
        self.effects[name] = effect
        self.nodes[name] = Node(name, layer, inputs, weights, indices, self.training_only, PLACE)
        return name

    def any_layer(self, draw: Draw, source: str) -> str | None:
        """Any layer of the kinds that there are."""
        kind = draw(st.sampled_from(self.kinds))
        return self.add(draw(LAYERS[kind](self.maps[source])), source)

    def join(self, draw: Draw, source: str) -> str | None:
        """A join of `source` with earlier layers that fit it, in any order."""
        x = self.maps[source]
        alike = [(name, y) for name, y in self.maps.items() if len(y.shape) == len(x.shape)]
        axis = draw(st.sampled_from([0, 0, 0, *range(len(x.shape))]))
        fitting = [
            name
            for name, y in alike
            if all(n == m or a == axis for a, n, m in zip(count(), y.shape, x.shape, strict=False))
        ]
        spread = [
            name
            for name, y in alike
            if all(n in (1, m) for n, m in zip(y.shape, x.shape, strict=True))
        ]
        concat = draw(st.booleans())
        others = draw(st.lists(st.sampled_from(fitting if concat else spread), max_size=4))
        joins: list[Layer] = (
            [Concat(axis=axis)] if concat else [Add(), Average(), Multiply(), Maximum()]
        )
        layer = draw(st.sampled_from(joins))
        return self.add(layer, *draw(st.permutations([source, *others])))

    def residual(self, draw: Draw, source: str) -> str | None:
        """A body that keeps the shape, around which `source` is added."""
        end: str | None = source
        for layer in (
            Conv(channels=self.maps[source].channels, kernel=3, padding="same", bias=False),
            BatchNorm(),
            ReLU(),
        )[: draw(st.integers(1, 3))]:
            end = end and self.add(layer, end)
        return end and self.add(Add(), end, source)

    def shared(self, draw: Draw, source: str) -> str | None:
        """A layer with the weights of an earlier one."""
        owners = [name for name, effect in self.effects.items() if effect.parameters]
        if not owners:
            return None
        owner = draw(st.sampled_from(owners))
        return self.add(self.nodes[owner].layer, source, weights=owner)

    def unpool(self, draw: Draw, source: str) -> str | None:
        """A max pool, something behind it that keeps the shape, and what undoes the pool."""
        stride = draw(st.integers(1, 3))
        uneven = tuple([(1, 0)] * len(self.maps[source].sizes))
        some: list[Padding] = [0, 0, "same", uneven]
        padding = draw(st.sampled_from(some))
        ceil = padding == 0 and draw(st.booleans())
        layer = MaxPool(kernel=2, stride=stride, padding=padding, ceil=ceil)
        pool = self.add(layer, source)
        between = pool and self.add(draw(st.sampled_from([ReLU(), BatchNorm()])), pool)
        if pool is None or between is None:
            return None
        undo = MaxUnpool(kernel=2, stride=stride, output=self.maps[source].sizes)
        return self.add(undo, between, indices=pool)

    def gated(self, draw: Draw, source: str) -> str | None:
        """Something squeezed into a single position, which is joined with all of `source`."""
        x = self.maps[source]
        if not x.sizes:
            return None
        before, after = zip(*[_parted(draw, size - 1) for size in x.sizes], strict=True)
        squeezes: list[Layer] = [
            GlobalAvgPool(),
            Conv(channels=x.channels, kernel=x.sizes),
            Crop(sides=tuple(zip(before, after, strict=True))),
        ]
        other = draw(st.sampled_from([name for name, y in self.maps.items() if y == x]))
        gate = self.add(draw(st.sampled_from(squeezes)), other)
        return gate and self.add(draw(st.sampled_from([Add(), Multiply()])), source, gate)

    def unpool_any(self, draw: Draw, source: str) -> str | None:
        """A max pool of any kind, and what undoes it by the pool's own windows."""
        x = self.maps[source]
        if not x.sizes:
            return None
        kernel = draw(st.integers(1, 3))
        paddings: list[Padding] = [0, kernel // 2, "same"]
        padding = draw(st.sampled_from(paddings))
        dilation, stride = draw(st.integers(1, 2)), draw(st.integers(1, 3))
        layer = MaxPool(kernel=kernel, stride=stride, dilation=dilation, padding=padding)
        pool = self.add(layer, source)
        undo = MaxUnpool(kernel=kernel, stride=stride, output=x.sizes)
        return pool and self.add(undo, pool, indices=pool)

    def recombined(self, draw: Draw, source: str) -> str | None:
        """Equal parts of the channels, or of a vector's features, in another order or added up."""
        x = self.maps[source]
        if draw(st.booleans()) and x.sizes:
            flat = self.add(Flatten(), source)
            if flat is None:
                return None
            source, x = flat, self.maps[flat]
        divisors = [parts for parts in (2, 3, 4) if x.channels % parts == 0]
        if not divisors:
            return None
        parts = draw(st.sampled_from(divisors))
        split = [self.add(ChannelSplit(parts=parts, part=n), source) for n in range(parts)]
        names = [name for name in split if name]
        if len(names) < parts:
            return None
        joins: list[Layer] = [Add(), Concat()]
        return self.add(draw(st.sampled_from(joins)), *draw(st.permutations(names)))

    def strided(self, draw: Draw, source: str) -> str | None:
        """Every second position beside a crop of the same size: branches that never line up."""
        x = self.maps[source]
        half = self.add(Conv(channels=x.channels, kernel=1, stride=2), source) if x.sizes else None
        if half is None:
            return None
        sides = tuple((0, n - m) for n, m in zip(x.sizes, self.maps[half].sizes, strict=True))
        crop = self.add(Crop(sides=sides), source)
        return crop and self.add(draw(st.sampled_from([Add(), Concat()])), half, crop)


def _parted(draw: Draw, count: int) -> tuple[int, int]:
    before = draw(st.integers(0, count))
    return before, count - before


def _same_learned(a: Effect, b: Effect) -> bool:
    return a.state == b.state


Step: TypeAlias = Callable[[_Growing, Draw, str], "str | None"]
STRUCTURE: tuple[Step, ...] = (
    *[_Growing.any_layer] * 6,
    *[_Growing.join] * 2,
    _Growing.residual,
)


@st.composite
def inputs(draw: Draw) -> FeatureMap:
    """Images of 1 to 3 axes, large enough for a few layers that shrink them."""
    sizes = {1: st.integers(4, 24), 2: st.integers(4, 12), 3: st.integers(4, 8)}
    axes = draw(st.integers(1, 3))
    return FeatureMap(draw(st.integers(1, 4)), draw(st.tuples(*[sizes[axes]] * axes)))


def _grow(growing: _Growing, draw: Draw, steps: Sequence[Step], most: int) -> str:
    """Takes up to `most` steps; the name of the last layer."""
    last = INPUT
    for _ in range(draw(st.integers(1, most))):
        step = draw(st.sampled_from(steps))
        goes_on = draw(st.integers(0, 4))  # else it starts from any earlier layer
        source = last if goes_on else draw(st.sampled_from([*growing.maps]))
        last = step(growing, draw, source) or last
    return last


@st.composite
def random_graphs(draw: Draw, most: int = 30) -> Graph:
    """Up to `most` layers of all kinds: chains, branches, joins, residuals, dense concatenations.

    Layers may share weights, undo a pool, leave the network early, or exist in training only.
    """
    growing = _Growing(draw(inputs()), [*KINDS, *FREQUENT])
    last = _grow(growing, draw, [*STRUCTURE, _Growing.shared, _Growing.unpool], most)
    heads = draw(st.lists(st.sampled_from([*growing.maps]), max_size=2, unique=True))
    growing.training_only = True
    for _ in range(draw(st.integers(0, 2))):
        head = growing.any_layer(draw, draw(st.sampled_from([*growing.maps])))
        heads += [head] if head else []
    return graph(growing.maps[INPUT], [*growing.nodes.values()], [last, *heads])


@st.composite
def entangled_graphs(draw: Draw, most: int = 10) -> Graph:
    """Up to `most` steps with what makes it hard to say which pixels a unit sees.

    Gates, unpooling by any pool, parts of channels and of vectors in other places, branches that
    never line up, beside layers of all kinds.
    """
    growing = _Growing(draw(inputs()), [*KINDS, *FREQUENT])
    steps = (*STRUCTURE, *[_Growing.gated, _Growing.unpool_any, _Growing.recombined] * 2)
    last = _grow(growing, draw, (*steps, _Growing.strided), most)
    return graph(growing.maps[INPUT], [*growing.nodes.values()], [last])


@st.composite
def overwriting_graphs(draw: Draw, most: int = 14) -> Graph:
    """Up to `most` layers, many of which can run in place, or leave gaps, or mind them."""
    growing = _Growing(draw(inputs()), OVERWRITING)
    last = _grow(growing, draw, [*STRUCTURE, _Growing.join, _Growing.join], most)
    head = draw(st.lists(st.sampled_from([*growing.maps]), max_size=1))
    return graph(growing.maps[INPUT], [*growing.nodes.values()], [last, *head])


@st.composite
def sliding_graphs(draw: Draw, most: int = 12) -> Graph:
    """Up to `most` layers that slide windows, pad and crop: chains, branches, joins, residuals."""
    growing = _Growing(draw(inputs()), SLIDING)
    last = _grow(growing, draw, STRUCTURE, most)
    return graph(growing.maps[INPUT], [*growing.nodes.values()], [last])
