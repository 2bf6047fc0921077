"""Pages in Chromium as `archcalc page` makes them: they compute what the walk says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from archcalc.loading import load
from archcalc.page.making import page
from tests.page.browser import Browser, needs_chromium
from tests.page.walked import LivePage

pytestmark = needs_chromium


@pytest.mark.parametrize("name", ["lenet5", "mobilenet_v1"])
def test_what_chromium_computes_is_what_the_walk_says(
    name: str, browser: Browser, tmp_path: Path
) -> None:
    live = LivePage(name)
    path = tmp_path / "page.html"
    path.write_text(page([load(name)]), encoding="utf-8")
    browser.open(path)
    assert browser.run("return window.wrong") == []  # nothing was stopped by the policy
    settings = live.settings(6, seed=2)
    asked = [live.values(setting) for setting in settings]
    script = "return JSON.stringify(arguments[0].map(archcalcEvaluate[0]))"
    answers = json.loads(browser.run(script, asked))
    found: Counter[str] = Counter()
    for setting, answer in zip(settings, answers, strict=True):
        found += live.differences(setting, answer)
    assert found == {}
    assert browser.run("return document.body.textContent").count("MACs") > 0
