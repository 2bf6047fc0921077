"""A cfg file as a model: its sections in order, each from what it takes to what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from archcalc.errors import Source, SpecError, suggestion
from archcalc.importing.builder import Builder, Value, some_of
from archcalc.importing.darknet import layers, recurrent
from archcalc.importing.darknet.cfg import Section, parse
from archcalc.importing.darknet.layers import Handler
from archcalc.importing.darknet.section import Reading
from archcalc.importing.model import Input, Model
from archcalc.record import replace

_HANDLERS: Mapping[str, Handler] = {
    "activation": layers.activation,
    "avgpool": layers.avgpool,
    "batchnorm": layers.batchnorm,
    "connected": layers.connected,
    "convolutional": layers.convolutional,
    "crnn": recurrent.crnn,
    "crop": layers.crop,
    "deconvolutional": layers.deconvolutional,
    "dropout": layers.dropout,
    "gru": recurrent.gru,
    "l2norm": layers.l2norm,
    "local": layers.local,
    "logistic": layers.logistic,
    "lstm": recurrent.lstm,
    "maxpool": layers.maxpool,
    "normalization": layers.normalization,
    "reorg": layers.reorg,
    "rnn": recurrent.rnn,
    "route": layers.route,
    "sam": layers.sam,
    "scale_channels": layers.scale_channels,
    "shortcut": layers.shortcut,
    "softmax": layers.softmax,
    "upsample": layers.upsample,
}
# Other words of darknet for the same.
_ALIASES = {
    "avg": "avgpool",
    "conn": "connected",
    "conv": "convolutional",
    "deconv": "deconvolutional",
    "logxent": "logistic",
    "lrn": "normalization",
    "max": "maxpool",
    "soft": "softmax",
}
# What makes boxes, masks or a loss of what the network computes: what they take is an output.
_HEADS = ("Gaussian_yolo", "cost", "detection", "iseg", "region", "yolo")

# Of forks: what has other parameters or operations, unless it is 0 or "none".
_CHANGE_FIGURES = (
    "antialiasing",
    "assisted_excitation",
    "deform",
    "maxpool_depth",
    "peephole",
    "rotate",
    "scale_wh",
    "stretch",
    "stretch_sway",
    "sway",
    "weights_type",
)
# What is about training, about how weights are read and kept, or about how fast it runs.
_OF_TRAINING = (
    "angle",
    "bin_output",
    "binary",
    "burnin_update",
    "clip",
    "coordconv",
    "dont_update",
    "dontload",
    "dontloadscales",
    "dontsave",
    "dot",
    "dropblock",
    "dropblock_size_abs",
    "dropblock_size_rel",
    "exposure",
    "flip",
    "flipped",
    "grad_centr",
    "keep_delta_gpu",
    "learning_rate",
    "maxpool_zero_nonmax",
    "noloss",
    "numload",
    "onlyforward",
    "reverse",
    "saturation",
    "shift",
    "smooth",
    "state_constrain",
    "stopbackward",
    "stream",
    "temperature",
    "train_only_bn",
    "truth",
    "wait_stream",
    "weights_normalization",
    "xnor",
)


def read_darknet(source: Source) -> Model:
    """The network of a cfg file.

    Raises:
        SpecError: it is no such file, or has what archcalc does not read; with the place.
    """
    sections = parse(source)
    if not sections or sections[0].type not in ("net", "network"):
        where = sections[0].error("the first section has to be [net]") if sections else None
        raise where or SpecError(f"{source.name}: no sections: this is no network of darknet")
    builder = Builder()
    x = Value(builder.name("input"), _input_shape(sections[0]))
    inputs = {x.name: x.shape}
    outputs: list[Value] = []
    heads: dict[str, Value] = {}
    for section in sections[1:]:
        reading = Reading(section, x, outputs, inputs, builder)
        type = _ALIASES.get(section.type, section.type)
        if type in _HEADS or "tree" in section:
            if type != "cost":
                heads[f"{reading.index}.{type}"] = x
        elif type in _HANDLERS:
            x = _HANDLERS[type](reading)
            _tell_unread(reading)
        else:
            known = (*_HANDLERS, *_HEADS)
            raise section.error(f"archcalc does not read this type{suggestion(type, known)}")
        outputs.append(x)
    types = {str(number): section.type for number, section in enumerate(sections[1:])}
    return replace(_model(source, builder, inputs, x, heads), modules=types)


def _tell_unread(reading: Reading) -> None:
    """Notes the options that nobody reads, and refuses those that would change figures."""
    section = reading.section
    for name, line in section.unread():
        if name in _CHANGE_FIGURES and section.text(name) not in ("0", "none"):
            raise section.error(f"{name}: archcalc does not read it", name)
        if name not in (*_CHANGE_FIGURES, *_OF_TRAINING):
            reading.note_line("archcalc does not know this option", line, name)


def _input_shape(net: Section) -> tuple[int, ...]:
    sizes = tuple([net.whole(name, 0) for name in ("channels", "height", "width")])
    if all(sizes):
        return sizes
    count = net.whole("inputs", 0)
    if not count:
        raise net.error("height, width and channels are missing, or inputs")
    return (count,)


def _model(
    source: Source,
    builder: Builder,
    inputs: Mapping[str, tuple[int, ...]],
    last: Value,
    heads: dict[str, Value],
) -> Model:
    if not builder.statements:
        raise SpecError(f"{source.name}: no layers")
    notes = builder.notes
    if heads:
        notes.append(
            f"outputs are what these take, and what they do is not counted: {some_of([*heads])}"
        )
    if len(inputs) > 1:
        notes.append("the figures are those of one step in time, which takes the state before it")
    ends = {name: value.name for name, value in heads.items()}
    if last.name not in ends.values():
        ends["output"] = last.name
    plain = list(ends.values()) == [builder.statements[-1].name]
    stem = PurePath(source.name).stem
    return Model(
        name=Builder().name(stem),
        origin=f"{PurePath(source.name).name}, a cfg file of darknet",
        inputs={name: Input(shape) for name, shape in inputs.items()},
        statements=tuple(builder.statements),
        outputs=None if plain else ends,
        notes=tuple(notes),
    )
