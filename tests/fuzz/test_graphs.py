"""Random graphs: archcalc's figures are the oracle's, every one.

2,000 in a run of the tests; 20,000 with HYPOTHESIS_PROFILE=thorough, in processes of their own,
for torch may crash. The counts are printed at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from archcalc.layers import own_kinds
from tests.fuzz.functions import FUNCTIONS
from tests.fuzz.generator import drawn
from tests.fuzz.interpreter import read
from tests.fuzz.many import try_many
from tests.fuzz.operators import JOINS, OF_SEVERAL, OPERATORS
from tests.fuzz.trial import told, try_seeds

THOROUGH = settings.get_current_profile_name() == "thorough"
GRAPHS = 20_000 if THOROUGH else 2_000
TESTS = 40
EACH = GRAPHS // TESTS
SHOWN = 3  # failures that are made small and printed, of each test


@pytest.mark.parametrize("number", range(TESTS))
def test_every_figure_is_the_oracles(
    number: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seeds = range(number * EACH, (number + 1) * EACH)
    if THOROUGH:
        tried = try_many(seeds)
        record_property("fuzz", list(tried.count))
        assert tried.is_good, "\n\n".join([str(tried), *list(tried.differing.values())[:SHOWN]])
        return
    torch.set_num_threads(1)
    path = tmp_path / "drawn.yaml"
    count, failures = try_seeds(seeds, path)
    record_property("fuzz", list(count))
    told_of = [told(graph, differences, path) for graph, differences in failures[:SHOWN]]
    assert not failures, f"{count}\n\n" + "\n".join(told_of)


# Why no random graph has layers of a kind. `tests.layers` holds those that torch has to it.
NOT_DRAWN = {
    "opaque": "torch has no such layer: its figures are those that the spec gives",
    "roi_align": "it makes items, several maps of an image, which the oracle has none of",
}
KINDS_SEEN_IN = 1_500  # graphs


def test_every_layer_kind_is_drawn_together_with_others() -> None:
    """Of those of one table one is enough: to a graph these pointwise ones are all alike."""
    wanted = {kind.kind for kind in own_kinds()} - NOT_DRAWN.keys()
    table = {kind for kind in wanted if kind in FUNCTIONS}
    missing = sorted(wanted - {*OPERATORS, *OF_SEVERAL, *JOINS, "max_unpool"})
    assert not missing, f"{TOLD}: {missing}"
    seen: set[str] = set()
    for seed in range(KINDS_SEEN_IN):
        kinds = {layer.kind for layer in read(drawn(seed).text).layers}
        seen |= kinds if len(kinds) > 2 else set()
        if wanted - table <= seen:
            break
    assert not (wanted - table - seen), f"{TOLD}: {sorted(wanted - table - seen)}"
    assert table & seen


def test_what_is_not_drawn_is_a_kind() -> None:
    assert {kind.kind for kind in own_kinds()} >= NOT_DRAWN.keys()


TOLD = """\
random graphs have no layers of these kinds; say in tests/fuzz what torch does (operators, learned,
counting), what units see (sight, reach) and how fields are drawn (fields), or why not (NOT_DRAWN)\
"""
