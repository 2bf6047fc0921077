"""`archcalc page`: one HTML file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from archcalc.cli import main


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'id="archcalc-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def test_a_page_has_its_networks_and_the_same_bytes_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.html"
    assert main(["page", "lenet5", "lenet5_1998", "-o", str(path), "--force"]) == 0
    assert re.fullmatch(rf"{path}: 2 networks, [\d,]+ bytes\n", capsys.readouterr().err)
    first = path.read_text()
    networks = data_of(first)["networks"]
    assert isinstance(networks, list)
    assert [network["name"] for network in networks] == ["lenet5", "lenet5_1998"]
    assert main(["page", "lenet5", "lenet5_1998", "-o", str(path), "--force"]) == 0
    assert path.read_text() == first


def test_hostile_names_are_no_markup(tmp_path: Path) -> None:
    spec, path = tmp_path / "hostile.yaml", tmp_path / "page.html"
    spec.write_text(
        "name: hostile\n"
        "title: '</script><script>alert(1)</script><!-- \"quoted\" `${x}`'\n"
        "input: [3, 8, 8]\n"
        "parameters: {classes: 10}\n"
        "layers: [flatten, {linear: {features: classes}}]\n"
    )
    assert main(["page", str(spec), "-o", str(path)]) == 0
    page = path.read_text()
    assert "<script>alert" not in page
    assert page.count("</script>") == 3  # the data, the closed forms, the bundle


def test_what_cannot_be_written_or_is_no_network_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["page", "lenet5", "-o", str(tmp_path / "no" / "a.html")]) == 2
    assert main(["page", "lenet55"]) == 2
    shown = capsys.readouterr().err
    assert "No such file" in shown
    assert "lenet5" in shown.splitlines()[-1]
