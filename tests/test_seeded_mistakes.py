"""Every check can fail: mistakes put into the rules on purpose, and the check that sees each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import pytest

from archcalc import FeatureMap, Graph, LayerAnalysis, analyze, window
from archcalc.layers import Effect, Layer, Saved, convolution
from archcalc.layers.activation import ReLU, Tanh
from archcalc.layers.convolution import Conv, ConvTranspose, LocallyConnected
from archcalc.layers.joining import Add, Concat
from archcalc.layers.linear import Linear
from archcalc.layers.mixing import all_in_groups
from archcalc.layers.normalization import BatchNorm, GroupNorm, LayerNorm, Scale
from archcalc.layers.pooling import GlobalAvgPool, MaxPool
from archcalc.layers.regularization import Dropout
from archcalc.layers.resampling import Crop
from archcalc.layers.reshaping import ChannelSplit, Flatten, Reshape
from archcalc.layers.softmax import Softmax
from archcalc.layers.state import State, parameters
from archcalc.memory_use import sections, totals
from archcalc.memory_use.checkpointing import Checkpointing
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.replay import Replay
from archcalc.memory_use.taping import Taping
from archcalc.quantity import integer_array
from archcalc.quantity.arithmetic import Quantity, ceil_div
from archcalc.quantity.conditions import is_symbol
from archcalc.quantity.integer_array import IntegerArray
from archcalc.receptive_field import propagation
from archcalc.receptive_field.field import AxisField, Field
from archcalc.record import replace
from archcalc.testing import Example
from archcalc.testing.checks import (
    check_arrays,
    check_huge_arrays,
    check_placements,
    check_saved,
    check_symbols,
    check_torch_agrees,
)
from archcalc.testing.facts import check_facts, check_kind, check_probe, check_widths
from archcalc.testing.training import check_step
from archcalc.window import Reach, Window
from tests.graphs import chain, graph, node
from tests.layers.examples import EXAMPLES
from tests.memory_use.test_checkpointing import check_stop, checkpointed
from tests.torch_backend.test_field import check_field
from tests.torch_backend.test_kept_memory import kept
from tests.torch_backend.test_random_graphs import check_graph

Seed: TypeAlias = Callable[[pytest.MonkeyPatch], None]


class Mistake(NamedTuple):
    """A mistake, and a check that passes without it and must fail with it."""

    what: str
    seed: Seed
    check: Callable[[], None]


def forgetting(kind: type[Layer], **values: object) -> Seed:
    """The rule of `kind` takes every layer for one with these values."""
    rule: Callable[..., Effect] = kind.effect_on

    def wrong(layer: Layer, *maps: FeatureMap) -> Effect:
        return rule(kind(**vars(layer) | values), *maps)

    return lambda patch: patch.setattr(kind, "effect_on", wrong)


def answering(kind: type[Layer], change: Callable[[Effect, FeatureMap], dict[str, Any]]) -> Seed:
    """The rule of `kind` answers some things differently, given its answer and its input."""
    rule: Callable[..., Effect] = kind.effect_on

    def wrong(layer: Layer, *maps: FeatureMap) -> Effect:
        effect = rule(layer, *maps)
        return replace(effect, **change(effect, maps[0]))

    return lambda patch: patch.setattr(kind, "effect_on", wrong)


def replacing(owner: Any, name: str, value: object) -> Seed:
    """Another function in the place of one that the rules use."""
    return lambda patch: patch.setattr(owner, name, value)


def on(layer: Layer, *sizes: int, channels: int = 4) -> Example:
    """The layer on a map of these sizes."""
    return Example(layer, (FeatureMap(channels, sizes),))


def torch_on(layer: Layer, *sizes: int) -> Callable[[], None]:
    """The check of a layer against torch."""
    return partial(check_torch_agrees, on(layer, *sizes))


def saved_on(layer: Layer, *sizes: int) -> Callable[[], None]:
    """The check of what autograd keeps of a layer."""
    return partial(check_saved, on(layer, *sizes))


def step_of(layer: Layer, *sizes: int) -> Callable[[], None]:
    """The check of what a training step of a layer takes."""
    return partial(check_step, chain(FeatureMap(4, sizes), layer), 2)


def facts_of(layer: Layer, *sizes: int) -> Callable[[], None]:
    """The check of what a layer says of itself."""
    return partial(check_facts, on(layer, *sizes))


def probe_of(layer: Layer, *sizes: int) -> Callable[[], None]:
    """The check of a layer's probe."""
    return partial(check_probe, on(layer, *sizes), 0)


