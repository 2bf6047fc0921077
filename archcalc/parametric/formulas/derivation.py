"""Derives formulas of one network, and compares them with the walk until they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sympy

from archcalc.analysis import Analysis
from archcalc.errors import LayerError, SpecError, UsageError
from archcalc.parametric.formulas.assumptions import replacements
from archcalc.parametric.formulas.cases import (
    Condition,
    Path,
    TooManyCasesError,
    any_of,
    cases,
    condition_of,
    in_general,
    known_values,
    merged,
)
from archcalc.parametric.formulas.comparing import Comparison, Difference, Unknown, difference_at
from archcalc.parametric.formulas.counting import along_counts
from archcalc.parametric.formulas.domains import COUNTS, Domain
from archcalc.parametric.formulas.exact import Exact, exact
from archcalc.parametric.formulas.formula import Case, Formula, Formulas
from archcalc.parametric.formulas.ranges import simplest
from archcalc.parametric.formulas.subjects import Subject, subjects
from archcalc.parametric.formulas.tidying import Sizes, tidy, with_floors_merged
from archcalc.parametric.formulas.walking import NoFigureError, UnsettledError, Walker
from archcalc.parametric.variables import Variable
from archcalc.quantity.conditions import decided, is_symbol
from archcalc.quantity.symbolic import replaced
from archcalc.spec.values import Value

MOST_ROUNDS = 5  # of deriving again, with what a comparison with the walk showed
LARGEST_GRAPH = 2500  # layers that a comparison walks


class Derivation:
    """Derives formulas of one network, and compares them with the walk."""

    def __init__(
        self,
        walker: Walker,
        quantities: Sequence[str],
        found: Sequence[Variable],
        assumptions: Sequence[Any],
    ) -> None:
        self._walker = walker
        self._quantities = quantities
        self._sizes = free_symbols(walker.graph.input_sizes)
        self._require_figures()
        self._subjects = subjects(walker, found)
        free = {str(symbol): symbol for symbol in self._sizes}
        free |= {subject.label: subject.symbol for subject in self._subjects}
        self._symbols = tuple(free.values())
        for subject in self._subjects:
            for assumption in assumptions:
                if subject.shapes and assumption.label == subject.label:
                    raise UsageError(
                        f"not needed for {subject.label}, which counts blocks", "assume"
                    )
        known = dict.fromkeys(free, COUNTS)
        known |= {subject.label: subject.domain for subject in self._subjects}
        changed = replacements(assumptions, free, known)
        self._assumed_of = {assumption.label for assumption in assumptions}
        self._replaced = {r.symbol: r.expression for r in changed}
        self._back = {r.inner: r.back for r in changed}
        self._first: dict[Subject, int] = {}
        self._look_to: dict[Subject, int] = {}  # counts, before a form is taken from them
        self._apart: dict[tuple[Subject, Exact], None] = {}  # values that are cases by themselves
        self._asked: dict[Any, None] = {}
        self._joined: dict[tuple[Any, Any], None] = {}  # sizes that branches have, case by case

    def _require_figures(self) -> None:
        """Raises UsageError where a quantity does not exist in the network itself."""
        try:
            self._walker.quantities(self._walker.analysis(self._walker.graph))
        except NoFigureError as error:
            raise UsageError(str(error)) from None
        except (LayerError, UsageError):  # what is assumed may mend it
            pass
        self._walker.lengths, self._walker.equal = [], {}

    def compared(self, assume: tuple[str, ...]) -> Formulas:
        """The formulas, as the walk confirms them.

        Raises:
            UsageError: they differ from the walk, somewhere; says where.
        """
        for _ in range(MOST_ROUNDS):
            formulas = self._formulas()
            comparison = Comparison(self._unknowns(), self._analysis_at)
            difference = comparison.difference(formulas, self._asked)
            if difference is None:
                break
            if not self._learns_from(difference):
                break
        if difference is not None:
            raise UsageError(
                f"no formula of {difference.formula.quantity} in "
                f"{', '.join(map(str, self._symbols))} was found that holds: {difference}"
            )
        if not comparison.settings:
            raise UsageError(
                f"no formula of {', '.join(self._quantities)}: there is no network to compare it "
                "with, by what is assumed and set"
            )
        first = {s.label: self._first[s] for s in self._subjects if s in self._first}
        return Formulas(
            graph=self._walker.graph,
            formulas=formulas,
            assumptions=(*assume, *self._beyond(comparison.beyond)),
            first=first,
            last={str(symbol): number for symbol, number in comparison.last.items()},
            equal=self._equal(),
            settings=comparison.settings,
        )

    def _equal(self) -> tuple[tuple[Any, Any], ...]:
        """Pairs of sizes that have to be equal wherever the formulas hold."""
        found: dict[tuple[Any, Any], None] = {}
        for pair in self._joined:
            m, n = (tidy(size, Sizes([[size]])) for size in pair)
            if m != n:
                found[m, n] = None
        return tuple(found)

    # ----- formulas -----

    def _formulas(self) -> tuple[Formula, ...]:
        """The formulas, case by case."""
        self._first.clear()
        self._joined.clear()
        try:
            found = self._by_case(merge=False)
        except TooManyCasesError:
            found = self._by_case(merge=True)
        except UnsettledError as error:
            if not self._set_apart(error.symbol, error.value):
                raise
            return self._formulas()
        return tuple(self._collected(found))

    def _set_apart(self, symbol: Any, value: Any) -> bool:
        """Makes a value of a symbol a case by itself; False if it is one already, or cannot be."""
        subject = next((s for s in self._subjects if s.symbol == symbol), None)
        if subject is None or subject.shapes or symbol in self._replaced:
            return False
        known = (subject, exact(value)) in self._apart
        self._apart[subject, exact(value)] = None
        self._walker.apart.add((symbol, sympy.sympify(value)))
        return not known

    def _by_case(self, *, merge: bool) -> list[tuple[Path, list[Any] | None]]:
        shaping = [subject for subject in self._subjects if subject.shapes]
        others = {
            subject: self._replaced.get(subject.symbol, subject.symbol)
            for subject in self._subjects
            if not subject.shapes
        }
        found: list[tuple[Path, list[Any] | None]] = []
        for path, values in cases(lambda: self._in_its_case(others, shaping), merge=merge):
            self._asked |= dict.fromkeys(
                replaced(condition.relation, self._back) for condition in path
            )
            known = known_values(path)
            for pair in self._walker.equal:
                m, n = (self._put_back(size, known) for size in pair)
                self._joined[m, n] = None
            self._walker.equal = {}
            if values is not None:
                sizes = Sizes(
                    [self._put_back(n, known) for n in m.sizes] for m in self._walker.maps
                )
                values = [tidy(self._put_back(v, known), sizes) for v in values]
            found.append((self._path_back(path), values))
        return found

    def _in_its_case(
        self, values: Mapping[Subject, Value], shaping: Sequence[Subject]
    ) -> list[Any]:
        special = dict(values)
        for subject, value in self._apart:
            if decided(sympy.Eq(subject.symbol, sympy.sympify(value))):
                special[subject] = value
        return self._at(special, shaping)

    def _at(self, values: Mapping[Subject, Value], shaping: Sequence[Subject]) -> list[Any]:
        """All quantities, in the symbols that shape the graph and those among the values."""
        if not shaping:
            by_variable = {subject.variable: value for subject, value in values.items()}
            graph = self._walker.built(by_variable, self._replaced)
            return self._walker.quantities(self._walker.analysis(graph))
        subject, *others = shaping
        found = along_counts(
            lambda number: self._at({**values, subject: number}, others),
            subject,
            self._look_to.get(subject, 0),
        )
        self._first[subject] = max(found.first, self._first.get(subject, 0))
        return list(found.values)

    def _put_back(self, value: Any, known: Mapping[Any, Any]) -> Any:
        """A value in the symbols that the user named."""
        return replaced(replaced(sympy.sympify(value), known), self._back)

    def _path_back(self, path: Path) -> Path:
        return tuple(
            Condition(simplest(with_floors_merged(replaced(c.relation, self._back))), c.holds)
            for c in path
        )

    def _collected(self, found: list[tuple[Path, list[Any] | None]]) -> Iterator[Formula]:
        """For each quantity its values, those that are the same in several cases once."""
        start = 0
        for quantity, length in zip(self._quantities, self._walker.lengths, strict=True):
            end = start + (1 if length is None else length)
            column = in_general(
                [(path, v if v is None else tuple(v[start:end])) for path, v in found]
            )
            by_value = tuple(
                Case(any_of([condition_of(path) for path in paths]), values)
                for paths, values in merged(column)
            )
            yield Formula(quantity, length is not None, by_value, self._symbols)
            start = end

    # ----- against the walk -----

    def _unknowns(self) -> list[Unknown]:
        found: list[tuple[Any, Exact, Domain, bool]]
        found = [(symbol, 2, COUNTS, False) for symbol in self._sizes]
        found += [(s.symbol, exact(s.variable.own), s.domain, s.shapes) for s in self._subjects]
        return [
            Unknown(
                symbol,
                own,
                domain,
                self._claimed(symbol),
                is_count,
                probes=str(symbol) not in self._assumed_of,
            )
            for symbol, own, domain, is_count in found
        ]

    def _claimed(self, symbol: Any) -> Callable[[Exact], Exact]:
        """The least value no less than another that what is assumed of a symbol allows."""
        first = next((n for s, n in self._first.items() if s.symbol == symbol), None)

        def claimed(value: Exact) -> Exact:
            if first is not None:
                return max(value, first)
            expression = self._replaced.get(symbol)
            if expression is None:
                return value
            (inner,) = expression.free_symbols
            beyond = sympy.sympify(self._back[inner]).subs(symbol, sympy.sympify(value))
            least = 1 if inner.is_positive else 0 if inner.is_nonnegative else beyond
            steps = max(least, sympy.ceiling(beyond) if inner.is_integer else beyond)
            return exact(expression.subs(inner, steps))

        return claimed

    def _analysis_at(self, setting: Mapping[Any, Exact]) -> Analysis | None:
        """The plain walk; None where there is no network, or one too large for many of them."""
        values = {s.variable: setting[s.symbol] for s in self._subjects}
        sizes = {symbol: setting[symbol] for symbol in self._sizes}
        try:
            graph = self._walker.built(values, sizes)
            if len(graph.nodes) > max(LARGEST_GRAPH, len(self._walker.graph.nodes)):
                return None
            return self._walker.analysis(graph)
        except (LayerError, SpecError, UsageError):
            return None

    def _learns_from(self, difference: Difference) -> bool:
        """Whether deriving again may mend a difference: counts were looked at up to too small a
        number, or a single value is a case by itself."""
        for subject in self._subjects:
            value = difference.setting[subject.symbol]
            if subject.shapes:
                turn = self._turn(difference, subject)
                if turn is not None and turn > self._look_to.get(subject, 0):
                    self._look_to[subject] = turn
                    return True
            elif self._is_apart(difference, subject) and self._set_apart(subject.symbol, value):
                return True
        return False

    def _turn(self, difference: Difference, subject: Subject) -> int | None:
        """The least count, other things equal, that a formula fails at; None if not even later."""
        low, high = self._first.get(subject, 0), int(difference.setting[subject.symbol])
        if self._fails(difference, subject, low):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (low, middle) if self._fails(difference, subject, middle) else (middle, high)
            )
        return high

    def _is_apart(self, difference: Difference, subject: Subject) -> bool:
        """Whether a formula that fails at a value of a subject holds beside it."""
        value = difference.setting[subject.symbol]
        beside = (
            [1] if subject.domain.is_whole else [exact(sympy.Rational(1, n)) for n in (1, 2, 8)]
        )
        held = [
            self._fails(difference, subject, exact(value + step * sign))
            for step in beside
            for sign in (1, -1)
        ]
        return False in held and True not in held

    def _fails(self, difference: Difference, subject: Subject, value: Exact) -> bool | None:
        """Whether a formula fails at a value of a subject; None if there is no network."""
        setting = {**difference.setting, subject.symbol: value}
        analysis = self._analysis_at(setting)
        if analysis is None:
            return None
        return difference_at(difference.formula, setting, analysis) is not None

    def _beyond(self, beyond: Mapping[Any, set[str]]) -> Iterator[str]:
        """What is assumed of symbols where there are networks without it."""
        for subject in self._subjects:
            seen, domain = beyond.get(subject.symbol, ()), subject.domain
            is_beyond = not domain.by_need
            if domain.progression is not None and ("progression" in seen or is_beyond):
                yield domain.progression.text(subject.label)
            if subject.shapes:  # `first` says from when on
                continue
            if domain.least is not None and ("least" in seen or is_beyond):
                yield f"{subject.label} >= {domain.least}"


def free_symbols(sizes: Iterable[Any]) -> list[Any]:
    """The symbols in some sizes, in the order of their names."""
    found = {symbol for size in sizes if is_symbol(size) for symbol in size.free_symbols}
    return sorted(found, key=str)
