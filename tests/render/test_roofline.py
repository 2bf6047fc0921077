"""Rooflines, in every form."""

from __future__ import annotations

import pytest

from archcalc.hardware.device import Device
from archcalc.hardware.roofline import roofline
from archcalc.render.output import write
from archcalc.render.roofline import RooflineDocument, seconds_text
from tests.spec_texts import analysis_of

ANALYSIS = analysis_of("  - conv: {name: conv, channels: 4, kernel: 3}\n  - relu: {name: relu}\n")
# A device of 1 KFLOP/s and 1 KB/s: 7776 FLOPs take 7.776 s, and 768 + 448 + 576 bytes 1.792 s.
SLOW = Device("slow", "Slow device", {"float32": 1000.0}, 1000.0, "a test")
DOCUMENT = RooflineDocument(ANALYSIS, roofline(ANALYSIS, SLOW), SLOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (2, "2s"),
        (0.00123, "1.23ms"),
        (4.56e-6, "4.56µs"),
        (7e-9, "7ns"),
        (5e-10, "0.5ns"),
    ],
)
def test_seconds_have_three_digits_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_each_layer_has_its_least_time_and_what_limits_it() -> None:
    *_, conv, relu, _, total = write(DOCUMENT, "text").splitlines()
    assert conv.split() == ["conv", "conv", "7.78K", "1.79KB", "4.3", "7.78s", "arithmetic"]
    # The relu reads and writes 576 bytes.
    assert relu.split() == ["relu", "relu", "0", "1.15KB", "0.0", "1.15s", "memory"]
    assert total.split()[0] == "total"
    assert "8.93s" in total
    assert total.endswith("memory for 13%")  # 1.152 / 8.928


def test_the_device_and_what_is_bounded_stand_above_the_text_alone() -> None:
    text = write(DOCUMENT, "text")
    assert "Slow device: 1.00KFLOP/s in float32, 1.00KB/s (a test)\n" in text
    assert "Least time: each row by itself" in text
    assert "Least time" not in write(DOCUMENT, "markdown")


def test_programs_get_seconds() -> None:
    heading, conv, _ = write(DOCUMENT, "csv").splitlines()
    row = dict(zip(heading.split(","), conv.split(","), strict=True))
    assert (row["flops"], row["bytes_moved"], float(row["seconds"])) == ("7776", "1792", 7.776)
