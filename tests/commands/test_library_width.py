"""Of every network of the library every command prints at most 80 columns, and says what it cuts.

One command for each of some networks, in turn; in the thorough run every command for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from archcalc.commands import printing
from archcalc.render.output import Document, write
from archcalc.render.text_columns import shown_width
from archcalc.spec.library import network_names
from archcalc.spec.writing import in_lines
from tests.commands.calling import called
from tests.networks import LARGE, SAMPLE

QUICK = (
    "table {}", "explain {}", "field {}", "memory {}", "roofline {}", "conventions {}",
    "compare {} vgg16", "diff vgg16 {}", "check {}", "expand {}", "import {}",
)  # fmt: skip
COMMANDS = (*QUICK, "scale {}", "formula {}")


def _commands() -> Iterator[str]:
    if settings.get_current_profile_name() == "thorough":
        yield from (command.format(name) for name in network_names() for command in COMMANDS)
        return
    yield "memory pix2pix_generator"  # whose names are longer than a line
    for number, name in enumerate(sorted(SAMPLE - {*LARGE})[::2]):
        yield QUICK[number % len(QUICK)].format(name)


@pytest.mark.parametrize("words", [*_commands()])
def test_a_command_fits_a_screen_and_marks_what_it_cuts(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = []

    def both(document: Document, form: str, width: int | None) -> str:
        assert width == 80
        whole.append(write(document, form))
        return write(document, form, width)

    monkeypatch.setattr(printing, "write", both)
    status, out, err = called(capsys, *words.split(), "--quiet")
    if words.startswith("formula") and status == 2:  # there may be no closed form
        assert not out
        return
    assert status in (0, 1), err
    wide = [line for line in out.splitlines() if shown_width(line) > 80]
    if words.startswith(("expand", "import")):  # a name may be longer
        wide = [line for line in wide if len(list(in_lines(line))) > 1]
    assert not wide
    if whole:
        known = {word for text in whole for word in text.split()}
        cut = {word for word in out.split() if word not in known}
        assert all("…" in word for word in cut if not _is_rule(word)), cut


def _is_rule(word: str) -> bool:
    return not word.strip("-")
