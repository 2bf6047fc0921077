"""`archcalc diff`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc import load
from archcalc.cli import main
from archcalc.render.spec_text import spec_text


def test_the_exit_status_is_that_of_diff(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "vgg16", "vgg16"]) == 0
    assert main(["diff", "vgg16", "vgg19"]) == 1
    assert main(["diff", "vgg16", "vgg190"]) == 2
    assert "unknown network 'vgg190'; did you mean" in capsys.readouterr().err


def test_a_spec_fully_written_out_is_the_same_network(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.yaml"
    path.write_text(spec_text(load("resnet18")))
    assert main(["diff", "resnet18", str(path)]) == 0


def test_what_differs_in_names_alone_is_said_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after, other = (tmp_path / f"{name}.yaml" for name in ("before", "after", "other"))
    text = "name: net\ninput: [3, 8, 8]\nlayers:\n  - conv: {name: c, channels: 4, kernel: 3}\n"
    before.write_text(text)
    after.write_text(text.replace("name: c,", "name: d,"))
    other.write_text(text.replace("name: c,", "name: d, bias: false,"))
    verdict = "the two differ in names alone"
    assert main(["diff", str(before), str(after)]) == 1
    assert verdict in capsys.readouterr().out
    for path in (before, other):
        main(["diff", str(before), str(path)])
        assert verdict not in capsys.readouterr().out


def test_a_spec_before_and_after_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    text = "name: net\ninput: [3, 8, 8]\nlayers:\n  - conv: {name: c, channels: 4, kernel: 3}\n"
    before.write_text(text)
    after.write_text(text.replace("kernel: 3", "kernel: 5"))
    assert main(["diff", str(before), str(after), "--wide"]) == 1
    shown = capsys.readouterr().out
    assert f"--- {before}: net" in shown
    assert f"+++ {after}: net" in shown
    assert "~ c  conv  kernel 3 -> 5" in shown


def test_networks_whose_outputs_alone_differ_are_not_equal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    head = "  - head: {training_only: false, layers: []}\n"
    text = f"name: d\ninput: [3, 8, 8]\nlayers:\n  - conv: {{channels: 4, kernel: 3}}\n{head}"
    before.write_text(f"{text}  - relu\n")
    after.write_text(f"{text}  - relu\n".replace(head, ""))
    assert main(["diff", str(before), str(after)]) == 1
    assert "~ outputs relu1, conv1 -> relu1\n" in capsys.readouterr().out
    assert main(["diff", str(before), str(before)]) == 0


def test_a_network_is_held_against_a_setting_of_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["diff", "vgg16", "vgg16 classes=10", "--format", "json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert record["settings"] == {"classes": {"before": 1000, "after": 10}}
    assert [layer["after"] for layer in record["layers"]] == ["fc8"]


def test_every_layer_is_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", "resnet101", "resnet152", "--full"])
    assert capsys.readouterr().out.count("\n+ ") == 170


def test_there_is_no_colour_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", "vgg16", "vgg16_bn"])
    assert "\x1b" not in capsys.readouterr().out


def test_markdown_is_a_format(capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", "vgg16", "vgg16_bn", "--markdown"])
    shown = capsys.readouterr().out
    main(["diff", "vgg16", "vgg16_bn", "--format", "markdown"])
    assert capsys.readouterr().out == shown
    assert shown.startswith("**vgg16")
