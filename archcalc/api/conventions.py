"""What other tools print for a network."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.analysis import Analysis
from archcalc.api.results import Result
from archcalc.loading import Input, Spec
from archcalc.quantity.arithmetic import Quantity
from archcalc.spec.values import Value
from archcalc.walk import analyze


def conventions(
    what: Spec,
    /,
    *,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Analysis, Quantity]:
    """The totals that other tools print for a network, for one image.

    The parts are the totals by the names of the conventions: `conventions("resnet50")["fvcore"]`.
    A tool sees the modules and functions of torch that a network calls; here these are those of
    `export`. `archcalc.other_tools.CONVENTIONS` has the rules, with their sources.

    Args:
        what, input, parameters, others: as for `analyze`.

    Raises:
        UsageError, LayerError, SpecError: as `analyze`.
    """
    from archcalc.other_tools import CONVENTIONS, totals
    from archcalc.render.conventions import ConventionsDocument

    analysis = analyze(what, input=input, parameters=parameters, **others)
    found = totals(analysis)
    return Result(analysis, found, ConventionsDocument(analysis, found, [*CONVENTIONS.values()]))
