"""What a page shows of a network at first is what `archcalc table` shows of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc import analyze, load
from archcalc.figures.of_layer import OF_LAYER
from archcalc.hardware.device import find_device
from archcalc.hardware.roofline import roofline
from archcalc.pages.making import page
from archcalc.render.numbers import short, short_bytes
from archcalc.render.roofline import seconds_text
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
NORMED = """\
name: normed
input: [3, 16, 16]
parameters: {normalized: false}
layers:
  - conv: {channels: 8, kernel: 3, bias: not normalized}
  - if: normalized
    then: [batch_norm]
  - relu
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


def test_times_are_those_of_the_roofline_on_the_device_that_is_chosen(
    browser: Browser, tmp_path: Path
) -> None:
    spec, path = tmp_path / "unused.yaml", tmp_path / "page.html"
    spec.write_text(UNUSED)
    path.write_text(page([load(str(spec))]), encoding="utf-8")
    browser.open(path, "#columns=least_time,limit&heat=least_time&open=0-9&device=generic_cpu")

    def shown() -> dict[str, list[str]]:
        cells = browser.run(
            """return [...document.querySelectorAll(".rows .row.layer")].map((row) =>
              [row.querySelector("[title]").title, row.children[1], row.children[2]]
                .map((cell) => (cell.textContent ?? cell).replace("\\u202f", "")))"""
        )
        return {name: found for name, *found in cells}

    def expected(device: str) -> dict[str, list[str]]:
        bounds = roofline(analyze(str(spec)), find_device(device))
        return {b.layer.name: [seconds_text(b.seconds), b.limit] for b in bounds}

    rows = shown()
    assert {name: rows[name] for name in expected("generic_cpu")} == expected("generic_cpu")
    assert rows["first.not_taken"] == ["–", "–"]  # nobody runs it
    choose = """const [device, value] = arguments;
        const select = [...document.querySelectorAll(".setting select")]
          .find((select) => select.textContent.includes(device));
        select.value = value;
        select.dispatchEvent(new Event("change"));"""
    browser.run(choose, "nvidia_t4", "nvidia_t4")
    browser.settle()
    rows = shown()
    assert {name: rows[name] for name in expected("nvidia_t4")} == expected("nvidia_t4")
    browser.run(choose, "float64", "float64")
    browser.settle()
    words = "nvidia_t4 has no figure for float64; it has float32, float16, int8"
    assert browser.texts(".remark") == [words]
    assert {*shown()["fc" if "fc" in rows else "linear1"]} == {"–"}
    assert browser.wrong() == []


def test_what_is_true_or_false_is_a_box_to_tick(browser: Browser, tmp_path: Path) -> None:
    spec, path = tmp_path / "normed.yaml", tmp_path / "page.html"
    spec.write_text(NORMED)
    path.write_text(page([load(str(spec))]), encoding="utf-8")
    browser.open(path)
    totals = "return document.querySelector('.totals dd').title"
    assert int(browser.run(totals)) == analyze(str(spec)).params
    browser.click(".setting.flag input")
    assert browser.texts(".setting.changed label") == ["normalized"]
    assert browser.texts(".table .count") == ["3 layers"]
    assert int(browser.run(totals)) == analyze(str(spec), normalized=True).params
    link = browser.run("return location.hash")
    browser.open(path, link)
    assert browser.run("return document.querySelector('.setting.flag input').checked")
    assert int(browser.run(totals)) == analyze(str(spec), normalized=True).params
    browser.click(".setting.flag .reset")
    assert not browser.run("return document.querySelector('.setting.flag input').checked")
    assert browser.wrong() == []
