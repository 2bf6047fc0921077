"""The effective receptive field: a measurement inside the theoretical one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from archcalc.analysis import Analysis
from archcalc.cli import main
from archcalc.torch_backend.effective import effective_field
from archcalc.walk import analyze


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    path = Path(tmp_path_factory.mktemp("specs")) / "stack.yaml"
    path.write_text(
        "name: stack\ninput: [3, 41, 41]\nlayers:\n"
        "  - repeat: 8\n    layers: [conv: {channels: 8, kernel: 3, padding: 1}, relu]\n"
    )
    return analyze(str(path))


def test_all_of_the_gradient_lies_in_the_theoretical_field(stack: Analysis) -> None:
    measured = effective_field(stack, "conv8", runs=3)
    (top, bottom), (left, right) = [seen for seen in measured.field.box if seen]
    assert measured.mass.sum() == pytest.approx(1)
    inside = measured.mass[top : bottom + 1, left : right + 1].sum()
    assert inside == pytest.approx(1)
    assert measured.mass[top].sum() > 0  # the theoretical field is no larger than need be


def test_most_of_the_gradient_lies_in_the_middle(stack: Analysis) -> None:
    measured = effective_field(stack, "conv8", runs=5)
    theoretical = 17  # 1 + 8 * 2
    assert measured.sides[0.5] < measured.sides[0.95] < theoretical
    middle = measured.field.unit[0]
    half = measured.sides[0.5] // 2
    box = measured.mass[middle - half : middle + half + 1, middle - half : middle + half + 1]
    assert box.sum() >= 0.5


def test_the_same_seed_gives_the_same_figures(stack: Analysis) -> None:
    first, second = (effective_field(stack, "conv2", runs=2, seed=7) for _ in range(2))
    assert np.array_equal(first.mass, second.mass)
    other = effective_field(stack, "conv2", runs=2, seed=8)
    assert not np.array_equal(first.mass, other.mass)


def test_the_command_shows_and_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plot = tmp_path / "effective.svg"
    command = ["field", "lenet5", "C3", "--effective", "--runs", "2", "--plot", str(plot)]
    assert main(command) == 0
    assert "50% of the gradient lies within" in capsys.readouterr().out
    assert plot.read_bytes().startswith(b"<?xml")


def test_without_torch_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    modules = __import__("sys").modules
    for name in [m for m in modules if m.startswith("archcalc.torch_backend")]:
        monkeypatch.delitem(modules, name)
    monkeypatch.setitem(modules, "torch", None)
    assert main(["field", "lenet5", "C3", "--effective"]) == 2
    assert "pip install 'archcalc[torch]'" in capsys.readouterr().err
