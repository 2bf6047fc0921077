"""`archcalc list`, as a user calls it."""

from __future__ import annotations

import json

import pytest

from archcalc import analyze
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


def test_a_pattern_takes_some_and_figures_stand_beside(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "list", "resnet1?", "--names")
    assert "resnet18" in out.split()
    assert all(name.startswith("resnet1") and len(name) == 8 for name in out.split())
    _, out, _ = called(capsys, "list", "LeCun", "--names")
    assert "lenet5" in out.split()
    status, out, _ = called(capsys, "list", "lenet5", "--figures", "--format", "json")
    (record, *_) = [one for one in json.loads(out) if one["name"] == "lenet5"]
    totals = analyze("lenet5").totals
    assert (status, record["input"]) == (0, "1x32x32")
    assert (record["params"], record["macs"]) == (totals.params, totals.macs)
    _, out, _ = called(capsys, "list", "alexnet*", "--figures")
    assert out.splitlines()[0].split() == ["name", "year", "input", "params", "MACs", "activations"]
    assert max(map(len, out.splitlines())) <= 80
    _, exact, _ = called(capsys, "list", "alexnet", "--figures", "--exact")
    assert f"{analyze('alexnet').totals.params:,}" in exact


def test_no_network_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    message = "archcalc: no network is called 'nothing'\n"
    assert called(capsys, "list", "nothing", "--figures") == (1, "", message)
