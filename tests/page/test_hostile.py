"""Names that mean something to a browser or to its script, on pages that compute with them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from archcalc import FeatureMap, Graph
from archcalc.layers.convolution import Conv
from archcalc.loading import load
from archcalc.pages.offering import own_setting
from archcalc.record import replace
from archcalc.spec.syntax import About
from tests.graphs import graph, node
from tests.hostile import TEXTS
from tests.page.browser import Browser, needs_chromium
from tests.page.equality import answers
from tests.page.walked import DEVICE, LivePage

pytestmark = needs_chromium

SETTINGS = 50 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 6
# What every object of JavaScript has, what a page calls its own settings, what is in its link.
PARAMETERS = (
    "__proto__", "constructor", "toString", "valueOf", "dtype", "batch", "device", "H", "values",
    "layer", "größe",
)  # fmt: skip


def named_like_javascript() -> Graph:
    """Parameters, layers and a block that are called like that."""
    width = {"channels": " + ".join(PARAMETERS), "kernel": 3}
    block = {"layers": [{"conv": {"name": "__proto__", **width}}, {"relu": {"name": "toString"}}]}
    return load({
        "name": "constructor",
        "title": "</script><script>alert(1)</script>",
        "input": [3, 20, 20],
        "parameters": dict.fromkeys(PARAMETERS, 4),
        "blocks": {"hasOwnProperty": block},
        "layers": [
            {"conv": {"name": "__proto__", **width}},
            {"hasOwnProperty": {"name": "constructor"}},
            {"max_pool": {"name": "valueOf", "kernel": 3, "stride": 2}},
        ],
    })  # fmt: skip


def named_in_markup() -> Graph:
    """Layers that are called anything, windows of which do not fit where the input is small."""
    names = [f"{number}{text}" for number, text in enumerate(TEXTS)]
    before = [(), *((name,) for name in names)]
    nodes = [node(n, Conv(channels=4, kernel=2), *b) for n, b in zip(names, before, strict=False)]
    built = graph(FeatureMap(3, (16, 16)), nodes)
    return replace(built, network=replace(built.network, about=About(title=" ".join(TEXTS))))


@pytest.mark.parametrize("make", [named_like_javascript, named_in_markup])
def test_they_are_texts_and_the_figures_are_those_of_the_walk(
    browser: Browser, tmp_path: Path, make: Callable[[], Graph]
) -> None:
    live = LivePage(make())
    path = tmp_path / "page.html"
    path.write_text(live.html(), encoding="utf-8")
    browser.open(path, "#open=")
    settings = [*live.networks(SETTINGS), *live.settings(SETTINGS)]
    found: Counter[str] = Counter()
    said = answers(browser, live, settings)
    for setting, answer in zip(settings, said, strict=True):
        found += live.differences(setting, answer)
    assert found == {}
    refused = {**own_setting(live.live.offers), DEVICE: "nvidia_h200"}
    height = next(o for o in live.live.offers if o.label in ("H", "input[1]"))
    refused[height.symbol] = height.least
    (answer,) = answers(browser, live, [refused])
    assert answer["problem"] is not None
    assert live.differences(refused, answer) == {}
    browser.open(path, f"#{height.label}={height.least}")
    assert browser.texts("[role=alert]") == [answer["problem"]]
    tags = "return [...document.querySelectorAll('#archcalc *')].map((e) => e.tagName)"
    assert not {"SCRIPT", "B", "IMG", "A"} & {tag.upper() for tag in browser.run(tags)}
    assert browser.wrong() == []


def test_settings_are_set_by_any_name(browser: Browser, tmp_path: Path) -> None:
    live = LivePage(named_like_javascript())
    path = tmp_path / "page.html"
    path.write_text(live.html(), encoding="utf-8")
    labels = [offer.label for offer in live.live.offers]
    changed = {offer.symbol: offer.own + 1 for offer in live.live.offers if offer.own == 4}
    assert len(changed) == len(PARAMETERS)
    setting = {**own_setting(live.live.offers), **changed}
    browser.open(path)
    for number, label in enumerate(labels):
        if live.live.offers[number].symbol in changed:
            browser.run(
                """const fields = document.querySelectorAll(".setting input[type=text]");
                const field = fields[arguments[0]];
                field.value = "5"; field.dispatchEvent(new Event("input", { bubbles: true }))""",
                number,
            )
            browser.settle()
            assert browser.texts(".setting.changed label")[-1] == label
    params = browser.run("return document.querySelector('.totals dd').title")
    total = live.live.walked(setting).params
    assert int(params.replace("\u202f", "")) == total
    link = browser.run("return location.hash")
    browser.open(path, link)
    assert browser.run("return document.querySelector('.totals dd').title") == params
    assert browser.run("return location.hash") == link
    assert browser.wrong() == []
