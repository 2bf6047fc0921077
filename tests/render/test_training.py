"""A training step, in words and for programs. By hand, as in `tests.render.test_memory`."""

from __future__ import annotations

from archcalc.graph import Stretch
from archcalc.memory_use.batches import Peak
from archcalc.memory_use.cutting import Cut
from archcalc.memory_use.moments import OPTIMIZER, Direction
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.recorded import LOSS
from archcalc.memory_use.report import TrainingReport, training_report
from archcalc.record import replace
from archcalc.render.output import write
from archcalc.render.training import (
    Budget,
    TrainingDocument,
    budget_lines,
    cut_in_words,
    in_words,
    training_lines,
    where_is,
)
from tests.spec_texts import analysis_of

LAYERS = "  - conv: {name: conv, channels: 4, kernel: 3}\n  - relu: {name: relu}\n"
ANALYSIS = analysis_of(LAYERS)


def report_of(text: str = LAYERS, **options: str) -> TrainingReport:
    return training_report(analysis_of(text), replace(TrainingOptions(), **options))


def test_the_peak_stands_with_its_parts_and_the_largest_tensors() -> None:
    lines = training_lines(report_of(optimizer="momentum"), in_full=True)
    assert lines[:12] == [
        "training step, batch 1, momentum, float32",
        "  peak         2,824 = 2.76KiB while relu runs backward:",
        "                 448 parameters",
        "                 448 the optimizer's state",
        "               1,344 kept activations",  # the images, which conv keeps, and relu's output
        "                 580 gradients of activations",  # that of conv, and of the loss
        "                   4 inputs and others",  # the loss
        "  alive there, beside what is there all the time:",
        "               768 input, kept",
        "               576 relu, kept",
        "               576 gradient of conv",
        "                 4 loss",
    ]


def test_unusual_options_stand_beside_the_batch() -> None:
    options = TrainingOptions(optimizer="adam", device="cuda", accumulate=4)
    assert in_words(options) == "adam, float32, device cuda, accumulate 4"
    options = TrainingOptions(dtype="float16", foreach=False, master=True, freeze=("a", "b?"))
    assert in_words(options) == "sgd, float16, no foreach, master, freeze a b?"


def test_where_the_peak_is_stands_in_words() -> None:
    assert where_is("conv", Direction.FORWARD) == "while conv runs"
    assert where_is("conv", Direction.BACKWARD) == "while conv runs backward"
    assert where_is(LOSS, Direction.FORWARD) == "while the loss runs"
    assert where_is(OPTIMIZER, Direction.STEP) == "while the optimizer steps"


def test_many_tensors_are_summed_up() -> None:
    report = report_of("  - repeat: 9\n    layers: [conv: {channels: 3, kernel: 3, padding: 1}]\n")
    lines = training_lines(report, in_full=True)
    (more,) = [line for line in lines if line.endswith(" more")]
    size, _, count, _ = more.split()
    assert int(count) == len(report.alive) - 5
    assert int(size.replace(",", "")) == sum(tensor.bytes for tensor in report.alive[5:])


def test_what_is_assumed_is_said() -> None:
    def said(**options: str) -> str:
        return " ".join(" ".join(training_lines(report_of(**options), in_full=True)).split())

    assert "as torch on the CPU; the loss is the sum of the outputs; inputs and loss live" in said()
    assert "loss live to the end, outputs until the loss is made; sums" in said()
    assert "as torch on the GPU; the loss is cross entropy; inputs, targets and loss live" in said(
        device="cuda", loss="cross_entropy"
    )


def test_a_sum_in_place_is_told_where_it_takes_less() -> None:
    # Two gradients of the stem's output of 2,304 bytes, and their sum beside them or not.
    pool = "[avg_pool: {kernel: 2, stride: 2}]"
    stem = "  - conv: {name: stem, channels: 9, kernel: 1}\n"
    report = report_of(f"{stem}  - add: [{pool}, {pool}, {pool}]\n")
    assert report.in_place == report.peak.bytes - 2304
    lines = " ".join(" ".join(training_lines(report, in_full=True)).split())
    assert f"(without one torch adds some in place: {report.in_place:,})" in lines
    plain = training_lines(report_of(), in_full=True)
    assert "in place" not in " ".join(plain)


def test_no_line_is_longer_than_a_screen() -> None:
    report = report_of(loss="cross_entropy")
    budget = Budget("16GiB", "1GiB", None, Peak(2, 17_000, "conv", Direction.BACKWARD))
    for line in (*training_lines(report, in_full=False), *budget_lines(budget)):
        assert len(line) <= 80


def test_an_automatic_cut_says_how_it_was_found() -> None:
    without = ANALYSIS.graph
    cut = Cut(replace(without, stretches=(Stretch("conv", ("conv",)),)), 3_000, 9, 12, None)
    assert cut_in_words(cut) == "of 12 cuts tried by replay the one that needs the least"
    assert cut_in_words(cut._replace(budget=3_000, tried=1)) == (
        "of 1 cut tried by replay the one that takes the fewest MACs and fits"
    )
    assert cut_in_words(cut._replace(budget=3_000, graph=without)) == (
        "nothing, for the batch fits without (12 cuts tried by replay)"
    )
    assert cut_in_words(cut._replace(budget=1_000), in_full=True) == (
        "none of 12 cuts tried by replay fits; the one that needs the least is 2,000 too large"
    )


def test_a_budget_has_a_largest_batch_or_none() -> None:
    one, two = [Peak(n, 1500 * n, "conv", Direction.BACKWARD) for n in (1, 2)]
    assert budget_lines(Budget("4KB", None, two, one))[0] == (
        "  in 4KB       batch 2 at most, 3.00KB = 2.93KiB"
    )
    assert budget_lines(Budget("4KB", "1KB", two, one))[0].endswith("; 1KB are held back")
    assert budget_lines(Budget("1KB", None, None, one))[0] == (
        "  in 1KB       not even batch 1, which takes 1.50KB = 1.46KiB"
    )
    assert budget_lines(Budget("1KB", None, None, two))[0].endswith("; torch refuses 1")


def test_a_step_is_a_table_of_purposes() -> None:
    document = TrainingDocument(ANALYSIS, report_of(optimizer="momentum"))
    assert write(document, "csv").splitlines()[1:] == [
        "parameters,1,448,tiny",
        "buffers,1,0,tiny",
        "gradients,1,0,tiny",
        "optimizer,1,448,tiny",
        "kept_activations,1,1344,tiny",
        "activation_gradients,1,580,tiny",
        "other,1,4,tiny",
    ]
    rows = [line.split("  ") for line in write(document, "text").splitlines()]
    assert ["peak", "2.82KB"] in [[row[0], row[-1].strip()] for row in rows]
    record = document.record()
    assert isinstance(record, dict)
    assert (record["batch"], record["peak_bytes"]) == (1, 2824)
