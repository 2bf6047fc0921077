"""Claims -> verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from archcalc.analysis import Analysis, analyze
from archcalc.claims.printed import PrintedError, Verdict
from archcalc.claims.quantities import evaluate
from archcalc.claims.reading import Claim, claims_of, comparisons
from archcalc.errors import ArchcalcError, SpecError, UsageError
from archcalc.graph import build_graph
from archcalc.spec.expression import ExpressionError, Value
from archcalc.spec.library import families, find_network
from archcalc.spec.settings import split_settings
from archcalc.spec.syntax import Family, Network


class CheckedClaim(NamedTuple):
    """A claim and what came of it.

    Attributes:
        computed: the quantity, as archcalc has it.
        verdict: what comes of holding the printed figure against it.
        shown: the value of the explanation's expression; None without one.
    """

    claim: Claim
    computed: Any
    verdict: Verdict
    shown: Any

    @property
    def expected(self) -> bool:
        """Whether the verdict is the one that the claim records."""
        return self.verdict is self.claim.recorded


class Checker:
    """Checks claims, and analyzes every network once however many claims are about it.

    Args:
        own: families that are looked in before those that come with archcalc.
    """

    def __init__(self, own: Iterable[Family] = ()) -> None:
        self._networks: dict[str, Network] = {}
        for family in own:
            self._networks |= family.networks
        self._analyses: dict[object, Analysis] = {}

    def check(self, claim: Claim) -> CheckedClaim:
        """The verdict on a claim.

        Raises:
            SpecError: its quantity cannot be computed; says why, at its place.
        """
        analysis = self._at(
            claim, lambda: self._analysis(claim.network, claim.parameters, claim.input)
        )
        computed = self._evaluate(claim.quantity, analysis, claim)
        verdict = self._at(claim, lambda: claim.printed.verdict(computed))
        shown = self._evaluate(claim.shown_by, analysis, claim) if claim.shown_by else None
        if verdict is Verdict.DIFFERS and not self._explains(shown, claim):
            verdict = Verdict.UNEXPLAINED
        return CheckedClaim(claim, computed, verdict, shown)

    def _explains(self, shown: Any, claim: Claim) -> bool:
        """Whether the explanation holds: it is true, or it gives the printed figure."""
        if shown is None or isinstance(shown, bool):
            return bool(shown)
        agrees = self._at(claim, lambda: claim.printed.verdict(shown))
        return agrees is not Verdict.DIFFERS

    def _evaluate(self, text: str, analysis: Analysis, claim: Claim) -> Any:
        return self._at(claim, lambda: evaluate(text, analysis, self._find))

    def _at(self, claim: Claim, compute: Callable[[], Any]) -> Any:
        """compute(); what it raises is reported at the place of the claim."""
        try:
            return compute()
        except (ExpressionError, PrintedError, UsageError) as error:
            raise SpecError(str(error), claim.place) from None

    def _find(self, text: str) -> Analysis:
        """The analysis of `NAME` or `NAME KEY=VALUE …`, as a quantity names it."""
        name, values = split_settings(text)
        return self._analysis(name, values, None)

    def _analysis(
        self, name: str, parameters: dict[str, Value], input: list[Value] | None
    ) -> Analysis:
        key = (name, repr(sorted(parameters.items())), repr(input))
        if key not in self._analyses:
            network = self._networks.get(name) or find_network(name)
            self._networks[name] = network
            graph = build_graph(network, parameters=parameters)
            self._analyses[key] = analyze(graph, input=input)
        return self._analyses[key]


def check_library(names: Iterable[str] = ()) -> Iterator[CheckedClaim]:
    """Checks the claims that come with archcalc: all, or those about networks called so.

    Raises:
        UsageError: there is no such network.
        SpecError: a claim is malformed.
    """
    known = list(families())
    checker = Checker(known)
    wanted = set(names)
    everything = [claim for family in known for claim in claims_of(family)] + comparisons()
    for claim in everything:
        if not wanted or claim.network in wanted:
            yield checker.check(claim)


def check_family(family: Family, network: str | None = None) -> Iterator[CheckedClaim]:
    """Checks the claims of one spec file, or of one of its networks."""
    checker = Checker([family])
    for claim in claims_of(family):
        if network is None or claim.network == network:
            yield checker.check(claim)


def problem(checked: CheckedClaim) -> ArchcalcError | None:
    """The error to report where a verdict is not the recorded one, else None."""
    if checked.expected:
        return None
    claim = checked.claim
    return SpecError(
        f"claim {claim.id}: {claim.quantity} is {checked.computed}, printed {claim.printed.text}: "
        f"{checked.verdict.value}; recorded: {claim.recorded.value}",
        claim.place,
    )
