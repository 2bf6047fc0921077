"""Nothing that a command prints by default is wider than 80 columns.

The tables of all networks are in tests/test_specs.py.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from archcalc.render.text_columns import shown_width
from tests.commands.calling import called

WIDE = (
    "list",
    "table fasterrcnn_mobilenet_v3_large_320_fpn --depth all",
    "table vgg16 --input 3xHxW",
    "table lenet5 --columns " + ",".join(["name", "output", "params", "macs", "flops"] * 4),
    "table t5_small --exact",
    "explain vit_b_16",
    "explain resnet50 layer4.0",
    "explain alexnet_two_tower conv2",
    "formula lenet5 --symbols H",
    "scale unet",
    "sweep mobilenet_v1 resnet50 --over H=32,64 --over 'classes=10,20' --exact",
    "solve mobilenet_v1 --for alpha=0.1:2:0.1 --where 'macs <= 150M and params < 30M'",
    "field inception_v4",
    "field vgg16 pool5 --phases",
    "memory swin_t",
    "memory lenet5 --batch 8,16,32",
    "compare vgg16 resnet50 mobilenet_v1 lenet5 alexnet googlenet",
    "diff googlenet bn_inception --full",
    "roofline densenet121",
    "conventions vit_b_16",
    "which resnet50 resnet101 --params 25.56M",
    "check resnet50 resnet152 vgg16",
    "errata --source Inception",
)


@pytest.mark.parametrize("words", WIDE)
def test_no_line_is_wider_than_80_columns(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, *shlex.split(words))
    assert status in (0, 1), err
    assert max(map(shown_width, out.splitlines())) <= 80


def test_what_is_cut_is_whole_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    _, narrow, _ = called(capsys, "table", "googlenet")
    _, wide, _ = called(capsys, "table", "googlenet", "--wide")
    assert "local_respon…" in narrow
    assert "local_response_norm" in wide
    assert "…" not in wide


def test_columns_say_how_wide_it_is_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (40, 60, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        _, out, _ = called(capsys, "compare", "vgg16", "resnet50", "lenet5")
        assert max(map(len, out.splitlines())) <= width
    _, whole, _ = called(capsys, "compare", "vgg16", "resnet50", "lenet5", "--wide")
    assert out == whole
    monkeypatch.setenv("COLUMNS", "none")
    _, out, _ = called(capsys, "table", "vgg16")
    assert max(map(len, out.splitlines())) <= 80


def test_a_file_is_replaced_only_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.csv")
    assert called(capsys, "table", "lenet5", "-o", path) == (0, "", "")
    written = Path(path).read_text()
    assert written == called(capsys, "table", "lenet5", "--format", "csv")[1]
    for words in (
        f"table vgg16 -o {path}", f"export vgg16 -o {path}", f"formula vgg16 -o {path}",
        f"scale vgg16 --plot {path}", f"schema -o {path}", f"list --names -o {path}",
    ):  # fmt: skip
        message = f"archcalc: {path} is there already; --force replaces it\n"
        assert called(capsys, *words.split()) == (2, "", message)
    assert Path(path).read_text() == written
    assert called(capsys, "list", "--names", "-o", path, "--force") == (0, "", "")
    assert Path(path).read_text().split()[0] == called(capsys, "list", "--names")[1].split()[0]


@pytest.mark.parametrize(
    ("file", "start"),
    [("a.md", "| layer "), ("a.json", "{"), ("a.tex", "\\begin"), ("a.html", "<p><strong>lenet5"),
     ("a.txt", "lenet5 "), ("a", "lenet5 "), ("a.PARQUET", "PAR1")],
)  # fmt: skip
def test_the_ending_of_a_file_says_its_form(
    file: str, start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / file
    words = ["table", "lenet5", "--set", "classes=9", "-o", str(path)]
    assert called(capsys, *words) == (0, "", "")
    assert path.read_bytes().startswith(start.encode())
    assert called(capsys, *words, "--force", "--format", "csv") == (0, "", "")
    assert path.read_bytes().startswith(b"name,kind,inputs")
