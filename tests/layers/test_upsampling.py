"""Resizing as networks use it: to DeepLab's 513, by halves, with the corners aligned."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import pytest
import torch
import torch.nn.functional as F  # torch's own name for it

from archcalc import FeatureMap, analyze, build
from archcalc.layers.upsampling import Interpolation, Upsample
from archcalc.receptive_field.field import PhasedField
from archcalc.unit_field import unit_field
from tests.graphs import chain


def pixels_along(n: int, layer: Upsample, unit: int) -> list[tuple[int, int]]:
    """The runs of pixels that a unit sees along an axis of n."""
    return unit_field(analyze(chain(FeatureMap(1, (n,)), layer)), "upsample0", (unit,)).runs(0)


def test_deeplab_resizes_65_positions_to_513() -> None:
    layer = Upsample(size=513, mode="bilinear")
    (resized,) = analyze(chain(FeatureMap(21, (65, 65)), layer)).layers
    assert resized.output.shape == (21, 513, 513)
    assert resized.jump == (Fraction(65, 513),) * 2
    assert resized.receptive_field == (2, 2)
    assert isinstance(resized.field[0], PhasedField)
    assert resized.field[0].period == 513
    assert resized.field[0].of_unit(256) == (32, 32)  # in the middle, on an input


def test_aligned_corners_move_what_is_seen() -> None:
    weights = F.interpolate(torch.eye(8).unsqueeze(1), size=64, mode="linear", align_corners=True)
    seen = [[int(p) for p in row.nonzero()] for row in weights[:, 0].T]
    aligned = Upsample(factor=8, mode="linear", align_corners=True)
    plain = Upsample(factor=8, mode="linear")
    of_aligned = [pixels_along(8, aligned, unit) for unit in range(64)]
    assert of_aligned == [[(places[0], places[-1])] for places in seen]
    assert pixels_along(8, plain, 1) == [(0, 0)]
    assert of_aligned[1] == [(0, 1)]
    assert sum(a != pixels_along(8, plain, u) for u, a in enumerate(of_aligned)) == 18


def test_a_factor_is_exact_where_torch_has_it_as_a_float() -> None:
    layer = Upsample(factor=cast(int, Fraction(29, 100)))
    images = torch.rand(1, 1, 100)
    assert F.interpolate(images, scale_factor=0.29).shape[-1] == 28  # 100 x 0.29 = 28.999…
    twin = build(chain(FeatureMap(1, (100,)), layer))
    assert twin(images).shape[-1] == 29 == layer.effect_on(FeatureMap(1, (100,))).output.sizes[0]


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_by_a_fraction_the_outputs_lie_as_far_apart_as_it_says(mode: Interpolation) -> None:
    """By a factor of 1/2, 33 positions become 16 that lie 2 apart, and not 33/16."""
    half = Upsample(factor=cast(int, Fraction(1, 2)), mode=mode)
    (resized,) = analyze(chain(FeatureMap(1, (33,)), half)).layers
    assert (resized.output.sizes, resized.jump) == ((16,), (2,))


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("factor", [Fraction(9, 4), Fraction(5, 4), Fraction(5, 2), Fraction(3, 2)])
def test_the_nearest_is_torchs_where_a_size_doubles_or_stays(n: int, factor: Fraction) -> None:
    """There torch goes as by 2 or 1 along two axes, and not by the factor that it is given."""
    analysis = analyze(chain(FeatureMap(1, (n, 1)), Upsample(factor=cast(int, factor))))
    rows = torch.arange(float(n)).reshape(1, 1, n, 1)
    read = F.interpolate(rows, scale_factor=float(factor))[0, 0, :, 0]
    for unit, place in enumerate(read):
        seen = unit_field(analysis, "upsample0", (unit, 0))
        assert seen.runs(0) == [(int(place), int(place))]
