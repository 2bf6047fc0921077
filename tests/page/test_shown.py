"""What a page shows of a network at first is what `archcalc table` shows of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc import analyze, load
from archcalc.figures.of_layer import OF_LAYER
from archcalc.page.making import page
from archcalc.render.numbers import short, short_bytes
from archcalc.render.rows import rows_at_depth
from tests.page.browser import Browser, needs_chromium

pytestmark = needs_chromium

# A block whose second branch leads nowhere: its figures are of what is used.
UNUSED = """\
name: unused
input: [3, 16, 16]
blocks:
  two:
    layers:
      - conv: {name: taken, channels: 8, kernel: 3}
      - conv: {name: not_taken, channels: 70, kernel: 5}
      - relu: {name: out, from: taken}
layers:
  - two: {name: first}
  - two: {name: second}
  - flatten
  - linear: {features: 10}
"""
FORMS = {"params": short, "macs": short, "activation_bytes": short_bytes}


@pytest.mark.parametrize("name", ["unused", "resnet18"])
def test_every_row_has_the_numbers_of_the_table(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    spec, path = tmp_path / "unused.yaml", tmp_path / "page.html"
    spec.write_text(UNUSED)
    graph = load(str(spec) if name == "unused" else name)
    path.write_text(page([graph]), encoding="utf-8")
    browser.open(path, "#open=")
    shown = browser.run(
        """const heads = [...document.querySelectorAll(".head [role=columnheader]")];
        const places = arguments[0].map((name) => heads.findIndex((h) => h.textContent === name));
        return [...document.querySelectorAll(".rows .row")].map((row) =>
          [row.querySelector(".label"), ...places.map((n) => row.children[n])]
            .map((cell) => cell.textContent.replace("\\u202f", "")))""",
        [OF_LAYER[key].short for key in FORMS],
    )
    rows = rows_at_depth(analyze(graph), 1)
    expected = [
        [row.name, *(form(OF_LAYER[key].total(row.counted)) for key, form in FORMS.items())]
        for row in rows
    ]
    assert shown == expected
    assert browser.wrong() == []
