"""Memory, in every form. By hand: 3x8x8 floats are 768 bytes, 4x6x6 are 576."""

from __future__ import annotations

from archcalc.memory_use.batches import peaks_over_batches
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.report import memory_report
from archcalc.memory_use.training import training_memory
from archcalc.render.memory import Budget, MemoryDocument, TrainingDocument
from archcalc.render.output import write
from tests.spec_texts import analysis_of

ANALYSIS = analysis_of("  - conv: {name: conv, channels: 4, kernel: 3}\n  - relu: {name: relu}\n")
REPORT = memory_report(ANALYSIS, optimizer="adam", dtype="float32")
STEP = training_memory(ANALYSIS, TrainingOptions(optimizer="adam"))


def test_inference_and_training_stand_below_the_layers() -> None:
    lines = write(MemoryDocument(REPORT), "text").splitlines()
    (conv,) = [line.split() for line in lines if line.startswith("conv")]
    assert conv == ["conv", "576B", "448B", "768B", "its", "input", "3.89K"]
    assert "  peak         1.34KB while conv runs:" in lines  # 768 + 576
    # adam has two values for each parameter, and counts the steps of both tensors
    assert "  optimizer    904B" in lines
    assert "  total        3.14KB = 3.07KiB" in lines  # 448 + 448 + 904 + 1344
    in_full = write(MemoryDocument(REPORT, in_full=True), "text")
    assert "  peak         1,344 while conv runs:\n" in in_full


def test_programs_get_bytes() -> None:
    _, conv, relu = write(MemoryDocument(REPORT), "csv").splitlines()
    assert conv == "conv,576,448,768,its input,3888,True,tiny"
    assert relu == "relu,576,0,576,its output,0,True,tiny"


def test_a_budget_has_a_largest_batch_or_none() -> None:
    # While the optimizer steps: 448 of parameters, as much of gradients, 904 of its state, 768 of
    # the image, 4 of the loss, and the root of the weights' second moment, 432, as is and divided.
    one = peaks_over_batches(ANALYSIS, TrainingOptions(optimizer="adam")).at(1)
    fits = MemoryDocument(REPORT, budget=Budget("4KB", one, one))
    assert write(fits, "text").endswith("  in 4KB  batch 1 at most, 3.44KB = 3.36KiB")
    too_small = MemoryDocument(REPORT, budget=Budget("1KB", None, one))
    assert write(too_small, "text").endswith(
        "  in 1KB  not even one image, which takes 3.44KB = 3.36KiB"
    )


def test_a_step_is_a_table_of_purposes() -> None:
    document = TrainingDocument(ANALYSIS, STEP)
    assert write(document, "csv").splitlines()[1:] == [
        "parameters,1,448,tiny",
        "gradients,1,448,tiny",
        "optimizer,1,904,tiny",
        "master,1,0,tiny",
        "activations,1,1344,tiny",
        "total,1,3144,tiny",
    ]
    assert write(document, "text").splitlines()[-1].split() == ["total", "3.14KB"]
