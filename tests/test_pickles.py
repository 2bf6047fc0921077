"""Whatever the door gives can be pickled: for other processes, and for later."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import archcalc
from archcalc import (
    AnalysisStopped,
    ArchcalcError,
    Graph,
    MissingExtraError,
    SpecError,
    UsageError,
    analyze,
    load,
    symbol,
)
from archcalc.claims.budgets import budgets_of
from archcalc.expansion import ExpansionStopped
from archcalc.parametric.formulas.walking import UnsettledError
from archcalc.record import replace
from archcalc.spec.library import families, network_names
from tests.graphs import random_graphs
from tests.spec_texts import family_of, graph_of


def pickled(value: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> Any:
    return pickle.loads(pickle.dumps(value, protocol))


@pytest.mark.parametrize("name", network_names()[::6])
def test_a_network_is_the_same_after_pickling(name: str) -> None:
    graph = load(name)
    assert pickled(graph) == copy.deepcopy(graph) == graph
    analysis = analyze(graph)
    assert pickled(analysis) == analysis
    assert analyze(pickled(graph), batch=2) == analyze(graph, batch=2)


def test_all_families_are_the_same_after_pickling() -> None:
    for family in families():
        again = pickled(family)
        assert again.networks == family.networks
        assert again.blocks == family.blocks


@given(random_graphs())
def test_a_random_graph_is_the_same_after_pickling(graph: Graph) -> None:
    assert pickled(graph) == graph
    assert pickled(analyze(graph)) == analyze(graph)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_that_keeps_objects_will_do(protocol: int) -> None:
    analysis = analyze("fractalnet20", input=[3, 32, 32])
    assert pickled(analysis, protocol) == analysis


EVERY_FIELD = """\
name: every
input: [4, 8n, 8]
parameters: {c: 8, mode: bilinear, pads: [1, 1]}
let: {half: c/2}
budget: [params <= 1M]
scaling: {width: c}
blocks:
  unit: {parameters: [k: c], layers: [{conv: {channels: "max(4, floor(k*half))", kernel: 1}}]}
layers:
  - conv: {name: "first{c}", channels: c, kernel: 3, padding: pads}
  - repeat: 2
    index: i
    layers: [{if: i == 0, then: [unit], else: [relu]}]
  - upsample: {factor: 2, mode: mode}
  - layer_norm: {over: channels}
  - head: {name: side, training_only: true, layers: [global_avg_pool]}
"""


def test_each_part_of_a_spec_is_the_same_after_pickling() -> None:
    graph = graph_of(EVERY_FIELD)
    again = pickled(graph)
    assert again.nodes == graph.nodes
    assert replace(again.network, budget=None) == replace(graph.network, budget=None)
    (budget,) = budgets_of(again.network)
    assert (budget.bound.text, budget.place.line) == ("<= 1M", 5)
    analysis = analyze(graph)
    assert pickled(analysis).layers == analysis.layers


def test_an_analysis_in_symbols_is_the_same_after_pickling() -> None:
    analysis = analyze("vgg16", input=[3, 32 * symbol("h"), 32], classes=symbol("C"))
    assert pickled(analysis) == analysis


def test_a_sweep_is_the_same_after_pickling() -> None:
    sweep = archcalc.sweep("alexnet", towers=np.array([1, 2, 7]), classes=np.array([[10], [1000]]))
    again = pickled(sweep)
    assert repr(again) == repr(sweep)
    assert (again.totals.params == sweep.totals.params).all()
    assert (again.valid == sweep.valid).all()
    assert again.reason(0, 2) == sweep.reason(0, 2)
    assert again.setting(1, 1) == sweep.setting(1, 1) == {"towers": 2, "classes": 1000}
    assert (again.activation_bytes().peak == sweep.activation_bytes().peak).all()


def test_a_refusal_keeps_how_far_it_came() -> None:
    with pytest.raises(AnalysisStopped) as raised:
        analyze("lenet5", input=[1, 12, 12])
    again = pickled(raised.value)
    assert str(again) == str(raised.value)
    assert again.partial.layers == raised.value.partial.layers
    assert again.partial.error is again


def kinds_of_errors(kind: type[ArchcalcError] = ArchcalcError) -> list[type[ArchcalcError]]:
    """All but the one with an analysis, for which see above."""
    children = [child for child in kind.__subclasses__() if child is not AnalysisStopped]
    return [kind, *(k for child in children for k in kinds_of_errors(child))]


@pytest.mark.parametrize("kind", kinds_of_errors(), ids=lambda kind: kind.__name__)
def test_every_error_keeps_its_message(kind: type[ArchcalcError]) -> None:
    needed = 3 if issubclass(kind, (MissingExtraError, UnsettledError)) else 1
    needed = 2 if issubclass(kind, ExpansionStopped) else needed
    error = kind(*["what was wrong"] * needed)
    again = pickled(error)
    assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))


def test_an_error_of_a_spec_keeps_its_place() -> None:
    with pytest.raises(SpecError) as raised:
        family_of("name: t\ninput: [1]\nlayers: [maxpol]\n")
    again = pickled(raised.value)
    assert (str(again), again.place) == (str(raised.value), raised.value.place)


def test_another_process_can_use_it(tmp_path: Path) -> None:
    path = tmp_path / "analysis.pickle"
    path.write_bytes(pickle.dumps(analyze("mobilenet_v1", alpha=0.5)))
    code = (
        "import pickle, sys; a = pickle.load(open(sys.argv[1], 'rb')); import archcalc; "
        "print(a.totals.params, archcalc.analyze(a.graph, alpha=1).totals.params)"
    )
    words = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1331592", "4231976"]


def test_a_wrong_argument_has_an_error_that_can_be_pickled() -> None:
    with pytest.raises(UsageError) as raised:
        load("vgg17")
    assert str(pickled(raised.value)) == str(raised.value)
