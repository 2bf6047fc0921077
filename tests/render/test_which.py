"""Networks that a number may be about, in every form."""

from __future__ import annotations

from archcalc import which
from archcalc.render.output import write

DOCUMENT = which("lenet5", "lenet_caffe", params="61.7K", macs="416.5K").document


def test_of_many_counts_the_first_is_named() -> None:
    lines = write(DOCUMENT, "text").splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if line.startswith("lenet5 ")]
    assert "61,706" in row and "macs and " in row


def test_programs_get_all_counts() -> None:
    headings, *rows = write(DOCUMENT, "csv").splitlines()
    assert headings == "network,asked,counted_as,total"
    assert "lenet5,params,params,61706" in rows
    assert len([row for row in rows if row.startswith("lenet5,macs,")]) > 3
