"""Networks with torch's module of attention: by itself, and across two or three inputs."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import Any

import pytest
import sympy
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from archcalc import Graph, LayerError, UsageError, analyze, load, symbol, verify
from archcalc.exporting.source import torch_source
from archcalc.feature_map import FeatureMap
from archcalc.layers.multihead_attention import MultiheadAttention
from archcalc.memory_use.freezing import with_frozen
from archcalc.memory_use.learning import learning
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import activation_bytes
from archcalc.memory_use.training import backward_macs, step_of
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build
from tests.torch_backend.test_training_step import counted

# What makes a map (L, C), as torch lays it out in several ways.
WAYS = {
    "in order": ("linear: {name: NAME, from: input, features: C}",),
    "cut from wider rows": (
        "linear: {name: NAME1, from: input, features: C + 2}",
        "slice: {name: NAME, axis: -1, start: 1, stop: C + 1}",
    ),
    "every other feature": (
        "linear: {name: NAME1, from: input, features: 2 * C}",
        "slice: {name: NAME, axis: -1, step: 2}",
    ),
    "every other position": (
        "linear: {name: NAME1, from: input, features: C}",
        "slice: {name: NAME, axis: 0, step: 2}",
    ),
    "turned": (
        "linear: {name: NAME1, from: input, features: L}",
        "conv: {name: NAME2, channels: C, kernel: 1}",
        "rearrange: {name: NAME, axes: c l -> l c}",
    ),
    "handed on": (
        "linear: {name: NAME1, from: input, features: C}",
        "identity: {name: NAME}",
    ),
}


def _made(name: str, way: str, length: int, width: int) -> list[str]:
    """The layers that make a map (length, width) under that name, in one of the `WAYS`."""
    rows = 2 * length - 1 if way == "every other position" else length
    first, *others = WAYS[way]
    lines = [f"conv: {{name: {name}0, from: input, channels: {rows}, kernel: 1}}"]
    for text in (first.replace("from: input", f"from: {name}0"), *others):
        text = re.sub(r"\bC\b", str(width), text.replace("NAME", name))
        lines.append(re.sub(r"\bL\b", str(length), text))
    return lines


INPUTS = ["[q]", "[q, k]", "[q, k, v]", "[q, k, k]", "[q, q]", "[q, q, k]", "[q, k, q]"]


@st.composite
def networks(draw: Any) -> Graph:
    """Tokens that attend to themselves, to others, or to others of other widths."""
    heads, each, length, steps = (draw(st.integers(1, 3)) for _ in range(4))
    width = heads * each
    inputs = draw(st.sampled_from(INPUTS))
    if inputs.count("q") > 1:
        steps = length
    of_keys = width if inputs.count("q") > 1 else draw(st.sampled_from([width, 2]))
    bias, causal = (str(draw(st.booleans())).lower() for _ in range(2))
    dropout = draw(st.sampled_from([0.0, 0.0, 0.1, 1.0]))
    sizes = {"q": (length, width), "k": (steps, of_keys), "v": (steps, draw(st.integers(1, 3)))}
    layers = []
    for name, (rows, features) in sizes.items():
        if name in inputs:
            layers += _made(name, draw(st.sampled_from([*WAYS])), rows, features)
    fields = f"heads: {heads}, bias: {bias}, causal: {causal}, dropout: {dropout}"
    layers.append(f"multihead_attention: {{name: a, from: {inputs}, {fields}}}")
    layers += draw(
        st.sampled_from(
            [[], ["linear: {features: 2}"], ["add: {from: [a, q]}"], ["mean: {axes: 0}"],
             ["layer_norm: {over: last}"], [f"multihead_attention: {{name: b, heads: {heads}}}"]]
        )
    )  # fmt: skip
    text = "".join(f"  - {layer}\n" for layer in layers)
    return load(f"name: tokens\ninput: [4, 3]\nlayers:\n{text}")


@given(
    net=networks(),
    batch=st.integers(1, 3),
    frozen=st.sampled_from([[], ["a"], ["q*"], ["a", "q*"], ["k*", "v*"]]),
    dtype=st.sampled_from(["float32", "bfloat16"]),
)
def test_figures_are_torchs(net: Graph, batch: int, frozen: list[str], dtype: str) -> None:
    net = with_frozen(net, [p for p in frozen if any(fnmatch(n.name, p) for n in net.nodes)])
    unknown = why_memory_is_unknown(analyze(net, batch=batch, dtype=dtype), dtype)
    drops = any(getattr(node.layer, "dropout", 0) for node in net.nodes)
    known = unknown is None
    assert known or drops
    subjects = ["sizes", "params", "macs", "memory"] if dtype == "float32" else ["memory"]
    found = verify(net, batch=batch, dtype=dtype, subjects=subjects)
    assert not found.found.differences
    assert known is any(one.quantity == "training_peak_bytes" for one in found.found.figures)


@pytest.mark.parametrize(
    ("text", "batch", "dtype"),
    [
        # torch makes the scores themselves, in float32.
        ("multihead_attention: {name: a, heads: 1, dropout: 0.1}", 1, "bfloat16"),
        ("multihead_attention: {name: a, heads: 1}", 1, "mixed"),
        # At inference torch hands on the tensor itself, in training it makes another.
        ("dropout: {name: q}\n  - multihead_attention: {name: a, from: [q, input], heads: 1}",
         1, "float32"),
    ],
)  # fmt: skip
def test_where_torch_may_run_something_else_memory_is_not_known(
    text: str, batch: int, dtype: str
) -> None:
    analysis = analyze(load(f"name: tokens\ninput: [4, 3]\nlayers:\n  - {text}\n"), batch=batch)
    message = r"what a \(multihead_attention\) makes and keeps( in (mixed|bfloat16))? is not known"
    with pytest.raises(UsageError, match=message):
        step_of(analysis, TrainingOptions(dtype=dtype))


@given(length=st.integers(1, 6), steps=st.integers(1, 4), batch=st.integers(1, 2))
def test_at_free_sizes_it_is_what_it_is_at_numbers(length: int, steps: int, batch: int) -> None:
    net = load(f"""\
