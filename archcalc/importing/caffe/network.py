"""A prototxt as a model: its layers in order, each from what it takes to what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from archcalc.errors import Source, SpecError, did_you_mean
from archcalc.importing.builder import Builder, Value, some_of
from archcalc.importing.caffe.data import SOURCES, shapes_of, shapes_of_net
from archcalc.importing.caffe.fields import Fields
from archcalc.importing.caffe.known import unknown_fields
from archcalc.importing.caffe.layer import Blob, Layer, Mask, Unknown
from archcalc.importing.caffe.phases import layers_of
from archcalc.importing.caffe.scales import merge_scales
from archcalc.importing.caffe.text import parse
from archcalc.importing.caffe.types import (
    HANDLERS,
    LEARNING,
    MEASURES,
    OF_REGIONS,
    OF_V1,
    RESULTS,
    is_loss,
)
from archcalc.importing.model import Input, Model

_GIVING = frozenset((*SOURCES, "DummyData", "Input", "MemoryData"))


def read_caffe(source: Source, given: Mapping[str, tuple[int, ...]] | None = None) -> Model:
    """The network of a prototxt: a deploy file, or of one for training what runs in use.

    Args:
        given: the shapes for one image of inputs, by name, where the file does not say them; by
            the name "" that of the first.

    Raises:
        SpecError: it is no such file, or has what archcalc does not read; with the place.
    """
    return _Reading(Fields(parse(source)), dict(given or {})).model()


class _Reading:
    def __init__(self, net: Fields, given: dict[str, tuple[int, ...]]) -> None:
        self._net = net
        self._given = given
        self._builder = Builder()
        self._notes: list[str] = []
        self._blobs: dict[str, Blob] = {}
        self._tops: dict[str, str] = {}  # how the file calls the output of a layer
        self._owners: dict[str, tuple[str, str]] = {}
        self._inputs: dict[str, Input] = {}
        self._left_out: list[str] = []

    def model(self) -> Model:
        source = self._net.message.source
        layers = self._net.inners("layer", "layers")
        if not layers:
            raise SpecError(f"{source.name}: no layers: this is no network of Caffe")
        if "layer" in self._net and "layers" in self._net:
            raise self._net.error("layer and layers are of two versions of the format", "layers")
        self._notes.extend(unknown_fields(self._net))
        for name, shape in shapes_of_net(self._net):
            self._input(name, shape, f"the shape of the input {name!r} is not in the file")
        for fields in layers_of(self._net, layers, self._notes):
            self._layer(fields)
        for scale, norm in merge_scales(self._builder).items():
            self._tops[norm] = self._tops.pop(scale)
        return self._finished(self._outputs())

    # ----- layers -----

    def _layer(self, fields: Fields) -> None:
        type = self._type(fields)
        name = fields.text("name") or type
        bottoms = [self._bottom(fields, each) for each in fields.texts("bottom")]
        tops = tuple(fields.texts("top"))
        if is_loss(type) or type in MEASURES:
            for top in tops:
                self._blobs[top] = Unknown(f"{name} measures")
            return
        known = tuple([blob for blob in bottoms if isinstance(blob, Value)])
        mask = next((blob for blob in bottoms if isinstance(blob, Mask)), None)
        if mask is not None and type != "Upsample":
            raise fields.error(f"{name}: the mask of a pool is for Upsample alone")
        layer = Layer(fields, name, type, known, tops, self._builder, self._owners, mask)
        if type in _GIVING or (type == "Python" and not bottoms):
            self._data(layer)
        elif type == "Split":
            for top in tops:
                self._blobs[top] = bottoms[0] if bottoms else layer.x
        elif type in RESULTS:
            self._leave_out(layer, RESULTS[type])
        elif type not in HANDLERS:
            raise fields.error(
                f"{name}: archcalc does not read layers of type {type!r}"
                + did_you_mean(type, (*HANDLERS, *_GIVING)),
                "type",
            )
        elif (why := _unknown(bottoms)) and type not in OF_REGIONS:
            if type in LEARNING:
                raise layer.error(f"its parameters cannot be counted: {why}")
            self._leave_out(layer, why, quietly=True)
        else:
            if type == "Embed":
                self._read_as_integers(known)
            self._give(layer, HANDLERS[type](layer))

    def _type(self, fields: Fields) -> str:
        if "layer" in fields:
            raise fields.error("a layer within layers: this is Caffe's format of 2013", "layer")
        if not fields.holds_values("type"):
            raise fields.error("a layer without a type")
        if fields.is_quoted("type"):
            return fields.text("type")
        word = fields.word("type", tuple(OF_V1), "")
        return OF_V1[word]

    def _bottom(self, fields: Fields, name: str) -> Blob:
        if name not in self._blobs:
            raise fields.error(
                f"bottom {name!r}: no layer before it gives it{did_you_mean(name, self._blobs)}",
                "bottom",
            )
        return self._blobs[name]

    def _data(self, layer: Layer) -> None:
        shapes = [None] * len(layer.tops) if layer.type == "Python" else shapes_of(layer)
        for i, (top, shape) in enumerate(zip(layer.tops, shapes, strict=False)):
            line = layer.fields.message.line
            why = f"{layer.name} (line {line}) does not say what size {top!r} has; give it as input"
            if i and layer.type in SOURCES:
                why = f"{top!r} of {layer.name} is what is to be learned"
            self._input(top, shape, why, named=i > 0)

    def _input(
        self, top: str, shape: tuple[int, ...] | None, why: str, named: bool = False
    ) -> None:
        """Puts in an input: of the shape in the file, or else of the given one of its name, or,
        unless it has to be `named`, of the one without a name.
        """
        shape = shape or self._given.get(top)
        if shape is None and not named:
            shape = self._given.pop("", None)
        if shape is None:
            self._blobs[top] = Unknown(why)
            return
        value = Value(self._builder.name(top), shape)
        self._inputs[value.name] = Input(shape)
        self._blobs[top] = value

    def _read_as_integers(self, values: tuple[Value, ...]) -> None:
        for value in values:
            if value.name in self._inputs:
                self._inputs[value.name] = Input(value.shape, "int64")

    def _leave_out(self, layer: Layer, why: str, quietly: bool = False) -> None:
        if not quietly:
            self._left_out.append(f"{layer.name} ({layer.type}: {why})")
        for top in layer.tops or ():
            self._blobs[top] = Unknown(f"{layer.name} gives {why}" if not quietly else why)

    def _give(self, layer: Layer, found: Value | tuple[Blob, ...]) -> None:
        blobs = found if isinstance(found, tuple) and not isinstance(found, Value) else (found,)
        if len(layer.tops) > len(blobs):
            raise layer.error(f"{layer.type} gives {len(blobs)}, not {len(layer.tops)} tops")
        for top, blob in zip(layer.tops or (layer.name,), blobs, strict=False):
            self._blobs[top] = blob
            if isinstance(blob, Value):
                self._tops[blob.name] = top

    # ----- the whole -----

    def _outputs(self) -> list[str]:
        """The layers whose outputs no layer takes."""
        statements = self._builder.statements
        if not statements:
            why = next((b.why for b in self._blobs.values() if isinstance(b, Unknown)), "no layers")
            raise SpecError(f"{self._net.message.source.name}: nothing is computed: {why}")
        read = self._builder.read()
        return [s.name for s in statements if s.name not in read and s.name in self._tops]

    def _finished(self, outputs: list[str]) -> Model:
        source = self._net.message.source
        statements = tuple(self._builder.statements)
        read = self._builder.read()
        inputs = {name: shape for name, shape in self._inputs.items() if name in read}
        if not inputs:
            raise SpecError(f"{source.name}: no layer takes an input of known size")
        notes = [*self._notes, *self._builder.notes]
        if self._left_out:
            notes.append(f"left out: {some_of(self._left_out)}")
        named = Builder()
        last = outputs == [statements[-1].name]
        name = self._net.text("name") or PurePath(source.name).stem
        return Model(
            name=Builder().name(name),
            origin=f"{PurePath(source.name).name}, a prototxt of Caffe",
            inputs=inputs,
            statements=statements,
            outputs=None if last else {named.name(self._tops[each]): each for each in outputs},
            notes=tuple(notes),
        )


def _unknown(blobs: list[Blob]) -> str:
    """Why one of them has no known size; empty where all have one."""
    return next((blob.why for blob in blobs if isinstance(blob, Unknown)), "")
