"""A network in closed form, every figure of every layer: cases by what its rules ask of symbols.

Each walk along a setting (`following`) is a path through a tree of conditions, in the order in
which the walk asks them; its leaf has the figures, or why there is no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from archcalc.errors import LayerError, SpecError, UsageError
from archcalc.expanding.placed import located
from archcalc.feature_map import FeatureMap
from archcalc.parametric.formulas.exact import Exact
from archcalc.parametric.formulas.following import (
    Course,
    Definitions,
    Evaluation,
    Question,
    Requirement,
    Values,
)
from archcalc.quantity.conditions import following, is_symbol
from archcalc.record import Record, replace

_T = TypeVar("_T")
_MARKS = 0xE000  # of signs for private use, which stand for numbers in a text that is made
REFUSALS = (LayerError, SpecError, UsageError)


class Refusal(Record):
    """There is no network.

    Attributes:
        because: what a layer requires; None where another part of the spec refuses.
        text: what is said then, where that is not made of numbers.
    """

    because: Requirement | None
    text: str | None


class Fork(Generic[_T]):
    """A condition, and what comes of either answer; None of one that no setting gave yet.

    `holds` says whether the condition does, from the values of symbols.
    """

    def __init__(self, question: Question, holds: Callable[[Values], Any]) -> None:
        self.condition = question.condition
        self.holds = holds
        self.requirement = question.requirement
        self.sides: dict[bool, Tree[_T] | None] = {True: None, False: None}

    def side(self, holds: bool) -> Tree[_T] | None:
        """What comes of an answer."""
        found = self.sides[holds]
        if found is None and not holds and self.requirement is not None:
            return Refusal(self.requirement, None)
        return found


class Leaf(Record):
    """What is found on a path.

    Attributes:
        found: the figures, say.
        setting: one that leads there.
    """

    found: Any
    setting: dict[Any, Exact]


Tree: TypeAlias = "Fork[_T] | Leaf | Refusal"


class Traces(Generic[_T]):
    """What is found of a network, case by case.

    Attributes:
        root: the tree; None before the first walk.
        definitions: of the symbols that its expressions are made of.
        leaves: how many walks found something.
    """

    def __init__(
        self,
        find: Callable[[], _T],
        refusal: Callable[[Mapping[Any, Exact]], str | None],
    ) -> None:
        """
        Args:
            find: walks the network with symbols, while they are followed.
            refusal: what is said of a setting by the plain walk; None where there is a network.
        """
        self.root: Tree[_T] | None = None
        self.definitions = Definitions()
        self.leaves = 0
        self._find, self._refusal = find, refusal

    def add(self, setting: Mapping[Any, Exact]) -> None:
        """Walks along a setting."""
        course = Course(self.definitions, setting)
        evaluation = Evaluation(self.definitions, setting)
        try:
            with following(course):
                end: Leaf | Refusal = Leaf(self._find(), dict(setting))
            self.leaves += 1
        except REFUSALS:
            text = self._refusal(setting)
            is_it = course.failed is not None and said(course.failed, evaluation) == text
            end = Refusal(course.failed, None) if is_it else Refusal(None, text)
        self._enter(course.questions, end, evaluation)

    def _enter(
        self, questions: Sequence[Question], end: Leaf | Refusal, evaluation: Evaluation
    ) -> None:
        """Puts what a walk found behind what it asked.

        Where a rule goes by a number, each walk asks for another one: what others asked there is
        answered on the way.
        """
        before, side = None, True
        at = self.root
        for number, question in enumerate(questions):
            while isinstance(at, Fork) and at.condition != question.condition:
                before, side = at, evaluation.holds(at.condition)
                if not side:
                    at.requirement = None
                at = at.sides[side]
            if not isinstance(at, Fork):
                at = Fork(question, self.definitions.function(question.condition))
                self._put(before, side, at)
            if not question.holds and (number + 1 < len(questions) or isinstance(end, Leaf)):
                at.requirement = None  # somebody else goes on
            before, side = at, question.holds
            at = at.sides[side]
        while isinstance(at, Fork):
            before, side = at, evaluation.holds(at.condition)
            at = at.sides[side]
        self._put(before, side, end)

    def _put(self, before: Fork[_T] | None, holds: bool, tree: Tree[_T]) -> None:
        if before is None:
            self.root = tree
        else:
            before.sides[holds] = tree

    def symbols_in(self, expressions: Iterable[Any]) -> set[Any]:
        """The symbols that expressions are made of, those of their definitions too."""
        waiting, found = [*expressions], set()
        while waiting:
            for symbol in getattr(waiting.pop(), "free_symbols", ()):
                if symbol not in found:
                    found.add(symbol)
                    waiting.append(self.definitions.of.get(symbol))
        return found

    def used_symbols(self) -> set[Any]:
        """The symbols that anything that was found depends on."""
        asked = [fork.condition for fork in self._forks()]
        for end in self.ends():
            asked += end.found.expressions() if isinstance(end, Leaf) else ()
        return self.symbols_in(asked)

    def keep_only(self, kept: Iterable[Tree[_T]]) -> None:
        """Leaves out all ends but some."""
        ends = {*map(id, kept)}
        for fork in reversed(self._forks()):
            for holds, side in fork.sides.items():
                is_empty = isinstance(side, Fork) and not any(side.sides.values())
                if is_empty or not (isinstance(side, Fork) or id(side) in ends):
                    fork.sides[holds] = None

    def _forks(self) -> list[Fork[_T]]:
        """All conditions, each before those behind it."""
        found: list[Fork[_T]] = []
        waiting = [self.root]
        while waiting:
            at = waiting.pop()
            if isinstance(at, Fork):
                found.append(at)
                waiting += [at.sides[False], at.sides[True]]
        return found

    def ends(self) -> list[Leaf | Refusal]:
        """All that paths lead to."""
        sides = [fork.sides[holds] for fork in self._forks() for holds in (True, False)]
        return [end for end in (self.root, *sides) if isinstance(end, (Leaf, Refusal))]

    def at(self, setting: Mapping[Any, Exact]) -> tuple[Tree[_T] | None, Evaluation, Any]:
        """Where a setting leads: a leaf, a refusal, or None where no walk went; with what
        evaluates there, and the condition behind which it is not known."""
        evaluation = Evaluation(self.definitions, setting)
        at, condition, values = self.root, None, evaluation.values
        while isinstance(at, Fork):
            condition = at.condition
            at = at.side(bool(at.holds(values)))
        return at, evaluation, condition


def pieces(requirement: Requirement) -> list[Any]:
    """What is said where a requirement is not met: texts, and expressions between them."""
    marks: dict[str, Any] = {}

    def marked(value: Any) -> Any:
        if is_symbol(value):
            marks[mark := chr(_MARKS + len(marks))] = value
            return mark
        if isinstance(value, FeatureMap):
            x = FeatureMap(marked(value.channels), tuple(map(marked, value.sizes)))
            return replace(x, items=marked(value.items), dtype=value.dtype)
        if isinstance(value, tuple):
            return tuple(map(marked, value))
        return value

    fact = requirement.message.format(*map(marked, requirement.shown))
    node = requirement.node
    if node is not None:
        given = {name: marked(value) for name, value in vars(node.layer).items()}
        layer = type(node.layer)(**given)
        inputs = [marked(x) for x in requirement.inputs]
        fact = located(replace(node, layer=layer), inputs, LayerError(fact))
    found: list[Any] = [""]
    for sign in fact:
        if sign in marks:
            found += [marks[sign], ""]
        else:
            found[-1] += sign
    return found


def said(requirement: Requirement, at: Evaluation) -> str:
    """What is said at a setting at which a requirement is not met."""
    return "".join(p if isinstance(p, str) else str(at(p)) for p in pieces(requirement))
