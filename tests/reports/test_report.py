"""The report as a whole: what is checked in is what archcalc makes, and reads well."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from archcalc.comparing.key_figures import key_figures
from archcalc.errors import Source
from archcalc.reports.library import Entry, Library, part_of_library, whole_library
from archcalc.reports.page import MADE, Page, anchor
from archcalc.reports.report import pages, write_report
from archcalc.reports.site import Draw, Site
from archcalc.spec.syntax import Family
from tests.hostile import hostile_analysis
from tests.networks import SAMPLE, names_taken
from tests.render.flowchart import read_flowchart
from tests.render.real_mermaid import needs_mermaid, refused_by_mermaid

CHECKED_IN = Path(__file__).parents[2] / "reports"
_LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def library() -> Library:
    return whole_library()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report made anew, beside what was measured for it, with the plots of some networks.

    Those of the others are as they are checked in, but for the thorough run: the same drawings
    show what the pages are made of, and take two thirds of the time.
    """
    folder = with_verification(tmp_path_factory.mktemp("reports"))
    makers = dict(pages(library()))
    site = _WithSomePlots(folder, makers)
    for make in makers.values():
        site.write(make(site))
    return folder


class _WithSomePlots(Site):
    drawn = frozenset(names_taken(SAMPLE))

    def plot(self, page: Page, name: str, alt: str, draw: Draw) -> None:
        folder, _, network = page.path.removesuffix(".md").partition("/")
        if folder != "networks" or network in self.drawn:
            super().plot(page, name, alt, draw)
            return
        path = f"plots/{name}.svg"
        (self.folder / path).parent.mkdir(exist_ok=True)
        shutil.copyfile(CHECKED_IN / path, self.folder / path)
        page.picture(path, alt)


def test_the_checked_in_report_has_all_pages_and_no_other() -> None:
    made = {path for path, _ in pages(library())}
    assert files_in(CHECKED_IN, "*.md") - files_in(CHECKED_IN, "verification/**/*") == made


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "errata.md",
        "glossary.md",
        "networks/vgg16.md",
        "networks/googlenet.md",
        "networks/resnet1202.md",
        "networks/mlp_7_3.md",
        "families/vgg.md",
        "comparisons/complexity.md",
        "comparisons/inception_module.md",
        "comparisons/mobilenet_settings.md",
    ],
)
def test_a_page_is_made_anew_as_it_is_checked_in(path: str, tmp_path: Path) -> None:
    make = dict(pages(library()))[path]
    site = Site(with_verification(tmp_path), dict(pages(library())))
    site.write(make(site))
    for name in files_in(tmp_path, "*"):
        assert (tmp_path / name).read_bytes() == (CHECKED_IN / name).read_bytes(), name


@pytest.mark.slow
def test_all_of_it_is_made_anew_as_it_is_checked_in(whole: Path) -> None:
    names = files_in(whole, "*")
    assert names == files_in(CHECKED_IN, "*")
    different = [n for n in names if (whole / n).read_bytes() != (CHECKED_IN / n).read_bytes()]
    assert different == []


def test_every_file_says_first_how_it_was_made() -> None:
    for path, _ in pages(library()):
        assert (CHECKED_IN / path).read_text(encoding="utf-8").startswith(MADE), path
    for path in files_in(CHECKED_IN, "*.svg"):
        assert (CHECKED_IN / path).read_text(encoding="utf-8").startswith("<!-- Made by"), path


