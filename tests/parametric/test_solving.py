"""The value at the boundary of a condition: it holds there, and at the next one it does not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Graph, UsageError, analyze, load
from archcalc.parametric.axes import read_axis
from archcalc.parametric.choosing import solving
from archcalc.parametric.choosing.solving import Solution, solve
from archcalc.parametric.choosing.space import settings_of
from archcalc.spec.values import exact_value, own


def solved(graph: Graph | str, text: str, where: str, **settings: Any) -> Solution:
    graph = load(graph) if isinstance(graph, str) else graph
    return solve(graph, text, where, batch=1, dtype="float32", **settings)


@pytest.fixture(scope="module")
def mobilenet() -> Graph:
    return load("mobilenet_v1", resolution=32)


@given(
    st.sampled_from(["alpha=0.1:0.4:0.1", "alpha=0.2,0.75,0.5", "alpha=0.1:1.4:0.01"]),
    st.integers(0, 25).map(lambda n: n * 10**6),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.booleans(),
)
def test_the_answer_is_the_one_that_every_value_tried_gives(
    mobilenet: Graph, text: str, macs: int, relation: str, smallest: bool
) -> None:
    (array,) = settings_of([read_axis(text)], None).values()
    found = solved(mobilenet, text, f"macs {relation} {macs}", smallest=smallest)
    values = sorted(exact_value(own(v)) for v in array)
    if len(values) > 20:  # of so many, those at the boundary
        assert found.looked == len(values)
        values = [v for v in values if v in (found.value, found.next)]
    holds = {v: eval(f"{analyze(mobilenet, alpha=v).macs} {relation} {macs}") for v in values}
    held = [v for v in values if holds[v]]
    if found.value is None:
        assert not held
        return
    assert found.value == (min(held) if smallest else max(held))
    assert found.next is None or not holds[found.next]
    every = sorted(exact_value(own(v)) for v in array)
    place = every.index(found.value) + (-1 if smallest else 1)
    assert found.next == (every[place] if 0 <= place < len(every) else None)


@pytest.mark.parametrize(
    ("network", "label", "where", "smallest", "answer"),
    [
        ("resnet20", "units", "params >= 1M", True, (11, 10)),
        ("resnet20", "units", "params < 1M", False, (10, 11)),
        ("vgg16", "H", "macs <= 10G", False, (147, 148)),
        ("vgg16", "H", "macs > 0", True, (32, 31)),
        ("stack_3x3x3", "C", "params <= 26", False, (None, None)),
        ("stack_3x3x3", "C", "params <= 27", False, (1, 2)),
        ("mobilenet_v1", "alpha=0.1:2:0.01", "macs <= 150M", False, (0.5, 0.51)),
        ("mobilenet_v1", "alpha=0.1:2:0.01", "macs <= 150M", True, (0.1, None)),
        ("mobilenet_v1", "alpha=0.25,0.5,0.75,1", "params > 2M and macs > 400M", True, (1, 0.75)),
        ("mobilenet_v1", "resolution=128:256:32", "training_peak < 60MB", False, (160, 192)),
        ("resnet50", "depths[2]", "training_peak <= 400MB", False, (20, 21)),
    ],
)
def test_what_holds_and_what_no_longer_does(
    network: str, label: str, where: str, smallest: bool, answer: tuple[Any, Any]
) -> None:
    found = solved(network, label, where, smallest=smallest)
    assert (found.value, found.next) == tuple(
        None if n is None else Fraction(str(n)) for n in answer
    )


@given(st.integers(1, 300), st.booleans())
def test_bisection_finds_the_boundary(number: int, smallest: bool) -> None:
    relation = ">=" if smallest else "<="
    found = solved(_STACK, "C", f"params {relation} {27 * number**2}", smallest=smallest)
    assert (found.value, found.next) == (number, number - 1 or None if smallest else number + 1)
    assert found.looked <= max(number // 3, 3 // number).bit_length() + 6


@given(
    st.sampled_from(["params", "macs", "peak_bytes"]),
    st.integers(100, 900_000),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.booleans(),
)
def test_values_that_are_not_all_looked_at_give_the_same_answer(
    figure: str, bound: int, relation: str, smallest: bool
) -> None:
    where = f"{figure} {relation} {bound}"
    every = solved("stack_3x3x3", "C=1..150", where, smallest=smallest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solving, "FEW_WALKED", 0)
        patch.setattr(solving, "MANY", 0)
        some = solved("stack_3x3x3", "C=1..150", where, smallest=smallest)
    assert (some.value, some.next) == (every.value, every.next)
    assert every.looked == 150 and some.looked < 40


_STACK = load("stack_3x3x3")


def test_values_between_which_it_changes_often_are_all_looked_at(tmp_path: Path) -> None:
    spec = tmp_path / "even.yaml"
    spec.write_text(
        "name: even\ninput: [4, 8]\nparameters: {n: 2}\nlayers:\n"
        "  - conv: {channels: n, kernel: 1}\n  - conv: {channels: 4, kernel: 1, groups: 2}\n"
    )
    found = solved(str(spec), "n=1..9", "params > 0")
    assert (found.value, found.next, found.is_mixed, found.all_between) == (8, 9, True, True)


def test_where_it_always_holds_the_end_of_what_was_looked_at_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solving, "MOST_LAYERS", 200)
    found = solved("resnet20", "units", "params > 0")
    assert (found.value, found.next) == (12, None)
    assert found.last == 12


@pytest.mark.parametrize(
    ("label", "where", "message"),
    [
        ("alhpa", "macs < 1M", "for: mobilenet_v1 has no 'alhpa'; did you mean 'alpha'"),
        ("alpha=0.1:2", "macs < 1M", "for: alpha: say in which steps to look"),
        ("alpha=0.1:2:0", "macs < 1M", "for: alpha: 0.1:2:0 has no end"),
        ("alpha=a,b", "macs < 1M", "for: alpha: a is not a number"),
        ("alpha=1", "mcs < 1M", "where: mcs: mobilenet_v1 has no figure 'mcs'; did you mean"),
        ("alpha=1", "macs", "where: 'macs' is not a condition"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(
    mobilenet: Graph, label: str, where: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        solved(mobilenet, label, where)
    assert message in str(caught.value)


def test_of_a_real_number_the_steps_are_asked_for() -> None:
    with pytest.raises(UsageError, match=r"for: alpha is 0.5; say which values to look at, such"):
        solved(load("mobilenet_v1", alpha=0.5), "alpha", "macs < 1M")
