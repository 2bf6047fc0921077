"""Where figures are printed, read off their sources, and what the works are."""

from __future__ import annotations

import re

import pytest

from archcalc.claims.works import Printing, citation, printings, readable, slides_of, works
from tests.claims.library import checked_library


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("GoogLeNet paper, Table 1", [("GoogLeNet paper", "Table 1")]),
        ("TF-Slim", [("TF-Slim", "")]),
        (
            "AlexNet paper, figure 2; Wang lecture, L60",
            [("AlexNet paper", "figure 2"), ("Wang lecture", "L60")],
        ),
        (
            "Kim lecture, L438 and L570; WRN paper",
            [("Kim lecture", "L438 and L570"), ("WRN paper", "")],
        ),
    ],
)
def test_a_source_names_works_and_places(source: str, expected: list[Printing]) -> None:
    assert list(printings(source)) == expected


def test_a_lecture_is_named_by_its_slides() -> None:
    assert (
        readable("AlexNet paper, figure 2; Lin lecture, L130")
        == 'AlexNet paper, figure 2; Lin lecture, slide "AlexNet: Review"'
    )
    assert (
        readable("Zhang lecture, L212 and L326")
        == 'Zhang lecture, slides "GoogLeNet (Inception network V1)" and '
        '"GoogLeNet (Inception network V1), 22 layers deep"'
    )


def test_what_a_lecture_does_not_say_of_itself_is_not_known() -> None:
    lectures = {name: citation(work) for name, work in works().items() if work.is_lecture}
    assert len(lectures) == 5
    assert lectures["Wang lecture"].endswith("The Chinese University of Hong Kong (CUHK), 2019")
    assert lectures["Kim lecture"].endswith("place not known, year not known")
    assert lectures["Sundar lecture"].endswith("2018, place not known")


def test_every_source_is_a_known_work_and_every_line_of_a_lecture_on_a_slide() -> None:
    for checked in checked_library():
        for printing in printings(checked.claim.source):
            work = works()[printing.work]
            if work.is_lecture:
                lines = re.findall(r"L\d+", printing.place)
                assert lines, (checked.claim.id, printing)
                assert slides_of(printing), (checked.claim.id, printing)


def test_every_known_work_prints_a_figure() -> None:
    named = {p.work for checked in checked_library() for p in printings(checked.claim.source)}
    assert set(works()) == named
