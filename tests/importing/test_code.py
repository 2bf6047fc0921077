"""Torch modules as networks: in hand, and by the names of what makes them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import archcalc
from archcalc.folding.text import folded_text
from archcalc.walk import walk
from tests.commands.calling import assert_refused, called

MODEL = """
from torch import nn

class Unit(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
    def forward(self, x):
        return nn.functional.relu(x + self.bn(self.conv(x)))

class Net(nn.Module):
    def __init__(self, width=8, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, 2, 1)
        self.units = nn.Sequential(*[Unit(width) for _ in range(6)])
        self.head = nn.Linear(width, classes)
    def forward(self, x):
        return self.head(self.units(self.stem(x)).mean((2, 3)))
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MODEL, encoding="utf-8")
    return "mine.py:Net"


def test_a_file_of_python_is_a_network(file: str) -> None:
    analysis = archcalc.analyze(file, input=[3, 32, 32])
    assert analysis.totals.params == 224 + 6 * (576 + 16) + 90
    assert analysis.graph.name == "Net"
    assert analysis.graph.blocks["units.0"] == "Unit"


def test_settings_are_arguments_of_the_factory(file: str) -> None:
    small = archcalc.analyze(file, input=[3, 32, 32], width=4, classes=2)
    assert small.layer("head").node.layer.given()["features"] == 2
    assert small.layer("stem").output.shape == (4, 16, 16)


def test_it_is_measured_itself(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["verify", file, "--input", "3x32x32", "--what", "sizes,params,macs,memory"]
    status, out, _ = called(capsys, *words)
    assert status == 0
    assert "≠" not in out


def test_it_is_written_as_a_person_would(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "import", file, "--input", "3x32x32")
    assert status == 0
    assert "- repeat: 6" in out
    assert '- unit: {name: "units.{i}"}' in out
    assert archcalc.analyze(out).totals == archcalc.analyze(file, input=[3, 32, 32]).totals


def test_a_formula_holds_at_any_size(file: str) -> None:
    analysis = archcalc.analyze(file, input=[3, 32, 32])
    other = archcalc.analyze(folded_text(analysis), input=[3, 64, 48])
    assert other.totals == archcalc.analyze(file, input=[3, 64, 48]).totals


def test_a_formula_is_of_what_code_makes(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["formula", file, "--input", "3x32x32", "--set", "width=4", "--quantity", "params"]
    assert called(capsys, *words)[:2] == (0, "params = 1074\n")
    form = archcalc.formula(file, "macs", input=[3, 32, 32])
    values = dict.fromkeys(form.free_symbols, 64)
    assert form.subs(values) == archcalc.analyze(file, input=[3, 64, 64]).totals.macs


def test_a_size_is_asked_for(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(called(capsys, "table", file), "--input: which size has x of Net.forward?")
    assert_refused(called(capsys, "table", file, "--input", "3xhxw"), "plain numbers")
    with pytest.raises(archcalc.UsageError, match=r"32\.5"):
        archcalc.from_torch(nn.ReLU(), (3, 32.5))


def test_what_code_is_called_with_is_one_value(file: str) -> None:
    with pytest.raises(archcalc.UsageError, match=r"^width: .* one plain value"):
        archcalc.sweep(file, input=[3, 32, 32], width=np.array([8, 16]))


def test_a_factory_that_is_told_by_a_word_what_to_make_is_called_after_it(
    file: str, tmp_path: Path
) -> None:
    (tmp_path / "many.py").write_text(
        f"{MODEL}\ndef make(which, width=8):\n    return Net(width)\n"
    )
    made = archcalc.load("many.py:make", input=[3, 8, 8], which="net a/b", width=4)
    assert made.name == "make-net-a-b"


def test_what_code_prints_is_not_among_the_figures(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = MODEL.replace(
        "        return self.head", "        print('runs')\n        return self.head"
    )
    (tmp_path / "talks.py").write_text(f"print('reads')\n{text}")
    words = ["table", "talks.py:Net", "--input", "3x32x32", "--format", "json"]
    status, out, err = called(capsys, *words)
    assert (status, json.loads(out)["name"]) == (0, "Net")
    assert {"reads", "runs"} <= {*err.split()}


@pytest.mark.parametrize("command", ["table", "import", "field"])
def test_what_is_read_is_walked_once(
    command: str, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    walked = []

    def counting(*given: Any) -> archcalc.Analysis:
        walked.append(given)
        return walk(*given)

    for place in ("commands.arguments", "imported"):
        monkeypatch.setattr(f"archcalc.{place}.walk", counting)
    assert called(capsys, command, file, "--input", "3x32x32")[0] == 0
    assert len(walked) == 1


def test_which_part_of_a_file_is_asked_for(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(called(capsys, "table", "mine.py"), "mine.py:Net")
    with pytest.raises(archcalc.UsageError, match=r"a ReLU .* archcalc\.from_torch"):
        archcalc.analyze(nn.ReLU())  # type: ignore[arg-type]


def test_its_own_errors_are_told_in_one_line(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(called(capsys, "table", file, "--input", "4x32x32"), "mine.py:19")
    assert_refused(called(capsys, "table", "mine.py:Nett", "--input", "3x8x8"), "'Net'")
    assert_refused(called(capsys, "table", "nobody.there:net"), "nobody")
    (tmp_path / "broken.py").write_text("import torch\n\n1 / 0\n", encoding="utf-8")
    assert_refused(called(capsys, "table", "broken.py:Net"), "broken.py:3")


def test_a_module_in_hand() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.Flatten(), nn.Linear(144, 2))
    graph = archcalc.from_torch(module, (3, 8, 8), name="mine")
    assert graph.name == "mine"
    assert archcalc.analyze(graph).totals.params == sum(p.numel() for p in module.parameters())
    assert module.training


def test_what_is_unknown_is_said() -> None:
    class Sorts(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sort(x, -1).values

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = archcalc.from_torch(nn.Sequential(nn.Linear(4, 4), Sorts()), (4,))
    analysis = archcalc.analyze(graph)
    assert str(analysis.totals.other_ops).startswith("at least")
    assert analysis.layers[-1].kind == "opaque"
