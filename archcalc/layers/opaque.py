"""Operators that no kind covers: what is known of them is what was captured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, TypeAlias

from archcalc.errors import LayerError
from archcalc.feature_map import MOST_AXES, FeatureMap
from archcalc.layers.effect import Effect, Storage
from archcalc.layers.integers import Integers
from archcalc.layers.join import Join
from archcalc.layers.layer import Category
from archcalc.layers.operator import Circumstances
from archcalc.layers.registry import register
from archcalc.layers.state import Shape, StateTensor, buffers, learned_role
from archcalc.quantity.arithmetic import (
    Quantity,
    require_at_least,
    require_certainly_equal,
)
from archcalc.quantity.at_least import UNKNOWN
from archcalc.regions.bits import NotFollowedError
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows

# What the types of its fields are called in a spec's schema.
NamedShapes: TypeAlias = "tuple[tuple[str, Shape], ...]"  # by names, in a mapping
Shapes: TypeAlias = "tuple[Shape, ...]"
Cost: TypeAlias = "Quantity | None"  # None where it is unknown
Text: TypeAlias = str  # as it stands, and no expression


@register
class Opaque(Join):
    """An operator that no kind covers, with what was captured of it where it comes from.

    `operator` is what it is called there, `of` the shapes of its inputs and `shape` that of its
    output, without the batch: what it gives on other shapes is not known, and refused. Its
    learned tensors are in `parameters` and its buffers, in the network's dtype, in `buffers`, by
    their names. `macs` and `other_ops`, of an image, are `unknown` unless given, and so is what
    it keeps and makes in memory; every total that it is part of then says that it is at least
    what is known. `dtype` is that of an output of integers.
    One layer has one output: of an operator with several each is a layer with the same `operator`
    and inputs, `output` says which it is, from 0, and the first that is used has the parameters
    and the cost, the others `macs: 0, other_ops: 0`.
    No torch module can be built of it.
    """

    kind: ClassVar[str] = "opaque"
    category: ClassVar[Category] = Category.OPAQUE
    takes_one: ClassVar[bool] = True
    spreads: ClassVar[bool] = False
    moves_axes: ClassVar[bool] = True
    integers: ClassVar[Integers] = Integers.TAKEN
    has_twin: ClassVar[bool] = False

    @property
    def is_weight_layer(self) -> bool:  # type: ignore[override]  # of an instance, not of the kind
        """Whether it has a matrix or a kernel, which nobody knows that it multiplies with."""
        return any(len(shape) > 1 for _, shape in self.parameters)

    operator: Text
    of: Shapes
    shape: Shape
    parameters: NamedShapes = ()
    buffers: NamedShapes = ()
    macs: Cost = None
    other_ops: Cost = None
    output: int = 0
    dtype: Literal["floating", "int64", "int32", "int16", "int8", "uint8", "bool"] = "floating"

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        self._require_captured((x, *others))
        _require_shape(self.shape)
        learned = [StateTensor(n, learned_role(n), shape) for n, shape in self.parameters]
        for _, shape in (*self.parameters, *self.buffers):
            for size in shape:
                require_at_least(size, 0, "a size of {}", size)
        for cost in (self.macs, self.other_ops):
            if cost is not None:
                require_at_least(cost, 0, "a cost of {}", cost)
        return Effect(
            output=FeatureMap(
                self.shape[0],
                self.shape[1:],
                dtype=None if self.dtype == "floating" else self.dtype,
            ),
            windows=Reach.UNKNOWN,
            state=(*learned, *buffers(**dict(self.buffers))),
            macs=UNKNOWN if self.macs is None else self.macs,
            other_ops=UNKNOWN if self.other_ops is None else self.other_ops,
            saved=(),
            workspace=(),
            storage=Storage.OWN,
        )

    def _require_captured(self, inputs: Sequence[FeatureMap]) -> None:
        """Raises LayerError unless the inputs have the shapes that were captured."""
        for shape in self.of:
            _require_shape(shape)
        captured = [FeatureMap(shape[0], shape[1:]) for shape in self.of]
        known = (
            f"{self.operator} was captured on {' and '.join(map(str, captured))}; what it gives "
            "elsewhere is not known"
        )
        if [x.rank for x in inputs] != [x.rank for x in captured]:
            raise LayerError(known)
        for x, wanted in zip(inputs, captured, strict=True):
            for m, n in zip(x.shape, wanted.shape, strict=True):
                require_certainly_equal(m, n, "{}", known)

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        return False

    def macs_of_weights(self, effect: Effect, inputs: Sequence[FeatureMap]) -> Quantity:
        return 0  # all of them are counted in `macs_backward`

    def macs_backward(
        self, effect: Effect, inputs: Sequence[FeatureMap], learning: Sequence[bool]
    ) -> Quantity:
        # What has no products has none in its derivative; of others nobody says how many.
        return 0 if self.macs == 0 else UNKNOWN

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.UNKNOWN

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...] | None:
        return None

    def reaches(
        self, channels: int, x: FeatureMap, output: FeatureMap, window: ChannelWindow
    ) -> int:
        raise NotFollowedError

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        raise NotFollowedError


def _require_shape(shape: Shape) -> None:
    if not 1 <= len(shape) <= MOST_AXES:
        raise LayerError(f"a shape of {len(shape)} numbers; 1 to {MOST_AXES} work")
    for size in shape:
        require_at_least(size, 1, "a size of {}", size)
