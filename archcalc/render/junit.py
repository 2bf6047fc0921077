"""Checked claims and budgets as JUnit XML, which continuous integration reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree import ElementTree

from archcalc.claims.budgets import CheckedBudget, broken
from archcalc.claims.check import CheckedClaim, problem
from archcalc.claims.works import readable
from archcalc.errors import ArchcalcError, Place
from archcalc.render import escape


class _Case(NamedTuple):
    """One check, and the error that it ends in, or None."""

    network: str
    name: str
    place: Place
    error: ArchcalcError | None


def junit_text(claims: Sequence[CheckedClaim], budgets: Sequence[CheckedBudget]) -> str:
    """A test suite for each network, and a test case for each of its claims and budgets."""
    everything = [*map(_of_claim, claims), *map(_of_budget, budgets)]
    suites: dict[str, list[_Case]] = {}
    for case in everything:
        suites.setdefault(case.network, []).append(case)
    root = ElementTree.Element("testsuites", _counts("archcalc check", everything))
    for network, cases in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", _counts(network, cases))
        for case in cases:
            _add(suite, case)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _of_claim(checked: CheckedClaim) -> _Case:
    claim = checked.claim
    said = f"{claim.quantity} is {claim.printed.text}" if claim.printed else claim.statement
    name = f"{claim.id}: {said} ({readable(claim.source)})"
    return _Case(claim.network, name, claim.place, problem(checked))


def _of_budget(checked: CheckedBudget) -> _Case:
    budget = checked.budget
    name = f"budget: {budget.quantity} {budget.bound.text}"
    return _Case(budget.network, name, budget.place, broken(checked))


def _counts(name: str, cases: Iterable[_Case]) -> dict[str, str]:
    failed = [case.error is not None for case in cases]
    return {"name": name, "tests": str(len(failed)), "failures": str(sum(failed))}


def _add(suite: ElementTree.Element, case: _Case) -> None:
    where = {"file": case.place.source.name, "line": str(case.place.line)}
    named = {"classname": case.network, "name": escape.one_line(case.name)}
    element = ElementTree.SubElement(suite, "testcase", named | where)
    if case.error is not None:
        message, *excerpt = str(case.error).split("\n")
        failure = ElementTree.SubElement(element, "failure", {"message": escape.one_line(message)})
        failure.text = "\n".join(map(escape.one_line, [message, *excerpt]))
