"""Values of parameters at which conditions hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.api.results import Result
from archcalc.errors import UsageError, require_extra
from archcalc.graph import Graph
from archcalc.loading import Input, Spec, listed, load
from archcalc.render.solve import OptimumDocument, SolveDocument
from archcalc.render.sweep import SweepDocument
from archcalc.spec.values import Value
from archcalc.walk import require_dtype, whole_batch

if TYPE_CHECKING:
    from archcalc.parametric.choosing.optimum import Optimum
    from archcalc.parametric.choosing.solving import Solution


def solve(
    what: Spec,
    /,
    unknowns: Sequence[str] | str,
    where: str,
    *,
    smallest: bool = False,
    maximize: str = "",
    minimize: str = "",
    figures: Sequence[str] | str = (),
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Solution | Optimum, dict[str, Any]]:
    """The largest value of a parameter at which conditions hold, or the best of several.

    `solve("mobilenet_v1", "alpha=0.1:2:0.01", "macs <= 150M").found.value` is 1/2; with
    `maximize` or `minimize` `found.values` has a value for each unknown, and `found.proof` says why
    there is no better setting. The parts are the values and figures of the answer, "0", and of what
    lies beside it; imports numpy.

    Args:
        what, input, batch, dtype, parameters, others: as for `analyze`.
        unknowns: LABEL or LABEL=VALUES, as `archcalc sweep` takes them; of several a list,
            each with values, and with something to maximize or minimize.
        where: what is to hold: `macs <= 150M and params < 3M`, or `… or …`.
        smallest: the smallest value, and not the largest.
        maximize, minimize: a figure, as in claims, of which the most or the least is wanted.
        figures: shown besides.

    Raises:
        MissingExtraError: numpy is not installed.
        UsageError: an unknown, its values, a condition or a figure is wrong; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    graph = load(what, input=input, parameters=parameters, **others)
    return solved(
        graph, [unknowns] if isinstance(unknowns, str) else unknowns, where, smallest=smallest,
        maximize=maximize, minimize=minimize, figures=listed(figures), batch=batch, dtype=dtype,
    )  # fmt: skip


def solved(
    graph: Graph,
    unknowns: Sequence[str],
    where: str,
    *,
    smallest: bool,
    maximize: str,
    minimize: str,
    figures: Sequence[str],
    batch: int,
    dtype: str,
    in_full: bool = False,
) -> Result[Solution | Optimum, dict[str, Any]]:
    """As `solve`, of a network that is built.

    Args:
        in_full: whether to show all digits.
    """
    require_extra("solve", "numpy", "arrays")
    from archcalc.api.sweeping import Rows
    from archcalc.parametric.choosing.optimum import optimum
    from archcalc.parametric.choosing.solving import solve

    require_dtype(dtype)
    images = whole_batch(batch)
    objective, least = minimize or maximize, bool(minimize)
    if maximize and minimize:
        raise UsageError("either maximize or minimize, not both", "maximize")
    if smallest and objective:
        raise UsageError("the smallest value, or the best by a figure, not both", "smallest")
    if objective:
        best = optimum(
            graph, unknowns, where, objective, least=least, quantities=figures, batch=images,
            dtype=dtype,
        )  # fmt: skip
        rows = SweepDocument(best.shown, best.quantities, in_full)
        return Result(best, Rows(best.shown, best.quantities), OptimumDocument(best, rows))
    if len(unknowns) != 1:
        raise UsageError(
            "of several unknowns say of what the most is wanted, or the least: maximize or "
            "minimize a figure",
            "for",
        )
    found = solve(
        graph, unknowns[0], where, smallest=smallest, quantities=figures, batch=images, dtype=dtype
    )
    rows = SweepDocument(found.shown, found.quantities, in_full)
    return Result(found, Rows(found.shown, found.quantities), SolveDocument(found, rows))
