"""Pages from Python."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

import archcalc
from archcalc import UsageError
from archcalc.cli import main
from tests.page.browser import chromium, needs_chromium


def test_a_page_is_what_the_command_writes(tmp_path: Path) -> None:
    written, saved = tmp_path / "written.html", tmp_path / "saved.html"
    made = archcalc.page("lenet5", archcalc.load("lenet5", classes=20), input=[1, 40, 40])
    assert repr(made) == f"<Page of lenet5 and lenet5: {len(made.html.encode()):,} bytes>"
    one = archcalc.page("lenet5")
    one.save(saved)
    assert main(["page", "lenet5", "-o", str(written)]) == 0
    assert saved.read_bytes() == written.read_bytes() == str(one).encode()
    with pytest.raises(UsageError, match="a page takes one network or more"):
        archcalc.page()
    with pytest.raises(UsageError, match="No such file or directory"):
        one.save(tmp_path / "nowhere" / "page.html")


class Frames(HTMLParser):
    """The attributes of a frame."""

    found: dict[str, str | None]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = dict(attrs)


@needs_chromium
def test_a_notebook_shows_it_in_a_frame(tmp_path: Path) -> None:
    made = archcalc.page("lenet5")
    frames = Frames()
    frames.feed(made._repr_html_())
    assert frames.found["srcdoc"] == made.html
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><title>x</title>{made._repr_html_()}", encoding="utf-8")
    with chromium() as browser:
        browser.open(path)
        browser.driver.switch_to.frame(0)
        assert browser.texts(".view h2") == ["LeNet-5 (as taught)"]
        browser.run("window.wrong = []; onerror = (message) => wrong.push(message)")
        before = browser.texts(".totals dd")
        browser.run(
            """const field = document.querySelector(".setting input[type=text]");
            field.value = "64"; field.dispatchEvent(new Event("input", { bubbles: true }))"""
        )
        browser.settle()
        assert browser.texts(".totals dd") != before
        browser.run("document.querySelector('.restore').click()")
        browser.settle()
        assert browser.texts(".totals dd") == before
        assert browser.run("return wrong") == []
