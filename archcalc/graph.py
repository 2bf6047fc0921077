"""The network, fully written out: layers in their places, in order of execution.

A layer may name only earlier layers, so a cycle cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import ClassVar

from archcalc.errors import Place, UsageError
from archcalc.feature_map import FeatureMap
from archcalc.identity import Identity, identify
from archcalc.layers import Layer
from archcalc.layers.integers import Integers
from archcalc.quantity.arithmetic import Quantity
from archcalc.record import Record, replace
from archcalc.spec.syntax import INPUT as INPUT  # what a single input is called
from archcalc.spec.syntax import About, Network
from archcalc.spec.values import Value

WEIGHT = "weight"  # the tensor that layers may share alone
_MOST_NAMED = 4  # layers in a message
OTHERS = "others"  # stands for any other tensor


class Node(Record):
    """A layer in its place.

    Attributes:
        name: unique; dots separate the blocks that it stands in.
        layer: the layer itself.
        inputs: names of the layers whose outputs it takes, or of inputs of the network.
        weights: name of the layer whose weights it shares, or None.
        indices: name of the max pool that it undoes, or None.
        training_only: whether it exists in training only: in a head for training, or leading to
            such heads and to no other output.
        place: where the spec says so.
        trainable: whether its parameters learn; those that are another's are as that one's.
        weight_alone: whether of what that layer has it shares the tensor `weight` alone.
    """

    not_shown: ClassVar[tuple[str, ...]] = ("place",)

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    weights: str | None
    indices: str | None
    training_only: bool
    place: Place
    trainable: bool = True
    weight_alone: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The layers whose values it is computed from: its inputs, and the pool that it undoes."""
        return self.inputs if self.indices is None else (*self.inputs, self.indices)

    @property
    def taken(self) -> tuple[str, ...]:
        """The values that it takes, by name: outputs of layers, and the indices of its pool."""
        return self.inputs if self.indices is None else (*self.inputs, indices_of(self.indices))


def indices_of(pool: str) -> str:
    """What the indices are called that a max pool hands on to an unpooling."""
    return f"{pool} (indices)"


class Stretch(Record):
    """Layers in a row that run again in the backward pass, in place of keeping what is inside.

    Attributes:
        name: of the block or the layer that it is; else its first and its last, `conv2..relu5`.
        layers: their names, in order.
    """

    name: str
    layers: tuple[str, ...]


class LeftOut(Record):
    """A head for training that is left out, since one of its layers refuses its input.

    Attributes:
        head: its dotted name; that of the layer where this leads to heads and stands in none.
        layer: which layer.
        reason: who, where and why, as the message of an error.
    """

    head: str
    layer: str
    reason: str


