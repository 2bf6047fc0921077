"""Memory, in every form. By hand: 3x8x8 floats are 768 bytes, 4x6x6 are 576."""

from __future__ import annotations

from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.report import memory_report
from archcalc.render.memory import MemoryDocument
from archcalc.render.output import write
from tests.spec_texts import analysis_of

ANALYSIS = analysis_of("  - conv: {name: conv, channels: 4, kernel: 3}\n  - relu: {name: relu}\n")
REPORT = memory_report(ANALYSIS, TrainingOptions(optimizer="momentum"))


def test_inference_and_training_stand_below_the_layers() -> None:
    lines = write(MemoryDocument(REPORT), "text").splitlines()
    (conv,) = [line.split() for line in lines if line.startswith("conv")]
    # 112 parameters and their velocities, images, and forward the output; backward the loss, the
    # gradients of output and parameters, but not that of the images.
    forward, backward = 448 * 2 + 768 + 576, 448 * 3 + 768 + 576 + 8
    sizes = [f"{size / 1000:.2f}KB" for size in (forward, backward)]
    assert conv == ["conv", "576B", "768B", *sizes, "input"]
    assert "  peak         1.34KB while conv runs:" in lines  # 768 + 576
    in_full = write(MemoryDocument(REPORT, in_full=True), "text")
    assert "  peak         1,344 while conv runs:\n" in in_full


def test_programs_get_bytes() -> None:
    _, conv, relu = write(MemoryDocument(REPORT), "csv").splitlines()
    assert conv == "conv,576,448,768,its input,2240,2696,3888,True,tiny"
    assert relu == "relu,576,0,576,its output,2816,2824,0,True,tiny"


def test_markdown_has_parameters_and_macs_too() -> None:
    _, _, conv, _ = write(MemoryDocument(REPORT), "markdown").splitlines()
    cells = [cell.strip() for cell in conv.split("|")]
    assert cells[1:6] == ["conv", "576B", "448B", "768B", "its input"]
    assert cells[-2] == "3.89K"
