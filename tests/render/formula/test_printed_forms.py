"""Text, LaTeX and Python of random formulas, read back, are what sympy's tree says."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import ceil, floor, prod
from typing import Any

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archcalc.parametric.formulas.deriving import derive_formulas
from archcalc.parametric.formulas.formula import Case, Formulas
from archcalc.quantity.symbolic import floor_div
from archcalc.record import replace
from archcalc.render import formula as render
from archcalc.render.formula.expression import ExpressionWriter
from archcalc.spec.library import find_network
from tests.render.formula.printed_forms import PrintedForms
from tests.render.formula.reading_latex import read_latex
from tests.render.formula.reading_text import value_of

L, D, N, M = [sympy.Symbol(name, positive=True, integer=True) for name in ("L", "d", "n", "m_0")]
DEPTH = sympy.Symbol("depths[0]", nonnegative=True, integer=True)
ALPHA = sympy.Symbol("alpha", nonnegative=True)
WHOLE = (L, D, N, M, DEPTH)
SYMBOLS = (*WHOLE, ALPHA)
UNDEFINED = (sympy.zoo, sympy.nan, sympy.oo, sympy.I)  # what division by 0 leaves


@cache
def _formulas() -> Formulas:
    return derive_formulas(find_network("stack_3x3x3"), ["weights"], ["C"])


def printed(cases: Sequence[Case], symbols: Sequence[Any] = SYMBOLS, **more: Any) -> PrintedForms:
    """The forms of a formula called `macs` with these cases."""
    (formula,) = _formulas().formulas
    given = replace(formula, quantity="macs", cases=tuple(cases), symbols=tuple(symbols), **more)
    return PrintedForms(replace(_formulas(), formulas=(given,)))


# ----- the tree's own value -----

_COMPARED = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
             ">": operator.gt, ">=": operator.ge}  # fmt: skip


def value(tree: Any, at: Mapping[Any, Fraction]) -> Any:
    """What a tree of sympy's comes to, by exact arithmetic on fractions.

    Raises:
        ZeroDivisionError: something is divided by zero.
    """
    if tree.is_Symbol:
        return at[tree]
    if tree.is_Rational:
        return Fraction(int(tree.p), int(tree.q))
    if tree in (sympy.true, sympy.false):
        return bool(tree)
    if isinstance(tree, sympy.Piecewise):
        return next(value(found, at) for found, holds in tree.args if value(holds, at))
    parts = [value(part, at) for part in tree.args]
    if tree.is_Relational:
        return _COMPARED[tree.rel_op](*parts)
    for kind, reckon in _RECKONED.items():
        if isinstance(tree, kind):
            return reckon(parts)
    raise AssertionError(f"what is {tree.func}?")


_RECKONED: dict[Any, Any] = {
    sympy.Add: sum,
    sympy.Mul: prod,
    sympy.Pow: lambda parts: parts[0] ** parts[1],
    sympy.floor: lambda parts: Fraction(floor(parts[0])),
    sympy.ceiling: lambda parts: Fraction(ceil(parts[0])),
    sympy.Mod: lambda parts: parts[0] - parts[1] * floor(parts[0] / parts[1]),
    sympy.Max: max,
    sympy.Min: min,
    sympy.And: all,
    sympy.Or: any,
    sympy.Not: lambda parts: not parts[0],
}

# ----- random trees -----

NUMBERS = [*range(-4, 9), sympy.Rational(1, 2), sympy.Rational(-3, 4)]
BASES = [2, 3, -1, sympy.Rational(3, 2), sympy.Rational(-2, 3), 1 + 1 / D, N * (N + 1) / 2]
TWO: list[Any] = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    lambda a, b: sympy.Mod(a, b, evaluate=False),
    lambda a, b: sympy.Max(a, b, evaluate=False),
    lambda a, b: sympy.Min(3, b, a, evaluate=False),
]
ONE: list[Any] = [
    lambda x: sympy.floor(x, evaluate=False),
    lambda x: sympy.ceiling(x, evaluate=False),
    lambda x: x / 2,
    lambda x: x**2,
    lambda x: x**-1,
    lambda x: x**-2,
]
RELATIONS = [sympy.Eq, sympy.Ne, sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge]

LEFT = [*SYMBOLS, N % M, 2 * L % D, L / 2, D * N - 3, 3 / D, sympy.floor(L / D), -(DEPTH % 3)]
RIGHT = [*LEFT, *map(sympy.sympify, (-4, 1, 2, 5, sympy.Rational(3, 2)))]


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Any:
    """A value: sums, products, quotients, powers, floors, remainders, extremes, cases."""
    kind = draw(st.integers(0, 9)) if depth else 0
    if kind < 2:
        return draw(st.sampled_from([*SYMBOLS, *WHOLE, *map(sympy.sympify, NUMBERS)]))
    if kind == 2:
        base = sympy.sympify(draw(st.sampled_from(BASES)))
        return base ** draw(st.sampled_from([N, DEPTH, DEPTH - 2, -N]))
    if kind == 3:  # as sizes are: sympy would take minutes to look into floors of anything
        first, second = draw(st.sampled_from(WHOLE)), draw(st.sampled_from(WHOLE))
        inside = draw(st.integers(-2, 4)) * first + second + draw(st.integers(-9, 9))
        return floor_div(inside, draw(st.sampled_from([2, 3, 4, D, 2 * D])))
    if kind < 5:
        return draw(st.sampled_from(ONE))(draw(trees(depth - 1)))
    if kind < 9:
        two = draw(trees(depth - 1)), draw(trees(depth - 1))
        assume(not any(part.has(*UNDEFINED) for part in two))  # sympy cannot compare them
        return draw(st.sampled_from(TWO))(*two)
    rows = [
        (draw(trees(max(depth - 2, 0))), draw(conditions(max(depth - 2, 0))))
        for _ in range(draw(st.integers(1, 2)))
    ]
    return sympy.Piecewise(*rows, (draw(trees(max(depth - 2, 0))), True), evaluate=False)


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> Any:
    """Comparisons, and what joins them."""
    kind = draw(st.integers(0, 3)) if depth > 0 else 0
    if kind == 0:
        sides = draw(st.sampled_from(LEFT)), draw(st.sampled_from(RIGHT))
        return draw(st.sampled_from(RELATIONS))(*sides, evaluate=False)
    parts = [draw(conditions(depth - 1)) for _ in range(2)]
    if kind == 1:
        return sympy.And(*parts)
    return sympy.Or(*parts) if kind == 2 else sympy.Not(sympy.And(*parts), evaluate=False)


SETTINGS = st.fixed_dictionaries(
    {symbol: st.integers(1, 40).map(Fraction) for symbol in WHOLE}
    | {DEPTH: st.integers(0, 5).map(Fraction)}
    | {ALPHA: st.fractions(0, 4, max_denominator=12)}
)


def _right(trees: Sequence[Any], at: Mapping[Any, Fraction]) -> list[Fraction] | None:
    try:
        return [value(tree, at) for tree in trees]
    except ZeroDivisionError:
        return None


def _agree(forms: PrintedForms, trees: Sequence[Any], at: Mapping[Any, Fraction]) -> None:
    right = _right(trees, at)
    if right is not None:  # where something is divided by zero there is no network
        plain = {s.name: int(n) if n.denominator == 1 else n for s, n in at.items()}
        assert forms.at(plain) == {("macs", form): right for form in ("text", "latex", "python")}


@settings(max_examples=150)
@given(tree=trees(), at=st.lists(SETTINGS, min_size=3, max_size=3))
def test_each_form_of_a_random_formula_is_the_formula(
    tree: Any, at: list[dict[Any, Fraction]]
) -> None:
    assume(not tree.has(*UNDEFINED))
    forms = printed([Case(sympy.true, (tree,))])
    for setting in at:
        _agree(forms, [tree], setting)


@settings(max_examples=40)
@given(several=st.lists(trees(2), max_size=5), at=SETTINGS)
def test_each_form_of_a_list_is_the_list(several: list[Any], at: dict[Any, Fraction]) -> None:
    assume(not any(tree.has(*UNDEFINED) for tree in several))
    _agree(printed([Case(sympy.true, tuple(several))], is_list=True), several, at)


@settings(max_examples=60)
@given(holds=conditions(), one=trees(2), other=trees(2), at=SETTINGS)
def test_each_form_of_cases_gives_the_one_that_holds(
    holds: Any, one: Any, other: Any, at: dict[Any, Fraction]
) -> None:
    assume(not one.has(*UNDEFINED) and not other.has(*UNDEFINED))
    opposite = sympy.Not(holds, evaluate=False)
    forms = printed([Case(holds, (one,)), Case(opposite, (other,))])
    try:
        right = one if value(holds, at) else other
    except ZeroDivisionError:
        return
    _agree(forms, [right], at)


@pytest.mark.parametrize(
    ("tree", "text", "python"),
    [
        (3 * sympy.floor((L - 2 * (N % M)) / 3), "3*floor((L - 2*(n % m_0))/3)",
         "3*((L - 2*(n % m_0))//3)"),
        (sympy.floor(L / (2 * D) - 1 / D), "floor(L/(2*d) - 1/d)", "(L - 2)//(2*d)"),
        (sympy.floor(32 * ALPHA), "floor(32*alpha)", "math.floor(32*alpha)"),
        (sympy.ceiling(L / D), "ceil(L/d)", "-((-L)//d)"),
        (sympy.ceiling(L / 32) ** 2, "ceil(L/32)**2", "((L + 31)//32)**2"),
        # A triangle is a whole number, half of any number is not.
        (N * (N + 1) / 2, "n*(n + 1)/2", "n*(n + 1)//2"),
        (N / 2, "n/2", "Fraction(n, 2)"),
        (sympy.Rational(1, 2), "1/2", "Fraction(1, 2)"),
        (2 ** (DEPTH - 2), "2**(depths[0] - 2)", "Fraction(2)**(depths_0 - 2)"),
        (5 * 2**N, "5*2**n", "5*2**n"),
        (sympy.Rational(3, 2) ** N, "(3/2)**n", "Fraction(3, 2)**n"),
        (-(N % M), "-(n % m_0)", "-(n % m_0)"),
    ],
)  # fmt: skip
def test_it_is_written_as_a_person_would(tree: Any, text: str, python: str) -> None:
    assert ExpressionWriter(SYMBOLS).doprint(tree) == text
    cases = (Case(sympy.true, (tree,)),)
    (formula,) = _formulas().formulas
    given = replace(formula, cases=cases, symbols=SYMBOLS)
    source = render.python(replace(_formulas(), formulas=(given,)))
    assert f"    return {python}\n" in f"{source}\n"


@pytest.mark.parametrize(
    ("assumed", "python"),
    [
        ("L%4==2", "d*(L + 2)//4"),
        ("whole alpha", "Fraction(d*(L + 2), 4)"),
        ("L >= 2", "Fraction(d*(L + 2), 4)"),
    ],
)
def test_what_is_assumed_makes_quotients_whole(assumed: str, python: str) -> None:
    (formula,) = _formulas().formulas
    given = replace(formula, cases=(Case(sympy.true, ((D * L + 2 * D) / 4,)),), symbols=SYMBOLS)
    source = render.python(replace(_formulas(), formulas=(given,), assumptions=(assumed,)))
    assert f"    return {python}\n" in f"{source}\n"


def test_names_that_python_uses_itself_are_changed() -> None:
    names = [
        sympy.Symbol(name, integer=True) for name in ("max", "Fraction", "lambda", "a[1]", "a_1")
    ]
    (formula,) = _formulas().formulas
    case = Case(sympy.true, (sympy.Max(*names, evaluate=False) / 2,))
    given = replace(formula, quantity="min", cases=(case,), symbols=tuple(names))
    known: dict[str, Any] = {}
    exec(render.python(replace(_formulas(), formulas=(given,))), known)
    assert known["min_"](3, 1, 4, 1, 5) == Fraction(5, 2)


def test_quantities_that_python_has_one_name_for_have_functions_of_their_own() -> None:
    (formula,) = _formulas().formulas
    both = [replace(formula, quantity=name) for name in ("layers[a].params", "layers_a.params")]
    source = render.python(replace(_formulas(), formulas=tuple(both)))
    assert [line for line in source.splitlines() if line.startswith("def ")] == [
        "def layers_a_params(C):",
        "def layers_a_params_(C):",
    ]


# ----- the readers can tell -----


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (r"2 \left(n \bmod 3\right)", 2),
        (r"2 n \bmod 3", 2),
        (r"- n^{2} + 5", -11),
        (r"\frac{1}{2} n \cdot 3 \, \mathrm{depths}_{0}", 12),
        (r"\left\lfloor \frac{n}{3} \right\rfloor^{2} \max\left(2, n\right)", 4),
        ("\\begin{cases}\n1 & \\text{if } n > 4 \\\\\n7 & \\text{otherwise}\n\\end{cases}", 7),
        (r"\begin{cases} 1 & \text{if } \left(n = 4 \vee n = 5\right) \wedge n < 4 \end{cases}",
         None),
    ],
)  # fmt: skip
def test_latex_is_read_as_a_person_would(text: str, number: int | None) -> None:
    found = value_of(read_latex(text), {"n": Fraction(4), "depths[0]": Fraction(2)})
    assert found == (None if number is None else [number])


@pytest.mark.parametrize("text", ["2 3", r"n \bmod 2 \bmod 3", "n )", r"\sin n"])
def test_latex_that_could_be_misread_is_not_read(text: str) -> None:
    with pytest.raises(AssertionError):
        read_latex(text)


def test_a_form_that_says_something_else_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the parentheses that a remainder takes in a product."""
    monkeypatch.setattr(ExpressionWriter, "binding", lambda self, item: 1000)
    forms: Any = printed([Case(sympy.true, (2 * (N % M),))]).at(
        dict.fromkeys([s.name for s in SYMBOLS], 1) | {"n": 2, "m_0": 3}
    )
    assert forms == {("macs", "text"): [1], ("macs", "latex"): [4], ("macs", "python"): [1]}
