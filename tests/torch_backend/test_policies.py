"""Policies of memory, really carried out in torch: in place, and concatenations as views."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from archcalc import Analysis, Graph, analyze
from archcalc.graph import INPUT
from archcalc.layers.normalization import GroupNorm
from archcalc.memory_use.layout import layout
from archcalc.memory_use.liveness import most_alive, step_by_step, storages
from archcalc.torch_backend.build import Twin, build
from archcalc.torch_backend.joining_modules import Add
from archcalc.torch_backend.peak_memory import measured_inference
from tests.graphs import overwriting_graphs
from tests.spec_texts import analysis_of

# ----- in place -----


def in_place(twin: Twin, names: set[str]) -> Twin:
    """The twin with the layers called `names` in place, as torch itself does it."""
    for name in names:
        module: Any = twin.module_of(name)
        if hasattr(module, "inplace"):
            module.inplace = True
        else:
            assert isinstance(module, Add)
            vars(module)["forward"] = _add_in_place
    return twin


def _add_in_place(first: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        first += other
    return first


def outputs_of(twin: Twin, x: Tensor) -> list[Tensor]:
    with torch.no_grad():
        returned = twin.eval()(x.clone())
    return list(returned) if isinstance(returned, tuple) else [returned]


def check_in_place(analysis: Analysis) -> None:
    """Run in place, a network puts out the same, and needs the memory that the rule says."""
    network, batch = analysis.graph, analysis.batch
    names = layout(analysis, at_inference=True, in_place=True).overwriting
    twin, x = build(network), torch.randn(batch, *network.input.shape)
    right = outputs_of(twin, x)
    found = outputs_of(in_place(twin, names), x)
    for a, b in zip(right, found, strict=True):
        torch.testing.assert_close(a, b)
    rule = most_alive(step_by_step(storages(analysis, in_place=True)))
    assert measured_inference(twin, x.clone).beyond == rule


@given(overwriting_graphs(), st.integers(1, 3))
def test_in_place_is_what_torch_does_in_place(network: Graph, batch: int) -> None:
    check_in_place(analyze(network, batch=batch))


def overwriting(text: str) -> set[str]:
    return layout(analysis_of(text), at_inference=True, in_place=True).overwriting


def test_a_single_position_has_no_room_for_what_it_is_spread_over() -> None:
    text = """\
name: inplace
input: [1, 8, 8]
layers:
  - conv: {name: c, channels: 16, kernel: 1}
  - add: [[global_avg_pool], [{conv: {channels: 16, kernel: 3, padding: 1}}]]
  - conv: {channels: 64, kernel: 3, padding: 1}
"""
    analysis = analysis_of(text)
    check_in_place(analysis)
    # At the last layer: 64 positions of 16 and of 64 channels.
    assert most_alive(step_by_step(storages(analysis, in_place=True))) == 64 * (16 + 64) * 4


CLOBBERED = """\
name: clob
input: [1, 8]
layers:
  - conv: {name: c, channels: 64, kernel: 1}
  - identity: {name: v}
  - add: {name: sum, from: [c, v, v]}
  - conv: {channels: 1, kernel: 1}
"""


def test_what_is_read_through_a_view_is_not_overwritten() -> None:
    assert overwriting(CLOBBERED) == set()
    check_in_place(analysis_of(CLOBBERED))
    assert overwriting(CLOBBERED.replace("[c, v, v]", "[c, input2, input2]").replace(
        "  - add", "  - conv: {name: input2, from: input, channels: 64, kernel: 1}\n  - add"
    )) == {"sum"}  # fmt: skip


def test_the_run_would_tell_if_it_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "archcalc.memory_use.layout._Overwriting.may",
        lambda self, layer, number: layer.kind == "add",
    )
    with pytest.raises(AssertionError, match="not close"):
        check_in_place(analysis_of(CLOBBERED))


BEHIND_GAPS = """\
name: gaps
input: [2, 11, 5]
layers:
  - conv: {name: c, channels: 6, kernel: 3, padding: 1}
  - channel_slice: {start: 1, stop: 5}
  - silu: {name: s}
  - group_norm: {name: n, groups: 2}
