"""Random graphs of all layer kinds over arrays of a parameter: each setting is that of the walk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import settings

import archcalc
from archcalc import ArchcalcError, analyze
from archcalc.figures.of_layer import SUMMED
from archcalc.layers.slicing import Slice
from tests.fuzz.generator import Drawn, drawn
from tests.fuzz.interpreter import LOADER

GRAPHS = 10_000 if settings.get_current_profile_name() == "thorough" else 120


def differences(graph: Drawn, path: Path) -> list[str]:
    """Where a sweep over the first parameter of a graph, if it has any, is not the plain walk."""
    parameters = yaml.load(graph.text, LOADER).get("parameters")
    if not parameters:
        return []
    path.write_text(graph.text, encoding="utf-8")
    name, own = next(iter(parameters.items()))
    values = [own, own - 1, own + 1, own + 2, 2 * own, 3]
    given: dict[str, Any] = {name: np.array(values)}
    sweep = archcalc.sweep(path, **given)
    found = []
    for number, value in enumerate(values):
        at = f"seed {graph.seed}, {name}={value}"
        try:
            totals = analyze(path, **{name: value}).totals
        except ArchcalcError as error:
            if sweep.valid[number] or sweep.reason(number) != str(error):
                found.append(f"{at}: taken, and not: {error}")
            continue
        if not sweep.valid[number]:
            found.append(f"{at}: refused")
            continue
        for key in SUMMED:
            has, wanted = getattr(sweep.totals, key)[number], getattr(totals, key)
            if has != wanted:
                found.append(f"{at}: {key} {has}, the walk {wanted}")
    return found


def test_arrays_through_layers_of_all_kinds_are_the_plain_walk(tmp_path: Path) -> None:
    found = [one for n in range(GRAPHS) for one in differences(drawn(n), tmp_path / "drawn.yaml")]
    assert not found, "\n".join(found)


def test_a_rule_that_looks_at_arrays_as_at_numbers_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(layer: Slice, size: Any) -> tuple[Any, Any]:
        ends = (layer.start, size if layer.stop is None else layer.stop)
        return tuple([size + n if isinstance(n, int) and n < 0 else n for n in ends])  # type: ignore[return-value]  # two

    monkeypatch.setattr(Slice, "_ends", wrong)
    text = "name: s\ninput: [4, 8]\nparameters: {a: 2}\nlayers:\n  - slice: {start: 0 - a}\n"
    assert differences(Drawn(-1, text, 1, "float32"), tmp_path / "drawn.yaml")
