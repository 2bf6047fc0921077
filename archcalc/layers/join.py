"""What a layer kind with several inputs is, beside what each layer kind is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect
from archcalc.layers.layer import Category, Layer
from archcalc.quantity.arithmetic import Quantity
from archcalc.regions.patches import Patch
from archcalc.window import Windows


class Join(Layer):
    """A layer kind with several inputs: the outputs of its branches.

    One that is pointwise combines them value by value, those of a single position along an axis
    spread over the others, so that one can be a gate of the others
    (`archcalc.receptive_field.seen`). One that is not says by `channel_window`, as every layer,
    whether a channel is computed from the same one of each input.

    Class attributes:
        takes_one: whether it takes a single input too, such as the layer before it.
        sign: what stands for it in drawings; empty where that is its name.
    """

    category: ClassVar[Category] = Category.JOINING
    spreads: ClassVar[bool] = True
    takes_one: ClassVar[bool] = False
    sign: ClassVar[str] = ""

    def concatenates_along(self, x: FeatureMap) -> int | None:
        """The axis along which the values of every branch go on as they are, the first being `x`.

        None of a join that computes others from them.
        """
        return None

    def alike(self, maps: Sequence[FeatureMap]) -> Iterator[tuple[Quantity, Quantity]]:
        """The sizes of its inputs that have to be equal for it to join them, two at a time."""
        yield from ()

    @abstractmethod
    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        """What the layer does to the inputs `x` and `others`, in the order of the branches."""

    @abstractmethod
    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """As every layer's."""


def combines(layer: Layer) -> bool:
    """Whether it is a join that combines its branches value by value."""
    return isinstance(layer, Join) and layer.pointwise


def concatenates(layer: Layer, x: FeatureMap) -> bool:
    """Whether it is a join that puts the channels of its branches, of which `x` is the first, in a
    row."""
    return isinstance(layer, Join) and layer.concatenates_along(x) == 0
