"""Layers as another tool meets them: which module of torch is called, with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers import Layer
from archcalc.layers.state import Role
from archcalc.quantity.arithmetic import Quantity, product
from archcalc.record import Record, replace
from archcalc.spelled import spelled
from archcalc.torch_spelling import Spelling

_AXES = re.compile(r"^nn\.|[123]d")
PARENTS = {  # of the classes that `archcalc export` derives from one of torch's, without axes
    "ConvSame": "Conv",
    "PaddedMaxPool": "MaxPool",
    "BatchNormWithoutScale": "BatchNorm",
    "ChannelNorm": "LayerNorm",
    "GroupNormWithoutBias": "GroupNorm",
}


class Call(Record):
    """A layer of the exported network, as it is called in a forward pass of one image.

    Attributes:
        layer: the layer, with what its rule answered.
        spelling: how torch writes it.
        name: of the class that is called, without `nn.` and the number of axes: `Conv`, `Linear`;
            of a class derived from one of torch's, the name of that; of an expression, the kind;
            empty of what torch has no words for.
        inputs: what the call takes, padded where the code pads before it.
        output: what it returns, before the code cuts anything off.
    """

    layer: LayerAnalysis
    spelling: Spelling
    name: str
    inputs: tuple[FeatureMap, ...]
    output: FeatureMap

    @property
    def rule(self) -> Layer:
        """The layer kind with its fields."""
        return self.layer.node.layer

    @property
    def x(self) -> FeatureMap:
        """The first input."""
        return self.inputs[0]

    @property
    def axes(self) -> int:
        """The number of axes in the name of the class: 2 of `nn.Conv2d`, 0 of `nn.Linear`."""
        found = re.search(r"([123])d", self.spelling.callee or "")
        return int(found[1]) if found else 0

    @property
    def is_torchs(self) -> bool:
        """Whether it is an object of torch's own class, and not of one derived from it."""
        return (self.spelling.callee or "").startswith("nn.") and not self.spelling.parametrized

    @property
    def times(self) -> int:
        """How often the module is called."""
        return max(self.spelling.call.count("{module}"), 1)

    @property
    def macs(self) -> Quantity:
        """Multiply-accumulates of convolutions and matrix products."""
        return self.layer.effect.macs

    @cached_property
    def parameters(self) -> dict[str, Quantity]:
        """The number of values of each parameter, by the name that it has in torch's module."""
        state = self.layer.effect.state
        return {each.name: product(each.shape) for each in state if each.role is not Role.BUFFER}

    def given(self, argument: str, default: object = None) -> object:
        """What the module is made with, or its default."""
        return next((a.value for a in self.spelling.arguments if a.name == argument), default)


def calls_of(analysis: Analysis) -> Iterator[Call]:
    """The layers that run at inference, as the exported network calls them."""
    spelling_of = spelled(analysis)
    for layer in analysis.inference_layers:
        inputs = tuple([analysis.maps[name] for name in layer.inputs])
        try:
            spelling = spelling_of(layer.node)
        except UsageError:  # nobody says what torch would run: an opaque layer
            spelling = Spelling(None, call="")
        name = _AXES.sub("", spelling.callee or (layer.kind if spelling.call else ""))
        output = layer.output
        pads = next((a.value for a in spelling.arguments if a.name == "pad"), ())
        assert isinstance(pads, tuple)
        if name == "PaddedMaxPool" or "{module}(F.pad(" in spelling.call:
            inputs = (_padded(inputs[0], pads), *inputs[1:])
        elif pads:  # what is negative cuts off
            output = _padded(output, [-n for n in pads])
        yield Call(layer, spelling, PARENTS.get(name, name), inputs, output)


def _padded(x: FeatureMap, pads: Sequence[Quantity]) -> FeatureMap:
    """A map with so much more on each side, as `F.pad` takes it: the last axis first."""
    more = [before + after for before, after in zip(pads[::2], pads[1::2], strict=True)]
    return replace(x, sizes=tuple([n + m for n, m in zip(x.sizes, more[::-1], strict=True)]))
