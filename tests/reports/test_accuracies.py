"""Published accuracies of different protocols stay apart in every table."""

from __future__ import annotations

import pytest

from archcalc.reports.accuracies import accuracy_columns, protocols, said
from archcalc.reports.library import Entry, part_of_library
from archcalc.reports.network_table import network_table
from archcalc.reports.page import Page

# Of one view, of ten, dense, with nothing said, and without an accuracy.
NAMES = ["resnet50", "resnet50_v1", "vgg16", "zfnet", "fractalnet40"]


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return part_of_library(NAMES).named(NAMES)


def test_each_protocol_has_a_column_of_its_own(entries: list[Entry]) -> None:
    assert protocols(entries) == [1, 10, "dense", None]
    headings, cells = accuracy_columns(entries)
    assert headings == [
        "top-1 / top-5, 1 view",
        "top-1 / top-5, 10 views",
        "top-1 / top-5, dense",
        "top-1 / top-5, views not said",
    ]
    assert cells == [
        ["76.1 / 92.9", "", "", ""],
        ["", "77.2 / 93.3", "", ""],
        ["", "", "74.4 / 91.9", ""],
        ["", "", "", "61.6 / 83.5"],
        ["", "", "", ""],
    ]


def test_a_table_of_networks_keeps_protocols_apart(entries: list[Entry]) -> None:
    lines = network_table(Page("p.md", "", ()), entries, in_millions=True).splitlines()
    headings, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    columns = [n for n, heading in enumerate(headings) if heading.startswith("top-1")]
    assert len(columns) == 4
    for row in rows[1:]:
        assert sum(bool(row[n]) for n in columns) <= 1


def test_a_protocol_is_said_in_words() -> None:
    assert [said(crops) for crops in (1, 10, "dense", None)] == [
        "1 view", "10 views", "dense", "views not said",
    ]  # fmt: skip
