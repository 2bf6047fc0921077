"""Arguments that several commands share: NAME, --set, --input, --batch and --dtype."""

from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from archcalc import analyze
from archcalc.cli import parser_of_all
from tests.commands.calling import TINY, assert_refused, called

pytestmark = pytest.mark.usefixtures("own_folder")


def test_parameters_input_batch_and_dtype_can_be_set(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--set", "alpha=0.5", "--set", "classes=10", "--input", "3x128x128", "--batch", "4"]
    status, out, _ = called(
        capsys, "table", "mobilenet_v1", *words, "--dtype", "bfloat16", "--format", "json"
    )
    assert status == 0
    table = json.loads(out)
    assert (table["input"], table["batch"], table["dtype"]) == ([3, 128, 128], 4, "bfloat16")
    expected = analyze(
        "mobilenet_v1", input=[3, 128, 128], batch=4, dtype="bfloat16", alpha=0.5, classes=10
    )
    assert table["totals"]["params"] == expected.totals.params
    assert table["totals"]["macs"] == expected.totals.macs


@pytest.mark.parametrize("text", ["3x64x64", "3X64X64", "3,64,64", "3×64×64", " 3 x 64 x 64 "])
def test_an_input_is_sizes_with_an_x_between(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "table", "resnet18", "--input", text, "--format", "json")
    assert json.loads(out)["input"] == [3, 64, 64]


def test_a_spec_comes_in_on_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def coming_in(text: str) -> None:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text.encode())))

    coming_in(TINY)
    status, out, _ = called(capsys, "compare", "- ", "tiny.yaml", "--format", "json")
    one, other = json.loads(out)["networks"]
    assert (status, one["totals"]) == (0, other["totals"])
    message = "archcalc: -: nothing comes in on standard input, or it was read before\n"
    assert called(capsys, "table", "-") == (2, "", message)
    coming_in("name: tiny\nlayers: [rellu]\n")
    status, _, err = called(capsys, "table", "-")
    assert status == 2
    assert err.startswith("archcalc: <stdin>:2:10: unknown layer kind 'rellu'; did you mean 'relu'")


def test_a_free_size_gives_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "table", "vgg16", "--input", "3x32hx32w", "--depth", "1")
    assert status == 0
    assert "MACs         315293696*h*w + 20873216\n" in out


