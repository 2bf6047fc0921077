"""Budgets: bounds that a spec sets to its own networks.

    budget:
      - params <= 5M
      - macs <= 600M
      - peak <= 8MB
      - layers[fc].params < 1M

Each is a condition as `archcalc.claims.conditions` reads it. The family's budget holds for each
variant that has none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from yaml.nodes import Node

from archcalc.analysis import Analysis
from archcalc.claims.check import Checker
from archcalc.claims.conditions import in_full, read_condition
from archcalc.claims.printed import Printed, PrintedError, Verdict
from archcalc.errors import Place, Source, SpecError
from archcalc.figures.language import evaluate
from archcalc.quantity.at_least import AtLeast
from archcalc.spec.reader import items, place_of, text_of
from archcalc.spec.syntax import Family, Network


class Budget(NamedTuple):
    """A bound.

    Attributes:
        network: the name of the network that it is set to.
        quantity: what is bounded.
        bound: the relation and the figure.
        place: where it stands.
    """

    network: str
    quantity: str
    bound: Printed
    place: Place


class CheckedBudget(NamedTuple):
    """A bound, and whether it is kept.

    Attributes:
        computed: the quantity, as archcalc has it.
        verdict: AGREES where it is kept, DIFFERS where it is broken, UNDECIDABLE where too little
            is known of the quantity.
    """

    budget: Budget
    computed: int | float | Fraction | AtLeast
    verdict: Verdict

    @property
    def is_kept(self) -> bool:
        """Whether it is certainly kept."""
        return self.verdict is Verdict.AGREES


def budgets_of(network: Network) -> list[Budget]:
    """The bounds of a network, in their order.

    Raises:
        SpecError: one is malformed.
    """
    if network.budget is None:
        return []
    nodes = items(network.budget, network.source, "budget")
    return [_budget(node, network.source, network.name) for node in nodes]


def check_budgets(family: Family, network: str | None = None) -> Iterator[CheckedBudget]:
    """Checks the budgets of a family, or of one of its networks.

    Raises:
        SpecError: a budget is malformed, or its quantity is not a number.
    """
    checker = Checker([family])
    for each in family.meant(network):
        for budget in budgets_of(each):
            yield _checked(budget, checker)


def exceeded(analysis: Analysis) -> Iterator[str]:
    """What bounds a network certainly breaks, as it was analyzed: a sentence each.

    Raises:
        SpecError: a budget is malformed.
    """
    for budget in budgets_of(analysis.graph.network):
        computed = evaluate(in_full(budget.quantity), analysis)
        if budget.bound.verdict(computed) is Verdict.DIFFERS:
            yield _sentence(budget, computed)


def broken(checked: CheckedBudget) -> SpecError | None:
    """The error to report where a budget is broken, else None."""
    if checked.is_kept:
        return None
    budget = checked.budget
    if checked.verdict is Verdict.UNDECIDABLE:
        found = (
            f"{budget.quantity} is {checked.computed}, and whether it is {budget.bound.text} "
            "depends on a cost that is not known"
        )
        return SpecError(f"{budget.network} may break its budget: {found}", budget.place)
    return SpecError(_sentence(budget, checked.computed), budget.place)


def _sentence(budget: Budget, computed: object) -> str:
    found = f"{budget.quantity} is {computed}, not {budget.bound.text}"
    return f"{budget.network} breaks its budget: {found}"


def _checked(budget: Budget, checker: Checker) -> CheckedBudget:
    computed = checker.value(in_full(budget.quantity), budget.network, budget.place)
    if isinstance(computed, bool) or not isinstance(computed, (int, float, Fraction, AtLeast)):
        raise SpecError(f"{budget.quantity} is {computed}, not a number", budget.place)
    return CheckedBudget(budget, computed, budget.bound.verdict(computed))


def _budget(node: Node, source: Source, network: str) -> Budget:
    place = place_of(node, source)
    try:
        quantity, bound = read_condition(text_of(node, source, "a budget").strip(), "a budget")
    except PrintedError as error:
        raise SpecError(str(error), place) from None
    return Budget(network, quantity, bound, place)
