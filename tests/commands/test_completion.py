"""`archcalc completion`, as a user and a shell call it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands.calling import ARCHCALC, assert_refused, called

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_completion_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "completion", shell)
    assert status == 0
    assert "archcalc" in out
    program = shutil.which(shell)
    if program is not None:
        Path("script").write_text(out)
        subprocess.run([program, "-n", "script"], check=True)


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(called(capsys, "completion", "fish"), "invalid choice: 'fish'")


def test_bash_completes_commands_networks_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    _, script, _ = called(capsys, "completion", "bash")
    Path("script").write_text(f'archcalc() {{ {" ".join(ARCHCALC)} "$@"; }}\n{script}')
    assert "table" in completions("archcalc ta")
    assert completions("archcalc table vgg1") == [
        *("vgg11", "vgg11_lrn", "vgg13", "vgg16_c", "vgg16", "vgg19"),
        *("vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
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
    assert completions("archcalc table mine") == []
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
