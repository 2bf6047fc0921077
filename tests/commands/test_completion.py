"""`archcalc completion`, as a user and a shell call it."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from archcalc.cli import parser_of
from archcalc.commands import COMMANDS, completing
from archcalc.commands.arguments import NETWORK
from archcalc.commands.completing import candidates, words_of
from tests.commands.calling import ARCHCALC, TINY, assert_refused, called

pytestmark = pytest.mark.usefixtures("own_folder")

SHELLS = ["bash", "zsh", "tcsh", "fish"]
VGG = [
    *("vgg11", "vgg11_lrn", "vgg13", "vgg16_c", "vgg16", "vgg19"),
    *("vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
]


def offered(line: str) -> list[str]:
    return [found.text for found in candidates(line, parser_of)]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "completion", shell)
    assert status == 0
    assert "archcalc" in out
    program = shutil.which(shell)
    if program is not None:
        Path("script").write_text(out)
        subprocess.run([program, "-n", "script"], check=True)


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(called(capsys, "completion", "ksh"), "invalid choice: 'ksh'")


# ----- what is offered, in every shell -----


def test_commands_networks_and_options_are_offered() -> None:
    assert offered("archcalc ta") == ["table"]
    assert "completion" in offered("archcalc ")
    assert offered("archcalc nothing ") == []
    assert offered("archcalc table vgg1") == VGG
    assert offered("archcalc compare lenet5 vgg1") == VGG
    assert offered("archcalc table --batch 2 vgg1") == VGG
    assert offered("archcalc table lenet5 vgg1") == []
    assert offered("archcalc table --c") == ["--columns", "--convention"]
    assert offered("archcalc list vgg11_") == ["vgg11_lrn", "vgg11_bn"]


def test_parameters_of_the_network_are_offered_and_their_own_values() -> None:
    assert "alpha=" in offered("archcalc table mobilenet_v1 --set ")
    assert offered("archcalc table mobilenet_v1 --set al") == ["alpha="]
    assert offered("archcalc table mobilenet_v1 --set alpha=") == ["alpha=1"]
    assert offered("archcalc table mobilenet_v1 --set=alpha=") == ["--set=alpha=1"]
    assert offered("archcalc table resnet50 --set depths=") == ["depths=3,4,6,3"]
    assert offered("archcalc table resnet50 --set bot") == ["bottleneck="]
    assert offered("archcalc sweep mobilenet_v1 --over al") == ["alpha="]
    assert offered("archcalc solve mobilenet_v1 --for al") == ["alpha="]
    assert offered("archcalc formula mobilenet_v1 --symbols al") == ["alpha"]
    assert offered("archcalc table --set ") == []


def test_layers_and_blocks_of_the_network_are_offered() -> None:
    assert offered("archcalc explain lenet5 C") == ["C1", "C3", "C5"]
    assert offered("archcalc field resnet50 layer1.0.c")[:1] == ["layer1.0.conv1"]
    assert offered("archcalc field resnet50 layer1")[:2] == ["layer1", "layer1.0"]
    assert offered("archcalc explain 'resnet50 depths=[1,1,1,1]' layer1.1") == []
    assert offered("archcalc field resnet50 --layers conv1,layer2.0.b")[:2] == [
        "conv1,layer2.0.bn1",
        "conv1,layer2.0.bn2",
    ]
    assert "layer4" in offered("archcalc memory resnet50 --freeze ")


def test_columns_figures_and_kinds_are_offered() -> None:
    assert offered("archcalc table lenet5 --columns na") == ["name"]
    assert offered("archcalc table lenet5 --columns name,par") == ["name,params"]
    assert "name,name" not in offered("archcalc table lenet5 --columns name,")
    assert offered("archcalc table lenet5 --sort mac") == ["macs"]
    assert offered("archcalc sweep lenet5 --pareto macs,-params") == ["macs,-params"]
    assert offered("archcalc explain lenet5 --quantity jum") == ["jump"]
    assert "group_norm" in offered("archcalc kinds group")


def test_values_of_options_are_offered() -> None:
    assert offered("archcalc table lenet5 --dtype bf") == ["bfloat16"]
    assert offered("archcalc memory lenet5 --dtype mix") == ["mixed"]
    assert offered("archcalc memory lenet5 --optimizer adamw") == ["adamw"]
    assert offered("archcalc memory lenet5 --loss cross") == ["cross_entropy"]
    assert offered("archcalc roofline lenet5 --profile nvidia_h2") == ["nvidia_h200"]
    assert offered("archcalc compare lenet5 --format js") == ["json"]
    assert offered("archcalc check --format ju") == ["junit"]
    assert offered("archcalc verify lenet5 --what par") == ["params"]
    assert offered("archcalc completion fi") == ["fish"]
    assert "fvcore" in offered("archcalc table lenet5 --convention fv")


def test_files_and_variants_are_offered() -> None:
    Path("mine.yaml").write_text(TINY)
    Path("mine.txt").touch()
    Path(".hidden.yaml").touch()
    Path("folder").mkdir()
    Path("folder/two.yaml").write_text(
        "name: two\ninput: [3, 8, 8]\nparameters: {n: 1}\n"
        "layers: [{conv: {channels: n, kernel: 1}}]\n"
        "variants:\n  one: {n: 1}\n  other: {n: 2}\n"
    )
    assert offered("archcalc table min") == ["mine.yaml"]
    assert ".hidden.yaml" not in offered("archcalc table ")
    assert offered("archcalc table fol") == ["folder/"]
    assert offered("archcalc table folder/") == ["folder/two.yaml"]
    assert offered("archcalc table folder/two.yaml#o") == [
        "folder/two.yaml#one",
        "folder/two.yaml#other",
    ]
    assert offered("archcalc explain mine.yaml con") == ["conv1"]
    assert offered("archcalc draw lenet5 -o mi") == ["mine.txt", "mine.yaml"]
    assert offered("archcalc compare lenet5 --plot fo") == ["folder/"]
    assert offered("archcalc report lenet5 -o ") == ["folder/"]


def test_nothing_is_said_where_something_is_wrong() -> None:
    Path("broken.yaml").write_text("layers: [")
    for network in ("nothing", "broken.yaml", "none/x.yaml", "HEAD:x.yaml", "-", "a.onnx"):
        assert offered(f"archcalc explain {network} ") == []
    for folder in ("none/", "~nobody-is-called-so/", "a\0b/"):
        assert offered(f"archcalc draw lenet5 -o {folder}") == []


def test_code_of_the_user_is_not_run() -> None:
    Path("net.py").write_text("raise SystemExit('run')\n")
    assert offered("archcalc explain net.py:Net ") == []
    assert offered("archcalc table net.py:Net --set ") == []


def test_words_are_parted_as_a_shell_does() -> None:
    assert words_of("archcalc table ") == ["archcalc", "table", ""]
    assert words_of("cd x; archcalc list | archcalc table v") == ["archcalc", "table", "v"]
    assert words_of("archcalc table 'a b=1") == ["archcalc", "table", "a b=1"]
    assert words_of('archcalc table "a b" #x') == ["archcalc", "table", "a b", "#x"]


# What is written freely: numbers, conditions, sizes, names of things elsewhere.
FREE = {
    *("N", "S", "N%", "CxHxW", "ROW,COL", "SIZE", "CONDITION", "CONDITIONS", "TEXT"),
    *("tcp://HOST:PORT", "PACKAGE:NAME"),
}


def unknown_values(parser: argparse.ArgumentParser, command: str) -> list[str]:
    """The arguments whose values completion knows nothing of, though they are not free."""
    return [
        f"{command} {action.dest}"
        for action in parser._actions
        if action.nargs != 0 and not action.choices and action.metavar not in FREE
        if not str(action.metavar).startswith(("FILE", "FOLDER", "KEY"))
        if getattr(action, "complete", None) != NETWORK
        if not {action.dest, f"{command} {action.dest}"} & completing._VALUES.keys()
    ]


def test_the_values_of_every_argument_are_known() -> None:
    assert [x for name in COMMANDS for x in unknown_values(parser_of(name), name)] == []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape")
    assert unknown_values(parser, "table") == ["table shape"]


def test_what_is_offered_waits_for_no_package() -> None:
    code = """
