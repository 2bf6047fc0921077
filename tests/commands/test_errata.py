"""`archcalc errata`, as a user calls it."""

from __future__ import annotations

import json

import pytest

from tests.commands.calling import assert_refused, called


def test_the_figures_of_a_source_stand_under_their_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = called(capsys, "errata", "--source", "VGG")
    assert (status, err) == (0, "")
    assert (
        '\n\nZhang lecture, slide "VGG16"\n  A216, vgg16, path[conv]: printed 16, computed 13.'
        in out
    )
    assert max(map(len, out.splitlines())) <= 80
    _, markdown, _ = called(capsys, "errata", "--source", "Kim lecture", "--format", "markdown")
    assert markdown.startswith("## Wrong: ")


def test_errata_as_json_are_figures_that_do_not_agree(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "errata", "--source", "Kim lecture", "--format", "json")
    figures = json.loads(out)
    assert "A038" in [figure["id"] for figure in figures]
    assert {figure["verdict"] for figure in figures} == {"wrong", "differs", "unexplained"}


def test_a_source_without_errata_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, "errata", "--source", "ZFNet paper, figure") == (
        0,
        "",
        "archcalc: the figures of these sources agree, or are not decidable here\n",
    )


WRONG: dict[str, tuple[list[str], str]] = {
    "a source of nothing": (["errata", "--source", "zzz"], "no source has the text 'zzz'"),
    "a misspelled source": (
        ["errata", "--source", "lectre"],
        "no source has the text 'lectre'; did you mean 'lecture'?",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_one_message_and_status_2(
    mistake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = WRONG[mistake]
    assert_refused(called(capsys, *words), message)
