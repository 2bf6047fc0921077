"""Which outputs lie where their inputs lie, as torch has it."""

from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Analysis, analyze
from archcalc.layers.strides import strides_after
from archcalc.memory_use.layout import layout
from archcalc.torch_backend.build import build
from tests.graphs import all_used
from tests.spec_texts import graph_of

SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(data=st.data(), sizes=SIZES)
def test_strides_are_torchs(data: st.DataObject, sizes: list[int]) -> None:
    whole = torch.empty(sizes)
    cut = whole[tuple(slice(0, data.draw(st.integers(1, n))) for n in sizes)]
    left, after = cut.numel(), []
    while left > 1:
        after.append(data.draw(st.sampled_from([n for n in range(1, left + 1) if left % n == 0])))
        left //= after[-1]
    after.insert(data.draw(st.integers(0, len(after))), 1)
    try:
        right: tuple[int, ...] | None = cut.view(after).stride()
    except RuntimeError:
        right = None
    found = strides_after(cut.shape, cut.stride(), after)
    assert (found is None) == (right is None)
    if found is not None and right is not None:  # those of an axis of one value say nothing
        assert [s for s, n in zip(found, after, strict=True) if n > 1] == [
            s for s, n in zip(right, after, strict=True) if n > 1
        ]


GAPS = """\
name: gaps
input: [4, 6, 6]
layers:
  - conv: {name: conv, channels: 4, kernel: 1}
  - crop: {name: crop, sides: 1}
  - flatten: {name: copied, from: crop}
  - channel_slice: {name: slice, stop: 2, from: conv}
  - flatten: {name: flat, from: slice}
  - reshape: {name: rows, shape: [2, 36], from: slice}
  - crop: {name: rows_cropped, sides: [[1, 1], [0, 0]], from: conv}
  - reshape: {name: merged, shape: [4, 24], from: rows_cropped}
  - reshape: {name: mixed, shape: [8, 12], from: rows_cropped}
  - relu: {name: relu, from: crop}
  - flatten: {name: dense, from: relu}
"""


def views(analysis: Analysis, *, at_inference: bool) -> set[str]:
    """The layers whose outputs lie where others do."""
    of = layout(analysis, at_inference=at_inference).of
    return {name for name, storage in of.items() if name != storage}


@pytest.mark.parametrize("batch", [1, 2])
def test_another_shape_of_a_map_with_gaps_may_be_a_copy(batch: int) -> None:
    network = all_used(graph_of(GAPS))
    analysis = analyze(network, batch=batch)
    outputs: dict[str, torch.Tensor] = {"input": torch.rand(batch, 4, 6, 6)}
    twin = build(network)
    for layer in analysis.layers:
        module = twin.get_submodule(twin.module_names[layer.name])
        outputs[layer.name] = module(*[outputs[name] for name in layer.inputs])
    shared = {
        layer.name
        for layer in analysis.layers
        if outputs[layer.name].untyped_storage().data_ptr()
        == outputs[layer.inputs[0]].untyped_storage().data_ptr()
    }
    assert views(analysis, at_inference=False) == shared
    assert {"copied", "rows_cropped"} & shared == {"rows_cropped"}
    assert {"flat", "rows", "merged"} <= shared


def test_without_gaps_every_other_shape_is_a_view() -> None:
    whole = GAPS.replace("sides: 1}", "sides: 0}").replace("[1, 1]", "[0, 0]")
    whole = whole.replace("[4, 24]", "[4, 36]").replace("[8, 12]", "[8, 18]")
    analysis = analyze(all_used(graph_of(whole)))
    found = views(analysis, at_inference=True)
    assert found == {layer.name for layer in analysis.layers} - {"conv", "relu"}
    assert prod(analysis.layer("mixed").output.shape) == 8 * 18
