"""What each quantity means: the text beside this module, as a page of the report."""

from __future__ import annotations

from importlib.resources import files

from archcalc.reports.page import Page
from archcalc.reports.site import Site

PATH = "glossary.md"


def glossary_page(site: Site) -> Page:
    """The definitions, with their formulas and sources."""
    page = site.page(PATH, "Glossary")
    text = files("archcalc.reports").joinpath("glossary.md").read_text(encoding="utf-8")
    page.add(text.strip())
    return page
