"""What one unit sees: worked out by hand on small networks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.unit_field import unit_field, unit_over
from archcalc.walk import analyze
from archcalc.window import Reach

SPEC = """
name: two_paths
input: [1, 16, 16]
layers:
  - conv: {name: conv1, channels: 2, kernel: 3, stride: 2, padding: 1}
  - add:
      name: add
      branches:
        - - conv: {name: conv2, channels: 2, kernel: 5, padding: 2}
        - []
  - concat:
      name: shifted
      branches:
        - - pad: {name: pad, sides: [[2, 0], [0, 0]]}
        - - pad: {name: pad_after, sides: [[0, 2], [0, 0]]}
  - upsample: {name: up, factor: 2}
  - flatten: {name: features}
  - global_avg_pool: {name: gap, from: up}
"""


@pytest.fixture(scope="module")
def two_paths(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    path = Path(tmp_path_factory.mktemp("specs")) / "two_paths.yaml"
    path.write_text(SPEC)
    return analyze(str(path))


def test_a_unit_at_the_border_sees_padding(two_paths: Analysis) -> None:
    seen = unit_field(two_paths, "conv1", (0, 3))
    # Rows -1 … 1 and columns 5 … 7: one row of three lies in the padding.
    assert seen.unbounded == ((-1, 1), (5, 7))
    assert seen.in_image == ((0, 1), (5, 7))
    assert (seen.pixels, seen.exact) == (6, True)
    assert seen.padding_share == Fraction(1, 3)
    assert seen.image_share == Fraction(6, 256)


def test_the_unit_in_the_middle_is_the_default(two_paths: Analysis) -> None:
    assert unit_field(two_paths, "conv1").unit == (4, 4)


def test_a_shifted_join_sees_from_the_first_to_the_last_branch(two_paths: Analysis) -> None:
    # add sees 11 rows; two rows of padding are two steps of 2 pixels: 11 + 4 = 15 rows.
    assert two_paths.layer("shifted").receptive_field == (15, 11)


def test_an_upsampled_unit_sees_what_the_unit_under_it_sees(two_paths: Analysis) -> None:
    low = unit_field(two_paths, "shifted", (3, 4))
    for at in ((6, 8), (7, 9)):
        assert unit_field(two_paths, "up", at).unbounded == low.unbounded


def test_what_sees_everything_sees_the_image(two_paths: Analysis) -> None:
    assert unit_field(two_paths, "gap").unbounded == ((0, 15), (0, 15))


def test_another_layers_unit_over_the_same_place(two_paths: Analysis) -> None:
    corner = unit_field(two_paths, "add", (0, 0))
    assert unit_over(two_paths, "conv1", corner).unit == (0, 0)
    middle = unit_field(two_paths, "add", (5, 2))
    assert unit_over(two_paths, "conv1", middle).unit == (5, 2)


@pytest.mark.parametrize(
    ("name", "at", "message"),
    [
        ("conv1", (8, 0), "conv1 has 8x8 units, counted from 0; there is none at 8,0"),
        ("conv1", (1,), "there is none at 1"),
        ("cnv1", None, "did you mean 'conv1'"),
        ("features", (2048,), "features has 1280 features, counted from 0; there is none at 2048"),
    ],
)
def test_a_unit_that_is_not_there_is_refused(
    two_paths: Analysis, name: str, at: tuple[int, ...] | None, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        unit_field(two_paths, name, at)
    assert message in str(raised.value)


def analyzed(folder: Path, text: str) -> Analysis:
    path = folder / "network.yaml"
    path.write_text(text)
    return analyze(str(path))


def in_image(analysis: Analysis, name: str, *at: int) -> list[list[int]]:
    """Along each axis the pixels that the unit sees."""
    field = unit_field(analysis, name, at)
    assert field.exact
    return [
        [n for first, last in field.runs(axis) for n in range(first, last + 1)]
        for axis in range(len(field.image))
    ]


def test_where_branches_never_line_up_each_unit_sees_certain_pixels(tmp_path: Path) -> None:
    analysis = analyzed(
        tmp_path,
        "name: misaligned\ninput: [1, 8, 8]\nlayers:\n"
        "  - add:\n"
        "      - [conv: {channels: 1, kernel: 3, stride: 2, padding: 1}]\n"
        "      - [crop: {sides: 2}]\n",
    )
    field = unit_field(analysis, "add1", (0, 3))
    assert field.unbounded == (Reach.MISALIGNED, Reach.MISALIGNED)
    # Of the convolution rows 0 and 1, columns 5 … 7; of the crop row 2, column 5.
    assert field.in_image == ((0, 2), (5, 7))
    assert (field.pixels, field.box_in_image, field.padding_share) == (2 * 3 + 1, 9, None)


def test_an_unpooling_puts_values_back_into_the_pools_own_window(tmp_path: Path) -> None:
    analysis = analyzed(
        tmp_path,
        "name: undil\ninput: [1, 14]\nlayers:\n"
        "  - max_pool: {name: p, kernel: 3, dilation: 2}\n"
        "  - max_unpool: {indices: p, kernel: 3, output: [14]}\n",
    )
    assert in_image(analysis, "max_unpool1", 4) == [[0, 2, 4]]
    assert unit_field(analysis, "max_unpool1", (4,)).unbounded == ((0, 4),)


def test_every_unit_sees_a_single_position_that_is_spread(tmp_path: Path) -> None:
    analysis = analyzed(
        tmp_path,
        "name: bcast\ninput: [1, 8]\nlayers:\n"
        "  - conv: {name: a, channels: 1, kernel: 1}\n"
        "  - multiply: [[], [{conv: {channels: 1, kernel: 8}}, sigmoid]]\n",
    )
    assert in_image(analysis, "multiply1", 3) == [[*range(8)]]


def test_a_feature_sees_the_position_that_it_was_flattened_from(tmp_path: Path) -> None:
    analysis = analyzed(
        tmp_path,
        "name: vec\ninput: [1, 16]\nlayers:\n"
        "  - conv: {name: a, channels: 1, kernel: 1}\n"
        "  - flatten\n"
        "  - channel_split: {name: s0, parts: 2, part: 0}\n"
        "  - channel_split: {name: s1, from: flatten1, parts: 2, part: 1}\n"
        "  - add: {from: [s0, s1]}\n",
    )
    assert in_image(analysis, "add1", 3) == [[3, 11]]
    assert unit_field(analysis, "s1", (3,)).unbounded == ((11, 11),)


def test_channels_are_followed(tmp_path: Path) -> None:
    analysis = analyzed(
        tmp_path,
        "name: chan\ninput: [1, 9]\nlayers:\n"
        "  - concat:\n"
        "      - [{conv: {name: a, channels: 1, kernel: 1}}]\n"
        "      - [{conv: {name: b, channels: 1, kernel: 5, padding: 2}}]\n"
        "  - channel_slice: {stop: 1}\n",
    )
    assert in_image(analysis, "channel_slice1", 4) == [[4]]
    of_channel = [unit_field(analysis, "concat1", (4,), channel=n) for n in (0, 1)]
    assert [field.in_image for field in of_channel] == [((4, 4),), ((2, 6),)]
    with pytest.raises(UsageError, match="has 2 channels, counted from 0; there is no channel 2"):
        unit_field(analysis, "concat1", (4,), channel=2)


def test_a_unit_of_huge_maps_is_bounded_at_once(tmp_path: Path) -> None:
    analysis = analyzed(
        tmp_path,
        "name: huge\ninput: [1, 1000000000]\nlayers:\n"
        "  - conv: {channels: 1, kernel: 3, padding: 1}\n"
        "  - flatten\n"
        "  - add: [[], []]\n",
    )
    field = unit_field(analysis, "conv1")
    assert (field.exact, field.in_image) == (False, ((499_999_999, 500_000_001),))
    feature = unit_field(analysis, "add1", (999_999_999,))
    assert (feature.exact, feature.in_image) == (False, ((999_999_998, 999_999_999),))


def test_a_unit_that_all_see_alike_has_no_place_to_move_to(tmp_path: Path) -> None:
    analysis = analyzed(
        tmp_path,
        "name: spread\ninput: [1, 9]\nlayers:\n"
        "  - conv: {name: a, channels: 1, kernel: 3, padding: 1}\n"
        "  - crop: {name: one, sides: [[4, 4]]}\n"
        "  - multiply: {name: gated, from: [a, one]}\n"
        "  - crop: {name: same, from: one, sides: 0}\n",
    )
    place = unit_field(analysis, "a", (1,))
    assert unit_over(analysis, "gated", place).unit == (4,)
    assert unit_over(analysis, "same", place).unit == (0,)


def test_what_a_layer_leaves_over_is_not_seen(tmp_path: Path) -> None:
    crop = analyzed(
        tmp_path,
        "name: cropp\ninput: [1, 10]\nlayers:\n"
        "  - conv: {channels: 1, kernel: 3, stride: 2}\n"
        "  - conv: {channels: 1, kernel: 3, padding: 1}\n",
    )
    assert in_image(crop, "conv2", 3) == [[*range(4, 9)]]
    everything = analyzed(
        tmp_path,
        "name: alll\ninput: [1, 10]\nlayers:\n"
        "  - conv: {channels: 1, kernel: 3, stride: 2}\n"
        "  - global_avg_pool\n",
    )
    assert in_image(everything, "global_avg_pool1", 0) == [[*range(9)]]


def test_between_the_taps_of_dilated_layers_pixels_are_not_seen(tmp_path: Path) -> None:
    conv = "  - conv: {channels: 1, kernel: 3, dilation: 2, padding: 2}\n"
    analysis = analyzed(tmp_path, f"name: grid\ninput: [1, 64, 64]\nlayers:\n{3 * conv}")
    field = unit_field(analysis, "conv3")
    assert (field.pixels, field.box_in_image) == (49, 169)
    assert field.image_share == Fraction(49, 64 * 64)


def test_a_network_without_spatial_axes_has_no_fields() -> None:
    with pytest.raises(UsageError, match="has no spatial axes"):
        unit_field(analyze("mlp_7_3"), "fc")
