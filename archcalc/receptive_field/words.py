"""What people call an input and its positions: an image has pixels, a sequence has tokens."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.feature_map import FeatureMap
from archcalc.quantity.arithmetic import certainly_one


class Words(NamedTuple):
    """What an input is called.

    Attributes:
        example: one of those that make up a batch.
        position: where its channels stand.
    """

    example: str
    position: str


def words_for(x: FeatureMap) -> Words:
    """An image with its pixels, a sequence with its tokens; neutral words for all else."""
    if x.dtype is not None and x.rank == 1:
        return Words("sequence", "token")
    if x.dtype is None and len(x.sizes) == 2 and not all(map(certainly_one, x.sizes)):
        return Words("image", "pixel")
    return Words("input", "position")
