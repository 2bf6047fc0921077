"""The figures in explanations."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.claims.explaining import explained, figure_text
from archcalc.claims.printed import PERCENT


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (Fraction(4, 2), "2"),
        (Fraction(5, 2), "2.5"),
        (Fraction(60965224, 12), "~5,080,435.33"),
        (Fraction(61, 7), "~8.71429"),
        (Fraction(1, 3000), "~0.000333"),
        ([64, 56, 56], "64x56x56"),
        (True, "true"),
        (None, ""),
    ],
)
def test_a_figure_is_exact_or_marked_as_rounded(value: Any, text: str) -> None:
    assert figure_text(value) == text


def test_a_share_is_in_percent() -> None:
    assert figure_text(Fraction(1, 8), PERCENT) == "12.5%"
    assert figure_text(Fraction(1, 3), PERCENT) == "~33.33%"


def test_quantities_in_braces_are_computed() -> None:
    values = {"params": 10, "macs / params": Fraction(1, 4)}
    text = "{params} of them, {macs / params} or {macs / params:%} each"
    assert explained(text, values.__getitem__) == "10 of them, 0.25 or 25% each"
