"""What flows along an edge of the network: a tensor of any number of axes, for each image."""

from __future__ import annotations

from functools import cached_property

from archcalc.quantity.arithmetic import Quantity, certainly_one, product
from archcalc.record import Record

MOST_AXES = 8  # of a shape; models of today have up to 7
INTEGERS = {"int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1}  # bytes each


class FeatureMap(Record):
    """The shape of one image's activations, in torch's layout, without the batch.

    Any number of axes: (C, H, W) of a map, (L, C) of tokens, (heads, L, d), (C) of a vector. The
    first is the one that torch gives channels first; the last is the one of `linear`.

    Attributes:
        channels: the size of the first axis: of a map its channels, of a vector its features.
        sizes: the size of each other axis: () of a vector, (height, width) of a map.
        items: how many such maps an image has, where torch folds an axis into the batch: windows,
            or heads.
        dtype: one of `INTEGERS`, of tokens and masks; None where it is floating, of the network's.
    """

    channels: Quantity
    sizes: tuple[Quantity, ...] = ()
    items: Quantity = 1
    dtype: str | None = None

    @property
    def shape(self) -> tuple[Quantity, ...]:
        """(channels, *sizes), as torch prints it without the batch and what is folded into it."""
        return (self.channels, *self.sizes)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return 1 + len(self.sizes)

    @property
    def grid(self) -> tuple[Quantity, ...]:
        """As the input of a network: the sizes along which its positions lie.

        Of a map all but the channels, of integers, such as tokens, all.
        """
        return self.sizes if self.dtype is None else self.shape

    @property
    def positions(self) -> Quantity:
        """The product of the sizes of all axes but the first, 1 for a vector."""
        return product(self.sizes)

    @cached_property
    def values(self) -> Quantity:
        """The number of values of an image: items x channels x positions."""
        values = self.channels * product(self.sizes)
        return values if certainly_one(self.items) else values * self.items

    def bytes_each(self, floating: int) -> int:
        """Bytes per value in a network whose floating values take `floating`."""
        return floating if self.dtype is None else INTEGERS[self.dtype]

    def __str__(self) -> str:
        sizes = [f"({n})" if " " in str(n) else str(n) for n in self.shape]
        items = [] if certainly_one(self.items) else [f"[{self.items}]"]
        return "x".join([*items, *sizes])
