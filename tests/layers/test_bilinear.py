"""Networks with bilinear forms: of parts of maps, of learned tensors, frozen; against torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archcalc import FeatureMap, Graph, LayerError, UsageError, analyze, load, verify
from archcalc.layers.bilinear import Bilinear
from archcalc.memory_use.freezing import with_frozen
from archcalc.memory_use.training import backward_macs, step_of
from archcalc.testing.training import check_step
from archcalc.torch_backend.flops import flop_counter
from tests.torch_backend.test_training_step import counted
from tests.unit_field.test_tracing import check_units


@st.composite
def forms(draw: Any) -> Graph:
    """Two maps, or two parts of one with gaps between, in one order of axes or another."""
    length, heads, n, m = (draw(st.integers(1, 3)) for _ in range(4))
    shape, order = draw(
        st.sampled_from(
            [
                (f"[{length}, {n}]", "l c -> l c"),
                (f"[{heads}, {length}, {n}]", "h l c -> h l c"),
                (f"[{length}, {heads}, {n}]", "l h c -> h l c"),
            ]
        )
    )
    bias = str(draw(st.booleans())).lower()
    features = f"features: {draw(st.integers(1, 3))}, bias: {bias}"
    in_columns = f"""\
  - linear: {{name: a, features: {n + m}}}
  - slice: {{name: x, from: a, axis: -1, stop: {n}}}
  - slice: {{name: y, from: a, axis: -1, start: {n}}}
"""
    in_rows = f"""\
  - slice: {{name: x, from: p, axis: -2, stop: {heads}}}
  - slice: {{name: y, from: p, axis: -2, start: {heads}}}
"""
    apart = f"  - linear: {{name: y, from: p, features: {m}}}\n  - identity: {{name: x, from: p}}\n"
    inputs = draw(st.sampled_from([in_columns, in_rows, apart]))
    if inputs is in_rows:
        shape, order = f"[{length}, {2 * heads}, {n}]", "l h c -> l h c"
    return load(f"""\
name: forms
input: {shape}
layers:
  - linear: {{name: e, features: {n}}}
  - rearrange: {{name: p, axes: "{order}"}}
{inputs}  - bilinear: {{name: f, from: [x, y], {features}}}
  - linear: {{features: 2}}
""")


@given(forms(), st.integers(1, 3))
def test_a_step_with_a_form_takes_what_torch_takes(net: Graph, batch: int) -> None:
    check_step(net, batch)


@given(forms(), st.sampled_from(["f", "e", "a", "e,a,y"]))
def test_a_step_with_a_frozen_form_takes_what_torch_takes(net: Graph, frozen: str) -> None:
    names = [name for name in frozen.split(",") if name in {node.name for node in net.nodes}]
    check_step(with_frozen(net, names))


FORM = """\
name: form
input: [3, 4, 5]
layers:
  - conv: {name: a, channels: 2, kernel: 1}
  - rearrange: {name: x, axes: "c h w -> h w c"}
  - conv: {name: b, from: input, channels: 3, kernel: 3, padding: 1}
  - rearrange: {name: y, axes: "c h w -> h w c"}
  - bilinear: {name: f, from: [x, y], features: 6}
  - slice: {name: first, axis: -1, stop: 4}
  - slice: {name: second, from: f, axis: -1, start: 4}
  - bilinear: {from: [first, second], features: 7, bias: false}
"""


def test_figures_of_forms_are_torchs() -> None:
    assert not verify(FORM, batch=2).found.differences


@given(forms())
def test_a_step_takes_the_macs_of_the_products_that_torchs_kernel_runs(net: Graph) -> None:
    analysis = analyze(net, batch=2)
    forward = sum(layer.macs for layer in analysis.layers)
    backward = sum(macs.total for macs in backward_macs(analysis).values())
    assert counted(analysis) == 2 * (forward + backward)


def test_the_same_products_by_einsum_are_as_many() -> None:
    x, other, weight = torch.zeros(7, 3), torch.zeros(7, 4), torch.zeros(5, 3, 4)
    with flop_counter() as counter:
        of_all = torch.einsum("li,oij->loj", x, weight)
        torch.einsum("loj,lj->lo", of_all, other)
    effect = Bilinear(features=5).effect_on(FeatureMap(7, (3,)), FeatureMap(7, (4,)))
    assert counter.get_total_flops() == 2 * effect.macs == 2 * 7 * 5 * 4 * (3 + 1)


@given(forms(), st.data())
def test_each_unit_sees_all_features_of_its_place(net: Graph, data: st.DataObject) -> None:
    assert all(check_units(net, data))


@pytest.mark.parametrize("shape", [(4,), (3, 4)])
@pytest.mark.parametrize("other", ["e", "again"])
def test_gradients_of_one_tensor_are_summed_behind_what_it_kept(
    shape: tuple[int, ...], other: str
) -> None:
    net = load(
        {
            "name": "both",
            "input": [*shape],
            "layers": [
                {"linear": {"name": "e", "features": 4}},
                {"linear": {"name": "again", "features": 4}},
                {"bilinear": {"name": "f", "from": ["e", other], "features": 3}},
            ],
            "outputs": ["e", "f"],
        }
    )
    check_step(net, 2)


LEARNED = """\
name: learned
input: [4, 3]
layers:
  - parameter: {name: t, shape: [4, 2]}
  - bilinear: {from: [input, t], features: 5}
"""


def test_a_learned_tensor_is_one_for_all_images() -> None:
    found = verify(LEARNED, batch=3, subjects=["sizes", "params", "macs"])
    assert not found.found.differences
    with pytest.raises(UsageError, match=r"what bilinear1 .* is not known"):
        step_of(analyze(LEARNED, batch=3))


def test_what_torch_does_not_combine_is_refused() -> None:
    x = FeatureMap(2, (3,))
    with pytest.raises(LayerError, match="takes two inputs, and 1 are given"):
        Bilinear(features=2).effect_on(x)
    with pytest.raises(LayerError, match="inputs of 2x3 and 3 do not match before their last axes"):
        Bilinear(features=2).effect_on(x, FeatureMap(3))
    with pytest.raises(LayerError, match="inputs of 2x3 and 4x3 do not match"):
        Bilinear(features=2).effect_on(x, FeatureMap(4, (3,)))
