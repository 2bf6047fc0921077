"""Which tensors are alive while a network runs, and in which order it needs the least memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from archcalc.analysis import Analysis, LayerAnalysis
from archcalc.errors import UsageError
from archcalc.graph import INPUT
from archcalc.layers import Extra
from archcalc.layers.pooling import INDEX_BYTES
from archcalc.quantity import Quantity, largest_of
from archcalc.views import layout

# Kinds that torch can do in place: what they return may lie where their input lay.
IN_PLACE = frozenset(
    {"relu", "relu6", "leaky_relu", "elu", "silu", "hard_swish", "hard_sigmoid", "add"}
)
MOST_ORDERS = 2000  # states that the search for a better order keeps at once


@dataclass(frozen=True, slots=True)
class Step:
    """What is alive while one layer runs.

    Attributes:
        layer: the name of the layer.
        alive: (name, bytes) of each tensor: the layer that made it, `input`, the indices of a
            max pool that is undone later, or the workspace of the layer that runs.
    """

    layer: str
    alive: tuple[tuple[str, Quantity], ...]

    @property
    def bytes(self) -> Quantity:
        """All of it together."""
        return _sum(size for _, size in self.alive)


@dataclass(frozen=True, slots=True)
class Storages:
    """Where the outputs of layers lie.

    Attributes:
        layers: the layers that run at inference, in order.
        of: for each layer, and `input`, the storage that its output lies in, called after the
            layer that made it.
        bytes: the size of each storage.
        users: for each storage, the layers that must have run before it can be freed.
        kept: storages that leave the network, and are never freed.
        before: for each layer, the layers that have to run before it.
    """

    layers: tuple[LayerAnalysis, ...]
    of: dict[str, str]
    bytes: dict[str, Quantity]
    users: dict[str, frozenset[str]]
    kept: frozenset[str]
    before: dict[str, frozenset[str]]


def storages(analysis: Analysis, *, in_place: bool = False, concat_views: bool = False) -> Storages:
    """The storages of a network at inference.

    Args:
        in_place: activations and sums overwrite their (first) input where nothing else needs it.
        concat_views: what is concatenated is written into the concatenation at once.
    """
    layers = analysis.inference_layers
    shared, copies = layout(analysis, at_inference=True)
    of = {INPUT: INPUT}
    size: dict[str, Quantity] = {INPUT: image_bytes(analysis)}
    for layer in layers:
        view = layer.name in shared
        of[layer.name] = of[layer.inputs[0]] if view else layer.name
        if not view:
            size[layer.name] = layer.activation_bytes
    kept = {of[name] for name in analysis.graph.outputs if name in of}
    before = {layer.name: set(layer.inputs) - {INPUT} for layer in layers}
    if in_place:
        _overwrite(layers, of, before, kept)
    if concat_views:
        _embed(layers, of, kept)
    for layer in layers:
        undone = layer.node.indices
        if undone is not None:
            before[layer.name].add(undone)
            of[_indices(undone)] = _indices(undone)
            pool = next(x for x in layers if x.name == undone)
            size[_indices(undone)] = pool.activation_values * INDEX_BYTES
    for layer in layers:
        made = [e for e in layer.effect.workspace if not _is_kept(e, layer, of)]
        if layer.name in copies:
            made.append(copies[layer.name])
        if made:
            of[_workspace(layer.name)] = _workspace(layer.name)
            size[_workspace(layer.name)] = _sum(extra_bytes(extra, analysis) for extra in made)
    return Storages(
        layers=layers,
        of=of,
        bytes={name: size[name] for name in set(of.values())},
        users=_users(layers, of),
        kept=frozenset(of[name] for name in kept),
        before={name: frozenset(names) for name, names in before.items()},
    )


def timeline(storages: Storages, order: Sequence[str] | None = None) -> list[Step]:
    """What is alive while each layer runs, in the spec's order or another."""
    return list(step_by_step(storages, order))


