"""Whose weights a layer has: those of a layer that it names, or of its like in another block."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.errors import Place, SpecError, did_you_mean
from archcalc.expanding.names import Names
from archcalc.expanding.scope import Scope
from archcalc.graph import Node
from archcalc.layers import Layer
from archcalc.layers.pooling import MaxPool
from archcalc.record import replace
from archcalc.spec.syntax import NameTemplate


class SharedBlock(NamedTuple):
    """Two instances of a block, of which one has the weights of the other.

    Attributes:
        own, other: their dotted names.
    """

    own: str
    other: str

    def counterpart(self, layer: str) -> str:
        """What a layer of the one is called in the other."""
        return self.other + layer.removeprefix(self.own)


class Sharing(Names):
    """Finds the owners of weights, while layers are written out."""

    _trainable: bool | None = None  # as what stands around says
    _shared_block: SharedBlock | None = None  # that stands around

    def _indices(self, template: NameTemplate | None, scope: Scope) -> str | None:
        """The earlier max pool whose indices are taken, if there is one."""
        if template is None:
            return None
        name = self._itself(template, scope)
        if name not in self.nodes or type(self.nodes[name].layer) is not MaxPool:
            raise SpecError(
                f"indices of a max_pool, but {name!r} is {self._what(name)}", template.place
            )
        return name

    def _owner(self, template: NameTemplate | None, scope: Scope, layer: Layer) -> str | None:
        """The earlier layer whose weights are shared, if there is one."""
        if template is None:
            return None
        name = self._itself(template, scope)
        owner = self.nodes[name].layer if name in self.nodes else None
        if owner is None or not type(layer).may_share_with(type(owner)):
            raise SpecError(
                f"weights of a {layer.kind}, but {name!r} is {self._what(name)}", template.place
            )
        return name

    def _what(self, name: str) -> str:
        if name not in self.nodes:
            return "an input of the network"
        kind = self.nodes[name].layer.kind
        return f"a{'n' if kind[0] in 'aeiou' else ''} {kind}"

    def _block_shared(self, template: NameTemplate | None, scope: Scope, block: str) -> str | None:
        """The earlier instance of a block whose weights another one has, if there is one."""
        if template is None:
            return None
        self._step(template.place)
        name = self._text(template, scope)
        full = self._instance(name, scope)
        if full is None:
            guess = did_you_mean(name, self.blocks)
            raise SpecError(f"no earlier block is called {name!r}{guess}", template.place)
        if self.blocks[full] != block:
            is_a = f"a {self.blocks[full]}"
            raise SpecError(f"weights of a {block}, but {full!r} is {is_a}", template.place)
        return full

    def _place_node(self, node: Node) -> None:
        """Puts a layer into its place, where its block may have the weights of another's."""
        self.nodes[node.name] = node
        owner = node.weights
        if owner is None and self._shared_block is not None:
            owner = self._like(node, self._shared_block)
        if owner is not None:
            trainable = self._as_owner(node.name, owner, node.place)
            alone = self.nodes[owner].layer.weight_form != node.layer.weight_form
            self.nodes[node.name] = replace(
                node, weights=owner, trainable=trainable, weight_alone=alone
            )

    def _like(self, node: Node, block: SharedBlock) -> str | None:
        """The layer whose weights a layer has since its block has those of another's."""
        if not self.sizes.state_of(node.name):
            return None
        owner = block.counterpart(node.name)
        if owner not in self.nodes:
            raise SpecError(
                f"{node.name!r} has the weights of its like in {block.other!r}, which has no "
                f"{owner.removeprefix(block.other + '.')!r}",
                node.place,
            )
        kind, other = node.layer.kind, self.nodes[owner].layer.kind
        if kind != other:
            raise SpecError(f"weights of a {kind}, but {owner!r} is a {other}", node.place)
        return owner

    def _as_owner(self, name: str, owner: str, place: Place) -> bool:
        """Whether a layer learns that has the weights of another."""
        trainable = self.nodes[owner].trainable
        if self._trainable is not None and self._trainable is not trainable:
            state = "learn" if trainable else "are frozen"
            raise SpecError(
                f"trainable: {str(self._trainable).lower()}, but {name!r} has the weights of "
                f"{owner!r}, which {state}; say it there",
                place,
            )
        return trainable
