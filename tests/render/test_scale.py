"""How figures grow, in every form."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc.parametric.scale import Growth, figures, way_called
from archcalc.render.output import write
from archcalc.render.scale import ScaleDocument, growth_text
from tests.spec_texts import analysis_of

ANALYSIS = analysis_of(
    "name: net\ninput: [3, 8, 8]\nparameters: {width: 4}\nlayers:\n"
    "  - conv: {channels: width, kernel: 3, bias: false}\n"
)
WAY = way_called(ANALYSIS, "width")
QUANTITIES = ("params", "macs")
DOCUMENT = ScaleDocument(ANALYSIS, figures(ANALYSIS, QUANTITIES), {WAY: WAY.growth(QUANTITIES)})


@pytest.mark.parametrize(
    ("ratio", "degree", "text"),
    [
        (None, None, "-"),
        (Fraction(4), 2, "x4     2"),
        (Fraction(3969, 1000), 2, "x3.969 1.99 -> 2"),
        (Fraction(3), None, "x3     1.58 -> ?"),
        (Fraction(0), 1, "x0"),
    ],
)
def test_a_ratio_has_the_exponent_that_it_amounts_to_and_approaches(
    ratio: Fraction | None, degree: int | None, text: str
) -> None:
    assert growth_text(Growth(ratio, degree)) == text


def test_each_quantity_has_a_row_and_each_way_a_column() -> None:
    lines = write(DOCUMENT, "text").splitlines()
    # 3 * 3 * 3 * 4 weights, at 36 positions.
    assert [line.split() for line in lines if line.startswith(("params ", "MACs "))] == [
        ["params", "108", "x2", "1"],
        ["MACs", "3.89K", "x2", "1"],
    ]


def test_programs_get_ratios() -> None:
    assert write(DOCUMENT, "csv").splitlines() == [
        "quantity,now,width.ratio,width.exponent,width.degree,network",
        "params,108,2.0,1.0,1,net",
        "macs,3888,2.0,1.0,1,net",
    ]
