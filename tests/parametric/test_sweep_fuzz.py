"""Random specs over arrays of every kind of number: each setting is that of the plain walk."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import archcalc
from archcalc import ArchcalcError, QuantityError, UsageError, analyze
from archcalc.figures.of_layer import SUMMED
from archcalc.parametric import combinations
from archcalc.parametric import sweep as sweeping

TOTALS = tuple(SUMMED)

numbers = st.recursive(
    st.sampled_from(["a", "a", "b", "b", "1", "2", "3", "7", "0", "0.5", "0.1", "0.29", "4/3"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda part: "({} {} {})".format(*part)
        ),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            lambda part: "{}({}, {})".format(*part)
        ),
        st.tuples(st.sampled_from(["floor", "ceil", "-"]), inner).map(
            lambda part: "{}({})".format(*part)
        ),
        st.tuples(inner, st.sampled_from(["-1", "0", "2", "3", "a", "b"])).map(
            lambda part: "({}**({}))".format(*part)
        ),
        st.tuples(inner, st.sampled_from(["<", "<=", "==", "!=", ">"]), inner, inner, inner).map(
            lambda part: "({3} if {0} {1} {2} else {4})".format(*part)
        ),
        st.tuples(inner).map(lambda part: f"[2, 3, 5][{part[0]}]"),
    ),
    max_leaves=6,
)
rounded = numbers.map(lambda text: f"max(1, floor({text}))")
conditions = st.tuples(numbers, st.sampled_from(["<", ">=", "==", "!="]), numbers).map(" ".join)

layers = st.one_of(
    st.tuples(st.one_of(rounded, numbers)).map(lambda e: f"- linear: {{features: '{e[0]}'}}"),
    st.tuples(rounded, numbers, numbers).map(
        lambda e: f"- conv: {{channels: '{e[0]}', kernel: 3, stride: '{e[1]}', padding: '{e[2]}'}}"
    ),
    st.tuples(numbers, numbers).map(
        lambda e: f"- conv: {{channels: 4, kernel: ['{e[0]}', 1], dilation: '{e[1]}'}}"
    ),
    st.tuples(numbers, numbers).map(
        lambda e: f"- max_pool: {{kernel: 2, padding: [['{e[0]}', '{e[1]}'], 0]}}"
    ),
    st.tuples(numbers).map(lambda e: f"- conv: {{channels: 8, kernel: 1, groups: '{e[0]}'}}"),
    st.tuples(conditions).map(
        lambda e: f"- conv: {{channels: 2, kernel: 3, bias: '{e[0]}', padding: same}}"
    ),
    st.tuples(numbers).map(lambda e: f"- dropout: {{p: '{e[0]}'}}"),
    st.tuples(numbers).map(lambda e: f"- repeat: '{e[0]}'\n    layers: [relu]"),
    st.tuples(conditions).map(lambda e: f"- if: '{e[0]}'\n    then: [flatten]"),
    st.tuples(numbers).map(lambda e: f"- upsample: {{factor: '{e[0]}', mode: nearest}}"),
)
specs = st.lists(layers, min_size=1, max_size=3).map("\n  ".join)
decimals = st.integers(-200, 400).map(lambda n: n / 100)
fractions = st.tuples(st.integers(-9, 30), st.integers(1, 12)).map(lambda f: f[0] / f[1])
extreme = [1e-7, 1e13, 1.5e19, 0.1 + 0.2, 1.9999999999999998, 2.0**53 + 2, float("nan")]
floats = st.one_of(decimals, fractions, st.floats(0.01, 4), st.sampled_from(extreme))
integers = st.one_of(
    st.integers(0, 9), st.integers(-9, 600), st.sampled_from([2**53 + 1, 2**62, -(2**62)])
)
arrays = st.one_of(
    st.lists(integers, min_size=1, max_size=5).map(lambda values: np.array(values)),
    st.lists(floats, min_size=1, max_size=5).map(lambda values: np.array(values)),
    st.lists(st.integers(0, 9).map(float), min_size=1, max_size=5).map(np.array),
)


def _largest_figure(setting: tuple[str, Any, Any]) -> int:
    name, a, b = setting
    try:
        totals = analyze(name, a=a.item(), b=b.item()).totals
    except ArchcalcError:
        return 0
    return max(int(getattr(totals, key)) for key in TOTALS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("specs")


@pytest.mark.parametrize("merged", [False, True], ids=["as given", "merged by their layers"])
@given(specs, arrays, arrays, st.booleans())
@example("- linear: {features: 'min(2*a, 10)'}", np.array([2**62, 7, 4]), np.array([1]), False)
@example("- linear: {features: 'floor(min(32*a, b))'}",
         np.array([0.25, 0.5, 1.0]), np.array([8, 16, 24]), True)  # fmt: skip
@example("- conv: {channels: 1, kernel: a, padding: '(a - 1)/2'}",
         np.array([3, 5, 7]), np.array([1]), False)  # fmt: skip
@example("- repeat: '7*a % 2'\n    layers: [relu]", np.array([0.3, 3.0, 1.0]), np.array([1]), True)
def test_a_setting_is_valid_where_the_plain_walk_takes_it_and_has_its_figures(
    folder: Path, merged: bool, layers: str, a: Any, b: Any, aligned: bool
) -> None:
    spec = folder / "net.yaml"
    spec.write_text(
        f"name: net\ninput: [4, 12, 12]\nparameters: {{a: 1, b: 1}}\nlayers:\n  {layers}\n"
    )
    if aligned:
        size = min(len(a), len(b))
        a, b = a[:size], b[:size]
    else:
        b = b[:, None]
    few = 1 if merged else combinations.FEW
    try:
        with patch.object(combinations, "FEW", few), patch.object(sweeping, "MOST_AT_ONCE", few):
            sweep = archcalc.sweep(str(spec), a=a, b=b)
    except QuantityError:  # an array of 64 bits cannot hold a figure of the plain walk
        assert max(map(_largest_figure, product([str(spec)], a.ravel(), b.ravel()))) > 2**63 - 1
        return
    except UsageError:  # no element of an array is a number that a parameter can have
        assert not all((abs(array.astype(float)) < 2.0**63).any() for array in (a, b))
        return
    for index in product(*map(range, sweep.shape)):
        setting = sweep.setting(*index)
        try:
            own = analyze(str(spec), **setting).totals
        except ArchcalcError as error:
            assert not sweep.valid[index], (setting, error)
            assert sweep.reason(*index) == str(error)
            continue
        assert sweep.valid[index], setting
        for key in TOTALS:
            assert getattr(sweep.totals, key)[index] == getattr(own, key), (setting, key)
