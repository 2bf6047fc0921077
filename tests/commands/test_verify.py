"""`archcalc verify`, as a user calls it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from archcalc.analysis import Analysis
from archcalc.cli import main
from archcalc.feature_map import FeatureMap
from archcalc.identity import Identity
from archcalc.layers import Effect
from archcalc.layers.convolution import Conv
from archcalc.record import replace
from archcalc.spec.library import network_names
from archcalc.torch_backend import free_memory
from archcalc.torch_backend import verify as verifying
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.counting import layer_outputs
from archcalc.verification import Comparison, Figure
from tests.commands.calling import assert_refused, called

Capture = pytest.CaptureFixture[str]

SPEC = """\
name: tiny
input: [1, 8, 8]
layers:
  - conv: {name: first, channels: 2, kernel: 3}
  - relu
"""


@pytest.fixture
def wrong_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that forgets one multiply-accumulate of every convolution."""
    right = Conv.effect_on

    def wrong(layer: Conv, x: FeatureMap, /) -> Effect:
        effect = right(layer, x)
        return replace(effect, macs=effect.macs - 1)

    monkeypatch.setattr(Conv, "effect_on", wrong)


def test_one_network_is_shown_layer_by_layer(capsys: Capture) -> None:
    assert main(["verify", "lenet5", "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"torch {torch.__version__} on cpu, float32, batch 1"
    assert lines[1] == "lenet5  agrees  figures: 14 sizes, 45 params, 16 macs"
    assert lines[3].split() == ["layer", "output", "weights", "biases", "buffers", "macs"]
    assert lines[5].split() == ["C1", "1x6x28x28", "150", "6", "0", "117,600"]
    assert "macs (fvcore): 416,520 (for one image; not counted: avg_pool2d, tanh)" in lines


def test_several_networks_take_a_line_each_and_one_in_all(capsys: Capture) -> None:
    assert main(["verify", "lenet5", "alexnet", "--device", "meta"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["lenet5", "agrees"], ["alexnet", "agrees"],
    ]  # fmt: skip
    assert lines[3].startswith("2 of 2 networks: ")
    assert lines[3].endswith(" figures compared, 0 differ")


@pytest.mark.usefixtures("wrong_macs")
def test_differences_come_first_and_set_the_exit_status(capsys: Capture) -> None:
    assert main(["verify", "lenet5", "--device", "cpu", "--wide"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "  C1: macs 117,599 by the rule, 117,600 by torch"
    assert "lenet5  5 differ" in lines[6]
    assert any("117,599 ≠ 117,600" in line for line in lines[7:])


@pytest.mark.usefixtures("wrong_macs")
def test_many_differences_are_cut_short(capsys: Capture) -> None:
    assert main(["verify", "vgg19", "resnet18", "--device", "meta"]) == 1
    # ResNet-18: 20 convolutions and two totals, torch's and fvcore's; 20 are shown.
    assert "\n  and 2 more\nresnet18  22 differ" in capsys.readouterr().out


def test_json_has_every_figure(capsys: Capture) -> None:
    command = ["verify", "lenet5", "alexnet", "--device", "cpu", "--what", "sizes,macs"]
    assert main([*command, "--format", "json"]) == 0
    lenet, alexnet = json.loads(capsys.readouterr().out)
    assert (lenet["network"], alexnet["network"]) == ("lenet5", "alexnet")
    assert lenet["agrees"] is True
    assert lenet["conditions"]["torch"] == torch.__version__
    assert lenet["figures"][0] == {
        "subject": "sizes", "quantity": "output", "layer": "C1",
        "rule": [1, 6, 28, 28], "measured": [1, 6, 28, 28], "agrees": True,
    }  # fmt: skip


def test_json_of_nothing_is_a_list_still(capsys: Capture) -> None:
    assert main(["verify", "lenet6", "--format", "json"]) == 2
    assert json.loads(capsys.readouterr().out) == []


def test_times_stand_beside_the_best(capsys: Capture) -> None:
    command = ["verify", "lenet5", "--device", "cpu", "--what", "time"]
    assert main([*command, "--profile", "nvidia_a100"]) == 0
    shown = capsys.readouterr().out
    assert "at best (nvidia_a100)" in shown
    assert "furthest from their best: " in shown
    assert "FLOP/s" in shown
    assert main([*command, "--profile", "nvidia_a100", "--format", "json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    first = record["times"]["layers"][0]
    assert first["seconds"] > first["best_seconds"] > 0
    assert first["flops_per_second"] == pytest.approx(first["flops"] / first["seconds"])


def test_where_no_best_is_known_the_times_stand_alone(capsys: Capture, tmp_path: Path) -> None:
    command = ["verify", "lenet5", "--device", "cpu", "--what", "time", "--dtype", "float16"]
    assert main([*command, "--save", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert " (no record of cpu; name one as the profile)" in shown.splitlines()[1]
    assert "FLOP/s" in shown
    assert "best" not in shown
    assert "best" not in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert main([*command, "--format", "json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    times = record["times"]
    assert (times["profile"], times["note"]) == (None, "no record of cpu; name one as the profile")
    first = times["layers"][0]
    assert (first["best_seconds"], first["limit"]) == (None, None)
    assert first["seconds"] > 0


def test_a_profile_that_was_asked_for_has_to_know_the_dtype(capsys: Capture) -> None:
    command = ["verify", "lenet5", "--device", "cpu", "--what", "time", "--dtype", "float16"]
    assert main([*command, "--profile", "generic_cpu"]) == 2
    assert "generic_cpu has no figure for float16; it has float64" in capsys.readouterr().err


def test_a_training_step_is_measured_with_each_optimizer(capsys: Capture) -> None:
    command = ["verify", "lenet5", "--device", "cpu", "--what", "memory"]
    assert main([*command, "--optimizer", "sgd,adam", "--dtype", "bfloat16"]) == 0
    shown = capsys.readouterr().out
    assert "\ntraining_peak_bytes: 276,792 (most while tanh1 runs backward)\n" in shown
    assert "\ntraining_peak_bytes (adam): 687,772 (most while the optimizer steps)\n" in shown
    assert main([*command, "--freeze", "C1,C3", "--loss", "cross_entropy"]) == 0
    assert "\ntraining_peak_bytes (cross_entropy, freeze C1,C3): " in capsys.readouterr().out
    assert main([*command, "--dtype", "mixed", "--format", "json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert [figure["quantity"] for figure in record["figures"]] == ["training_peak_bytes"]


def test_set_input_batch_and_dtype_change_what_is_built(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(SPEC, encoding="utf-8")
    changes = ["--input", "3x10x12", "--batch", "4", "--dtype", "float64"]
    assert main(["verify", str(path), "--device", "cpu", *changes]) == 0
    shown = capsys.readouterr().out
    assert "float64, batch 4" in shown
    assert "4x2x8x10" in shown
    assert main(["verify", "lenet5", "--set", "classes=7", "--device", "cpu"]) == 0
    assert "1x7 " in capsys.readouterr().out


def test_all_means_every_network(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def empty(graph: object, **options: object) -> Comparison:
        network = Identity("a network", {}, {}, {})
        return Comparison(network, (1,), verifying.conditions("cpu"), ())

    monkeypatch.setattr(verifying, "verify", empty)
    assert main(["verify", "--all"]) == 0
    count = len(network_names())
    assert f"{count} of {count} networks" in capsys.readouterr().out


def test_a_network_that_fails_leaves_the_others_their_results(capsys: Capture) -> None:
    assert main(["verify", "lenet5", "lenet6", "alexnet", "--device", "cpu"]) == 2
    shown = capsys.readouterr()
    assert "lenet5  agrees" in shown.out
    assert "alexnet  agrees" in shown.out
    assert "2 of 3 networks" in shown.out
    assert shown.err == "archcalc: unknown network 'lenet6'; did you mean 'lenet5'?\n"


def test_a_gpu_that_runs_out_of_memory_leaves_the_others_their_results(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def run_out(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate …")
        return layer_outputs(*arguments)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(verifying, "layer_outputs", run_out)
    assert main(["verify", "lenet5", "alexnet", "zfnet", "--device", "cpu", "--wide"]) == 1
    _, *lines, summary = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[:2] for line in lines if not line.startswith(" ")] == [
        ["lenet5", "agrees"], ["alexnet", "not measured"], ["zfnet", "agrees"],
    ]  # fmt: skip
    ran_out = "alexnet: the memory of cpu ran out; take a smaller batch or input"
    assert f"  not measured: {ran_out}" in lines
    assert summary.startswith("2 of 3 networks: ")


@pytest.fixture
def failing_alexnet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that fails on AlexNet, as it does where a library of the GPU does."""

    def fail(module: Twin, *arguments: object) -> object:
        if module.graph.name == "alexnet":
            raise RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR\nadvice and a trace")
        return layer_outputs(module, *arguments)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(verifying, "layer_outputs", fail)


FAILURE = "alexnet: torch fails on cpu: cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"


@pytest.mark.usefixtures("failing_alexnet")
def test_a_network_that_torch_fails_on_is_a_result_among_others(
    capsys: Capture, tmp_path: Path
) -> None:
    command = ["verify", "alexnet", "lenet5", "--device", "cpu", "--wide"]
    assert main([*command, "--save", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [f"  not measured: {FAILURE}", "alexnet  not measured"]
    assert lines[-1].startswith("1 of 2 networks: ")
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "1 networks could not be measured at all." in page
    assert "| `alexnet` | 3x227x227 | 0 | 0 | 0 | not measured |" in page
    assert "- `alexnet`, alexnet: torch fails on cpu: cuDNN error: " in page
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["networks"]
    assert [result.get("failure") for result in kept] == [FAILURE, None]


@pytest.mark.usefixtures("failing_alexnet")
def test_a_network_that_torch_fails_on_is_told_in_json(capsys: Capture) -> None:
    command = ["verify", "alexnet", "lenet5", "--device", "cpu", "--format", "json"]
    assert main(command) == 1
    alexnet, lenet = json.loads(capsys.readouterr().out)
    assert (alexnet["network"], alexnet["agrees"], alexnet["figures"]) == ("alexnet", None, [])
    assert alexnet["not_measured"] == [FAILURE]
    assert lenet["agrees"] is True


def test_the_summary_is_printed_however_the_run_ends(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(module: Twin, *arguments: object) -> object:
        if module.graph.name == "alexnet":
            raise KeyboardInterrupt
        return layer_outputs(module, *arguments)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(verifying, "layer_outputs", interrupted)
    main(["verify", "lenet5", "alexnet", "zfnet", "--device", "cpu", "--wide"])
    assert "\n1 of 3 networks: " in capsys.readouterr().out


def test_too_large_a_batch_is_not_measured(capsys: Capture) -> None:
    command = ["verify", "vgg16", "--what", "memory", "--batch", "9999999", "--device", "cpu"]
    assert main(command) == 0  # the bytes of outputs are
    shown = capsys.readouterr()
    assert "  not measured: memory of total: inference needs " in shown.out
    assert "smaller batch" in shown.out
    assert shown.err == ""


def test_what_cannot_be_measured_is_one_line_behind_the_title(capsys: Capture) -> None:
    status, out, error = called(capsys, "verify", "vgg16", "--input", "3x32hx32w")
    assert out.startswith("torch ")
    assert out.count("\n") == 1
    assert_refused((status, "", error), "vgg16 has free sizes; give plain numbers")


def test_without_torch_one_line_says_what_to_install(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["verify", "lenet5"]) == 2
    assert capsys.readouterr().err == (
        "archcalc: verify needs torch, which is not installed: pip install 'archcalc[torch]'\n"
    )


def test_progress_goes_to_a_terminal_alone(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["verify", "lenet5", "alexnet", "--device", "meta"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["verify", "lenet5", "alexnet", "--device", "meta"]) == 0
    assert "2/2 alexnet" in capsys.readouterr().err


# ----- what is not measured -----


def unmeasured(analysis: Analysis) -> Iterator[Figure]:
    """One figure that no gradient can show."""
    yield Figure("field", "receptive_field", "C1", 5, None, not_measured="it is too large")


def test_nothing_measured_is_no_agreement(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(verifying, "field_figures", unmeasured)
    command = ["verify", "lenet5", "--device", "cpu", "--what", "field", "--save", str(tmp_path)]
    assert main(command) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "  not measured: field of C1: it is too large"
    assert lines[2] == "lenet5  not measured  figures: 0 field, 1 not measured"
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "1 figures were not measured, for the reasons below." in page
    assert "- `lenet5`, field of C1: it is too large" in page
    (kept,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["networks"]
    assert (kept["compared"], kept["not_measured"]) == ({"field": 0}, 1)


def test_a_subject_that_is_not_measured_sets_the_exit_status(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "field_figures", unmeasured)
    command = ["verify", "lenet5", "--device", "meta", "--what", "sizes,field"]
    assert main(command) == 1
    assert "lenet5  agrees  figures: 14 sizes, 0 field, 1 not measured" in capsys.readouterr().out
    assert main([*command, "--format", "json"]) == 1
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["agrees"], record["not_measured"]) == (True, ["field of C1: it is too large"])
    assert record["figures"][-1]["agrees"] is None
    assert record["figures"][-1]["not_measured"] == "it is too large"
    assert main(["verify", "lenet5", *command[2:-1], "field", "--format", "json"]) == 1
    (record,) = json.loads(capsys.readouterr().out)
    assert record["agrees"] is None


def test_the_summary_counts_what_was_not_measured(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "field_figures", unmeasured)
    assert main(["verify", "lenet5", "alexnet", "--device", "meta", "--what", "sizes,field"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("0 differ, 2 not measured")


def test_a_network_without_positions_has_no_field_to_measure(capsys: Capture) -> None:
    assert main(["verify", "mlp_7_3", "--device", "cpu", "--what", "field"]) == 0
    shown = capsys.readouterr().out
    assert "mlp_7_3  not measured  figures: 0 field" in shown
    assert "the input has no spatial axes" in shown


def test_a_network_without_room_is_compared_as_far_as_it_goes(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(free_memory, "free_bytes", lambda device: 1000)
    command = ["verify", "lenet5", "--device", "cpu", "--what", "sizes,macs,memory", "--wide"]
    assert main([*command, "--save", str(tmp_path)]) == 0  # something of each was compared
    lines = capsys.readouterr().out.splitlines()
    why = "needs 0.0 GB on cpu, where 0.0 GB are free; take a smaller batch or input"
    assert lines[1:6] == [
        f"  not measured: macs of total: fvcore {why}",
        f"  not measured: memory of 15 layers: what training keeps {why}",
        f"  not measured: memory of total: inference {why}",
        f"  not measured: memory of total: a training step {why}",
        "lenet5  agrees  figures: 14 sizes, 15 macs, 14 memory, 18 not measured",
    ]
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| `lenet5` | 1x32x32 | 14 | 15 | 14 | 0 |" in page
    assert f"- `lenet5`, memory of total: a training step {why}" in page
    assert main([*command[:-2], "sizes,time", "--wide"]) == 1
    assert f"  not measured: time of total: inference {why}" in capsys.readouterr().out


# ----- kept results -----


def test_results_are_kept_as_pages_and_as_json(capsys: Capture, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    command = ["verify", "lenet5", "deconv_unpool", "--device", "cpu"]
    assert main([*command, "--what", "sizes,macs,memory", "--save", str(folder)]) == 0
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "2 networks, " in page
    assert "**0 differences**" in page
    assert "This run had no GPU." in page
    assert "| `lenet5` | 1x32x32 | 14 | 16 | 31 | 0 |" in page
    assert "not counted" in page  # fvcore cannot trace unpooling
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["conditions"]["device"] == "cpu"
    assert [result["network"] for result in results["networks"]] == ["lenet5", "deconv_unpool"]
    assert results["networks"][0]["differences"] == []
    roofline = (folder / "roofline.md").read_text(encoding="utf-8")
    for name in ("vgg16", "resnet50", "googlenet", "densenet121", "mobilenet_v1"):
        assert f"## {name}\n" in roofline


@pytest.mark.usefixtures("wrong_macs")
def test_a_kept_page_lists_every_difference(tmp_path: Path) -> None:
    assert main(["verify", "lenet5", "--device", "cpu", "--save", str(tmp_path)]) == 1
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "**5 differences**" in page
    assert "- `lenet5`, C1: macs 117,599 by the rule, 117,600 by torch" in page


def test_a_folder_that_cannot_be_written_is_one_clear_line(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    command = ["verify", "lenet5", "--device", "cpu", "--save", str(tmp_path / "file" / "folder")]
    assert main(command) == 2
    assert "Not a directory" in capsys.readouterr().err


OWN = """\
from torch import nn

class Tiny(nn.Module):
    channels = 2

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, self.channels, 3)
        self.relu1 = nn.ReLU()

    def forward(self, x):
        return self.relu1(self.first(x))

class Wider(Tiny):
    channels = 3

ready = Tiny()
number = 3

def fails():
    raise ValueError("not today")
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's own where the command runs, and the spec that it should follow."""
    (tmp_path / "own_models.py").write_text(OWN)
    (tmp_path / "tiny.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own_models", raising=False)
    return "tiny.yaml"


@pytest.mark.parametrize("made_by", ["Tiny", "ready"])
def test_an_own_module_is_compared_with_a_spec(own: str, made_by: str, capsys: Capture) -> None:
    assert main(["verify", own, "--module", f"own_models:{made_by}", "--batch", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"torch {torch.__version__} on meta, float32, batch 2"
    assert lines[1] == "tiny  agrees  figures: 2 sizes, 9 params, 3 macs"


def test_what_differs_in_an_own_module_sets_the_exit_status(own: str, capsys: Capture) -> None:
    assert main(["verify", own, "--module", "own_models:Wider", "--what", "params"]) == 1
    assert "  first: weights 18 by the rule, 27 by torch" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        ("own_models", [], "--module: own_models: expected package.module:factory"),
        ("nowhere:Net", [], "--module: nowhere:Net: ModuleNotFoundError: No module named"),
        ("own_models:Tinny", [], "--module: own_models:Tinny: own_models has no 'Tinny'; did"),
        ("own_models:fails", [], "--module: own_models:fails: ValueError: not today"),
        ("own_models:number", [], "--module: own_models:number is an int, which makes no torch"),
        ("own_models:Tiny", ["lenet5"], "--module is compared with one network"),
        ("own_models:Tiny", ["--loss", "mse"], "of --module no training step is measured"),
        ("own_models:Tiny", ["--device", "cpu"], "--device: --module is measured as it is"),
        ("own_models:Tiny", ["--what", "field"], "cannot compare 'field'; known: sizes, params"),
    ],
)
def test_an_own_module_that_is_none_is_one_message(
    own: str, module: str, options: list[str], message: str, capsys: Capture
) -> None:
    assert main(["verify", own, *options, "--module", module]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"archcalc: {message}")


def test_no_code_is_imported_that_was_not_named(own: str, capsys: Capture) -> None:
    assert main(["verify", own, "--device", "cpu"]) == 0
    assert "own_models" not in sys.modules
