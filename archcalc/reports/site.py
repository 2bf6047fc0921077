"""The report as a whole: which pages there are to link to, and where files are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from archcalc.errors import MissingExtraError, refused_by_system
from archcalc.reports.page import Page

HOME = "README.md"  # what GitHub shows of a folder

_MADE = "<!-- Made by `archcalc report` -->\n"
_HEAD = re.compile(r"<\?xml.*?\?>\s*<!DOCTYPE.*?>\s*", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_ATTRIBUTE = re.compile(r'="[^"]*\.\d{2}[^"]*"')
_INDENT = re.compile(r"^ +", re.MULTILINE)
_LONG_NUMBER = re.compile(r"(?<![\w#.])-?\d+\.\d{2,}")

Draw = Callable[[str], None]  # writes a plot to a path


class Site:
    """Where the pages and plots of a report go.

    Attributes:
        folder: that all of it is in.
        left_out: what is not on its pages, and which package it takes.
    """

    def __init__(self, folder: Path, pages: Iterable[str]) -> None:
        """A report in `folder` that will have `pages`, beside those that lie there already."""
        self.folder = folder
        self._pages = frozenset(pages)
        self.left_out: list[str] = []

    def page(self, path: str, title: str) -> Page:
        """A new page, with a way home; it can link to all pages of the report."""
        page = Page(path, title, self)
        if path != HOME and HOME in self:
            page.add(page.link("All networks", HOME))
        return page

    def __contains__(self, path: object) -> bool:
        """Whether the report has this page."""
        return path in self._pages or (self.folder / str(path)).is_file()

    def read(self, path: str) -> str | None:
        """The text of a file that lies in the report; None where there is none."""
        try:
            return (self.folder / path).read_text(encoding="utf-8")
        except OSError:
            return None

    def write(self, page: Page) -> None:
        """Writes a page.

        Raises:
            UsageError: the file cannot be written.
        """
        write_file(self.folder / page.path, page.text())

    def plot(self, page: Page, name: str, alt: str, draw: Draw) -> None:
        """Has a plot drawn and shows it on a page; nothing where matplotlib is missing.

        Raises:
            UsageError: the file cannot be written.
        """
        path = f"plots/{name}.svg"
        target = self.folder / path
        try:
            _make_folder(target.parent)
            draw(str(target))
        except MissingExtraError as missing:
            self.leave_out(missing)
            return
        write_file(target, _lean(target.read_text(encoding="utf-8")))
        page.picture(path, alt)

    def leave_out(self, missing: MissingExtraError) -> None:
        """Notes what the pages do without; once."""
        if str(missing) not in self.left_out:
            self.left_out.append(str(missing))


def write_file(target: Path, text: str) -> None:
    """Writes a file and the folders around it.

    Raises:
        UsageError: it cannot be written.
    """
    _make_folder(target.parent)
    with refused_by_system(target):
        target.write_text(text, encoding="utf-8", newline="\n")


def _make_folder(folder: Path) -> None:
    with refused_by_system(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _lean(svg: str) -> str:
    """An SVG of matplotlib's with coordinates to a tenth of a point: half of it."""
    svg = _INDENT.sub("", _METADATA.sub("", _HEAD.sub("", svg, count=1), count=1))
    return _MADE + _ATTRIBUTE.sub(lambda found: _LONG_NUMBER.sub(_rounded, found[0]), svg)


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")
