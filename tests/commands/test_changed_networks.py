"""Every command says of a changed network what was changed, and nothing that was published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc.cli import main

SET = ["--set", "classes=10", "--input", "3x96x64"]
SHOWN = "resnet18 (classes=10, input 3x96x64)"
CHANGED = {"classes": 10, "input": [3, 96, 64]}
PUBLISHED = ("ResNet-18", "Kaiming", "69.7")  # title, authors, accuracy

TEXTS = [
    ["table", "resnet18"],
    ["table", "resnet18", "--format", "markdown"],
    ["table", "resnet18", "--format", "csv"],
    ["table", "resnet18", "--format", "csv", "--columns", "name,params"],
    ["explain", "resnet18"],
    ["explain", "resnet18", "--format", "markdown"],
    ["explain", "resnet18", "layer1"],
    ["explain", "resnet18", "layer1", "--format", "markdown"],
    ["explain", "resnet18", "fc"],
    ["explain", "resnet18", "fc", "--format", "markdown"],
    ["formula", "resnet18", "--symbols", "widen", "--quantity", "params"],
    ["formula", "resnet18", "--symbols", "widen", "--quantity", "params", "--python"],
    ["formula", "resnet18", "--symbols", "widen", "--quantity", "params", "--latex"],
    ["scale", "resnet18", "--by", "H", "--quantity", "macs"],
    ["scale", "resnet18", "--by", "H", "--quantity", "macs", "--format", "csv"],
    ["field", "resnet18"],
    ["field", "resnet18", "--format", "csv"],
    ["field", "resnet18", "layer1.0.add"],
    ["memory", "resnet18"],
    ["memory", "resnet18", "--format", "csv"],
    ["compare", "resnet18", "resnet34"],
    ["compare", "resnet18", "resnet34", "--format", "csv"],
    ["compare", "resnet18", "resnet34", "--format", "markdown"],
    ["diff", "resnet18", "resnet34"],
    ["diff", "resnet18", "resnet34", "--format", "csv"],
    ["diff", "resnet18", "resnet34", "--format", "markdown"],
    ["draw", "resnet18"],
    ["draw", "resnet18", "--format", "dot"],
    ["roofline", "resnet18"],
    ["roofline", "resnet18", "--format", "csv"],
    ["roofline", "resnet18", "--format", "markdown"],
    ["memory", "resnet18", "--format", "html"],
    ["field", "resnet18", "--format", "markdown"],
    ["scale", "resnet18", "--by", "H", "--quantity", "macs", "--format", "latex"],
    ["export", "resnet18"],
    ["expand", "resnet18"],
]  # fmt: skip
RECORDS = [
    ["table", "resnet18"],
    ["explain", "resnet18"],
    ["explain", "resnet18", "layer1"],
    ["explain", "resnet18", "fc"],
    ["scale", "resnet18", "--by", "H", "--quantity", "macs"],
    ["field", "resnet18"],
    ["field", "resnet18", "layer1.0.add"],
    ["memory", "resnet18"],
    ["roofline", "resnet18"],
]


def shown_by(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words]) in (0, 1)
    return capsys.readouterr().out


@pytest.mark.parametrize("words", TEXTS, ids=" ".join)
def test_the_name_carries_what_was_changed(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = shown_by(capsys, *words, *SET)
    out = out.replace("#41;", ")")  # as Mermaid takes it
    assert SHOWN in " ".join(out.split())
    for published in PUBLISHED:
        assert published not in out
    assert "resnet18-classes-10" in out or words[0] != "expand"


@pytest.mark.parametrize("words", TEXTS, ids=" ".join)
def test_its_own_values_change_nothing(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if words[0] in ("export", "formula"):  # which say how they were made; keep what is given
        return
    settings = ["--set", "classes=1000", "--input", "3x224x224"]
    assert shown_by(capsys, *words, *settings) == shown_by(capsys, *words)


@pytest.mark.parametrize("words", RECORDS, ids=" ".join)
def test_json_has_what_was_changed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    changed = json.loads(shown_by(capsys, *words, *SET, "--format", "json"))
    own = json.loads(shown_by(capsys, *words, "--format", "json"))
    for record, differs in ((changed, CHANGED), (own, {})):
        assert record["changed"] == differs
        assert "resnet18" in (record.get("network"), record.get("name"))


def test_json_of_several_has_what_was_changed_in_each(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "resnet18", "resnet34 widen=2", "--set", "classes=10"]
    networks = json.loads(shown_by(capsys, *words, "--format", "json"))["networks"]
    assert [each["changed"] for each in networks] == [
        {"classes": 10},
        {"classes": 10, "widen": 2},
    ]
    assert [each["title"] for each in networks] == ["", ""]
    words = ["diff", "resnet18", "resnet18 classes=10", "--format", "json"]
    record = json.loads(shown_by(capsys, *words))
    assert (record["before"], record["after"]) == ("resnet18", "resnet18 (classes=10)")


def test_files_of_one_name_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = "name: t\ninput: [3]\nparameters: {n: 2}\nlayers: [linear: {features: n}]\n"
    for name in ("a.yaml", "b.yaml"):
        Path(name).write_text(spec)
    first = shown_by(capsys, "compare", "a.yaml", "b.yaml n=3", "--format", "csv").splitlines()[0]
    assert first == "stage,figure,t,t (n=3),t (n=3) ratio"
    words = ["compare", "a.yaml", "b.yaml", "--set", "n=3", "--format", "csv"]
    assert shown_by(capsys, *words).splitlines()[0] == (
        "stage,figure,a.yaml (n=3),b.yaml (n=3),b.yaml (n=3) ratio"
    )


def test_verify_names_the_network_that_it_measured(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    words = ["verify", "lenet5", "--set", "classes=7", "--what", "sizes", "--device", "meta"]
    assert "lenet5 (classes=7)  agrees" in shown_by(capsys, *words)
    (record,) = json.loads(shown_by(capsys, *words, "--format", "json"))
    assert (record["network"], record["changed"]) == ("lenet5", {"classes": 7})


def test_an_expanded_network_goes_by_what_was_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "changed.yaml"
    path.write_text(shown_by(capsys, "expand", "resnet18", *SET))
    out = shown_by(capsys, "table", str(path))
    assert out.startswith(f"resnet18-classes-10-input-3x96x64: {SHOWN}\n")
    for published in PUBLISHED:
        assert published not in out
