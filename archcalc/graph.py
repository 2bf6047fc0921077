"""The network, fully written out: layers in their places, in order of execution.

A layer may name only earlier layers, so a cycle cannot be written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archcalc.errors import Place
from archcalc.feature_map import FeatureMap
from archcalc.identity import Identity, identify
from archcalc.layers import Layer
from archcalc.spec.syntax import About, Network
from archcalc.spec.values import Value

INPUT = "input"  # the name of the network's input, as a source of layers


@dataclass(frozen=True, slots=True)
class Node:
    """A layer in its place.

    Attributes:
        name: unique; dots separate the blocks that it stands in.
        layer: the layer itself.
        inputs: names of the layers whose outputs it takes, or `INPUT`.
        weights: name of the layer whose weights it shares, or None.
        indices: name of the max pool that it undoes, or None.
        training_only: whether it belongs to a side output that exists in training only.
        place: where the spec says so.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    weights: str | None
    indices: str | None
    training_only: bool
    place: Place = field(repr=False)


@dataclass(frozen=True, slots=True)
class Graph:
    """A network, fully written out.

    Attributes:
        network: what it was built from.
        input: channels and sizes of an input image.
        parameters: the value of each parameter that it was built with.
        nodes: the layers, in order of execution.
        blocks: for each instance of a block, by its dotted name, the name of the block.
        outputs: names of the layers whose outputs leave the network, the main path's first.
        own_input: the input that the spec has with these parameters; None where it has none.
        input_given: whether `input` was given in place of the network's own.
    """

    network: Network
    input: FeatureMap
    parameters: dict[str, Value]
    nodes: tuple[Node, ...]
    blocks: dict[str, str]
    outputs: tuple[str, ...]
    own_input: FeatureMap | None
    input_given: bool = False

    def __repr__(self) -> str:
        return f"<Graph of {self.identity}: input {self.input}, {len(self.nodes)} layers>"

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.network.name

    @property
    def identity(self) -> Identity:
        """The name with what was changed: of parameters, and of the input."""
        own = self.network.parameters
        return identify(self.name, own, self.parameters, self.own_input, self.input)

    @property
    def about(self) -> About:
        """What is known of the network; of one that was changed, nothing."""
        return About() if self.identity.is_changed else self.network.about

    def blocks_around(self, layer: str) -> list[str]:
        """The dotted names of the blocks that a layer stands in, from the outermost in."""
        parts = layer.split(".")
        prefixes = [".".join(parts[:n]) for n in range(1, len(parts))]
        return [prefix for prefix in prefixes if prefix in self.blocks]

    def live(self) -> set[str]:
        """The names of the layers that some output depends on, and `INPUT` where one does."""
        found = set(self.outputs)
        for node in reversed(self.nodes):
            if node.name in found:
                found.update(node.inputs)
                if node.indices is not None:
                    found.add(node.indices)
        return found
