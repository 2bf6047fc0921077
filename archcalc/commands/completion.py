"""`archcalc completion`: a completion script for a shell, made by shtab."""

from __future__ import annotations

import argparse

_NETWORKS = {
    "bash": '_archcalc_networks() { compgen -W "$(archcalc list --names)" -- "$1"; }',
    "zsh": '_archcalc_networks() { compadd -- ${(f)"$(archcalc list --names)"}; _files }',
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Prints the script; `source` it, or put it where your shell looks for completions."""
    import shtab

    from archcalc.cli import parser_of_all

    preamble = _NETWORKS.get(arguments.shell, "")
    print(shtab.complete(parser_of_all(), shell=arguments.shell, preamble=preamble))
    return 0
