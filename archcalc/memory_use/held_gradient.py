"""How a gradient that an operator has made lies in memory, until it is used."""

from __future__ import annotations

from typing import NamedTuple


class HeldGradient(NamedTuple):
    """A gradient, and how it lies in its storage: there may be several in one.

    Attributes:
        bytes: as large as it is seen, which is more than the storage where it is spread.
        spread: whether it is one value for all.
        apart: whether there are gaps: between images, or all over where it is permuted too.
        permuted: whether its axes lie in another order than those of what it is the gradient of.
        viewed: whether it is a view, with which torch holds what it views.
    """

    storage: int
    bytes: int
    spread: bool = False
    apart: bool = False
    permuted: bool = False
    viewed: bool = False

    @property
    def contiguous(self) -> bool:
        """Whether it lies as what it is the gradient of."""
        return not (self.spread or self.apart or self.permuted)
