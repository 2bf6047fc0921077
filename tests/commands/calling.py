"""The command line called, in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from archcalc.cli import main

ARCHCALC = [sys.executable, "-m", "archcalc"]
# What `own_folder` has in tiny.yaml and in broken.yaml, which fails midway.
TINY = "name: tiny\ninput: [3, 8, 8]\nlayers:\n  - conv: {channels: 4, kernel: 3}\n  - relu\n"
BROKEN = TINY + "  - conv: {name: last, channels: 4, kernel: 99}\n"


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    try:
        status = main(words)
    except SystemExit as exit:  # argparse's way
        status = int(exit.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


def assert_refused(answer: tuple[int, str, str], message: str) -> None:
    """Status 2, nothing on stdout, and one message on stderr, of a spec with its line and caret."""
    status, out, err = answer
    assert (status, out) == (2, "")
    assert message in err
    assert err.startswith("archcalc")
    assert err.count("\n") == (1 if "specs/vgg.yaml:" not in err else 3)


def run(*words: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    defaults: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run([*ARCHCALC, *words], text=True, **(defaults | settings))  # type: ignore[call-overload,no-any-return]  # settings go through
