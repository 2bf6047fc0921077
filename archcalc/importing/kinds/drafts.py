"""Layers while they are found, and what the tensors of a trace are of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.importing.kinds.axes import Axes
from archcalc.importing.trace import Operation
from archcalc.layers import Layer
from archcalc.layers.integers import dtype_kept
from archcalc.layers.items import effect_with_items
from archcalc.layers.registry import kind_called
from archcalc.record import replace


class NotCoveredError(Exception):
    """No layer kind does what an operator does; the message says what it is.

    Attributes:
        macs: its multiply-accumulates for an image, where they are known all the same.
    """

    def __init__(self, message: str, macs: int | None = None) -> None:
        super().__init__(message)
        self.macs = macs


class Draft:
    """A layer that has no name yet, or an input of the model.

    Attributes:
        kind: its layer kind; empty of an input.
        inputs: what it takes.
        fields: what a spec says of it.
        map: the shape of its output; None of a source of which that is open.
        axes: what its axes are called in patterns.
        operation: the one that it is made of, or None.
        held: the numbers of the tensors of the model that it holds, by their names in torch.
        weights: the one whose weights it shares.
        name: of an input, or what it is to be called; empty where its path says that.
        views: the layers that only move its values, by what a spec says of them.
        learned: of a source whether it learns.
        indices: the max pool that it undoes, or None.
        copy_of: of one that copies values alone, the tensor that it copies, or None.
        head: the head for training alone that it stands in, or empty.
    """

    def __init__(
        self,
        kind: str,
        inputs: tuple[Draft, ...] = (),
        fields: Mapping[str, Any] | None = None,
        map: FeatureMap | None = None,
        operation: Operation | None = None,
    ) -> None:
        self.kind = kind
        self.inputs = inputs
        self.fields = dict(fields or {})
        self.map = map
        self.operation = operation
        self.held: dict[str, int] = {}
        self.weights: Draft | None = None
        self.name = ""
        self.axes: tuple[str, ...] = ()
        self.views: dict[str, Draft] = {}
        self.learned = False
        self.indices: Draft | None = None
        self.copy_of: Value | None = None
        self.head = ""


class Value(NamedTuple):
    """What a tensor is: the output of a layer, and how its values were moved since.

    Attributes:
        draft: the layer, input or source.
        base: the axes of its output per image, behind its items.
        axes: the axes of the tensor, with the batch.
        of_images: whether it depends on an input of the model.
        by: the operation that moved it last, or None.
    """

    draft: Draft
    base: Axes
    axes: Axes
    of_images: bool
    by: Operation | None = None


def layer_of(kind: str, fields: Mapping[str, Any]) -> Layer:
    """A layer of a kind, from what a spec says of it.

    Raises:
        NotCoveredError: there is no such kind, or field.
    """
    found = kind_called(kind)
    if found is None:
        raise NotCoveredError(f"no layer kind {kind}")
    given = {name: _plain(each) for name, each in fields.items()}
    named = [name for name, text in found.types.items() if text == "NamedSizes"]
    if named:
        own = {name: each for name, each in given.items() if name in found.types}
        others = tuple([(name, each) for name, each in given.items() if name not in own])
        given = own | {named[0]: others}
    return found(**given)


def settled(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not at their default."""
    layer = layer_of(kind, fields)
    defaults = type(layer).defaults
    return {
        name: each for name, each in fields.items() if _plain(each) != defaults.get(name, _UNKNOWN)
    }


def map_after(kind: str, fields: Mapping[str, Any], maps: Sequence[FeatureMap]) -> FeatureMap:
    """The shape that a layer makes of some maps.

    Raises:
        NotCoveredError: it refuses them.
    """
    layer = layer_of(kind, fields)
    try:
        integers = dtype_kept(layer, maps)
        output = effect_with_items(layer, *maps).output
    except LayerError as refusal:
        raise NotCoveredError(f"{kind}: {refusal}") from None
    return output if integers is None else replace(output, dtype=integers)


_UNKNOWN = object()


def _plain(value: Any) -> Any:
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value
