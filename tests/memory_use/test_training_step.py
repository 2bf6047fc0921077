"""What is alive in a training step: the rule beside the storages that are alive in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import FeatureMap, Graph, analyze, load
from archcalc.graph import INPUT
from archcalc.layers import Order
from archcalc.layers.activation import ReLU, ReLU6
from archcalc.layers.composed_functions import Clamp
from archcalc.layers.convolution import Conv, LocallyConnected
from archcalc.layers.further_joins import Divide, Subtract
from archcalc.layers.join import Join
from archcalc.layers.joining import Average, Concat, Elementwise, Multiply
from archcalc.layers.layer import REQUIRED, Layer
from archcalc.layers.linear import Linear
from archcalc.layers.local_response_norm import LocalResponseNorm
from archcalc.layers.normalization import GroupNorm, LayerNorm
from archcalc.layers.quantizing import Dequantize, Quantize
from archcalc.layers.rearranging import Rearrange
from archcalc.layers.reductions import Sum
from archcalc.layers.registry import own_kinds
from archcalc.layers.repeating import Expand
from archcalc.layers.slicing import Slice
from archcalc.memory_use import training
from archcalc.memory_use.held_gradient import HeldGradient
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.replay import Replay
from archcalc.memory_use.tape import tape
from archcalc.memory_use.taping import Taping
from archcalc.memory_use.training import step_of
from archcalc.spec.library import network_names
from archcalc.testing.training import check_step
from tests.graphs import (
    all_used,
    chain,
    entangled_graphs,
    graph,
    node,
    overwriting_graphs,
    random_graphs,
    sliding_graphs,
    with_some_frozen,
)
from tests.spec_texts import graph_of

SMALL = ["lenet5_1998", "highway_mnist10", "resnet20", "densenet_40_12", "deconv_unpool"]
LARGE = [pytest.param(x, marks=pytest.mark.thorough) for x in network_names() if x not in SMALL]


@pytest.mark.parametrize("name", [*SMALL, *LARGE])
def test_what_is_alive_in_a_step_is_what_lives_in_torch(name: str) -> None:
    check_step(load(name))


def test_of_norms_over_channels_in_a_row_a_gradient_is_brought_into_order_between() -> None:
    norm = LayerNorm(over="channels")
    check_step(chain(FeatureMap(3, (6, 6)), norm, norm, Conv(channels=3, kernel=3)))


def test_of_a_slice_by_steps_of_a_single_value_a_gradient_is_made_anew() -> None:
    check_step(chain(FeatureMap(3), Linear(features=1), Slice(step=2), Slice(start=-1)))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("keep", [False, True])
def test_before_own_weights_a_gradient_is_copied_that_is_seen_by_position(
    keep: bool, batch: int
) -> None:
    own = LocallyConnected(channels=2, kernel=1)
    check_step(chain(FeatureMap(2, (2, 2)), own, Sum(axes=1, keep=keep), ReLU()), batch)


def test_axes_of_one_value_that_change_places_are_a_view_of_their_own() -> None:
    linear = node("linear", Linear(features=1))
    turned = node("turned", Rearrange(axes="a b c -> a c b"), "linear")
    both = node("both", Concat(axis=-2), "linear", "turned")
    check_step(graph(FeatureMap(1, (1, 1)), [linear, turned, both, node("relu", ReLU(), "both")]))


ONCE = """\
name: once
input: [2, 5]
layers:
  - relu: {name: a}
  - parameter: {name: b, shape: [1, 5]}
  - parameter: {name: c, shape: [1, 5]}
  - concat: {name: d, from: [b, c]}
  - conv: {name: e, channels: 2, kernel: 1}
  - add: {from: [a, e]}