"""


@pytest.mark.parametrize("batch", [1, 3])
def test_what_is_overwritten_in_a_slice_keeps_its_gaps(batch: int) -> None:
    analysis = analyze(analysis_of(BEHIND_GAPS).graph, batch=batch)
    check_in_place(analysis)
    found = storages(analysis, in_place=True)
    assert found.of["s"] == "c"
    assert most_alive(timeline_of(found, "n")) == batch * 4 * 55 * (6 + 4 + 4 * (batch > 1)) + (
        batch * 2 * 2 * 4
    )


def timeline_of(found: Any, layer: str) -> list[Any]:
    return [step for step in step_by_step(found) if step.layer == layer]


# ----- concatenations as views -----


def _in_a_row(layer: Any) -> bool:
    """Whether it concatenates along the first axis, so that each part of an image is whole."""
    return layer.kind == "concat" and layer.node.layer.axis in (0, -layer.output.rank)


class _Embedding:
    """Carries a network out with everything where the policy says that it lies."""

    def __init__(self, analysis: Analysis, *, overwrite: bool) -> None:
        self._analysis = analysis
        self._found = storages(analysis, in_place=overwrite, concat_views=True)
        where = layout(analysis, at_inference=True, in_place=overwrite)
        self._own = where.of
        self.twin = in_place(build(analysis.graph).eval(), where.overwriting)
        self._memory: dict[str, Tensor] = {}
        self.values: dict[str, Tensor] = {}
        self.embedded = {s for s in set(self._own.values()) if self._found.of[s] != s}

    def run(self, x: Tensor) -> None:
        self.values[INPUT] = x
        with torch.no_grad():
            for layer in self._analysis.inference_layers:
                self.values[layer.name] = self._put(layer, [self.values[n] for n in layer.inputs])

    def _put(self, layer: Any, inputs: list[Tensor]) -> Tensor:
        name = layer.name
        if isinstance(layer.node.layer, GroupNorm):
            self._check_gaps(layer, inputs[0])
        if self._own[name] != name:  # a view, or in place
            result: Tensor = self.twin.module_of(name)(*inputs)
            assert result.untyped_storage().data_ptr() == inputs[0].untyped_storage().data_ptr()
            return result
        region = self._region(name, inputs[0])
        if not _in_a_row(layer):
            region.copy_(self.twin.module_of(name)(*inputs))
            return region
        channel = 0
        for source in inputs:
            part = region.narrow(1, channel, source.shape[1])
            if part.data_ptr() != source.data_ptr():
                part.copy_(source)
            channel += source.shape[1]
        return region

    def _check_gaps(self, layer: Any, x: Tensor) -> None:
        beside = f"{layer.name} (workspace)"
        statistics = 2 * layer.node.layer.groups * len(x) * 4
        copy = 0 if x.is_contiguous() else x.numel() * 4
        assert self._found.bytes[beside] == statistics + copy

    def _region(self, name: str, like: Tensor) -> Tensor:
        """Where the output of the layer that makes the storage `name` lies."""
        shape = self._analysis.maps[name].shape
        whole, first = self._place(name)
        if whole not in self._memory:
            values = self._analysis.maps[whole].values
            self._memory[whole] = like.new_full((len(like), values), float("nan"))
        values = self._analysis.maps[name].values
        return self._memory[whole].narrow(1, first, values).view(len(like), *shape)

    def _place(self, storage: str) -> tuple[str, int]:
        """The outermost storage that a storage lies in, and the first value of an image there."""
        if storage not in self.embedded:
            return storage, 0
        maps = self._analysis.maps
        for layer in reversed(self._analysis.inference_layers):
            for number, name in enumerate(layer.inputs):
                if _in_a_row(layer) and self._own[name] == storage:
                    whole, first = self._place(self._own[layer.name])
                    before = sum(maps[n].values for n in layer.inputs[:number])
                    return whole, first + before
        raise AssertionError(f"{storage} is concatenated nowhere")


def check_embedding(analysis: Analysis, *, overwrite: bool) -> None:
    """With concatenations as views a network puts out the same."""
    x = torch.randn(analysis.batch, *analysis.input.shape)
    run = _Embedding(analysis, overwrite=overwrite)
    right = outputs_of(_without_in_place(analysis.graph, run.twin), x)
    run.run(x.clone())
    for name, value in zip(analysis.graph.outputs, right, strict=True):
        torch.testing.assert_close(run.values[name], value)


def _without_in_place(network: Graph, twin: Twin) -> Twin:
    """Another twin with the same weights."""
    other = build(network)
    other.load_state_dict(twin.state_dict())
    return other


@given(overwriting_graphs(), st.integers(1, 2), st.booleans())
def test_what_is_concatenated_can_lie_where_the_policy_says(
    network: Graph, batch: int, overwrite: bool
) -> None:
    check_embedding(analyze(network, batch=batch), overwrite=overwrite)


@pytest.mark.parametrize(
    ("layers", "inside"),
    [
        # What is concatenated is overwritten behind the concatenation, which is read later.
        ("- relu: {name: r, from: p}\n  - conv: {name: d, from: c, channels: 2, kernel: 1}", False),
        # The concatenation is overwritten before what is concatenated is read again.
        ("- relu: {name: r}\n  - conv: {name: d, from: p, channels: 2, kernel: 1}", False),
        # Nothing is needed again.
        ("- relu: {name: r}\n  - conv: {name: d, channels: 2, kernel: 1}", True),
        # A part of what is concatenated is needed again.
        ("- relu: {name: r}\n  - conv: {name: d, from: sliced, channels: 2, kernel: 1}", False),
    ],
)
@pytest.mark.parametrize("what", ["p", "sliced"])
def test_what_is_overwritten_lies_by_itself(layers: str, inside: bool, what: str) -> None:
    analysis = analysis_of(f"""\
name: overwritten
input: [2, 6]
layers:
  - conv: {{name: p, channels: 4, kernel: 1}}
  - channel_slice: {{name: sliced, stop: 2, from: p}}
  - conv: {{name: q, channels: 3, kernel: 1, from: input}}
  - concat: {{name: c, from: [{what}, q]}}
  {layers}
  - add: [[conv: {{from: r, channels: 2, kernel: 1}}], [identity: {{from: d}}]]
""")
    check_embedding(analysis, overwrite=True)
    found = storages(analysis, in_place=True, concat_views=True)
    # Where a slice is concatenated, what it is a slice of is more than that.
    assert found.of["p"] == ("c" if inside and what == "p" else "p")
    assert found.of["q"] == "c"
