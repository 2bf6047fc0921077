"""What is alive while a network runs, worked out by hand; and the search for a better order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.memory_use.liveness import most_alive, peak_of, storages, timeline
from archcalc.walk import analyze

Load = Callable[[str], Analysis]


@pytest.fixture
def network(tmp_path: Path) -> Load:
    def load(layers: str) -> Analysis:
        path = tmp_path / "net.yaml"
        path.write_text(f"name: net\ninput: [1, 10]\nlayers:\n{layers}")
        return analyze(str(path))

    return load


CHAIN = """
  - conv: {name: a, channels: 4, kernel: 1}
  - relu: {name: b}
  - flatten: {name: c}
  - linear: {name: d, features: 2}
"""
# Bytes: input 10*4 = 40, a and b 4*10*4 = 160 each, c a view of b, d 2*4 = 8.


def test_a_tensor_lives_to_its_last_use(network: Load) -> None:
    steps = timeline(storages(network(CHAIN)))
    assert [dict(step.alive) for step in steps] == [
        {"input": 40, "a": 160},
        {"a": 160, "b": 160},
        {"b": 160},
        {"b": 160, "d": 8},
    ]
    assert peak_of(steps).layer == "b"
    assert most_alive(steps) == 320


def test_an_activation_in_place_needs_no_memory_of_its_own(network: Load) -> None:
    steps = timeline(storages(network(CHAIN), in_place=True))
    assert [step.bytes for step in steps] == [200, 160, 160, 168]


def test_what_is_needed_later_is_not_overwritten(network: Load) -> None:
    analysis = network(
        "  - conv: {name: a, channels: 4, kernel: 1}\n"
        "  - add:\n"
        "      name: sum\n"
        "      branches: [[relu: {name: b}, conv: {name: c, channels: 4, kernel: 1}], []]\n"
    )
    found = storages(analysis, in_place=True)
    assert found.of["b"] == "b"  # the identity still needs a
    assert found.of["sum"] == "c"


CONCAT = """
  - concat:
      name: both
      branches:
        - [conv: {name: a, channels: 1, kernel: 1}]
        - [conv: {name: b, channels: 3, kernel: 1}]
"""


def test_a_concatenation_is_a_copy_or_holds_its_branches(network: Load) -> None:
    analysis = network(CONCAT)
    # a 40, b 120, both 160; the input's 40 until b has run.
    copied = timeline(storages(analysis))
    assert [step.bytes for step in copied] == [80, 200, 320]
    as_view = timeline(storages(analysis, concat_views=True))
    assert [step.bytes for step in as_view] == [200, 200, 160]


def test_indices_live_until_their_pool_is_undone(network: Load) -> None:
    analysis = network(
        "  - conv: {name: a, channels: 1, kernel: 1}\n"
        "  - max_pool: {name: pool, kernel: 2}\n"
        "  - relu: {name: b}\n"
        "  - max_unpool: {name: undo, kernel: 2, indices: pool}\n"
    )
    alive = [dict(step.alive) for step in timeline(storages(analysis))]
    # 5 values of 8 bytes each.
    assert alive[1] == {"a": 40, "pool": 20, "pool (indices)": 40}
    assert alive[2] == {"pool": 20, "b": 20, "pool (indices)": 40}
    assert alive[3] == {"b": 20, "undo": 40, "pool (indices)": 40}


def test_indices_into_what_no_image_changes_are_there_once(network: Load) -> None:
    graph = network(
        "  - parameter: {name: a, shape: [1, 10]}\n"
        "  - max_pool: {name: pool, kernel: 2}\n"
        "  - max_unpool: {name: undo, kernel: 2, indices: pool}\n"
    ).graph
    alive = [dict(step.alive) for step in timeline(storages(analyze(graph, batch=2)))]
    assert alive[2] == {"pool": 20, "undo": 40, "pool (indices)": 40}


def test_outputs_live_to_the_end(network: Load) -> None:
    analysis = network(
        "  - conv: {name: a, channels: 4, kernel: 1}\n"
        "  - head: {name: h, training_only: false, layers: [relu: {name: b}]}\n"
        "  - conv: {name: c, channels: 1, kernel: 1}\n"
        "  - conv: {name: d, channels: 1, kernel: 1}\n"
    )
    last = dict(timeline(storages(analysis))[-1].alive)
    assert last == {"h.b": 160, "c": 40, "d": 40}


def test_free_sizes_have_no_peak_step() -> None:
    from archcalc import symbol

    found = storages(analyze("vgg16", input=[3, 32 * symbol("h"), 32]))
    with pytest.raises(UsageError, match="free sizes"):
        peak_of(timeline(found))
