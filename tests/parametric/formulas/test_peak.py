"""The peak of a training step as a formula of the batch."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc import analyze
from archcalc.memory_use.batches import peaks_over_batches
from archcalc.memory_use.options import TrainingOptions
from archcalc.parametric.formulas.formula import Formulas
from archcalc.parametric.formulas.peak import peak_formula
from archcalc.render import formula as render
from tests.spec_texts import analysis_of

# 3x8x8 floats are 768 bytes, 4x6x6 are 576; 112 parameters of 4 bytes.
SMALL = "  - conv: {name: conv, channels: 4, kernel: 3}\n  - relu: {name: relu}\n"
# A batch norm with one value per channel, of 8 values.
ONE_VALUE = "  - global_avg_pool\n  - conv: {channels: 8, kernel: 1, bias: false}\n  - batch_norm\n"


def formula_of(text: str, **options: Any) -> Formulas:
    analysis = analysis_of(text)
    peaks = peaks_over_batches(analysis, TrainingOptions(**options))
    return peak_formula(analysis.graph, peaks)


def test_a_single_image_stands_by_itself_where_the_peak_lies_elsewhere() -> None:
    # There while Adam steps: 448 of parameters, as much of gradients, 904 of its state, the image,
    # 4 of the loss, and the root of 432, as is and divided. Later at the gradients of activations.
    shown = render.text(formula_of(SMALL, optimizer="adam"))
    assert shown == ("training_peak = 3436  if n == 1\n              = 1920*n + 1360  if n >= 2")


def test_a_batch_that_torch_refuses_is_left_out() -> None:
    assert render.text(formula_of(ONE_VALUE)).endswith("\nfor n >= 2")


@pytest.mark.parametrize("name", ["resnet50", "densenet_40_12", "lenet5"])
def test_it_is_the_peak_in_every_form(name: str) -> None:
    analysis = analyze(name)
    peaks = peaks_over_batches(analysis)
    found = peak_formula(analysis.graph, peaks, "images")
    scope: dict[str, Any] = {}
    exec(render.python(found), scope)
    (formula,) = found.formulas
    for batch in (1, 2, 3, 18, 19, 22, 23, 1000):
        expected = peaks.at(batch).bytes
        assert formula.at({formula.symbols[0]: batch}) == [expected]
        assert scope["training_peak"](batch) == expected
    assert render.latex(found).count(r"\\") == len(peaks.pieces) - 1
