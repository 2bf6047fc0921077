"""`archcalc export`, as a user calls it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

from archcalc.cli import main
from tests.exporting.exported import class_of


def test_it_prints_a_file_that_python_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "lenet5"]) == 0
    assert class_of(capsys.readouterr().out).__name__ == "LeNet5"


def test_settings_and_input_count_and_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "resnet18", "--set", "classes=10", "--input", "1x64x64"]) == 0
    source = capsys.readouterr().out
    module = class_of(source)().eval()
    assert module(torch.zeros(2, 1, 64, 64)).shape == (2, 10)
    assert ": archcalc export resnet18 --set classes=10 --input 1x64x64\n" in source


def test_a_file_is_replaced_only_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.py"
    assert main(["export", "lenet5", "-o", str(path)]) == 0
    written = path.read_text()
    assert main(["export", "mlp_7_3", "-o", str(path)]) == 2
    assert "is there already; --force replaces it" in capsys.readouterr().err
    assert path.read_text() == written
    assert main(["export", "mlp_7_3", "-o", str(path), "--force"]) == 0
    assert class_of(path.read_text()).__name__ == "Mlp7_3"
    assert [found.name for found in tmp_path.iterdir()] == ["model.py"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.py", tmp_path / "link.py"
    target.write_text("")
    link.symlink_to(target)
    assert main(["export", "lenet5", "-o", str(link), "--force"]) == 0
    assert link.is_symlink()
    assert "class LeNet5" in target.read_text()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none/model.py", "No such file or directory"),
        ("file.py/model.py", "Not a directory"),
        ("folder", "is not a file"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, path: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file.py").write_text("")
    (tmp_path / "folder").mkdir()
    assert main(["export", "lenet5", "-o", str(tmp_path / path), "--force"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_what_fails_halfway_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        path.open("w").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["export", "lenet5", "-o", str(tmp_path / "model.py")]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_free_sizes_are_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "vgg16", "--input", "3x32hx32w"]) == 2
    assert "vgg16 has free sizes; give plain numbers as input\n" in capsys.readouterr().err


@pytest.mark.parametrize("title", ['""" + evil() + """', "a\\", "line\nend", "'quotes'", "<b>&%"])
def test_a_hostile_title_stays_text(
    tmp_path: Path, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hostile.yaml"
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    path.write_text(
        f'name: class\ntitle: "{quoted}"\ninput: [1, 4, 4]\n'
        "layers: [conv: {name: forward, channels: 1, kernel: 1}, relu: {name: class}]\n"
    )
    assert main(["export", str(path)]) == 0
    source = capsys.readouterr().out
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert "evil" not in [call.func.id for call in calls if isinstance(call.func, ast.Name)]
    assert class_of(source)()(torch.zeros(1, 1, 4, 4)).shape == (1, 1, 4, 4)
