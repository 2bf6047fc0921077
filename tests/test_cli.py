"""The command line, as users and scripts call it."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from importlib import import_module
from pathlib import Path

import pytest
from tabulate import tabulate_formats

import archcalc
import archcalc.__main__
from archcalc import analyze
from archcalc.cli import main
from archcalc.commands import COMMANDS
from archcalc.render.columns import COLUMNS

ARCHCALC = [sys.executable, "-m", "archcalc"]
UNBUFFERED = os.environ | {"PYTHONUNBUFFERED": "1"}
TINY = "name: tiny\ninput: [3, 8, 8]\nlayers:\n  - conv: {channels: 4, kernel: 3}\n  - relu\n"
BROKEN = TINY + "  - conv: {name: last, channels: 4, kernel: 99}\n"
REFUSAL = (
    "archcalc: last (conv channels=4 kernel=99) on 4x6x6, broken.yaml:6:5: "
    "a window of 99 does not fit in 6\n"
)


@pytest.fixture(autouse=True)
def _specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of one's own, with a right spec and one that fails midway."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    Path("broken.yaml").write_text(BROKEN)


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    try:
        status = main(words)
    except SystemExit as exit:  # argparse's way
        status = int(exit.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


# ----- each command -----


def test_list_shows_every_network_with_its_year_and_title(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = called(capsys, "list")
    assert (status, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["vgg16"].split(maxsplit=2)[1:] == ["2014", "VGG-16 (configuration D)"]
    status, names, _ = called(capsys, "list", "--names")
    assert names.split() == list(lines)


def test_table_shows_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "table", "vgg16")
    assert (status, err) == (0, "")
    assert out.startswith(
        "vgg16: VGG-16 (configuration D), Karen Simonyan, Andrew Zisserman, 2014\n"
    )
    assert "input 3x224x224, batch 1, float32; MACs: multiply-accumulates; MB: 10^6 bytes" in out
    assert "params       138,357,544 = 138,344,128 weights + 13,416 biases, 553.43MB\n" in out
    assert "MACs         15,470,264,320\n" in out


def test_table_shows_a_users_file(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "table", "tiny.yaml", "--exact", "--columns", "name,params")
    assert status == 0
    assert out.split("\n\n")[1].splitlines() == [
        "layer  params",
        "-----  ------",
        "conv1     112",
        "relu1       0",
        "-----  ------",
        "total     112",
    ]


def test_expand_writes_a_spec_that_can_be_read_again(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "expand", "vgg16", "--set", "classes=7", "--input", "3x64x64")
    assert status == 0
    Path("expanded.yaml").write_text(out)
    again, changed = analyze("expanded.yaml"), analyze("vgg16", input=[3, 64, 64], classes=7)
    assert again.totals == changed.totals


@pytest.mark.parametrize("what", ["spec", "table"])
def test_schema_prints_json(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "schema", what)
    assert status == 0
    assert json.loads(out)["$schema"].startswith("https://json-schema.org/")


def test_the_schema_of_specs_is_printed_unless_another_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert called(capsys, "schema") == called(capsys, "schema", "spec")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_fits_80_columns(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = called(capsys, command, "--help")
    assert status == 0
    summary = COMMANDS[command]
    assert f"{summary[0].upper()}{summary[1:]}." in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_two_examples_and_the_exit_statuses(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = called(capsys, command, "--help")
    examples = import_module(f"archcalc.commands.{command}").EXAMPLES
    assert len(examples) == 2
    assert all(f"\n  {example}\n" in out for example in examples)
    assert "exit status:\n  0  good\n" in out
    assert out.endswith("  2  wrong input\n")


QUICK = [
    example
    for command in COMMANDS
    for example in import_module(f"archcalc.commands.{command}").EXAMPLES
    if command not in ("verify", "report", "check", "errata")
]


@pytest.mark.parametrize("example", QUICK)
def test_the_examples_of_help_run(
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(example.partition("|")[0].partition(">")[0])
    status, out, err = called(capsys, *words[1:])
    assert status == (1 if words[1] == "diff" else 0), err
    assert out or list(tmp_path.iterdir())


def test_an_option_given_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = called(capsys, "table", "vgg16", "--batch", "1", "--batch", "2")
    assert (status, err.count("\n")) == (2, 1)
    assert "argument --batch: given twice" in err
    status, _, err = called(capsys, "table", "vgg16", "--set", "classes=1", "--set", "classes=2")
    assert (status, err) == (2, "archcalc: --set: classes is given 2 times\n")


def test_a_closed_pipe_hides_no_error(tmp_path: Path) -> None:
    """The reader is gone before anything is written: the exit status is what it would have been."""
    spec = tmp_path / "bad.yaml"
    spec.write_text(BROKEN)
    for arguments, expected in (
        (["table", str(spec)], 2),
        (["diff", "vgg11", "vgg16"], 1),
        (["list"], 0),
        (["check", "--format", "csv", "vgg16"], 0),
    ):
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "-m", "archcalc", *arguments]
        found = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
        assert found.returncode == expected, arguments
        assert b"Traceback" not in found.stderr


def test_ctrl_c_while_importing_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "archcalc.cli":
                raise KeyboardInterrupt

    for module in [name for name in sys.modules if name == "archcalc.cli"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert archcalc.__main__.main() == 130


def test_every_module_of_a_command_is_listed() -> None:
    files = {
        path.stem
        for path in Path(str(import_module("archcalc.commands").__file__)).parent.glob("*.py")
    }
    shared = {
        file for file in files if not hasattr(import_module(f"archcalc.commands.{file}"), "run")
    }
    assert files - shared == set(COMMANDS)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "--help")
    assert status == 0
    assert all(command in out for command in COMMANDS)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, "--version") == (0, f"archcalc {archcalc.__version__}\n", "")


# ----- settings -----


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


def test_a_free_size_gives_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "table", "vgg16", "--input", "3x32hx32w", "--depth", "1")
    assert status == 0
    assert "MACs         315293696*h*w + 20873216\n" in out


def test_depth_folds_and_unfolds(capsys: pytest.CaptureFixture[str]) -> None:
    _, folded, _ = called(capsys, "table", "resnet50", "--depth", "1")
    _, unfolded, _ = called(capsys, "table", "resnet50", "--depth", "all")
    count = len(analyze("resnet50").layers)
    assert f"{count} layers, folded; --depth all shows each" in folded
    assert "folded" not in unfolded
    assert len(unfolded.splitlines()) > count > len(folded.splitlines())


# ----- formats -----


@pytest.mark.parametrize("command", ["table", "field", "memory", "roofline", "scale"])
def test_tsv_is_csv_with_tabs(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    by_form = {}
    for form, separator in (("csv", ","), ("tsv", "\t")):
        status, out, _ = called(capsys, command, "lenet5", "--format", form)
        assert status == 0
        by_form[form] = list(csv.reader(io.StringIO(out), delimiter=separator))
    assert by_form["csv"] == by_form["tsv"]
    assert len(by_form["csv"]) > 2


FOR_PEOPLE = [form for form in tabulate_formats if form != "tsv"]


@pytest.mark.parametrize("form", [*FOR_PEOPLE, "markdown", "text"])
def test_every_format_shows_every_layer(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "table", "lenet5", "--format", form)
    assert (status, err) == (0, "")
    for figure in ("C1", "C3", "F6", "61.71K", "416.52K", "120x1x1"):
        assert figure in out


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "table", "lenet5", "--format", "json")
    table = json.loads(out)
    assert table["totals"]["params"] == 61_706
    assert [layer["name"] for layer in table["layers"]][:3] == ["C1", "tanh1", "S2"]


def test_csv_is_one_line_for_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "table", "lenet5", "--format", "csv")
    records = list(csv.DictReader(io.StringIO(out)))
    assert list(records[0]) == [*(column.name for column in COLUMNS), "network"]
    assert sum(int(record["params"]) for record in records) == 61_706
    _, out, _ = called(capsys, "table", "resnet18", "--format", "csv", "--columns", "name,params")
    assert out.splitlines()[:2] == ["name,params,network", "conv1,9408,resnet18"]


# ----- not all or nothing -----


def test_a_network_that_fails_midway_is_shown_up_to_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = called(capsys, "table", "broken.yaml")
    assert (status, err) == (2, REFUSAL)
    *_, relu, rule, sums = out.splitlines()
    assert relu.split()[:3] == ["relu1", "relu", "4x6x6"]
    assert set(rule) == {"-", " "}
    assert sums.split()[:3] == ["up", "to", "here"]
    assert "MACs  " not in out.partition("up to here")[2]


def test_a_partial_table_in_json_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "table", "broken.yaml", "--format", "json")
    assert (status, err) == (2, REFUSAL)
    table = json.loads(out)
    assert [layer["name"] for layer in table["layers"]] == ["conv1", "relu1"]
    assert table["totals"] is None
    assert f"archcalc: {table['error']}\n" == REFUSAL


@pytest.mark.parametrize("form", ["csv", "markdown", "html", "grid"])
def test_a_partial_table_comes_in_every_format(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = called(capsys, "table", "broken.yaml", "--format", form)
    assert (status, err) == (2, REFUSAL)
    assert "conv1" in out
    assert "last" not in out


# ----- what is wrong -----

WRONG: dict[str, tuple[list[str], str]] = {
    "no command": ([], "the following arguments are required: COMMAND"),
    "an unknown command": (["tabel"], "unknown command 'tabel'; did you mean 'table'?"),
    "a command like no other": (["zzzz"], f"unknown command 'zzzz'; known: {', '.join(COMMANDS)}"),
    "no network": (["table"], "the following arguments are required: NAME"),
    "an unknown network": (["table", "resnet5"], "unknown network 'resnet5'; did you mean 'resnet"),
    "a missing file": (["table", "a.yaml"], "a.yaml: No such file or directory"),
    "a folder": (["table", "./"], "./: Is a directory"),
    "a device without end": (["table", "/dev/zero"], "/dev/zero: more than 1,048,576 bytes"),
    "an unknown variant": (
        ["table", "tiny.yaml#b"],
        "tiny.yaml has no variant 'b'; it has tiny",
    ),
    "two networks": (["table", "vgg16", "vgg19"], "unrecognized arguments: vgg19"),
    "an unknown option": (["table", "vgg16", "--colums", "a"], "unrecognized arguments: --colums"),
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
        "depths is '[2, 2, 3, 3, 3]' in vgg16; '3' does not fit: a list is wanted",
    ),
    "an input with its batch": (
        ["table", "vgg16", "--input", "1x3x224x224"],
        "vgg16 takes an input of 3 numbers, channels and sizes; 1x3x224x224 has 4",
    ),
    "an input without a size": (
        ["table", "vgg16", "--input", "3x224"],
        "vgg16 takes an input of 3 numbers, channels and sizes; 3x224 has 2",
    ),
    "no name of a plot": (["scale", "vgg16", "--plot", ""], "--plot: '' is no name of a file"),
    "a picture to standard output": (
        ["draw", "vgg16", "--format", "png", "-o", "-"],
        "-o/--output: '-' is no name of a file",
    ),
    "a source of no claim": (["check", "vgg16", "--source", "zzz"], "no source has the text 'zzz'"),
    "a budget in a table": (
        ["memory", "vgg16", "--budget", "1GB", "--format", "csv"],
        "--budget: csv is the table of layers alone",
    ),
    "an expression for a value": (
        ["table", "vgg16", "--set", "classes=9**2"],
        "classes is '1000' in vgg16; '9**2' does not fit: a number is wanted",
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
    "an input with a hole": (["table", "vgg16", "--input", "3x224x"], "'' is not a size"),
    "an input of words": (["table", "vgg16", "--input", "3x(((x3"], "'(((' is not a size"),
    "half a pixel": (["table", "vgg16", "--input", "3x1.5x3"], "'1.5' is not a size"),
    "a division by zero": (["table", "vgg16", "--input", "3xh/0x3"], "'h/0' is not a size"),
    "a condition for a size": (["table", "vgg16", "--input", "3xh>2xw"], "'h>2' is not a size"),
    "an input of nothing": (["table", "vgg16", "--input", "3x0x3"], "an input of 3x0x3"),
    "an input below nothing": (["table", "vgg16", "--input", "3x-hx3"], "an input of 3x-hx3"),
    "too many axes": (["table", "vgg16", "--input", "3x1x1x1x1"], "5 numbers were given"),
    "no images": (
        ["table", "vgg16", "--batch", "0"],
        "expected a whole number from 1 on, found '0'",
    ),
    "more images than can be": (
        ["table", "vgg16", "--batch", "1000000000"],
        "expected 999,999,999 at most, found '1000000000'",
    ),
    "a source of nothing": (["errata", "--source", "zzz"], "no source has the text 'zzz'"),
    "a misspelled source": (
        ["errata", "--source", "lectre"],
        "no source has the text 'lectre'; did you mean 'lecture'?",
    ),
    "half an image": (["table", "vgg16", "--batch", "0.5"], "expected a whole number from 1 on"),
    "an unknown dtype": (
        ["table", "vgg16", "--dtype", "fp16"],
        "unknown dtype 'fp16'; known: float32, float64, float16, bfloat16, int8",
    ),
    "an unknown column": (
        ["table", "vgg16", "--columns", "name,flop"],
        "unknown column 'flop'; did you mean 'flops'?",
    ),
    "a depth of nothing": (["table", "vgg16", "--depth", "0"], "expected a whole number from 1 on"),
    "a depth in words": (
        ["table", "vgg16", "--depth", "deep"],
        "expected a whole number from 1 on",
    ),
    "an unknown format": (
        ["table", "vgg16", "--format", "markdwon"],
        "unknown format 'markdwon'; did you mean 'markdown'?",
    ),
    "an unknown schema": (
        ["schema", "nets"],
        "invalid choice: 'nets' (choose from 'spec', 'table')",
    ),
    "an unknown shell": (["completion", "fish"], "invalid choice: 'fish'"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_one_message_and_status_2(
    mistake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = WRONG[mistake]
    status, out, err = called(capsys, *words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.startswith("archcalc")
    assert err.count("\n") == (1 if "specs/vgg.yaml:" not in err else 3)


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


# ----- terminals, pipes and disks -----


def in_terminal(*words: str, columns: int = 80) -> list[str]:
    """What a command shows in a terminal of so many columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([*ARCHCALC, *words], stdout=follower, stderr=follower)
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.wait() == 0
    return shown.decode().splitlines()


