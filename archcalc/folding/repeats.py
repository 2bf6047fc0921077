"""Calls of the same blocks in a row, whose names count on, as a repeat."""

from __future__ import annotations

from itertools import pairwise

from archcalc.folding.items import Call, Group, Item, Repeat, Steps, numbered

_LONGEST = 4  # calls of one time
_AROUND = 3  # lines of a repeat beside its body


def with_repeats(group: Group) -> None:
    """Puts repeats in the place of calls in a row; of a single call as well, once.

    How often is a number that may differ between groups that are otherwise alike.
    """
    items: list[Item] = []
    place = 0
    while place < len(group.items):
        found = _repeat_at(group, place)
        items.append(found or group.items[place])
        place += len(found.calls) if found else 1
    group.items = items


def unrolled(item: Item) -> list[Item]:
    """A repeat as its calls, where these take fewer lines."""
    if isinstance(item, Repeat) and len(item.calls) < len(item.first) + _AROUND:
        return [*item.calls]
    return [item]


def _repeat_at(group: Group, place: int) -> Repeat | None:
    """The repeat of the most calls that begins there, with the fewest in each time."""
    best: Repeat | None = None
    for each in range(1, _LONGEST + 1):
        first = _calls(group, place, each)
        named = None if first is None else numbered(first[0].name)
        if first is None or named is None:
            break
        for least, step_is_free in ((1 if each == 1 else 2, False), (3, True)):
            rounds = [first]
            while (more := _calls(group, place + len(rounds) * each, each)) and _goes_on(
                group, place, [*rounds, more], step_is_free
            ):
                rounds.append(more)
            calls = [call for each_round in rounds for call in each_round]
            taken = _sources(group, place, rounds)
            if taken and len(rounds) >= least and (best is None or len(calls) > len(best.calls)):
                best = Repeat(*named, len(rounds), calls, _first(rounds), taken)
    return best if best is not None and (best.times > 1 or group.path) else None


def _calls(group: Group, place: int, count: int) -> list[Call] | None:
    """So many calls from a place on whose names count on."""
    found: list[Call] = []
    for item in group.items[place : place + count]:
        if not isinstance(item, Call) or numbered(item.name) is None:
            return None
        if found and not _counts_on(found[-1].name, item.name):
            return None
        found.append(item)
    return found if len(found) == count else None


def _sources(group: Group, place: int, rounds: list[list[Call]]) -> list[str | None] | None:
    """What each call of a round takes, None for what comes before it; None where rounds differ."""
    found: list[str | None] = []
    each = len(rounds[0])
    for number, calls in enumerate(zip(*rounds, strict=True)):
        places = [place + number + each * n for n in range(len(rounds))]
        before = [group.items[n - 1].end if n else group.entering for n in places]
        entering = [call.group.entering for call in calls]
        if entering == before:
            found.append(None)
        elif len({*entering}) == 1:
            found.append(entering[0])
        else:
            return None
    return found


def _counts_on(before: str, after: str) -> bool:
    a, b = numbered(before), numbered(after)
    return a is not None and b is not None and a[0] == b[0] and b[1] == a[1] + 1


def _goes_on(group: Group, place: int, rounds: list[list[Call]], step_is_free: bool) -> bool:
    """Whether the last calls are as those before them, with arguments that are equal or grow."""
    if _sources(group, place, rounds) is None or not _counts_on(
        rounds[-2][-1].name, rounds[-1][0].name
    ):
        return False
    for calls in zip(*rounds, strict=True):
        if any(call.block is not calls[0].block for call in calls):
            return False
        for name, start in calls[0].arguments.items():
            values = [call.arguments[name] for call in calls]
            if all(type(v) is type(start) and v == start for v in values):
                continue
            numbers = [v for v in values if type(v) is int]
            if not step_is_free or len(numbers) < len(values):
                return False
            if any(b - a != numbers[1] - numbers[0] for a, b in pairwise(numbers)):
                return False
    return True


def _first(rounds: list[list[Call]]) -> list[Call]:
    """The calls of the first round, with what grows from round to round as steps."""
    if len(rounds) == 1:
        return rounds[0]
    found = []
    for first, second in zip(*rounds[:2], strict=True):
        arguments: dict[str, object] = {}
        for name, value in first.arguments.items():
            after = second.arguments[name]
            grows = type(value) is int and type(after) is int and value != after
            arguments[name] = Steps(value, after - value) if grows else value
        found.append(Call(first.block, first.group, first.name, arguments))
    return found