def step_by_step(storages: Storages, order: Sequence[str] | None = None) -> Iterator[Step]:
    """As `timeline`, one step at a time: all together grow with the square of the layers."""
    layers = {layer.name: layer for layer in storages.layers}
    alive: dict[str, Quantity] = {INPUT: storages.bytes[INPUT]}
    waiting = {name: set(users) for name, users in storages.users.items()}
    for name in order or layers:
        for made in _made_by(name, storages):
            alive.setdefault(made, storages.bytes[made])
        yield Step(name, tuple(alive.items()))
        for storage in list(alive):
            waiting[storage].discard(name)
            if not waiting[storage] and storage not in storages.kept:
                del alive[storage]


def peak_of(steps: Sequence[Step]) -> Step:
    """The first step at which most is alive.

    Raises:
        UsageError: the sizes are no plain numbers, and so have no largest.
    """
    if any(type(step.bytes) is not int for step in steps):
        raise UsageError("free sizes have no peak; give plain numbers with --input")
    return max(steps, key=lambda step: step.bytes)


def most_alive(steps: Iterable[Step]) -> Quantity:
    """The most that is alive at once; of free sizes, as an expression. 0 of no steps."""
    return largest_of(step.bytes for step in steps)


def better_order(storages: Storages) -> list[str]:
    """The order of execution with the lowest peak.

    Goes through all orders that the inputs allow, side by side, one layer at a time; of those that
    have run the same layers only the best goes on. Exact unless more than `MOST_ORDERS` sets of
    layers stand open at once; then the best of them go on.

    Raises:
        UsageError: the sizes are no plain numbers.
    """
    if not all(type(size) is int for size in storages.bytes.values()):
        raise UsageError("free sizes have no order; give plain numbers with --input")
    search = _Search(storages)
    states = {0: _State(0, storages.bytes[INPUT], (), search.ready_at_first)}
    for _ in storages.layers:
        following: dict[int, _State] = {}
        for done, state in states.items():
            for number in state.ready:
                then, reached = search.run(number, done, state)
                best = following.get(then)
                if best is None or reached.rank() < best.rank():
                    following[then] = reached
        if len(following) > MOST_ORDERS:
            kept = sorted(following.items(), key=lambda item: item[1].rank())[:MOST_ORDERS]
            following = dict(kept)
        states = following
    (best,) = states.values()
    return [storages.layers[number].name for number in best.order()]


@dataclass(slots=True)
class _State:
    """Where one order stands: `past` is the last layer's number, behind the past before it."""

    peak: int
    alive: int
    past: tuple  # type: ignore[type-arg]  # (number, past), without end
    ready: tuple[int, ...]

    def rank(self) -> tuple[int, int]:
        return self.peak, self.alive

    def order(self) -> list[int]:
        numbers, past = [], self.past
        while past:
            number, past = past
            numbers.append(number)
        return numbers[::-1]


class _Search:
    """The network with layers and storages as numbers, and sets of layers as bits."""

    def __init__(self, storages: Storages) -> None:
        number = {layer.name: n for n, layer in enumerate(storages.layers)}
        self._before = [_bits(storages.before[x.name], number) for x in storages.layers]
        self._after: list[list[int]] = [[] for _ in number]
        for layer in storages.layers:
            for name in storages.before[layer.name]:
                self._after[number[name]].append(number[layer.name])
        self._bytes = storages.bytes
        self._users = {name: _bits(users, number) for name, users in storages.users.items()}
        self._kept = storages.kept
        self._makes = [_made_by(layer.name, storages) for layer in storages.layers]
        self._makers: dict[str, int] = {}
        for n, made in enumerate(self._makes):
            for storage in made:
                self._makers[storage] = self._makers.get(storage, 0) | 1 << n
        self._uses = [
            [name for name, users in self._users.items() if users >> n & 1]
            for n in range(len(number))
        ]
        self.ready_at_first = tuple(n for n, before in enumerate(self._before) if not before)

    def run(self, number: int, done: int, state: _State) -> tuple[int, _State]:
        """The set of layers that have run, and where the order stands, after one more layer."""
        then = done | 1 << number
        alive = state.alive
        for storage in self._makes[number]:
            if not self._makers[storage] & done:
                alive += self._bytes[storage]
        peak = max(state.peak, alive)
        for storage in self._uses[number]:
            if storage not in self._kept and not self._users[storage] & ~then:
                alive -= self._bytes[storage]
        ready = [n for n in state.ready if n != number]
        ready += [n for n in self._after[number] if not self._before[n] & ~then]
        return then, _State(peak, alive, (number, state.past), tuple(dict.fromkeys(ready)))


