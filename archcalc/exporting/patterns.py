"""What bodies have in common that differ in figures alone.

A pattern is read off one body and matches others. Their figures may differ: the arguments of
parts, the numbers in the names of chained parts, how often a loop runs, and whether a part that
makes one value of another is there at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from archcalc.exporting.records import ABSENT, Body, Item, Loop, Part, Pattern, Progress
from archcalc.record import replace

_LONGEST_ROUND = 12  # parts in a round of a loop
_MOST_MISSING = 1  # parts of a pattern that a body may lack
_NUMBER = re.compile(r"(?<![0-9])(?:0|[1-9][0-9]*)(?![0-9])")


def pattern_of(body: Body) -> Pattern:
    """The pattern of a body; in a chain, repeated parts are folded to loops."""
    parts = [_part_of(item, body) for item in body.items]
    if not body.is_chain:
        return Pattern(body, tuple(parts))
    folded: list[Part | Loop] = []
    longest = 1 if body.is_positional else _LONGEST_ROUND
    at = 0
    while at < len(parts):
        loop, length = _loop_at(parts, at, longest)
        folded.append(parts[at] if loop is None else _counted_on(loop, folded))
        at += length
    return Pattern(body, tuple(folded))


def figures_of(pattern: Pattern, body: Body) -> list[object] | None:
    """The figures of `body`, one for each slot; None where `pattern` does not match."""
    mine = pattern.body
    if (body.is_chain, body.is_positional) != (mine.is_chain, mine.is_positional):
        return None
    if (body.inputs, body.ties) != (mine.inputs, mine.ties):
        return None
    parts = [_part_of(item, body) for item in body.items]
    same = {n: n for n in range(body.inputs)}  # a value of mine -> that of the body
    figures: list[object] = []
    at = missing = 0
    for part in pattern.parts:
        if isinstance(part, Loop):
            rounds = _rounds(part, parts, at)
            if not rounds:
                return None
            figures += [part.start + len(rounds), *rounds[0]]
            at += len(rounds) * len(part.parts)
        elif at < len(parts) and _alike(part, parts[at], None if body.is_chain else same):
            figures += [True, *parts[at].figures]
            same |= zip(part.item.outputs, parts[at].item.outputs, strict=True)
            at += 1
        elif part.may_be_missing() and missing < _MOST_MISSING and not body.is_positional:
            figures += [False, *[ABSENT] * len(part.figures)]
            if not body.is_chain:
                same[part.item.outputs[0]] = same[part.item.inputs[0]]
            missing += 1
        else:
            return None
    if at < len(parts) or not (body.is_chain or _returns_alike(mine, body, same)):
        return None
    return figures


def _part_of(item: Item, body: Body) -> Part:
    """`item` of `body` as a part."""
    name = ".".join(item.path)
    numbered = body.is_chain and not body.is_positional
    texts = tuple(_NUMBER.split(name)) if numbered else ()
    numbers = [int(number) for number in _NUMBER.findall(name)] if numbered else []
    arguments = [(a.name, a.role, a.default, a.in_call) for a in item.arguments]
    how = (
        item.callee,
        item.call,
        item.training_only,
        item.shares,
        len(item.outputs),
        item.parametrized,
    )
    return Part(
        item,
        texts,
        (*numbers, *[argument.value for argument in item.arguments]),
        (texts if body.is_chain else name, how, tuple(arguments)),
    )


def _rounds(loop: Loop, parts: Sequence[Part], at: int) -> list[list[object]]:
    """The figures of each round of `loop`, as far as `parts` have such from `at` on."""
    rounds: list[list[object]] = []
    shapes = [part.shape for part in loop.parts]
    for start in range(at, len(parts), len(shapes)):
        these = parts[start : start + len(shapes)]
        figures = [figure for part in these for figure in part.figures]
        if [part.shape for part in these] != shapes:
            break
        if rounds and figures != _after(loop, rounds[-1]):
            break
        rounds.append(figures)
    return rounds


def _after(loop: Loop, figures: list[object]) -> list[object]:
    return [
        figures[n if progress.carried is None else progress.carried]
        if not progress.step
        else figures[n] + progress.step  # type: ignore[operator]  # only ints have a step
        for n, progress in enumerate(loop.progress)
    ]


def _alike(part: Part, other: Part, same: dict[int, int] | None) -> bool:
    """Whether two parts differ in figures alone; and take the same values, unless in a chain."""
    if part.shape != other.shape:
        return False
    return same is None or tuple([same[n] for n in part.item.inputs]) == other.item.inputs


def _returns_alike(mine: Body, other: Body, same: dict[int, int]) -> bool:
    return tuple([(same[n], only) for n, only in mine.outputs]) == other.outputs


def _counted_on(loop: Loop, before: Sequence[Part | Loop]) -> Loop:
    """`loop`, counting on from the parts like its own that stand `before` it."""
    if loop.counts or len(loop.parts) > 1:
        return loop
    unlike = (
        number
        for number, part in enumerate(reversed(before))
        if isinstance(part, Loop) or part.shape != loop.parts[0].shape
    )
    return replace(loop, start=next(unlike, len(before)))


def _loop_at(parts: Sequence[Part], at: int, longest: int) -> tuple[Loop | None, int]:
    """The loop that covers most of `parts` from `at` on, and how many it covers."""
    best, most = None, 1
    for length in range(1, min(longest, (len(parts) - at) // 2) + 1):
        middle = at + length
        loop = _loop_of(parts[at:middle], parts[middle : middle + length])
        if loop is None:
            continue
        rounds = len(_rounds(loop, parts, at))
        if rounds >= 2 and rounds * length > most and (rounds > 2 or not _grows(loop)):
            best, most = loop, rounds * length
    return best, most


def _loop_of(first: Sequence[Part], second: Sequence[Part]) -> Loop | None:
    """The loop whose first two rounds these could be."""
    before = [figure for part in first for figure in part.figures]
    after = [figure for part in second for figure in part.figures]
    slots = [slot for part in first for slot in part.slots()]
    if [part.shape for part in first] != [part.shape for part in second]:
        return None
    progress = []
    for slot, old, new in zip(slots, before, after, strict=True):
        carried = [n for n, s in enumerate(slots) if s.role == "channels" and before[n] == new]
        if old == new:
            progress.append(Progress())
        elif slot.role == "in_channels" and carried:
            progress.append(Progress(carried=carried[-1]))
        elif type(old) is int and type(new) is int:
            progress.append(Progress(step=new - old))
        else:
            return None
    return Loop(tuple(first), tuple(progress))


def _grows(loop: Loop) -> bool:
    """Whether more than names grows from round to round: two rounds do not prove such a rule."""
    return any(
        progress.step and slot.role != "number"
        for progress, slot in zip(loop.progress, loop.slots(), strict=True)
    )