name: tokens
input: [{length}, 6]
layers:
  - linear: {{name: q, features: 4}}
  - conv: {{name: k, channels: {steps}, kernel: 1}}
  - multihead_attention: {{name: a, from: [q, k], heads: 2}}
""")
    free = analyze(net.with_input(FeatureMap(symbol("t"), (6,))), batch=batch)
    found, right = activation_bytes(free), activation_bytes(analyze(net, batch=batch))
    assert (found.unknown is None) is (batch == 1)
    if found.unknown is None:
        put_in = [sympy.sympify(n).subs(symbol("t"), length) for n in (found.peak, found.training)]
        assert put_in == [right.peak, right.training]


@given(networks(), st.booleans())
def test_a_step_takes_the_macs_that_torch_counts(net: Graph, frozen: bool) -> None:
    analysis = analyze(with_frozen(net, ["a"]) if frozen else net, batch=2)
    layer, macs = analysis.layer("a"), backward_macs(analysis)
    learns = learning(analysis)
    # Of a frozen one with some inputs that learn the fused kernel makes all gradients.
    assume(not frozen or len({learns[name] for name in layer.inputs}) == 1)
    # On the meta device torch keeps the scores, which the fused kernels make once more.
    again = 0
    for one in analysis.used_layers:
        drops = getattr(one.node.layer, "dropout", 0)
        if one.kind == "multihead_attention" and macs[one.name].inputs and not drops:
            sources = [analysis.maps[name] for name in one.inputs]
            of_weights = one.node.layer.macs_of_weights(one.effect, sources)
            again += (one.effect.macs - of_weights) // 2
    forward = sum(layer.macs for layer in analysis.used_layers)
    backward = sum(one.total for one in macs.values()) - 2 * again
    assert counted(analysis) == 2 * (forward + backward)


@given(networks())
def test_the_export_is_torchs_module(net: Graph) -> None:
    source, scope = torch_source(net, ""), dict[str, Any]()
    assert "nn.MultiheadAttention(" in source
    exec(compile(source, "<export>", "exec"), scope)
    module, twin = scope["Tokens"]().eval(), build(net).eval()
    with torch.no_grad():
        for own, other in zip(module.parameters(), twin.parameters(), strict=True):
            own.copy_(other)
        (x,) = drawn(net, 2, torch.float32, "cpu")
        torch.testing.assert_close(module(x), twin(x))
    named = {n: tuple(p.shape) for n, p in module.named_parameters()}
    assert named == {n: tuple(p.shape) for n, p in twin.named_parameters()}


def test_what_torch_refuses_is_refused() -> None:
    x, layer = FeatureMap(3, (4,)), MultiheadAttention(heads=2)
    assert layer.effect_on(x).weights == 4 * 4 * 4
    with pytest.raises(LayerError, match="4 inputs are given"):
        layer.effect_on(x, x, x, x)
    with pytest.raises(LayerError, match=r"takes tokens \(L, C\), and 3 has 1 axes"):
        layer.effect_on(x, FeatureMap(3))
    with pytest.raises(LayerError, match="2 keys for 3 values"):
        layer.effect_on(x, FeatureMap(2, (4,)), x)
    with pytest.raises(LayerError, match=r"a probability of 1.5"):
        MultiheadAttention(heads=2, dropout=1.5).effect_on(x)