@pytest.mark.parametrize("name", ["vgg16", "googlenet", "inception_resnet_v2"])
def test_a_table_fits_a_terminal_of_80_columns(name: str) -> None:
    lines = in_terminal("table", name)
    assert len(lines) > 20
    assert max(map(len, lines)) <= 80


def test_in_a_pipe_names_are_whole() -> None:
    (row,) = [line for line in in_terminal("table", "googlenet") if "norm1" in line]
    assert "local_respon…" in row
    done = run("table", "googlenet")
    (row,) = [line for line in done.stdout.splitlines() if "norm1" in line]
    assert "local_response_norm" in row


def run(*words: str, **settings: object) -> subprocess.CompletedProcess[str]:
    defaults: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run([*ARCHCALC, *words], text=True, **(defaults | settings))  # type: ignore[call-overload,no-any-return]  # settings go through


def test_a_reader_that_leaves_early_ends_it_quietly() -> None:
    process = subprocess.Popen(
        [*ARCHCALC, "table", "resnet1202", "--depth", "all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(7) == b"resnet1"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_reported() -> None:
    with Path("/dev/full").open("w") as full:
        done = run("table", "vgg16", stdout=full)
    assert (done.returncode, done.stderr) == (
        2,
        "archcalc: cannot write: No space left on device\n",
    )


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "vgg11", "vgg16"],
        ["memory", "vgg16"],
        ["field", "vgg16", "pool5"],
        ["scale", "lenet5"],
    ],
)
def test_a_plot_is_drawn_before_anything_is_printed(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    status, out, error = called(capsys, *words, "--plot", "plot.gif")
    assert (status, out) == (2, "")
    assert error == "archcalc: plot.gif: a plot is written as .svg, .png or .pdf\n"
    status, out, _ = called(capsys, *words, "--plot", "plot.svg", "--format", "nosuch")
    assert (status, out, Path("plot.svg").exists()) == (2, "", False)
    reader, writer = os.pipe()
    os.close(reader)
    done = run(*words, "--plot", "plot.svg", stdout=writer, env=UNBUFFERED)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("plot.svg").exists()


def test_a_source_without_errata_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, "errata", "--source", "ZFNet paper, figure") == (
        0,
        "",
        "archcalc: the figures of these sources agree, or are not decidable here\n",
    )


