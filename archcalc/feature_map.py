"""What flows along an edge of the network: channels, and sizes along 0 to 3 spatial axes."""

from __future__ import annotations

from archcalc.quantity.arithmetic import Quantity, product
from archcalc.record import Record


class FeatureMap(Record):
    """The shape of one image's activations, channels first, without the batch.

    Attributes:
        channels: number of channels; for a vector (no spatial axes) its number of features.
        sizes: the size along each spatial axis: (), (length,), (height, width)
            or (depth, height, width).
    """

    channels: Quantity
    sizes: tuple[Quantity, ...] = ()

    @property
    def shape(self) -> tuple[Quantity, ...]:
        """(channels, *sizes), as torch prints it without the batch."""
        return (self.channels, *self.sizes)

    @property
    def positions(self) -> Quantity:
        """The number of spatial positions: the product of the sizes, 1 for a vector."""
        return product(self.sizes)

    @property
    def values(self) -> Quantity:
        """The number of values: channels x positions."""
        return self.channels * product(self.sizes)

    def __str__(self) -> str:
        return "x".join(f"({n})" if " " in str(n) else str(n) for n in self.shape)
