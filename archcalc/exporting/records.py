"""What the code of a network is made of: steps of modules, what they have in common, classes."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from archcalc.record import Record
from archcalc.torch_spelling import Argument, Weight
from archcalc.torch_spelling.spelling import REQUIRED

Path = tuple[str, ...]

PLAIN_CALL = "{module}({0})"
ABSENT = object()  # the figure of a part that is not there
INDEX = "i"  # what counts the rounds of a loop
_BY_PLACE = ("width", "kernel")  # families of parameters that are given without their names

# ----- a module -----


class Item(Record):
    """A step of a module: one of its parts and the call of it, or an expression.

    Attributes:
        path: where the part stands in the module.
        callee: the class of the part; None of an expression.
        arguments: what the part is made with, and the figures that the call mentions.
        call, operator, inline, weight, parametrized: as in a `Spelling`.
        inputs, outputs: the numbers of the values that it takes and gives.
        training_only: whether it runs in training only, where the module around runs always.
        shares: the path of the part that this one is as well; None of most.
    """

    path: Path
    callee: str | ModuleClass | None
    arguments: tuple[Argument, ...]
    call: str
    operator: str
    inline: str | None
    weight: Weight
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    training_only: bool = False
    shares: Path | None = None
    parametrized: str = ""


class Tie(Record):
    """Two parts deeper in a module that share their weights.

    Attributes:
        user, owner: their paths.
        tensors: the names of what they share; () where they are one and the same module.
    """

    user: Path
    owner: Path
    tensors: tuple[str, ...]


class Body(Record):
    """A module before it is code. Values are numbered, its inputs first.

    Attributes:
        inputs: number of inputs.
        outputs: the values that it returns, and for each whether it is there in training only.
        is_chain: whether each item takes just what the one before it gives.
        names: what values are called for whoever calls the module: inputs and outputs of a network
            that gives them names.
    """

    inputs: int
    items: tuple[Item, ...]
    outputs: tuple[tuple[int, bool], ...]
    ties: tuple[Tie, ...]
    is_chain: bool
    names: Mapping[int, str] = {}

    @property
    def is_positional(self) -> bool:
        """Whether it is a chain whose parts are called 0, 1, 2 … as `nn.Sequential` does."""
        names = [item.path for item in self.items]
        shared = self.ties or any(item.shares for item in self.items)
        return self.is_chain and not shared and names == [(str(n),) for n in range(len(names))]


# ----- a pattern: what bodies have in common that differ in figures alone -----


class Slot(Record):
    """The place of a figure in a pattern.

    Attributes:
        role, family, default: as of an `Argument`.
        member: the part that it belongs to.
    """

    role: str
    family: str
    default: object
    member: str


class Part(Record):
    """An item of a body, with what is figures in it told apart from the rest.

    Attributes:
        texts: its name, cut at its numbers, in a chain whose names matter; else ().
        figures: the numbers in its name, then the values of its arguments.
        shape: all the rest, but for which values it takes and gives; how many it gives.
    """

    item: Item
    texts: tuple[str, ...]
    figures: tuple[object, ...]
    shape: Hashable

    def slots(self) -> list[Slot]:
        """The places of the figures."""
        member = "_".join(self.item.path)
        numbers = [Slot("number", "number", REQUIRED, member)] * (len(self.texts) - 1)
        return numbers + [Slot(a.role, a.family, a.default, member) for a in self.item.arguments]

    def may_be_missing(self) -> bool:
        """Whether it makes one value of another, so that the rest could do without it."""
        item = self.item
        module = item.callee is not None and item.shares is None
        return module and item.call == PLAIN_CALL and len(item.outputs) == 1


class Progress(Record):
    """How a figure changes from a round of a loop to the next.

    Attributes:
        step: what is added to it.
        carried: the figure of the round before that it is taken from; None: its own.
    """

    step: int = 0
    carried: int | None = None


class Loop(Record):
    """Parts that come again and again, with figures that stay, grow evenly, or are carried on.

    Attributes:
        progress: how each figure changes.
        start: how many parts like its own stand before it, with other figures; 0 where the
            rounds count.
    """

    parts: tuple[Part, ...]
    progress: tuple[Progress, ...]
    start: int = 0

    @property
    def counts(self) -> bool:
        """Whether its figures depend on the number of the round."""
        return any(progress != Progress() for progress in self.progress)

    def slots(self) -> list[Slot]:
        """The places of the figures of the first round."""
        return [slot for part in self.parts for slot in part.slots()]


class Pattern(Record):
    """What bodies have in common that differ in figures alone.

    Attributes:
        body: the one that it was read off.
    """

    body: Body
    parts: tuple[Part | Loop, ...]

    def key(self) -> Hashable:
        """Equal for patterns that match the same bodies."""
        parts = [
            (tuple([p.shape for p in part.parts]), part.progress, part.start)
            if isinstance(part, Loop)
            else (part.shape, None if self.body.is_chain else (part.item.inputs, part.item.outputs))
            for part in self.parts
        ]
        body = self.body
        return (body.is_chain, body.is_positional, body.inputs, body.outputs, body.ties, *parts)

    def slots(self) -> list[Slot]:
        """The places of the figures: for a loop how often it runs, for a part whether it is there,
        and then those of the parts."""
        slots = []
        for part in self.parts:
            if isinstance(part, Loop):
                slots.append(Slot("depth", "depth", REQUIRED, ""))
            else:
                member = "_".join(part.item.path)
                slots.append(Slot(member, "presence", False, member))
            slots += part.slots()
        return slots


# ----- a class: a pattern, and the parameters that tell its modules apart -----


def literal(value: object) -> str:
    """A value as Python has it, text in double quotes as formatters write it."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


