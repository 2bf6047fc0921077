"""Cases: what is computed, once for each way that conditions on symbols can turn out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import sympy

from archcalc.errors import UsageError
from archcalc.quantity import deciding

MOST_CASES = 16

_T = TypeVar("_T")


class Condition(NamedTuple):
    """A relation between symbols, and whether it holds."""

    relation: Any
    holds: bool

    def as_relation(self) -> Any:
        """What holds."""
        return self.relation if self.holds else sympy.Not(self.relation)


def cases(compute: Callable[[], _T]) -> Iterator[tuple[list[Condition], _T]]:
    """What `compute` gives, with the conditions that the spec asked about on the way.

    Raises:
        UsageError: there are more than `MOST_CASES`.
    """
    waiting: list[list[Condition]] = [[]]
    count = 0
    while waiting:
        decider = _Decider(waiting.pop())
        with deciding(decider):
            found = compute()
        count += 1
        waiting += reversed(decider.turned_down)
        if count + len(waiting) > MOST_CASES:
            raise UsageError(
                f"the formula has more than {MOST_CASES} cases; --set some of its symbols"
            )
        yield decider.path, found


class _Decider:
    """Follows a path of decisions, and decides that whatever comes after it holds.

    Attributes:
        path: all decisions.
        turned_down: the paths that were not taken.
    """

    def __init__(self, path: list[Condition]) -> None:
        self.path = path
        self.turned_down: list[list[Condition]] = []

    def __call__(self, relation: Any) -> bool:
        relation = self._given_what_holds(relation)
        if relation in (sympy.true, sympy.false):
            return bool(relation)
        for condition in self.path:
            if relation in (condition.relation, sympy.Not(condition.relation)):
                return condition.holds is bool(relation == condition.relation)
        self.turned_down.append([*self.path, Condition(relation, False)])
        self.path = [*self.path, Condition(relation, True)]
        return True

    def _given_what_holds(self, relation: Any) -> Any:
        """The relation in its simplest spelling, with symbols that are known put in."""
        return sympy.simplify(relation.subs(self.known()))

    def known(self) -> dict[Any, Any]:
        """The symbols that a decision gives a value."""
        return known_values(self.path)


def known_values(path: list[Condition]) -> dict[Any, Any]:
    """The symbols that conditions give a value, such as widen where widen = 1 holds."""
    values = {}
    for condition in path:
        held = condition.as_relation()
        if isinstance(held, sympy.Eq) and held.lhs.is_Symbol and held.rhs.is_number:
            values[held.lhs] = held.rhs
    return values
