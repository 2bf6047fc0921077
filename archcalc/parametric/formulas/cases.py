"""Cases: what is computed, once for each way that conditions on symbols can turn out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import sympy

from archcalc.errors import LayerError, SpecError, UsageError
from archcalc.parametric.formulas.exact import exact
from archcalc.parametric.formulas.ranges import Range, certain, is_of_one, simplest
from archcalc.quantity.conditions import deciding
from archcalc.quantity.symbolic import replaced

MOST_CASES = 16

_T = TypeVar("_T")


class TooManyCasesError(UsageError):
    """There are more cases than `MOST_CASES`."""


class Condition(NamedTuple):
    """A relation between symbols, and whether it holds."""

    relation: Any
    holds: bool

    def as_relation(self) -> Any:
        """What holds."""
        return self.relation if self.holds else sympy.Not(self.relation)


Path = tuple[Condition, ...]


def cases(
    compute: Callable[[], _T],
    *,
    merge: bool = False,
    rewrite: Callable[[Any], Any] = lambda relation: relation,
) -> Iterator[tuple[Path, _T | None]]:
    """What `compute` gives, with the conditions that the spec asked about on the way.

    None in a case in which there is no network.

    Args:
        merge: whether what an expression is in one case and in the other becomes one formula.
        rewrite: gives a relation in a simpler form, where one is known.

    Raises:
        TooManyCasesError: there are more than `MOST_CASES`.
        LayerError, SpecError: there is no network in any case.
    """
    waiting: list[Path] = [()]
    count, refusal, found_any = 0, None, False
    while waiting:
        decider = _Decider(waiting.pop(), rewrite)
        found = None
        try:
            with deciding(decider, merge=merge):
                found = compute()
            found_any = True
        except (LayerError, SpecError) as error:
            refusal = refusal or error
        count += 1
        waiting += reversed(decider.turned_down)
        if count + len(waiting) > MOST_CASES:
            raise TooManyCasesError(
                f"the formula has more than {MOST_CASES} cases; set some of its symbols to numbers"
            )
        yield decider.path, found
    if refusal is not None and not found_any:
        raise refusal


class _Decider:
    """Follows a path of decisions, and decides that whatever comes after it holds.

    Attributes:
        path: all decisions.
        turned_down: the paths that were not taken.
    """

    def __init__(self, path: Path, rewrite: Callable[[Any], Any]) -> None:
        self.path = path
        self._rewrite = rewrite
        self.turned_down: list[Path] = []

    def __call__(self, relation: Any) -> bool:
        relation = replaced(self._rewrite(relation), known_values(self.path))
        if relation in (sympy.true, sympy.false):
            return bool(relation)
        relation = simplest(relation)
        if relation in (sympy.true, sympy.false):
            return bool(relation)
        for condition in self.path:
            if relation in (condition.relation, sympy.Not(condition.relation)):
                return condition.holds is bool(relation == condition.relation)
        if is_of_one(relation):
            within = _range(relation.lhs, self.path)
            if within.where(sympy.Not(relation)).is_empty:
                return True
            if within.where(relation).is_empty:
                return False
        elif len(relation.free_symbols) == 1:
            (symbol,) = relation.free_symbols
            answer = certain(relation, _range(symbol, self.path))
            if answer is not None:
                return answer
        self.turned_down.append((*self.path, Condition(relation, False)))
        self.path = (*self.path, Condition(relation, True))
        return True


def known_values(path: Iterable[Condition]) -> dict[Any, Any]:
    """The symbols that conditions give a value, such as widen where widen = 1 holds."""
    found = {}
    for symbol in _symbols_alone(path):
        within = _range(symbol, path)
        if within.low == within.high:
            found[symbol] = sympy.sympify(exact(within.low))
    return found


def condition_of(path: Iterable[Condition]) -> Any:
    """A path as one condition, in as few relations as say it."""
    path = list(path)
    alone = _symbols_alone(path)
    relations = [r for symbol in alone for r in _range(symbol, path).relations(symbol)]
    others = [c.as_relation() for c in path if not is_of_one(c.as_relation())]
    return sympy.And(*relations, *others)


def merged(found: Sequence[tuple[Path, _T | None]]) -> list[tuple[list[Path], _T]]:
    """Each value with the paths that lead to it.

    A decision on which nothing depends is left out; nor does anything depend on one that leaves no
    network.
    """
    left = list(found)
    while True:
        pair = next(_siblings(left), None)
        if pair is None:
            break
        one, other = pair
        (path, value), (_, instead) = left[one], left[other]
        left[one] = (path[:-1], instead if value is None else value)
        del left[other]
    by_value: dict[_T, list[Path]] = {}
    for path, value in left:
        if value is not None:
            by_value.setdefault(value, []).append(path)
    return [(paths, value) for value, paths in by_value.items()]


def in_general(
    found: Sequence[tuple[Path, tuple[Any, ...] | None]],
) -> list[tuple[Path, tuple[Any, ...] | None]]:
    """Cases in which a symbol has a value, as others give them, where these hold there too."""
    general = []
    for path, values in found:
        known = known_values(path)
        others = [v for other, v in found if v is not None and not known_values(other)]
        for other in others if known and values is not None else ():
            there = [replaced(value, known) for value in other]
            if all(sympy.expand(a - b) == 0 for a, b in zip(there, values or (), strict=True)):
                values = other
        general.append((path, values))
    return general


def any_of(conditions: Sequence[Any]) -> Any:
    """Whether one of several holds, in fewer relations where that is found at once."""
    found = sympy.Or(*conditions)
    return sympy.simplify_logic(found, deep=False) if isinstance(found, sympy.Or) else found


def _siblings(found: Sequence[tuple[Path, Any]]) -> Iterator[tuple[int, int]]:
    """Two cases that one decision parts, and that are the same all the same."""
    places = {path: place for place, (path, _) in enumerate(found)}
    for place, (path, value) in enumerate(found):
        if not path or not path[-1].holds:
            continue
        other = places.get((*path[:-1], Condition(path[-1].relation, False)))
        if other is not None and (None in (value, found[other][1]) or value == found[other][1]):
            yield place, other


def _symbols_alone(path: Iterable[Condition]) -> list[Any]:
    """The symbols that a decision compares with a number."""
    relations = [condition.as_relation() for condition in path]
    return list(dict.fromkeys(r.lhs for r in relations if is_of_one(r)))


def _range(symbol: Any, path: Iterable[Condition]) -> Range:
    found = Range.of(symbol)
    for condition in path:
        relation = condition.as_relation()
        if is_of_one(relation) and relation.lhs == symbol:
            found = found.where(relation)
    return found
