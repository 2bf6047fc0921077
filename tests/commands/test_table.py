"""`archcalc table`, as a user calls it."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path

import pytest

from archcalc import analyze
from archcalc.render.columns import COLUMNS, columns_named
from tests.commands.calling import assert_refused, called

pytestmark = pytest.mark.usefixtures("own_folder")

REFUSAL = (
    "archcalc: last (conv channels=4 kernel=99) on 4x6x6, broken.yaml:6:5: "
    "a window of 99 does not fit in 6\n"
)


def test_table_shows_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "table", "vgg16")
    assert (status, err) == (0, "")
    assert out.startswith(
        "vgg16: VGG-16 (configuration D), Karen Simonyan, Andrew Zisserman, 2014\n"
    )
    assert "input 3x224x224, batch 1, float32; MACs: multiply-accumulates; MB: 10^6 bytes" in out
    assert "params       138,357,544 = 138,344,128 weights + 13,416 biases, 553.43MB\n" in out
    assert "MACs         15,470,264,320\n" in out


def test_table_shows_a_users_file(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "table", "tiny.yaml", "--exact", "--columns", "name,params")
    assert status == 0
    assert out.split("\n\n")[1].splitlines() == [
        "layer  params",
        "-----  ------",
        "conv1     112",
        "relu1       0",
        "-----  ------",
        "total     112",
    ]


def test_depth_folds_and_unfolds(capsys: pytest.CaptureFixture[str]) -> None:
    _, folded, _ = called(capsys, "table", "resnet50", "--depth", "1")
    _, unfolded, _ = called(capsys, "table", "resnet50", "--depth", "all")
    count = len(analyze("resnet50").layers)
    assert f"{count} layers, folded; --depth all shows each" in folded
    assert "folded" not in unfolded
    assert len(unfolded.splitlines()) > count > len(folded.splitlines())


# ----- in another order -----


def rows_of(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


@pytest.mark.parametrize("column", ["macs", "MACs", "params", "memory", "field", "local field"])
def test_rows_are_sorted_the_largest_first(column: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "table", "resnet18", "--sort", column, "--format", "csv")
    _, plain, _ = called(capsys, "table", "resnet18", "--format", "csv")
    key = columns_named([column])[0].name
    shown = [row[key].split("x")[0] for row in rows_of(out)]
    assert shown == sorted(shown, key=lambda text: -float(text.replace("all", "inf")))
    assert {row["name"] for row in rows_of(out)} == {row["name"] for row in rows_of(plain)}


def test_the_largest_few_stand_above_the_total_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "table", "resnet50", "--top", "2", "--columns", "layer,MACs")
    assert status == 0
    assert out.split("\n\n")[1:] == [
        "layer              MACs\n--------------  -------\nconv1           118.01M\n"
        "layer1.0.conv2  115.61M\n--------------  -------\ntotal             4.09G",
        "the first 2; the total is of all 175 layers\n",
    ]
    _, out, _ = called(capsys, "table", "resnet50", "--sort", "params", "--depth", "1")
    rows = out.split("\n\n")[1].splitlines()[2:-2]
    assert [row.split()[0] for row in rows[:3]] == ["layer4", "layer3", "fc"]


def test_kinds_have_the_sums_of_their_layers(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "table", "googlenet", "--by", "kind", "--format", "csv")
    layers = analyze("googlenet").inference_layers
    shown = rows_of(out)
    assert [row["kind"] for row in shown][:2] == ["conv", "linear"]
    for row in shown:
        of_kind = [layer for layer in layers if layer.kind == row["kind"]]
        assert int(row["macs"]) == sum(layer.macs for layer in of_kind)
        assert int(row["params"]) == sum(layer.params for layer in of_kind)
    _, text, _ = called(capsys, "table", "googlenet", "--by", "kind")
    assert "\nconv " in text


def test_shapes_that_come_in_are_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--columns", "name,input_shapes,output", "--depth", "1", "--format", "csv"]
    _, out, _ = called(capsys, "table", "resnet18", *words)
    rows = rows_of(out)
    assert rows[0]["input_shapes"] == "3x224x224"
    assert all(a["output"] == b["input_shapes"] for a, b in itertools.pairwise(rows))
    _, heading, _ = called(capsys, "table", "resnet18", "--columns", "input")
    assert heading.split("\n\n")[1].split()[0] == "input"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--sort mac", "unknown column 'mac'; did you mean 'macs'?"),
        ("--by kind --columns kind,field", "--columns: field has no sum over layers of a kind"),
        ("--top 3 --format json", "--top: JSON has every layer, in order"),
        ("--sort macs --input 3xHxW", "--sort: MACs has free sizes, which have no order"),
        ("--by stage", "argument --by: invalid choice: 'stage' (choose from"),
    ],
)
def test_an_order_that_there_is_not_is_refused(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(called(capsys, "table", "resnet18", *words.split()), message)


# ----- formats -----


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html"])
def test_every_format_shows_every_layer(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "table", "lenet5", "--format", form)
    assert (status, err) == (0, "")
    for figure in ("C1", "C3", "F6", "61.71K", "416.52K", "120x1x1"):
        assert figure in out


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "table", "lenet5", "--format", "json")
    table = json.loads(out)
    assert table["totals"]["params"] == 61_706
    assert [layer["name"] for layer in table["layers"]][:3] == ["C1", "tanh1", "S2"]


def test_csv_is_one_line_for_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "table", "lenet5", "--format", "csv")
    records = list(csv.DictReader(io.StringIO(out)))
    assert list(records[0]) == [*(column.name for column in COLUMNS), "network"]
    assert sum(int(record["params"]) for record in records) == 61_706
    _, out, _ = called(capsys, "table", "resnet18", "--format", "csv", "--columns", "name,params")
    assert out.splitlines()[:2] == ["name,params,network", "conv1,9408,resnet18"]


# ----- not all or nothing -----


def test_a_network_that_fails_midway_is_shown_up_to_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = called(capsys, "table", "broken.yaml")
    assert (status, err) == (2, REFUSAL)
    *_, relu, rule, sums = out.splitlines()
    assert relu.split()[:3] == ["relu1", "relu", "4x6x6"]
    assert set(rule) == {"-", " "}
    assert sums.split()[:3] == ["up", "to", "here"]
    assert "MACs  " not in out.partition("up to here")[2]


def test_a_partial_table_in_json_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "table", "broken.yaml", "--format", "json")
    assert (status, err) == (2, REFUSAL)
    table = json.loads(out)
    assert [layer["name"] for layer in table["layers"]] == ["conv1", "relu1"]
    assert table["totals"] is None
    assert f"archcalc: {table['error']}\n" == REFUSAL


@pytest.mark.parametrize("form", ["csv", "markdown", "html", "latex"])
def test_a_partial_table_comes_in_every_format(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = called(capsys, "table", "broken.yaml", "--format", form)
    assert (status, err) == (2, REFUSAL)
    assert "conv1" in out
    assert "last" not in out


# ----- what is wrong -----


WRONG: dict[str, tuple[list[str], str]] = {
    "an unknown column": (
        ["table", "vgg16", "--columns", "name,flop"],
        "unknown column 'flop'; did you mean 'flops'?",
    ),
    "a depth of nothing": (
        ["table", "vgg16", "--depth", "0"],
        "expected a whole number, at least 1",
    ),
    "a depth in words": (
        ["table", "vgg16", "--depth", "deep"],
        "expected a whole number, at least 1",
    ),
    "an unknown format": (
        ["table", "vgg16", "--format", "markdwon"],
        "unknown format 'markdwon'; did you mean 'markdown'?",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_one_message_and_status_2(
    mistake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = WRONG[mistake]
    assert_refused(called(capsys, *words), message)


def test_of_a_first_layer_that_fails_there_is_no_empty_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "first.yaml"
    path.write_text("{name: first, input: [3, 8, 8], layers: [conv: {channels: 4, kernel: 99}]}")
    status, out, err = called(capsys, "table", str(path))
    assert status == 2
    assert out.splitlines()[-1].startswith("input 3x8x8, batch 1")
    assert "a window of 99 does not fit in 8" in err
