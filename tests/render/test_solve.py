"""The value at which conditions hold, in every form."""

from __future__ import annotations

import json

from archcalc import load
from archcalc.parametric.choosing.solving import solve
from archcalc.render.output import write
from archcalc.render.solve import SolveDocument
from archcalc.render.sweep import SweepDocument
from tests.render.test_sweep import TEXT

# 3 x 3 x 3 weights for each channel.
FOUND = solve(
    load(TEXT), "width=1..20", "params <= 300", quantities=["macs"], batch=1, dtype="float32"
)
DOCUMENT = SolveDocument(FOUND, SweepDocument(FOUND.shown, FOUND.quantities))


def test_both_sides_of_the_boundary_are_shown() -> None:
    lines = [line.split() for line in write(DOCUMENT, "text").splitlines()]
    (eleven,) = [line for line in lines if line[:1] == ["11"]]
    (twelve,) = [line for line in lines if line[:1] == ["12"]]
    assert (eleven[1], eleven[-1]) == ("297", "yes")
    assert (twelve[1], twelve[-1]) == ("324", "no")


def test_programs_get_both_and_how_far_was_looked() -> None:
    record = json.loads(write(DOCUMENT, "json"))
    assert (record["value"], record["next"], record["first"], record["last"]) == (11, 12, 1, 20)
    assert [row["figures"]["params"] for row in record["rows"]] == [297, 324]
    headings, *rows = write(DOCUMENT, "csv").splitlines()
    assert headings.startswith("holds,width,") and len(rows) == 2
