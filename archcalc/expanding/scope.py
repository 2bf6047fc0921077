"""What names mean inside one instance of a block."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from archcalc.spec.syntax import Block, BlockFile, Body
from archcalc.spec.values import Value

IN = "in"  # what the input of a block is called inside it


class Home(NamedTuple):
    """The network that a body belongs to: the one that is written out, or one that stands in it.

    Attributes:
        name: of the network.
        prefix: what stands before the names of its layers; empty for the one written out.
        inputs: what its inputs are called.
        body: its layers.
        blocks: those that bodies may call, by name.
        values: its parameters, computed values and functions, which every block sees.
        block_files: what some blocks are imported from, by key.
        file: the key of that which the body stands in; None for the network's own.
    """

    name: str
    prefix: str
    inputs: Collection[str]
    body: Body
    blocks: Mapping[str, Block]
    values: dict[str, Value]
    block_files: Mapping[str, BlockFile]
    file: str | None = None

    def local(self, full: str) -> str:
        """What a layer is called in the network itself."""
        return full.removeprefix(self.prefix)


class Scope:
    """What names mean inside one instance of a block, or of a head.

    Attributes:
        home: the network that the layers belong to.
        prefix: the dotted name of the instance, with a dot behind; empty at the top.
        environment: the parameters that are visible.
        present: the name of the layer whose output flows on; None where no layers stand.
        counts: how many layers of each kind were numbered so far.
        names: the layer that each local name stands for; `IN` for what flows in.
        outer: the scope of the caller, where names are looked up next.
    """

    def __init__(
        self,
        home: Home,
        prefix: str,
        environment: dict[str, Value],
        outer: Scope | None,
        entering: str | None = None,
    ) -> None:
        self.home = home
        self.prefix = prefix
        self.environment = environment
        self.present = entering
        self.counts: dict[str, int] = {}
        self.names: dict[str, str] = {} if entering is None else {IN: entering}
        self.outer = outer

    def chain(self) -> Iterator[Scope]:
        """It, and those around it, from the innermost out."""
        around: Scope | None = self
        while around is not None:
            yield around
            around = around.outer
