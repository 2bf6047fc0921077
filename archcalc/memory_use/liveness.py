"""Which tensors are alive while a network runs, and where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import indices_of
from archcalc.layers.effect import Effect
from archcalc.layers.items import operators_with_items
from archcalc.layers.pooling import INDEX_BYTES, MaxPool
from archcalc.layers.weight_norm import WEIGHT
from archcalc.memory_use.autocast import HALF
from archcalc.memory_use.concatenation import embedded
from archcalc.memory_use.layout import layout
from archcalc.memory_use.within import extra_bytes, most_within
from archcalc.quantity.arithmetic import Quantity, largest, largest_of
from archcalc.record import Record


class Step(Record):
    """What is alive while one layer runs.

    Attributes:
        layer: the name of the layer.
        alive: (name, bytes) of each tensor: the layer that made it, an input of the network, the
            indices of a max pool that is unpooled later, or the workspace of the layer that runs.
    """

    layer: str
    alive: tuple[tuple[str, Quantity], ...]

    @property
    def bytes(self) -> Quantity:
        """All of it together."""
        return sum(size for _, size in self.alive)


class Storages(Record):
    """Where the outputs of layers lie.

    Attributes:
        layers: the layers that run at inference, in order.
        inputs: the inputs of the network, which are there from the start.
        of: for each layer, and each input, the storage that its output lies in, called after the
            layer that made it.
        bytes: the size of each storage.
        users: for each storage, the layers that must have run before it can be freed.
        kept: storages that leave the network, and are never freed.
        before: for each layer, the layers that have to run before it.
    """

    layers: tuple[LayerAnalysis, ...]
    inputs: tuple[str, ...]
    of: dict[str, str]
    bytes: dict[str, Quantity]
    users: dict[str, frozenset[str]]
    kept: frozenset[str]
    before: dict[str, frozenset[str]]

    @property
    def at_first(self) -> Quantity:
        """The bytes that are there before any layer runs."""
        return sum([self.bytes[name] for name in self.inputs])


def storages(
    analysis: Analysis,
    *,
    in_place: bool = False,
    concat_views: bool = False,
    on_gpu: bool = False,
) -> Storages:
    """The storages of a network at inference.

    Args:
        in_place: as `archcalc.memory_use.layout.layout` takes it.
        concat_views: what is concatenated is written into the concatenation at once.
        on_gpu: as torch does it there: on the CPU a max pool along one axis makes no indices.
    """
    layers, graph = analysis.inference_layers, analysis.graph
    where = layout(analysis, at_inference=True, in_place=in_place)
    of, copies, overwriting = where.of, where.copies, where.overwriting
    if concat_views:
        within = embedded(layers, of, overwriting, where.repeated, analysis)
        apart = {part: analysis.maps[whole].values for part, whole in within.items()}
        copies = layout(analysis, at_inference=True, in_place=in_place, within=apart).copies
        of = {name: within.get(storage, storage) for name, storage in of.items()}
    kept = {of[name] for name in graph.outputs if name in of}
    before = {layer.name: set(layer.inputs) - graph.inputs.keys() for layer in layers}
    readers: dict[str, set[str]] = {}
    for layer in layers:
        if layer.name in overwriting:
            before[layer.name] |= readers.get(of[layer.name], set())
        for name in layer.inputs:
            readers.setdefault(of[name], set()).add(layer.name)
    size = {**analysis.map_bytes}
    handed_on = unpooled(analysis)
    for layer in layers:
        pool = layer.node.indices
        if pool is not None:
            before[layer.name].add(pool)
        if layer.name in handed_on:
            of[indices_of(layer.name)] = indices_of(layer.name)
            size[indices_of(layer.name)] = index_bytes(analysis, layer.name)
        beside = _workspace_bytes(layer, analysis, layer.name in handed_on, on_gpu)
        if layer.name in copies:
            beside = beside + extra_bytes(copies[layer.name], layer)
        if type(beside) is not int or beside:
            of[_workspace(layer.name)] = _workspace(layer.name)
            size[_workspace(layer.name)] = beside
    return Storages(
        layers=layers,
        inputs=tuple(graph.inputs),
        of=of,
        bytes={name: size[name] for name in set(of.values())},
        users=_users(layers, of, graph.inputs),
        kept=frozenset(kept),
        before={name: frozenset(names) for name, names in before.items()},
    )


def timeline(storages: Storages, order: Sequence[str] | None = None) -> list[Step]:
    """What is alive while each layer runs, in the spec's order or another."""
    return list(step_by_step(storages, order))


