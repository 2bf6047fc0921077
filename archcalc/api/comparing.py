"""Networks beside each other."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.api.results import Result
from archcalc.comparing.compare import Contrast, contrast
from archcalc.comparing.diff import Difference, LayerChange, Status, difference
from archcalc.comparing.key_figures import KeyFigures
from archcalc.graph import Graph
from archcalc.loading import Input, Spec
from archcalc.render.compare import CompareDocument
from archcalc.render.diff import DiffDocument
from archcalc.spec.values import Value
from archcalc.walk import analyze


def compare(
    *networks: Spec,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Contrast, KeyFigures]:
    """Networks side by side: the figures of each, by its name, and those of its stages.

    Args:
        networks: two or more; of a network with other settings give what `load` returns.
        input, batch, dtype, parameters, others: as for `analyze`, of all of them.

    Raises:
        UsageError: fewer than two networks, or a free size; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    found = contrast(
        [
            analyze(what, input=input, batch=batch, dtype=dtype, parameters=parameters, **others)
            for what in networks
        ],
        [what.name if isinstance(what, Graph) else str(what) for what in networks],
    )
    return Result(found, dict(zip(found.labels, found.totals, strict=True)), CompareDocument(found))


def diff(
    before: Spec,
    after: Spec,
    /,
    *,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Difference, LayerChange]:
    """What changes from one network to another, layer by layer.

    The parts are the layers that are not the same, by their names: those after, where they are
    not gone.

    Args:
        input, batch, dtype, parameters, others: as for `analyze`, of both.

    Raises:
        UsageError, LayerError, SpecError: as `analyze`.
    """
    first, second = (
        analyze(what, input=input, batch=batch, dtype=dtype, parameters=parameters, **others)
        for what in (before, after)
    )
    found = difference(first, second)
    changes = [change for change in found.layers if change.status is not Status.SAME]
    gone = {change.layer.name: change for change in changes if change.status is Status.REMOVED}
    there = {change.layer.name: change for change in changes if change.status is not Status.REMOVED}
    return Result(found, {**gone, **there}, DiffDocument(found))
