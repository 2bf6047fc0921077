"""Expressions as a lecture writes them: `(n - k + 2*p)/s + 1`.

A rule computes `n + p + p - (1*(k - 1) + 1)`, with starts of sums and products, and the same pad
on either side. Here terms are collected, factors ordered, and zeros and ones that the rule has for
itself left out; what a quantity happens to be does not matter, so that a padding of 0 stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from archcalc.quantity.traced import Constant, Leaf, Operation, Tree, evaluate
from archcalc.record import Record


class Number(Record):
    """A number that belongs to the rule."""

    value: int


class Name(Record):
    """A quantity by its symbol, and its value here."""

    symbol: str
    value: int


class Sum(Record):
    """Each term times its coefficient, and a constant."""

    terms: tuple[tuple[int, Form], ...]
    constant: int


class Product(Record):
    """The factors and a coefficient."""

    coefficient: int
    factors: tuple[Form, ...]


class Quotient(Record):
    """`dividend / divisor`, rounded down, or `up`."""

    dividend: Form
    divisor: Form
    up: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether there is nothing to round."""
        return value_of(self.dividend) % value_of(self.divisor) == 0


class Extreme(Record):
    """The smallest or the largest of some."""

    which: Literal["min", "max"]
    forms: tuple[Form, ...]


Form: TypeAlias = "Number | Name | Sum | Product | Quotient | Extreme"

# The order of factors, by their symbol without what stands behind an underscore.
_ORDER = ("d", "k", "p", "j", "s", "C_in", "C", "g", "C_out", "n", "m", "N")


def form_of(tree: Tree, known: Mapping[Tree, str]) -> Form:
    """A tree as a lecture writes it.

    Args:
        known: trees that have been derived before, by the symbol that stands for them here.
    """
    if isinstance(tree, Leaf):
        return Name(tree.name, tree.value)
    if isinstance(tree, Constant):
        return Number(tree.value)
    if known and tree in known:
        return Name(known[tree], evaluate(tree))
    operands = [form_of(operand, known) for operand in tree.operands]
    match tree:
        case Operation("-", (Operation("//", (Operation("-", (over,)), under)),)):
            return quotient(form_of(over, known), form_of(under, known), up=True)
        case Operation("-", (_,)):
            return sum_of([(-1, operands[0])])
        case Operation("+", _):
            return sum_of([(1, operands[0]), (1, operands[1])])
        case Operation("-", _):
            return sum_of([(1, operands[0]), (-1, operands[1])])
        case Operation("*", _):
            return product_of(operands)
        case Operation("//", _):
            return quotient(operands[0], operands[1])
        case Operation("**", (base, Constant(exponent))):
            return product_of([form_of(base, known)] * exponent)
        case Operation("min" | "max" as which, _):
            return _extreme(which, operands)
    raise ValueError(f"no form for {tree}")


