"""`archcalc roofline`, as a user calls it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from archcalc.cli import main

Capture = pytest.CaptureFixture[str]


def test_it_shows_each_layer_and_what_limits_it(capsys: Capture) -> None:
    assert main(["roofline", "vgg16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "vgg16: input 3x224x224, batch 1, float32"
    assert "NVIDIA H200" in lines[1]
    table = lines[lines.index("") + 1 :]
    layers = {line.split()[0].rpartition(".")[2]: line.split() for line in table if line}
    assert layers["fc6"][-1] == "memory"
    assert layers["conv4_2"][-1] == "arithmetic"
    assert "flatten1" not in layers  # a view costs nothing


def test_json_has_plain_seconds(capsys: Capture) -> None:
    command = ["roofline", "vgg16", "--profile", "nvidia_a100", "--batch", "8"]
    assert main([*command, "--dtype", "bfloat16", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["name"], record["device"]) == ("vgg16", "nvidia_a100")
    assert record["seconds"] == pytest.approx(sum(layer["seconds"] for layer in record["layers"]))
    widest = next(layer for layer in record["layers"] if layer["name"].endswith("conv1_2"))
    # 2 x 8 x 224**2 x 64 x 64 x 9 FLOPs at 312 TFLOP/s
    assert widest["seconds"] == pytest.approx(2 * 8 * 224**2 * 64 * 64 * 9 / 312e12)


@pytest.mark.parametrize(("form", "separator"), [("csv", ","), ("tsv", "\t")])
def test_tables_for_machines_have_plain_numbers(form: str, separator: str, capsys: Capture) -> None:
    assert main(["roofline", "resnet18", "--fused", "--format", form]) == 0
    headings, first, *_ = csv.reader(io.StringIO(capsys.readouterr().out), delimiter=separator)
    record = dict(zip(headings, first, strict=True))
    assert (record["flops"], record["precision"]) == ("236027904", "tf32")
    assert record["fused"] == "bn1 relu"
    assert float(record["seconds"]) > 0


def test_blocks_are_one_row_each_which_is_the_sum_of_its_layers(capsys: Capture) -> None:
    assert main(["roofline", "resnet18", "--depth", "1", "--exact", "--wide"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "69 layers, folded; --depth all shows each"
    rows = {line.split()[0]: line.split() for line in lines if line}
    assert main(["roofline", "resnet18", "--format", "json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    inside = [layer for layer in layers if layer["name"].startswith("layer3.")]
    flops, moved = (sum(layer[key] for layer in inside) for key in ("flops", "bytes_moved"))
    assert rows["layer3"][1:4] == ["stage", f"{flops:,}", f"{moved:,}"]
    assert main(["roofline", "resnet18", "--depth", "all"]) == 0
    assert "--depth all" not in capsys.readouterr().out
