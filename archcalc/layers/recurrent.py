"""Recurrent layers: a state that is carried from step to step of a sequence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import COPY, Effect, Extra, Storage
from archcalc.layers.layer import Category, Layer, require_positive
from archcalc.layers.operator import USUAL, Circumstances, Operator, Taking
from archcalc.layers.recurrent_memory import (
    Recurrence,
    kept,
    made_at_inference,
    values_at_inference,
)
from archcalc.layers.recurrent_operators import operators_of
from archcalc.layers.registry import register
from archcalc.layers.state import Shape, State, parameters
from archcalc.layers.steps_first import StepsFirst
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_equal,
    require_at_least,
    smallest,
)
from archcalc.regions.bits import between, first_of, full, last_of
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


class Recurrent(StepsFirst):
    """A state h of F features that each step of a sequence changes, by the same weights.

    Shapes: (L, C), L steps of C features, -> (L, D P) with the output of each step, or (D P) with
    that of the last: D is 2 where it is bidirectional, else 1, and P the features of an output,
    which are F unless they are projected. Of several layers each takes the outputs of the one
    before, all steps of both directions. The last output of the reverse direction is that of the
    first step. States begin with zeros, as in torch where none are given.

    Parameters of each layer and direction, with g gates: `weight_ih` (g F, C or D P),
    `weight_hh` (g F, P), `bias_ih` and `bias_hh` (g F).
    MACs: those of the weights, at each step.
    """

    category: ClassVar[Category] = Category.LINEAR
    is_weight_layer: ClassVar[bool] = True
    in_lecture_total: ClassVar[bool] = True

    features: Quantity
    layers: int = 1
    bidirectional: bool = False
    bias: bool = True
    dropout: float = 0.0
    output: Literal["sequence", "last"] = "sequence"

    @property
    def projected_to(self) -> Quantity:
        """The features to which an output is projected; 0 where it is not."""
        return 0

    @property
    def is_projected(self) -> bool:
        """Whether outputs are projected."""
        return not certainly_equal(self.projected_to, 0)

    @abstractmethod
    def ops_of_step(self) -> Quantity:
        """Operations of one layer in one direction at one step, products of weights not counted.

        Two products are added up; with biases, two more vectors. Then come the gates.
        """

    def recurrence_on(self, x: FeatureMap) -> Recurrence:
        """What its memory depends on.

        Raises:
            LayerError: it refuses such an input.
        """
        if len(x.sizes) != 1:
            raise LayerError("needs a sequence (steps, features)")
        require_positive(self.features, "features")
        if self.layers < 1:
            raise LayerError(f"{self.layers} layers")
        if not 0 <= self.dropout <= 1:
            raise LayerError(f"dropout (={self.dropout}) is a probability, between 0 and 1")
        if self.is_projected:
            require_positive(self.projected_to, "projected features")
            require_at_least(
                self.features - self.projected_to,
                1,
                "projects {} features to {}, which are not fewer",
                self.features,
                self.projected_to,
            )
        (inputs,) = x.sizes
        return Recurrence(
            cell=self.kind,
            gates=_GATES[self.kind],
            steps=x.channels,
            inputs=inputs,
            width=self.features,
            output=self.projected_to if self.is_projected else self.features,
            layers=self.layers,
            directions=2 if self.bidirectional else 1,
            bias=self.bias,
            dropout=self.dropout if self.layers > 1 else 0.0,
            last=self.output == "last",
            projected=self.is_projected,
            nonlinearity=getattr(self, "nonlinearity", "tanh"),
        )

    def effect_on(self, x: FeatureMap, /) -> Effect:
        of = self.recurrence_on(x)
        each_step = of.directions * of.output
        output = FeatureMap(each_step) if of.last else FeatureMap(of.steps, (each_step,))
        state = self._parameters(of)
        weights = sum([tensor.values for tensor in state if len(tensor.shape) == 2])
        return Effect(
            output=output,
            windows=(Reach.ALL,),
            state=state,
            macs=of.steps * weights,
            other_ops=of.steps * of.layers * of.directions * self.ops_of_step(),
            saved=kept(of),
            workspace=(made_at_inference(of),),
            storage=Storage.OWN,
        )

    def _parameters(self, of: Recurrence) -> State:
        rows = of.gates * of.width
        shapes: dict[str, Shape | None] = {}
        for one in of.passes():
            shapes[f"weight_ih{one.suffix}"] = (rows, one.inputs)
            shapes[f"weight_hh{one.suffix}"] = (rows, of.output)
            shapes[f"bias_ih{one.suffix}"] = (rows,) if of.bias else None
            shapes[f"bias_hh{one.suffix}"] = (rows,) if of.bias else None
            projection = (of.output, of.width) if of.projected else None
            shapes[f"weight_hr{one.suffix}"] = projection
        return parameters(**shapes)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        return operators_of(self.recurrence_on(inputs[0]), at)

    def macs_backward(
        self, effect: Effect, inputs: Sequence[FeatureMap], learning: Sequence[bool]
    ) -> Quantity:
        matrices = {one.name: one.values for one in effect.parameters if len(one.shape) == 2}
        weights = sum(matrices.values())
        of_states = sum([n for name, n in matrices.items() if "_hh" in name])
        of_input = sum([n for name, n in matrices.items() if name.startswith("weight_ih_l0")])
        steps = effect.macs // weights
        # The first states are zeros, and have no gradient.
        return steps * (weights if any(learning) else weights - of_input) - of_states

    def made_by_taking(
        self,
        inputs: Sequence[FeatureMap],
        taking: Mapping[int, Taking],
        same: Sequence[int | None],
        *,
        at_inference: bool,
    ) -> Extra | None:
        (x,) = inputs
        of, how = self.recurrence_on(x), taking.get(0, Taking.AS_IT_LIES)
        in_order = how in (Taking.APART_IN_ORDER, Taking.COPIED_IN_ORDER)
        copied = how in (Taking.COPIED, Taking.COPIED_IN_ORDER) or of.by_one_kernel
        if how is Taking.AS_IT_LIES or not (copied or at_inference):
            return None
        if of.by_one_kernel:
            values = x.values
        elif at_inference:
            likewise = Taking.COPIED if copied else Taking.APART
            values = values_at_inference(of, likewise) - values_at_inference(of)
        else:
            values = of.directions * x.values  # each direction its own
        return Extra(COPY, values * smallest(1, x.channels - 1) if in_order else values)

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        return dtype != "mixed" and not at.on_gpu  # autocast mixes types in a step; cuDNN's kernels

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("features",) if self.output == "last" else ()  # else they are a size

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (
            PositiveRecurrence(
                features=self.projected_to if self.is_projected else self.features,
                layers=self.layers,
                bidirectional=self.bidirectional,
                output=self.output,
            ),
        )

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        one_way = self.output == "sequence" and not self.bidirectional
        return Reach.BEFORE if one_way else Reach.ALL

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        (x,) = inputs
        features = (full(x.sizes[0]),)
        if self.output == "last" or (self.bidirectional and self.layers > 1):
            yield 0, Patch(full(x.channels), features)
            return
        half = self.projected_to if self.is_projected else self.features
        forward = patch.positions[0] & full(half) if self.bidirectional else patch.positions[0]
        steps = patch.channels
        if forward:
            yield 0, Patch(between(0, last_of(steps), x.channels), features)
        if patch.positions[0] & ~forward:
            yield 0, Patch(between(first_of(steps), x.channels - 1, x.channels), features)


class PositiveRecurrence(Recurrent):
    """Sums over the steps so far in the place of states: it stands in no spec."""

    kind: ClassVar[str] = "rnn"

    def ops_of_step(self) -> Quantity:
        return self.features


@register
class Rnn(Recurrent):
    """Plain recurrence, h' = f(W x + b + V h + c), as `torch.nn.RNN` with `batch_first`.

    One gate: h' itself; f is tanh or a rectifier. Shapes, parameters and MACs as of all recurrent
    layers: (L, C) -> (L, D F) or (D F).
    Source: Elman 1990, "Finding structure in time".
    """

    kind: ClassVar[str] = "rnn"

    nonlinearity: Literal["tanh", "relu"] = "tanh"

    def ops_of_step(self) -> Quantity:
        return (2 + 2 * self.bias) * self.features


@register
class Gru(Recurrent):
    """Gated recurrent unit, as `torch.nn.GRU` with `batch_first`.

    r = s(W_r x + V_r h), z = s(W_z x + V_z h), n = tanh(W_n x + r (V_n h)),
    h' = (h - n) z + n, each product with its bias. Shapes, parameters and MACs as of all recurrent
    layers: (L, C) -> (L, D F) or (D F).
    Source: Cho et al. 2014 (arXiv:1406.1078), with r behind the product, as cuDNN.
    """

    kind: ClassVar[str] = "gru"

    def ops_of_step(self) -> Quantity:
        return 3 * (2 + 2 * self.bias) * self.features + 4 * self.features


@register
class Lstm(Recurrent):
    """Long short-term memory, as `torch.nn.LSTM` with `batch_first`.

    i = s(W_i x + V_i h), f = s(W_f x + V_f h), g = tanh(W_g x + V_g h), o = s(W_o x + V_o h),
    c' = f c + i g, h' = o tanh(c'), each product with its bias. With a `projection` to P features
    the output is W_r h' (`weight_hr`, (P, F)), and so is what the next step takes. Shapes,
    parameters and MACs as of all recurrent layers: (L, C) -> (L, D P) or (D P).
    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000; Sak et al. 2014 (arXiv:1402.1128).
    """

    kind: ClassVar[str] = "lstm"

    projection: Quantity = 0

    @property
    def projected_to(self) -> Quantity:
        return self.projection

    def ops_of_step(self) -> Quantity:
        return 4 * (2 + 2 * self.bias) * self.features + 5 * self.features

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        # In other types oneDNN lays its workspace out in other ways, or torch runs step by step.
        known = dtype == "float32" or self.is_projected
        return known and super().memory_is_known(dtype, inputs, at)

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        own = super().widths(x)
        return (*own, "projection") if own and self.is_projected else own
