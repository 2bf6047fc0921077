"""The table in every format: what it shows, and how."""

from __future__ import annotations

import csv
import io

import pytest

from archcalc import Analysis, AnalysisStopped, UsageError, analyze
from archcalc.figures.language import evaluate
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.report import memory_report
from archcalc.render.columns import COLUMNS, DEFAULT_COLUMNS, columns_named, window_text
from archcalc.render.output import part_text, write
from archcalc.render.rows import rows_at_depth
from archcalc.render.table import (
    TableDocument,
    caption,
    field_legend,
    layer_table,
    summary,
    total_label,
)
from tests.spec_texts import HEAD, analysis_of

NET = """\
name: net
title: A net
authors: [A. Person, B. Person, C. Person]
year: 1999
input: [3, 8, 8]
parameters: {classes: 10, alpha: 0.5}
blocks:
  stage:
    layers:
      - conv: {name: conv, channels: 4, kernel: 3, padding: 1}
      - relu: {name: relu}
layers:
  - stage: {name: one}
  - head: {name: aux, training_only: true, layers: [flatten, linear: {name: fc, features: 5}]}
  - max_pool: {name: pool, kernel: 2}
  - flatten: {name: flat}
  - linear: {name: fc, features: classes}
"""
TABLE = """\
layer       kind      output  field  jump  params   MACs  memory
----------  --------  ------  -----  ----  ------  -----  ------
one         stage
  conv      conv       4x8x8      3     1     112  6.91K  1.02KB
  relu      relu       4x8x8      3     1       0      0  1.02KB
aux         head
  flatten1  flatten      256      3     1       0      0  1.02KB
  fc        linear         5    all     -   1.28K  1.28K     20B
pool        max_pool   4x4x4      4     2       0      0    256B
flat        flatten       64      4     2       0      0    256B
fc          linear        10    all     -     650    640     40B
----------  --------  ------  -----  ----  ------  -----  ------
total                                         762  7.55K  2.60KB"""


def partial() -> Analysis:
    """A network that fails midway, up to there."""
    with pytest.raises(AnalysisStopped) as raised:
        analysis_of(HEAD + "  - relu\n  - conv: {channels: 1, kernel: 99}")
    return raised.value.partial


def plain_table(analysis: Analysis, *columns: str, width: int | None = None) -> str:
    rows = rows_at_depth(analysis)
    chosen = columns_named(columns or DEFAULT_COLUMNS)
    return part_text(layer_table(rows, chosen, in_full=False, tree=True), "text", width)


# ----- text -----


def test_the_text_table_is_a_tree_with_a_total_below() -> None:
    # Totals leave the head out, which exists in training only.
    assert plain_table(analysis_of(NET)) == TABLE


def test_exact_figures_have_all_their_digits() -> None:
    analysis = analyze("vgg16")
    document = TableDocument(analysis, columns=["name", "params"], in_full=True)
    lines = [line.split() for line in write(document, "text").splitlines()]
    assert ["total", "138,357,544"] in lines


