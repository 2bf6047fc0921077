"""`archcalc list`, as a user calls it."""

from __future__ import annotations

import pytest

from tests.commands.calling import called


def test_list_shows_every_network_with_its_year_and_title(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = called(capsys, "list", "--wide")
    assert (status, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["vgg16"].split(maxsplit=2)[1:] == ["2014", "VGG-16 (configuration D)"]
    status, names, _ = called(capsys, "list", "--names")
    assert names.split() == list(lines)