def step_by_step(storages: Storages, order: Sequence[str] | None = None) -> Iterator[Step]:
    """As `timeline`, one step at a time: all together grow with the square of the layers."""
    layers = {layer.name: layer for layer in storages.layers}
    alive: dict[str, Quantity] = {name: storages.bytes[name] for name in storages.inputs}
    waiting = {name: set(users) for name, users in storages.users.items()}
    for name in order or layers:
        for made in made_by(name, storages):
            alive.setdefault(made, storages.bytes[made])
        yield Step(name, tuple(alive.items()))
        for storage in list(alive):
            waiting[storage].discard(name)
            if not waiting[storage] and storage not in storages.kept:
                del alive[storage]


def peak_of(steps: Sequence[Step]) -> Step:
    """The first step at which most is alive.

    Raises:
        UsageError: the sizes are not plain numbers, and so have no largest.
    """
    if any(type(step.bytes) is not int for step in steps):
        raise UsageError("free sizes have no peak; give plain numbers as input")
    return max(steps, key=lambda step: step.bytes)


def most_alive(steps: Iterable[Step]) -> Quantity:
    """The most that is alive at once; of free sizes, as an expression. 0 of no steps."""
    return largest_of(step.bytes for step in steps)


def _users(
    layers: tuple[LayerAnalysis, ...], of: dict[str, str], inputs: Iterable[str]
) -> dict[str, frozenset[str]]:
    users: dict[str, set[str]] = {storage: set() for storage in of.values()}
    for layer in layers:
        users[of[layer.name]].add(layer.name)
        for name in layer.inputs:
            users[of[name]].add(layer.name)
        if layer.node.indices is not None:
            users[indices_of(layer.node.indices)].add(layer.name)
        for beside in (indices_of(layer.name), _workspace(layer.name)):
            if beside in users:
                users[beside].add(layer.name)
    for name in inputs:  # one that nobody takes is there until the first layer has run
        users[name] = users[name] or {layer.name for layer in layers[:1]}
    return {storage: frozenset(names) for storage, names in users.items()}


def made_by(name: str, storages: Storages) -> list[str]:
    """The storages that a layer writes to: they are there from the first such layer on."""
    beside = (indices_of(name), _workspace(name))
    return [storages.of[name], *[made for made in beside if made in storages.bytes]]


def _workspace(name: str) -> str:
    return f"{name} (workspace)"


def unpooled(analysis: Analysis) -> set[str]:
    """The max pools that hand their indices on to an unpooling, in training at the least."""
    return {x.node.indices for x in analysis.used_layers if x.node.indices is not None}


def pads_a_copy(pool: LayerAnalysis) -> bool:
    """Whether a max pool works on a padded copy, so that its indices have to be corrected."""
    return any(extra.what == "intermediate" for extra in pool.effect.workspace)


def index_bytes(analysis: Analysis, pool: str) -> Quantity:
    """Bytes of the indices of a max pool."""
    return analysis.maps[pool].values * analysis.layer(pool).batch * INDEX_BYTES


def effect_in_use(layer: LayerAnalysis) -> Effect:
    """The effect of a layer in the type of its numbers, on a CPU."""
    half = layer.bytes_each == HALF
    return layer.node.layer.in_half(layer.effect) if half else layer.effect


def _workspace_bytes(
    layer: LayerAnalysis, analysis: Analysis, hands_on: bool, on_gpu: bool
) -> Quantity:
    """What a layer makes beside its output, and beside the indices that it hands on."""
    extras = effect_in_use(layer).workspace
    if on_gpu:
        extras = layer.node.layer.workspace_on_gpu(layer.effect, analysis.bytes_each == HALF)
    if any(extra.what == WEIGHT for extra in extras):  # it may be gone before the output is made
        inputs = [analysis.maps[name] for name in layer.inputs]
        operators = operators_with_items(layer.node.layer, layer.effect, *inputs)
        return most_within(operators, layer) - analysis.map_bytes[layer.name]
    if isinstance(layer.node.layer, MaxPool):
        copy = [extra for extra in extras if extra.what == "intermediate"]
        if hands_on and copy:
            # The padded copy is gone when the indices into it are corrected, with one more of their
            # size. So there are these two at the most, or the copy beside those handed on.
            padded = sum(extra_bytes(extra, layer) for extra in copy)
            return largest(padded, 2 * index_bytes(analysis, layer.name))
        if hands_on or (len(layer.output.sizes) == 1 and not on_gpu):
            extras = tuple(copy)
    return sum(extra_bytes(extra, layer) for extra in extras)
