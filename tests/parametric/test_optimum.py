"""The best of the settings of several parameters, against every setting by itself."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import analyze, load
from archcalc.errors import ArchcalcError, UsageError
from archcalc.figures.language import evaluate
from archcalc.graph import Graph
from archcalc.parametric.choosing import optimum as module
from archcalc.parametric.choosing.optimum import Optimum, Proof, optimum

# Widths and sizes go one way; where `groups` do not divide the channels there is no network.
SPEC = """\
name: two
input: [4, 12, 12]
parameters: {width: 8, kernel: 3, groups: 1, depth: 1}
layers:
  - conv: {channels: width, kernel: 1}
  - repeat: depth
    layers: [conv: {channels: width, kernel: kernel, padding: kernel//2}]
  - max_pool: {kernel: 2}
  - conv: {channels: 12, kernel: 1, groups: groups}
"""
RANGES = {"width": (1, 9), "kernel": (1, 5), "groups": (1, 4), "depth": (1, 3), "H": (1, 14)}
HOLDS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
FIGURES = ("params", "macs", "peak_bytes", "layers[conv1].macs", "layer_count")


def solved(graph: Any, texts: list[str], where: str, objective: str, **options: Any) -> Optimum:
    found = graph if isinstance(graph, Graph) else load(graph)
    return optimum(found, texts, where, objective, batch=1, dtype="float32", **options)


def at(setting: dict[str, int]) -> Any:
    """The analysis at a setting; None where there is no network."""
    parameters = {label: value for label, value in setting.items() if label != "H"}
    try:
        return analyze(SPEC, input=[4, setting.get("H", 12), 12], parameters=parameters)
    except ArchcalcError:
        return None


def figure(analysis: Any, quantity: str) -> int:
    return int(evaluate(quantity, analysis))


@st.composite
def problems(
    draw: st.DrawFn, labels: tuple[str, ...]
) -> tuple[dict[str, range], str, int, str, str, bool]:
    """Ranges, a condition (a figure, a number, a relation), an objective, and if for its least."""
    ranges = {}
    for label in draw(st.permutations(labels))[:2]:
        low, high = sorted(draw(st.tuples(*[st.integers(*RANGES[label])] * 2)))
        ranges[label] = range(low, high + 1)
    bounded, objective = draw(st.sampled_from(FIGURES)), draw(st.sampled_from(FIGURES))
    own = figure(analyze(SPEC), bounded)
    bound = draw(st.integers(own // 8, own * 2))
    relation = draw(st.sampled_from(["<", "<=", ">", ">="]))
    return ranges, bounded, bound, relation, objective, draw(st.booleans())


@given(problem=problems(("width", "kernel", "groups", "depth", "H")))
def test_the_answer_is_the_best_of_all_settings(
    problem: tuple[dict[str, range], str, int, str, str, bool],
) -> None:
    found, right = found_and_right(problem)
    assert found.values == right
    assert (found.proof, found.looked) == (Proof.ALL, found.settings)
    assert found.holds[0] is (right is not None)


@given(problem=problems(("width", "depth", "H")))
def test_boxes_that_are_cut_in_halves_have_the_best_where_figures_go_one_way(
    problem: tuple[dict[str, range], str, int, str, str, bool],
) -> None:
    with in_boxes():
        found, right = found_and_right(problem)
    assert found.values == right
    assert found.looked <= found.settings


@contextmanager
def in_boxes() -> Iterator[None]:
    """No setting is looked at but those that boxes need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW", 0)
        patch.setattr(module, "MANY", 0)
        yield


def found_and_right(
    problem: tuple[dict[str, range], str, int, str, str, bool],
) -> tuple[Optimum, dict[str, int] | None]:
    """What is found, and what is right by an analysis of each setting."""
    ranges, bounded, bound, relation, objective, least = problem
    texts = [f"{label}={r[0]}..{r[-1]}" for label, r in ranges.items()]
    found = solved(SPEC, texts, f"{bounded} {relation} {bound}", objective, least=least)
    assert found.settings == math.prod(map(len, ranges.values()))
    sign = -1 if least else 1
    every: list[tuple[int, ...]] = []
    for values in product(*ranges.values()):
        analysis = at(dict(zip(ranges, values, strict=True)))
        if analysis is not None and HOLDS[relation](figure(analysis, bounded), bound):
            every.append((sign * figure(analysis, objective), *[sign * n for n in values]))
    if not every:
        return found, None
    return found, {k: sign * v for k, v in zip(ranges, max(every)[1:], strict=True)}


def test_boxes_find_the_best_of_many_settings_with_few_walks() -> None:
    texts, where = ["width=1..300", "H=2..300"], "macs <= 9M and params <= 40K"
    found = solved(SPEC, texts, where, "layers[conv1].macs")
    with in_boxes():
        boxes = solved(SPEC, texts, where, "layers[conv1].macs")
    assert (found.proof, found.looked) == (Proof.ALL, 300 * 299)
    assert (boxes.proof, boxes.values) == (Proof.MONOTONE, found.values)
    assert boxes.looked < 500


def test_where_a_figure_rises_and_falls_nothing_is_said_to_be_proven() -> None:
    with in_boxes():
        found = solved(SPEC, ["width=1..39", "H=4..30"], "macs > 0", "width * (40 - width)")
    assert found.proof is Proof.NONE
    assert found.values == {"width": 20, "H": 30}  # it goes on to what is better beside it


def test_of_many_settings_no_more_than_so_many_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_LOOKED", 20)
    with in_boxes():
        found = solved(SPEC, ["width=1..1000", "H=4..1000"], "macs <= 9M", "params")
    assert found.proof is Proof.NONE
    assert found.looked < 100


def test_an_end_of_the_values_is_said_where_more_of_them_were_better() -> None:
    found = solved(SPEC, ["width=1..4", "H=4..12"], "macs <= 9M", "params")
    assert (found.values, found.at_end) == ({"width": 4, "H": 12}, ("width",))
    assert found.holds == (True, True, True)


@pytest.mark.parametrize(
    ("texts", "objective", "message"),
    [
        (["width=1..4", "H"], "params", "for: H: with an objective, say which values to look at"),
        (["width=1..4", "width=2"], "params", "for: width is given 2 times"),
        (["width=1..4", "depht=2"], "params", "for: two has no 'depht'; did you mean 'depth'?"),
        (["width=1..4"], "parms", "maximize: parms: two has no figure 'parms'; did you mean"),
        (["width=1..4"], "layers[conv1].output", "maximize: layers[conv1].output: "),
    ],
)
def test_what_cannot_be_looked_for_is_refused(
    texts: list[str], objective: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        solved(SPEC, texts, "macs > 0", objective)
    assert message in str(caught.value)
