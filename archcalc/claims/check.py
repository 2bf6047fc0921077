"""Claims -> verdicts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from archcalc.analysis import Analysis
from archcalc.claims.explaining import explained
from archcalc.claims.printed import Printed, PrintedError, Verdict
from archcalc.claims.reading import Claim, claims_of, comparisons
from archcalc.claims.works import readable
from archcalc.errors import ArchcalcError, Place, SpecError, UsageError, did_you_mean
from archcalc.expansion import build_graph
from archcalc.figures.language import evaluate, reads_fields
from archcalc.graph import Graph
from archcalc.loading import Input
from archcalc.quantity.at_least import is_open
from archcalc.spec.library import families, find_network
from archcalc.spec.settings import split_settings
from archcalc.spec.syntax import Family, Network
from archcalc.spec.values import ExpressionError, Value
from archcalc.walk import analyze, walk


class CheckedClaim(NamedTuple):
    """A claim and what came of it.

    Attributes:
        computed: the quantity, as archcalc has it; None where none can decide.
        verdict: how the printed figure compares with it.
        shown: the value of the explanation's expression; None without one.
        by_source: what the figures of the source itself make; None without an arithmetic.
        because: the reason in words, its figures computed.
    """

    claim: Claim
    computed: Any
    verdict: Verdict
    shown: Any
    by_source: Any
    because: str

    @property
    def expected(self) -> bool:
        """Whether the verdict is the one that the claim records."""
        return self.verdict is self.claim.recorded

    @property
    def source(self) -> str:
        """Where the figure is printed."""
        return self.claim.source


# A network, its parameters, and its input.
_About: TypeAlias = "tuple[str, dict[str, Value], Input | None]"
Sourced = TypeVar("Sourced", Claim, CheckedClaim)


class Checker:
    """Checks claims, and analyzes every network once however many claims are about it.

    Args:
        own: families that are looked in before those that come with archcalc.
    """

    def __init__(self, own: Iterable[Family] = ()) -> None:
        self._networks: dict[str, Network] = {}
        for family in own:
            self._networks |= family.networks
        self._graphs: dict[object, Graph] = {}
        self._analyses: dict[object, Analysis] = {}

    def check(self, claim: Claim) -> CheckedClaim:
        """The verdict on a claim.

        Raises:
            SpecError: its quantity cannot be computed; says why, at its place.
        """
        place, printed = claim.place, claim.printed
        about = (claim.network, claim.parameters, claim.input)
        because = explained(claim.because, lambda quantity: self._evaluate(quantity, about, place))
        if printed is None:
            return CheckedClaim(claim, None, Verdict.UNDECIDABLE, None, None, because)
        computed = self._evaluate(claim.quantity, about, place)
        verdict = self._at(place, lambda: printed.verdict(computed))
        shown = self._evaluate(claim.shown_by, about, place) if claim.shown_by else None
        arithmetic = claim.arithmetic
        by_source = self._at(place, lambda: arithmetic.value) if arithmetic else None
        if verdict is Verdict.DIFFERS:
            if arithmetic and self._is_contradicted(printed, by_source, computed, place):
                verdict = Verdict.WRONG
            elif not any(self._explains(value, printed, place) for value in (shown, by_source)):
                verdict = Verdict.UNEXPLAINED
        return CheckedClaim(claim, computed, verdict, shown, by_source, because)

    def value(self, quantity: str, network: str, place: Place) -> Any:
        """The value of a quantity of a network.

        Raises:
            SpecError: it cannot be computed; says why, at `place`.
        """
        return self._evaluate(quantity, (network, {}, None), place)

    def _is_contradicted(
        self, printed: Printed, by_source: Any, computed: Any, place: Place
    ) -> bool:
        """Whether the source's own figures make another one, which is what archcalc computes."""
        if is_open(computed) or is_open(by_source):
            return False
        against = self._at(place, lambda: printed.verdict(by_source))
        return against is Verdict.DIFFERS and printed.is_near(by_source, computed)

    def _explains(self, shown: Any, printed: Printed, place: Place) -> bool:
        """Whether an explanation holds: it is true, or it gives the printed figure."""
        if shown is None or isinstance(shown, bool):
            return bool(shown)
        verdict = self._at(place, lambda: printed.verdict(shown))
        return verdict not in (Verdict.DIFFERS, Verdict.UNDECIDABLE)

    def _evaluate(self, text: str, about: _About, place: Place) -> Any:
        fields = reads_fields(text)

        def find(text: str) -> Analysis:
            """The analysis of `NAME` or `NAME KEY=VALUE …`, as a quantity names it."""
            name, values = split_settings(text)
            return self._analysis((name, values, None), fields)

        return self._at(place, lambda: evaluate(text, self._analysis(about, fields), find))

    def _at(self, place: Place, compute: Callable[[], Any]) -> Any:
        """compute(); what it raises is reported at `place`."""
        try:
            return compute()
        except (ExpressionError, PrintedError, UsageError) as error:
            raise SpecError(str(error), place) from None

    def _analysis(self, about: _About, fields: bool) -> Analysis:
        """`fields`: whether it has to know what units see, which takes half of the time."""
        name, parameters, input = about
        key = (name, repr(sorted(parameters.items())), repr(input))
        if key not in self._graphs:
            network = self._networks.get(name) or find_network(name)
            self._networks[name] = network
            self._graphs[key] = build_graph(network, parameters=parameters)
        found = self._analyses.get((key, True)) or self._analyses.get((key, fields))
        if found is None:
            graph = self._graphs[key]
            if input is None:
                found = walk(graph, 1, "float32", fields=fields)
            else:
                found = analyze(graph, input=input)
            self._analyses[key, fields] = found
        return found


