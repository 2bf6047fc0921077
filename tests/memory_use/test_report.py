"""What is gathered about the memory of a network: by layer, and of a step."""

from __future__ import annotations

import pytest

from archcalc import analyze
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.report import memory_report
from archcalc.memory_use.totals import saved_bytes


@pytest.mark.parametrize("name", ["googlenet", "densenet_40_12", "deconv_unpool", "lenet5_1998"])
def test_what_layers_keep_is_what_autograd_keeps(name: str) -> None:
    analysis = analyze(name, batch=2)
    report = memory_report(analysis, TrainingOptions())
    assert report.saved == saved_bytes(analysis)
    assert sum(report.saved.values()) == report.training.kept


def test_what_the_loss_keeps_is_kept_by_no_layer() -> None:
    report = memory_report(analyze("lenet5", batch=3), TrainingOptions(loss="mse"))
    # The output, which no layer keeps, and the target, both 3 x 10 values of 4 bytes.
    assert report.training.kept == sum(report.saved.values()) + 2 * 3 * 10 * 4


def test_the_peak_is_that_of_some_layer() -> None:
    report = memory_report(analyze("resnet20", batch=2), TrainingOptions())
    peak = report.training.peak
    assert report.most_alive[peak.layer, peak.direction] == peak.bytes
    assert max(report.most_alive.values()) == peak.bytes
    assert {direction for _, direction in report.most_alive} == {*Direction}
