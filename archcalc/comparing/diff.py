"""What changes from one network to another: layer by layer, field by field, and in the totals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from itertools import zip_longest
from typing import Any, NamedTuple

from archcalc.analysis import Analysis
from archcalc.comparing.alignment import Pair, align, unequal_fields
from archcalc.comparing.key_figures import KeyFigures, key_figures
from archcalc.figures.of_layer import OF_LAYER, LayerAnalysis
from archcalc.graph import INPUT, Graph, Node

FIGURES = ("output", "params", "macs", "other_ops")  # of a layer, that are compared


class Status(Enum):
    """What became of a layer."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"  # a field of it, or what it takes its input from; perhaps the name, too
    RENAMED = "renamed"
    AFFECTED = "affected"  # itself the same, but its figures follow from changes before it
    SAME = "same"


class Change(NamedTuple):
    """A field, or another property of a layer or network, before and after."""

    what: str
    before: Any
    after: Any


class LayerChange(NamedTuple):
    """A layer before and after.

    Attributes:
        before, after: the layer; None where it is new, or gone.
        changes: what is different of what a spec says; without its name.
    """

    before: LayerAnalysis | None
    after: LayerAnalysis | None
    changes: tuple[Change, ...]

    @property
    def layer(self) -> LayerAnalysis:
        """The layer after; before, where it is gone."""
        layer = self.after or self.before
        assert layer is not None, "a layer stands on one side at least"
        return layer

    @property
    def status(self) -> Status:
        """What became of it."""
        if self.before is None:
            return Status.ADDED
        if self.after is None:
            return Status.REMOVED
        if self.changes:
            return Status.CHANGED
        if self.before.name != self.after.name:
            return Status.RENAMED
        return Status.AFFECTED if changed_figures(self.before, self.after) else Status.SAME


class Difference(NamedTuple):
    """Two networks, one compared with the other.

    Attributes:
        before, after: the networks.
        labels: what to call them.
        settings: the inputs and those parameters, known to both, that have another value.
        outputs: the layers whose outputs leave the networks; None where these are the same.
        layers: all layers, in order; those removed come before those added in their place.
        totals: the figures of each network.
    """

    before: Analysis
    after: Analysis
    labels: tuple[str, str]
    settings: tuple[Change, ...]
    outputs: Change | None
    layers: tuple[LayerChange, ...]
    totals: tuple[KeyFigures, KeyFigures]

    @property
    def is_empty(self) -> bool:
        """Whether the networks are the same, layer by layer, in all that archcalc shows of them.

        Titles, and parameters that change no layer, do not count.
        """
        first, second = self.totals
        same = all(layer.status is Status.SAME for layer in self.layers)
        return (
            same
            and self.before.graph.inputs == self.after.graph.inputs
            and self.outputs is None
            and first == second
        )

    @property
    def is_of_names(self) -> bool:
        """Whether they differ in the names of layers, and in nothing else."""
        found = {layer.status for layer in self.layers}
        same = self.totals[0] == self.totals[1] and self.outputs is None and not self.settings
        return same and Status.RENAMED in found <= {Status.SAME, Status.RENAMED}

    def of_status(self, status: Status) -> list[LayerChange]:
        """The layers that this became of."""
        return [layer for layer in self.layers if layer.status is status]


def difference(
    before: Analysis, after: Analysis, labels: tuple[str, str] = ("before", "after")
) -> Difference:
    """What changes from one network to another.

    Args:
        labels: what to call the networks, in place of their names, where these and what was
            changed are the same.
    """
    names = (str(before.identity), str(after.identity))
    if before.identity == after.identity:
        names = (before.identity.called(labels[0]), after.identity.called(labels[1]))
    pairs = align(before.graph, after.graph)
    rewiring = _Rewiring(pairs, before.graph, after.graph)
    old = {layer.name: layer for layer in before.layers}
    new = {layer.name: layer for layer in after.layers}
    layers = [
        LayerChange(
            before=None if pair.before is None else old[pair.before.name],
            after=None if pair.after is None else new[pair.after.name],
            changes=(*_changes(pair, rewiring), *_checkpointing(pair, before.graph, after.graph)),
        )
        for pair in pairs
    ]
    return Difference(
        before=before,
        after=after,
        labels=names,
        settings=tuple(_settings(before, after)),
        outputs=_outputs(before.graph, after.graph, rewiring),
        layers=tuple(layers),
        totals=(key_figures(before), key_figures(after)),
    )


def _settings(before: Analysis, after: Analysis) -> Iterable[Change]:
    inputs = before.graph.inputs, after.graph.inputs
    for names in _inputs_in_pairs(*inputs):
        first = names[0] or names[1]
        what = "input" if first == INPUT else f"input {first}"
        if None not in names and names[0] != names[1]:
            yield Change(f"{what}, name", *names)
        found = [each.get(name or "") for name, each in zip(names, inputs, strict=True)]
        shapes = [None if each is None else each.shape for each in found]
        if shapes[0] != shapes[1]:
            yield Change(what, *shapes)
        types = [each.dtype for each in found if each is not None]
        if types[0] != types[-1]:
            yield Change(f"{what}, dtype", *types)
    old, new = before.graph.parameters, after.graph.parameters
    for name in old:
        if name in new and old[name] != new[name]:
            yield Change(name, old[name], new[name])


