r"""Reads the LaTeX form of formulas as a person would.

Grammar, from what binds least to what binds most:

    cases:      \begin{cases} value & \text{if } condition \\ … & \text{otherwise} \end{cases}
    condition:  \vee, \wedge, \neg, then = \neq < > \leq \geq
    value:      + and -, then one \bmod, then products (\cdot, \, or nothing between), then ^{…}
    atom:       number, letter or \mathrm{word} (with an index _{0}), \frac{…}{…},
                \left\lfloor … \right\rfloor, \left\lceil … \right\rceil, \max\left(…, …\right),
                \left( … \right)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor, nan
from typing import Any

from tests.render.formula.reading_text import Evaluated, Row, Rows, Setting

_TOKEN = re.compile(
    r"\\left|\\right|\\text\{(?P<words>[^}]*)\}|\\mathrm\{(?P<word>(?:\\.|[^}])*)\}"
    r"|\\begin\{cases\}|\\end\{cases\}|\\\\|\\,|\\[A-Za-z]+|\d+|[^\W\d]|[-+^_{}()\[\]=<>,&]"
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    r"\neq": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    r"\leq": operator.le,
    r"\geq": operator.ge,
}
_ROUNDED: dict[str, Callable[[Fraction], int]] = {r"\lfloor": floor, r"\lceil": ceil}
_CLOSING = {r"\lfloor": r"\rfloor", r"\lceil": r"\rceil", "(": ")"}


def read_latex(text: str) -> Rows:
    """The cases of one formula."""
    reader = _Reader(text)
    rows = reader.rows() if reader.is_one_brace() else [Row(reader.items(), lambda at: True)]
    reader.take("")
    return rows


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            found = _TOKEN.match(text, at)
            assert found, f"not in the language of formulas: {text[at:]!r}"
            self._tokens.append(found[0])
            at = found.end()
        self._tokens.append("")

    def _is(self, *tokens: str) -> bool:
        return self._tokens[0] in tokens

    def _next(self) -> str:
        return self._tokens.pop(0)

    def take(self, *tokens: str) -> None:
        """Passes over these tokens."""
        for token in tokens:
            assert self._next() == token, f"{token!r} expected, before {self._tokens[:9]}"

    def is_one_brace(self) -> bool:
        """Whether it is cases from the first token to the last."""
        depth = 0
        for number, token in enumerate(self._tokens, 1):
            depth += (token == r"\begin{cases}") - (token == r"\end{cases}")
            if not depth:
                return number > 1 and self._tokens[number] == ""
        return False

    def rows(self) -> Rows:
        """All cases behind a brace."""
        self.take(r"\begin{cases}")
        rows: list[Row] = []
        earlier: list[Evaluated] = []
        while True:
            items = self.items()
            self.take("&")
            if self._next() == r"\text{otherwise}":
                others = tuple(earlier)
                rows.append(Row(items, lambda at, others=others: not any(c(at) for c in others)))  # type: ignore[misc]  # bound now
            else:
                earlier.append(self._any())
                rows.append(Row(items, earlier[-1]))
            if self._next() == r"\end{cases}":
                return rows

    def items(self) -> list[Evaluated]:
        """A value, or the items of a list."""
        if self._tokens[:2] != [r"\left", "["]:
            return [self._sum()]
        self.take(r"\left", "[")
        items = []
        while not self._is(r"\right"):
            items.append(self._sum())
            if self._is(","):
                self._next()
        self.take(r"\right", "]")
        return items

    # ----- conditions -----

    def _any(self) -> Evaluated:
        parts = [self._all()]
        while self._is(r"\vee"):
            self._next()
            parts.append(self._all())
        return lambda at: any(part(at) for part in parts)

    def _all(self) -> Evaluated:
        parts = [self._condition()]
        while self._is(r"\wedge"):
            self._next()
            parts.append(self._condition())
        return lambda at: all(part(at) for part in parts)

    def _condition(self) -> Evaluated:
        if self._is(r"\neg"):
            self._next()
            inner = self._condition()
            return lambda at: not inner(at)
        if self._holds_conditions():
            self.take(r"\left", "(")
            within = self._any()
            self.take(r"\right", ")")
            return within
        left = self._sum()
        compare = _COMPARISONS[self._next()]
        right = self._sum()
        return lambda at: compare(left(at), right(at))

    def _holds_conditions(self) -> bool:
        r"""Whether a parenthesis opens here that holds conditions, and no value."""
        depth = 0
        for number, token in enumerate(self._tokens):
            depth += (token == r"\left") - (token == r"\right")
            if depth == 0:
                return False
            if number > 1 and depth == 1 and token in (r"\vee", r"\wedge", r"\neg", *_COMPARISONS):
                return True
        return False

    # ----- values -----

    def _sum(self) -> Evaluated:
        result = self._remainder()
        while self._is("+", "-"):
            reckon = operator.add if self._next() == "+" else operator.sub
            result = _of_two(reckon, result, self._remainder())
        return result

    def _remainder(self) -> Evaluated:
        over = self._product()
        if not self._is(r"\bmod"):
            return over
        self._next()
        under = self._product()
        assert not self._is(r"\bmod"), "which remainder is taken first?"
        return _of_two(operator.mod, over, under)

    def _product(self) -> Evaluated:
        if self._is("-"):
            self._next()
            inner = self._product()
            return lambda at: -inner(at)
        result = self._power()
        while True:
            number = self._ends_in_digit
            if self._is(r"\cdot", r"\,"):
                number = self._next() != r"\cdot" and number
            elif not self._starts_an_atom():
                return result
            assert not (number and self._tokens[0].isdigit()), "two numbers run together"
            result = _of_two(operator.mul, result, self._power())

    def _starts_an_atom(self) -> bool:
        token = self._tokens[0]
        return token in (r"\left", r"\frac", r"\max", r"\min", r"\begin{cases}") or bool(
            re.match(r"\\mathrm|[^\W_]", token)
        )

    def _power(self) -> Evaluated:
        self._ends_in_digit = self._tokens[0].isdigit()
        base = self._atom()
        if not self._is("^"):
            return base
        self.take("^", "{")
        exponent = self._sum()
        self.take("}")
        self._ends_in_digit = False
        return _of_two(operator.pow, base, exponent)

    def _atom(self) -> Evaluated:
        token = self._next()
        if token.isdigit():
            return lambda at: Fraction(int(token))
        if token == r"\frac":
            over, under = self._braced(), self._braced()
            return _of_two(operator.truediv, over, under)
        if token == r"\text{NaN}":
            return lambda at: nan
        if token in (r"\max", r"\min"):
            return self._extreme(max if token == r"\max" else min)
        if token == r"\left":
            opening = self._next()
            inner = self._sum()
            self.take(r"\right", _CLOSING[opening])
            rounded = _ROUNDED.get(opening)
            return inner if rounded is None else lambda at: Fraction(rounded(inner(at)))
        if token == r"\begin{cases}":
            self._tokens.insert(0, token)
            rows = self.rows()
            return lambda at: _first_that_holds(rows, at)
        return self._symbol(token)

    def _symbol(self, token: str) -> Evaluated:
        found = _TOKEN.fullmatch(token)
        assert found and (found["word"] or token.isalpha()), f"no value: {token!r}"
        label = re.sub(r"\\(.)", r"\1", found["word"] or token)
        if self._is("_"):
            self.take("_", "{")
            label += f"[{self._next()}]"
            self.take("}")
        return lambda at: at[label]

    def _braced(self) -> Evaluated:
        self.take("{")
        inner = self._sum()
        self.take("}")
        return inner

    def _extreme(self, of: Callable[..., Fraction]) -> Evaluated:
        self.take(r"\left", "(")
        several = [self._sum()]
        while self._is(","):
            self._next()
            several.append(self._sum())
        self.take(r"\right", ")")
        return lambda at: of(*[one(at) for one in several])


def _of_two(reckon: Callable[[Any, Any], Any], a: Evaluated, b: Evaluated) -> Evaluated:
    return lambda at: reckon(a(at), b(at))


def _first_that_holds(rows: Rows, at: Setting) -> Any:
    """The value of a case within a larger value, which has one item."""
    return next((row.items[0](at) for row in rows if row.condition(at)), nan)
