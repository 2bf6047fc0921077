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


def test_settings_are_looked_at_too(capsys: Capture) -> None:
    """1.33M are MobileNet's parameters at a width of one half, in its paper."""
    over = ("which", "mobilenet_v1", "resnet18", "--over", "alpha=0.25:1:0.25")
    status, out, _ = called(capsys, *over, "--params", "1.33M")
    assert status == 0
    assert out.splitlines()[0] == "params 1.33M: 1 of 4 settings of 1 network"
    assert out.splitlines()[-1].startswith("mobilenet_v1 (alpha=0.5)  1,331,592  params")
    status, out, _ = called(capsys, *over, "--params", "1.3M", "--tolerance", "3%", "--macs", "76M",
                            "--over", "resolution=128,160", "--format", "json")  # fmt: skip
    record = json.loads(out)
    assert (status, record["searched"], record["settings"]) == (0, 1, 8)
    assert [one["changed"] for one in record["networks"]] == [{"alpha": "1/2", "resolution": 160}]


def test_a_setting_at_which_there_is_no_network_is_none(capsys: Capture) -> None:
    words = ("which", "alexnet", "--over", "towers=1,2,7", "--macs", "715M", "--tolerance", "3%")
    status, out, _ = called(capsys, *words)
    assert status == 0
    assert out.startswith("macs 715M within 3%: 1 of 3 settings of 1 network")


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
        (
            ["which", "resnet18", "--params", "1M", "--over", "alhpa=1,2"],
            "--over: resnet18 has no 'alhpa'",
        ),
        (
            ["which", *RESNETS, "--params", "1M", "--over", "alpha=1,2"],
            "--over: none of 4 networks has alpha",
        ),
        (["which", "--params", "1M", "--over", "alpha=0.5:1"], "--over: alpha: say in which steps"),
        (["which", "--params", "1M", "--over", "H=1..2000"], "--over: 2,000 settings of each"),
        (["which", "resnet5", "--params", "1M"], "unknown network 'resnet5'"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], message: str, capsys: Capture) -> None:
    assert_refused(called(capsys, *words), message)
