"""What one unit sees: worked out by hand on small networks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.unit_field import alignment, path_sizes, unit_field, unit_over
from archcalc.walk import analyze

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
  - global_avg_pool: {name: gap}
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
    assert seen.clipped == ((0, 1), (5, 7))
    assert (seen.pixels, seen.pixels_in_image) == (9, 6)
    assert seen.padding_share == Fraction(1, 3)
    assert seen.image_share == Fraction(6, 256)


def test_the_unit_in_the_middle_is_the_default(two_paths: Analysis) -> None:
    assert unit_field(two_paths, "conv1").unit == (4, 4)


def test_paths_see_between_the_smallest_and_the_largest(two_paths: Analysis) -> None:
    paths = path_sizes(two_paths)
    # By the identity only conv1's 3; by conv2 as well 3 + (5 - 1) * 2 = 11.
    assert paths["add"].smallest == (3, 3)
    assert paths["add"].largest == (11, 11)
    assert paths["conv2"].smallest == paths["conv2"].largest == (11, 11)
    assert paths["gap"].smallest == ("all", "all")


def test_branches_that_are_shifted_are_not_aligned(two_paths: Analysis) -> None:
    assert alignment(two_paths, two_paths.layer("add")) is True
    assert alignment(two_paths, two_paths.layer("shifted")) is False
    assert alignment(two_paths, two_paths.layer("conv1")) is None


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
    ],
)
def test_a_unit_that_is_not_there_is_refused(
    two_paths: Analysis, name: str, at: tuple[int, ...] | None, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        unit_field(two_paths, name, at)
    assert message in str(raised.value)


def test_misaligned_jumps_are_named(tmp_path: Path) -> None:
    path = tmp_path / "misaligned.yaml"
    path.write_text(
        "name: misaligned\ninput: [1, 8, 8]\nlayers:\n"
        "  - add:\n"
        "      - [conv: {channels: 1, kernel: 3, stride: 2, padding: 1}]\n"
        "      - [crop: {sides: 2}]\n"
    )
    with pytest.raises(UsageError, match="branches with different jumps meet before it"):
        unit_field(analyze(str(path)), "add1")


def test_a_network_without_spatial_axes_has_no_fields() -> None:
    with pytest.raises(UsageError, match="has no spatial axes"):
        unit_field(analyze("mlp_7_3"), "fc")
