"""Expressions as a lecture writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.explaining.forms import Quotient, form_of, names_in, value_of
from archcalc.quantity.arithmetic import ceil_div, largest, smallest
from archcalc.quantity.traced import Constant, Leaf, Operation, Tree, evaluate, named, tree_of
from archcalc.render import notation
from archcalc.window import Window
from tests.explaining.equations import computed

LEAVES = st.builds(Leaf, st.sampled_from("abcd"), st.none()).map(
    lambda leaf: Leaf(leaf.name, {"a": 1, "b": -2, "c": 7, "d": 12}[leaf.name])
)
CONSTANTS = st.integers(-3, 3).map(Constant)
DIVISORS = st.one_of(st.just(Leaf("c", 7)), st.integers(1, 4).map(Constant))


def _operations(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    both = st.tuples(children, children)
    return st.one_of(
        st.builds(Operation, st.sampled_from(["+", "-", "*", "min", "max"]), both),
        st.builds(Operation, st.just("//"), st.tuples(children, DIVISORS)),
        st.builds(Operation, st.just("-"), st.tuples(children)),
        st.builds(Operation, st.just("**"), st.tuples(children, st.integers(0, 3).map(Constant))),
    )


TREES: st.SearchStrategy[Tree] = st.recursive(
    st.one_of(LEAVES, CONSTANTS), _operations, max_leaves=12
)


@given(TREES)
def test_tidying_never_changes_the_number(tree: Tree) -> None:
    form = form_of(tree, {})
    assert value_of(form) == evaluate(tree)
    assert computed(notation.text(form, values=True)) == evaluate(tree)


@given(TREES, st.integers(1, 9))
def test_tidying_holds_for_other_values_of_the_same_names(tree: Tree, value: int) -> None:
    # What is shown may not hang on what a quantity happens to be: only on the rule.
    form = notation.text(form_of(_with_value(tree, value), {}))
    if "floor" not in form and "ceil" not in form and "/" not in form:
        assert form == notation.text(form_of(tree, {}))


def _with_value(tree: Tree, value: int) -> Tree:
    if isinstance(tree, Leaf):
        return Leaf(tree.name, tree.value if tree.name == "c" else value)
    if isinstance(tree, Constant):
        return tree
    return Operation(tree.sign, tuple(_with_value(part, value) for part in tree.operands))


N, K, S, P, D, J = (
    named(name, value)
    for name, value in {"n": 227, "k": 11, "s": 4, "p": 0, "d": 2, "j": 3}.items()
)


@pytest.mark.parametrize(
    ("value", "symbols", "numbers"),
    [
        (Window(K, S, P, P).placements(N), "(n - k + 2*p)/s + 1", "(227 - 11 + 2*0)/4 + 1"),
        (
            Window(K, S, P, P, D).placements(N),
            "floor((n - d*(k - 1) + 2*p - 1)/s) + 1",
            "floor((227 - 2*(11 - 1) + 2*0 - 1)/4) + 1",
        ),
        (1 * K * K * 3, "3*k*k", "3*11*11"),
        (0 + K + K, "2*k", "2*11"),
        ((K - 1 - P) * J + P * J, "(k - 1)*j", "(11 - 1)*3"),
        (N - (P - K), "n - p + k", "227 - 0 + 11"),
        (P - N - K, "p - n - k", "0 - 227 - 11"),
        (0 - N, "-n", "-227"),
        (ceil_div(N, S), "ceil(n/s)", "ceil(227/4)"),
        (ceil_div(K, named("g", 11)), "k/g", "11/11"),
        (K * (N // S), "k*floor(n/s)", "11*floor(227/4)"),
        (K * (N // K * K), "k*k*floor(n/k)", "11*11*floor(227/11)"),
        (largest(largest(K, N), P), "max(k, n, p)", "max(11, 227, 0)"),
        (smallest(N - N, K), "min(0, k)", "min(0, 11)"),
        (named("o", -3) - P * named("q", -2), "o - p*q", "-3 - 0*(-2)"),
        (K**2 * 1, "k*k", "11*11"),
        ((N + K) // (S * J), "floor((n + k)/(j*s))", "floor((227 + 11)/(3*4))"),
        (2 * (N + 1), "2*(n + 1)", "2*(227 + 1)"),
    ],
)
def test_an_expression_reads_as_a_lecture_has_it(value: int, symbols: str, numbers: str) -> None:
    form = form_of(tree_of(value), {})
    assert notation.text(form) == symbols
    assert notation.text(form, values=True) == numbers
    assert computed(numbers) == value


def test_latex_has_fractions_and_indices() -> None:
    form = form_of(tree_of((N - K - 1) // (2 * S) + named("C_in", 1_000)), {})
    assert notation.latex(form) == (
        r"\left\lfloor \frac{n - k - 1}{2 \cdot s} \right\rfloor + C_{\mathrm{in}}"
    )
    assert notation.latex(form, values=True).endswith("+ 1{,}000")


def test_what_was_derived_before_stands_under_its_symbol() -> None:
    size = Window(K, S, P, P).placements(N)
    form = form_of(tree_of(size * size * 96), {tree_of(size): "m"})
    assert notation.text(form) == "96*m*m"
    assert [name.symbol for name in names_in(form)] == ["m"]


def test_a_quotient_knows_whether_it_is_rounded() -> None:
    seven, two = form_of(Leaf("a", 7), {}), form_of(Leaf("b", 2), {})
    assert not Quotient(seven, two).is_exact
    assert value_of(Quotient(seven, two)) == 3
    assert value_of(Quotient(seven, two, up=True)) == 4
