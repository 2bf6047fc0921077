"""The peak of a training step over the batch, in every form."""

from __future__ import annotations

import json

from archcalc.memory_use.batches import peaks_over_batches
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import step_of
from archcalc.render.batches import BatchesDocument, FormulaDocument
from archcalc.render.output import write
from tests.spec_texts import analysis_of

ANALYSIS = analysis_of("  - conv: {name: conv, channels: 4, kernel: 3}\n  - relu: {name: relu}\n")
OPTIONS = TrainingOptions(optimizer="adam")
PEAKS = peaks_over_batches(ANALYSIS, OPTIONS)


def test_a_formula_gives_the_peak_of_each_batch() -> None:
    document = FormulaDocument(ANALYSIS, OPTIONS, PEAKS, "n")
    pieces = json.loads(document.json())["pieces"]
    assert len(pieces) > 1  # with few images the optimizer needs most
    for batch in range(1, 12):
        (piece,) = [p for p in pieces if p["first"] <= batch <= (p["last"] or batch)]
        peak = step_of(ANALYSIS.of_batch(batch, "float32"), OPTIONS).peak
        assert eval(piece["formula"], {"n": batch}) == peak.bytes
        assert piece["bytes_each"] * batch + piece["bytes_always"] == peak.bytes
        assert (piece["at"], piece["direction"]) == (peak.layer, peak.direction.value)
    lines = write(document, "text").splitlines()
    assert lines[0] == "tiny: the peak of a training step, adam, float32"
    assert lines[-1].startswith(f"from {pieces[-1]['first']} on")


def test_batches_stand_below_one_another() -> None:
    document = BatchesDocument(ANALYSIS, OPTIONS, [PEAKS.at(1), PEAKS.at(10)])
    one, ten = [step_of(ANALYSIS.of_batch(n, "float32"), OPTIONS).peak for n in (1, 10)]
    assert write(document, "csv").splitlines() == [
        "batch,peak_bytes,at,direction,network",
        f"1,{one.bytes},{one.layer},{one.direction.value},tiny",
        f"10,{ten.bytes},{ten.layer},{ten.direction.value},tiny",
    ]
    assert json.loads(document.json())["batches"][1]["peak_bytes"] == ten.bytes
    assert "while relu runs backward" in write(document, "text")
