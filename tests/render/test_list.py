"""The list of networks, in every form."""

from __future__ import annotations

from archcalc.render.list import ListDocument
from archcalc.render.output import write
from tests.spec_texts import family_of

FAMILY = family_of(
    "name: net\ntitle: A net\nyear: 1998\ninput: [1, 8]\nlayers: [relu]\n"
    "variants: {net: {}, longer_net: {title: 'A | net'}}\n"
)
DOCUMENT = ListDocument(list(FAMILY.networks.values()))


def test_a_line_has_name_year_and_title() -> None:
    assert write(DOCUMENT, "text").splitlines() == [
        "net         1998  A net",
        "longer_net  1998  A | net",
    ]


def test_programs_get_all_that_is_known() -> None:
    heading, first, _ = write(DOCUMENT, "csv").splitlines()
    assert heading == "name,year,title,authors,paper,spec"
    assert first == "net,1998,A net,,,tiny.yaml"
    assert r"A \| net" in write(DOCUMENT, "markdown")
