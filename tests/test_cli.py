"""The command line itself, as users and scripts call it: the parser, pipes, exit statuses, help."""

from __future__ import annotations

import fcntl
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

import archcalc
import archcalc.__main__
from archcalc.commands import COMMANDS, module_of
from tests.commands.calling import ARCHCALC, BROKEN, TINY, assert_refused, called, run

UNBUFFERED = os.environ | {"PYTHONUNBUFFERED": "1"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# ----- commands and their help -----


def test_every_module_of_a_command_is_listed() -> None:
    files = {
        path.stem
        for path in Path(str(import_module("archcalc.commands").__file__)).parent.glob("*.py")
    }
    shared = {
        file for file in files if not hasattr(import_module(f"archcalc.commands.{file}"), "run")
    }
    assert {file.rstrip("_") for file in files - shared} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_own_tests(command: str) -> None:
    tests = Path(__file__).parent / "commands" / f"test_{command}.py"
    assert f'"{command}"' in tests.read_text(encoding="utf-8")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "--help")
    assert status == 0
    assert all(command in out for command in COMMANDS)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--version", "-V"):
        assert called(capsys, option) == (0, f"archcalc {archcalc.__version__}\n", "")


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
def test_every_help_has_examples_and_the_exit_statuses(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = called(capsys, command, "--help")
    examples = module_of(command).EXAMPLES
    assert len(examples) >= 2
    assert all(f"\n  {example}\n" in out for example in examples)
    assert "exit status:\n  0  good\n" in out
    assert out.endswith("  2  wrong input\n")


QUICK = [
    example
    for command in COMMANDS
    for example in module_of(command).EXAMPLES
    if command not in ("verify", "report", "check", "errata", "import")
]


@pytest.mark.parametrize("example", QUICK)
def test_the_examples_of_help_run(
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if "HEAD:" in example:
        changed_since_the_last_commit("net.yaml")
    words = shlex.split(example.partition("|")[0].partition(">")[0])
    status, out, err = called(capsys, *words[1:])
    assert status == (1 if words[1] == "diff" else 0), err
    assert out or list(tmp_path.iterdir())


def changed_since_the_last_commit(name: str) -> None:
    """A repository here, with a spec that is changed."""
    Path(name).write_text(TINY)
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (["init", "-q"], ["add", name], [*author, "commit", "-q", "-m", "One"]):
        subprocess.run(["git", *words], check=True)
    Path(name).write_text(TINY.replace("channels: 4", "channels: 5"))


# ----- what is wrong -----


WRONG: dict[str, tuple[list[str], str]] = {
    "no command": ([], "the following arguments are required: COMMAND"),
    "an unknown command": (["tabel"], "unknown command 'tabel'; did you mean 'table'?"),
    "a command like no other": (["zzzz"], f"unknown command 'zzzz'; known: {', '.join(COMMANDS)}"),
    "an unknown option alone": (
        ["--verbose"],
        "archcalc: unrecognized arguments: --verbose; did you mean",
    ),
    "an unknown option, and no network": (
        ["table", "--colums", "a"],
        "archcalc table: unrecognized arguments: --colums; did you mean '--columns'?",
    ),
    "a negative argument": (["table", "vgg16", "-1"], "unrecognized arguments: -1 (see archcalc t"),
    "a negative value": (
        ["field", "vgg16", "pool5", "--at", "-1,3"],
        "archcalc field: argument --at: expected one argument; what begins with a minus stands "
        "behind a =, as in --at=-1,3 (see archcalc field --help)",
    ),
    "no network": (["table"], "the following arguments are required: NAME"),
    "two networks": (
        ["table", "vgg16", "vgg19"],
        "archcalc table: unrecognized arguments: vgg19",
    ),
    "an unknown option": (
        ["table", "vgg16", "--colums", "a"],
        "archcalc table: unrecognized arguments: --colums a; did you mean '--columns'?",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_one_message_and_status_2(
    mistake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = WRONG[mistake]
    assert_refused(called(capsys, *words), message)


def test_an_option_given_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = called(capsys, "table", "vgg16", "--batch", "1", "--batch", "2")
    assert (status, err.count("\n")) == (2, 1)
    assert "argument --batch: given twice" in err
    status, _, err = called(capsys, "table", "vgg16", "--set", "classes=1", "--set", "classes=2")
    assert (status, err) == (2, "archcalc: --set: classes is given 2 times\n")


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


def test_in_a_terminal_and_in_a_pipe_a_table_is_the_same() -> None:
    assert in_terminal("table", "googlenet") == run("table", "googlenet").stdout.splitlines()
    (row,) = [line for line in in_terminal("table", "googlenet", columns=99) if "norm1" in line]
    assert "local_response_norm" in row


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


def test_what_an_output_cannot_show_is_spelled_in_ascii(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("name: n\ntitle: Café 漢 in 3×3…\ninput: [3, 8, 8]\nlayers: [relu]\n")
    done = run("table", str(spec), env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("n: Cafe ? in 3x3...\n")
    done = run(
        "table", str(spec), env=os.environ | {"PYTHONIOENCODING": "latin-1"}, encoding="latin-1"
    )
    assert done.stdout.startswith("n: Café ? in 3×3...\n")


# ----- interrupts, and how it is called -----


def test_an_interrupt_is_status_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archcalc.commands.table.analysis_of", interrupted)
    assert called(capsys, "table", "lenet5") == (130, "", "")


def test_ctrl_c_while_importing_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "archcalc.cli":
                raise KeyboardInterrupt

    for module in [name for name in sys.modules if name == "archcalc.cli"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert archcalc.__main__.main() == 130


def test_the_installed_command_is_the_module() -> None:
    command = shutil.which("archcalc", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("archcalc is not installed here")
    installed = subprocess.run([command, "table", "lenet5"], capture_output=True, text=True)
    assert installed.stdout == run("table", "lenet5").stdout
