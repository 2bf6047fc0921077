"""Kinds with several parameters: all that goes for a weight and a bias goes for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
import torch
from hypothesis import strategies as st
from torch import nn

from archcalc import FeatureMap, LayerError, analyze
from archcalc.analysis import Analysis
from archcalc.explaining.layers import LayerDerivation, derive
from archcalc.exporting import torch_source
from archcalc.layers import Effect, Layer
from archcalc.layers.activation import ReLU
from archcalc.layers.registry import KINDS, register
from archcalc.layers.state import Role, StateTensor, buffers, count, learned_role, parameters
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import training_tensors
from archcalc.quantity.arithmetic import symbol
from archcalc.record import replace
from archcalc.render.explain import LayerDocument
from archcalc.render.output import write
from archcalc.testing import Example, check_layer_kind, examples_of
from archcalc.testing.checks import check_torch_agrees
from archcalc.torch_backend.build import Twin, build
from archcalc.torch_backend.verify import conditions, verify
from archcalc.verification import SUBJECTS
from tests.exporting.exported import check_network
from tests.graphs import graph, node
from tests.layers.several import Cell, Gate
from tests.spec_texts import graph_of

vectors = st.builds(FeatureMap, st.integers(1, 9))
sizes = st.integers(0, 9)
ranks = st.integers(1, 9)  # of 0 torch makes empty tensors
EXAMPLES: dict[type[Layer], st.SearchStrategy[Example]] = {
    Cell: examples_of(lambda x: st.builds(Cell, features=sizes), vectors),
    Gate: examples_of(lambda x: st.builds(Gate, features=sizes, rank=ranks), vectors),
}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """The kinds stand in specs while a test runs."""
    before = dict(KINDS)
    for kind in EXAMPLES:
        register(kind)
    yield
    KINDS.clear()
    KINDS.update(before)


# Two cells and two gates with weights of their own, and one of each with those of the first.
NETWORK = """\
name: net
input: [4]
layers:
  - linear: {name: in, features: 6}
  - cell: {name: first, features: 6}
  - gate: {name: gate, features: 6, rank: 2}
  - cell: {name: second, features: 6, weights: first}
  - gate: {name: again, features: 6, rank: 2, weights: gate}
  - linear: {name: out, features: 3}
