"""Every printed form of a network's formula is what the walk says."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from archcalc import ArchcalcError, analyze
from archcalc.figures.language import evaluate
from archcalc.parametric.formulas.deriving import derive_formulas
from archcalc.spec.library import find_network
from tests.render.formula.printed_forms import PrintedForms


@pytest.mark.parametrize(
    ("spec", "quantity", "axes"),
    [
        (
            """\
input: [1, 64]
parameters: {n: 5, m: 3}
layers:
  - crop: {sides: [["2*(n % m)", 0]]}
  - conv: {channels: 1, kernel: 3, stride: 3, bias: false}
""",
            "macs",
            {"L": range(24, 36), "n": range(1, 7), "m": range(1, 7)},
        ),
        (
            """\
input: [1, 12]
parameters: {k: 2}
layers:
  - crop: {sides: [["3 % k", 0]]}
  - conv: {channels: 1, kernel: 1}
""",
            "all_bytes",
            {"k": range(1, 8)},
        ),
        (
            """\
input: [1, 8]
parameters: {a: 2, b: 2, c: 2}
layers:
  - if: (a > 2 or b > 3) and c > 1
    then: [{conv: {channels: 8, kernel: 1, bias: false}}]
    else: [{conv: {channels: 4, kernel: 1, bias: false}}]
""",
            "params",
            {"a": range(1, 5), "b": range(1, 6), "c": range(1, 4)},
        ),
        (
            """\
input: [1, 64]
parameters: {d: 3}
layers:
  - conv: {channels: 1, kernel: 3}
  - max_pool: {kernel: d}
  - max_pool: {kernel: 2}
""",
            "activation_values",
            {"L": range(20, 70, 2), "d": range(1, 20)},
        ),
        (
            """\
input: [1, 8]
parameters: {n: 3}
layers:
  - conv: {channels: n, kernel: 1}
  - upsample: {name: u, factor: 2}
""",
            "layers[u].jump",
            {"n": range(1, 4)},
        ),
        (
            """\
input: [4]
parameters: {n: 3}
layers:
  - linear: {name: a, features: n}
  - relu: {name: b}
""",
            "layers[b].offset",
            {"n": range(1, 4)},
        ),
    ],
    ids=["remainder", "of-a-number", "or-within-and", "two-floors", "half", "empty"],
)
def test_each_printed_form_is_the_walk(
    spec: str, quantity: str, axes: dict[str, range], tmp_path: Path
) -> None:
    path = tmp_path / "found.yaml"
    path.write_text(f"name: found\n{spec}")
    forms = PrintedForms(derive_formulas(find_network(str(path)), [quantity], [*axes]))
    compared = 0
    for values in product(*axes.values()):
        setting = dict(zip(axes, values, strict=True))
        given: dict[str, Any] = {k: v for k, v in setting.items() if k != "L"}
        if "L" in setting:
            given["input"] = [1, setting["L"]]
        try:
            analysis = analyze(str(path), **given)
        except ArchcalcError:  # there is no network
            continue
        right = evaluate(quantity, analysis, analyze)
        right = right if isinstance(right, list) else [right]
        for form, found in forms.at(setting).items():
            assert found == right, f"{form} at {setting}"
        compared += 1
    assert compared >= 3
