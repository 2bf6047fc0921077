"""What formulas are in: parameters of a network, items of lists among them, and sizes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sympy

from archcalc.errors import UsageError, did_you_mean
from archcalc.spec.expression import Expression
from archcalc.spec.fields import shown
from archcalc.spec.syntax import Network
from archcalc.spec.values import Value

# What the sizes of an input are called, by their number; C is its channels.
_SIZES = ((), ("L",), ("H", "W"), ("D", "H", "W"))
_LABEL = re.compile(r"(?P<name>[A-Za-z_]\w*)(\[(?P<item>\d{1,3})\])?")


class Subject(NamedTuple):
    """A number that a formula leaves open.

    Attributes:
        label: what the user calls it: `alpha`, `depths[2]`, `H`.
        symbol: what stands for it: a positive number, and a whole one unless the spec only
            mentions it in floor(…) and ceil(…).
        parameter: the name of the parameter; None for a size of the input.
        number: of the item in the parameter's list, or of the size in the input; None for a
            parameter that is no list.
        own: the value that the network has there.
    """

    label: str
    symbol: Any
    parameter: str | None
    number: int | None
    own: Value


def subjects(
    labels: Sequence[str], network: Network, values: dict[str, Value], input: Sequence[Value]
) -> list[Subject]:
    """The subjects called so.

    Args:
        values: of the parameters.
        input: channels and sizes.

    Raises:
        UsageError: there is no such parameter or size, or it is no number; with a guess.
    """
    found = [_subject(label.strip(), network, values, input) for label in labels]
    for number, subject in enumerate(found):
        if subject in found[:number]:
            raise UsageError(f"--symbols {','.join(labels)}: {subject.label} stands twice")
    return found


def size_labels(count: int) -> tuple[str, ...]:
    """What the sizes of an input with so many spatial axes are called."""
    return _SIZES[count]


def _subject(
    label: str, network: Network, values: dict[str, Value], input: Sequence[Value]
) -> Subject:
    match = _LABEL.fullmatch(label)
    if match is None:
        raise UsageError(
            f"--symbols: {label[:40]!r} is no name; expected such as H,W,classes,depths[0]"
        )
    name, item = match["name"], match["item"]
    if name in values:
        return _parameter(label, name, None if item is None else int(item), network, values)
    sizes = {"C": 0} | {size: n for n, size in enumerate(size_labels(len(input) - 1), 1)}
    if name in sizes and item is None:
        symbol = sympy.Symbol(label, integer=True, positive=True)
        return Subject(label, symbol, None, sizes[name], input[sizes[name]])
    known = [*values, *sizes]
    guess = did_you_mean(name, known) or f"; known: {', '.join(known)}"
    raise UsageError(f"--symbols: {network.name} has no {label!r}{guess}")


def _parameter(
    label: str, name: str, item: int | None, network: Network, values: dict[str, Value]
) -> Subject:
    own = values[name]
    if item is not None:
        if not isinstance(own, list) or item >= len(own):
            raise UsageError(f"--symbols: {name} is {shown(own)}, and has no item {item}")
        own = own[item]
    elif isinstance(own, list):
        raise UsageError(f"--symbols: {name} is a list; name an item, such as {name}[0]")
    if isinstance(own, (bool, str, list)) or own is None:
        raise UsageError(f"--symbols: {label} is {shown(own)}, and no number; --set it")
    whole = isinstance(own, int) and not _only_rounded(name, network)
    symbol = sympy.Symbol(label, positive=True, integer=True if whole else None)
    return Subject(label, symbol, name, item, own)


def _only_rounded(name: str, network: Network) -> bool:
    """Whether the spec mentions a parameter in floor(…) and ceil(…) only."""
    trees = [
        ast.parse(expression.text.strip(), mode="eval")
        for expression in _expressions(network)
        if name in expression.names
    ]
    rounded = [node for tree in trees for node in _named(tree, name, inside=True)]
    return bool(rounded) and not any(_named(tree, name, inside=False) for tree in trees)


def _named(node: ast.AST, name: str, *, inside: bool, rounded: bool = False) -> list[ast.Name]:
    """Where a name stands inside of rounding, or outside of it."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        rounded = rounded or node.func.id in ("floor", "ceil")
    if isinstance(node, ast.Name):
        return [node] if node.id == name and rounded == inside else []
    return [
        found
        for child in ast.iter_child_nodes(node)
        for found in _named(child, name, inside=inside, rounded=rounded)
    ]


def _expressions(part: object) -> Iterator[Expression]:
    """All expressions in a part of a network."""
    if isinstance(part, Expression):
        yield part
    elif isinstance(part, dict):
        yield from _expressions(list(part.values()))
    elif isinstance(part, (tuple, list)):
        for item in part:
            yield from _expressions(item)