@pytest.mark.parametrize("width", [70, 80])
def test_a_terminal_narrows_the_words_and_never_the_figures(width: int) -> None:
    text = "name: t\ninput: [3, 8, 8]\nlayers:\n"
    text += "  - local_response_norm: {name: a_layer_with_a_name_of_more_than_forty_letters}\n"
    lines = plain_table(analysis_of(text), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert "…" in lines[2]
    assert "768B" in lines[2]


@pytest.mark.parametrize("name", ["vgg16", "resnet152", "googlenet", "mobilenet_v1"])
def test_the_default_table_fits_80_columns(name: str) -> None:
    analysis = analyze(name)
    lines = plain_table(analysis, width=80).splitlines()
    assert max(map(len, lines)) <= 80


def test_the_caption_says_what_the_figures_hold_for() -> None:
    assert caption(analysis_of(NET)) == [
        "net: A net, A. Person et al., 1999",
        "input 3x8x8, batch 1, float32; MACs: multiply-accumulates; MB: 10^6 bytes",
    ]
    changed = analyze(analysis_of(NET).graph, batch=32, dtype="float16", classes=7)
    assert caption(changed)[0] == "net (classes=7)"
    assert caption(changed)[1].startswith("input 3x8x8, batch 32, float16; MACs: ")


def test_a_network_without_a_title_is_called_by_its_name() -> None:
    assert caption(analysis_of("  - relu"))[0] == "tiny"


def test_the_summary_gives_every_total_its_name() -> None:
    # lecture: input 768 + conv 1024 + pool 256 + fc 40; all: 1024 + 1024 + 256 + 256 + 40; peak:
    # relu's input and output; training: conv's input 768, relu 1024, which the pool needs, too,
    # its indices 64 x 8 = 512, and the pool's output, which fc needs, 256.
    assert summary(analysis_of(NET), in_full=True) == [
        "params       762 = 748 weights + 14 biases, 3,048",
        "buffers      0",
        "MACs         7,552",
        "FLOPs        15,104 = 2 x MACs; other ops 714",
        "activations  lecture 2,088, all 2,600, peak 2,048, training 2,560",
        "             lecture: the input and outputs of conv, pool and linear layers",
        "most memory  one.conv, 1,024 (39%); most params fc, 650 (85%)",
        "not in these totals, for training only: params 1,285, MACs 1,280, activations 1,044",
    ]


def test_a_network_without_parameters_has_a_summary_too() -> None:
    lines = summary(analysis_of("  - relu"), in_full=False)
    assert lines[0] == "params       0 = 0 weights + 0 biases, 0B"
    assert lines[-1].endswith("most params relu1, 0 (0%)")


def test_what_a_partial_table_sums_is_no_total() -> None:
    assert total_label(partial()) == "up to here"
    assert total_label(analysis_of(NET)) == "total"


# ----- columns -----


def test_every_column_of_the_contract_can_be_shown() -> None:
    analysis = analysis_of(NET)
    for column in COLUMNS:
        lines = plain_table(analysis, column.name).splitlines()
        assert lines[0].strip() == column.heading
        assert "None" not in "\n".join(lines)


def test_columns_stand_in_the_order_that_is_asked_for() -> None:
    heading = plain_table(analysis_of(NET), "macs", "name", "macs").splitlines()[0]
    assert heading.split() == ["MACs", "layer", "MACs"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("param", "unknown column 'param'; did you mean 'params'?"),
        ("", "unknown column ''; known: name, kind, inputs, window, output, receptive_field, "),
    ],
)
def test_an_unknown_column_is_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        columns_named([name])
    assert str(raised.value).startswith(message)


def test_a_folded_block_shows_what_enters_it_and_what_leaves_it() -> None:
    row = rows_at_depth(analyze("resnet18"), 1)[4]
    shown = {column.name: column.value(row) for column in COLUMNS}
    assert (shown["name"], shown["kind"], shown["inputs"]) == ("layer1", "stage", ["maxpool"])
    assert shown["output"] == (64, 56, 56)
    # Four 3x3 convolutions of 64 x 64 x 9 weights, and as many norms of 2 x 64.
    assert shown["params"] == 4 * 36_864 + 4 * 128
    # Four convolutions after the stem's 11 and jump of 4: 11 + 4 x 2 x 4.
    assert shown["receptive_field"] == (43, 43)
    assert shown["window"] is None


@pytest.mark.parametrize(
    ("layer", "shown"),
    [
        ("conv: {channels: 1, kernel: 7, stride: 2, padding: 3}", "7x7/2 p3"),
        ("conv: {channels: 1, kernel: 3}", "3x3"),
        ("conv: {channels: 1, kernel: [1, 7], padding: [0, 3]}", "1x7 p0x3"),
        ("conv: {channels: 1, kernel: 2, padding: [[0, 1], 1]}", "2x2 p(0,1)x1"),
        ("conv: {channels: 1, kernel: 3, dilation: 2}", "3x3 d2"),
        ("max_pool: {kernel: 3, stride: 2, padding: same}", "3x3/2 p(0,1)"),
        ("conv_transpose: {channels: 1, kernel: 4, stride: 2, padding: 1}", "4x4/2 p1"),
        ("conv_transpose: {channels: 1, kernel: 3, stride: 2, padding: same}", "3x3/2 p(0,1)"),
        ("upsample: {factor: 2}", "x2"),
        ("upsample: {factor: [1, 2], mode: bilinear}", "x1x2"),
        ("pixel_shuffle: {factor: 1}", "x1"),
        ("pixel_unshuffle: {factor: 2}", "2x2/2"),
        ("upsample: {factor: 0.5}", "x1/2"),
        ("scale: {factor: 0.5}", ""),
        ("relu", ""),
        ("linear: {features: 3}", ""),
    ],
)
def test_a_window_is_shown_in_short(layer: str, shown: str) -> None:
    assert window_text(analysis_of(f"  - {layer}").layers[0]) == shown


