"""`archcalc report`, as a user calls it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from archcalc.cli import main
from archcalc.reports.page import MADE
from tests.commands.calling import assert_refused, called

LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")


def test_without_matplotlib_the_rest_still_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["report", "lenet5", "-o", str(tmp_path)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == (
        "archcalc: left out: a plot needs matplotlib, which is not installed: "
        "pip install 'archcalc[plots]'"
    )
    assert len(lines) == 2
    text = (tmp_path / "networks" / "lenet5.md").read_text(encoding="utf-8")
    assert "![" not in text
    assert "## Memory at inference" in text


def test_a_users_file_gets_a_page_that_stands_alone(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.yaml"
    spec.write_text(
        "name: tiny\ntitle: A *tiny* net\ninput: [3, 8, 8]\n"
        "layers: [conv: {channels: 4, kernel: 3}, relu, flatten, linear: {features: 2}]\n"
    )
    assert main(["report", str(spec), "-o", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "networks" / "tiny.md").read_text(encoding="utf-8")
    assert text.startswith(f"{MADE}\n\n# A \\*tiny\\* net\n")
    for target in LINK.findall(text):
        assert (tmp_path / "out" / "networks" / target).is_file()
    assert "<summary>tiny.yaml</summary>" in text
    assert f"`archcalc table {spec}` prints the figures of this page." in text


def test_a_page_of_code_says_how_it_was_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = tmp_path / "mine.py"
    code.write_text("from torch import nn\ndef net(width=4):\n    return nn.Conv2d(3, width, 3)\n")
    given = ("--set", "width=8", "--input", "3x9x9")
    answer = called(capsys, "report", f"{code}:net", *given, "-o", str(tmp_path / "out"))
    assert answer[0] == 0
    text = (tmp_path / "out" / "networks" / "net.md").read_text(encoding="utf-8")
    line = f"`archcalc table {code}:net --set width=8 --input 3x9x9` prints the figures"
    assert line in text
    assert_refused(called(capsys, "report", "lenet5", "--input", "1x28x28"), "lenet5 is a spec")
    assert_refused(called(capsys, "report", "lenet5", "--set", "a=1"), "lenet5 is not code")
    assert_refused(called(capsys, "report", "--set", "a=1"), "name the model that it is for")


def test_a_page_names_the_variant_of_a_users_file(tmp_path: Path) -> None:
    spec = tmp_path / "my nets.yaml"
    spec.write_text(
        "name: nets\ninput: [3, 8, 8]\nvariants: {one: {}, two: {}}\nlayers: [relu, flatten]\n"
    )
    assert main(["report", f"{spec}#two", "-o", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "networks" / "two.md").read_text(encoding="utf-8")
    assert f"`archcalc table '{spec}#two'` prints the figures of this page." in text


def test_two_networks_of_one_name_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for spec in (first, second):
        spec.write_text("name: lenet5\ninput: [3, 8, 8]\nlayers: [relu, flatten]\n")
    out = tmp_path / "out"
    for names in ([str(first), str(second)], [str(first), "lenet5"]):
        assert main(["report", *names, "-o", str(out)]) == 2
        error = capsys.readouterr().err
        assert "two networks called 'lenet5', and one page for that name" in error
        assert str(first) in error
        assert error.count("\n") == 1
    assert not out.exists()


def test_free_sizes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "free.yaml"
    spec.write_text("name: free\ninput: [3, 32h, 32w]\nlayers: [relu]\n")
    assert_refused(called(capsys, "report", str(spec), "-o", str(tmp_path / "out")), "free sizes")
    live = called(capsys, "report", "--html", str(spec), "-o", str(tmp_path / "out"))
    assert_refused(live, "free has free sizes, and a page starts from plain ones")


def test_live_pages_are_the_same_in_every_order_and_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "both.yaml"
    spec.write_text(
        "name: both\ninput: [3, 9, 8]\nlayers:\n"
        "  - average: [[{max_pool: {kernel: 3}}, relu], [{avg_pool: {kernel: 3}}]]\n"
        '  - conv: {channels: "in_shape[1]", kernel: 2}\n'
    )
    found = []
    for seed, names in (("1", ["lenet5", str(spec)]), ("2", [str(spec), "lenet5"])):
        monkeypatch.setenv("PYTHONHASHSEED", seed)  # of the processes, which put sets in order
        out = tmp_path / seed
        status, _, said = called(capsys, "report", "--html", *names, "-o", str(out))
        assert (status, said) == (0, f"{out / 'index.html'}: 2 networks\n")
        found.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert found[0].keys() == {"index.html", "lenet5.html", "both.html"}
    assert found[0] == found[1]
    for link in re.findall(r'href="([^"]+)"', found[0]["index.html"].decode()):
        assert link in found[0]
    again = called(capsys, "report", "--html", "lenet5", "-o", str(out))
    assert_refused(again, "index.html is there already; --force replaces it")
    assert main(["report", "--html", "lenet5", "--force", "-o", str(out)]) == 0
    assert (out / "lenet5.html").read_bytes() == found[0]["lenet5.html"]
    assert b"both.html" not in (out / "index.html").read_bytes()
