"""Attention: what is said at some positions from what stands at others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Saved, Storage
from archcalc.layers.join import Join
from archcalc.layers.layer import Category, Layer, require_divisible, require_positive
from archcalc.layers.operator import USUAL, Circumstances, Kept, Operator, Taken
from archcalc.layers.registry import register
from archcalc.quantity.arithmetic import (
    Quantity,
    ceil_div,
    certainly_at_least,
    certainly_equal,
    certainly_one,
    require_equal,
)
from archcalc.regions.bits import chunks, full, members, repeated, single
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow, Groups, read
from archcalc.window import Reach, Windows

BIAS = 3  # the number of that input
_QUERIES_AT_ONCE = 32  # of the memory-efficient kernel on a GPU
_LONGEST_ROW = 256  # values of a head that cuDNN's takes
_RANDOM_STATE = Extra("random state", 2, bytes_each=8, per_image=False)  # of cuDNN's kernel there
SOFTMAX_OPS = 5  # operations for each score: maximum, difference, exponential, sum, quotient


@register
class ScaledDotProductAttention(Join):
    """softmax(Q K^T scale) V in each of some heads, as torch's function of that name.

    Inputs: queries (L, h d), keys (S, g d) and values (S, g d). Of the h heads, each h / g are
    served by one of the g heads of keys, `key_heads` (Ainslie et al. 2023, arXiv:2305.13245);
    each has its own unless that is given. Output (L, h d). The scale is d**-0.5 unless given.
    `causal`: position i sees 0 … i. A fourth input is a bias, which is added to the scores before
    the softmax: (h, L, S), or 1 along some of these axes (Raffel et al. 2020, arXiv:1910.10683).
    Beside `causal` torch takes none, but one in which -inf hides what comes later: then what is
    made and kept is not known.
    MACs: 2 L S h d, of a causal one as well: the products are computed and masked.
    Source: Vaswani et al. 2017 (arXiv:1706.03762), eq. 1 and section 3.2.2.
    """

    kind: ClassVar[str] = "scaled_dot_product_attention"
    category: ClassVar[Category] = Category.ATTENTION
    spreads: ClassVar[bool] = False

    heads: Quantity = 1
    key_heads: Quantity | None = None
    causal: bool = False
    scale: float | None = None

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        steps = self._steps(x, others)
        length, width = x.shape
        for bias in others[2:]:
            self._require_bias(bias, (self.heads, length, steps))
        statistics = Extra("statistics", self.heads * length, least_bytes=4)
        biased = len(others) - 2
        return Effect(
            output=x,
            windows=Reach.ALL,
            state=(),
            macs=2 * length * steps * width,
            other_ops=self.heads * length * steps * (1 + biased + SOFTMAX_OPS),
            saved=(Saved.INPUT, Saved.OUTPUT, statistics),
            workspace=(statistics,),
            storage=Storage.OWN,
        )

    def _steps(self, x: FeatureMap, others: Sequence[FeatureMap]) -> Quantity:
        """The number of keys, and of values."""
        if len(others) not in (2, 3):
            count = 1 + len(others)
            raise LayerError(f"takes queries, keys, values and a bias; {count} inputs are given")
        keys, values = others[:2]
        for each in (x, keys, values):
            if each.rank != 2:
                raise LayerError(f"takes tokens (L, C), and {each} has {each.rank} axes")
        require_positive(self.heads, "heads")
        groups = self._groups
        require_positive(groups, "heads of keys")
        require_divisible(self.heads, groups, "heads", "heads of keys")
        require_divisible(x.shape[1], self.heads, "features", "heads")
        width = x.shape[1] // self.heads * groups
        for what, each in (("keys", keys), ("values", values)):
            require_equal(
                each.shape[1], width, "{} of {} features for {} heads of {}",
                what, each.shape[1], groups, x.shape[1] // self.heads,
            )  # fmt: skip
        message = "{} keys for {} values"
        require_equal(keys.shape[0], values.shape[0], message, keys.shape[0], values.shape[0])
        return keys.shape[0]

    def _require_bias(self, bias: FeatureMap, scores: tuple[Quantity, ...]) -> None:
        if bias.rank != 3:
            raise LayerError(f"a bias (heads, queries, keys), and {bias} has {bias.rank} axes")
        whole = FeatureMap(scores[0], scores[1:])
        for size, wanted in zip(bias.shape, scores, strict=True):
            if not certainly_one(size):
                require_equal(size, wanted, "a bias of {} for scores of {}", bias, whole)

    def alike(self, maps: Sequence[FeatureMap]) -> Iterator[tuple[Quantity, Quantity]]:
        x, keys, values, *biases = maps
        yield keys.shape[0], values.shape[0]
        for bias in biases:
            for size, wanted in zip(
                bias.shape, (self.heads, x.shape[0], keys.shape[0]), strict=True
            ):
                if not certainly_one(size):
                    yield size, wanted

    @property
    def _groups(self) -> Quantity:
        return self.heads if self.key_heads is None else self.key_heads

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        # Flash attention on the CPU, and kernels like it on a GPU, whose output has the heads of a
        # position side by side.
        taken = [Taken(number, always=True, viewed=True, by_view=True) for number in range(3)]
        taken += [Taken(number) for number in range(3, len(inputs))]
        beside = self._kept_on_gpu(inputs[0], at.in_half) if at.on_gpu else effect.workspace
        return (
            Operator(
                self.kind,
                tuple(taken),
                effect.output.values,
                kept=(*[Kept(number) for number in range(len(inputs))], Kept(None)),
                beside_kept=beside,
            ),
        )

    def cached_values(self, effect: Effect, *inputs: FeatureMap) -> Quantity:
        keys, values = inputs[1], inputs[2]
        return keys.values + values.values

    def macs_backward(
        self, effect: Effect, inputs: Sequence[FeatureMap], learning: Sequence[bool]
    ) -> Quantity:
        # Of two products the gradients of both factors, behind the scores, which are made again.
        return 5 * (effect.macs // 2) if any(learning) else 0

    def orders_as_input(self, x: FeatureMap) -> bool:
        return True

    def _kept_on_gpu(self, x: FeatureMap, in_half: bool) -> tuple[Extra, ...]:
        """What it keeps there beside its inputs and its output: a number for each query and head.

        In float32 torch's memory-efficient kernel, which rounds the number of queries up to a
        multiple of 32; in half precision cuDNN's, with the state of its random numbers.
        """
        queries = x.shape[0]
        if not in_half:
            rounded = ceil_div(queries, _QUERIES_AT_ONCE) * _QUERIES_AT_ONCE
            return (Extra("statistics", self.heads * rounded, least_bytes=4),)
        return Extra("statistics", self.heads * queries, least_bytes=4), _RANDOM_STATE

    def workspace_on_gpu(self, effect: Effect, in_half: bool) -> tuple[Extra, ...]:
        # No number for each query where nothing is to learn of them.
        return (_RANDOM_STATE,) if in_half else ()

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        if at.on_gpu and not self._runs_in_one_kernel(dtype, inputs):
            return False
        # Where the bias learns, features do not lie side by side, or some of queries, keys and
        # values are spread over the images, torch makes the scores themselves, by other kernels.
        hides_by_bias = self.causal and len(inputs) > BIAS
        spread = at.several_images and 0 < len({0, 1, 2}.intersection(at.once)) < 3
        told = not hides_by_bias and not spread
        return told and BIAS not in at.learning and not at.scattered

    def _runs_in_one_kernel(self, dtype: str, inputs: Sequence[FeatureMap]) -> bool:
        """Whether a GPU certainly takes queries, keys and values as they are, and no bias.

        In float32 by torch's memory-efficient kernel, to which each head brings its own keys; in
        half precision by cuDNN's, which shares them, and takes rows of limited length.
        """
        of_a_head = inputs[0].shape[1] // self.heads
        if dtype == "float32":
            takes = certainly_equal(of_a_head % 4, 0) and certainly_equal(self._groups, self.heads)
        else:
            takes = certainly_equal(of_a_head % 8, 0)
            takes = takes and certainly_at_least(_LONGEST_ROW, of_a_head)
        return dtype != "float64" and takes and len(inputs) <= BIAS

    @property
    def _way(self) -> Reach:
        return Reach.BEFORE if self.causal else Reach.ALL

    def windows_along(
        self, number: int, inputs: Sequence[FeatureMap], windows: Windows
    ) -> tuple[ChannelWindow, ...]:
        if number == 0:
            return (Reach.SAME, Reach.ALL)
        if number == BIAS:
            return (Reach.ALL, Reach.SAME, Reach.ALL)
        return (self._way, Reach.ALL)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        if number == BIAS:
            return (None if certainly_one(inputs[number].shape[1]) else 1, None)
        return (0, 1) if number == 0 else (None, 1)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        x, keys, _, *biases = inputs
        each, groups = x.shape[1] // self.heads, self._groups
        (features,) = patch.positions
        of_head = read(Groups(each, each), features, x.shape[1])
        in_group = Groups(each, self.heads // groups * each)
        of_group = read(in_group, of_head, keys.shape[1])
        steps = read(self._way, patch.channels, keys.shape[0])
        yield 0, Patch(patch.channels, (of_head,))
        yield 1, Patch(steps, (of_group,))
        for part, heads in chunks(features, self.heads, each).items():
            serving = read(Groups(1, self.heads // groups), heads, groups)
            yield 2, Patch(steps, (repeated(part, each, serving),))
        heads = read(Groups(1, each), features, self.heads)
        queries = [patch.channels]
        if self.causal and biases:  # each sees other steps
            queries = [single(query) for query in members(patch.channels)]
        for bias in biases:
            for own in queries:
                scores = (heads, own, read(self._way, own, keys.shape[0]))
                sets = [
                    full(n) if n == 1 and bits else bits
                    for n, bits in zip(bias.shape, scores, strict=True)
                ]
                yield BIAS, Patch(sets[0], tuple(sets[1:]))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Attended(**vars(self)),)


class Attended(ScaledDotProductAttention):
    """What attention sees, linearly: `archcalc.torch_backend.token_modules.Attended`."""
