"""Each figure is said once, and all that shows, sums or names figures has those, and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterable

import pytest

from archcalc import Analysis, analyze
from archcalc.commands.formula import DEFAULT_QUANTITIES
from archcalc.comparing.diff import FIGURES
from archcalc.comparing.key_figures import KEY_FIGURES
from archcalc.explaining.layers import QUANTITIES as EXPLAINED
from archcalc.explaining.totals import TOTALS
from archcalc.figures.figure import Figure, Figures, Unit
from archcalc.figures.language import evaluate
from archcalc.figures.of_layer import OF_LAYER, SUMMED, LayerAnalysis
from archcalc.figures.of_network import OF_NETWORK
from archcalc.memory_use.totals import DEFINITIONS, activation_bytes
from archcalc.parametric.scale import QUANTITIES as SCALED
from archcalc.record import as_dict
from archcalc.render.change_lines import COUNTS
from archcalc.render.columns import COLUMNS, DEFAULT_COLUMNS
from archcalc.render.compare_plot import _PANELS
from archcalc.render.contract import contract_schema, to_contract
from archcalc.render.scale_plot import DRAWN
from archcalc.render.stage_plot import MEASURES
from archcalc.spec.values import ExpressionError
from tests.spec_texts import analysis_of

OF_GENERATING = ("kv_cache_bytes", "token_macs")

LISTED = [key for key, figure in OF_LAYER.items() if figure.in_tables]


@pytest.fixture(scope="module")
def vgg16() -> Analysis:
    return analyze("vgg16")


def test_records_schema_and_columns_have_the_figures_of_a_layer(vgg16: Analysis) -> None:
    schema = contract_schema()["$defs"]["layer"]
    assert list(vgg16.layers[0].record()) == LISTED
    assert schema["required"] == [*schema["properties"]] == LISTED
    assert {column.name for column in COLUMNS} == {*LISTED, "window"}


def test_totals_and_their_schema_have_all_that_is_summed(vgg16: Analysis) -> None:
    totals = contract_schema()["$defs"]["totals"]
    assert list(as_dict(vgg16.totals)) == list(SUMMED) == totals["required"]
    assert to_contract(vgg16)["totals"].keys() == set(SUMMED)
    memory = totals["properties"]["activation_bytes"]
    assert memory["required"] == list(DEFINITIONS)


@pytest.mark.parametrize("key", SUMMED)
def test_a_total_is_the_sum_over_the_layers(key: str) -> None:
    analysis = analyze("googlenet", batch=3)
    assert getattr(analysis.totals, key) == SUMMED[key].total(analysis.inference_layers)


def unentered(kind: type, figures: Figures) -> set[str]:
    """The properties of a class that are no figures."""
    return {n for n, value in vars(kind).items() if isinstance(value, property)} - set(figures)


# Tensors, which no cell can hold; a part of what `trainable_params` says; bytes of a step.
NO_FIGURES = {"parameters", "own_state", "learns", "unit_axes"}


def test_each_property_of_a_layer_is_a_figure() -> None:
    assert unentered(LayerAnalysis, OF_LAYER) == NO_FIGURES


def test_a_property_that_is_no_figure_would_be_seen() -> None:
    without = Figures(OF_LAYER)
    del without["jump"]
    assert unentered(LayerAnalysis, without) == {*NO_FIGURES, "jump"}


@pytest.mark.parametrize("figure", [*OF_LAYER.values(), *OF_NETWORK.values()], ids=lambda f: f.key)
def test_a_figure_says_what_it_is_in_one_line(figure: Figure) -> None:
    assert figure.meaning.endswith(".")
    assert len(figure.meaning) < 100
    assert figure.heading
    assert figure.short


SELECTED: dict[str, tuple[Iterable[str], Collection[str]]] = {
    "columns of a table": (DEFAULT_COLUMNS, OF_LAYER),
    "compared networks": (KEY_FIGURES, OF_NETWORK),
    "compared layers": (FIGURES, OF_LAYER),
    "lines of a difference": (COUNTS, FIGURES),
    "formulas": (DEFAULT_QUANTITIES, OF_NETWORK),
    "totals explained": (TOTALS, SUMMED),
    "layers explained": (EXPLAINED, {*OF_LAYER, "channels", "size", "padding"}),
    "curves": (DRAWN, SCALED),
    "bars of networks": ([key for key, _ in _PANELS], SUMMED),
    "bars of stages": ([key for key, _ in MEASURES], SUMMED),
    "made of others": ([key for f in OF_LAYER.values() for key in f.made_of], SUMMED),
}


@pytest.mark.parametrize("selector", SELECTED)
def test_what_is_selected_is_a_figure(selector: str) -> None:
    keys, known = SELECTED[selector]
    assert set(keys) <= set(known)


def test_all_counts_of_a_table_are_explained() -> None:
    assert {key for key in SUMMED if OF_LAYER[key].in_tables} <= set(EXPLAINED)


@pytest.mark.parametrize("quantity", [*OF_NETWORK, *SCALED])
def test_the_language_has_each_figure_of_a_network(vgg16: Analysis, quantity: str) -> None:
    of = analyze("gpt2") if quantity in OF_GENERATING else vgg16
    assert evaluate(quantity, of, analyze) is not None


@pytest.mark.parametrize("quantity", OF_GENERATING)
def test_a_figure_of_others_is_refused_with_the_reason(vgg16: Analysis, quantity: str) -> None:
    with pytest.raises(ExpressionError, match="vgg16 does not generate token by token"):
        evaluate(quantity, vgg16, analyze)


def test_each_definition_of_activations_is_a_figure_of_the_network(vgg16: Analysis) -> None:
    memory = activation_bytes(vgg16)
    for name in DEFINITIONS:
        assert OF_NETWORK[f"{name}_bytes"].of(vgg16) == getattr(memory, name)


def test_a_sum_over_no_layers_is_zero() -> None:
    analysis = analysis_of("  - relu")
    assert set(as_dict(analysis.unused_totals).values()) == {0}


# A figure of a layer that archcalc has not, as a contributor would write it.
NEW = '''
    @property
    @OF_LAYER.figure(Unit.BYTES, made_of=("biases",))
    def bias_bytes(self) -> Quantity:
        """Bytes of the learned biases."""
        return self.biases * self.bytes_each

    def record('''
ENTERED = """
import sys
from importlib.util import find_spec, module_from_spec

