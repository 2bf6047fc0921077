"""Checked figures and errata, in every form."""

from __future__ import annotations

import json

import pytest

from archcalc.claims.check import CheckedClaim, check_family
from archcalc.render.check import CheckDocument, ErrataDocument, tally
from archcalc.render.output import write
from tests.spec_texts import HEAD, family_of

NETWORK = HEAD + "  - conv: {name: conv, channels: 4, kernel: 3}\n"  # 112 parameters
CLAIMS = """\
claims:
  - {id: T1, quantity: params, value: 112, source: a book}
  - {id: T2, quantity: params, value: 108, source: a book, verdict: differs,
     shown_by: weights, by: convention}
  - {id: T3, quantity: params, value: 1K, source: a | b}
"""


@pytest.fixture(scope="module")
def checked() -> list[CheckedClaim]:
    return list(check_family(family_of(NETWORK + CLAIMS)))


def test_each_figure_has_its_verdict(checked: list[CheckedClaim]) -> None:
    _, _, *rows = write(CheckDocument(checked), "text").splitlines()
    assert [row.split() for row in rows] == [
        ["T1", "tiny", "params", "112", "112", "agrees"],
        ["T2", "tiny", "params", "108", "112", "differs", "(convention)"],
        ["T3", "tiny", "params", "1K", "112", "unexplained"],
    ]
    assert tally(checked) == ("3 published figures: 1 agrees, 1 differs, 1 is unexplained")


def test_programs_get_numbers(checked: list[CheckedClaim]) -> None:
    first, _, third = json.loads(write(CheckDocument(checked), "json"))
    assert (first["computed"], first["deviation"], first["expected"]) == (112, 0.0, True)
    assert third["deviation"] == pytest.approx(1000 / 112 - 1)


def test_a_source_stays_in_its_cell(checked: list[CheckedClaim]) -> None:
    rows = write(CheckDocument(checked), "markdown").splitlines()
    assert {row.replace(r"\|", "").count("|") for row in rows} == {rows[0].count("|")}


def test_errata_are_what_does_not_agree(checked: list[CheckedClaim]) -> None:
    text = write(ErrataDocument(checked), "text")
    assert "T1" not in text
    assert "  T2, tiny, params: printed 108, computed 112. Another convention." in text
    assert text.index("T2") < text.index("T3")
