"""Every network of every spec: it loads, it walks, its figures add up, and it round-trips."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from archcalc import Analysis, SpecError, activation_bytes, analyze
from archcalc.errors import Source
from archcalc.expansion import build_graph
from archcalc.noticing import notes_on
from archcalc.render.columns import COLUMNS
from archcalc.render.contract import contract_schema, to_contract, to_json
from archcalc.render.output import write
from archcalc.render.rows import rows_at_depth
from archcalc.render.spec_text import spec_text
from archcalc.render.table import TableDocument
from archcalc.render.text_columns import shown_width
from archcalc.spec.files import spec_sources
from archcalc.spec.library import network_names
from archcalc.spec.parser import parse_family
from archcalc.spec.schema import spec_schema
from tests.networks import LARGE, analyzed
from tests.spec_texts import family_of

NAMES = network_names()
SOURCES = {source.name: source for source in spec_sources()}
SUMMED = [column.name for column in COLUMNS if column.summed]

CONTRACT = Draft202012Validator(contract_schema())
SPEC = Draft202012Validator(spec_schema())


def test_there_are_specs() -> None:
    assert len(NAMES) > 20
    assert len(SOURCES) > 5


@pytest.mark.parametrize("name", NAMES)
def test_a_network_loads_and_walks(name: str) -> None:
    analysis = analyzed(name)
    assert analysis.error is None
    assert analysis.layers
    assert analysis.graph.network.about.title
    assert (len(analysis.layers) > 1000) == (name in LARGE)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_as_it_is_meant_to_be(name: str) -> None:
    analysis = analyzed(name)
    assert notes_on(analysis.graph, analysis) == []


@pytest.mark.parametrize("name", NAMES)
def test_totals_are_the_sums_of_the_rows(name: str) -> None:
    analysis = analyzed(name)
    check_sums(analysis, write(TableDocument(analysis), "csv"))


def check_sums(analysis: Analysis, rows: str) -> None:
    """The columns of a CSV, summed, against the totals."""
    records = list(csv.DictReader(io.StringIO(rows)))
    for training_only, totals in (
        ("False", analysis.totals),
        ("True", analysis.training_only_totals),
    ):
        mine = [record for record in records if record["training_only"] == training_only]
        sums = {name: sum(int(record[name]) for record in mine) for name in SUMMED}
        for name in ("params", "weights", "biases", "buffers", "macs", "flops", "other_ops"):
            assert sums[name] == getattr(totals, name)
        assert sums["params"] == sums["weights"] + sums["biases"]
        assert sums["flops"] == 2 * sums["macs"]
        if training_only == "False":
            assert sums["activation_bytes"] == activation_bytes(analysis).all


@pytest.mark.parametrize("name", NAMES)
def test_folded_rows_sum_to_the_same(name: str) -> None:
    analysis = analyzed(name)
    for depth in (1, 2):
        rows = rows_at_depth(analysis, depth)
        layers = [layer.name for row in rows for layer in row.layers]
        assert layers == [layer.name for layer in analysis.layers]


@pytest.mark.parametrize("name", NAMES)
def test_its_table_fits_80_columns(name: str) -> None:
    shown = write(TableDocument(analyzed(name)), "text", 80)
    assert max(map(shown_width, shown.splitlines())) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_the_json_is_as_the_contract_says(name: str) -> None:
    contract = json.loads(to_json(analyzed(name)))
    assert contract == to_contract(analyzed(name))
    contract["layers"] = contract["layers"][:200]  # what follows repeats what was before
    check_contract(contract)


def check_contract(contract: Any) -> None:
    errors = [f"{list(error.path)}: {error.message}" for error in CONTRACT.iter_errors(contract)]
    assert not errors


@pytest.mark.parametrize("file", SOURCES)
def test_a_spec_is_as_the_schema_says(file: str) -> None:
    # YAML 1.1 reads a spec as the language does: what differs is refused by the loader.
    check_spec(yaml.safe_load(SOURCES[file].text))


def check_spec(tree: Any) -> None:
    errors = [f"{list(error.path)}: {error.message[:200]}" for error in SPEC.iter_errors(tree)]
    assert not errors


@pytest.mark.parametrize(
    "fields", ["out_channels: 8, kernel_size: 3", "channels: 8, kernel_size: 3"]
)
def test_the_schema_takes_names_of_torch_as_the_language_does(fields: str) -> None:
    text = f"name: net\ninput: [3, 9, 9]\nlayers: [conv: {{{fields}}}]\n"
    check_spec(yaml.safe_load(text))
    assert analyze(text).params == 8 * 3 * 9 + 8
    without = text.replace("kernel_size: 3", "")
    assert not SPEC.is_valid(yaml.safe_load(without))
    with pytest.raises(SpecError, match="kernel"):
        analyze(without)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_written_out_has_the_same_figures(name: str) -> None:
    analysis = analyzed(name)
    text = spec_text(analysis.graph)
    (network,) = parse_family(Source(f"{name}.yaml", text)).networks.values()
    check_same(analysis, analyze(build_graph(network)))


def check_same(analysis: Analysis, again: Analysis) -> None:
    assert again.name == analysis.name
    assert again.input == analysis.input
    assert again.graph.network.about == analysis.graph.network.about
    assert [x.record() for x in again.layers] == [x.record() for x in analysis.layers]
    assert again.totals == analysis.totals
    assert activation_bytes(again) == activation_bytes(analysis)


def test_specs_are_read_from_files_beside_the_package() -> None:
    folder = Path(__file__).parent.parent / "specs"
    assert sorted(SOURCES) == sorted(f"specs/{path.name}" for path in folder.glob("*.yaml"))


# ----- and each of these checks can fail -----


def test_a_wrong_total_would_be_seen() -> None:
    analysis = analyzed("lenet5")
    rows = write(TableDocument(analysis), "csv")
    check_sums(analysis, rows)
    with pytest.raises(AssertionError):
        check_sums(analysis, rows.replace(",156,", ",157,"))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("layers", 0, "output"), "6x28x28"),
        (("layers", 0, "params"), 156.0 + 0.5),
        (("layers", 0, "jump"), [0.5, 1]),
        (("layers", 0, "receptive_field"), 5),
        (("layers", 0, "inputs"), ["input", 1]),
        (("layers", 0, "surprise"), 1),
        (("totals", "params"), -1),
        (("totals", "activation_bytes"), {}),
        (("dtype",), "float8"),
        (("batch",), 0),
    ],
)
def test_json_that_breaks_the_contract_would_be_seen(where: tuple[Any, ...], value: object) -> None:
    contract = json.loads(to_json(analyzed("lenet5")))
    at = contract
    for key in where[:-1]:
        at = at[key]
    at[where[-1]] = value
    with pytest.raises(AssertionError):
        check_contract(contract)


@pytest.mark.parametrize(
    "text",
    [
        "name: t\nlayers: [{conv: {channels: 1}}]",
        "name: t\nlayers: [{conv: {channels: 1, kernel: 1, kernle: 1}}]",
        "name: t\nlayers: [{conv: {channels: [1], kernel: 1}}]",
        "name: t\nlayers: [{relu: {indices: p}}]",
        "name: t\nlayers: [{add: {kernel: 1}}]",
        "name: t\nlayers: [{repeat: 2}]",
        "name: t\nlayers: [{if: a, than: []}]",
        "name: t\nlayers: [{head: {}}]",
        "name: t\nlayers: [[relu]]",
        "name: t\nlayers: [3]",
        "name: t\ninput: 3",
        "name: t\ninput: [0]",
        "name: t\nblocks: {b: {}}",
        "name: t\nlayer: []",
        "layers: []",
        "[]",
    ],
)
def test_a_spec_that_the_schema_should_refuse_is_refused(text: str) -> None:
    with pytest.raises(AssertionError):
        check_spec(yaml.safe_load(text))


def test_another_network_would_not_be_the_same() -> None:
    with pytest.raises(AssertionError):
        check_same(analyzed("vgg16"), analyzed("vgg19"))


# ----- what a round trip has to keep -----

KEPT = {
    "names that YAML reads as something else": """\
  - relu: {name: "yes"}
  - relu: {name: "null"}
  - relu: {name: "10"}
  - relu: {name: "1.5"}
  - relu: {name: "0.add"}
  - relu: {name: "2015-12-10", from: "yes"}
  - add: {from: ["10", "null"]}
