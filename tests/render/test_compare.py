"""Networks side by side, as tables and JSON."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction

import pytest

from archcalc import analyze, symbol
from archcalc.comparing.compare import Contrast, contrast
from archcalc.render.compare import CompareDocument, ratio_text
from archcalc.render.output import FORMS, write
from tests.spec_texts import analysis_of


@pytest.fixture(scope="module")
def pair() -> Contrast:
    return contrast([analyze("vgg16"), analyze("resnet50")])


def test_the_text_shows_totals_and_stages_with_ratios(pair: Contrast) -> None:
    shown = write(CompareDocument(pair), "text")
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0].startswith("vgg16: VGG-16 (configuration D)")
    assert "batch 1, float32; MB: 10^6 bytes vgg16 resnet50 ratio" in lines
    # 25,557,032 / 138,357,544 = 0.1847
    assert "params 138.36M 25.56M 0.185x" in lines
    assert "weight layers 16 50 3.12x" in lines
    assert "receptive field 212 427 2.01x" in lines
    assert "/1 map 224x224 -" in lines
    assert "/2 map 112x112 112x112" in lines
    assert "MACs 1.94G -" in lines


def test_all_digits_are_shown_on_request(pair: Contrast) -> None:
    assert "138,357,544" in write(CompareDocument(pair, in_full=True), "text")


def test_all_inputs_are_shown_where_a_network_has_several() -> None:
    found = contrast([analyze("t5_small"), analyze("gpt2"), analyze("clip_vit_b_32")])
    lines = [" ".join(line.split()) for line in write(CompareDocument(found), "text").splitlines()]
    at = lines.index("input input_ids 512 - -")
    assert lines[at + 1 : at + 5] == [
        "input decoder_input_ids 512 - -",
        "input - 1024 -",
        "input image - - 3x224x224",
        "input text - - 77",
    ]
    rows = list(csv.reader(io.StringIO(write(CompareDocument(found), "csv"))))
    assert ["", "input decoder_input_ids", "512", "", "", "", ""] in rows
    (first, *_) = json.loads(write(CompareDocument(found), "json"))["networks"]
    assert first["totals"]["input"] == [512]
    assert [*first["inputs"]] == ["input_ids", "decoder_input_ids"]


def test_csv_has_the_numbers_in_full(pair: Contrast) -> None:
    rows = list(csv.reader(io.StringIO(write(CompareDocument(pair), "csv"))))
    assert rows[0] == ["stage", "figure", "vgg16", "resnet50", "resnet50 ratio"]
    assert ["", "params", "138357544", "25557032", "0.184717"] in rows
    assert ["/1", "layers", "4", "", ""] in rows
    assert {len(row) for row in rows} == {5}


def test_json_has_each_network_with_its_stages(pair: Contrast) -> None:
    vgg, resnet = json.loads(write(CompareDocument(pair), "json"))["networks"]
    assert vgg["totals"]["params"] == 138357544
    assert "ratios" not in vgg
    assert resnet["ratios"]["params"] == pytest.approx(0.184717)
    assert resnet["totals"]["receptive_field"] == [427, 427]
    assert "/1" in vgg["stages"]
    assert "/1" not in resnet["stages"]
    assert resnet["stages"]["/32"]["sizes"] == [7, 7]


def test_the_stages_of_the_record_add_up(pair: Contrast) -> None:
    networks = CompareDocument(pair).record()["networks"]
    assert isinstance(networks, list)
    for network in networks:
        stages = network["stages"].values()
        assert sum(stage["macs"] for stage in stages) == network["totals"]["macs"]


@pytest.mark.parametrize("form", FORMS[:-1])
def test_every_format_shows_totals_and_stages(pair: Contrast, form: str) -> None:
    shown = write(CompareDocument(pair), form)
    assert ("138357544" if form in ("csv", "tsv", "json") else "138.36M") in shown
    assert "112" in shown


def test_three_networks_have_two_ratios_to_the_first() -> None:
    found = contrast([analyze(name) for name in ("resnet50", "resnet101", "resnet152")])
    header = write(CompareDocument(found), "csv").splitlines()[0]
    assert header == ("stage,figure,resnet50,resnet101,resnet101 ratio,resnet152,resnet152 ratio")


def test_symbolic_figures_are_shown_without_ratios() -> None:
    sides = 32 * symbol("h"), 32 * symbol("w")
    found = contrast([analyze("vgg16", input=[3, 64, 64]), analyze("vgg16", input=[3, *sides])])
    macs = next(
        line for line in write(CompareDocument(found), "text").splitlines() if "MACs" in line
    )
    assert "*h*w" in macs
    assert not macs.endswith("x")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (Fraction(1), "1x"),
        (Fraction(1, 3), "0.333x"),
        (Fraction(1234), "1,234x"),
        (Fraction(9999, 100), "100x"),
    ],
)
def test_ratios_are_shown_to_three_digits(value: Fraction | None, text: str) -> None:
    assert ratio_text(value) == text


def test_the_local_field_has_a_line_where_gates_or_norms_hide_it(pair: Contrast) -> None:
    assert "local receptive field" not in write(CompareDocument(pair), "text")
    text = """\
name: normed
input: [3, 32, 32]
layers:
  - conv: {channels: 4, kernel: 3}
  - group_norm: {groups: 2}
  - conv: {channels: 4, kernel: 3}
"""
    hidden = contrast([analyze("vgg16"), analysis_of(text)])
    lines = [" ".join(line.split()) for line in write(CompareDocument(hidden), "text").splitlines()]
    assert "receptive field 212 all" in lines
    assert "local receptive field 212 5 0.0236x" in lines
    assert any("without gates and norms" in line for line in lines)
    for found in (pair, hidden):  # machines get both, always
        (_, second) = json.loads(write(CompareDocument(found), "json"))["networks"]
        assert "local_receptive_field" in second["totals"]
        assert ",local_receptive_field," in write(CompareDocument(found), "csv")
