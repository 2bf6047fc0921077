"""What a body of a spec is made of while it is folded: layers, groups, calls of blocks, repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from archcalc.feature_map import FeatureMap
from archcalc.graph import Node

IN = "in"  # what flows into a body, inside of it
_NUMBERED = re.compile(r"(.*?)(\d+)")


@dataclass(frozen=True)
class Ref:
    """The output of a layer or an input of the network, by its full name."""

    name: str


@dataclass(frozen=True)
class Steps:
    """A number that grows by `by` with each time of a repeat, from `start` on."""

    start: int
    by: int


class Row(NamedTuple):
    """Inputs of a layer in a row, whose names count on.

    Attributes:
        place: the number of the first of them among the inputs.
        length: how many they are.
        head: what stands in its name before the number.
        first: its number.
    """

    place: int
    length: int
    head: str
    first: int


@dataclass
class Leaf:
    """A layer.

    Attributes:
        name: what it is called in the body that it stands in.
        map: its first input; None of a source.
        rows: inputs that a single name may stand for.
    """

    node: Node
    name: str
    map: FeatureMap | None
    rows: list[Row] = field(default_factory=list)

    @property
    def end(self) -> str:
        return self.node.name


@dataclass
class Group:
    """Layers in a row whose names begin alike: a module, it seems.

    Attributes:
        name: as of a leaf.
        path: its full name.
        kind: what its class is called; "" where that is unknown.
        entering: what flows in: the first that a layer inside takes from outside.
        map: its shape.
        around: the group that it stands in; None of a whole network.
        is_dissolved: whether its items stand in the group around it.
        is_head: whether it is a head, which is no block.
        training_only: whether all of it exists in training only.
    """

    name: str
    path: str
    kind: str
    entering: str | None = None
    map: FeatureMap | None = None
    items: list[Item] = field(default_factory=list)
    around: Group | None = None
    is_dissolved: bool = False
    is_head: bool = False
    training_only: bool = False

    @property
    def end(self) -> str:
        return self.items[-1].end

    def bodies_around(self) -> Iterator[Group]:
        """Those whose bodies it stands in, from the innermost out."""
        group = self.around
        while group is not None:
            if not group.is_dissolved:
                yield group
            group = group.around

    def has(self, layer: str) -> bool:
        """Whether a layer is inside."""
        return not self.path or layer.startswith(f"{self.path}.")


@dataclass
class Block:
    """A block of the spec that is written.

    Attributes:
        groups: what it stands for.
        parameters: the value of each in each of the groups.
        widths: for each whether it grows with the channels of a network.
        defaults: what some are where nothing is said.
        name: what it is called in the end.
    """

    groups: list[Group]
    parameters: dict[str, list[object]]
    widths: dict[str, bool]
    defaults: dict[str, object]
    name: str = ""


@dataclass
class Call:
    """A group as the call of a block, with values of its parameters."""

    block: Block
    group: Group
    name: str
    arguments: dict[str, object]

    @property
    def end(self) -> str:
        return self.group.end


@dataclass
class Repeat:
    """Calls in a row, `times` over, whose names count on from `start`.

    Attributes:
        calls: all of them; each time takes as many as there are in `first`.
        first: those of the first time; their arguments may be `Steps`.
        sources: what each of these takes every time; None where that is what comes before it.
    """

    prefix: str
    start: int
    times: int
    calls: list[Call]
    first: list[Call]
    sources: list[str | None]

    @property
    def end(self) -> str:
        return self.calls[-1].end

    @property
    def name(self) -> str:
        """What the last of the calls is called."""
        return self.calls[-1].name


@dataclass
class Rounds:
    """Layers in a row that come `times` over, each time under names that go on.

    Attributes:
        end: the layer that is the last of all.
        leaves: those of a round, with names and sources as a repeat says them.
        chained: of each, whether it takes what comes before it every time.
    """

    times: int
    end: str
    leaves: list[Leaf]
    chained: list[bool]

    @property
    def name(self) -> str:
        """What the last of the layers is called."""
        return self.end


Item: TypeAlias = "Leaf | Group | Call | Repeat | Rounds"


def numbered(name: str) -> tuple[str, int] | None:
    """`layer3.10` as ("layer3.", 10); None where a name does not end in a number."""
    match = _NUMBERED.fullmatch(name)
    if match is None or (match[2].startswith("0") and match[2] != "0"):
        return None
    return match[1], int(match[2])
