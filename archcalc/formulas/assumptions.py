"""`H % 32 == 0`, `alpha >= 0.25`: what a formula may take for granted.

An assumption replaces a symbol by an expression in another one, which says the same in a way that
sympy sees through: H by 32 X, so that no floor is left. Afterwards X is replaced by H/32.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import sympy

from archcalc.errors import UsageError, did_you_mean

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
        raise UsageError(f"--assume: {len(text)} characters; {MOST_CHARACTERS} are the most")
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
            raise UsageError(f"--assume {text}: --input CHANNELSx{name}x{name} makes sizes equal")
        case _:
            raise _wrong(text, tree.col_offset + 1)


def replacements(
    assumptions: Sequence[Assumption], symbols: Mapping[str, Any]
) -> list[Replacement]:
    """What replaces the symbols that something is assumed of.

    Raises:
        UsageError: there is no such symbol, or two assumptions of one kind about it.
    """
    by_label: dict[str, Assumption] = {}
    for assumption in assumptions:
        label = assumption.label
        if label not in symbols:
            guess = did_you_mean(label, symbols) or f"; free are {', '.join(symbols)}"
            raise UsageError(f"--assume {assumption.text}: {label!r} is not free{guess}")
        before = by_label.setdefault(label, assumption)
        if before is not assumption:
            by_label[label] = _together(before, assumption)
    return [_replacement(symbols[label], found) for label, found in by_label.items()]


def _together(a: Assumption, b: Assumption) -> Assumption:
    if bool(a.divisor) == bool(b.divisor):
        raise UsageError(f"--assume {b.text}: {a.text} is assumed already")
    divides, bounds = (a, b) if a.divisor else (b, a)
    return divides._replace(least=bounds.least, text=f"{a.text}, {b.text}")


def _replacement(symbol: Any, assumed: Assumption) -> Replacement:
    least = assumed.least
    if not assumed.divisor:
        assert least is not None, "an assumption says one or the other"
        lowest = Fraction(_up(least)) if symbol.is_integer else least
        start = sympy.Rational(lowest.numerator, lowest.denominator)
        inner = sympy.Dummy(symbol.name, nonnegative=True, integer=symbol.is_integer)
        return Replacement(symbol, start + inner, inner, symbol - start)
    if symbol.is_integer and assumed.factor != 1:
        raise UsageError(f"--assume {assumed.text}: of a whole number, say {symbol} % …")
    # factor x symbol = divisor x quotient + rest, where the quotient starts as the symbol does.
    positive = not assumed.rest and least is None
    before = 0
    if least is not None:
        low = _up((assumed.factor * least - assumed.rest) / assumed.divisor)
        before = max(low, 0 if assumed.rest else 1)
    inner = sympy.Dummy(symbol.name, integer=True, positive=positive or None, nonnegative=True)
    factor = sympy.Rational(assumed.factor.numerator, assumed.factor.denominator)
    expression = (assumed.divisor * (before + inner) + assumed.rest) / factor
    back = (factor * symbol - assumed.rest) / assumed.divisor - before
    return Replacement(symbol, expression, inner, back)


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


def _up(value: Fraction) -> int:
    return -int(-value // 1)


def _wrong(text: str, column: int) -> UsageError:
    return UsageError(
        f"--assume {text}: column {column}: expected such as H%32==0, 32*alpha%1==0 or alpha>=0.25"
    )