""",
    "fields of all types": """\
  - conv: {channels: 4, kernel: [3, 1], padding: [[1, 0], 0], bias: false, dilation: [1, 2]}
  - layer_norm: {over: channels, eps: 1.0e-7}
  - upsample: {factor: [1, 2], mode: bilinear}
  - local_response_norm: {alpha: 1.0e-99, beta: 3}
  - max_pool: {kernel: 2, padding: same, ceil: false}
  - adaptive_avg_pool: {output: [2, 3]}
  - reshape: {shape: [4, 6]}
""",
    "joins of every form": """\
  - add: [[]]
  - concat: [[relu], [], [tanh]]
  - multiply: {from: [input, input]}
""",
    "shared weights and indices": """\
  - conv: {name: a, channels: 3, kernel: 1}
  - max_pool: {name: p, kernel: 2}
  - conv: {weights: a, channels: 3, kernel: 1}
  - max_unpool: {kernel: 2, indices: p}
""",
    "heads within heads": """\
  - relu: {name: a}
  - head:
      name: h
      training_only: false
      layers: [tanh, head: {name: g, layers: [elu, elu]}, gelu, add: [[relu], []]]
  - sigmoid
""",
    "heads": """\
  - relu: {name: a}
  - head: {name: h, layers: [tanh, conv: {channels: 1, kernel: 1, from: a}]}
  - head: {name: g, training_only: false, layers: [elu]}
  - sigmoid
""",
}


@pytest.mark.parametrize("case", KEPT)
def test_a_round_trip_keeps(case: str) -> None:
    text = f"name: t\ninput: [3, 8, 8]\nlayers:\n{KEPT[case]}"
    (network,) = family_of(text).networks.values()
    analysis = analyze(build_graph(network))
    written = spec_text(analysis.graph)
    (again,) = family_of(written).networks.values()
    check_same(analysis, analyze(build_graph(again)))
    assert build_graph(again).outputs == analysis.graph.outputs
    check_spec(yaml.safe_load(text))
    check_spec(yaml.safe_load(written))


@pytest.mark.parametrize("name", ["lenet5_1998", "googlenet", "mobilenet_v1", "resnet18_a"])
def test_a_network_written_out_is_as_the_schema_says(name: str) -> None:
    check_spec(yaml.safe_load(spec_text(analyzed(name).graph)))
