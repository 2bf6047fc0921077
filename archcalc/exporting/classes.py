"""Classes of modules: bodies of one pattern, and the parameters that tell them apart."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archcalc.exporting.bodies import Body
from archcalc.exporting.names import unique, variable_name
from archcalc.exporting.patterns import ABSENT, Loop, Pattern, Slot
from archcalc.record import Record
from archcalc.torch_spelling.spelling import REQUIRED, Argument

INDEX = "i"  # what counts the rounds of a loop
_BY_PLACE = ("width", "kernel")  # families of parameters that are given without their names


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
            return repr(self.value)
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


def class_of(pattern: Pattern, rows: Sequence[Sequence[object]]) -> ModuleClass:
    """The class of the modules that `pattern` matches with the figures `rows`, one row for each.

    A figure that is the same in all modules is a literal; others are parameters, or made of one.
    """
    drafts: list[_Draft] = []
    made: list[_Made] = []
    for slot, column in zip(pattern.slots(), zip(*rows, strict=True), strict=True):
        known = [value for value in column if value is not ABSENT]
        if all(value == known[0] for value in known):
            made.append(_Made(None, known[0]))
            continue
        found = _made_of(drafts, slot, column)
        if found is None:
            drafts.append(_Draft(slot, list(column)))
            found = _Made(drafts[-1])
        made.append(found)
    taken = {part for item in pattern.body.items for part in item.path}
    names = dict(zip(drafts, _names([draft.slot for draft in drafts], taken), strict=True))
    parameters = [draft.parameter(names[draft]) for draft in drafts]
    parameters.sort(key=Parameter.rank)
    figures = [
        Figure(m.value) if m.draft is None else Figure(None, names[m.draft], m.times, m.over)
        for m in made
    ]
    return ModuleClass(pattern, parameters, figures)


@dataclass(eq=False, slots=True)
class _Draft:
    """A parameter without a name: where it comes first, and its value in each module."""

    slot: Slot
    values: list[object]

    def parameter(self, name: str) -> Parameter:
        """It with a name; with a default for modules that have no use for it."""
        default = self.slot.default if self.slot.default in self.values else REQUIRED
        if default is REQUIRED and ABSENT in self.values:
            known = [value for value in self.values if value is not ABSENT]
            default = 0 if type(known[0]) is int else known[0]
        values = [default if value is ABSENT else value for value in self.values]
        return Parameter(name, self.slot.family, default, tuple(values))


class _Made(Record):
    """A literal, or draft * times // over."""

    draft: _Draft | None
    value: object = None
    times: int = 1
    over: int = 1


def _made_of(drafts: Sequence[_Draft], slot: Slot, column: Sequence[object]) -> _Made | None:
    """How the figures of a slot can be made of those of a parameter."""
    for draft in drafts:
        pairs = _known_pairs(draft, column)
        if draft.slot.family == slot.family and pairs and all(a == b for a, b in pairs):
            draft.values = [
                new if old is ABSENT else old for old, new in zip(draft.values, column, strict=True)
            ]
            return _Made(draft)
    for draft in drafts:
        pairs = _known_pairs(draft, column)
        if not pairs or not all(type(n) is int and n >= 0 for pair in pairs for n in pair):
            continue
        old, new = pairs[0]
        times, over = max(new // max(old, 1), 1), max(old // max(new, 1), 1)
        widths = slot.family == draft.slot.family == "width"
        if widths and all(b * over == a * times for a, b in pairs):
            return _Made(draft, times=times, over=over)
        around = (draft.slot.family, slot.family) == ("kernel", "padding")
        if around and all(b == a // 2 for a, b in pairs):
            return _Made(draft, over=2)
    return None


def _known_pairs(draft: _Draft, column: Sequence[object]) -> list[tuple[Any, Any]]:
    """The figures of a parameter and of a slot, of modules that have both; none if too few."""
    pairs = [
        (a, b)
        for a, b in zip(draft.values, column, strict=True)
        if a is not ABSENT and b is not ABSENT
    ]
    return pairs if len({b for _, b in pairs}) > 1 else []


def _names(slots: Sequence[Slot], taken: Collection[str]) -> list[str]:
    """A name for the parameter of each slot: its role, and the part it belongs to if need be."""
    names: list[str] = []
    roles = [slot.role for slot in slots]
    for number, slot in enumerate(slots):
        first_input = slot.role == "in_channels" and slot.role not in roles[:number]
        alone = roles.count(slot.role) == 1 or first_input
        text = slot.role if alone else f"{slot.role}_{slot.member}"
        name = variable_name(text) or variable_name(f"with_{text}") or "figure"
        parts = () if slot.family == "presence" else taken
        names.append(unique(name, [*names, *parts, INDEX]))
    return names


def _type_name(value: object) -> str:
    if isinstance(value, tuple):
        return "tuple[int, ...]"
    return type(value).__name__
