"""`archcalc memory`, as a user calls it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from archcalc import training
from archcalc.cli import main


def test_it_shows_layers_the_peak_and_the_batch_that_fits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["memory", "vgg16", "--batch", "64", "--optimizer", "adam", "--dtype", "mixed"]
    assert main([*command, "--budget", "16GiB", "--reserve", "1GiB"]) == 0
    shown = capsys.readouterr().out
    assert "conv1_1" in shown
    assert "input, indices" in shown
    assert "training step, batch 64, adam, mixed\n  peak  " in shown
    assert "in 16GiB     batch" in shown
    assert "1GiB are held back" in shown
    assert "CUDA's context, the workspace of kernels" in shown


def test_the_batch_fits_and_one_image_more_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    def peak(batch: int) -> int:
        return training("lenet5", batch=batch, loss="cross_entropy").found.peak.bytes

    command = ["memory", "lenet5", "--loss", "cross_entropy", "--format", "json"]
    assert main([*command, "--budget", "10MB", "--reserve", "1MB"]) == 0
    batch = json.loads(capsys.readouterr().out)["largest_batch"]
    assert peak(batch) <= 9_000_000 < peak(batch + 1)


def test_a_budget_in_which_nothing_fits_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "vgg16"]) == 0
    without = capsys.readouterr().out
    assert main(["memory", "vgg16", "--budget", "1GB"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(without)
    # 138,357,544 parameters of 4 bytes and their gradients are 1.11GB.
    assert shown[len(without) :].startswith("  in 1GB       not even batch 1, which takes 1")
    assert main(["memory", "vgg16", "--budget", "1GB", "--batch", "8", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["largest_batch"] == 0


def test_a_peak_is_given_in_the_binary_unit_of_its_size(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["memory", "lenet5"]) == 0
    peak = "  peak         553.58KB = 540.60KiB while tanh1 runs backward:\n"
    assert peak in capsys.readouterr().out


def test_json_carries_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "lenet5", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    kept = sum(layer["kept_bytes"] for layer in record["layers"])
    step = record["training"]
    assert step["kept_bytes"] == kept
    assert step["parts"]["parameters"] == 61706 * 4
    constant = ("parameters", "buffers", "optimizer")
    alive = sum(tensor["bytes"] for tensor in step["alive"])
    assert step["peak_bytes"] == alive + sum(step["parts"][part] for part in constant)
    assert step["peak_bytes"] == sum(step["parts"].values())
    for purpose in step["parts"].keys() - constant:
        assert step["parts"][purpose] == sum(
            tensor["bytes"] for tensor in step["alive"] if tensor["purpose"] == purpose
        )
    assert (step["at"], step["direction"]) == ("tanh1", "backward")
    assert step["peak_bytes_in_place"] <= step["peak_bytes"]
    assert step["options"]["loss"] == "sum"
    layers = {layer["name"]: layer for layer in record["layers"]}
    assert layers["tanh1"]["backward_bytes"] == step["peak_bytes"]
    assert step["peak_bytes"] == max(
        layer[f"{direction}_bytes"]
        for layer in record["layers"]
        for direction in ("forward", "backward")
    )
    assert record["macs"]["forward"] == 416_520
    assert record["inference"][0]["policy"] == "as written"
    for run in record["inference"]:
        assert sum(tensor["bytes"] for tensor in run["alive"]) == run["peak_bytes"]


def test_csv_has_a_row_for_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "lenet5", "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "name,output_bytes,param_bytes,kept_bytes,kept,forward_bytes,backward_bytes,"
        "backward_macs,used,network"
    )
    # 6*28*28*4; 156*4; 32*32*4. Forward its input and output are alive beside all parameters.
    assert lines[1].startswith(f"C1,18816,624,4096,its input,{61706 * 4 + 4096 + 18816},")


def test_csv_folds_blocks_on_request_and_keeps_the_commas_of_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["memory", "vgg16", "--depth", "1", "--format", "csv"]) == 0
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert [row[0] for row in rows[1:]][:6] == [
        "stage1", "stage2", "stage3", "stage4", "stage5", "flatten1",
    ]  # fmt: skip
    # conv1_1 3*64*9 + 64 and conv1_2 64*64*9 + 64 parameters of 4 bytes.
    assert rows[1][2] == str((1792 + 36_928) * 4)
    assert main(["memory", "vgg16", "--format", "csv"]) == 0
    shown = {row[0]: row for row in csv.reader(capsys.readouterr().out.splitlines())}
    assert shown["stage1.pool1"][4] == "its input, indices"


def test_the_text_is_a_tree_with_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "vgg16", "--depth", "all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading = next(line for line in lines if line.startswith("layer "))
    first, second = (n for n, line in enumerate(lines) if line in ("stage1", "stage2"))
    assert all(line.startswith("  ") for line in lines[first + 1 : second])
    end = heading.index("output") + len("output")
    assert all(line[end - 1 : end + 1] == "B " for line in lines[first + 1 : second])
    assert heading.split() == ["layer", "output", "kept", "forward", "backward", "keeps"]
    keeps = heading.index("keeps")
    assert [line[keeps:] for line in lines[first + 1 : second]] == [
        "input", "output", "(input)", "output", "input, indices",
    ]  # fmt: skip
    assert [line for line in lines if len(line) > 80 and "lecture" not in line] == []


def test_markdown_has_whole_names_and_no_headings_of_blocks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["memory", "vgg16", "--depth", "all", "--format", "markdown"]) == 0
    _, rule, *rows = capsys.readouterr().out.splitlines()
    assert [cell.endswith(":") for cell in rule.split("|")[1:-1]] == [
        False, True, True, True, False, True, True, True,
    ]  # fmt: skip
    assert rows[0].split()[1] == "stage1.conv1_1"
    assert len(rows) == 39


def test_a_layer_before_all_that_learn_keeps_nothing_and_has_no_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "name: net\ninput: [1, 8]\nlayers: [relu: {name: first}, conv: {channels: 2, kernel: 3}]\n"
    )
    assert main(["memory", str(spec), "--format", "csv"]) == 0
    # 2*1*3 + 2 parameters, 8 values in and 8 out, of 4 bytes; it does not run backward.
    assert f"first,32,0,0,,{(8 + 8 + 8) * 4},,0,True,net\n" in capsys.readouterr().out


def test_the_plot_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, second):
        assert main(["memory", "lenet5", "--plot", str(path)]) == 0
    assert first.read_bytes() == second.read_bytes()
    drawn = first.read_text()
    assert "<svg" in drawn
    assert "lenet5: activations alive at inference, batch 1" in drawn
    assert "a training step, batch 1, sgd, float32" in drawn
    assert "while tanh1 runs backward: 553.58KB" in drawn
    for part in ("gradients of parameters", "kept activations", "gradients of activations"):
        assert f">{part}<" in drawn


def test_a_norm_that_torch_does_not_train_on_one_image_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "name: gapbn\ninput: [8, 16, 16]\nlayers:\n  - global_avg_pool\n"
        "  - conv: {channels: 8, kernel: 1, bias: false}\n  - batch_norm\n"
    )
    note = "refused      by torch: batch_norm1 would have a single value to normalize"
    assert main(["memory", str(spec)]) == 0
    assert note in capsys.readouterr().out
    assert main(["memory", str(spec), "--batch", "2"]) == 0
    assert "by torch" not in capsys.readouterr().out
    assert main(["memory", str(spec), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["training"]["refused"] == ["batch_norm1"]
    # One image takes 8.97KB, but torch does not train on it.
    assert main(["memory", str(spec), "--budget", "10KB"]) == 0
    assert "not even batch 2, which takes 17.23KB" in capsys.readouterr().out
    assert main(["memory", str(spec), "--budget", "18KB"]) == 0
    assert "batch 2 at most" in capsys.readouterr().out


def test_several_batches_and_the_formula_are_of_the_peak(
    capsys: pytest.CaptureFixture[str],
) -> None:
    peaks = [training("lenet5", batch=batch).found.peak.bytes for batch in (1, 64)]
    assert main(["memory", "lenet5", "--batch", "1,64", "--exact"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in shown[-2:]] == [
        ["1", f"{peaks[0]:,}"], ["64", f"{peaks[1]:,}"],
    ]  # fmt: skip
    assert main(["memory", "lenet5", "--batch", "b", "--formula", "--format", "json"]) == 0
    (piece,) = json.loads(capsys.readouterr().out)["pieces"]
    assert [eval(piece["formula"], {"b": batch}) for batch in (1, 64)] == peaks
    assert main(["memory", "lenet5", "--batch", "b", "--formula", "--python"]) == 0
    scope: dict[str, Any] = {}
    exec(capsys.readouterr().out, scope)
    assert [scope["training_peak"](batch) for batch in (1, 64)] == peaks
    assert main(["memory", "lenet5", "--formula", "--latex"]) == 0
    assert r"\mathrm{training\_peak} = " in capsys.readouterr().out


def automatic(batch: int, budget: str, *more: str) -> list[str]:
    """The command that cuts resnet20 into stretches, if it has to."""
    command = ["memory", "resnet20", "--batch", str(batch), "--budget", budget, *more]
    return [*command, "--checkpoint", "auto"]


def test_it_is_cut_into_as_few_stretches_as_fit_in_a_budget(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def printed(batch: int, budget: str, *more: str) -> dict[str, Any]:
        assert main(automatic(batch, budget, *more, "--format", "json")) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    fits = printed(32, "1GB")
    assert fits["checkpointed"] == []
    assert fits["macs"]["again"] == 0
    assert fits["training"]["cut"] == {"tried": 34, "budget_bytes": 10**9, "missing_bytes": 0}
    peak = fits["training"]["peak_bytes"]
    some = printed(32, str(peak + 999), "--reserve", "1KB")
    assert some["training"]["cut"]["budget_bytes"] == peak - 1
    assert some["training"]["peak_bytes"] < peak
    assert some["macs"]["again"] > 0
    assert some["largest_batch"] >= 32
    none = printed(32, "10MB")
    assert none["macs"]["again"] > some["macs"]["again"]
    missing = none["training"]["cut"]["missing_bytes"]
    assert missing == none["training"]["peak_bytes"] - 10_000_000 > 0
    assert none["largest_batch"] < 32
    # The largest batch is that of the cut which is shown.
    from_python = training("resnet20", batch=32, budget=peak - 1, checkpoint="auto").found
    assert from_python.batch == some["largest_batch"]
    assert from_python.cut is not None
    assert from_python.cut.macs == some["macs"]["again"]


def test_a_cut_of_many_stretches_is_told_in_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "resnet20", "--checkpoint", "layer?.?", "--batch", "8"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert " more\n" in shown.split("runs again: ")[1]
    assert main(automatic(32, "10MB")) == 0
    assert "checkpoint   none of " in capsys.readouterr().out


def test_stretches_that_are_given_are_not_cut_anew(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["memory", "resnet20", "--checkpoint", "layer1", "--checkpoint", "auto"]
    assert main(given) == 0
    assert "auto cuts no network that has stretches already" in capsys.readouterr().out
