"""Formulas in JavaScript: exact, of whole numbers and of fractions, by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest

from archcalc.parametric.formulas.deriving import derive_formulas
from archcalc.parametric.formulas.formula import Formulas
from archcalc.render.formula import javascript
from archcalc.render.formula.as_javascript import name_of
from archcalc.spec.library import shipped_network

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")
_SHOWN = """
const shown = (x) => Array.isArray(x) ? x.map(shown)
  : typeof x === "object" ? `${x.n}/${x.d}` : String(x);
"""


def by_node(formulas: Formulas, settings: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """What each formula gives at each setting."""
    assert NODE is not None
    names = ",".join(name_of(formula) for formula in formulas.formulas)
    asked = f"{json.dumps(settings)}.map((v) => [{names}].map((f) => shown(f(v))))"
    code = f"{javascript(formulas)}\n{_SHOWN}process.stdout.write(JSON.stringify({asked}));"
    done = subprocess.run([NODE, "-"], input=code, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def test_floors_extremes_and_fractions_are_those_of_the_formula() -> None:
    network = shipped_network("mobilenet_v1")
    formulas = derive_formulas(network, ["params", "macs"], ["alpha", "H", "W"])
    alphas = [Fraction(7, 20), Fraction(1, 3), Fraction(1), Fraction(41, 13)]
    settings = [(alpha, h, 97) for alpha in alphas for h in (32, 225, 10**6 + 1)]
    given = [{"alpha": {"n": a.numerator, "d": a.denominator}, "H": h, "W": w}
             for a, h, w in settings]  # fmt: skip
    for setting, found in zip(settings, by_node(formulas, given), strict=True):
        symbols = {str(s): s for s in formulas.formulas[0].symbols}
        values = dict(zip((symbols["alpha"], symbols["H"], symbols["W"]), setting, strict=True))
        for formula, shown in zip(formulas.formulas, found, strict=True):
            assert [Fraction(shown)] == formula.at(values)


def test_cases_are_decided_as_in_the_formula() -> None:
    formulas = derive_formulas(shipped_network("resnet18"), ["params"], ["widen"])
    (formula,) = formulas.formulas
    (symbol,) = formula.symbols
    values = [Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2)]
    given = [{"widen": {"n": v.numerator, "d": v.denominator}} for v in values]
    found = by_node(formulas, given)
    assert [[Fraction(one[0])] for one in found] == [formula.at({symbol: v}) for v in values]