def _bits(names: Iterable[str], number: dict[str, int]) -> int:
    return sum(1 << number[name] for name in names)


def _overwrite(
    layers: tuple[LayerAnalysis, ...],
    of: dict[str, str],
    before: dict[str, set[str]],
    kept: set[str],
) -> None:
    """Lets layers that can write where their first input lies, if nothing needs it after them."""
    readers: dict[str, list[str]] = {}
    for layer in layers:
        for name in dict.fromkeys(layer.inputs):
            readers.setdefault(of[name], []).append(layer.name)
    for layer in layers:
        storage = of[layer.inputs[0]]
        if layer.kind not in IN_PLACE or storage == INPUT or storage in kept:
            continue
        if readers[storage][-1] != layer.name or layer.inputs.count(layer.inputs[0]) > 1:
            continue
        before[layer.name].update(name for name in readers[storage] if name != layer.name)
        old = layer.name
        for name, lies_in in of.items():
            if lies_in == old:
                of[name] = storage
        readers[storage] = readers[storage] + readers.pop(old, [])
        if old in kept:
            kept.add(storage)


def _embed(layers: tuple[LayerAnalysis, ...], of: dict[str, str], kept: set[str]) -> None:
    """Lets what is concatenated lie in the concatenation, each storage in one at the most."""
    embedded: set[str] = {INPUT}
    for layer in reversed(layers):
        if layer.kind != "concat":
            continue
        whole = of[layer.name]
        for name in layer.inputs:
            part = of[name]
            if part in embedded or part == whole or part in kept:
                continue
            embedded.add(part)
            for other, lies_in in of.items():
                if lies_in == part:
                    of[other] = whole


def _users(layers: tuple[LayerAnalysis, ...], of: dict[str, str]) -> dict[str, frozenset[str]]:
    users: dict[str, set[str]] = {storage: set() for storage in of.values()}
    for layer in layers:
        users[of[layer.name]].add(layer.name)
        for name in layer.inputs:
            users[of[name]].add(layer.name)
        if layer.node.indices is not None:
            users[_indices(layer.node.indices)] |= {layer.name, layer.node.indices}
        if _workspace(layer.name) in users:
            users[_workspace(layer.name)].add(layer.name)
    return {storage: frozenset(names) for storage, names in users.items()}


def _made_by(name: str, storages: Storages) -> list[str]:
    """The storages that a layer writes to: they are there from the first such layer on."""
    beside = (_indices(name), _workspace(name))
    return [storages.of[name], *[made for made in beside if made in storages.bytes]]


def _indices(name: str) -> str:
    return f"{name} (indices)"


def _workspace(name: str) -> str:
    return f"{name} (workspace)"


def _is_kept(extra: Extra, layer: LayerAnalysis, of: dict[str, str]) -> bool:
    """Whether what the layer makes beside its output is a storage of its own already."""
    return extra.what == "indices" and _indices(layer.name) in of


def extra_bytes(extra: Extra, analysis: Analysis) -> Quantity:
    """Bytes of a tensor that a layer makes beside its output, for the batch."""
    images = analysis.batch if extra.per_image else 1
    return extra.values * images * (extra.bytes_each or analysis.bytes_each)


def _sum(values: Iterable[Quantity]) -> Quantity:
    result: Quantity = 0
    for value in values:
        result = result + value
    return result


def image_bytes(analysis: Analysis) -> Quantity:
    """Bytes of the network's input, for the batch."""
    return analysis.input.values * analysis.batch * analysis.bytes_each
