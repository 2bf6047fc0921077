"""The site that Sphinx makes of docs: without a warning, from nothing but what is here."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import archcalc
from archcalc.commands import COMMANDS
from archcalc.figures.of_network import OF_NETWORK
from archcalc.layers import own_kinds
from archcalc.render.kinds import KindDocument
from archcalc.spec.function_table import FUNCTIONS
from archcalc.spec.keys import FAMILY_KEYS
from archcalc.spec.schema import spec_schema
from tests.examples import DOCS, ROOT

pytest.importorskip("sphinx", reason="needs archcalc[docs]")


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """What Sphinx says; every warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"]
    doctrees = str(site.parent / "doctrees")
    return subprocess.run(
        [*command, "-d", doctrees, str(source), str(site)], capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("docs") / "site"
    done = build(DOCS, made)
    assert done.returncode == 0, done.stderr
    return made


def headings(site: Path, page: str) -> set[str]:
    text = (site / page).read_text(encoding="utf-8")
    found = re.findall(r"<h[123]>(.*?)<a class=\"headerlink\"", text)
    return {re.sub(r"<.*?>", "", heading) for heading in found}


def test_the_reference_has_all_that_there_is(site: Path) -> None:
    assert {kind.kind for kind in own_kinds()} <= headings(site, "reference/kinds.html")
    assert set(COMMANDS) <= headings(site, "reference/command-line.html")
    assert set(archcalc.__all__) <= headings(site, "reference/python.html")
    quantities = (site / "reference/quantities.html").read_text(encoding="utf-8")
    assert [key for key in OF_NETWORK if f">{key}<" not in quantities] == []
    language = (site / "reference/language.html").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", language))
    assert {*FAMILY_KEYS, *FUNCTIONS} <= words


def test_a_field_and_an_option_are_there_with_what_they_mean(site: Path) -> None:
    def words(text: str) -> str:
        return re.sub(r"\W+", " ", text)

    def read(page: str) -> str:
        text = (site / page).read_text(encoding="utf-8")
        return words(html.unescape(re.sub(r"<[^>]*>", "", text)))

    kinds = read("reference/kinds.html")
    for kind in own_kinds():
        for row in KindDocument(kind).data().rows:
            assert words(f"{row[0]} {row[1]}") in kinds
    commands = read("reference/command-line.html")
    for words_of in ("--checkpoint", "--where", "--pareto"):
        assert words(words_of) in commands


def test_the_schemas_lie_beside_the_pages(site: Path) -> None:
    assert json.loads((site / "schemas/spec.json").read_text(encoding="utf-8")) == spec_schema()
    page = (site / "reference/schemas.html").read_text(encoding="utf-8")
    named = re.findall(r'href="\.\./(schemas/\w+\.json)"', page)
    assert sorted(named) == sorted(f"schemas/{path.name}" for path in (site / "schemas").iterdir())


def test_no_page_takes_anything_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and images are all of the site itself."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text(encoding="utf-8")
        taken = re.findall(r"<(?:script|img|iframe|source)[^>]*\bsrc=\"([^\"]*)", text)
        styles = r"<link[^>]*\brel=\"(?:stylesheet|preload|preconnect)\"[^>]*\bhref=\"([^\"]*)"
        taken += re.findall(styles, text)
        assert [link for link in taken if re.match(r"(?:https?:)?//", link)] == [], page
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8").replace('"', "")


def test_what_is_generated_has_no_place_left(site: Path) -> None:
    assert [page for page in site.rglob("*.html") if "generated:" in page.read_text("utf-8")] == []


def test_a_link_to_nothing_would_be_seen(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    source.mkdir()
    settings = (DOCS / "conf.py").read_text(encoding="utf-8")
    extension = f"sys.path.insert(0, {str(DOCS / 'extension')!r})\n"
    (source / "conf.py").write_text(
        settings.replace("import archcalc\n", f"{extension}import archcalc\n", 1)
    )
    shutil.copytree(DOCS / "static", source / "static")
    (source / "index.md").write_text("# Title\n\nSee [it](missing.md).\n")
    done = build(source, tmp_path / "site")
    assert done.returncode == 1
    assert "missing.md" in done.stderr
    assert (ROOT / "docs" / "index.md").exists()
