"""`archcalc which`, as a user calls it."""

from __future__ import annotations

import json

import pytest

from archcalc.cli import main
from tests.commands.calling import assert_refused, called

Capture = pytest.CaptureFixture[str]
RESNETS = ("resnet18", "resnet34", "resnet50", "resnet50_v1")


def test_a_number_leads_to_a_network_and_to_whose_count_it_is(capsys: Capture) -> None:
    assert main(["which", *RESNETS, "--params", "25.56M", "--macs", "4.09G"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:3] == ["params", "25.56M,", "macs"] and lines[0][-4:] == [
        "1",
        "of",
        "4",
        "networks",
    ]
    (row,) = [line for line in lines if line[:1] == ["resnet50"]]
    assert " ".join(row[1:]) == "25,557,032 params 4,089,184,256 macs and 7 more"


def test_what_another_tool_counts_is_found_too(capsys: Capture) -> None:
    """4.111G of ResNet-50 are what fvcore counts, and 8.178G twice its multiply-accumulates."""
    status, out, _ = called(capsys, "which", *RESNETS, "--macs", "4.111G", "--format", "json")
    (network,) = json.loads(out)["networks"]
    assert status == 0
    assert (network["name"], [*network["totals"]["macs"]]) == (
        "resnet50",
        ["fvcore", "torchscan_macs", "timm"],
    )
    status, out, _ = called(capsys, "which", *RESNETS, "--macs", "8.178G", "--format", "csv")
    assert out.splitlines()[1] == "resnet50,macs,flops,8178368512"


def test_a_tolerance_is_a_share(capsys: Capture) -> None:
    status, out, _ = called(capsys, "which", *RESNETS, "--params", "11M", "--tolerance", "10%")
    assert (status, "resnet18" in out, "resnet34" in out) == (0, True, False)


def test_no_network_is_status_1(capsys: Capture) -> None:
    status, out, _ = called(capsys, "which", *RESNETS, "--params", "25.57M")
    assert (status, out.splitlines()[0]) == (1, "params 25.57M: no network of 4 networks")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["which"], "give params, macs or both"),
        (["which", "--macs", "many"], "--macs: 'many' is not a figure"),
        (["which", "--params", "55x55x96"], "--params: 55x55x96 is no number"),
        (["which", "--params", "<1M"], "--params: <1M is no number"),
        (["which", "--params", "1M", "--tolerance", "1"], "--tolerance: 1 is no share"),
        (["which", "resnet5", "--params", "1M"], "unknown network 'resnet5'"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], message: str, capsys: Capture) -> None:
    assert_refused(called(capsys, *words), message)