class Graph(Record):
    """A network, fully written out.

    Attributes:
        network: what it was built from.
        inputs: the shape of each input, per image, by name; the main path starts at the first.
        parameters: the value of each parameter that it was built with.
        nodes: the layers, in order of execution.
        blocks: for each instance of a block, by its dotted name, the name of the block.
        outputs: names of the layers whose outputs leave the network, the main path's first.
        own_inputs: the inputs that the spec has with these parameters, where it has some.
        given: names of the inputs that were given in place of the network's own.
        output_names: by layer, what an output is called that has a name of its own.
        left_out: why heads for training are missing, which a walk has found not to fit.
        stretches: what is checkpointed, in order, one that stands in another behind that.
        asks_sizes: whether expressions have asked for sizes of layers, so that with an input of
            another size its layers may be others.
    """

    network: Network
    inputs: Mapping[str, FeatureMap]
    parameters: dict[str, Value]
    nodes: tuple[Node, ...]
    blocks: dict[str, str]
    outputs: tuple[str, ...]
    own_inputs: Mapping[str, FeatureMap]
    given: tuple[str, ...] = ()
    output_names: Mapping[str, str] = {}
    left_out: tuple[LeftOut, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    asks_sizes: bool = False

    def __repr__(self) -> str:
        return f"<Graph of {self.identity}: {inputs_text(self.inputs)}, {len(self.nodes)} layers>"

    @property
    def first_input(self) -> str:
        """The name of the input where the main path starts, and which receptive fields are of."""
        return next(iter(self.inputs))

    @property
    def input(self) -> FeatureMap:
        """The shape of the first input: of the only one, for most."""
        return self.inputs[self.first_input]

    def with_input(self, input: FeatureMap) -> Graph:
        """The network with another shape of its first input."""
        return self.with_inputs({self.first_input: input})

    def with_inputs(self, shapes: Mapping[str, FeatureMap]) -> Graph:
        """The network with other shapes of some of its inputs, by name; their dtypes stay."""
        inputs = {
            name: replace(shapes[name], dtype=x.dtype) if name in shapes else x
            for name, x in self.inputs.items()
        }
        return replace(self, inputs=inputs)

    @property
    def input_sizes(self) -> list[Quantity]:
        """The sizes of all inputs, one behind the other."""
        return [size for x in self.inputs.values() for size in x.shape]

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.network.name

    @property
    def takes_integers(self) -> bool:
        """Whether some input is of integers, such as tokens."""
        return any(x.dtype is not None for x in self.inputs.values())

    @property
    def identity(self) -> Identity:
        """The name with what was changed: of parameters, and of the input."""
        own = self.network.parameters
        return identify(self.name, own, self.parameters, self.own_inputs, self.inputs)

    @property
    def about(self) -> About:
        """What is known of the network; of one that was changed, nothing."""
        return About() if self.identity.is_changed else self.network.about

    def output_name(self, layer: str) -> str:
        """What the output of a layer is called, where it leaves the network."""
        return self.output_names.get(layer, layer)

    def blocks_around(self, layer: str) -> list[str]:
        """The dotted names of the blocks that a layer stands in, from the outermost in."""
        parts = layer.split(".")
        prefixes = [".".join(parts[:n]) for n in range(1, len(parts))]
        return [prefix for prefix in prefixes if prefix in self.blocks]

    def head_around(self, layer: str) -> str | None:
        """The outermost head that a layer stands in; None where it stands in none."""
        around = self.blocks_around(layer)
        return next((block for block in around if self.blocks[block] == "head"), None)

    def live(self) -> set[str]:
        """The names of the layers and of the inputs that some output depends on."""
        return _needed(self.nodes, self.outputs)

    def with_gradient(self) -> set[str]:
        """As `live`, of the layers that a gradient comes back to: none does through integers."""
        return _needed(self.nodes, self.outputs, by_gradients=True)

    def tensor_owners(self) -> Callable[[str, str], str]:
        """What finds, for a layer and the name of a tensor of its, the layer it counts with."""
        owners = of_others = self.weight_owners()
        if any(node.weight_alone for node in self.nodes):
            of_others = self.weight_owners(OTHERS)
        return lambda layer, tensor: (owners if tensor == WEIGHT else of_others)[layer]

    def weight_owners(self, tensor: str = WEIGHT) -> dict[str, str]:
        """For each layer the one with which a tensor that it has counts; itself for most.

        Of layers that share it it is the first that some output depends on, with those that exist
        in training only behind all others.
        """
        live, origins = self.live(), self.weight_origins(tensor)
        owners: dict[str, str] = {}
        for node in sorted(self.nodes, key=lambda n: (n.name not in live, n.training_only)):
            owners.setdefault(origins[node.name], node.name)
        return {name: owners[origin] for name, origin in origins.items()}

    def weight_origins(self, tensor: str = WEIGHT) -> dict[str, str]:
        """For each layer the first in order that has the same tensor of that name."""
        origins: dict[str, str] = {}
        for node in self.nodes:
            own = node.weights is None or (node.weight_alone and tensor != WEIGHT)
            origins[node.name] = node.name if own else origins[node.weights or ""]
        return origins

    def without_unused(self) -> Graph:
        """The network without the layers that no output depends on."""
        live = self.live()
        kept = [node for node in self.nodes if node.name in live]
        return self if len(kept) == len(self.nodes) else self._of(kept, self.outputs)

    def without_idle(self, names: Collection[str]) -> Graph:
        """The network without those of some layers that no other layer, and no output, needs."""
        if not names:
            return self
        others = [node.name for node in self.nodes if node.name not in names]
        needed = _needed(self.nodes, [*others, *self.outputs])
        return self._of([node for node in self.nodes if node.name in needed], self.outputs)

    def without_heads(self, missing: Collection[str], why: Iterable[LeftOut]) -> Graph:
        """The network without the layers `missing` and those that lead to them alone."""
        before = self.live()
        outputs = [name for name in self.outputs if name not in missing]
        kept = [node for node in self.nodes if node.name not in missing]
        after = _needed(kept, outputs)
        nodes = [node for node in kept if node.name in after or node.name not in before]
        return replace(self._of(nodes, outputs), left_out=(*self.left_out, *why))

    def _of(self, nodes: Sequence[Node], outputs: Iterable[str]) -> Graph:
        """The network of some of its nodes, without the blocks that are empty then.

        Where layers shared the weights of one that is gone, the first of them has them now.
        """
        kept = {node.name for node in nodes}
        owners, of_others = self._owners_among(nodes, WEIGHT), self._owners_among(nodes, OTHERS)
        owned = []
        for node in nodes:
            name = node.name
            owner = owners[name] if of_others[name] == name else of_others[name]
            alone = of_others[name] == name != owner
            owned.append(
                replace(node, weights=None if owner == name else owner, weight_alone=alone)
            )
        before = {block for node in self.nodes for block in self.blocks_around(node.name)}
        after = {block for node in nodes for block in self.blocks_around(node.name)}
        blocks = {b: kind for b, kind in self.blocks.items() if b in after or b not in before}
        of_kept = [
            Stretch(stretch.name, tuple([name for name in stretch.layers if name in kept]))
            for stretch in self.stretches
        ]
        return replace(
            self,
            nodes=tuple(owned),
            outputs=tuple(outputs),
            blocks=blocks,
            stretches=in_order(nodes, of_kept),
        )

    def _owners_among(self, nodes: Iterable[Node], tensor: str) -> dict[str, str]:
        """For each of some nodes the first of them that has the same tensor."""
        origins = self.weight_origins(tensor)
        first: dict[str, str] = {}
        return {node.name: first.setdefault(origins[node.name], node.name) for node in nodes}


def require_twin(graph: Graph) -> None:
    """Raises UsageError where torch has no module for a layer that some output depends on."""
    opaque = [node for node in graph.without_unused().nodes if not node.layer.has_twin]
    if opaque:
        named = [
            f"{node.name} ({vars(node.layer).get('operator', node.layer.kind)})" for node in opaque
        ]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        raise UsageError(
            f"{graph.name} cannot be built in torch: nothing here does the same as "
            f"{', '.join(named[:_MOST_NAMED])}{more}"
        )


def inputs_text(inputs: Mapping[str, FeatureMap]) -> str:
    """`input 3x224x224`; of several, `inputs image 3x224x224 and tokens 77 (int64)`."""
    *most, last = [f"{name} {x}{f' ({x.dtype})' if x.dtype else ''}" for name, x in inputs.items()]
    if most:
        return f"inputs {', '.join(most)} and {last}"
    return last if INPUT in inputs else f"input {last}"


def stretch_of(layers: tuple[str, ...]) -> Stretch:
    """The stretch of some layers in a row, called after them."""
    return Stretch(layers[0] if len(layers) == 1 else f"{layers[0]}..{layers[-1]}", layers)


def in_order(nodes: Iterable[Node], stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Stretches as a graph has them: those with layers, in order, and of equal ones the first."""
    place = {node.name: number for number, node in enumerate(nodes)}
    found: dict[tuple[str, ...], Stretch] = {}
    for stretch in stretches:
        if stretch.layers:
            found.setdefault(stretch.layers, stretch)
    return tuple(sorted(found.values(), key=lambda s: (place[s.layers[0]], -len(s.layers))))


def names_meant(name: str, names: Iterable[str]) -> list[str]:
    """Of dotted names the one that is `name`, or else all that end in it."""
    known = list(names)
    return [name] if name in known else [each for each in known if each.endswith("." + name)]


def with_ends(names: Iterable[str]) -> list[str]:
    """Dotted names, and then their last parts: what a guess at a name looks at."""
    known = list(names)
    return [*known, *(name.rpartition(".")[2] for name in known)]


def with_purpose(nodes: Sequence[Node], outputs: Sequence[str]) -> tuple[Node, ...]:
    """The nodes, of which those that lead to heads for training alone exist in training only."""
    heads = {node.name for node in nodes if node.training_only}
    at_inference = _needed(nodes, [name for name in outputs if name not in heads])
    in_training = _needed(nodes, outputs) - at_inference
    return tuple(
        replace(node, training_only=True)
        if node.name in in_training and not node.training_only
        else node
        for node in nodes
    )


def _needed(nodes: Sequence[Node], outputs: Iterable[str], by_gradients: bool = False) -> set[str]:
    """The names of the layers and inputs that some of `outputs` depends on.

    `by_gradients`: whether in such a way that a gradient comes back: not by the indices of a max
    pool, nor by other integers.
    """
    found = set(outputs)
    for node in reversed(nodes):
        if node.name not in found:
            continue
        if not by_gradients:
            found.update(node.sources)
        elif node.layer.integers is not Integers.MADE:
            found.update(node.inputs)
    return found