def _inputs_in_pairs(
    before: Collection[str], after: Collection[str]
) -> list[tuple[str | None, str | None]]:
    """The inputs of the same names, then the others in their order; None where there is no more."""
    alone = [name for name in before if name not in after]
    others = [name for name in after if name not in before]
    same = [(name, name) for name in before if name in after]
    return [*same, *zip_longest(alone, others)]


def _outputs(before: Graph, after: Graph, rewiring: _Rewiring) -> Change | None:
    same_number = len(before.outputs) == len(after.outputs)
    names = [[graph.output_names.get(n) for n in graph.outputs] for graph in (before, after)]
    same_names = names[0] == names[1]
    if same_number and same_names and not rewiring.is_rewired(before.outputs, after.outputs):
        return None
    return Change("outputs", *[_outputs_of(graph) for graph in (before, after)])


def _outputs_of(graph: Graph) -> tuple[str, ...]:
    """`name: layer` where an output has a name of its own."""
    own = graph.output_names
    return tuple([f"{own[name]}: {name}" if name in own else name for name in graph.outputs])


def _changes(pair: Pair, rewiring: _Rewiring) -> Iterable[Change]:
    old, new = pair
    if old is None or new is None:
        return
    if old.layer.kind != new.layer.kind:
        yield Change("kind", old.layer.kind, new.layer.kind)
    for name in unequal_fields(old.layer, new.layer):
        if name in old.layer.types and name in new.layer.types:
            yield Change(name, getattr(old.layer, name), getattr(new.layer, name))
    if rewiring.is_rewired(old.inputs, new.inputs):
        yield Change("inputs", old.inputs, new.inputs)
    for what in ("weights", "indices"):
        a, b = getattr(old, what), getattr(new, what)
        if rewiring.name_after(a) != b:
            yield Change(what, a, b)
    for what in ("training_only", "trainable"):
        a, b = getattr(old, what), getattr(new, what)
        if a is not b:
            yield Change(what, a, b)


def _checkpointing(pair: Pair, before: Graph, after: Graph) -> Iterable[Change]:
    """Whether a layer is checkpointed on one side alone."""
    old, new = pair
    if old is not None and new is not None:
        was, is_now = (
            any(node.name in stretch.layers for stretch in graph.stretches)
            for node, graph in ((old, before), (new, after))
        )
        if was is not is_now:
            yield Change("checkpoint", was, is_now)


class _Rewiring:
    """Tells whether a layer, or the network's output, takes what it takes from elsewhere.

    Layers that were added or removed are seen through: what follows one of them takes its input
    from what that takes its own from. So a layer put between two others rewires none of them.
    """

    def __init__(self, pairs: Sequence[Pair], before: Graph, after: Graph) -> None:
        inputs = _inputs_in_pairs(before.inputs, after.inputs)
        self._after = {old: new for old, new in inputs if old is not None and new is not None}
        for old, new in pairs:
            if old is not None and new is not None:
                self._after[old.name] = new.name
        self._kept = {name: name for name in self._after.values()}
        self._old = _seen_through(before.inputs, [pair.before for pair in pairs], self._after)
        self._new = _seen_through(after.inputs, [pair.after for pair in pairs], self._kept)

    def name_after(self, name: str | None) -> str | None:
        """What a layer is called after; None where it is gone."""
        return None if name is None else self._after.get(name)

    def is_rewired(self, old: Sequence[str], new: Sequence[str]) -> bool:
        """Whether what took the outputs of the layers `old` takes those of others, `new`.

        Where sources were only lost or won since a layer was added or removed, it does not.
        """
        before = [source for name in old for source in self._old[name]]
        after = [source for name in new for source in self._new[name]]
        if all(n in self._after for n in old) and all(n in self._kept for n in new):
            return before != after
        return not (set(before) <= set(after) or set(after) <= set(before))


def _seen_through(
    inputs: Iterable[str], nodes: Iterable[Node | None], names: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """For each layer the kept ones that it stands for, under their names after the change."""
    found: dict[str, tuple[str, ...]] = {name: (names.get(name, name),) for name in inputs}
    for node in nodes:
        if node is None:
            continue
        if node.name in names:
            found[node.name] = (names[node.name],)
        else:
            sources = [source for name in node.inputs for source in found[name]]
            found[node.name] = tuple(dict.fromkeys(sources))
    return found


def changed_figures(before: LayerAnalysis, after: LayerAnalysis) -> list[Change]:
    """What is different in the figures of a layer, of those that are shown."""
    pairs = [(key, OF_LAYER[key].of(before), OF_LAYER[key].of(after)) for key in FIGURES]
    return [Change(key, old, new) for key, old, new in pairs if old != new]