spec = find_spec("archcalc.figures.of_layer")
module = sys.modules[spec.name] = module_from_spec(spec)
with open(spec.origin, encoding="utf-8") as file:
    exec(file.read().replace("    def record(", {new!r}, 1), vars(module))
from archcalc.cli import main

for words in {commands}:
    main(words)
    print("=====")
"""
COMMANDS = [
    ["table", "resnet18", "--columns", "name,bias_bytes", "--depth", "1"],
    ["table", "resnet18", "--format", "json"],
    ["schema", "table"],
    ["explain", "resnet18", "bn1", "--quantity", "bias_bytes"],
    ["scale", "resnet18", "--by", "H", "--quantity", "bias_bytes"],
]


def test_a_figure_that_is_entered_once_is_everywhere() -> None:
    code = ENTERED.format(new=NEW, commands=COMMANDS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    table, record, schema, derived, scaled, _ = done.stdout.split("=====\n")
    # Of each of 4,800 channels in the norms, and of 1,000 classes: 5,800 values of 4 bytes.
    assert table.splitlines()[3].split()[-2:] == ["bias", "bytes"]
    assert "23.20KB" in table
    assert json.loads(record)["totals"]["bias_bytes"] == 4 * 5800
    assert json.loads(record)["layers"][1]["bias_bytes"] == 4 * 64
    assert "bias_bytes" in json.loads(schema)["$defs"]["layer"]["required"]
    assert "bias bytes biases*b = 64*4 = 256" in " ".join(derived.split())
    assert "23.20KB" in scaled


def test_units_are_in_the_order_of_columns() -> None:
    units = list(Unit)
    places = [units.index(column.figure.unit) for column in COLUMNS]
    assert places == sorted(places)
