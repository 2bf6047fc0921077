"""Memory on a GPU by the rule, beside what an H200 measured and is kept in the reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archcalc import analyze
from archcalc.errors import UsageError
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.report import training_report
from archcalc.memory_use.totals import peak_bytes
from archcalc.memory_use.training import step_of

KEPT = Path(__file__).parents[2] / "reports" / "verification"
# The most that was alive at inference of one image in bfloat16, with torch 2.11.
IN_HALF = {
    "dcgan_generator": 262_656,
    "mobilenet_v3_large": 3_211_776,
    "efficientnet_b0": 4_817_664,
    "regnet_y_400mf": 2_709_888,
    "vit_tiny": 680_832,
}


def rows_of_steps() -> list[list[str]]:
    """Those of the page that `benchmarks/training_on_gpu.py` has made."""
    lines = (KEPT / "training_on_gpu.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:2] == "| "]
    return [row for row in rows[2:] if row[3] == "yes"]


@pytest.mark.parametrize("row", rows_of_steps(), ids=lambda row: f"{row[0]} in {row[2]}")
def test_a_step_in_any_type_needs_what_was_measured(row: list[str]) -> None:
    name, batch, mode, _, _, tensors, *_ = row
    options = TrainingOptions(dtype=mode, device="cuda")
    assert step_of(analyze(name, batch=int(batch)), options).peak.bytes == int(
        tensors.replace(",", "")
    )


@pytest.mark.parametrize("name", ["vit_tiny", "deit_tiny_distilled", "whisper_tiny", "t5_small"])
def test_a_step_with_attention_and_norms_needs_what_was_measured(name: str) -> None:
    results = json.loads((KEPT / "nvidia_h200" / "results.json").read_text(encoding="utf-8"))
    (found,) = [one for one in results["networks"] if one["network"] == name]
    (total,) = [one for one in found["totals"] if one["quantity"] == "training_peak_bytes"]
    step = step_of(analyze(name), TrainingOptions(device="cuda"))
    assert step.peak.bytes == total["measured"]


def test_norms_of_vectors_take_half_precision_as_it_is_under_autocast() -> None:
    options = TrainingOptions(dtype="mixed", device="cuda")
    assert step_of(analyze("swin_v2_t"), options).peak.bytes == 315_354_856


@pytest.mark.parametrize("name", IN_HALF)
def test_statistics_are_float32_beside_half_precision(name: str) -> None:
    assert peak_bytes(analyze(name, dtype="bfloat16"), on_gpu=True) == IN_HALF[name]


def attending(heads: dict[str, int], features: int) -> dict[str, Any]:
    """A spec of four heads of so many features, which may share their keys."""
    keys = features * heads.get("key_heads", 4)
    widths = {"q": features * 4, "k": keys, "v": keys}
    linear = [
        {"linear": {"name": name, "from": "input", "features": width}}
        for name, width in widths.items()
    ]
    attend = {"name": "attend", "from": list(widths), "heads": 4, **heads}
    return {
        "name": "attention",
        "input": [5, 8],
        "layers": [*linear, {"scaled_dot_product_attention": attend}],
    }


@pytest.mark.parametrize(
    ("heads", "features", "dtype"),
    [
        ({"key_heads": 2}, 32, "float32"),
        ({}, 18, "float32"),
        ({}, 20, "bfloat16"),
        ({}, 264, "bfloat16"),
    ],
    ids=[
        "keys are shared",
        "rows of another length",
        "rows of another length in half precision",
        "rows too long in half precision",
    ],
)
def test_attention_that_other_kernels_run_is_unknown(
    heads: dict[str, int], features: int, dtype: str
) -> None:
    spec = attending(heads, features)
    with pytest.raises(UsageError, match=f"attend .* in {dtype} on a GPU is not known"):
        step_of(analyze(spec), TrainingOptions(dtype=dtype, device="cuda"))
    step_of(analyze(spec), TrainingOptions(dtype=dtype, device="cpu"))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "mixed"])
def test_keys_that_are_shared_are_kept_as_they_are_in_half_precision(dtype: str) -> None:
    options = TrainingOptions(dtype=dtype, device="cuda")
    shared, own = (
        training_report(analyze(attending(heads, 32)), options).kept
        for heads in ({"key_heads": 2}, {})
    )
    assert own - shared == 2 * 2 * 5 * 32 * 2  # keys and values of two heads less, 2 bytes each
