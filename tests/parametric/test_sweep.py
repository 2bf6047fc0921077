"""Many settings at once: every figure is that of the plain walk, setting by setting."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc import (
    ArchcalcError,
    QuantityError,
    Sweep,
    UsageError,
    activation_bytes,
    analyze,
    grid,
    load,
)
from archcalc.analysis import Analysis
from archcalc.figures.of_layer import SUMMED
from archcalc.memory_use.totals import ActivationBytes
from archcalc.parametric import setting_groups
from archcalc.quantity.at_least import is_open, known_part
from archcalc.spec.library import network_names

TOTALS = tuple(SUMMED)
MEMORY = ActivationBytes._fields


def _assert_as_the_plain_walk(name: str, sweep: Sweep) -> None:
    graph, memory = load(name), sweep.activation_bytes()
    for index in product(*map(range, sweep.shape)):
        try:
            analysis = analyze(graph, **sweep.setting(*index))
        except ArchcalcError as error:
            assert not sweep.valid[index]
            assert sweep.reason(*index) == str(error)
            assert np.ma.is_masked(sweep.totals.macs[index])  # type: ignore[index]  # an array
            continue
        assert sweep.valid[index]
        assert sweep.reason(*index) is None
        _assert_same(sweep.totals, analysis.totals, TOTALS, index)
        _assert_same(memory, activation_bytes(analysis), MEMORY, index)


def _assert_same(figures: object, own: object, keys: tuple[str, ...], index: Any) -> None:
    for key in keys:
        found = getattr(figures, key)
        assert (found if found is None else found[index]) == getattr(own, key), (index, key)


def test_shared_weights_are_compared_setting_by_setting(tmp_path: Path) -> None:
    spec = tmp_path / "shared.yaml"
    conv = "conv: {name: %s, channels: 4, kernel: %s, padding: same%s}"
    layers = f"  - {conv % ('a', 'k', '')}\n  - {conv % ('b', '3', ', weights: a')}\n"
    spec.write_text(f"name: shared\ninput: [4, 8]\nparameters: {{k: 3}}\nlayers:\n{layers}")
    found = archcalc.sweep(str(spec), k=np.array([1, 3, 5]))
    assert list(found.valid) == [False, True, False]
    _assert_as_the_plain_walk(str(spec), found)


def test_memory_behind_gaps_is_that_of_each_setting(tmp_path: Path) -> None:
    spec = tmp_path / "gaps.yaml"
    spec.write_text(
        "name: gaps\ninput: [4, 8, 8]\nlayers:\n  - conv: {channels: 8, kernel: 1}\n"
        "  - crop: {sides: 1}\n  - group_norm: {groups: 2}\n  - channel_slice: {stop: 4}\n"
        "  - flatten\n  - linear: {features: 3}\n"
    )
    sizes = np.array([4, 8, 10, 12])
    _assert_as_the_plain_walk(str(spec), archcalc.sweep(str(spec), input=[4, sizes, 8]))


@pytest.mark.parametrize("name", network_names()[::3])
def test_sizes_of_the_input_can_be_arrays(name: str) -> None:
    graph = load(name)
    (first_input, *_), (channels, *sizes) = graph.inputs, graph.input.shape
    first = np.array([3, sizes[0] - 1, sizes[0], sizes[0] + 1]) if sizes else np.array([1, 7])
    spread: list[Any] = [first, *[np.array([[n], [2 * n - 1]]) for n in sizes[1:2]], *sizes[2:]]
    given = [channels, *spread] if sizes else [first]
    sweep = archcalc.sweep(name, input={first_input: given})
    assert sweep.shape == np.broadcast_shapes(*[np.shape(array) for array in spread])
    _assert_as_the_plain_walk(name, sweep)


def test_a_refusal_that_hangs_on_which_side_is_padded_parts_the_settings(tmp_path: Path) -> None:
    """Along three axes torch pads alike on both sides itself, and then does not count that."""
    spec = tmp_path / "video.yaml"
    pool = "avg_pool: {kernel: 3, padding: same, count_include_pad: false}"
    spec.write_text(f"name: video\ninput: [1, 1, 1, 2]\nlayers:\n  - {pool}\n")
    sweep = archcalc.sweep(str(spec), input=[1, 1, 1, np.array([2, 10, 3, 5])])
    assert sweep.valid.tolist() == [True, False, False, True]
    _assert_as_the_plain_walk(str(spec), sweep)


def test_of_two_refusals_the_first_is_told_where_an_expression_asks_behind(tmp_path: Path) -> None:
    spec = tmp_path / "asks.yaml"
    layers = (
        "conv: {name: a, channels: 2, kernel: 1}",
        "crop: {name: b, sides: 4}",
        "conv: {name: c, from: a, channels: 2, kernel: 5}",
        "conv: {from: a, channels: 'shape_of(c)[1]', kernel: 1}",
        "flatten",
    )
    spec.write_text("\n  - ".join(["name: asks\ninput: [1, 9]\nlayers:", *layers]))
    sweep = archcalc.sweep(str(spec), input=[1, np.array([3, 9])])
    assert "b (crop" in (sweep.reason(0) or "")
    _assert_as_the_plain_walk(str(spec), sweep)


def test_mobilenet_in_its_two_parameters() -> None:
    alphas, resolutions = np.array([0.25, 0.29, 0.5, 1.0, 1.4]), np.array([1, 32, 129, 224])
    sweep = archcalc.sweep("mobilenet_v1", **grid(alpha=alphas, resolution=resolutions))
    assert sweep.shape == (5, 4)
    _assert_as_the_plain_walk("mobilenet_v1", sweep)


@given(st.lists(st.tuples(st.floats(0.1, 2), st.integers(1, 300)), min_size=1, max_size=6))
def test_mobilenet_at_random_settings(settings: list[tuple[float, int]]) -> None:
    alphas, resolutions = map(np.array, zip(*settings, strict=True))
    sweep = archcalc.sweep("mobilenet_v1", alpha=alphas, resolution=resolutions)
    for index, (alpha, resolution) in enumerate(settings):
        own = analyze("mobilenet_v1", alpha=alpha, resolution=resolution).totals
        assert [getattr(sweep.totals, key)[index] for key in TOTALS] == [
            getattr(own, key) for key in TOTALS
        ]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("resnet20", {"units": np.array([1, 3, 3, 7])}),
        # At k = 1 the first units keep their inputs, and have no projection.
        ("wrn_16_8", {"widen": np.array([1, 2, 8]), "units": np.array([[1], [3]])}),
        ("wrn_16_8", {"kernels": [np.array([1, 3]), np.array([[3], [1]])]}),
        ("resnet50", {"depths": [3, np.array([1, 4]), 6, 3], "widen": np.array([1, 2])}),
        ("resnet50", {"bottleneck": np.array([True, False, False])}),
        ("resnet50", {"strides": np.array(["v1", "slim", "v1.5"])}),
        ("vgg16", {"batch_norm": np.array([False, True]), "classes": np.array([[10], [0]])}),
        ("densenet121", {"growth": np.array([4, 12, 31]), "classes": np.array([1, 10, 100])}),
        ("densenet_40_12", {"compression": np.array([0.5, 0.7, 1.0])}),
        ("resnext50_32x4d", {"groups": np.array([1, 3, 32]), "base_width": np.array([64, 5, 4])}),
        ("fractalnet20", {"columns": np.array([1, 2, 4]), "drop_path": np.array([0.0, 0.5, 2.0])}),
        ("squeezenet1_0", {"padding10": np.array([0, 1])}),
        ("alexnet", {"towers": np.array([1, 2, 5])}),
        ("teaching_grid", {"kernel": np.array([1, 2, 9]), "size": np.array([[4], [5], [8]])}),
    ],
)
def test_settings_that_shape_the_graph_go_their_own_ways(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    if name == "teaching_grid":
        name = str(tmp_path / "grid.yaml")
        Path(name).write_text(
            "name: grid\ninput: [2, size, size]\nparameters: {kernel: 3, size: 8}\nlayers:\n"
            "  - if: size % 2 == 0 and kernel**size > 1\n"
            "    then: [conv: {channels: 4 // (kernel - 2), kernel: kernel}]\n"
            "    else: [avg_pool: {kernel: kernel, stride: size // 4, padding: same}]\n"
        )
    _assert_as_the_plain_walk(name, archcalc.sweep(name, **settings))


def test_settings_of_one_shape_are_walked_once() -> None:
    walks: list[int] = []

    def number_of_layers(analysis: Analysis) -> int:
        walks.append(1)
        return len(analysis.layers)

    sweep = archcalc.sweep("resnet20", units=np.array([3, 5, 3, 5, 3]), classes=np.arange(10, 15))
    found = sweep.collect(number_of_layers)
    assert len(walks) == 2
    assert found.tolist() == [len(analyze("resnet20", units=n).layers) for n in (3, 5, 3, 5, 3)]


def test_what_is_kept_of_all_sizes_is_found_in_one_walk() -> None:
    walks: list[int] = []

    def training(analysis: Analysis) -> int:
        walks.append(1)
        kept = activation_bytes(analysis).training
        assert kept is not None
        return kept

    archcalc.sweep("vgg16", input=[3, np.array([64, 96, 128]), 64]).collect(training)
    assert len(walks) == 1


def test_any_figure_can_be_collected() -> None:
    widths = np.array([8, 16, 64])
    sweep = archcalc.sweep("stack_3x3x3", C=widths)
    assert sweep.collect(lambda a: a.layer("conv2").weights).tolist() == (9 * widths**2).tolist()
    assert sweep.collect(_field_of_conv2).tolist() == [5, 5, 5]


def _field_of_conv2(analysis: Analysis) -> Any:
    field = analysis.layer("conv2").receptive_field
    assert isinstance(field, tuple)
    return field[0]


def test_an_invalid_setting_is_marked_with_its_reason() -> None:
    sweep = archcalc.sweep("vgg16", input=[3, np.array([16, 32, 64]), 32])
    assert sweep.valid.tolist() == [False, True, True]
    assert "a window of 2 does not fit in 1" in str(sweep.reason(0))
    macs: Any = sweep.totals.macs
    assert macs.mask.tolist() == [True, False, False]
    assert macs.sum() == sum(analyze("vgg16", input=[3, n, 32]).totals.macs for n in (32, 64))


def test_with_all_settings_valid_the_figures_are_plain_arrays() -> None:
    sweep = archcalc.sweep("vgg16", classes=np.array([10, 100]))
    params: Any = sweep.totals.params
    assert type(params) is np.ndarray
    assert sweep.valid.all()


def test_overflow_raises() -> None:
    with pytest.raises(QuantityError, match="does not fit in 64 bits"):
        archcalc.sweep("single_3x3", C=np.array([64, 2**31]))
    with pytest.raises(QuantityError, match="does not fit in 64 bits"):
        # All that hangs on the array is valid and small; what is large has no array in it.
        archcalc.sweep("stack_2x3x3", C=2**31, kernels=[3, np.array([3, 5])])


def test_a_mesh_that_is_written_out_has_the_figures_of_the_grid() -> None:
    alphas, resolutions = np.linspace(0.25, 1, 40), np.arange(100, 140)
    spread = grid(alpha=alphas, resolution=resolutions)
    mesh = dict(zip(spread, np.meshgrid(alphas, resolutions, indexing="ij"), strict=True))
    flat = {name: array.ravel() for name, array in mesh.items()}
    expected: Any = archcalc.sweep("mobilenet_v1", **spread).totals.macs
    for settings in (mesh, flat):
        found: Any = archcalc.sweep("mobilenet_v1", **settings).totals.macs
        assert (found.ravel() == expected.ravel()).all()
        assert found.shape == settings["alpha"].shape


@pytest.mark.parametrize("tile", [1, 7, 50])
def test_it_does_not_matter_how_many_settings_are_walked_at_once(
    tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {
        "input": [3, np.arange(20, 40, 2), np.array([[31], [32], [33]])],
        "classes": np.arange(1, 11),
    }
    expected: Any = archcalc.sweep("vgg11", **settings).totals.params
    monkeypatch.setattr(setting_groups, "MOST_AT_ONCE", tile)
    found: Any = archcalc.sweep("vgg11", **settings).totals.params
    assert (found == expected).all()
    assert (found.mask == expected.mask).all()


def test_no_settings_have_no_figures() -> None:
    sweep = archcalc.sweep("vgg16", classes=np.array([], dtype=int))
    assert sweep.shape == (0,)
    macs: Any = sweep.totals.macs
    assert macs.shape == (0,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clases": np.array([1])}, "no parameter 'clases'; did you mean 'classes'"),
        (
            {"classes": np.array([1, 2]), "batch_norm": np.array([True] * 3)},
            "do not broadcast together",
        ),
        (
            {"input": [np.array([3])] * 5},
            "vgg16 takes an input of 3 numbers",
        ),
        ({"depths": np.array([1, 2])}, "depths must be a list"),
        ({"classes": np.array([1]), "dtype": "float31"}, "unknown dtype"),
    ],
)
def test_what_is_wrong_with_all_settings_raises(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        archcalc.sweep("vgg16", **settings)
    assert message in str(caught.value)


def test_a_setting_is_what_the_plain_walk_takes() -> None:
    sweep = archcalc.sweep(
        "resnet50", depths=[3, np.array([1, 4]), 6, 3], input=[3, np.array([64, 96]), 64]
    )
    assert sweep.setting(1) == {"depths": [3, 4, 6, 3], "input": [3, 96, 64]}


def test_a_grid_has_an_axis_for_each_array() -> None:
    spread = grid(a=[1, 2], b=[3, 4, 5])
    assert (spread["a"].shape, spread["b"].shape) == ((2, 1), (1, 3))


def test_floats_are_the_decimals_and_fractions_that_they_stand_for(tmp_path: Path) -> None:
    """100 * 0.29 is 28.999999999999996, and 29 layers are meant."""
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "name: net\ninput: [1, 8]\nparameters: {a: 1, b: 1}\nlayers:\n"
        "  - conv: {channels: floor(100*a), kernel: 1}\n"
        "  - conv: {channels: 300*a, kernel: 1}\n"
        "  - conv: {channels: 100*a // b, kernel: 1}\n"
    )
    a = np.array([0.29, 0.57, 0.58, 1 / 3, 2 / 3, 0.07, 1.9999999999999998, 0.005, 0.29])
    sweep = archcalc.sweep(str(spec), a=a, b=np.array([[1], [0.1], [0.3]]))
    assert sweep.valid.any(axis=0).tolist() == [True] * 6 + [False, False, True]
    _assert_as_the_plain_walk(str(spec), sweep)
    assert str(load(str(spec), a=0.29).parameters["a"]) == "29/100"


def test_settings_with_the_same_layers_are_walked_once() -> None:
    """Widths that round to the same channels, beside sizes of which each is another."""
    random = np.random.default_rng(3)
    widths, sizes = random.uniform(0.25, 1.5, 200_000), random.integers(128, 161, 200_000)
    seen: list[int] = []

    def settings_walked(analysis: Analysis) -> Any:
        found: Any = analysis.totals.macs
        seen.append(found.elements.size)
        return found

    sweep = archcalc.sweep("mobilenet_v1", alpha=widths, resolution=sizes)
    found = sweep.collect(settings_walked)
    assert sum(seen) <= 1281 * 33  # 1024 * 0.25 … 1.5 rounds to 1281 numbers of channels
    for number in random.integers(0, len(widths), 20):
        own = analyze("mobilenet_v1", alpha=widths[number], resolution=int(sizes[number]))
        assert found[number] == own.totals.macs


def test_masked_arrays_are_refused() -> None:
    masked = np.ma.masked_array([10, 100], mask=[True, False])
    with pytest.raises(UsageError, match="masked elements"):
        archcalc.sweep("vgg16", classes=masked)


def test_a_setting_that_overflows_is_marked_and_the_others_are_not(tmp_path: Path) -> None:
    spec = tmp_path / "overflow.yaml"
    spec.write_text(
        "name: overflow\ninput: [16]\nparameters: {k: 5}\nlayers:\n"
        '  - linear: {features: "min(2*k, 10)"}\n'
    )
    sweep = archcalc.sweep(str(spec), k=np.array([2**62, 7, 4]))
    assert sweep.valid.tolist() == [False, True, True]
    params: Any = sweep.totals.params
    assert params[1:].tolist() == [170, 136]
    assert "64 bits" in str(sweep.reason(0))
    _assert_as_the_plain_walk(str(spec), sweep)


def test_what_is_not_known_at_some_settings_is_said_of_all() -> None:
    spec = """\
name: some
input: [4, 6, 6]
parameters: {parts: 1, width: 4}
layers:
  - conv: {name: a, channels: width, kernel: 1}
  - repeat: parts
    layers:
      - opaque: {from: input, operator: op, of: [[4, 6, 6]], shape: [width, 6, 6]}
  - linear: {name: b, features: 3}
"""
    found = archcalc.sweep(spec, parts=np.array([0, 1, 2]), width=np.array([4, 5, 6]))
    assert found.valid.all()
    totals: Any = found.totals
    assert is_open(totals.macs)
    settings = ((0, 4), (1, 5), (2, 6))
    alone = [analyze(spec, parts=parts, width=width) for parts, width in settings]
    known: Any = totals.macs.known
    assert known.tolist() == [known_part(one.macs) for one in alone]
    assert totals.macs.unknown == 1
    assert totals.params.tolist() == [one.params for one in alone]
    peak: Any = found.activation_bytes().peak
    assert peak.mask.tolist() == [False, True, True]
    assert not is_open(archcalc.sweep(spec, parts=0, width=np.array([4, 5])).totals.macs)
