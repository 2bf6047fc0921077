"""Budgets: how they are read, and whether they are kept."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from archcalc.claims.budgets import broken, budgets_of, check_budgets
from archcalc.errors import SpecError
from archcalc.spec.library import read_family
from archcalc.spec.schema import spec_schema

# conv 8 x 3 x 9 + 8 = 224 parameters, and 8192 x 10 + 10 = 81,930 of the linear layer: 82,154.
# 224 x 1024 - 8 x 1024 = 221,184 MACs, and 81,920: 303,104. The image of 3 x 1024 values and the
# map of 8 x 1024 live at once: 45,056 bytes.
SPEC = """
name: tiny
input: [3, 32, 32]
parameters: {{width: 8}}
budget: {budget}
layers:
  - conv: {{name: c1, channels: width, kernel: 3, padding: 1}}
  - flatten
  - linear: {{name: fc, features: 10}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.yaml"


def kept(path: Path, *conditions: str) -> list[bool]:
    path.write_text(SPEC.format(budget=json.dumps(conditions)))
    return [checked.is_kept for checked in check_budgets(read_family(str(path)))]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("params <= 82154", True),
        ("params < 82154", False),
        ("params <= 1e5", True),
        ("params <= 8.2153e4", False),
        ("params <= 82,153", False),
        ("params <= 0.1M", True),
        ("params >= 82154", True),
        ("params > 83K", False),
        ("macs <= 303.104K", True),
        ("peak <= 45.056KB", True),
        ("peak <= 44KiB", True),
        ("peak <= 43KiB", False),
        ("peak_bytes <= 44KiB", True),
        ("training_bytes / peak_bytes <= 1", True),
        ("layers[c1].params <= 224", True),
        ("layers[c1].params / params <= 0.3%", True),
        ("layers[c1].params / params <= 0.2%", False),
        ("weight_layers>=2", True),
        ("params - layers[fc].params <= 1K", True),
    ],
)
def test_a_bound_is_kept_or_broken(path: Path, condition: str, holds: bool) -> None:
    assert kept(path, condition) == [holds]


def test_a_broken_budget_is_reported_at_its_place(path: Path) -> None:
    kept(path, "params <= 1M", "macs <= 1K")
    good, bad = check_budgets(read_family(str(path)))
    assert broken(good) is None
    error = broken(bad)
    assert error is not None
    assert error.fact == "tiny breaks its budget: macs is 303104, not <= 1K"
    assert error.place is not None
    assert (error.place.line, error.place.column) == (5, 26)


def test_a_variant_has_the_family_s_budget_or_its_own(path: Path) -> None:
    spec = SPEC.format(budget="[params <= 1M]") + "\n".join(
        ["variants:", "  small:", "  large: {width: 64, budget: [macs <= 1G, peak <= 1MB]}",
         "  free: {budget: []}"]
    )  # fmt: skip
    path.write_text(spec)
    networks = read_family(str(path)).networks
    assert {
        name: [(budget.network, budget.quantity, budget.bound.text) for budget in budgets_of(each)]
        for name, each in networks.items()
    } == {
        "small": [("small", "params", "<= 1M")],
        "large": [("large", "macs", "<= 1G"), ("large", "peak", "<= 1MB")],
        "free": [],
    }
    assert len(list(check_budgets(read_family(str(path)), "large"))) == 2


@pytest.mark.parametrize(
    ("budget", "place", "message"),
    [
        (
            "[params = 5M]",
            (5, 10),
            "'params = 5M' is not a budget; expected one such as params <= 5M",
        ),
        ("[5M]", (5, 10), "'5M' is not a budget"),
        ("[<= 5M]", (5, 10), "'<= 5M' is not a budget"),
        ("[params <=]", (5, 10), "'params <=' is not a budget"),
        ("[params <= 5e-3]", (5, 10), "'5e-3' is not a bound; expected one such as 5M"),
        ("[params <= 5Q]", (5, 10), "'5Q' is not a bound; expected one such as 5M"),
        ("[params <= 5x5]", (5, 10), "'5x5' is not a bound"),
        ("[params <= 1M, params <= 5MB]", (5, 24), "5MB is of bytes, and params is not; peak,"),
        ("[pramas <= 5M]", (5, 10), "tiny has no figure 'pramas'; did you mean 'params'?"),
        ("[input <= 5M]", (5, 10), "input is [3, 32, 32], not a number"),
        ("{params: 5M}", (5, 9), "budget is a list (- item)"),
        ("[[params]]", (5, 10), "a budget is text, not a list or a mapping"),
    ],
)
def test_a_malformed_budget_is_refused_at_its_place(
    path: Path, budget: str, place: tuple[int, int], message: str
) -> None:
    path.write_text(SPEC.format(budget=budget))
    with pytest.raises(SpecError) as raised:
        list(check_budgets(read_family(str(path))))
    assert raised.value.fact.startswith(message)
    assert raised.value.place is not None
    assert (raised.value.place.line, raised.value.place.column) == place


def test_a_quantity_that_depends_on_a_free_size_is_no_number(path: Path) -> None:
    free = SPEC.format(budget="[macs <= 5M]").replace("[3, 32, 32]", "[3, 8h, 8w]")
    path.write_text(free.replace("flatten", "global_avg_pool: {name: gap}\n  - flatten"))
    with pytest.raises(SpecError, match=r"macs is .*h\*w.*, not a number"):
        list(check_budgets(read_family(str(path))))


def test_the_schema_knows_budgets() -> None:
    validator = jsonschema.Draft202012Validator(spec_schema())
    spec: dict[str, object] = {"name": "tiny", "input": [1], "layers": ["relu"]}
    assert validator.is_valid(spec | {"budget": ["params <= 5M"]})
    assert validator.is_valid(spec | {"variants": {"a": {"budget": ["peak < 8MB"]}}})
    assert not validator.is_valid(spec | {"budget": {"params": 5}})
    assert not validator.is_valid(spec | {"budget": ["params"]})
