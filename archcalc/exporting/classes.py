"""Classes of modules: bodies of one pattern, and the parameters that tell them apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archcalc.exporting.names import unique, variable_name
from archcalc.exporting.records import ABSENT, INDEX, Figure, ModuleClass, Parameter, Pattern, Slot
from archcalc.record import Record
from archcalc.torch_spelling.spelling import REQUIRED


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

    def complete(self, column: Sequence[object]) -> None:
        """Gives it the values of `column` in the modules that had no use for it."""
        self.values = [
            new if old is ABSENT else old for old, new in zip(self.values, column, strict=True)
        ]


class _Made(Record):
    """A literal, or draft * times // over."""

    draft: _Draft | None
    value: object = None
    times: int = 1
    over: int = 1


def _made_of(drafts: Sequence[_Draft], slot: Slot, column: Sequence[Any]) -> _Made | None:
    """How the figures of a slot can be made of those of a parameter."""
    for draft in drafts:
        pairs = _known_pairs(draft, column)
        if draft.slot.family == slot.family and pairs and all(a == b for a, b in pairs):
            draft.complete(column)
            return _Made(draft)
    for draft in drafts:
        pairs = _known_pairs(draft, column)
        if not pairs or not all(type(n) is int and n >= 0 for pair in pairs for n in pair):
            continue
        old, new = pairs[0]
        times, over = max(new // max(old, 1), 1), max(old // max(new, 1), 1)
        widths = slot.family == draft.slot.family == "width"
        if widths and all(b * over == a * times for a, b in pairs):
            wanted: list[Any] = [n if n is ABSENT else Fraction(n * over, times) for n in column]
            alone = [n for old, n in zip(draft.values, wanted, strict=True) if old is ABSENT]
            if any(n is not ABSENT and n.denominator != 1 for n in alone):
                continue  # a module that has this figure alone, and no width makes it
            draft.complete([n if n is ABSENT else int(n) for n in wanted])
            return _Made(draft, times=times, over=over)
        around = (draft.slot.family, slot.family) == ("kernel", "padding")
        if around and all(b == a // 2 for a, b in pairs):
            draft.complete([n if n is ABSENT else 2 * n + 1 for n in column])
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