def value_of(form: Form) -> int:
    """The number that a form comes to."""
    match form:
        case Number(value) | Name(_, value):
            return value
        case Sum(terms, constant):
            return sum(coefficient * value_of(term) for coefficient, term in terms) + constant
        case Product(coefficient, factors):
            for factor in factors:
                coefficient *= value_of(factor)
            return coefficient
        case Quotient(dividend, divisor, up):
            over, under = value_of(dividend), value_of(divisor)
            return -(-over // under) if up else over // under
        case Extreme(which, forms):
            return (min if which == "min" else max)(map(value_of, forms))


def sum_of(terms: Iterable[tuple[int, Form]]) -> Form:
    """The sum of forms, each times a number."""
    collected: dict[Form, int] = {}
    constant = 0
    for coefficient, form in _flat(terms):
        if isinstance(form, Number):
            constant += coefficient * form.value
        else:
            collected[form] = collected.get(form, 0) + coefficient
    left = [(coefficient, form) for form, coefficient in collected.items() if coefficient]
    common = _with_common_factor(left)
    if common is not None:
        return sum_of([*common, (constant, Number(1))])
    if not left:
        return Number(constant)
    if len(left) == 1 and constant == 0:
        return product_of([Number(left[0][0]), left[0][1]])
    return Sum(_in_order(left), constant)


def product_of(factors: Iterable[Form]) -> Form:
    """The product of forms."""
    coefficient = 1
    found: list[Form] = []
    for factor in factors:
        if isinstance(factor, Number):
            coefficient *= factor.value
        elif isinstance(factor, Product):
            coefficient *= factor.coefficient
            found += factor.factors
        else:
            found.append(factor)
    if coefficient == 0 or not found:
        return Number(coefficient)
    if coefficient == 1 and len(found) == 1:
        return found[0]
    return Product(coefficient, tuple(sorted(found, key=_place_in_product)))


def quotient(dividend: Form, divisor: Form, up: bool = False) -> Form:
    """`dividend / divisor`, rounded down, or `up`."""
    if divisor == Number(1):
        return dividend
    found = Quotient(dividend, divisor, up)
    both = isinstance(dividend, Number) and isinstance(divisor, Number)
    return Number(value_of(found)) if both else found


def names_in(form: Form) -> list[Name]:
    """The names that a form mentions, each once, in order."""
    match form:
        case Name():
            return [form]
        case Number():
            return []
        case Sum(terms, _):
            parts = [term for _, term in terms]
        case Product(_, factors):
            parts = list(factors)
        case Quotient(dividend, divisor, _):
            parts = [dividend, divisor]
        case Extreme(_, forms):
            parts = list(forms)
    return list(dict.fromkeys(name for part in parts for name in names_in(part)))


def _extreme(which: Literal["min", "max"], forms: Iterable[Form]) -> Form:
    flat: list[Form] = []
    for form in forms:
        nested = isinstance(form, Extreme) and form.which == which
        flat += form.forms if isinstance(form, Extreme) and nested else [form]
    different = list(dict.fromkeys(flat))
    return different[0] if len(different) == 1 else Extreme(which, tuple(different))


def _flat(terms: Iterable[tuple[int, Form]]) -> Iterable[tuple[int, Form]]:
    """Sums within sums opened, and the numbers in products counted to the coefficients."""
    for coefficient, form in terms:
        if isinstance(form, Product) and form.coefficient != 1:
            yield from _flat([(coefficient * form.coefficient, product_of(form.factors))])
        elif isinstance(form, Sum):
            yield from _flat((coefficient * each, term) for each, term in form.terms)
            yield coefficient * form.constant, Number(1)
        else:
            yield coefficient, form


def _with_common_factor(terms: list[tuple[int, Form]]) -> list[tuple[int, Form]] | None:
    """`(k - 1 - p)*j + p*j` as `(k - 1)*j`; None where no sum meets its factor again."""
    for number, (coefficient, form) in enumerate(terms):
        if not isinstance(form, Product):
            continue
        inner = [factor for factor in form.factors if isinstance(factor, Sum)]
        shared: list[Form] = [factor for factor in form.factors if not isinstance(factor, Sum)]
        if len(inner) != 1 or not shared:
            continue
        parts, others = [(coefficient, product_of(inner))], []
        for other in terms[:number] + terms[number + 1 :]:
            rest = _divided(other[1], shared)
            if rest is None:
                others.append(other)
            else:
                parts.append((other[0], rest))
        if len(parts) > 1:
            return [*others, (1, product_of([sum_of(parts), *shared]))]
    return None


def _divided(form: Form, factors: list[Form]) -> Form | None:
    """`form` without these factors; None where it does not have them."""
    own: list[Form] = [*form.factors] if isinstance(form, Product) else [form]
    for factor in factors:
        if factor not in own:
            return None
        own.remove(factor)
    return product_of(own)


def _in_order(terms: list[tuple[int, Form]]) -> tuple[tuple[int, Form], ...]:
    """The order of the rule, but multiples last, and first a term that is added."""
    found = sorted(terms, key=lambda term: abs(term[0]) != 1)
    first = next((n for n, (coefficient, _) in enumerate(found) if coefficient > 0), 0)
    return (found[first], *found[:first], *found[first + 1 :])


def _place_in_product(factor: Form) -> float:
    """The place of the first of its names in `_ORDER`; others come last."""
    for name in names_in(factor)[:1]:
        for symbol in (name.symbol, name.symbol.partition("_")[0]):
            if symbol in _ORDER:
                place = _ORDER.index(symbol)
                return min(place, _ORDER.index("j") - 0.5) if isinstance(factor, Sum) else place
    return len(_ORDER)
