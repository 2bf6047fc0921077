"""Random graphs: archcalc's figures are the oracle's, every one.

2,000 in a run of the tests, 50,000 with HYPOTHESIS_PROFILE=thorough, which takes most of an hour;
the counts are printed at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from archcalc.layers import own_kinds
from tests.fuzz.fields import KINDS
from tests.fuzz.operators import JOINS
from tests.fuzz.trial import told, try_seeds

GRAPHS = 50_000 if settings.get_current_profile_name() == "thorough" else 2_000
TESTS = 40
EACH = GRAPHS // TESTS
SHOWN = 3  # failures that are made small and printed, of each test


@pytest.mark.parametrize("number", range(TESTS))
def test_every_figure_is_the_oracles(
    number: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    torch.set_num_threads(1)
    path = tmp_path / "drawn.yaml"
    count, failures = try_seeds(range(number * EACH, (number + 1) * EACH), path)
    record_property("fuzz", list(count))
    told_of = [told(graph, differences, path) for graph, differences in failures[:SHOWN]]
    assert not failures, f"{count}\n\n" + "\n".join(told_of)


# In graphs of their own, which torch judges: `tests.layers.test_tokens`, `test_recurrent` and
# `test_repeating`.
ELSEWHERE = {"opaque", "expand", "repeat_interleave", "tile",
             "embedding", "index_select", "parameter", "rearrange", "rotary_embedding", "select",
             "slice", "scaled_dot_product_attention", "matmul", "multihead_attention", "rnn", "gru",
             "lstm", "bilinear", "grid_sample", "deform_conv", "roi_align"}  # fmt: skip


def test_every_layer_kind_is_drawn() -> None:
    """But for pointwise ones that nobody has added: to a graph they are as those that are drawn."""
    drawn = {*KINDS, *JOINS, "max_unpool"}
    assert drawn | ELSEWHERE <= {kind.kind for kind in own_kinds()}
    assert {kind.kind for kind in own_kinds() if not kind.pointwise} <= drawn | ELSEWHERE