"""


@pytest.mark.parametrize("batch", [1, 3])
def test_parts_of_what_is_there_once_have_no_gaps_between_images(batch: int) -> None:
    check_step(graph_of(ONCE), batch)


# Of one input, of floats, and set by nothing but numbers.
BY_VALUE = [
    kind for kind in own_kinds()
    if kind.pointwise and not issubclass(kind, (Join, Quantize, Dequantize, Expand))
]  # fmt: skip
_TURNED = Rearrange(axes="a b c -> b c a", copy="needed")


@pytest.mark.parametrize("behind", [(), (LayerNorm(over="last"),)], ids=["spread", "own"])
@pytest.mark.parametrize("kind", BY_VALUE)
def test_gradients_value_by_value_of_what_is_turned_lie_as_torchs(
    kind: type[Layer], behind: tuple[Layer, ...]
) -> None:
    """Where one value stands for all, and where it lies in its order: the map before shows it."""
    needed = [name for name, default in kind.defaults.items() if default is REQUIRED]
    layer = kind(**{"max": 1.0} if kind is Clamp else dict.fromkeys(needed, 1.0))
    check_step(chain(FeatureMap(4, (3, 2)), Linear(features=2), _TURNED, layer, *behind), batch=2)


@pytest.mark.parametrize("kind", [Multiply, Divide, Subtract, Average])
def test_gradients_of_branches_of_which_one_is_turned_lie_as_torchs(
    kind: type[Elementwise],
) -> None:
    for order in (["turned", "right"], ["right", "turned"]):
        nodes = [
            node("linear", Linear(features=2)),
            node("turned", _TURNED, "linear"),
            node("right", Linear(features=4), "turned"),
            node("both", kind(), *order),
        ]
        check_step(graph(FeatureMap(4, (3, 2)), nodes), batch=2)


GRAPHS = [random_graphs, entangled_graphs, sliding_graphs, overwriting_graphs]


@pytest.mark.parametrize("graphs", GRAPHS)
@given(st.data())
def test_of_random_graphs_too(
    graphs: Callable[[], st.SearchStrategy[Graph]], data: st.DataObject
) -> None:
    check_step(all_used(data.draw(with_some_frozen(graphs()))), data.draw(st.integers(1, 3)))


# As an H200 has measured it between two operators, in float32: both keep the masks of dropouts.
@pytest.mark.parametrize(("name", "live"), [("nin", 622_072_488), ("googlenet", 3_172_830_536)])
def test_on_a_gpu_masks_are_booleans(name: str, live: int) -> None:
    analysis = analyze(name, batch=64)
    assert step_of(analysis, TrainingOptions(device="cuda")).peak.bytes == live
    assert step_of(analysis, TrainingOptions(device="cpu")).peak.bytes > live


# ----- seeded mistakes -----

FORK = graph(
    FeatureMap(3, (6, 6)),
    [
        node("stem", Conv(channels=4, kernel=3, padding=1)),
        node("norm", GroupNorm(groups=2), "stem"),
        node("relu", ReLU(), "norm"),
        node("left", Conv(channels=4, kernel=1), "relu"),
        node("right", LocalResponseNorm(), "relu"),
        node("both", Concat(), "left", "right"),
    ],
)
APART = chain(
    FeatureMap(3, (6, 6)), Conv(channels=4, kernel=1), GroupNorm(groups=2), ReLU6(),
    LayerNorm(over="channels"), Conv(channels=2, kernel=1),
)  # fmt: skip
Seed = Callable[[pytest.MonkeyPatch], None]


def replacing(owner: Any, name: str, value: object) -> Seed:
    """Another in the place of what the rule uses."""
    return lambda patch: patch.setattr(owner, name, value)


def _later(replay: Any, storage: int) -> None:
    waiting = vars(replay).setdefault("waiting", [])
    waiting.append(storage)
    if len(waiting) > 1:
        _DROP(replay, waiting.pop(0))


def _the_last(replay: Any, before: Any, gradient: Any, argument: Any) -> Any:
    replay._drop(before.storage)
    return gradient


def _without_images(*given: Any, **options: Any) -> Any:
    found = _TAPE(*given, **options)
    return found._replace(bytes=found.bytes | {INPUT: 0})


def _without_scratch(*given: Any) -> Any:
    return _ARGUMENT(*given)._replace(scratch=())


_DROP, _TAPE, _ARGUMENT = Replay._drop, tape, Taping._argument
MISTAKES = {
    "what is freed too late": (FORK, replacing(Replay, "_drop", _later)),
    "a fork that is not summed": (FORK, replacing(Replay, "_sum", _the_last)),
    "a kept tensor": (FORK, replacing(ReLU, "_kept", lambda *_: iter(()))),
    "the images": (FORK, replacing(training, "tape", _without_images)),
    "a tensor that is made on the way": (FORK, replacing(Taping, "_argument", _without_scratch)),
    "how a gradient lies": (APART, replacing(HeldGradient, "contiguous", True)),
    "the order of its axes": (APART, replacing(ReLU6, "gradient_order", Order.OWN)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_shows(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, seed = MISTAKES[mistake]
    check_step(network)
    seed(monkeypatch)
    with pytest.raises(AssertionError):
        check_step(network)
