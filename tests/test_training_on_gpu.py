"""`benchmarks/training_on_gpu.py`, with the CPU in place of a GPU."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.torch_backend.test_memory_figures import KEPT_FOR_GOOD, WORKSPACE, StandIn

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "training_on_gpu.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def row(script: dict[str, Any], **changed: object) -> Any:
    """LeNet-5 in float32 for two images, as the CPU has it."""
    allocator = StandIn()
    with allocator:
        found, tensors = script["measured"]("lenet5", 2, "float32", False, allocator, "cpu")
    assert tensors == script["by_the_rule"](found, "cpu")
    assert found.largest_live == tensors + KEPT_FOR_GOOD
    return found._replace(**changed)


def test_what_lives_is_the_rules_and_workspace_beside_it(script: dict[str, Any]) -> None:
    found = row(script)
    assert found.workspace_at_peak in (0, WORKSPACE)
    assert found.largest_workspace == WORKSPACE
    assert "convolution" in found.largest_workspace_op
    rule = script["by_the_rule"](found)
    page = script["page"]([(found, rule)], "NVIDIA None")
    assert f"| lenet5 | 2 | float32 | no | {rule:,} | {rule:,} | 0 |" in page


def test_a_file_is_read_back_and_what_is_too_far_off_is_told(
    script: dict[str, Any], tmp_path: Path
) -> None:
    exact = row(script)
    exact = exact._replace(largest_live=script["by_the_rule"](exact))
    far = exact._replace(largest_live=exact.largest_live * 2, mode="float32", tf32=True)
    path = tmp_path / "kept.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([exact._fields, exact, far])
    assert [*script["kept"](str(path))] == [exact, far]
    one, other, all_of_them = script["against"]([exact, far])
    assert "+0.0000%" in one
    assert not one.endswith("MISSED")
    assert other.endswith("-50.0000%  MISSED")
    assert "float32, TF32" in other
    assert all_of_them == "1 of 2 exact, 50.0000% off at the most, 0.5% allowed"
