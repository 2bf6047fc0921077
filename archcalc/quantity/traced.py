"""Integers that remember how they were computed.

A rule that runs on these answers with plain numbers, each of which also carries the expression
that it came from, in the names of what went in: the derivation is the rule's own.
"""

from __future__ import annotations

from typing import TypeAlias

from archcalc.record import Record


class Leaf(Record):
    """A quantity that went in, by its name."""

    name: str
    value: int


class Constant(Record):
    """A number that the rule itself has."""

    value: int


class Operation(Record):
    """`sign` of the operands: + - * // ** min max, and - of a single one."""

    sign: str
    operands: tuple[Tree, ...]


Tree: TypeAlias = "Leaf | Constant | Operation"


class Traced(int):
    """An int with the tree of what it was computed from.

    `+ - * // **` and `arithmetic.smallest` and `largest` of it, and of it and a plain int,
    are traced as well; comparisons and all else are those of the int.
    """

    tree: Tree

    def __new__(cls, value: int, tree: Tree) -> Traced:
        self = super().__new__(cls, value)
        self.tree = tree
        return self

    def __neg__(self) -> Traced:
        return Traced(-int(self), Operation("-", (self.tree,)))

    def __add__(self, other: int) -> Traced:
        return _computed("+", self, other)

    def __radd__(self, other: int) -> Traced:
        return _computed("+", other, self)

    def __sub__(self, other: int) -> Traced:
        return _computed("-", self, other)

    def __rsub__(self, other: int) -> Traced:
        return _computed("-", other, self)

    def __mul__(self, other: int) -> Traced:
        return _computed("*", self, other)

    def __rmul__(self, other: int) -> Traced:
        return _computed("*", other, self)

    def __floordiv__(self, other: int) -> Traced:
        return _computed("//", self, other)

    def __rfloordiv__(self, other: int) -> Traced:
        return _computed("//", other, self)

    def __pow__(self, other: int) -> Traced:  # type: ignore[override]  # rules have no modulus
        return _computed("**", self, other)


def named(name: str, value: int) -> Traced:
    """A quantity that goes in under a name."""
    return Traced(value, Leaf(name, int(value)))


def tree_of(value: int) -> Tree:
    """What `value` was computed from; of a plain int, a constant."""
    return value.tree if isinstance(value, Traced) else Constant(value)


def extreme(sign: str, a: int, b: int) -> Traced:
    """The smaller ("min") or the larger ("max") of two."""
    return _computed(sign, a, b)


def evaluate(tree: Tree) -> int:
    """The number that a tree comes to."""
    if not isinstance(tree, Operation):
        return tree.value
    values = [evaluate(operand) for operand in tree.operands]
    return -values[0] if len(values) == 1 else _apply(tree.sign, *values)


def _computed(sign: str, a: int, b: int) -> Traced:
    if not isinstance(a, int) or not isinstance(b, int):
        return NotImplemented
    return Traced(_apply(sign, int(a), int(b)), Operation(sign, (tree_of(a), tree_of(b))))


def _apply(sign: str, a: int, b: int) -> int:
    match sign:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "//":
            return a // b
        case "**":
            power: int = a**b
            return power
        case "min":
            return min(a, b)
        case "max":
            return max(a, b)
    raise ValueError(f"no operation {sign!r}")
