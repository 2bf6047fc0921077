"""Which networks a number may be about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from archcalc.analysis import Analysis
from archcalc.api.results import Result
from archcalc.claims.matching import Match, matches
from archcalc.claims.printed import PERCENT, Printed, PrintedError, parse_printed
from archcalc.errors import UsageError
from archcalc.loading import Spec
from archcalc.render.which import WhichDocument
from archcalc.spec.library import network_names
from archcalc.walk import analyze


def which(
    *networks: Spec,
    params: str = "",
    macs: str = "",
    tolerance: str = "",
    watched: Callable[[Sequence[Spec]], Iterable[Spec]] = iter,
) -> Result[tuple[Match, ...], Match]:
    """The networks whose parameters and operations print as given, and by whose count.

    `which(params="25.56M", macs="4.09G")`: for the number in a paper that one cannot place. The
    parts are the matches, by name.

    Args:
        networks: those to look at; all that come with archcalc if none.
        params: as printed, `25.56M`; the last digit may be rounded or cut off. Parameters, or what
            Keras calls so.
        macs: likewise, of multiply-accumulates, FLOPs, or what another tool counts.
        tolerance: how far off a total may be instead, such as `1%`.
        watched: what goes over the networks one by one, to say how far it is.

    Raises:
        UsageError: nothing is asked for, or a text is no number; and as `analyze`.
    """
    given = {key: text for key, text in (("params", params), ("macs", macs)) if text}
    if not given:
        raise UsageError("give params, macs or both, as they were printed")
    asked = {key: _number(key, text) for key, text in given.items()}
    share = None
    if tolerance:
        found = _number("tolerance", tolerance)
        share = _value(found)
        if found.unit != PERCENT or not 0 <= share < 1:
            raise UsageError(f"{tolerance} is no share, such as 1%", "tolerance")
    looked_at = networks or tuple(network_names())
    analyses: Iterable[Analysis] = (analyze(one) for one in watched(looked_at))
    matched = tuple(matches(analyses, asked, share))
    document = WhichDocument(matched, given, tolerance, len(looked_at))
    return Result(matched, {match.analysis.name: match for match in matched}, document)


def _number(argument: str, text: str) -> Printed:
    try:
        printed = parse_printed(text)
    except PrintedError as error:
        raise UsageError(str(error), argument) from None
    if not isinstance(printed.number, Fraction) or printed.relation not in ("", "~"):
        raise UsageError(f"{text} is no number as it is printed, such as 25.56M", argument)
    return printed


def _value(printed: Printed) -> Fraction:
    assert isinstance(printed.number, Fraction)
    return printed.number * printed.unit
