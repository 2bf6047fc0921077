"""How the parts of a module are made: the code of its `__init__`, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from archcalc.exporting.records import INDEX, Figure, Loop, ModuleClass, Part, Progress, literal
from archcalc.record import Record
from archcalc.torch_spelling.spelling import Argument

# What the parameters of a class are called where its code is written.
Names = Mapping[str, str]


class Section(Record):
    """A part of a module, or a loop over parts.

    Attributes:
        members: the part, or those of a round.
        loop: None for a single part.
        figure: how often the loop runs; of a single part, whether it is there.
    """

    members: tuple[Member, ...]
    loop: Loop | None
    figure: Figure

    def rounds(self, names: Names) -> str:
        """`for i in range(depth)`."""
        counts = any(member.counts(names) for member in self.members)
        index = INDEX if counts else "_"
        start = self.loop.start if self.loop else 0
        if isinstance(self.figure.value, int):
            return f"for {index} in range({self.figure.value - start})"
        first = f"{start}, " if start else ""
        return f"for {index} in range({first}{self.figure.text(names)})"


class Member(Record):
    """A part of a pattern with the figures of a class.

    Attributes:
        figures: the numbers in its name, then those of its arguments.
        progress: how each changes from a round of its loop to the next.
        round, round_progress: the same of all parts of the round.
    """

    part: Part
    figures: Sequence[Figure]
    progress: Sequence[Progress]
    round: Sequence[Figure]
    round_progress: Sequence[Progress]

    @property
    def arguments(self) -> list[tuple[Argument, Figure]]:
        """The arguments of the part with their figures."""
        given = self.figures[self._numbers :]
        return list(zip(self.part.item.arguments, given, strict=True))

    @property
    def _numbers(self) -> int:
        """How many of the figures stand in the name."""
        return len(self.figures) - len(self.part.item.arguments)

    def counts(self, names: Names) -> bool:
        """Whether some figure of it depends on the number of the round."""
        texts = [self._text(n, names) for n in range(len(self.figures))]
        return any(re.search(rf"\b{INDEX}\b", text) for text in texts)

    def name(self, names: Names) -> str:
        """The name of the part as a string literal."""
        texts = self.part.texts or (".".join(self.part.item.path),)
        inserts = []
        for number in range(self._numbers):
            varies = self.figures[number].parameter or self.progress[number].step
            text = self._text(number, names)
            inserts.append(f"{{{text}}}" if varies else text)
        joined = texts[0] + "".join(i + t for i, t in zip(inserts, texts[1:], strict=True))
        return f'f"{joined}"' if "{" in joined else f'"{joined}"'

    def construction(self, names: Names) -> str:
        """The expression that makes the part."""
        given = {}
        for number, (argument, figure) in enumerate(self.arguments, start=self._numbers):
            stays = self.progress[number] == Progress()
            if not argument.in_call and not (stays and figure.is_literally(argument.default)):
                given[argument] = self._text(number, names)
        callee = self.part.item.callee
        if isinstance(callee, ModuleClass) and callee.is_inline:
            defaults = {a.name: literal(a.default) for a, _ in self.arguments}
            inside = defaults | {a.name: text for a, text in given.items()}
            return f"nn.Sequential({', '.join(elements(callee, inside))})"
        texts = [text if a.positional else f"{a.name}={text}" for a, text in given.items()]
        name = callee.name if isinstance(callee, ModuleClass) else callee
        made = f"{name}({', '.join(texts)})"
        around = self.part.item.parametrized
        return f"{around}({made})" if around else made

    def _text(self, number: int, names: Names) -> str:
        """A figure as code, in round number `INDEX`."""
        figure, progress = self.figures[number], self.progress[number]
        base = figure.text(names)
        if progress.carried is not None:
            given = self.round[progress.carried]
            later = _before(given, self.round_progress[progress.carried].step, names)
            return base if later == base else f"{base} if {INDEX} == 0 else {later}"
        return _stepped(figure, progress.step, names)


def _stepped(figure: Figure, step: int, names: Names) -> str:
    """As code, what a figure has become in round number `INDEX`, by `step` in each."""
    base = figure.text(names)
    if not step:
        return base
    steps = INDEX if abs(step) == 1 else f"{abs(step)} * {INDEX}"
    if base == "0" and step > 0:
        return steps
    if step == 1 and figure.parameter is None:
        return f"{steps} + {base}"
    return f"{base} {'+' if step > 0 else '-'} {steps}"


def _before(figure: Figure, step: int, names: Names) -> str:
    """The same of the round before that one."""
    if figure.parameter is None and isinstance(figure.value, int):
        return _stepped(Figure(figure.value - step), step, names)
    back = f" {'-' if step > 0 else '+'} {abs(step)}" if step else ""
    return _stepped(figure, step, names) + back


def sections(module: ModuleClass) -> list[Section]:
    """The parts of a class of modules, with its figures."""
    figures = iter(module.figures)
    found = []
    for part in module.pattern.parts:
        figure = next(figures)
        if isinstance(part, Part):
            own = list(islice(figures, len(part.figures)))
            stays = [Progress()] * len(own)
            member = Member(part, own, stays, own, stays)
            found.append(Section((member,), None, figure))
            continue
        these = list(islice(figures, len(part.progress)))
        members, start = [], 0
        for one in part.parts:
            cut = slice(start, start + len(one.figures))
            members.append(Member(one, these[cut], part.progress[cut], these, part.progress))
            start += len(one.figures)
        found.append(Section(tuple(members), part, figure))
    return found


def elements(module: ModuleClass, names: Names) -> list[str]:
    """What stands in the parentheses of `nn.Sequential(…)`, for a module whose parts have the
    names that it gives them."""
    found = []
    for section in sections(module):
        made = section.members[0].construction(names)
        if section.loop is not None:
            made = f"*[{made} {section.rounds(names)}]"
        elif section.figure.parameter is not None:
            made = f"{made} if {section.figure.text(names)} else nn.Identity()"
        found.append(made)
    return found