# ----- other formats -----


def test_csv_has_plain_numbers_under_the_names_of_the_contract() -> None:
    analysis = analysis_of(NET)
    text = write(TableDocument(analysis), "csv")
    conv, *_, fc = csv.DictReader(io.StringIO(text))
    assert conv["name"] == "one.conv"
    assert (conv["output"], conv["receptive_field"], conv["offset"]) == ("4x8x8", "3x3", "-1x-1")
    assert (conv["macs"], conv["activation_bytes"]) == ("6912", "1024")
    assert (fc["receptive_field"], fc["jump"], fc["inputs"]) == ("all", "", "flat")


def test_csv_lists_several_inputs_with_spaces() -> None:
    analysis = analysis_of("  - add: [[relu], [tanh]]")
    text = write(TableDocument(analysis), "csv")
    assert list(csv.DictReader(io.StringIO(text)))[-1]["inputs"] == "relu1 tanh1"


def test_markdown_has_whole_names_and_says_what_its_total_holds_for() -> None:
    analysis = analysis_of(NET)
    document = TableDocument(analysis, columns=["name", "params"], depth=1000, in_full=True)
    lines = write(document, "markdown").splitlines()
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["one.conv", "112"]
    assert [cell.strip() for cell in lines[-1].strip("|").split("|")] == [
        "total (input 3x8x8, batch 1, float32)",
        "762",
    ]
    assert lines[1].endswith("-:|")


GATED = """\
  - conv: {channels: 4, kernel: 3, padding: 1}
  - multiply: [[], [global_avg_pool, {conv: {channels: 4, kernel: 1}}, sigmoid]]
  - conv_transpose: {channels: 4, kernel: 1, stride: 2, padding: 1, output_padding: 1}
"""


def test_the_field_without_gates_stands_in_parentheses_and_is_explained() -> None:
    analysis = analysis_of(GATED)
    rows, columns = rows_at_depth(analysis), columns_named(["name", "receptive_field", "offset"])
    lines = part_text(layer_table(rows, columns, in_full=False, tree=True), "text").splitlines()
    assert [" ".join(line.split()) for line in lines[2:8]] == [
        "conv1 3 -1",
        "global_avg_pool1 all -",
        "conv2 all -",
        "sigmoid1 all -",
        "multiply1 all (3) -1",
        "conv_transpose1 all (3) nothing",
    ]
    (legend,) = field_legend(rows, columns)
    assert "by convolutions and pools alone" in legend
    assert not field_legend(rows[:4], columns)
    assert not field_legend(rows, columns_named(["name", "local_receptive_field"]))


def test_a_field_without_one_interval_is_explained() -> None:
    text = "  - add: [[crop: {sides: [[0, 4], [0, 4]]}], [max_pool: {kernel: 2}]]\n"
    rows = rows_at_depth(analysis_of(text))
    (legend,) = field_legend(rows, columns_named(["name", "receptive_field"]))
    assert "no one interval" in legend
    assert not field_legend(rows, columns_named(["name", "jump"]))


def test_machines_get_each_field_in_a_column_of_its_own() -> None:
    analysis = analysis_of(GATED)
    columns = ["name", "receptive_field", "local_receptive_field", "offset"]
    text = write(TableDocument(analysis, columns=columns), "csv")
    table = list(csv.DictReader(io.StringIO(text)))
    gated, up = table[4:6]
    assert (gated["receptive_field"], gated["local_receptive_field"]) == ("all", "3x3")
    assert up["offset"] == "nothing"


def test_the_peak_of_a_training_step_is_a_column_on_request() -> None:
    analysis = analysis_of(NET)
    assert "training_peak" not in {column.name for column in COLUMNS}
    document = TableDocument(analysis, columns=["name", "training_peak"], in_full=True)
    report = memory_report(analysis, TrainingOptions())
    most, peak = report.most_alive, report.training.peak.bytes
    for layer, (name, found, _) in zip(analysis.layers, document.data().rows, strict=True):
        ways = [(layer.name, way) for way in Direction if (layer.name, way) in most]
        assert (name, found) == (layer.name, max([most[way] for way in ways]))
    lines = write(document, "text").splitlines()
    assert [line.split() for line in lines if line.startswith("total")] == [["total", f"{peak:,}"]]
    unfinished = TableDocument(partial(), columns=["name", "training_peak"])
    assert "?" in write(unfinished, "text")
    assert evaluate("training_peak", analysis) == peak
