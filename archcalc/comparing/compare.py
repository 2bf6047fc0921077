"""Networks side by side: their figures, and those of the stages that correspond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.comparing.key_figures import KeyFigures, key_figures
from archcalc.comparing.stages import Stage, Stride, stages, union
from archcalc.errors import UsageError


class Contrast(NamedTuple):
    """Networks side by side.

    Attributes:
        labels: what to call each network.
        analyses: the networks.
        totals: the figures of each.
        strides: the output strides of all stages that any of them has, in order.
        stages: for each network its stages, by output stride (see `archcalc.comparing.stages`).
    """

    labels: tuple[str, ...]
    analyses: tuple[Analysis, ...]
    totals: tuple[KeyFigures, ...]
    strides: tuple[Stride, ...]
    stages: tuple[dict[Stride, Stage], ...]


def contrast(analyses: Sequence[Analysis], labels: Sequence[str] = ()) -> Contrast:
    """Networks side by side; the first is the one that the others are compared with.

    Args:
        labels: what to call the networks, in place of their names, where these and what was
            changed are not all different.

    Raises:
        UsageError: fewer than two networks; or a stride is not a plain number.
    """
    if len(analyses) < 2:
        raise UsageError("a comparison takes two networks or more")
    found = [stages(analysis) for analysis in analyses]
    names = tuple(str(analysis.identity) for analysis in analyses)
    if len(set(names)) < len(names) and labels:
        names = tuple(
            analysis.identity.called(label)
            for analysis, label in zip(analyses, labels, strict=True)
        )
    return Contrast(
        labels=names,
        analyses=tuple(analyses),
        totals=tuple(map(key_figures, analyses)),
        strides=tuple(union(found)),
        stages=tuple({stage.stride: stage for stage in of_one} for of_one in found),
    )