class Figure(Record):
    """A number, a flag … in the code of a class: a literal, or made of a parameter.

    Attributes:
        value: the literal, where there is no parameter.
        parameter: the name of a parameter; it stands for parameter * times // over.
    """

    value: object = None
    parameter: str | None = None
    times: int = 1
    over: int = 1

    def text(self, names: Mapping[str, str]) -> str:
        """It as code, with `names` for what its parameter is called there."""
        if self.parameter is None:
            return literal(self.value)
        name = names.get(self.parameter, self.parameter)
        if self.times == self.over == 1:
            return name
        atom = name if re.fullmatch(r"[\w.]+", name) else f"({name})"
        return f"{self.times} * {atom}" if self.times > 1 else f"{atom} // {self.over}"

    def is_literally(self, value: object) -> bool:
        """Whether it is the literal `value`."""
        return self.parameter is None and self.value == value


class Parameter(Record):
    """A parameter of a class.

    Attributes:
        family: as of an `Argument`.
        default: `REQUIRED` for none.
        values: what each module of the class gives for it.
    """

    name: str
    family: str
    default: object
    values: tuple[object, ...]

    def rank(self) -> int:
        """Where it stands among others: as torch has it, widths, then the kernel, then the rest,
        and last what has a default."""
        rest = _BY_PLACE.index(self.family) if self.family in _BY_PLACE else len(_BY_PLACE)
        return rest if self.default is REQUIRED else len(_BY_PLACE) + 1

    def argument(self, module: int) -> Argument:
        """What module number `module` gives for it."""
        by_place = self.default is REQUIRED and self.family in _BY_PLACE
        return Argument(self.name, self.values[module], self.name, self.default, by_place)

    def declaration(self) -> str:
        """`stride: int = 1`."""
        types = dict.fromkeys(_type_name(value) for value in self.values)
        text = f"{self.name}: {' | '.join(types)}"
        return text if self.default is REQUIRED else f"{text} = {self.default!r}"


def _type_name(value: object) -> str:
    if isinstance(value, tuple):
        return "tuple[int, ...]"
    return type(value).__name__


@dataclass(eq=False, slots=True)
class ModuleClass:
    """A class of modules.

    Attributes:
        figures: one for each slot of the pattern.
        uses: in how many places of the code it is made.
        kind: the block of the spec that it is, or what its modules are called there.
        name: its own name; given when all classes are known.
    """

    pattern: Pattern
    parameters: list[Parameter]
    figures: list[Figure]
    uses: int = 0
    kind: str = ""
    name: str = ""

    @property
    def body(self) -> Body:
        """The body that stands for all."""
        return self.pattern.body

    @property
    def is_inline(self) -> bool:
        """Whether it is written as `nn.Sequential(…)` in its only place, and no class."""
        counts = any(isinstance(part, Loop) and part.counts for part in self.pattern.parts)
        return self.body.is_positional and self.uses == 1 and not counts

    def arguments(self, module: int) -> tuple[Argument, ...]:
        """What module number `module` of the class is made with."""
        return tuple([parameter.argument(module) for parameter in self.parameters])
