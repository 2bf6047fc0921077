"""Settings with their figures, in every form."""

from __future__ import annotations

import json

import numpy as np

from archcalc import sweep
from archcalc.render.output import write

TEXT = """
name: net
input: [3, 8, 8]
parameters: {width: 4}
layers:
  - conv: {channels: width, kernel: 3, bias: false}
"""
# A convolution of no channels is none.
DOCUMENT = sweep(TEXT, width=np.array([4, 0, 8])).settings("params", "macs").document


def test_reasons_stand_below_each_once() -> None:
    lines = write(DOCUMENT, "text").splitlines()
    assert lines[0] == "net over width"
    assert "3 settings, 2 of them valid; 3 shown" in lines
    assert ["8", "216", "7.78K"] in [line.split() for line in lines]
    assert ["0", "-", "-", "(1)"] in [line.split() for line in lines]
    assert [line for line in lines if line.startswith("(1) ")]


def test_programs_get_plain_numbers_and_the_reason_in_its_row() -> None:
    first, second, third = json.loads(write(DOCUMENT, "json"))["rows"]
    assert first == {
        "network": "net",
        "setting": {"width": 4},
        "figures": {"params": 108, "macs": 3888},
        "reason": None,
    }
    assert second["figures"] == {"params": None, "macs": None} and second["reason"]
    assert third["figures"]["macs"] == 2 * 3888
    rows = write(DOCUMENT, "csv").splitlines()
    assert (rows[0], rows[1]) == ("width,params,macs,reason,network", "4,108,3888,,net")
