"""What the arithmetic asks of a quantity: what it is, and which way a condition goes.

Of an array a condition may hold at some settings alone, of a symbol it may be open; how that is
decided is up to whoever runs the rule: `splitting`, `deciding`, `witnessing` and `following`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")


def is_symbol(value: object) -> bool:
    """Whether `value` is a sympy expression. Does not import sympy."""
    return hasattr(type(value), "free_symbols")  # of the value itself they would be looked for


def is_array(value: object) -> bool:
    """Whether `value` is an `IntegerArray`. Does not import numpy."""
    return hasattr(value, "elements")


def is_real_array(value: object) -> bool:
    """Whether `value` is a `RealArray`. Does not import numpy."""
    return hasattr(value, "floats")


class Diverged(Exception):
    """A condition holds for some of the settings in an array, and not for the others.

    Raised within `splitting()` only, and never to be seen by users.

    Attributes:
        groups: at each setting's place the number, or the truth value, of its group.
    """

    def __init__(self, groups: Any) -> None:
        self.groups = groups
        super().__init__("settings diverge")


class _Mode(Enum):
    """What happens where a condition holds for some of the settings in an array only."""

    TOGETHER = "they stay together, and count as undecided"
    FOR_TOTALS = "they diverge if totals depend on it"
    ALWAYS = "they diverge"


_MODE = ContextVar("_MODE", default=_Mode.TOGETHER)


@contextmanager
def splitting(*, in_full: bool) -> Iterator[None]:
    """Within it, conditions that settings of an array differ in raise `Diverged`.

    Args:
        in_full: also those that no total depends on: of what is kept in memory, and of what a unit
            sees.
    """
    tokens = _MODE.set(_Mode.ALWAYS if in_full else _Mode.FOR_TOTALS), _FOUND.set({})
    try:
        yield
    finally:
        _MODE.reset(tokens[0])
        _FOUND.reset(tokens[1])


_FOUND: ContextVar[dict[object, tuple[Any, object]] | None] = ContextVar("_FOUND", default=None)
_MOST_FOUND = 16  # arrays of which it is remembered how they came about


def found_once(compute: Callable[..., Any], *operands: Any) -> Any:
    """What a function gives for arrays and numbers; the same object, where it was just asked for.

    Layers in a row often have the same width, each from the same expression. Within `splitting()`,
    what was found last is remembered: an array is computed once, and seen to be the same by being
    the same one.

    Args:
        operands: arrays, which nobody changes, or numbers.
    """
    known = _FOUND.get()
    if known is None:
        return compute(*operands)
    # An array is known by where it lies, which is its own as long as it is kept here.
    key = (compute, *[(x,) if type(x) is int else id(x) for x in operands])
    found, kept = known.pop(key) if key in known else (compute(*operands), operands)
    known[key] = found, kept
    if len(known) > _MOST_FOUND:
        del known[next(iter(known))]
    return found


def all_or_none(holds: Any, otherwise: bool, for_totals: bool = True) -> bool:
    """Whether a condition holds, for all elements of an array or for none of them.

    Where it holds for some only: `otherwise`; within `splitting()`, raises Diverged.

    Args:
        for_totals: whether totals depend on it.
    """
    if bool(holds.all()):
        return True
    if not bool(holds.any()):
        return False
    mode = _MODE.get()
    if mode is _Mode.ALWAYS or (mode is _Mode.FOR_TOTALS and for_totals):
        raise Diverged(holds)
    return otherwise


def one_for_all(values: Any) -> Any:
    """The value that all elements of an array have; as it is where they differ, or is not an array.

    Within `splitting()`, raises Diverged where they differ.
    """
    if is_real_array(values):
        return values.agreed()
    if is_symbol(values):
        return pinned(values)
    array = getattr(values, "elements", values)
    if not hasattr(array, "dtype") or not array.size:
        return values
    first = array.flat[0] if array.ndim else array
    if bool((array == first).all()):
        return first.item()
    if _MODE.get() is not _Mode.TOGETHER:
        raise Diverged(array)
    return values


_DECIDER: ContextVar[Callable[[Any], bool] | None] = ContextVar("_DECIDER", default=None)
_MERGES: ContextVar[bool] = ContextVar("_MERGES", default=False)


@contextmanager
def deciding(decide: Callable[[Any], bool], *, merge: bool = False) -> Iterator[None]:
    """Within it, `decide` says whether a condition on symbols holds: `formulas` looks at each
    case by itself.

    Args:
        merge: whether `a if c else b` becomes one formula instead, where it can.
    """
    tokens = _DECIDER.set(decide), _MERGES.set(merge)
    try:
        yield
    finally:
        _DECIDER.reset(tokens[0])
        _MERGES.reset(tokens[1])


def merges_cases() -> bool:
    """Whether `a if c else b` is to become one formula."""
    return _MERGES.get()


def decided(condition: Any) -> bool | None:
    """Whether a condition on symbols holds; None where nobody decides."""
    follower, decide = _FOLLOWER.get(), _DECIDER.get()
    if follower is not None:
        return follower.decides(condition)
    return None if decide is None else decide(condition)


_WITNESS: ContextVar[Callable[[str, Any], None] | None] = ContextVar("_WITNESS", default=None)
WHOLE, NOT_NEGATIVE = "whole", "not negative"


@contextmanager
def witnessing(witness: Callable[[str, Any], None]) -> Iterator[None]:
    """Within it, `witness` is told each formula that has to be `WHOLE` or `NOT_NEGATIVE`, or else
    there is no network: `formulas` learns from it which values symbols may take."""
    token = _WITNESS.set(witness)
    try:
        yield
    finally:
        _WITNESS.reset(token)


def require_whole(value: Any) -> None:
    """Tells that a symbolic value has to be a whole number, which it may well be."""
    tell(WHOLE, value)


def tell(what: str, value: Any) -> None:
    witness = _WITNESS.get()
    if witness is not None:
        witness(what, value)


class Follower(Protocol):
    """Answers for symbols as for the numbers that they are at one setting, and keeps what it was
    asked: so a rule goes the way that it goes there, and what it says holds wherever the answers
    are the same."""

    def decides(self, condition: Any) -> bool:
        """Whether a condition holds."""

    def holds(self, relation: str, a: Any, b: Any) -> bool:
        """Whether a >= b ("Ge"), a == b ("Eq"), or b divides a ("Divides")."""

    def requires(self, relation: str, a: Any, b: Any, message: str, shown: tuple[Any, ...]) -> bool:
        """As `holds`; or else there is no network, and `message.format(*shown)` says why."""

    def number(self, value: Any) -> Any:
        """The number that a symbolic value is, where a rule goes by that number."""

    def named(self, value: Any) -> Any:
        """A symbol by itself that stands for a symbolic value, so that what is made of it stays
        short."""

    def whole(self, value: Any) -> Any:
        """As `named`, of what has to be a whole number."""

    def stands_at(self, place: Any, inputs: Any) -> None:
        """Tells which layer, and on which inputs, the next questions are about."""

    def remembered(self, compute: Callable[[], Any], key: Any, same: tuple[Any, ...]) -> Any:
        """As the function `remembered`."""


_FOLLOWER: ContextVar[Follower | None] = ContextVar("_FOLLOWER", default=None)


@contextmanager
def following(follower: Follower) -> Iterator[None]:
    """Within it, every question about symbols is put to `follower`, and none is left open."""
    token = _FOLLOWER.set(follower)
    try:
        yield
    finally:
        _FOLLOWER.reset(token)


def follower() -> Follower | None:
    """Who answers for symbols as at one setting; None where they are left open."""
    return _FOLLOWER.get()


def holds_there(relation: str, a: Any, b: Any) -> bool:
    """Whether a relation holds at the setting that is followed; False where none is."""
    one = _FOLLOWER.get()
    return one is not None and one.holds(relation, a, b)


def pinned(value: Any) -> Any:
    """A symbolic value as its number at the setting that is followed; all else as it is."""
    one = _FOLLOWER.get()
    return one.number(value) if one is not None and is_symbol(value) else value


def named(value: Any) -> Any:
    """A symbolic value as one symbol, where a setting is followed; all else as it is."""
    one = _FOLLOWER.get()
    return one.named(value) if one is not None and is_symbol(value) else value


def whole_named(value: Any) -> Any:
    """As `named`, of what has to be a whole number: so is the symbol."""
    one = _FOLLOWER.get()
    return value if one is None else one.whole(value)


def stand_at(place: Any, inputs: Any) -> None:
    """Tells whoever follows a setting which layer is next."""
    one = _FOLLOWER.get()
    if one is not None:
        one.stands_at(place, inputs)


def remembered(compute: Callable[[], _T], key: Hashable, same: tuple[object, ...] = ()) -> _T:
    """What a function gives; where settings are followed, what it gave for the same before, at any
    of them at which its questions have the same answers.

    Args:
        key: what it computes, and from what; equal keys are the same.
        same: from what else; the same objects are the same. They do not change.
    """
    one = _FOLLOWER.get()
    if one is None:
        return compute()
    found: _T = one.remembered(compute, key, same)
    return found
