"""One walk with symbols along one setting: every layer's every figure as an expression.

Where a rule asks which way to go, it goes as at that setting, and what it asked is kept: its
figures hold wherever the answers are the same. Sizes and whole numbers are symbols by themselves,
each with its definition in terms of earlier ones, so that the expressions of deep networks stay
short; the same definition is the same symbol, in each of the walks of one network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Any, TypeAlias, cast

import sympy

from archcalc.feature_map import FeatureMap
from archcalc.graph import Node
from archcalc.layers import Layer
from archcalc.parametric.formulas.exact import Exact, exact
from archcalc.quantity.conditions import is_symbol
from archcalc.quantity.symbolic import ROUNDED
from archcalc.record import Record, replace

_SIGNS: dict[Any, str] = {
    sympy.Eq: "==", sympy.Ne: "!=", sympy.Lt: "<", sympy.Le: "<=", sympy.Gt: ">", sympy.Ge: ">=",
}  # fmt: skip


class Requirement(Record):
    """What has to hold, or else there is no network.

    Attributes:
        message: the local fact, with a place for each of `shown`.
        shown: what stands there.
        node: the layer that requires it; None where it is none.
        inputs: the shapes of its inputs.
    """

    message: str
    shown: tuple[Any, ...]
    node: Node | None
    inputs: tuple[FeatureMap, ...]


class Question(Record):
    """What was asked on the way.

    Attributes:
        condition: on symbols.
        holds: the answer.
        requirement: what follows if it does not hold; None where the network goes another way.
    """

    condition: Any
    holds: bool
    requirement: Requirement | None


_Said: TypeAlias = tuple[str, tuple[Any, ...]]  # the fact, and what is shown in it


class Path(Record):
    """What a function gave at the settings at which its questions have the same answers.

    Attributes:
        questions: each condition, the answer, and what it requires, or what is said in a place
            where it is not met.
        found: what it gave.
        same: what it was computed from, which is known by where it lies, and so has to be kept.
    """

    questions: tuple[tuple[Any, bool, Requirement | _Said | None], ...]
    found: Any
    same: tuple[Any, ...]


class Definitions:
    """The symbols that stand for expressions in earlier ones, of all walks of one network.

    Attributes:
        of: the expression that each stands for.
        paths: what was found before, by what it was found from.
    """

    def __init__(self) -> None:
        self.of: dict[Any, Any] = {}
        self.paths: dict[Any, list[Path]] = {}
        self._symbols: dict[tuple[Any, bool], Any] = {}
        self._names: dict[Any, str] = {}
        self._named: dict[str, Any] = {}
        self._of_names: dict[str, Callable[[Values], Any]] = {}
        self._scope: dict[str, Any] = {"F": Fraction, "floor": floor, "ceil": ceil}
        self._functions: dict[Any, Callable[[Values], Any]] = {}
        self._relations: dict[tuple[str, Any, Any], Any] = {}

    def symbol(self, expression: Any, whole: bool) -> Any:
        """The symbol that stands for an expression."""
        found = self._symbols.get((expression, whole))
        if found is None:
            kind = {"integer": True} if whole else {"real": True}
            found = sympy.Symbol(f"_{len(self.of)}", **kind)
            self._symbols[expression, whole] = found
            self.of[found] = expression
        return found

    def relation(self, relation: str, a: Any, b: Any) -> Any:
        """A relation of two expressions."""
        asked = (relation, a, b)
        found = self._relations.get(asked)
        if found is None:
            found = self._relations[asked] = _relation(relation, a, b)
        return found

    def name(self, symbol: Any) -> str:
        """What a symbol is called in what computes; text is found faster than what sympy makes."""
        found = self._names.get(symbol)
        if found is None:
            found = self._names[symbol] = f"s{len(self._names)}"
            self._named[found] = symbol
        return found

    def value(self, name: str, values: Values) -> Exact:
        """What a symbol is that is defined by others, by its name."""
        compute = self._of_names.get(name)
        if compute is None:
            compute = self._of_names[name] = self.function(self.of[self._named[name]])
        return cast(Exact, compute(values))

    def function(self, expression: Any) -> Callable[[Values], Any]:
        """What computes an expression, or a condition, from the values of symbols."""
        found = self._functions.get(expression)
        if found is None:
            source = f"lambda v: {self._source(expression)}"
            found = self._functions[expression] = eval(source, self._scope)
        return found

    def _source(self, expression: Any) -> str:
        """An expression in Python: exact, by ints and fractions."""
        if expression.is_Symbol:
            return f"v[{self.name(expression)!r}]"
        if expression in (sympy.true, sympy.false):
            return str(bool(expression))
        if expression.is_Rational:
            return f"({expression.p})" if expression.q == 1 else self._constant(expression)
        if expression.is_Pow:
            base, power = expression.args
            if not power.is_Integer:
                raise AssertionError(expression)
            return f"(F({self._source(base)})**{int(power)})"
        if isinstance(expression, ROUNDED):
            return self._rounded(expression)
        parts = [self._source(part) for part in expression.args]
        if expression.is_Add or expression.is_Mul:
            return f"({(' + ' if expression.is_Add else '*').join(parts)})"
        if isinstance(expression, (sympy.Max, sympy.Min)):
            return f"{'max' if isinstance(expression, sympy.Max) else 'min'}({','.join(parts)})"
        if isinstance(expression, sympy.Mod):
            return f"({parts[0]} % {parts[1]})"
        if isinstance(expression, sympy.Not):
            return f"(not {parts[0]})"
        if isinstance(expression, (sympy.And, sympy.Or)):
            return f"({(' and ' if isinstance(expression, sympy.And) else ' or ').join(parts)})"
        sign = _SIGNS.get(expression.func)
        if sign is None:
            if expression in (sympy.zoo, sympy.nan):
                raise ZeroDivisionError
            raise AssertionError(expression)
        return f"({parts[0]} {sign} {parts[1]})"

    def _constant(self, number: Any) -> str:
        """The name of a fraction, which is made once."""
        name = f"c{number.p}_{number.q}".replace("-", "n")
        self._scope[name] = Fraction(int(number.p), int(number.q))
        return name

    def _rounded(self, expression: Any) -> str:
        """A floor or a ceiling: of a sum of fractions of whole numbers without any fraction."""
        terms = [term.as_coeff_Mul() for term in sympy.Add.make_args(expression.args[0])]
        if not all(factor.is_Rational for factor, _ in terms):
            way = "floor" if isinstance(expression, sympy.floor) else "ceil"
            return f"{way}({self._source(expression.args[0])})"
        under = lcm(*[int(factor.q) for factor, _ in terms])
        sign = 1 if isinstance(expression, sympy.floor) else -1
        over = " + ".join(
            f"({int(factor * under) * sign})*{self._source(rest)}" for factor, rest in terms
        )
        found = f"(({over})//{under})"
        return found if sign == 1 else f"(-{found})"


class Values(dict[str, Exact]):
    """The values of symbols by their names, those of defined ones when they are asked for."""

    def __init__(self, definitions: Definitions, setting: Mapping[Any, Exact]) -> None:
        super().__init__({definitions.name(one): exact(value) for one, value in setting.items()})
        self._definitions = definitions

    def __missing__(self, name: str) -> Exact:
        found = self[name] = self._definitions.value(name, self)
        return found


class Evaluation:
    """Expressions at one setting: exact, each part once.

    Attributes:
        values: those of symbols.
    """

    def __init__(self, definitions: Definitions, setting: Mapping[Any, Exact]) -> None:
        self._definitions = definitions
        self.values = Values(definitions, setting)

    def __call__(self, expression: Any) -> Exact:
        """The number that an expression is.

        Raises:
            ZeroDivisionError: it divides by zero.
        """
        if isinstance(expression, (int, Fraction)):
            return expression
        return exact(self._definitions.function(expression)(self.values))

    def holds(self, condition: Any) -> bool:
        """Whether a condition holds."""
        return bool(self._definitions.function(condition)(self.values))


class Course:
    """Follows one setting of the symbols, as `archcalc.quantity.conditions.Follower`.

    Attributes:
        questions: what was asked on the way, in order, each once.
        failed: the latest requirement that was not met.
    """

    def __init__(self, definitions: Definitions, setting: Mapping[Any, Exact]) -> None:
        self.questions: list[Question] = []
        self.failed: Requirement | None = None
        self._definitions = definitions
        self._at = Evaluation(definitions, setting)
        self._asked: dict[Any, bool] = {}
        self._place: tuple[Node | None, tuple[FeatureMap, ...]] = (None, ())
        self._recorded: list[dict[Any, Any]] = []  # questions of what is being computed, for `Path`

    def decides(self, condition: Any) -> bool:
        return self._answer(condition, None)

    def holds(self, relation: str, a: Any, b: Any) -> bool:
        return self._answer(self._definitions.relation(relation, a, b), None)

    def requires(self, relation: str, a: Any, b: Any, message: str, shown: tuple[Any, ...]) -> bool:
        return self._required(self._definitions.relation(relation, a, b), (message, shown))

    def _required(self, condition: Any, said: _Said) -> bool:
        node = self._place[0]
        requirement = Requirement(*said, *self._place)
        # A head for training that does not fit is left out, and the walk goes on.
        is_needed = node is None or not node.training_only
        holds = self._answer(condition, requirement if is_needed else None, said)
        if not holds:
            self.failed = requirement
        return holds

    def remembered(self, compute: Callable[[], Any], key: Any, same: tuple[Any, ...]) -> Any:
        paths = self._definitions.paths.setdefault((key, *map(id, same)), [])
        for path in paths:
            if all(self._at.holds(condition) is holds for condition, holds, _ in path.questions):
                for condition, _, said in path.questions:
                    if isinstance(said, tuple):
                        self._required(condition, said)
                    else:
                        self._answer(condition, said, said)
                return path.found
        self._recorded.append({})
        try:
            found = compute()
        finally:
            questions = self._recorded.pop()
        paths.append(Path(tuple(questions.values()), found, same))
        return found

    def number(self, value: Any) -> Any:
        if value.is_Relational or value.is_Boolean:
            return value
        found = self._at(value)
        self._answer(_relation("Eq", value, found), None)
        return found

    def named(self, value: Any) -> Any:
        if value.is_Symbol or value.is_Rational or value.is_Relational or value.is_Boolean:
            return value
        return self._definitions.symbol(value, _is_whole(value))

    def whole(self, value: Any) -> Any:
        if value.is_Integer:
            return value
        if not value.is_integer:
            required = Requirement("expected a whole number, found {}", (value,), None, ())
            self._answer(_relation("Divides", value, 1), required, required)
        elif value.is_Symbol:
            return value
        return self._definitions.symbol(value, whole=True)

    def stands_at(self, place: Any, inputs: Any) -> None:
        if any(map(is_symbol, vars(place.layer).values())):
            place = replace(place, layer=self._without_defaults(place.layer))
        self._place = (place, tuple(inputs))

    def _without_defaults(self, layer: Layer) -> Layer:
        """A layer whose fields are at their defaults where they are so at the setting: messages
        do not show these."""
        defaults = layer.defaults
        given = vars(layer)
        return type(layer)(**{
            name: defaults[name]
            if is_symbol(value) and type(defaults.get(name)) is int
            and self.holds("Eq", value, defaults[name])
            else value
            for name, value in given.items()
        })  # fmt: skip

    def _answer(
        self,
        condition: Any,
        requirement: Requirement | None,
        said: Requirement | _Said | None = None,
    ) -> bool:
        if condition is sympy.true or condition is sympy.false:
            return bool(condition)
        known = self._asked.get(condition)
        if known is None:
            known = self._asked[condition] = self._at.holds(condition)
            self.questions.append(Question(condition, known, requirement))
        for questions in self._recorded:
            questions.setdefault((condition, said is None), (condition, known, said))
        return known


def _is_whole(expression: Any) -> bool:
    """Whether an expression is a whole number by how it is made: sympy would ask for long."""
    if expression.is_Symbol or expression.is_Rational:
        return bool(expression.is_integer)
    if isinstance(expression, ROUNDED):
        return True
    if expression.is_Pow:
        base, power = expression.args
        return bool(power.is_Integer and power >= 0) and _is_whole(base)
    return all(map(_is_whole, expression.args))


def _relation(relation: str, a: Any, b: Any) -> Any:
    """A relation of which sympy does not ask whether it holds, which may take long."""
    if relation == "Divides":
        a, b = sympy.Mod(a, b), 0
    kind = sympy.Ge if relation == "Ge" else sympy.Eq
    difference = a - b
    if not is_symbol(difference) or difference.is_number:
        holds = difference >= 0 if relation == "Ge" else difference == 0
        return sympy.true if holds else sympy.false
    return kind(sympy.sympify(a), sympy.sympify(b), evaluate=False)
