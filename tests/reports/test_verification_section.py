"""What pages say of the kept results of `archcalc verify`."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.cli import main
from archcalc.identity import Identity
from archcalc.reports.verification_page import save_verification
from archcalc.verification import Comparison, Conditions, Figure

UNDER = Conditions("cuda:0", "NVIDIA H200", "2.13.0", "float32", 1)


def section(folder: Path) -> str:
    assert main(["report", "lenet5", "-o", str(folder)]) == 0
    text = (folder / "networks" / "lenet5.md").read_text(encoding="utf-8")
    return text.partition("## Verification")[2].partition("## Spec")[0]


def test_a_page_names_the_device_and_every_difference(tmp_path: Path) -> None:
    figures = (
        Figure("sizes", "output", "C1", (6, 28, 28), (6, 28, 28)),
        Figure("macs", "macs", "C1", 117_600, 117_601),
        Figure("macs", "macs", "", 416_520, 416_521, note="a *note*"),
    )
    save_verification(
        [Comparison(Identity("lenet5", {}, {}, {}), (1, 32, 32), UNDER, figures)],
        str(tmp_path / "verification"),
    )
    text = section(tmp_path)
    assert "torch 2.13.0 on cuda:0 (NVIDIA H200), float32, batch 1" in text
    assert "1 sizes, 2 macs; 2 differ." in text
    assert "- C1: macs 117,600 by the rule, 117,601 by torch\n" in text
    assert "| macs | 416,520 | 416,521 | a \\*note\\* |" in text


def test_a_network_that_was_not_verified_has_no_section(tmp_path: Path) -> None:
    assert section(tmp_path) == ""
    comparison = Comparison(Identity("vgg16", {}, {}, {}), (3, 224, 224), UNDER, ())
    save_verification([comparison], str(tmp_path / "verification"))
    assert section(tmp_path) == ""


@pytest.mark.parametrize("text", ["[", "{}", '{"conditions": {"device": "cpu"}}'])
def test_results_that_are_none_are_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "verification").mkdir()
    (tmp_path / "verification" / "results.json").write_text(text)
    assert main(["report", "lenet5", "-o", str(tmp_path)]) == 2
    assert "is not a result of archcalc verify" in capsys.readouterr().err
