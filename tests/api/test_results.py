"""What the functions of the door return: the results of the commands, as records."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

import archcalc
from archcalc import Result, UsageError
from archcalc.cli import main

Capture = pytest.CaptureFixture[str]

# For each function that has a command: how to call it, and what the command is given.
CALLS: dict[str, tuple[Callable[[], Result[Any, Any]], list[str]]] = {
    "networks": (archcalc.networks, ["list"]),
    "compare": (lambda: archcalc.compare("lenet5", "alexnet"), ["compare", "lenet5", "alexnet"]),
    "diff": (lambda: archcalc.diff("resnet18", "resnet34"), ["diff", "resnet18", "resnet34"]),
}


def printed(capture: Capture, *words: str) -> str:
    """What a command prints."""
    main([*words])
    return capture.readouterr().out


@pytest.mark.parametrize("name", CALLS)
def test_a_result_is_what_the_command_prints(name: str, capsys: Capture) -> None:
    call, words = CALLS[name]
    result = call()
    assert f"{result}\n" == printed(capsys, *words) == f"{result!r}\n"
    if name == "networks":  # which is for people to read, and takes no format
        return
    assert f"{result.to_markdown()}\n" == printed(capsys, *words, "--format", "markdown")
    assert f"{result._repr_html_()}\n" == printed(capsys, *words, "--format", "html")
    assert result.record() == json.loads(printed(capsys, *words, "--format", "json"))
    rows = list(csv.reader(io.StringIO(printed(capsys, *words, "--format", "csv"))))
    frame = result.to_frame()
    assert list(frame.columns) == rows[0]
    assert len(frame) == len(rows) - 1


@pytest.mark.parametrize("name", CALLS)
def test_a_result_has_its_parts_in_order_and_by_name(name: str) -> None:
    result = CALLS[name][0]()
    assert len(result) == len(result.parts) > 1
    assert list(result) == [result[name] for name in result.parts]
    first = next(iter(result.parts))
    assert first in result
    assert "nowhere" not in result
    with pytest.raises(UsageError, match=f"there is no '{first}x'; did you mean"):
        result[f"{first}x"]


def test_networks_can_be_chosen() -> None:
    wide = archcalc.networks("WRN")
    assert list(wide.parts) == ["wrn_50_2", "wrn_16_8", "wrn_28_10", "wrn_40_4"]
    assert archcalc.analyze(wide["wrn_16_8"]).params == archcalc.analyze("wrn_16_8").params
    assert "lenet5" in archcalc.networks("lecun", year=1998)
    assert len(archcalc.networks("lecun", year=1997)) == 0
    assert str(archcalc.networks("no such")) == ""
    assert archcalc.networks("LeNet-5 (as taught)").record() == [
        {
            "name": "lenet5",
            "year": 1998,
            "title": "LeNet-5 (as taught)",
            "authors": "Yann LeCun, Léon Bottou, Yoshua Bengio, Patrick Haffner",
            "paper": archcalc.networks()["lenet5"].about.paper,
            "spec": "specs/lenet.yaml",
        }
    ]


def test_compare_has_the_figures_of_each_network() -> None:
    half = archcalc.load("mobilenet_v1", alpha=0.5)
    found = archcalc.compare("mobilenet_v1", half, batch=2)
    assert [*found.parts] == ["mobilenet_v1", "mobilenet_v1 (alpha=0.5)"]
    assert found["mobilenet_v1"].macs == archcalc.analyze("mobilenet_v1", batch=2).macs
    with pytest.raises(UsageError, match="two networks or more"):
        archcalc.compare("lenet5")


def test_diff_has_the_layers_that_are_not_the_same() -> None:
    found = archcalc.diff("resnet50_v1", "resnet50")
    assert [change.what for change in found["layer2.0.conv1"].changes] == ["stride"]
    assert len(archcalc.diff("lenet5", "lenet5")) == 0
    assert archcalc.diff("lenet5", "lenet5").found.is_empty