def check_library(
    names: Iterable[str] = (), known: Sequence[Family] | None = None, source: str = ""
) -> Iterator[CheckedClaim]:
    """Checks the claims that come with archcalc: all, or those about networks with these names.

    Args:
        known: the families that come with archcalc, where they are at hand already.
        source: only claims whose source has this text.

    Raises:
        UsageError: there is no such network or source.
        SpecError: a claim is malformed.
    """
    known = list(families()) if known is None else known
    checker = Checker(known)
    wanted = set(names)
    everything = [claim for family in known for claim in claims_of(family)] + comparisons()
    for claim in of_source(everything, source):
        if not wanted or claim.network in wanted:
            yield checker.check(claim)


def check_family(family: Family, network: str | None = None) -> Iterator[CheckedClaim]:
    """Checks the claims of one spec file, or of one of its networks."""
    checker = Checker([family])
    for claim in claims_of(family):
        if network is None or claim.network == network:
            yield checker.check(claim)


def of_source(everything: Sequence[Sourced], text: str) -> list[Sourced]:
    """The claims whose source has the text, in any case.

    Raises:
        UsageError: there is none; with a guess.
    """
    found = [claim for claim in everything if text.lower() in _named(claim).lower()]
    if not found:
        words = [word for claim in everything for word in re.split(r"[ ,;]+", _named(claim))]
        guess = did_you_mean(text, dict.fromkeys(words))
        raise UsageError(f"no source has the text {text!r}{guess}")
    return found


def _named(claim: Claim | CheckedClaim) -> str:
    """The source of a claim, with lines of lectures and with the headings of their slides."""
    return f"{claim.source} {readable(claim.source)}"


def problem(checked: CheckedClaim) -> ArchcalcError | None:
    """The error to report where a verdict is not the recorded one, else None."""
    if checked.expected:
        return None
    claim = checked.claim
    named = f"claim {claim.id}" if claim.id else "claim"  # a spec's own need none
    return SpecError(
        f"{named}: {claim.quantity} is {checked.computed}, printed {claim.said}: "
        f"{checked.verdict.value}; recorded: {claim.recorded.value}",
        claim.place,
    )