"""
CELL_WEIGHTS, CELL_BIASES = 6 * 6 + 6 * 6, 6 + 6
GATE_WEIGHTS, GATE_BIASES = 2 * 6 + 6 * 2 + 6 * 6, 6 + 6
LINEAR = 6 * 4 + 6 + 3 * 6 + 3


# ----- the rule -----


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.kind)
def test_they_pass_what_every_kind_has_to_pass(kind: type[Layer]) -> None:
    check_layer_kind(kind, EXAMPLES[kind])


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("weight", Role.WEIGHT),
        ("in_proj_weight", Role.WEIGHT),
        ("cls_token", Role.WEIGHT),
        ("relative_position_bias_table", Role.WEIGHT),
        ("bias.weight", Role.WEIGHT),
        ("bias", Role.BIAS),
        ("in_proj_bias", Role.BIAS),
        ("bias_ih_l0_reverse", Role.BIAS),
        ("out_proj.bias", Role.BIAS),
    ],
)
def test_a_name_tells_biases_from_weights(name: str, role: Role) -> None:
    assert learned_role(name) is role


def test_tensors_have_torchs_names() -> None:
    found = parameters(weight=(4, 3), bias=None) + buffers(mean=(4,)) + count("batches")
    assert found == (
        StateTensor("weight", Role.WEIGHT, (4, 3)),
        StateTensor("mean", Role.BUFFER, (4,)),
        StateTensor("batches", Role.BUFFER, (), bytes_each=8),
    )
    assert [tensor.values for tensor in found] == [12, 4, 1]


# ----- figures -----


def test_each_tensor_counts_by_its_role_and_once() -> None:
    analysis = analyze(graph_of(NETWORK))
    counts = {layer.name: (layer.weights, layer.biases, layer.buffers) for layer in analysis.layers}
    assert counts["first"] == (CELL_WEIGHTS, CELL_BIASES, 0)
    assert counts["gate"] == (GATE_WEIGHTS, GATE_BIASES, 1)
    assert counts["second"] == counts["again"] == (0, 0, 0)
    assert analysis.layer("again").parameters == ()
    totals = analysis.totals
    assert totals.params == LINEAR + CELL_WEIGHTS + CELL_BIASES + GATE_WEIGHTS + GATE_BIASES
    assert totals.buffers == 1
    assert totals.param_bytes == 4 * totals.params
    assert totals.param_bytes == sum(each.gradient for each in training_tensors(analysis))
    assert sum(layer.buffer_bytes for layer in analysis.layers) == 8


def test_on_symbols_they_are_formulas() -> None:
    width, rank = symbol("width"), symbol("rank")
    effect = Gate(features=width, rank=rank).effect_on(FeatureMap(width))
    assert effect.weights == 2 * width * rank + width**2
    assert (effect.biases, effect.buffers) == (2 * width, 1)


# ----- explained -----


def derivation(layer: str) -> tuple[Analysis, LayerDerivation]:
    analysis = analyze(graph_of(NETWORK))
    return analysis, derive(analysis, analysis.layer(layer)).only(["weights", "biases", "params"])


def test_each_tensor_is_explained_before_their_sum() -> None:
    assert write(LayerDocument(*derivation("gate")), "text").splitlines()[5:] == [
        "weights  down = C_in*rank = 6*2 = 12",
        "weights  up = C_out*rank = 6*2 = 12",
        "weights  value.weight = C_in*C_out = 6*6 = 36",
        "weights  down + up + value.weight = 12 + 12 + 36 = 60",
        "biases   up_bias = C_out = 6",
        "biases   value.bias = C_out = 6",
        "biases   up_bias + value.bias = 6 + 6 = 12",
        "params   weights + biases = 60 + 12 = 72",
    ]


def test_a_shared_layer_says_whose_they_are() -> None:
    _, found = derivation("second")
    assert [(each.quantity, each.note) for each in found.derivations] == [
        ("weights", "those of first, and counted there"),
        ("biases", "those of first, and counted there"),
        ("params", ""),
    ]


# ----- shared -----


def test_shared_parameters_must_agree_in_each_tensor() -> None:
    nodes = [
        node("a", Gate(features=6, rank=2)),
        node("b", Gate(features=6, rank=3), "a", weights="a"),
    ]
    with pytest.raises(LayerError) as refusal:
        analyze(graph(FeatureMap(6), nodes))
    assert str(refusal.value).endswith(
        "shares the weights of a, whose down is 2x6; here it would be 3x6"
    )


def shared_tensors(twin: Twin) -> None:
    for user, owner in (("second", "first"), ("again", "gate")):
        mine, own = (twin.get_submodule(name).state_dict(keep_vars=True) for name in (user, owner))
        assert list(mine) == list(own)
        assert all(mine[name] is own[name] for name in own), user


@pytest.mark.parametrize(
    "change",
    [lambda twin: twin, Twin.double, lambda twin: twin.to_empty(device="cpu")],
    ids=["as built", "converted", "moved"],
)
def test_the_module_shares_every_tensor(change: Callable[[Twin], Twin]) -> None:
    twin = change(build(graph_of(NETWORK)))
    shared_tensors(twin)
    assert sum(p.numel() for p in twin.parameters()) == analyze(graph_of(NETWORK)).totals.params


# ----- against torch -----


def test_the_module_has_their_names_and_shapes() -> None:
    twin = build(graph_of(NETWORK))
    for layer in analyze(graph_of(NETWORK)).layers:
        shapes = {n: tuple(t.shape) for n, t in twin.get_submodule(layer.name).state_dict().items()}
        assert shapes == {tensor.name: tensor.shape for tensor in layer.effect.state}


def test_torch_measures_what_the_rules_say() -> None:
    what = [subject for subject in SUBJECTS if subject != "time"]
    found = verify(graph_of(NETWORK), what=what, under=conditions("cpu", batch=3))
    assert found.differences == ()
    assert {figure.subject for figure in found.figures} == {*what}


OPTIMIZERS: dict[str, Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]] = {
    "sgd": lambda learned: torch.optim.SGD(learned, lr=0.1),
    "momentum": lambda learned: torch.optim.SGD(learned, lr=0.1, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_tensor_has_its_gradient_and_its_optimizer_state(name: str) -> None:
    analysis = analyze(graph_of(NETWORK))
    twin = build(analysis.graph)
    optimizer = OPTIMIZERS[name](twin.parameters())
    torch.autograd.backward(twin(torch.rand(2, 4)).sum())
    optimizer.step()
    found = training_tensors(analysis, TrainingOptions(optimizer=name))
    learned = dict(twin.named_parameters())
    assert [f"{each.layer}.{each.tensor.name}" for each in found] == list(learned)
    for each, parameter in zip(found, learned.values(), strict=True):
        assert parameter.grad is not None
        state = optimizer.state[parameter]
        kept = [tensor for tensor in state.values() if tensor is not None]
        assert tuple(parameter.shape) == each.tensor.shape
        assert each.parameter == parameter.nbytes
        assert each.gradient == parameter.grad.nbytes
        assert each.optimizer == sum(tensor.nbytes for tensor in kept)


@pytest.mark.parametrize("forgotten", ["weight_hh", "bias_ih"])
def test_a_forgotten_tensor_shows(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Cell.effect_on

    def wrong(layer: Cell, x: FeatureMap, /) -> Effect:
        effect = right(layer, x)
        state = tuple([tensor for tensor in effect.state if tensor.name != forgotten])
        return replace(effect, state=state)

    monkeypatch.setattr(Cell, "effect_on", wrong)
    with pytest.raises(AssertionError):
        check_torch_agrees(Example(Cell(features=2), (FeatureMap(3),)))
    found = verify(graph_of(NETWORK), what=["params"], under=conditions("cpu"))
    assert {figure.layer for figure in found.differences} == {"first", ""}


# ----- exported -----

# The second cell cannot be the module of the first: another layer stands in that.
CELLS = graph(
    FeatureMap(6),
    [
        node("cell", Cell(features=6)),
        node("cell.act", ReLU(), "cell"),
        node("second", Cell(features=6), "cell.act", weights="cell"),
    ],
)


def test_the_source_shares_every_tensor() -> None:
    check_network(CELLS)
    source = torch_source(CELLS, "a test")
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        assert f"        self.second.{name} = self.cell.{name}  # shared weights\n" in source