import sys
from archcalc.cli import parser_of
from archcalc.commands import COMMANDS
from archcalc.commands.completing import candidates
assert candidates("archcalc explain lenet5 C", parser_of)
for command in COMMANDS:
    candidates(f"archcalc {command} lenet5 ", parser_of)
print([name for name in ("torch", "numpy", "sympy", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ----- the shells -----


def with_script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The shell, where it is installed, beside its script and a program that it can call."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    _, script, _ = called(capsys, "completion", shell)
    Path("script").write_text(script)
    Path("archcalc").write_text(f'#!/bin/sh\nexec {" ".join(ARCHCALC)} "$@"\n')
    Path("archcalc").chmod(0o755)
    return program


def test_bash_offers_it(capsys: pytest.CaptureFixture[str]) -> None:
    with_script("bash", capsys)
    assert in_bash("archcalc table vgg1") == VGG
    assert in_bash("archcalc check lenet_") == ["lenet_caffe"]
    # What stands before a = or a : stays, since bash takes these for the end of a word.
    assert in_bash("archcalc table mobilenet_v1 --set alpha=", *("alpha", "=", "")) == ["1"]
    Path("mine.yaml").touch()
    assert in_bash("archcalc compare lenet5 --plot mi") == ["mine.yaml"]
    # Where nothing is known bash goes on to its own, the names of files.
    assert in_bash("archcalc list nothing") == []
    ask = "source ./script; complete -p archcalc"
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert " -o default " in done.stdout


def test_fish_offers_it(capsys: pytest.CaptureFixture[str]) -> None:
    fish = with_script("fish", capsys)
    ask = (
        "set PATH . $PATH; source script; complete -C 'archcalc table vgg1'; "
        "complete -C 'archcalc table mobilenet_v1 --set al'"
    )
    done = subprocess.run([fish, "--no-config", "-c", ask], capture_output=True, text=True)
    assert done.stdout.splitlines() == [*VGG, "alpha=\t1"]


_IN_ZSH = """
compdef() { }
source ./script
compadd() { print -r -- $* }
_files() { print files }
ask() { words=("$@") CURRENT=$# PREFIX=${@[-1]}; _archcalc }
ask archcalc table vgg11_
ask archcalc table mobilenet_v1 --set al
ask archcalc list nothing
"""


def test_zsh_offers_it(capsys: pytest.CaptureFixture[str]) -> None:
    # Without a terminal: what would be its own commands says how it is called.
    zsh = with_script("zsh", capsys)
    done = subprocess.run(
        [zsh, "-f", "-c", f"PATH=.:$PATH\n{_IN_ZSH}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "-d shown -a values",
        "-l -S -d open_shown -a open_values",
        "files",
    ]


def in_bash(line: str, *last: str) -> list[str]:
    """What bash offers behind a line; `last` are its last words where bash parts them further."""
    words = [*line.split(" ")[: -1 if last else None], *last]
    ask = f"""
PATH=.:$PATH
source ./script
COMP_WORDS=({" ".join(map(repr, words))})
COMP_CWORD={len(words) - 1}
COMP_LINE={line!r}
COMP_POINT={len(line)}
$(complete -p archcalc | sed 's/.*-F \\([^ ]*\\).*/\\1/') archcalc {words[-1]!r} {words[-2]!r}
printf '%s\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    return done.stdout.split()
