"""The layers of two networks, aligned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Graph, load
from archcalc.comparing.alignment import Pair, align, stems


def names(pairs: Iterable[Pair]) -> list[tuple[str | None, str | None]]:
    return [
        (before.name if before else None, after.name if after else None) for before, after in pairs
    ]


def built(folder: Path, *layers: str) -> Graph:
    """A chain of layers, each as it stands in a spec."""
    path = folder / f"net{len(list(folder.iterdir()))}.yaml"
    lines = ["name: net", "input: [8, 32, 32]", "layers:", *(f"  - {layer}" for layer in layers)]
    path.write_text("\n".join(lines))
    return load(str(path))


CONV = "conv: {{channels: {}, kernel: 3, padding: 1}}"


def test_a_network_aligns_with_itself() -> None:
    graph = load("googlenet")
    assert all(before == after for before, after in align(graph, graph))


def test_units_put_into_a_stage_are_found() -> None:
    pairs = align(load("resnet101"), load("resnet152"))
    assert all(after is not None for _, after in pairs)
    added = [after.name for before, after in pairs if before is None and after is not None]
    # 4 units of 10 layers more in layer2, 13 in layer3.
    assert len(added) == 170
    assert {name.split(".")[0] for name in added} == {"layer2", "layer3"}
    assert all(before.name == after.name for before, after in pairs if before and after)


def test_numbers_that_archcalc_counts_do_not_hide_what_was_put_in(tmp_path: Path) -> None:
    before = built(tmp_path, CONV.format(4), "relu", CONV.format(8), "relu")
    after = built(tmp_path, CONV.format(16), "relu", CONV.format(4), "relu", CONV.format(8), "relu")
    assert names(align(before, after)) == [
        (None, "conv1"),
        (None, "relu1"),
        ("conv1", "conv2"),
        ("relu1", "relu2"),
        ("conv2", "conv3"),
        ("relu2", "relu3"),
    ]


def test_a_renamed_layer_is_the_same_layer(tmp_path: Path) -> None:
    before = built(tmp_path, "conv: {name: a, channels: 4, kernel: 3}", "relu: {name: r}")
    after = built(tmp_path, "conv: {name: b, channels: 4, kernel: 3}", "relu: {name: r}")
    assert names(align(before, after)) == [("a", "b"), ("r", "r")]


def test_a_layer_under_the_same_name_stays_it_whatever_its_fields(tmp_path: Path) -> None:
    before = built(tmp_path, "conv: {name: a, channels: 4, kernel: 3}", "flatten: {name: f}")
    fields = "channels: 9, kernel: 5, stride: 2, padding: 2, dilation: 2, bias: false"
    after = built(tmp_path, f"conv: {{name: a, {fields}}}", "flatten: {name: f}")
    assert names(align(before, after)) == [("a", "a"), ("f", "f")]


def test_a_kind_may_be_replaced_by_one_of_its_family(tmp_path: Path) -> None:
    before = built(tmp_path, CONV.format(4), "relu", "max_pool: {name: pool, kernel: 2}")
    after = built(tmp_path, CONV.format(4), "gelu", "avg_pool: {name: pool, kernel: 2}")
    assert names(align(before, after))[1:] == [("relu1", "gelu1"), ("pool", "pool")]


def test_an_activation_does_not_become_a_pool(tmp_path: Path) -> None:
    before = built(tmp_path, CONV.format(4), "relu: {name: x}")
    after = built(tmp_path, CONV.format(4), "max_pool: {name: x, kernel: 2}")
    assert names(align(before, after)) == [("conv1", "conv1"), ("x", None), (None, "x")]


def test_what_is_removed_comes_before_what_is_added() -> None:
    kinds = [
        "added" if before is None else "removed"
        for before, after in align(load("lenet5"), load("mlp_7_3"))
        if before is None or after is None
    ]
    assert kinds == sorted(kinds, reverse=True)


def test_counted_parts_of_a_name_have_no_stem(tmp_path: Path) -> None:
    graph = built(tmp_path, "relu", "relu: {name: relu7x}", "conv: {channels: 4, kernel: 1}")
    assert [*stems(graph).values()] == [(None,), ("relu7x",), (None,)]


def test_what_is_too_large_and_too_different_is_replaced_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archcalc.comparing.alignment.MOST_PAIRS", 3)
    before = built(tmp_path, CONV.format(4), "relu")
    after = built(tmp_path, CONV.format(8), "relu")
    assert names(align(before, after)) == [
        ("conv1", None),
        ("relu1", None),
        (None, "conv1"),
        (None, "relu1"),
    ]


LAYERS = ["relu", "gelu", CONV.format(8), CONV.format(4), "dropout"]


@given(
    first=st.lists(st.sampled_from(LAYERS), min_size=1, max_size=8),
    second=st.lists(st.sampled_from(LAYERS), min_size=1, max_size=8),
)
def test_every_layer_stands_in_one_pair_in_its_order(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], second: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("specs")
    before, after = built(folder, *first), built(folder, *second)
    pairs = align(before, after)
    assert [pair.before for pair in pairs if pair.before] == list(before.nodes)
    assert [pair.after for pair in pairs if pair.after] == list(after.nodes)
    assert (None, None) not in pairs


def test_what_is_done_again_in_a_module_is_counted(tmp_path: Path) -> None:
    """Torch modules use one `relu` twice or thrice; a spec calls the same relu1, relu2 and relu."""
    of_module, of_spec = [
        built(
            tmp_path,
            CONV.format(4),
            f"relu: {{name: {first}}}",
            CONV.format(8),
            f"relu: {{name: {second}}}",
        )
        for first, second in (("relu", "relu_2"), ("relu1", "relu"))
    ]
    assert names(align(of_spec, of_module))[1::2] == [("relu1", "relu"), ("relu", "relu_2")]
    act = built(tmp_path, "relu: {name: act}", "relu: {name: act_2}", "relu: {name: last_2}")
    assert [*stems(act).values()] == [(None,), (None,), ("last_2",)]
