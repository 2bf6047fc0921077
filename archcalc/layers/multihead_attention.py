"""Attention with its projections, as one layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.attention import SOFTMAX_OPS
from archcalc.layers.effect import Effect, Extra, Storage
from archcalc.layers.join import Join
from archcalc.layers.layer import Category, Layer, require_divisible, require_positive
from archcalc.layers.multihead_memory import (
    Attending,
    Projection,
    copies_kept,
    kept,
    made_at_inference,
    made_by_taking,
)
from archcalc.layers.multihead_operators import operators_of
from archcalc.layers.operator import USUAL, Circumstances, Operator, Taking
from archcalc.layers.registry import register
from archcalc.layers.state import State, parameters
from archcalc.layers.steps_first import StepsFirst
from archcalc.quantity.arithmetic import Quantity, certainly_equal, require_equal
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow, read
from archcalc.window import Reach, Windows


@register
class MultiheadAttention(Join, StepsFirst):
    """softmax(Q K^T / sqrt(d)) V in h heads, of projections of its inputs, and projected again.

    As `torch.nn.MultiheadAttention`, batch first and without the weights as an output. Inputs:
    one (L, C) that attends to itself; or queries (L, C) and what they attend to (S, C_k), both keys
    and values; or queries, keys (S, C_k) and values (S, C_v). Output (L, C). `causal`: position i
    sees 0 … i. `dropout` is that of the attention, in training.
    Weights: in_proj (3 C, C) of all three, or where widths differ (C, C), (C, C_k) and (C, C_v);
    out_proj (C, C). MACs: L C C + S C_k C + S C_v C, 2 L S C, and L C C.
    Its memory is that of torch's function, which is what runs under hooks and where anything that
    it takes has a gradient; else torch may run it at inference as one kernel, of less. It is known
    on the CPU, in one type of numbers; with dropout in float32 and float64.
    Source: Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.2.
    """

    kind: ClassVar[str] = "multihead_attention"
    category: ClassVar[Category] = Category.ATTENTION
    spreads: ClassVar[bool] = False
    takes_one: ClassVar[bool] = True
    is_weight_layer: ClassVar[bool] = True

    heads: Quantity
    bias: bool = True
    causal: bool = False
    dropout: float = 0.0

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        keys, values = self._attended(x, others)
        length, width = x.shape
        steps = keys.shape[0]
        of = self.attending(x, *others)
        biases = 2 * (length + steps) * width if self.bias else 0
        return Effect(
            output=FeatureMap(length, (width,)),
            windows=Reach.ALL,
            state=self._state(width, keys.shape[1], values.shape[1], of.packed),
            macs=sum(self._projections(x, keys, values)) + 2 * length * steps * width,
            other_ops=biases + self.heads * length * steps * (1 + SOFTMAX_OPS),
            saved=kept(of),
            workspace=(made_at_inference(of),),
            storage=Storage.OWN,
        )

    def _attended(
        self, x: FeatureMap, others: Sequence[FeatureMap]
    ) -> tuple[FeatureMap, FeatureMap]:
        """The keys and the values."""
        if len(others) > 2:
            raise LayerError(f"takes queries, keys and values; {1 + len(others)} inputs are given")
        if not 0 <= self.dropout <= 1:
            raise LayerError(f"a probability of {self.dropout}")
        _, keys, values = self._named((x, *others))
        for each in (x, keys, values):
            if each.rank != 2:
                raise LayerError(f"takes tokens (L, C), and {each} has {each.rank} axes")
        require_positive(self.heads, "heads")
        require_divisible(x.shape[1], self.heads, "features", "heads")
        message = "{} keys for {} values"
        require_equal(keys.shape[0], values.shape[0], message, keys.shape[0], values.shape[0])
        return keys, values

    @staticmethod
    def _is_packed(x: FeatureMap, keys: FeatureMap, values: FeatureMap) -> bool:
        """Whether the weights of all projections are one tensor: their inputs are as wide."""
        width = x.shape[1]
        return all(certainly_equal(each.shape[1], width) for each in (keys, values))

    def _state(
        self, width: Quantity, of_keys: Quantity, of_values: Quantity, packed: bool
    ) -> State:
        apart: State = parameters(
            q_proj_weight=(width, width),
            k_proj_weight=(width, of_keys),
            v_proj_weight=(width, of_values),
        )
        return (
            *(parameters(in_proj_weight=(3 * width, width)) if packed else apart),
            *parameters(in_proj_bias=(3 * width,) if self.bias else None),
            *parameters(
                **{
                    "out_proj.weight": (width, width),
                    "out_proj.bias": (width,) if self.bias else None,
                }
            ),
        )

    def _projections(
        self, x: FeatureMap, keys: FeatureMap, values: FeatureMap
    ) -> tuple[Quantity, ...]:
        """The MACs of the projections of queries, keys and values, and of the output."""
        width = x.shape[1]
        return (*[each.values * width for each in (x, keys, values)], x.values * width)

    def alike(self, maps: Sequence[FeatureMap]) -> Iterator[tuple[Quantity, Quantity]]:
        if len(maps) == 3:
            yield maps[1].shape[0], maps[2].shape[0]

    def cached_values(self, effect: Effect, *inputs: FeatureMap) -> Quantity:
        _, keys, values = self._named(inputs)
        return (keys.channels + values.channels) * inputs[0].shape[1]

    def macs_of_cached(self, effect: Effect, *inputs: FeatureMap) -> Quantity:
        _, of_keys, of_values, _ = self._projections(*self._named(inputs))
        return of_keys + of_values

    def macs_of_weights(self, effect: Effect, inputs: Sequence[FeatureMap]) -> Quantity:
        return sum(self._projections(*self._named(inputs)))

    def macs_backward(
        self, effect: Effect, inputs: Sequence[FeatureMap], learning: Sequence[bool]
    ) -> Quantity:
        *of_inputs, of_output = self._projections(*self._named(inputs))
        towards = (learning[0], learning[min(1, len(inputs) - 1)], learning[-1])
        projected = sum([macs for macs, learns in zip(of_inputs, towards, strict=True) if learns])
        attended = effect.macs - self.macs_of_weights(effect, inputs)
        # With dropout the scores are kept; else, as of attention alone, they are made once more.
        products = 4 if self.dropout else 5
        return projected + of_output + products * (attended // 2)

    @staticmethod
    def _named(inputs: Sequence[FeatureMap]) -> tuple[FeatureMap, FeatureMap, FeatureMap]:
        """Queries, keys and values."""
        return inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]

    # ----- in memory -----

    def attending(self, *inputs: FeatureMap, same: Sequence[int | None] = ()) -> Attending:
        """What its memory depends on; `same` is that of its `Circumstances`."""
        numbers = [0, min(1, len(inputs) - 1), len(inputs) - 1]
        numbers = [each if not same else same[each] or 0 for each in numbers]
        width = inputs[0].shape[1]
        packed = self._is_packed(*self._named(inputs))
        sources: tuple[str, ...] = ("q", "k", "v")
        if numbers[1] == numbers[2]:  # else torch does not look whether others are the same
            sources = ("qkv",) if numbers[0] == numbers[1] else ("q", "kv")
        projections = []
        for source in sources:
            number = numbers["qkv".index(source[0])]
            for makes in (source,) if packed else source:
                steps, features = inputs[number].shape
                projections.append(Projection(makes, source, number, steps, features, width))
        return Attending(
            queries=inputs[0].shape[0],
            steps=inputs[-1].shape[0],
            width=width,
            heads=self.heads,
            bias=self.bias,
            packed=packed,
            causal=self.causal,
            dropout=self.dropout,
            projections=tuple(projections),
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        return operators_of(self.attending(*inputs, same=at.same), at)

    def made_by_taking(
        self,
        inputs: Sequence[FeatureMap],
        taking: Mapping[int, Taking],
        same: Sequence[int | None],
        *,
        at_inference: bool,
    ) -> Extra | None:
        of, usual = self.attending(*inputs, same=same), self.attending(*inputs)
        if not at_inference or (not taking and of == usual):
            return None
        return made_by_taking(of, usual, taking)

    def kept_by_taking(
        self,
        inputs: Sequence[FeatureMap],
        taking: Mapping[int, Taking],
        same: Sequence[int | None],
    ) -> Mapping[int, Extra]:
        return copies_kept(self.attending(*inputs, same=same), taking)

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        spread = at.several_images and 0 < len(at.once) < len(inputs)
        told = not spread and None not in at.same
        if self.dropout and told:
            # What it keeps goes by which of its inputs learn, and by which of them are the same.
            some = at.frozen and 0 < len(at.learning) < len(inputs)
            told = not some and self.attending(*inputs, same=at.same) == self.attending(*inputs)
            told = told and dtype in ("float32", "float64")  # in half precision it casts
        return told and not at.on_gpu and dtype != "mixed"

    # ----- what its units see -----

    @property
    def _way(self) -> Reach:
        return Reach.BEFORE if self.causal else Reach.ALL

    def windows_along(
        self, number: int, inputs: Sequence[FeatureMap], windows: Windows
    ) -> tuple[ChannelWindow, ...]:
        queries_alone = number == 0 and len(inputs) > 1
        return (Reach.SAME if queries_alone else self._way, Reach.ALL)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        return (0, 1) if number == 0 else (None, 1)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        if not patch.values:
            return
        for number, x in enumerate(inputs):
            way = self.windows_along(number, inputs, windows)[0]
            yield number, Patch(read(way, patch.channels, x.channels), (full(x.shape[1]),))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (AttendedByAll(**vars(self)),)


class AttendedByAll(MultiheadAttention):
    """What it sees, linearly: `archcalc.torch_backend.token_modules.AttendedByAll`."""
