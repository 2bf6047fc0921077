"""`archcalc explain`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc.cli import main


def test_a_layer_is_derived_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "alexnet", "conv1"]) == 0
    shown = capsys.readouterr().out
    assert "m = (n - k + 2*p)/s + 1 = (227 - 11 + 2*0)/4 + 1 = 55\n" in shown
    assert "weights            k*k*C_in*C_out = 11*11*3*96 = 34,848\n" in shown
    assert "r = r_in + (k - 1)*j_in = 1 + (11 - 1)*1 = 11\n" in shown
    assert "s = 4 (stride)" in shown


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        ("googlenet", "inception_3a.output"),
        ("densenet121", "denselayer6.concat"),
        ("mobilenet_v1", "Conv2d_2.depthwise.conv"),
        ("inception_v3", "Mixed_6b.branch7x7_2.conv"),
        ("resnet50", "layer1.0"),
        ("resnet152", None),
    ],
)
def test_what_is_shown_fits_a_terminal(
    network: str, layer: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    full = "denseblock1.denselayer6.concat" if network == "densenet121" else layer
    assert main(["explain", network, *([full] if full else [])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80


def test_a_note_in_place_of_a_figure_stands_behind_one_blank(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "vgg16", "fc6", "--quantity", "receptive_field"]) == 0
    assert capsys.readouterr().out.endswith("\nreceptive field  r = the whole input\n")


def test_only_some_quantities_are_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "vgg16", "conv1_1", "--quantity", "params,macs"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown[-2:]] == ["params", "MACs"]


def test_markdown_has_its_formulas_in_latex(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "alexnet", "conv1", "--format", "markdown"]) == 0
    shown = capsys.readouterr().out
    assert (
        r"| output size | $m = \frac{n - k + 2 \cdot p}{s} + 1 = "
        r"\frac{227 - 11 + 2 \cdot 0}{4} + 1 = 55$ |" in shown
    )
    assert shown.count("$") % 2 == 0


def test_json_has_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "alexnet", "conv1", "--format", "json", "--quantity", "size"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["derivations"] == [
        {
            "quantity": "size",
            "symbol": "m",
            "value": 55,
            "formula": "(n - k + 2*p)/s + 1",
            "with_values": "(227 - 11 + 2*0)/4 + 1",
            "latex": r"\frac{n - k + 2 \cdot p}{s} + 1",
            "note": "",
        }
    ]


def test_a_jump_that_is_a_fraction_is_a_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "up.yaml"
    spec.write_text("name: up\ninput: [3, 8, 8]\nlayers:\n  - upsample: {name: up, factor: 2}\n")
    arguments = ["explain", str(spec), "up", "--quantity", "jump"]
    assert main([*arguments, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["derivations"][0]["value"] == "1/2"
    assert main(arguments) == 0
    assert "j = 1/2\n" in capsys.readouterr().out
    assert main([*arguments, "--format", "markdown"]) == 0
    assert r"$j = \frac{1}{2}$" in capsys.readouterr().out


def test_a_block_is_a_sum(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "resnet50", "layer1"]) == 0
    assert "total                   215,808  667,942,912" in capsys.readouterr().out
    assert main(["explain", "resnet50", "layer1", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["sums"]["params"] == 215_808
    assert record["sums"]["macs"] == sum(part["macs"] for part in record["parts"])
    assert main(["explain", "resnet50", "layer1", "--format", "markdown"]) == 0
    assert "215,808" in capsys.readouterr().out


def test_a_head_for_training_only_is_summed_when_it_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "googlenet", "aux1"]) == 0
    *_, total = capsys.readouterr().out.splitlines()
    assert total.split() == ["total", "3,188,840", "4,169,728", "211,944", "73,632"]
    assert main(["explain", "googlenet", "aux1", "--format", "markdown"]) == 0
    *_, total = capsys.readouterr().out.splitlines()
    assert "| 3,188,840 | 4,169,728 |" in " ".join(total.split())


def test_without_a_layer_the_totals_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "vgg16"]) == 0
    shown = capsys.readouterr().out
    assert "params: 138,357,544, 90% of it in 4 of 39 layers" in shown
    assert "fc6             linear  102,764,544    74.3%       74.3%" in shown
    assert main(["explain", "vgg16", "--format", "json"]) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert [total["quantity"] for total in totals] == ["params", "macs", "activation_bytes"]
    assert main(["explain", "vgg16", "--format", "markdown"]) == 0
    assert "| fc6" in capsys.readouterr().out


def test_one_total_may_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "vgg16", "--quantity", "macs"]) == 0
    output = capsys.readouterr().out
    assert "MACs: 15,470,264,320" in output
    assert "params" not in output


def test_depth_chooses_the_level_of_the_ranking(capsys: pytest.CaptureFixture[str]) -> None:
    for depth, line in (
        ("1", "layer4  stage   14,964,736    58.6%       58.6%"),
        ("2", "layer4.0  unit    6,039,552    23.6%       23.6%"),
        ("all", "layer4.0.conv2         conv    2,359,296     9.2%        9.2%"),
    ):
        assert main(["explain", "resnet50", "--quantity", "params", "--depth", depth]) == 0
        assert line in capsys.readouterr().out
    words = ["explain", "resnet50", "--depth", "2", "--format", "json"]
    assert main(words) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert [total["depth"] for total in totals] == [2, 2, 2]
    assert main(["explain", "vgg16", "--depth", "all", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"][0]["depth"] is None


def test_hostile_names_are_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "hostile.yaml"
    spec.write_text(
        'name: x\ntitle: "*a* <b> | $c$"\ninput: [3, 8, 8]\nlayers:\n  - conv: '
        "{name: a_b_, channels: 4, kernel: 3}\n"
    )
    assert main(["explain", str(spec), "--format", "markdown"]) == 0
    shown = capsys.readouterr().out
    assert "<b>" not in shown
    assert r"\*a\*" in shown
