"""`archcalc draw`, as a user calls it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from archcalc.cli import main
from tests.render.flowchart import read_flowchart


def test_mermaid_is_printed(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["draw", "resnet50"]) == 0
    chart = read_flowchart(capfdbinary.readouterr().out.decode())
    assert chart.title == "ResNet-50"


def test_dot_is_printed_on_request(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["draw", "resnet50", "--format", "dot"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"digraph")


@pytest.mark.parametrize("ending", ["mmd", "dot", "svg", "png"])
def test_the_ending_of_the_file_says_the_format(ending: str, tmp_path: Path) -> None:
    if ending in ("svg", "png") and shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    path = tmp_path / f"net.{ending}"
    assert main(["draw", "lenet5", "-o", str(path)]) == 0
    start = {"mmd": b"---\n", "dot": b"digraph", "svg": b"<?xml", "png": b"\x89PNG"}[ending]
    assert path.read_bytes().startswith(start)


def test_another_ending_leaves_the_format_to_the_option(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    assert main(["draw", "lenet5", "-o", str(path), "--format", "dot"]) == 0
    assert path.read_bytes().startswith(b"digraph")


def test_blocks_are_folded_at_a_depth(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sizes = []
    for depth in ("1", "2", "3", "all"):
        assert main(["draw", "resnet18", "--depth", depth]) == 0
        sizes.append(len(read_flowchart(capfdbinary.readouterr().out.decode()).boxes))
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == 71  # 69 layers, input and output


def test_sizes_follow_the_input(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["draw", "resnet18", "--input", "3x64x64", "--set", "classes=7"]) == 0
    labels = [label for *_, label in read_flowchart(capfdbinary.readouterr().out.decode()).arrows]
    assert (labels[0], labels[-1]) == ("3x64x64", "7")


def test_more_arrows_than_mermaid_draws_are_noted(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["draw", "resnet152", "--depth", "all"]) == 0
    assert b"Mermaid draws 500 unless told otherwise" in capfdbinary.readouterr().err