def widths_of(layer: Layer, *sizes: int) -> Callable[[], None]:
    """The check of what grows with a layer's width."""
    return partial(check_widths, on(layer, *sizes))


def kind_of(kind: type[Layer]) -> Callable[[], None]:
    """The check of what only many examples of a kind can show."""
    return partial(check_kind, kind, EXAMPLES[kind])


def kept_of(network: Graph) -> Callable[[], None]:
    """What training keeps of a network, held against torch."""

    def check() -> None:
        kept(analyze(network))

    return check


def frozen_at(network: Graph, number: int) -> Graph:
    """The network, of which one layer does not learn."""
    nodes = list(network.nodes)
    nodes[number] = replace(nodes[number], trainable=False)
    return replace(network, nodes=tuple(nodes))


def field_of(*layers: Layer) -> Callable[[], None]:
    """The check of what units see, for a chain of layers."""
    return partial(check_field, chain(FeatureMap(3, (24, 24)), *layers))


# ----- the mistakes -----

_RUN_AGAIN: Any = Checkpointing._run_again

_KEEP_FOR_BACKWARD, _LEAVE = Checkpointing._keep_for_backward, Checkpointing._leave_stretches


def _kept_inside_too(replay: Checkpointing, number: int, of: dict[str, int]) -> None:
    for name in replay._operators[number].kept:
        replay._keep(of[name])
    _KEEP_FOR_BACKWARD(replay, number, of)


def _nothing_again(replay: Checkpointing, frame: object) -> dict[int, list[int]]:
    return {number: [] for number in range(len(replay._operators))}


def _counted_where_it_runs(replay: Replay, frame: Any) -> dict[int, list[int]]:
    if frame.kept is None:
        replay._begin(replay._operators[frame.section.first].layer, Direction.BACKWARD)
    again: dict[int, list[int]] = _RUN_AGAIN(replay, frame)
    return again


def _forgotten_at_once(replay: Checkpointing, number: int) -> None:
    for frame in replay._ending.get(number, ()):
        entered = frame.entered
        replay._forget(frame)
        frame.entered = entered
    _LEAVE(replay, number)


_PARAMETER = Taping.parameter


def _as_if_learned(taping: Taping, name: str, values: int, *, learns: bool) -> str:
    return _PARAMETER(taping, name, values, learns=True)


def _jump_kept(field: Field, window: Window) -> Field:
    first = field.first - window.before * field.jump
    return Field(first, first + (window.extent - 1) * field.jump, field.jump)


def _offset_kept(field: Field, window: Window) -> Field:
    last = field.first + field.size - 1 + (window.extent - 1) * field.jump
    return Field(field.first, last, field.jump * window.stride)


def _first_branch(fields: list[AxisField]) -> AxisField:
    return next(iter(fields))


def _nothing(layer: Layer, x: FeatureMap) -> tuple[()]:
    return ()


def _by_itself(layer: Layer, x: FeatureMap) -> tuple[Layer, ...]:
    return (layer,)


def _wrapping(operation: Any, a: Any, b: Any, corners: list[int]) -> IntegerArray:
    return IntegerArray(operation(a, b))


def _symbols_rounded_down(a: Quantity, b: Quantity) -> Quantity:
    return a // b if is_symbol(a) else ceil_div(a, b)


