"""Group norms that exporters write as the instance norm of groups: there and back by views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.feature_map import FeatureMap
from archcalc.importing.recognizing.rearrangements import Merged, merged
from archcalc.layers.notation import pattern_of


def grouped(
    bound: Mapping[str, Any], source: tuple[int, ...], shape: tuple[int, ...]
) -> Mapping[str, Any] | None:
    """The fields of the group norm whose views are bound as `apart` and `together`, and whose
    instance norm as `norm`; None where it is none.

    Args:
        source, shape: of what it takes and makes.
    """
    apart, norm, together = (bound[name].fields for name in ("apart", "norm", "together"))
    groups, *rest = bound["apart"].shape or (0,)
    if source != shape or len(rest) != 1 or shape[0] % groups or not {*norm} <= {"eps"}:
        return None
    pattern = pattern_of(apart["axes"])
    before, after = ([n for axis in side for n in axis] for side in (pattern.before, pattern.after))
    if pattern.before[0] or before != after:
        return None
    x = FeatureMap(shape[0], shape[1:])
    return {"groups": groups} | norm if merged(x, apart, together) == Merged("", {}) else None