def test_a_closed_output_is_reported() -> None:
    done = subprocess.run(
        ["bash", "-c", '"$@" >&-', "bash", *ARCHCALC, "table", "vgg16"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (done.returncode, done.stderr) == (2, "archcalc: standard output is closed\n")


def test_bytes_that_are_no_text_are_shown_and_refused() -> None:
    done = run("table", "vgg16", "--set", "classes=\udcff")
    assert (done.returncode, done.stderr) == (
        2,
        "archcalc: --set: classes=\\udcff: not UTF-8 text\n",
    )
    assert run("table", "\udcff").stderr.startswith("archcalc: unknown network '\\udcff'")


def test_an_output_without_accents_gets_question_marks() -> None:
    done = run("list", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_is_status_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archcalc.commands.table.analyze", interrupted)
    assert called(capsys, "table", "tiny.yaml") == (130, "", "")


def test_the_installed_command_is_the_module() -> None:
    command = shutil.which("archcalc", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("archcalc is not installed here")
    installed = subprocess.run([command, "table", "lenet5"], capture_output=True, text=True)
    assert installed.stdout == run("table", "lenet5").stdout


# ----- completion -----


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_completion_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "completion", shell)
    assert status == 0
    assert "archcalc" in out
    program = shutil.which(shell)
    if program is not None:
        Path("script").write_text(out)
        subprocess.run([program, "-n", "script"], check=True)


def test_bash_completes_commands_networks_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    _, script, _ = called(capsys, "completion", "bash")
    Path("script").write_text(f'archcalc() {{ {" ".join(ARCHCALC)} "$@"; }}\n{script}')
    assert "table" in completions("archcalc ta")
    assert completions("archcalc table vgg1") == [
        *("vgg11", "vgg11_lrn", "vgg13", "vgg16_c", "vgg16", "vgg19", "vgg16_bn"),
    ]
    assert "--columns" in completions("archcalc table --c")
    assert completions("archcalc check lenet_") == ["lenet_caffe"]


def test_bash_completes_values_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    _, script, _ = called(capsys, "completion", "bash")
    Path("script").write_text(f'archcalc() {{ {" ".join(ARCHCALC)} "$@"; }}\n{script}')
    Path("mine.yaml").touch()
    Path("folder").mkdir()
    assert completions("archcalc table lenet5 --dtype bf") == ["bfloat16"]
    assert completions("archcalc memory lenet5 --dtype mix") == ["mixed"]
    assert completions("archcalc memory lenet5 --optimizer adamw") == ["adamw"]
    assert completions("archcalc roofline lenet5 --profile nvidia_h2") == ["nvidia_h200"]
    assert completions("archcalc compare lenet5 --format js") == ["json"]
    assert completions("archcalc check --format ju") == ["junit"]
    assert completions("archcalc compare lenet5 --plot mi") == ["mine.yaml"]
    assert completions("archcalc draw lenet5 -o mi") == ["mine.yaml"]
    assert completions("archcalc report lenet5 -o f") == ["folder"]
    # Nothing comes with archcalc that begins so: bash goes on to its own, the names of files.
    assert completions("archcalc table mi") == []
    ask = "source ./script; complete -p archcalc"
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert " -o default " in done.stdout


def completions(line: str) -> list[str]:
    """What bash offers behind a line."""
    words = line.split(" ")
    ask = f"""
source ./script
COMP_WORDS=({" ".join(words)})
COMP_CWORD={len(words) - 1}
COMP_LINE={line!r}
COMP_POINT={len(line)}
$(complete -p archcalc | sed 's/.*-F \\([^ ]*\\).*/\\1/') archcalc {words[-1]!r} {words[-2]!r}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    return done.stdout.split()


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
    assert main(["table", str(spec), "--format", "json"]) == 0
    out, error = capsys.readouterr()
    assert error.startswith(f"archcalc: note: no output of net needs lost ({spec}:5:5); ")
    assert [layer["name"] for layer in json.loads(out)["layers"]] == ["pool", "lost", "max_unpool1"]
