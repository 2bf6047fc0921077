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


def test_in_mixed_precision_parameters_are_float32_and_products_half() -> None:
    analysis = analyze("lenet5")
    report = memory_report(analysis, TrainingOptions(dtype="mixed"))
    assert report.parameters["C1"] == 4 * analysis["C1"].params
    assert report.outputs["C1"] == 2 * analysis["C1"].output.values
    whole = memory_report(analysis, TrainingOptions())
    assert whole.outputs == {layer.name: layer.activation_bytes for layer in analysis}
    # What a convolution keeps of its input has been cast; so have its weights.
    weights = 2 * analysis["C1"].weights
    assert report.saved["C1"] == 2 * 32 * 32 + weights