DILATED = Conv(channels=4, kernel=3, dilation=2)
STRIDED = Conv(channels=4, kernel=3, stride=2, padding=1)
SAME = Conv(channels=4, kernel=3, stride=2, padding="same")
TRANSPOSED = ConvTranspose(channels=4, kernel=3, stride=2, output_padding=1)
POOL = MaxPool(kernel=3, stride=2, ceil=True)
FROZEN_CONV = frozen_at(chain(FeatureMap(3, (8, 8)), Conv(channels=8, kernel=3), ReLU(), SAME), 0)
FROZEN_LINEAR = frozen_at(chain(FeatureMap(3), Linear(features=8), Linear(features=8)), 1)
WIDE = Conv(channels=16, kernel=3, padding=1)
NORMED = Conv(channels=4, kernel=3, weight_norm=True)
FROZEN_NORMED = frozen_at(chain(FeatureMap(3, (8, 8)), WIDE, NORMED, NORMED), 1)
LONG = chain(FeatureMap(4, (24, 24)), WIDE, *[WIDE, Tanh()] * 4)
CHECKPOINTED = checkpointed(LONG, 1, 9)
TWO_BRANCHES = graph(
    FeatureMap(3, (24, 24)),
    [
        node("narrow", Conv(channels=4, kernel=1)),
        node("wide", Conv(channels=4, kernel=5, padding=2)),
        node("sum", Add(), "narrow", "wide"),
    ],
)
SHARED_WEIGHTS = graph(
    FeatureMap(3, (24, 24)),
    [
        node("first", Conv(channels=3, kernel=3)),
        node("second", Conv(channels=3, kernel=3), "first", weights="first"),
    ],
)
CROP, NORM = Crop(sides=1), GroupNorm(groups=2)
TWO_WIDTHS = Example(Concat(), (FeatureMap(2, (5,)), FeatureMap(3, (5,))))


def _without_first_axis(state: State) -> State:
    return parameters(**{tensor.name: tensor.shape[1:] for tensor in state})


