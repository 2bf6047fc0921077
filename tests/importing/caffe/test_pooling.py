"""Caffe's rounding of pools, against its own lines of code in other words."""

from __future__ import annotations

from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from archcalc.errors import SpecError
from tests.importing.files import one_layer

small = st.integers(1, 6)


def windows_of(n: int, kernel: int, stride: int, pad: int, clips: bool, up: bool) -> list[range]:
    """The positions that each window sees, as pooling_layer.cpp counts and clips them."""
    steps = (n + 2 * pad - kernel) / stride
    count = (ceil(steps) if up else floor(steps)) + 1
    if clips and (count - 1) * stride >= n + pad:
        count -= 1
    starts = [i * stride - pad for i in range(count)]
    return [range(max(start, 0), min(start + kernel, n)) for start in starts]


@given(
    st.integers(1, 12), st.integers(1, 12), small, small, small, small, st.booleans(), st.booleans()
)
def test_pools_have_the_sizes_of_caffe_or_are_refused(
    h: int, w: int, k_h: int, k_w: int, s_h: int, s_w: int, up: bool, average: bool
) -> None:
    for pad_h, pad_w in ((0, 0), (k_h // 2, k_w // 2), (k_h // 2, 0), (k_h - 1, k_w - 1)):
        clips = bool(pad_h or pad_w)  # of one axis too, where the other is padded
        seen = (
            windows_of(h, k_h, s_h, pad_h, clips, up),
            windows_of(w, k_w, s_w, pad_w, clips, up),
        )
        settings = (
            f"pooling_param {{ pool: {'AVE' if average else 'MAX'} kernel_h: {k_h} kernel_w: {k_w} "
            f"stride_h: {s_h} stride_w: {s_w} pad_h: {pad_h} pad_w: {pad_w} "
            f"round_mode: {'CEIL' if up else 'FLOOR'} }}"
        )
        try:
            output = one_layer("Pooling", settings, f"1 2 {h} {w}").layers[-1].output
        except SpecError:
            none = any(not each for axis in seen for each in axis) or not all(seen)
            half = pad_h > k_h // 2 or pad_w > k_w // 2
            beyond = k_h > h + 2 * pad_h or k_w > w + 2 * pad_w
            assert none or half or beyond
            continue
        assert output.shape == (2, *map(len, seen))
