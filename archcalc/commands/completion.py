"""`archcalc completion`: a completion script for a shell, made by shtab."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from archcalc.analysis import DTYPES
from archcalc.hardware.device import device_names
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.memory_use.options import TRAINING_DTYPES

_NETWORKS = {
    "bash": '_archcalc_networks() { compgen -W "$(archcalc list --names)" -- "$1"; }',
    "zsh": '_archcalc_networks() { compadd -- ${(f)"$(archcalc list --names)"}; _files }',
}
# Where nothing of archcalc's own begins so, bash completes as it does without a script: what takes
# a network takes a file, too. shtab leaves that out; the last word on a command counts.
_ELSE_FILES = "complete -o bashdefault -o default -F _shtab_archcalc archcalc"
_FILES = ("output", "plot", "picture")


EXAMPLES = (
    "archcalc completion bash",
    "archcalc completion zsh > _archcalc",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Prints the script; `source` it, or put it where your shell looks for completions."""
    import shtab

    from archcalc.cli import parser_of_all

    parser, shell = parser_of_all(), arguments.shell
    for commands in parser._actions:
        if isinstance(commands, argparse._SubParsersAction):
            for name, subparser in commands.choices.items():
                _add_values(name, subparser)
    print(shtab.complete(parser, shell=shell, preamble=_NETWORKS.get(shell, "")))
    if shell == "bash":
        print(_ELSE_FILES)
    return 0


def _add_values(command: str, parser: argparse.ArgumentParser) -> None:
    """Tells shtab what options take that refuse a wrong value themselves, with a guess."""
    import shtab

    values = _values(command)
    for action in parser._get_optional_actions():
        if action.choices is None and action.dest in values:
            action.choices = values[action.dest]
        elif action.dest in _FILES:
            is_folder = command == "report"
            action.complete = shtab.DIRECTORY if is_folder else shtab.FILE  # type: ignore[attr-defined]  # what shtab reads


def _values(command: str) -> dict[str, Sequence[str]]:
    return {
        "dtype": list(TRAINING_DTYPES if command == "memory" else DTYPES),
        "optimizer": list(OPTIMIZERS),
        "profile": device_names(),
    }