def test_every_link_leads_to_a_page_and_a_heading() -> None:
    texts = {path: (CHECKED_IN / path).read_text("utf-8") for path in files_in(CHECKED_IN, "*.md")}
    headings = {
        path: {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
        for path, text in texts.items()
    }
    linked = set()
    for path, text in texts.items():
        for target in _LINK.findall(text):
            if target.startswith("https://"):
                continue
            file, _, fragment = target.partition("#")
            found = (CHECKED_IN / path).parent / file if file else CHECKED_IN / path
            name = found.resolve().relative_to(CHECKED_IN.resolve()).as_posix()
            assert found.is_file(), f"{path}: {target}"
            assert not fragment or f"#{fragment}" in headings[name], f"{path}: {target}"
            linked.add(name)
    assert linked >= texts.keys() | files_in(CHECKED_IN, "*.svg")


def test_every_diagram_is_a_flowchart() -> None:
    for path in files_in(CHECKED_IN, "networks/*.md"):
        charts = _FENCE.findall((CHECKED_IN / path).read_text(encoding="utf-8"))
        assert charts, path
        for chart in charts:
            assert read_flowchart(chart).boxes


@needs_mermaid
def test_mermaid_itself_reads_every_diagram(tmp_path: Path) -> None:
    charts = {
        f"{page}, chart {number}": chart
        for page in sorted(files_in(CHECKED_IN, "*.md"))
        for number, chart in enumerate(_FENCE.findall((CHECKED_IN / page).read_text("utf-8")))
    }
    assert {f"{entry.page}, chart 0" for entry in library().entries} <= charts.keys()
    assert refused_by_mermaid(charts, tmp_path) == {}


def test_every_plot_is_xml_without_a_date() -> None:
    for path in files_in(CHECKED_IN, "*.svg"):
        text = (CHECKED_IN / path).read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag.endswith("svg")
        assert "metadata" not in text


@pytest.mark.slow
def test_the_markdown_passes_the_linter(tmp_path: Path) -> None:
    seen: set[str] = set()
    for name in sorted(files_in(CHECKED_IN, "*.md")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        text = (CHECKED_IN / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(_without_alike(text, seen), encoding="utf-8")
    assert refused_by_linter(tmp_path) == ""


def test_what_is_left_out_for_the_linter_is_what_it_sees_alike(tmp_path: Path) -> None:
    seen: set[str] = set()
    head = "# A\n\n| a | b |\n| --- | --- |\n"
    first, again = (_without_alike(f"{head}| {row} |\n", seen) for row in ("x1 | 7", "y | 123"))
    assert first == f"{head}| x1 | 7 |\n"
    assert again == head
    for wrong in ("<b>x | 7", "https://x.org | 7", "[x] [y][] | 7", "`` x`` | 7", "x | y | z"):
        assert wrong in _without_alike(f"{head}| {wrong} |\n", seen)
    (tmp_path / "a.md").write_text(f"{head}| a |  b |\n\n#B\n", encoding="utf-8")
    assert "a.md:7:1: MD018" in refused_by_linter(tmp_path)


def refused_by_linter(folder: Path) -> str:
    """What the linter has to say of the pages in a folder, by the settings of this repository."""
    command = [sys.executable, "-m", "pymarkdown", "scan", "--recurse", str(folder)]
    done = subprocess.run(
        command, cwd=CHECKED_IN.parent, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr or str(done.returncode)


def _without_alike(text: str, seen: set[str]) -> str:
    """A page without those rows of tables and lines of code that differ in words and numbers alone
    from one that was seen: a linter finds in them what it finds in that.

    They are four fifths of all lines, and it takes some milliseconds for each.
    """
    kept: list[str] = []
    in_code, rows = False, 0
    for line in text.splitlines(keepends=True):
        fence = line.lstrip().startswith("```")
        rows = rows + 1 if line.startswith("|") and not in_code else 0
        shape = re.sub(r"[^\W_]+(?:[.,][^\W_]+)*", "a", line)
        is_like_others = rows > 2 or (in_code and not fence)  # a table has a head of two rows
        if not (is_like_others and shape in seen):
            kept.append(line)
        if is_like_others:
            seen.add(shape)
        in_code ^= fence
    return "".join(kept)


# ----- hostile texts, parts of the report -----


def hostile_entry() -> Entry:
    analysis = hostile_analysis()
    network = analysis.graph.network
    source = Source("hostile.yaml", "name: x\n```\n<script>alert(1)</script>\n")
    family = Family(
        name=network.name, about=network.about, networks={network.name: network}, blocks={},
        claims=None, source=source,
    )  # fmt: skip
    return Entry(family, analysis, key_figures(analysis), (), shipped=False)


def test_hostile_texts_are_text_in_pages_and_plots(tmp_path: Path) -> None:
    entry = hostile_entry()
    write_report(Library((entry,), (), whole=False), tmp_path)
    text = (tmp_path / entry.page).read_text(encoding="utf-8")
    (chart, *more) = _FENCE.findall(text)
    assert read_flowchart(chart).boxes
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"`[^`\n]*`", "", re.sub(r"\\[\\`|$*\[\]]", "", outside))
    assert not re.search(r"<(?!/?details>|/?summary>|!-- Made)", outside)
    assert not re.search(
        r"[`\x00-\x09\x0b-\x1f\u202e]|javascript:[^)]*\)\]|\]\(https://example", outside
    )
    for path in (tmp_path / "plots").iterdir():
        ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert not more


def test_one_networks_page_is_the_same_as_in_the_whole_report(tmp_path: Path) -> None:
    with_verification(tmp_path)
    for path, _ in pages(library()):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()  # what can be linked to is what is there
    write_report(part_of_library(["alexnet"]), tmp_path)
    for name in ("networks/alexnet.md", *(f"plots/alexnet-{k}.svg" for k in ("field", "stages"))):
        assert (tmp_path / name).read_bytes() == (CHECKED_IN / name).read_bytes()


def test_part_of_the_library_has_only_claims_about_it() -> None:
    part = part_of_library(["lenet5"])
    assert {claim.claim.network for claim in part.claims} == {"lenet5"}
    (entry,) = part.entries
    assert entry.claims == part.claims


def with_verification(folder: Path) -> Path:
    """`folder`, with the measurements that are checked in, which the report only reads."""
    if (CHECKED_IN / "verification").is_dir():
        shutil.copytree(CHECKED_IN / "verification", folder / "verification")
    return folder


def files_in(folder: Path, pattern: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob(pattern) if path.is_file()}
