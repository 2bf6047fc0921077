"""A layer of a prototxt while it is read: its fields, what it takes, what it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from archcalc.errors import SpecError
from archcalc.importing.builder import Builder, Value
from archcalc.importing.caffe.fields import Fields

_LEARNING = ("conv", "conv_transpose", "linear", "embedding", "channel_scale", "prelu")


class Unknown(NamedTuple):
    """A blob of a size that the file does not say.

    Attributes:
        why: what its size hangs on.
    """

    why: str


class Mask(NamedTuple):
    """The places of the maxima that a pool gives besides.

    Attributes:
        pool: which.
        of: the shape of what it pooled, for one image.
    """

    pool: str
    of: tuple[int, ...]


Blob: TypeAlias = Value | Unknown | Mask


class Layer:
    """A layer, with the blobs that it takes.

    Attributes:
        fields: all of its fields.
        name: as the file has it, or its type where it has none.
        type: as the second version of the format calls it.
        bottoms: what it takes.
        tops: the names of what it gives.
        mask: what it takes besides, of a pool, where it does.
    """

    def __init__(
        self,
        fields: Fields,
        name: str,
        type: str,
        bottoms: tuple[Value, ...],
        tops: tuple[str, ...],
        builder: Builder,
        owners: dict[str, tuple[str, str]],
        mask: Mask | None = None,
    ) -> None:
        self.fields = fields
        self.name = name
        self.type = type
        self.bottoms = bottoms
        self.tops = tops
        self.mask = mask
        self._builder = builder
        self._owners = owners

    def param(self, name: str) -> Fields:
        """The settings of its type."""
        return self.fields.inner(name)

    def error(self, fact: str) -> SpecError:
        """`fact`, of this layer."""
        return self.fields.error(f"{self.name}: {fact}")

    def note(self, fact: str) -> None:
        """Tells whoever sees the figures."""
        self._builder.note(fact, self.fields.message.line, self.name)

    @property
    def x(self) -> Value:
        """The one blob that it takes."""
        self.require_bottoms(1)
        return self.bottoms[0]

    def require_bottoms(self, least: int, most: int | None = None) -> None:
        """Raises SpecError unless it takes so many."""
        most = least if most is None else most
        if not least <= len(self.bottoms) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise self.error(f"{self.type} takes {wanted}, not {len(self.bottoms)} bottoms")

    def axis(self, number: int, x: Value, what: str = "axis") -> int:
        """An axis that Caffe numbers with the images as 0, or from the end, as one of an image.

        Raises:
            SpecError: there is no such axis, or it is that of the images.
        """
        rank = len(x.shape) + 1
        found = number + rank if number < 0 else number
        if not 0 <= found < rank:
            raise self.error(
                f"{what} {number} of {shown(x)}, which has {rank} with that of the images"
            )
        if found == 0:
            raise self.error(f"{what} {number} is that of the images, which archcalc keeps apart")
        return found - 1

    # ----- what it becomes -----

    def add(
        self,
        kind: str,
        inputs: Sequence[Value],
        shape: Sequence[int],
        fields: Mapping[str, Any] | None = None,
        suffix: str = "",
        shares: bool = True,
    ) -> Value:
        """A statement, called as the layer with a suffix."""
        given = dict(fields or {})
        weights = None
        if kind in _LEARNING and shares:
            blobs = 2 if given.get("bias", kind in ("conv", "conv_transpose", "linear")) else 1
            weights = self._owner(kind, blobs)
            if weights is None and self._is_frozen(blobs):
                given["trainable"] = False
        value = self._builder.add(kind, self.name + suffix, inputs, shape, given, weights)
        if kind in _LEARNING and shares and weights is None:
            for name in self._parameter_names():
                self._owners[name] = (kind, value.name)
        return value

    def alike(self, kind: str, fields: Mapping[str, Any] | None = None, suffix: str = "") -> Value:
        """A statement that takes the one blob and keeps its shape."""
        return self.add(kind, (self.x,), self.x.shape, fields, suffix)

    def _parameter_names(self) -> list[str]:
        if self.fields.holds_values("param"):  # in the first version of the format
            return [name for name in self.fields.texts("param") if name]
        return [name for name in [each.text("name") for each in self._specs()] if name]

    def _specs(self) -> list[Fields]:
        return [] if self.fields.holds_values("param") else self.fields.inners("param")

    def _owner(self, kind: str, blobs: int) -> str | None:
        """The layer that has all of its parameters by name, or None where they are its own."""
        names = self._parameter_names()
        owners = {self._owners[name] for name in names if name in self._owners}
        if not owners:
            return None
        (first, *others) = owners
        known = all(name in self._owners for name in names)
        if others or not known or len(names) < blobs or first[0] != kind:
            raise self.error("it shares some of its parameters, and archcalc all of them or none")
        return first[1]

    def _is_frozen(self, blobs: int) -> bool:
        """Whether all of its parameters have a learning rate of 0."""
        rates = [each.real("lr_mult", 1.0) for each in self._specs()]
        rates = rates or self.fields.reals("blobs_lr")
        rates += [1.0] * (blobs - len(rates))
        return not any(rates[:blobs])


Handler: TypeAlias = Callable[[Layer], Value | tuple[Blob, ...]]


def shown(value: Value) -> str:
    """The shape of a blob for one image, as sizes are written."""
    return "x".join(map(str, value.shape))
