"""Settings and their figures: each row is the single walk at what it says; fronts are fronts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import archcalc
from archcalc import ArchcalcError, Graph, Sweep, UsageError, analyze, grid, load
from archcalc.claims.conditions import in_full
from archcalc.figures.language import evaluate
from archcalc.identity import value_text
from archcalc.parametric.axes import read_axes
from archcalc.parametric.choosing import columns
from archcalc.parametric.choosing.columns import Figures
from archcalc.parametric.choosing.front import front
from archcalc.parametric.choosing.selection import Selection, choose
from archcalc.parametric.choosing.space import Draws, settings_of, swept
from archcalc.quantity.at_least import is_open
from archcalc.spec.settings import read_setting
from archcalc.spec.values import ExpressionError

# Of some networks what may be varied, and values of it: valid ones, and such that are not.
SPACES: dict[str, dict[str, list[str]]] = {
    "mobilenet_v1": {
        "alpha": ["0.25:1:0.25", "0.1:2", "0.01:4:log", "0.3,0.7,0.3333333333333333"],
        "resolution": ["32,33,224", "1..300", "16:200:*2"],
        "classes": ["0..3", "10:1000:log", "1..1000:log"],
    },
    "resnet20": {"units": ["1..3", "2,1"], "classes": ["1..9"], "H": ["8:40:16", "1,2"]},
    "vgg11": {"batch_norm": ["true,false"], "H": ["16..40", "64,32"], "classes": ["0,10"]},
    "wrn_16_8": {"widen": ["1..9", "1,2"], "units": ["1,2"], "kernels": ["[3,3],[1,3]"]},
    "alexnet": {"towers": ["1,2,7"], "C": ["1..4"]},
    "squeezenet1_0": {"padding10": ["0,1"], "W": ["200..230"]},
}
QUANTITIES = (
    "params", "macs", "other_ops", "peak", "training_bytes", "lecture", "layer_count", "paths",
    "weight_layers", "receptive_field", "training_peak", "macs / params", "kinds[conv].macs",
    "kinds[linear].count", "2 * macs + params", "layers[fc].params", "input", "path[conv]",
    "peak_bytes if macs > 10000000 else 0",
)  # fmt: skip


@cache
def network(name: str) -> Graph:
    return load(name)


@st.composite
def spaces(draw: Any) -> tuple[str, list[str], Draws | None, list[str]]:
    """A network, what is varied in it, whether settings are drawn, and figures."""
    name = draw(st.sampled_from([*SPACES]))
    labels = draw(st.lists(st.sampled_from([*SPACES[name]]), min_size=1, max_size=2, unique=True))
    axes = [f"{label}={draw(st.sampled_from(SPACES[name][label]))}" for label in labels]
    count = draw(st.integers(1, 4))
    ends = any(axis.count is None for axis in read_axes(axes))
    size = np.prod([axis.count or 0 for axis in read_axes(axes)])
    drawn = ends or size > 4 or draw(st.booleans())
    draws = Draws(count, draw(st.integers(0, 99)), draw(st.booleans())) if drawn else None
    quantities = draw(st.lists(st.sampled_from(QUANTITIES), min_size=1, max_size=4, unique=True))
    return name, axes, draws, quantities


def selected(name: str, axes: list[str], draws: Draws | None = None, batch: int = 1) -> Selection:
    settings = settings_of(read_axes(axes), draws)
    figures = Figures(
        [swept(network(name), settings, batch=batch, dtype="float32")], order=settings
    )
    return choose(figures, [])


def single(name: str, setting: dict[str, str], quantities: list[str]) -> list[Any] | str:
    """Quantities at a setting as it would be typed; why there is no network, where there is none.

    None of a quantity that a network lacks.
    """
    parameters = dict(read_setting(f"{key}={text}") for key, text in setting.items())
    own = network(name).input
    sizes = dict(zip(("C", "H", "W"), own.shape, strict=True))
    given = {key: parameters.pop(key) for key in [*parameters] if key in sizes}
    try:
        analysis = analyze(
            network(name),
            input=[*(sizes | given).values()] if given else None,
            batch=2,
            **parameters,
        )
    except ArchcalcError as error:
        return str(error)
    found: list[Any] = []
    for quantity in quantities:
        try:
            found.append(evaluate(in_full(quantity), analysis))
        except ExpressionError:
            found.append(None)
    return found


@given(spaces())
@example(("mobilenet_v1", ["alpha=0.1:2", "resolution=1..300"], Draws(6, 1), ["input", "peak"]))
@example(("resnet20", ["H=1,2", "units=1..3"], None, ["layers[fc].params", "training_peak"]))
def test_every_row_is_the_single_walk_at_what_it_says(
    space: tuple[str, list[str], Draws | None, list[str]],
) -> None:
    name, axes, draws, quantities = space
    chosen = selected(name, axes, draws, batch=2)
    labels = chosen.figures.labels
    found = chosen.columns([*labels, *quantities])
    reasons = chosen.reasons(quantities)
    valid = chosen.figures.valid(chosen.rows)
    for number in range(len(chosen.rows)):
        cells = [column.cell(number) for column in found]
        setting = dict(zip(labels, map(value_text, cells), strict=False))
        own = single(name, setting, quantities)
        if isinstance(own, str):
            assert not valid[number]
            assert reasons[number] == own
            assert cells[len(labels) :] == [None] * len(quantities)
        else:
            assert valid[number]
            assert cells[len(labels) :] == own
            assert (reasons[number] is None) == (None not in own)


@pytest.fixture(scope="module")
def every() -> Selection:
    return selected("mobilenet_v1", ["alpha=0.25:1:0.25", "resolution=128,224"])


@pytest.fixture(scope="module")
def drawn() -> Selection:
    return selected("mobilenet_v1", ["alpha=0.1:1.5", "resolution=20..60"], Draws(60))


BOUNDS = ("1.33M", "149497088", "149,497,088", "470072", "0.5", "3.1K", "2Ki", "0")


@given(
    st.sampled_from(
        ["macs", "params", "alpha", "macs / params", "weight_layers", "receptive_field"]
    ),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.sampled_from(BOUNDS),
)
def test_a_condition_holds_where_it_holds_of_the_numbers(
    every: Selection, quantity: str, relation: str, bound: str
) -> None:
    from archcalc.claims.printed import Verdict, parse_printed

    (column,) = every.columns([quantity])
    printed = parse_printed(f"{relation} {bound}")
    holds = [printed.verdict(column.cell(n)) is Verdict.AGREES for n in range(len(every.rows))]
    found = every.where(f"{quantity} {relation} {bound}")
    assert found.rows.tolist() == np.flatnonzero(holds).tolist()


def test_conditions_stand_together(every: Selection) -> None:
    found = every.where("macs <= 150M and params > 500K or alpha >= 1")
    assert found.rows.tolist() == [2, 3, 4, 6, 7]
    assert every.where("macs <= 150M and training_peak < 10MB").rows.tolist() == [0]


def test_what_takes_walks_is_asked_where_all_else_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[int] = []
    settings = settings_of(read_axes(["alpha=0.25:1:0.25", "resolution=32..39"]), None)

    def watch(items: Any, what: str) -> Any:
        walked.extend(items)
        return items

    figures = Figures([swept(load("mobilenet_v1"), settings, batch=1, dtype="float32")], watch)
    found = choose(figures, ["training_peak"], where="training_peak < 99MB and macs < 3M")
    assert len(walked) == len(found.rows) == 8
    monkeypatch.setattr(columns, "MOST_WALKED", 20)
    with pytest.raises(UsageError, match="where: training_peak takes a walk for each setting, and"):
        choose(figures, [], where="training_peak < 99MB")


def _brute(points: list[tuple[int, ...]]) -> list[bool]:
    def beats(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    return [not any(beats(other, point) for other in points) for point in points]


@given(st.data(), st.integers(2, 5), st.integers(0, 4))
def test_a_front_is_what_brute_force_finds(data: st.DataObject, columns: int, most: int) -> None:
    point = st.tuples(*[st.integers(0, 2**most)] * columns)
    points = data.draw(st.lists(point, max_size=60))
    found = front(np.array(points, dtype=np.int64).reshape(len(points), columns))
    assert found.tolist() == _brute(points)


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_a_large_front_is_what_brute_force_finds(columns: int) -> None:
    """So many points that they are compared in several blocks."""
    random = np.random.default_rng(columns)
    points = random.integers(0, 60, (1500, columns))
    points[:, -1] += 40 - points[:, 0] // 2
    assert front(points).tolist() == _brute([tuple(p) for p in points.tolist()])


@given(st.lists(st.sampled_from(["params", "-macs", "peak", "-alpha", "-receptive_field",
                                 "macs / params", "resolution"]), min_size=2, max_size=3,
                unique=True), st.integers(0, 48))  # fmt: skip
def test_the_front_of_settings_is_that_of_their_figures(
    drawn: Selection, names: list[str], first: int
) -> None:
    every = drawn.part(first, first + 12)
    found = every.columns([name.removeprefix("-") for name in names])
    signs = [-1 if name.startswith("-") else 1 for name in names]
    points = [
        tuple(sign * column.cell(n) for column, sign in zip(found, signs, strict=True))
        for n in range(12)
    ]
    best = np.flatnonzero(_brute(points)) + first
    assert every.pareto(names).rows.tolist() == best.tolist()
    order = sorted(range(12), key=lambda n: points[n])
    assert every.sort(names).rows.tolist() == [first + n for n in order]


def test_what_is_invalid_comes_last_and_is_on_no_front() -> None:
    every = selected("vgg11", ["H=16,64,32", "classes=0,10"])
    assert every.sort(["-macs"]).rows.tolist() == [3, 5, 0, 1, 2, 4]
    assert every.pareto(["params", "macs"]).rows.tolist() == [5]


OPAQUE = """\
name: partly
input: [4, 8, 8]
parameters: {n: 4, known: 1}
layers:
  - if: known > 0
    then: [conv: {channels: n, kernel: 1}]
    else: [opaque: {operator: mine, of: [[4, 8, 8]], shape: [4, 8, 8], macs: unknown}]