WRONG: dict[str, tuple[list[str], str]] = {
    "an unknown network": (["table", "resnet5"], "unknown network 'resnet5'; did you mean 'resnet"),
    "a missing file": (["table", "a.yaml"], "a.yaml: No such file or directory"),
    "a folder": (["table", "./"], "./: Is a directory"),
    "a device without end": (["table", "/dev/zero"], "/dev/zero: more than 1,048,576 bytes"),
    "an unknown variant": (
        ["table", "tiny.yaml#b"],
        "tiny.yaml has no variant 'b'; it has tiny",
    ),
    "a setting without a value": (
        ["table", "vgg16", "--set", "classes"],
        "--set: classes: expected KEY=VALUE, such as alpha=0.75",
    ),
    "a setting of nothing": (
        ["table", "vgg16", "--set", "classes="],
        "--set: classes=: expected KEY=VALUE, such as alpha=0.75",
    ),
    "a setting of no name": (["table", "vgg16", "--set", "=3"], "--set: =3: expected KEY=VALUE"),
    "an unknown parameter": (
        ["table", "vgg16", "--set", "clases=3"],
        "vgg16 has no parameter 'clases'; did you mean 'classes'?",
    ),
    "a parameter called as an argument": (
        ["table", "vgg16", "--set", "batch=3"],
        "vgg16 has no parameter 'batch'; did you mean 'batch_norm'?",
    ),
    "a parameter called input": (
        ["expand", "vgg16", "--set", "input=3"],
        "vgg16 has no parameter 'input'; it has classes, depths, ",
    ),
    "a value of another type": (
        ["table", "vgg16", "--set", "depths=3"],
        "depths must be a list ([2,2,3,3,3] in vgg16), not '3'",
    ),
    "an expression for a value": (
        ["table", "vgg16", "--set", "classes=9**2"],
        "classes must be a number (1000 in vgg16), not '9**2'",
    ),
    "a value that runs code": (
        ["table", "vgg16", "--set", "classes=!!python/name:os.system"],
        "YAML tags (!name) are not part of the spec language",
    ),
    "a value left open": (["table", "vgg16", "--set", "depths=[1"], "--set: depths=[1: not YAML: "),
    "a mapping for a value": (["table", "vgg16", "--set", "classes={a: 1}"], "found a mapping"),
    "a list that is too short": (
        ["table", "vgg16", "--set", "depths=[1, 2]"],
        "index 2 is outside a list of 2",
    ),
    "an input with its batch": (
        ["table", "vgg16", "--input", "1x3x224x224"],
        "vgg16 takes an input of 3 numbers, channels and sizes; 1x3x224x224 has 4",
    ),
    "an input without a size": (
        ["table", "vgg16", "--input", "3x224"],
        "vgg16 takes an input of 3 numbers, channels and sizes; 3x224 has 2",
    ),
    "an input with a hole": (["table", "vgg16", "--input", "3x224x"], "'' is not a size"),
    "an input of words": (["table", "vgg16", "--input", "3x(((x3"], "'(((' is not a size"),
    "half a pixel": (["table", "vgg16", "--input", "3x1.5x3"], "'1.5' is not a size"),
    "a division by zero": (["table", "vgg16", "--input", "3xh/0x3"], "'h/0' is not a size"),
    "a condition for a size": (["table", "vgg16", "--input", "3xh>2xw"], "'h>2' is not a size"),
    "an input of nothing": (
        ["table", "vgg16", "--input", "3x0x3"],
        "3x0x3 has a size below 1",
    ),
    "an input below nothing": (
        ["table", "vgg16", "--input", "3x-hx3"],
        "3x-hx3 has a size below 1",
    ),
    "too many axes": (["table", "vgg16", "--input", "3x1x1x1x1"], "3x1x1x1x1 has 5"),
    "no images": (
        ["table", "vgg16", "--batch", "0"],
        "expected a whole number, at least 1, found '0'",
    ),
    "half an image": (["table", "vgg16", "--batch", "0.5"], "expected a whole number, at least 1"),
    "more images than can be": (
        ["table", "vgg16", "--batch", "1000000000"],
        "expected at most 999,999,999, found '1000000000'",
    ),
    "an unknown dtype": (
        ["table", "vgg16", "--dtype", "fp16"],
        "unknown dtype 'fp16'; did you mean 'float16'?",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_one_message_and_status_2(
    mistake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = WRONG[mistake]
    assert_refused(called(capsys, *words), message)


def test_a_wrong_spec_is_shown_with_a_caret(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tiny.yaml").write_text(TINY.replace("relu", "rellu"))
    assert called(capsys, "table", "tiny.yaml") == (
        2,
        "",
        "archcalc: tiny.yaml:5:5: unknown layer kind 'rellu'; did you mean 'relu'?\n"
        "    - rellu\n"
        "      ^\n",
    )


def test_a_large_file_is_refused_before_it_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("large.yaml").open("wb") as file:
        file.truncate(50_000_000)
    status, _, err = called(capsys, "table", "large.yaml")
    assert (status, err) == (
        2,
        "archcalc: large.yaml: more than 1,048,576 bytes; a spec is far smaller\n",
    )


def test_layers_that_lead_nowhere_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mostly a `from` was forgotten: the figures are not those of the network that was meant."""
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "name: net\ninput: [1, 8, 8]\nlayers:\n  - max_pool: {name: pool, kernel: 2}\n"
        "  - conv: {name: lost, channels: 2, kernel: 1}\n"
        "  - max_unpool: {kernel: 2, indices: pool, from: pool}\n"
    )
    status, out, error = called(capsys, "table", str(spec), "--format", "json")
    assert status == 0
    assert error.startswith(f"archcalc: note: no output of net needs lost ({spec}:5:5); ")
    assert [layer["name"] for layer in json.loads(out)["layers"]] == ["pool", "lost", "max_unpool1"]


def _options() -> dict[str, set[str]]:
    """The options of each command."""
    (commands,) = [action for action in parser_of_all()._actions if action.choices]
    return {
        name: {*parser._option_string_actions}
        for name, parser in commands.choices.items()  # type: ignore[union-attr]  # a dict of parsers
    }


def test_what_prints_numbers_can_print_them_in_full() -> None:
    tables = {name for name, options in _options().items() if "--wide" in options}
    assert {name for name in tables if "--exact" not in _options()[name]} == {"kinds"}


@pytest.mark.parametrize("command", ["table", "memory", "field", "roofline", "explain", "draw"])
def test_what_has_a_row_or_a_node_for_each_layer_can_fold_blocks(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--depth" in _options()[command]
    form = "mmd" if command == "draw" else "json"
    shown = [
        called(capsys, command, "resnet18", "--depth", depth, "--format", form)[:2]
        for depth in ("1", "all")
    ]
    assert [status for status, _ in shown] == [0, 0]
    same = command in ("table", "memory", "field", "roofline")
    assert (shown[0] == shown[1]) == same, "JSON has all layers"


@pytest.mark.parametrize(
    ("words", "figure"),
    [
        ("table lenet5", "416,520"),
        ("memory lenet5", "553,576"),
        ("scale lenet5", "416,520"),
        ("diff lenet5 lenet_caffe", "2,293,000"),
        ("diff resnet18 resnet34", "73,984 params"),
        ("roofline lenet5", "833,040"),
        ("compare lenet5 vgg16", "138,357,544"),
        ("list lenet5 --figures", "416,520"),
        ("explain lenet5", "416,520"),
        ("conventions lenet5", "416,520"),
    ],
)
def test_figures_are_shown_in_full(
    words: str, figure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = called(capsys, *words.split(), "--exact")
    assert status in (0, 1), err
    assert figure in out