MISTAKES = (
    # sizes
    Mistake(
        "a dilation",
        replacing(Window, "extent", property(lambda self: self.kernel)),
        torch_on(DILATED, 9, 8),
    ),
    Mistake("a stride", forgetting(Conv, stride=1), torch_on(STRIDED, 9, 8)),
    Mistake("padding", forgetting(Conv, padding=0), torch_on(STRIDED, 9, 8)),
    Mistake(
        "padding on one side",
        forgetting(Conv, padding=((1, 0), (1, 0))),
        torch_on(Conv(channels=4, kernel=3, padding=1), 9, 8),
    ),
    Mistake("floor for ceil", forgetting(MaxPool, ceil=False), torch_on(POOL, 8, 8)),
    Mistake(
        "ceil for floor",
        forgetting(MaxPool, ceil=True),
        torch_on(MaxPool(kernel=3, stride=2), 8, 8),
    ),
    Mistake(
        "a last window that only Caffe keeps",
        forgetting(MaxPool, ceil=True),
        torch_on(MaxPool(kernel=1, stride=2, ceil="caffe"), 32),
    ),
    Mistake(
        "a last window that starts in the padding",
        replacing(window, "smallest", lambda a, b: a),
        torch_on(MaxPool(kernel=2, stride=4, padding=1, ceil=True), 5, 5),
    ),
    Mistake(
        "the same, window by window",
        replacing(window, "smallest", lambda a, b: a),
        partial(check_placements, on(MaxPool(kernel=2, stride=4, padding=1, ceil=True), 5, 5)),
    ),
    Mistake(
        "a pool's stride is its kernel",
        forgetting(MaxPool, stride=1),
        torch_on(MaxPool(kernel=2), 8, 8),
    ),
    Mistake(
        "a side of a transposed convolution's own",
        replacing(convolution, "pads_alike", lambda windows: True),
        step_of(ConvTranspose(channels=4, kernel=3, stride=2, padding="same"), 5),
    ),
    Mistake("output padding", forgetting(ConvTranspose, output_padding=0), torch_on(TRANSPOSED, 5)),
    Mistake(
        "a global pool keeps its axes",
        answering(GlobalAvgPool, lambda effect, x: {"output": FeatureMap(x.channels)}),
        torch_on(GlobalAvgPool(), 5, 5),
    ),
    Mistake(
        "branches add up in a concat",
        answering(Concat, lambda effect, x: {"output": x}),
        partial(check_torch_agrees, TWO_WIDTHS),
    ),
    Mistake(
        "what does not fit is refused",
        replacing(window, "require_at_least", lambda *arguments: None),
        torch_on(Conv(channels=4, kernel=9), 5, 5),
    ),
    # parameters and MACs
    Mistake(
        "groups", forgetting(Conv, groups=1), torch_on(Conv(channels=4, kernel=3, groups=2), 9, 8)
    ),
    Mistake("a bias", forgetting(Conv, bias=False), torch_on(Conv(channels=4, kernel=3), 9, 8)),
    Mistake(
        "weights of a transposed convolution start with the input's channels",
        answering(
            ConvTranspose,
            lambda effect, x: {"state": parameters(weight=(6, x.channels, 3), bias=(6,))},
        ),
        torch_on(ConvTranspose(channels=6, kernel=3), 5),
    ),
    Mistake(
        "a transposed convolution works once for each input",
        answering(
            ConvTranspose,
            lambda effect, x: {"macs": effect.weights * effect.output.positions},
        ),
        torch_on(TRANSPOSED, 5),
    ),
    Mistake(
        "weights that are not shared",
        answering(LocallyConnected, lambda effect, x: {"state": _without_first_axis(effect.state)}),
        torch_on(LocallyConnected(channels=2, kernel=3), 5),
    ),
    Mistake(
        "a linear layer works on every row",
        answering(Linear, lambda effect, x: {"macs": effect.weights}),
        torch_on(Linear(features=5), 3, 7),
    ),
    Mistake(
        "the count of batches",
        answering(BatchNorm, lambda effect, x: {"state": effect.state[:-1]}),
        torch_on(BatchNorm(), 5, 5),
    ),
    Mistake("no gamma", forgetting(BatchNorm, gamma=True), torch_on(BatchNorm(gamma=False), 5, 5)),
    Mistake(
        "what is normalized",
        forgetting(LayerNorm, over="all"),
        torch_on(LayerNorm(over="channels"), 5, 5),
    ),
    Mistake(
        "shared weights count once",
        replacing(LayerAnalysis, "weights", property(lambda layer: layer.effect.weights)),
        partial(check_graph, SHARED_WEIGHTS),
    ),
    # what autograd keeps
    Mistake(
        "a rectifier keeps its output",
        replacing(ReLU, "keeps", Saved.INPUT),
        saved_on(ReLU(), 5, 5),
    ),
    Mistake(
        "a dropout keeps its mask",
        answering(Dropout, lambda effect, x: {"saved": ()}),
        saved_on(Dropout(), 5, 5),
    ),
    Mistake(
        "a max pool keeps its indices",
        answering(MaxPool, lambda effect, x: {"saved": (Saved.INPUT,)}),
        saved_on(MaxPool(kernel=2), 6, 6),
    ),
    Mistake(
        "uneven padding takes a copy",
        replacing(convolution, "padded_copy", lambda x, windows, copied: ()),
        saved_on(Conv(channels=4, kernel=2, padding="same"), 5, 5),
    ),
    # what a kind says of itself
    Mistake("torch does it in place", replacing(ReLU, "in_place", False), facts_of(ReLU(), 5, 5)),
    Mistake(
        "torch does not do it in place", replacing(Tanh, "in_place", True), facts_of(Tanh(), 5, 5)
    ),
    Mistake("a crop leaves gaps", replacing(Crop, "leaves_gaps", False), facts_of(CROP, 5, 5)),
    Mistake(
        "a scale leaves axes in their order",
        replacing(Scale, "orders_as_input", lambda layer, x: False),
        facts_of(Scale(factor=2.0), 5, 5),
    ),
    Mistake("a softmax leaves none", replacing(Softmax, "leaves_gaps", True), kind_of(Softmax)),
    Mistake(
        "a linear layer makes depth",
        replacing(Linear, "is_weight_layer", False),
        facts_of(Linear(features=3)),
    ),
    Mistake("a rectifier is pointwise", replacing(ReLU, "pointwise", False), kind_of(ReLU)),
    Mistake("a softmax is not", replacing(Softmax, "pointwise", True), probe_of(Softmax(), 2, 2)),
    Mistake(
        "a norm is not linear", replacing(GroupNorm, "probe", _by_itself), probe_of(NORM, 2, 2)
    ),
    Mistake("a norm sees its group", replacing(GroupNorm, "probe", _nothing), probe_of(NORM, 2, 2)),
    Mistake(
        "a rectifier sees its place alone",
        replacing(ReLU, "probe", lambda layer, x: all_in_groups(x, 1)),
        probe_of(ReLU(), 2, 2),
    ),
    Mistake("channels are a width", replacing(Conv, "widths", _nothing), widths_of(STRIDED, 9, 8)),
    Mistake(
        "a shape follows its input",
        replacing(Reshape, "follows", _nothing),
        widths_of(Reshape(shape=(8, 2)), 2, 2),
    ),
    Mistake(
        "the parts of a split are not widths",
        replacing(ChannelSplit, "widths", lambda layer, x: ("parts",)),
        widths_of(ChannelSplit(parts=2, part=0), 2, 2),
    ),
    # symbols and arrays
    Mistake(
        "a symbol is rounded up",
        replacing(window, "ceil_div", _symbols_rounded_down),
        partial(check_symbols, on(POOL, 8, 8), "inputs"),
    ),
    Mistake(
        "the larger of two arrays",
        replacing(IntegerArray, "max", IntegerArray.min),
        partial(check_arrays, on(SAME, 9, 8), "inputs", [(1, 0), (2, 1)]),
    ),
    Mistake(
        "64 bits",
        replacing(integer_array, "_exact", _wrapping),
        partial(check_huge_arrays, on(SAME, 9, 8), 2**40),
    ),
    # what does not learn
    Mistake(
        "a frozen layer keeps nothing for its weights",
        replacing(Linear, "keeps_for_weights", False),
        kept_of(FROZEN_LINEAR),
    ),
    Mistake(
        "what normalizes a weight is kept",
        answering(Conv, lambda effect, x: {"saved": effect.saved[:-1]}),
        saved_on(NORMED, 9, 8),
    ),
    Mistake(
        "a frozen layer keeps nothing to normalize its weight",
        replacing(totals, "_is_kept", lambda *arguments: True),
        kept_of(FROZEN_NORMED),
    ),
    Mistake(
        "a frozen layer does not learn",
        replacing(LayerAnalysis, "learns", property(lambda self: bool(self.effect.parameters))),
        kept_of(FROZEN_CONV),
    ),
    Mistake(
        "the gradient of what is frozen is not made",
        replacing(Taping, "parameter", _as_if_learned),
        partial(check_step, FROZEN_LINEAR),
    ),
    # what runs again
    Mistake(
        "a stretch keeps nothing of what is inside",
        replacing(Checkpointing, "_keep_for_backward", _kept_inside_too),
        partial(check_step, CHECKPOINTED),
    ),
    Mistake(
        "a stretch runs again",
        replacing(Checkpointing, "_run_again", _nothing_again),
        partial(check_step, CHECKPOINTED),
    ),
    Mistake(
        "what runs again counts to the layer that asks for it",
        replacing(Checkpointing, "_run_again", _counted_where_it_runs),
        partial(check_step, CHECKPOINTED),
    ),
    Mistake(
        "it stops at the last tensor that is needed",
        replacing(sections, "_where_it_stops", lambda which, found, *_: found[which].end),
        partial(check_stop, SAME),
    ),
    Mistake(
        "what enters a stretch is held until all of it has used what it needs",
        replacing(Checkpointing, "_leave_stretches", _forgotten_at_once),
        partial(check_step, CHECKPOINTED),
    ),
    # what units see
    Mistake(
        "a jump is multiplied",
        replacing(propagation, "_slide", _jump_kept),
        field_of(STRIDED, STRIDED),
    ),
    Mistake(
        "padding moves what is seen",
        replacing(propagation, "_slide", _offset_kept),
        field_of(STRIDED, STRIDED),
    ),
    Mistake(
        "a dilation is seen",
        replacing(Window, "extent", property(lambda self: self.kernel)),
        field_of(Conv(channels=4, kernel=3, dilation=2, padding=2)),
    ),
    Mistake(
        "a softmax of a vector sees all of it",
        replacing(Softmax, "windows_along", lambda *_: (Reach.SAME,)),
        field_of(Conv(channels=1, kernel=3), Flatten(), Softmax()),
    ),
    Mistake(
        "all branches are seen",
        replacing(propagation, "field_of_join", _first_branch),
        partial(check_field, TWO_BRANCHES),
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_the_check_sees_the_mistake(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake.check()
    mistake.seed(monkeypatch)
    with pytest.raises(AssertionError):
        mistake.check()
