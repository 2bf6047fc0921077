"""Where figures are printed, read off their sources."""

from __future__ import annotations

import pytest

from archcalc.reports.errata_page import Printing, printings


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("GoogLeNet paper, Table 1", [("GoogLeNet paper", "Table 1")]),
        ("TF-Slim", [("TF-Slim", "")]),
        (
            "AlexNet paper, figure 2; lectures 000, L60; 002, L130",
            [("AlexNet paper", "figure 2"), ("lecture 000", "L60"), ("lecture 002", "L130")],
        ),
        (
            "lecture 001, L438 and L570; WRN paper",
            [("lecture 001", "L438 and L570"), ("WRN paper", "")],
        ),
    ],
)
def test_a_source_names_works_and_places(source: str, expected: list[Printing]) -> None:
    assert list(printings(source)) == expected
