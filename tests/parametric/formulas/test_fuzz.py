"""Closed forms of random specs against the plain walk, in every form that they are printed in."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from archcalc import ArchcalcError, UsageError, analyze
from archcalc.figures.language import evaluate
from archcalc.parametric.formulas import derivation
from archcalc.parametric.formulas.comparing import Comparison
from archcalc.parametric.formulas.deriving import derive_formulas
from archcalc.parametric.formulas.formula import Formulas
from archcalc.spec.library import find_network
from archcalc.spec.syntax import Network
from tests.parametric.formulas.random_specs import Drawn, specs
from tests.render.formula.printed_forms import PrintedForms

SPECS = 5000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 500
SETTINGS = 20  # of each formula
TRIES = 60

Setting = dict[str, Any]


def drawn_settings(drawn: Drawn, random: Random) -> Iterator[Setting]:
    """Values of the symbols: small and large, zero and below, whole and not."""
    own = {label: drawn.parameters.get(label, drawn.sizes[0]) for label in drawn.labels}
    yield own
    for _ in range(TRIES):
        setting = {}
        for label, value in own.items():
            kind = random.randint(0, 5)
            if kind == 0:
                setting[label] = value
            elif kind <= 3 or label in ("H", "n", "m"):
                setting[label] = random.choice([random.randint(0, 9), random.randint(-2, 40)])
            else:
                setting[label] = Fraction(random.randint(-6, 120), random.choice([2, 3, 7, 8, 100]))
        yield {k: int(v) if v == int(v) else v for k, v in setting.items()}


def plain(network: Network, drawn: Drawn, setting: Setting) -> Any | None:
    """The analysis at a setting; None where there is no network."""
    changes = {label: value for label, value in setting.items() if label in drawn.parameters}
    if "H" in setting:
        channels = re.search(r"input: \[(\d)", drawn.text)
        assert channels is not None
        changes["input"] = [int(channels[1]), setting["H"], drawn.sizes[1]]
    try:
        return analyze(network, **changes)
    except ArchcalcError:
        return None


def is_claimed(formulas: Formulas, setting: Mapping[str, Any]) -> bool:
    """Whether formulas say of themselves that they hold at a setting."""
    for label, least in formulas.first.items():
        if setting[label] < least:
            return False
    for text in formulas.assumptions:
        if text.startswith("whole "):
            if setting[text.removeprefix("whole ")] % 1:
                return False
        else:
            label, _, least_text = text.partition(" >= ")
            if setting[label] < Fraction(least_text):
                return False
    return True


def is_followed(formulas: Formulas, setting: Mapping[str, Any]) -> bool:
    """Whether counts are within those of which formulas say that they were compared."""
    return all(setting[label] <= number for label, number in formulas.last.items())


def differences(path: Path, drawn: Drawn, counts: Counter[str]) -> Iterator[str]:
    """Where a formula, or one of its printed forms, is not what the walk says."""
    path.write_text(drawn.text)
    counts["specs"] += 1
    try:
        network = find_network(str(path))
        formulas = derive_formulas(network, drawn.quantities, drawn.labels)
    except ArchcalcError as error:
        counts["refusals"] += 1
        counts[f"  {re.sub(r'[0-9]+', '#', str(error).splitlines()[0])[:50]}"] += 1
        return
    counts["formulas"] += len(formulas.formulas)
    counts["settings compared before"] += formulas.settings
    forms = PrintedForms(formulas)
    points = 0
    for setting in drawn_settings(drawn, Random(drawn.text)):
        analysis = plain(network, drawn, setting) if points < SETTINGS else None
        if analysis is None or not is_claimed(formulas, setting):
            continue
        found = [*_differences_at(formulas, forms, setting, analysis)]
        if not is_followed(formulas, setting):
            counts["points beyond"] += len(formulas.formulas)
            counts["that differ"] += bool(found)
            continue
        points += 1
        counts["points"] += len(formulas.formulas)
        yield from found


def _differences_at(
    formulas: Formulas, forms: PrintedForms, setting: Setting, analysis: Any
) -> Iterator[str]:
    printed = forms.at(setting)
    for formula in formulas.formulas:
        right = evaluate(formula.quantity, analysis, _no_other)
        try:
            found: Any = formula.at({s: setting[str(s)] for s in formula.symbols})
        except UsageError:
            found = None
        items = right if isinstance(right, list) else [right] * len(found or [0])
        if len(items) == 1 and len(found or ()) > 1:  # axes that are alike
            items *= len(found)
        if found != items:
            yield f"{formula.quantity} at {setting}: {found}, the walk {right}"
        for form in ("text", "latex", "python"):
            if printed[formula.quantity, form] != items:
                shown = printed[formula.quantity, form]
                yield f"{form} of {formula.quantity} at {setting}: {shown}, the walk {right}"


def _no_other(text: str) -> Any:
    raise AssertionError(text)


def test_formulas_of_random_specs_are_the_plain_walk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()

    @settings(max_examples=SPECS)
    @given(drawn=specs())
    def hold(drawn: Drawn) -> None:
        found = [*differences(tmp_path / "drawn.yaml", drawn, counts)]
        assert not found, "\n".join([drawn.text, *drawn.labels, *drawn.quantities, *found])

    hold()
    with capsys.disabled():
        shown = [key for key in counts if not key.startswith(" ")]
        print("\n" + ", ".join(f"{counts[key]} {key}" for key in shown) + "; 0 differences")
    assert counts["formulas"] > counts["specs"] // 2


def test_a_formula_that_is_not_compared_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the comparison of `derive_formulas`, and with a floor that is taken for nothing."""

    def compare(self: Comparison, formulas: Any, conditions: Any) -> None:
        self.settings = 20

    monkeypatch.setattr(Comparison, "difference", compare)
    monkeypatch.setattr(
        derivation, "tidy", lambda value, sizes: value.replace(_floor(), lambda x: x)
    )
    text = "name: f\ninput: [3, 8, 8]\nparameters: {a: 2}\nlayers:\n"
    text += "  - conv: {channels: floor(8*a), kernel: 1}\n"
    drawn = Drawn(text, ["a"], ["params"], {"a": 2}, (8, 8))
    found = [*differences(tmp_path / "f.yaml", drawn, Counter())]
    assert found
    assert all("the walk" in line for line in found)


def _floor() -> Any:
    import sympy

    return sympy.floor
