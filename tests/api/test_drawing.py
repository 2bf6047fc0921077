"""Diagrams from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc
from archcalc import UsageError
from archcalc.cli import main


def test_a_diagram_is_what_the_command_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diagram = archcalc.draw("resnet18", depth=1)
    assert main(["draw", "resnet18", "--depth", "1"]) == 0
    assert str(diagram) == capsys.readouterr().out
    assert diagram._repr_markdown_() == f"```mermaid\n{diagram}```"
    assert repr(diagram).startswith("<Diagram of ResNet-18: ")
    path = tmp_path / "resnet18.dot"
    diagram.save(path)
    assert path.read_bytes() == diagram.written("dot")
    assert archcalc.draw("lenet5", full=True).drawing.boxes[-1].lines
    with pytest.raises(UsageError, match="unknown format 'gif'; known: mmd, dot, svg, png"):
        diagram.save(tmp_path / "resnet18.gif")
    with pytest.raises(UsageError, match="No such file or directory"):
        diagram.save(tmp_path / "nowhere" / "resnet18.mmd")
