"""torch's FlopCounterMode, and what it leaves out: the products within a bilinear form."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch.utils.flop_counter import FlopCounterMode


def flop_counter() -> FlopCounterMode:
    """A FlopCounterMode that counts the matrix products of `nn.Bilinear` too."""
    return FlopCounterMode(display=False, custom_mapping={torch.ops.aten._trilinear: _trilinear})


def _trilinear(
    first: Sequence[int],
    second: Sequence[int],
    third: Sequence[int],
    expand_first: Sequence[int],
    expand_second: Sequence[int],
    expand_third: Sequence[int],
    summed: Sequence[int],
    unrolled: int = 1,
    **_: object,
) -> int:
    """2 for each multiply-accumulate of `_trilinear` (aten/src/ATen/native/Linear.cpp).

    All three have the same dimensions, of size 1 where they are expanded. For each number along
    the dimension that is unrolled, the first two are multiplied, and summed up along those that
    the third has not; then what that gives with the third.
    """
    factors = [
        _expanded(shape, places)
        for shape, places in (
            (first, expand_first),
            (second, expand_second),
            (third, expand_third),
        )
    ]
    times = max(sizes[unrolled] for sizes in factors)
    a, b, c = [[*sizes[:unrolled], 1, *sizes[unrolled + 1 :]] for sizes in factors]
    both = [*map(max, a, b)]
    left = [
        1 if number in summed and number in expand_third else size
        for number, size in enumerate(both)
    ]
    return 2 * times * (prod(both) + prod(map(max, left, c)))


def _expanded(shape: Sequence[int], places: Sequence[int]) -> list[int]:
    sizes = [*shape]
    for place in sorted(places):
        sizes.insert(place, 1)
    return sizes