"""


def test_what_is_not_known_in_full_decides_where_it_can(tmp_path: Path) -> None:
    spec = tmp_path / "partly.yaml"
    spec.write_text(OPAQUE)
    every = selected(str(spec), ["known=0,1", "n=1,3"])
    (macs,) = every.columns(["macs"])
    assert [is_open(macs.cell(n)) for n in range(4)] == [True, True, False, False]
    assert every.where("macs >= 0").rows.tolist() == [0, 1, 2, 3]
    below = every.where("macs < 600")
    assert (below.rows.tolist(), below.undecided) == ([2], 2)
    best = every.pareto(["macs", "-n"])
    assert (best.rows.tolist(), best.undecided) == ([2, 3], 2)


def test_several_networks_are_one_more_axis() -> None:
    settings = settings_of(read_axes(["classes=10,20"]), None)
    sweeps = [swept(load(n), settings, batch=1, dtype="float32") for n in ("vgg11", "resnet20")]
    found = choose(Figures(sweeps), ["layers[fc8].params"], sort=["-params"])
    assert found.networks() == ["vgg11", "vgg11", "resnet20", "resnet20"]
    (column,) = found.columns(["layers[fc8].params"])
    assert [column.cell(n) for n in range(4)] == [4097 * 20, 4097 * 10, None, None]
    assert "resnet20 has no layer 'fc8'" in (found.reasons(["layers[fc8].params"])[2] or "")


@pytest.mark.parametrize(
    ("network", "axes", "message"),
    [
        ("mobilenet_v1", ["alhpa=1,2"], "over: mobilenet_v1 has no 'alhpa'; did you mean 'alpha'"),
        ("resnet50", ["depths[9]=1,2"], "over: depths is '[3, 4, 6, 3]', and has no item 9"),
        ("mobilenet_v1", ["H=32,64", "resolution=32"], "H is a size of the input, which follows"),
        ("vgg16", ["batch_norm=1,2"], "batch_norm must be true or false"),
    ],
)
def test_what_is_no_number_of_the_network_is_refused(
    network: str, axes: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        selected(network, axes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            {"where": "marcs <= 1M"},
            "where: marcs: mobilenet_v1 has no figure 'marcs'; did you mean",
        ),
        ({"where": "macs = 1M"}, "where: 'macs = 1M' is not a condition; expected one such as"),
        ({"where": "macs <= lots"}, "where: 'lots' is not a bound"),
        ({"where": "macs <= 1MB"}, "where: 1MB is of bytes, and macs is not"),
        ({"where": "input > 3"}, "where: input: > 3 cannot be compared with [3, 32, 32]"),
        ({"pareto": ["macs"]}, "pareto: a front takes two quantities or more"),
        ({"pareto": ["macs", "-parms"]}, "pareto: parms: mobilenet_v1 has no figure 'parms'; did"),
        ({"sort": ["input"]}, "sort: [3, 32, 32] is not a number"),
        ({"quantities": ["layers[fcc].macs"]}, "figures: layers[fcc].macs: mobilenet_v1 has no"),
    ],
)
def test_what_cannot_be_chosen_by_is_refused(choice: dict[str, Any], message: str) -> None:
    settings = settings_of(read_axes(["alpha=0.5,1", "resolution=32"]), None)
    figures = Figures([swept(load("mobilenet_v1"), settings, batch=1, dtype="float32")])
    with pytest.raises(UsageError) as caught:
        choose(figures, choice.pop("quantities", []), **choice)
    assert message in str(caught.value)


# ----- from Python -----


@pytest.fixture(scope="module")
def mobilenets() -> Sweep:
    return archcalc.sweep("mobilenet_v1", **grid(alpha=[0.25, 0.5, 1.0], resolution=[128, 224]))


def test_a_sweep_is_a_frame(mobilenets: Sweep) -> None:
    pytest.importorskip("pandas")
    frame = mobilenets.to_frame("macs", "receptive_field")
    assert [*frame] == ["alpha", "resolution", "macs", "receptive_field", "reason", "network"]
    macs: Any = mobilenets.totals.macs
    assert frame["macs"].tolist() == macs.ravel().tolist()
    assert frame["alpha"].tolist() == [0.25, 0.25, 0.5, 0.5, 1.0, 1.0]


def test_settings_are_chosen_by_what_they_cost(mobilenets: Sweep) -> None:
    found = mobilenets.where("macs <= 150M").pareto("params, -macs")
    assert len(found) == 2
    assert found["1"]["resolution"] == 224
    assert [row["macs"] for row in found.sort("-macs")] == [149497088, 41030272]
    assert [row["params"] for row in mobilenets.pareto("params", "-macs").top(1)] == [470072]
    assert "<table>" in found._repr_html_()
    assert "<table>" in mobilenets._repr_html_()
    assert repr(found) == "<2 settings of mobilenet_v1>"
    assert "| " in found.to_markdown()
    assert [*found.figures("paths")["0"]] == ["alpha", "resolution", "paths"]


def test_there_is_no_setting_without_a_number(mobilenets: Sweep) -> None:
    for name in ("6", "-1", "a"):
        with pytest.raises(UsageError, match="there is no"):
            mobilenets.settings()[name]
    with pytest.raises(UsageError, match="quantities: parms: mobilenet_v1 has no figure 'parms'"):
        mobilenets.settings("parms")
