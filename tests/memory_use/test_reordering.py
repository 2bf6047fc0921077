"""The search for the order that needs the least memory, beside all orders that there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archcalc import Graph, analyze, symbol
from archcalc.errors import UsageError
from archcalc.memory_use.liveness import Storages, most_alive, storages, timeline
from archcalc.memory_use.reordering import better_order
from tests.graphs import overwriting_graphs
from tests.spec_texts import analysis_of


def peak(found: Storages, order: list[str] | None = None) -> int:
    most: int = most_alive(timeline(found, order))
    return most


def every_order(found: Storages, done: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """All orders in which the layers can run."""
    if len(done) == len(found.layers):
        yield list(done)
    for layer in found.layers:
        if layer.name not in done and found.before[layer.name] <= set(done):
            yield from every_order(found, (*done, layer.name))


def test_a_better_order_is_found_where_there_is_one() -> None:
    found = storages(
        analysis_of("""\
name: net
input: [1, 10]
layers:
  - conv: {name: start, channels: 1, kernel: 1}
  - concat:
      name: join
      branches:
        - - conv: {name: mid, channels: 30, kernel: 1}
        - - conv: {name: wide, channels: 50, kernel: 1}
          - conv: {name: narrow, channels: 1, kernel: 1}
""")
    )
    # As written start's 40 and mid's 1200 wait while wide's 2000 live. The other way round they
    # never meet, and the most is alive in the end: mid's 1200, narrow's 40 and their join's 1240.
    assert peak(found) == 40 + 1200 + 2000
    assert peak(found, better_order(found).layers) == 1200 + 40 + 1240


def test_what_raises_no_peak_may_still_be_too_early() -> None:
    found = storages(
        analysis_of("""\
name: early
input: [1, 10]
layers:
  - conv: {name: start, channels: 99, kernel: 1}
  - conv: {name: small, channels: 1, kernel: 1}
  - concat:
      - - conv: {name: kept, channels: 30, kernel: 1}
      - - conv: {name: wide, channels: 90, kernel: 1}
        - conv: {name: narrow, channels: 1, kernel: 1}
""")
    )
    # 40 bytes a channel. As written kept's 30 wait beside small's 1 and wide's 90.
    assert peak(found) == 121 * 40
    assert peak(found, better_order(found).layers) == 100 * 40  # of start and small


def test_a_view_of_the_input_makes_no_second_input() -> None:
    found = storages(
        analysis_of("""\
name: order2
input: [8, 16, 16]
layers:
  - concat:
      - [{conv: {channels: 64, kernel: 3, padding: 1}}, {conv: {channels: 8, kernel: 1}}]
      - [{channel_split: {parts: 2, part: 0}}, {max_pool: {kernel: 3, stride: 1, padding: 1}}]
""")
    )
    # 256 positions, 4 bytes: the input's 8 channels, and the pool's 4 before them, beside 64.
    order, is_best = better_order(found)
    assert (peak(found), peak(found, order), is_best) == (81_920, (4 + 64 + 8) * 1024, True)


@given(overwriting_graphs(most=6), st.booleans(), st.booleans())
def test_no_order_has_a_lower_peak_than_the_one_found(
    network: Graph, in_place: bool, concat_views: bool
) -> None:
    analysis = analyze(network)
    assume(len(analysis.inference_layers) <= 8)
    found = storages(analysis, in_place=in_place, concat_views=concat_views)
    order, is_best = better_order(found)
    assert is_best
    assert peak(found, order) == min(peak(found, other) for other in every_order(found))


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "densenet121", "fractalnet20"])
def test_a_better_order_is_an_order_and_not_worse(name: str) -> None:
    found = storages(analyze(name))
    order = better_order(found).layers
    assert sorted(order) == sorted(layer.name for layer in found.layers)
    done: set[str] = set()
    for layer in order:
        assert found.before[layer] <= done
        done.add(layer)
    assert peak(found, order) <= peak(found)


def test_a_search_that_is_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    branches = ", ".join(
        f"[conv: {{channels: 80, kernel: 1}}, conv: {{channels: {n}, kernel: 1}}]"
        for n in range(1, 7)
    )
    found = storages(analysis_of(f"  - concat: [{branches}]\n"))
    order, is_best = better_order(found)
    assert is_best
    monkeypatch.setattr("archcalc.memory_use.reordering.MOST_TRIED", 20)
    short = better_order(found)
    assert not short.is_best
    assert peak(found, order) <= peak(found, short.layers) <= peak(found)


def test_free_sizes_have_no_order() -> None:
    found = storages(analyze("vgg16", input=[3, 32 * symbol("h"), 32]))
    with pytest.raises(UsageError, match="free sizes"):
        better_order(found)
