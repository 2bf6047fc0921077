"""Totals of other tools, in every form."""

from __future__ import annotations

from archcalc import conventions
from archcalc.other_tools import CONVENTIONS
from archcalc.render.output import write
from tests.spec_texts import analysis_of

# 4 x 3 x 3 x 3 weights at 36 positions, then 144 values.
DOCUMENT = conventions(
    analysis_of(
        "name: net\ninput: [3, 8, 8]\nlayers:\n"
        "  - conv: {channels: 4, kernel: 3, bias: false}\n  - batch_norm\n  - relu\n"
    ).graph
).document


def test_totals_of_operations_stand_beside_the_macs() -> None:
    lines = [line.split() for line in write(DOCUMENT, "text").splitlines()]
    assert ["fvcore", "flops", "4,176", "operations", "1.074"] in lines  # 3888 + 2 * 144
    assert ["keras", "Total", "params", "124", "values"] in lines  # 108 + 4 * 4


def test_markdown_has_a_table_of_the_rules() -> None:
    lines = [line.split() for line in write(DOCUMENT, "markdown").splitlines()]
    assert ["|", "convention", "|", "tool", "|", "call", "|", "counts", "|"] in lines
    assert len([line for line in lines if line[1:2] == ["ptflops"]]) == 2


def test_programs_get_a_row_for_each() -> None:
    headings, *rows = write(DOCUMENT, "csv").splitlines()
    assert headings == "name,tool,call,prints,unit,rule,wrong,total,network"
    assert [row.partition(",")[0] for row in rows] == [*CONVENTIONS]
