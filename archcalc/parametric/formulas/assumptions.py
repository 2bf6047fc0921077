"""`H % 32 == 0`, `alpha >= 0.25`: what a formula may take for granted.

An assumption replaces a symbol by an expression in another one, which says the same in a way that
sympy sees through: H by 32 X, so that no floor is left. Afterwards X is replaced by H/32.

Several of one symbol are taken together, whatever their order: those of `%` to one progression, of
`>=` the largest. One that the others contradict, or that says nothing beside them, is refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import sympy

from archcalc.errors import UsageError, suggestion
from archcalc.parametric.formulas.domains import Domain
from archcalc.parametric.formulas.exact import rational
from archcalc.parametric.formulas.progressions import WHOLE_NUMBERS, Progression

MOST_CHARACTERS = 100
_LARGEST = 10**9
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?")


class Assumption(NamedTuple):
    """What is assumed of one symbol.

    Attributes:
        text: as it was written.
        label: the symbol's name.
        factor, divisor, rest: (factor x symbol) divided by `divisor` leaves `rest`; divisor 0
            where nothing is said of it.
        least: the symbol is no less; None where nothing is said of it.
    """

    text: str
    label: str
    factor: Fraction = Fraction(1)
    divisor: int = 0
    rest: int = 0
    least: Fraction | None = None


class Replacement(NamedTuple):
    """A symbol, the expression that replaces it, and the symbol in that with what it stands for."""

    symbol: Any
    expression: Any
    inner: Any
    back: Any


def read_assumption(text: str) -> Assumption:
    """Reads an assumption. Nothing of it is evaluated.

    Raises:
        UsageError: it is none; says at which column.
    """
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"{len(text)} characters; at most {MOST_CHARACTERS} are read", "assume")
    text = text.strip()
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:  # at column 0 where the text ends too early
        raise _wrong(text, error.offset or len(text) + 1) from None
    except (ValueError, MemoryError, RecursionError):
        raise _wrong(text, 1) from None
    match tree:
        case ast.Compare(
            left=ast.BinOp(left=of, op=ast.Mod(), right=by), ops=[ast.Eq()], comparators=[to]
        ):
            label, factor = _multiple(of, text)
            divisor, rest = _whole(by, text), _whole(to, text)
            if not 0 <= rest < divisor:
                raise _wrong(text, to.col_offset + 1)
            return Assumption(text, label, factor, divisor, rest)
        case ast.Compare(left=of, ops=[ast.GtE()], comparators=[to]):
            label, factor = _multiple(of, text)
            return Assumption(text, label, least=_number(to, text) / factor)
        case ast.Compare(left=ast.Name(), ops=[ast.Eq()], comparators=[ast.Name(id=name)]):
            raise UsageError(
                f"{text}: make sizes equal in the input, CHANNELSx{name}x{name}", "assume"
            )
        case _:
            raise _wrong(text, tree.col_offset + 1)


def replacements(
    assumptions: Sequence[Assumption],
    symbols: Mapping[str, Any],
    domains: Mapping[str, Domain],
) -> list[Replacement]:
    """What replaces the symbols of which more is known than sympy can be told.

    Args:
        symbols: by label.
        domains: what holds of each in any case.

    Raises:
        UsageError: there is no such symbol; two assumptions contradict each other, or one says
            nothing that the others do not. The same in whatever order they are.
    """
    ordered = sorted(
        assumptions, key=lambda a: (a.label, a.least is not None, a.least or 0, a.text)
    )
    by_label: dict[str, list[Assumption]] = {}
    for assumption in ordered:
        label = assumption.label
        if label not in symbols:
            guess = suggestion(label, symbols, "free are")
            raise UsageError(f"{assumption.text}: {label!r} is not free{guess}", "assume")
        by_label.setdefault(label, []).append(assumption)
    changed = []
    for label, symbol in symbols.items():
        domain, found = domains[label], by_label.get(label, [])
        _require_sense(found, domain)
        if found or domain.progression not in (None, WHOLE_NUMBERS):
            changed.append(_replacement(symbol, _together(found, domain)))
    return changed


def _require_sense(found: Sequence[Assumption], domain: Domain) -> None:
    """Raises UsageError where assumptions of one symbol contradict, or one of them is redundant."""
    together = _together(found, domain)
    if together is None:
        alone = [a for a in found if _together([a], domain) is None]
        pairs = [p for p in combinations(found, 2) if _together(p, domain) is None]
        those = alone[:1] or [*(pairs[0] if pairs else found)]
        texts = " and ".join(assumption.text for assumption in those)
        raise UsageError(f"no {found[0].label} satisfies {texts}", "assume")
    for place, assumption in enumerate(found):
        others = [*found[:place], *found[place + 1 :]]
        if _together(others, domain) == together:
            texts = ", ".join(other.text for other in others)
            known = f"adds nothing to {texts}" if others else "holds in any case"
            raise UsageError(f"{assumption.text} {known}; leave it out", "assume")


def _together(assumptions: Iterable[Assumption], domain: Domain) -> Domain | None:
    """What holds of a symbol with assumptions; None if of no number."""
    progression, least = domain.progression, domain.least
    for a in assumptions:
        if a.divisor:
            other = Progression.of(a.factor, a.divisor, a.rest)
            progression = other if progression is None else progression.common(other)
            if progression is None:
                return None
        elif a.least is not None:
            least = a.least if least is None else max(least, a.least)
    if progression is not None and least is not None:
        least = progression.from_(least)
    return Domain(progression, least)


def _replacement(symbol: Any, domain: Domain | None) -> Replacement:
    assert domain is not None, "what is assumed was found to make sense"
    progression, least = domain.progression, domain.least
    if progression is None:
        assert least is not None, "an assumption says one or the other"
        inner = sympy.Dummy(symbol.name, nonnegative=True)
        return Replacement(symbol, rational(least) + inner, inner, symbol - rational(least))
    start, step = rational(progression.start), rational(progression.step)
    if least is None:
        inner = sympy.Dummy(symbol.name, integer=True)
        return Replacement(symbol, start + step * inner, inner, (symbol - start) / step)
    # From a multiple of the step on, as the symbol itself is: so that it stays positive.
    before = int((least - progression.start) / progression.step)
    is_multiple = not progression.start and before == 1
    if is_multiple:
        before = 0
    inner = sympy.Dummy(symbol.name, integer=True, positive=is_multiple or None, nonnegative=True)
    expression = start + step * (before + inner)
    return Replacement(symbol, expression, inner, (symbol - start) / step - before)


def _multiple(node: ast.expr, text: str) -> tuple[str, Fraction]:
    """The label and the factor of `32*alpha`, `H/2` or `depths[0]`."""
    match node:
        case ast.Name(id=name):
            return name, Fraction(1)
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() as item)):
            return f"{name}[{item}]", Fraction(1)
        case (
            ast.BinOp(left=ast.Constant() as number, op=ast.Mult(), right=rest)
            | ast.BinOp(left=rest, op=ast.Mult(), right=ast.Constant() as number)
        ):
            label, factor = _multiple(rest, text)
            return label, factor * _number(number, text)
        case ast.BinOp(left=rest, op=ast.Div(), right=ast.Constant() as number):
            label, factor = _multiple(rest, text)
            return label, factor / _number(number, text)
    raise _wrong(text, node.col_offset + 1)


def _number(node: ast.expr, text: str) -> Fraction:
    """A number above 0, or a quotient of two."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _number(node.left, text) / _number(node.right, text)
    shown = ast.get_source_segment(text, node) or ""
    if not isinstance(node, ast.Constant) or not _NUMBER.fullmatch(shown) or not Fraction(shown):
        raise _wrong(text, node.col_offset + 1)
    return Fraction(shown)


def _whole(node: ast.expr, text: str) -> int:
    shown = ast.get_source_segment(text, node) or ""
    if not isinstance(node, ast.Constant) or not shown.isdigit() or int(shown) > _LARGEST:
        raise _wrong(text, node.col_offset + 1)
    return int(shown)


def _wrong(text: str, column: int) -> UsageError:
    return UsageError(
        f"{text}: column {column}: expected a form such as H%32==0, 32*alpha%1==0 or alpha>=0.25",
        "assume",
    )
