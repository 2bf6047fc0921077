"""Files of other tools as analyses, read from their texts."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.errors import Source
from archcalc.importing.caffe.network import read_caffe
from archcalc.importing.darknet.network import read_darknet
from archcalc.importing.model import Model
from archcalc.importing.network import family_of
from archcalc.walk import analyze


def analysis_of(model: Model) -> Analysis:
    """What the walk says of a model."""
    (network,) = family_of(model, "file").networks.values()
    return analyze(network)


def caffe(text: str) -> Analysis:
    """A prototxt."""
    return analysis_of(read_caffe(Source("net.prototxt", text)))


def darknet(text: str) -> Analysis:
    """A cfg file."""
    return analysis_of(read_darknet(Source("net.cfg", text)))


def one_layer(type: str, settings: str, *shapes: str, layer: str = "", tops: str = "y") -> Analysis:
    """A prototxt of one layer, with inputs of these dims: `1 3 8 8`, the images first."""
    bottoms = [f"x{i}" for i in range(len(shapes))]
    text = "".join(
        f'input: "{bottom}" input_shape {{ {dims_of(shape)} }}\n'
        for bottom, shape in zip(bottoms, shapes, strict=True)
    )
    bottom = " ".join(f'bottom: "{each}"' for each in bottoms)
    top = " ".join(f'top: "{each}"' for each in tops.split())
    return caffe(f'{text}layer {{ name: "l" type: "{type}" {bottom} {top} {settings} {layer} }}\n')


def dims_of(shape: str) -> str:
    """The sizes of a shape as the format lists them."""
    return " ".join(f"dim: {n}" for n in shape.split())
