"""The list of networks that have pages, in Chromium: sorted, filtered, and read by any reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc import analyze
from archcalc.pages.listing import list_of, listed
from tests.page.browser import Browser, needs_chromium
from tests.page.test_front import AXE

pytestmark = needs_chromium
ODD = """\
name: odd
title: "<b>Bold</b> & \\"quoted\\""
input: [3, 8, 8]
layers: [relu, flatten]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "index.html"
    networks = ["lenet5", "alexnet", "vgg16", "gpt2", ODD]
    path.write_text(list_of([listed(analyze(what)) for what in networks]), encoding="utf-8")
    return path


def names(browser: Browser) -> list[str]:
    return browser.texts("tbody tr:not([hidden]) td:first-child a")


def test_it_is_sorted_by_any_figure(browser: Browser, home: Path) -> None:
    browser.open(home)
    shown = names(browser)
    assert shown[-1] == '<b>Bold</b> & "quoted"'
    browser.click("th:nth-child(6) button")  # parameters, the most first
    most = names(browser)
    assert most[0].startswith("VGG") and most[-1] == shown[-1]
    browser.click("th:nth-child(6) button")
    assert names(browser) == most[::-1]
    browser.click("th:nth-child(11) button")  # receptive field: of tokens there is none
    assert names(browser)[-1].startswith("GPT-2")
    browser.click("th:first-child button")
    assert names(browser) == sorted(shown, key=str.lower)
    assert browser.run("return document.querySelectorAll('[aria-sort]').length") == 1
    assert browser.wrong() == []


def test_it_is_filtered_by_words_in_any_order(browser: Browser, home: Path) -> None:
    browser.open(home)
    browser.click("input")
    browser.press(*"tower ALEX")
    assert [name.partition(" ")[0] for name in names(browser)] == ["AlexNet"]
    assert browser.texts("output") == ["1 of 5"]


@pytest.mark.skipif(not AXE.exists(), reason="page/node_modules has no axe-core")
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_axe_finds_nothing(browser: Browser, home: Path, width: int, dark: bool) -> None:
    browser.open(home, width=width, dark=dark)
    browser.run(AXE.read_text(encoding="utf-8"))
    found = browser.wait_for(
        "const done = arguments[0]; axe.run(document).then(({ violations }) => done(violations))"
    )
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
