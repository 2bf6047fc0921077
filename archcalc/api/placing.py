"""Which networks a number may be about."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import product

from archcalc.analysis import Analysis
from archcalc.api.progress import watched
from archcalc.api.results import Result
from archcalc.claims.matching import Match, matches
from archcalc.claims.printed import PERCENT, Printed, PrintedError, parse_printed
from archcalc.errors import LayerError, SpecError, UsageError
from archcalc.graph import Graph
from archcalc.loading import Spec, load
from archcalc.parametric.axes import OVER, read_axes
from archcalc.parametric.variables import Variable, rebuilt, variable
from archcalc.render.which import WhichDocument
from archcalc.spec.library import network_names
from archcalc.walk import analyze, walk

MOST_SETTINGS = 1_000  # of each network, of which a second takes some twenty


def which(
    *networks: Spec,
    params: str = "",
    macs: str = "",
    tolerance: str = "",
    over: Sequence[str] | str = (),
) -> Result[tuple[Match, ...], Match]:
    """The networks whose parameters and operations print as given, and by whose count.

    `which(params="25.56M", macs="4.09G")`: for the number in a paper that one cannot place. The
    parts are the matches, by name, with what is changed.

    Args:
        networks: those to look at; all that come with archcalc if none.
        params: as printed, `25.56M`; the last digit may be rounded or cut off. Parameters, or what
            Keras calls so.
        macs: likewise, of multiply-accumulates, FLOPs, or what another tool counts.
        tolerance: how far off a total may be instead, such as `1%`.
        over: LABEL=VALUES of parameters, as `archcalc sweep` takes them: each network that has all
            of them is looked at with each combination of their values, and no other network.

    Raises:
        UsageError: nothing is asked for, or a text is no number; no network has what is varied, or
            there are too many settings; and as `analyze`.
    """
    given = {key: text for key, text in (("params", params), ("macs", macs)) if text}
    if not given:
        raise UsageError("give params, macs or both, as they were printed")
    asked = {key: _number(key, text) for key, text in given.items()}
    share = None
    if tolerance:
        found = _number("tolerance", tolerance)
        share = found.value
        if found.unit != PERCENT or not 0 <= share < 1:
            raise UsageError(f"{tolerance} is no share, such as 1%", "tolerance")
    looked_at = networks or tuple(network_names())
    space = _Space([over] if isinstance(over, str) else over)
    analyses = (found for one in watched(looked_at, "networks") for found in space.analyses(one))
    matched = tuple(matches(analyses, asked, share))
    space.require_some(looked_at)
    document = WhichDocument(
        matched, given, tolerance, space.networks, space.settings if over else None
    )
    return Result(matched, {str(match.analysis.identity): match for match in matched}, document)


class _Space:
    """The settings at which networks are looked at.

    Attributes:
        networks: how many were looked at.
        settings: at how many settings in all.
    """

    def __init__(self, over: Sequence[str]) -> None:
        self._axes = read_axes(over)
        for axis in self._axes:
            if axis.count is None:
                raise UsageError(
                    f"{axis.label}: say in which steps, such as {axis.label}=0.25:1:0.25", OVER
                )
        count = math.prod(axis.count or 0 for axis in self._axes)
        if count > MOST_SETTINGS:
            raise UsageError(
                f"{count:,} settings of each network; up to {MOST_SETTINGS:,} are looked at", OVER
            )
        self.networks = self.settings = 0
        self._missing: dict[str, UsageError] = {}  # what the last network has not that was asked

    def analyses(self, network: Spec) -> Iterator[Analysis]:
        """A network at each setting, where it is one; nothing if it has not what is varied."""
        if not self._axes:
            self.networks += 1
            yield analyze(network)
            return
        graph = load(network)
        try:
            varied = [_varied(axis.label, graph) for axis in self._axes]
        except UsageError as error:
            self._missing = {graph.name: error}
            return
        self.networks += 1
        for values in product(*[axis.values for axis in self._axes]):  # type: ignore[arg-type]  # no intervals
            self.settings += 1
            with suppress(LayerError, SpecError, UsageError):
                changed = rebuilt(graph, dict(zip(varied, values, strict=True)))
                yield walk(changed, 1, "float32", fields=False)

    def require_some(self, networks: Sequence[Spec]) -> None:
        """Raises UsageError where no network has what is varied."""
        if self.networks:
            return
        if len(networks) == 1:
            raise next(iter(self._missing.values()))
        labels = ", ".join(axis.label for axis in self._axes)
        raise UsageError(f"none of {len(networks)} networks has {labels}", OVER)


def _varied(label: str, graph: Graph) -> Variable:
    """What takes other values in a network; a parameter need not be a number."""
    if label in graph.parameters:
        return Variable(label, label, None, graph.parameters[label])
    return variable(label, graph, OVER)


def _number(argument: str, text: str) -> Printed:
    try:
        printed = parse_printed(text)
    except PrintedError as error:
        raise UsageError(str(error), argument) from None
    if not isinstance(printed.number, Fraction) or printed.relation not in ("", "~"):
        raise UsageError(f"{text} is no number as it is printed, such as 25.56M", argument)
    return printed
