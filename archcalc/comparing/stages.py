"""The stages of a network: its layers by the resolution that they work at.

Stages of different networks correspond where their output stride is the same: the input pixels
from one position of a map to the next (Chen et al. 2017, arXiv:1706.05587, section 3.1). So the
second stage of VGG stands beside the first convolution of ResNet, and the 35x35 of an Inception
that takes 299x299 pixels beside the 28x28 of a ResNet that takes 224x224. Neither names nor the
number of blocks have to agree.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, TypeAlias

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import OF_LAYER, LayerAnalysis
from archcalc.quantity.arithmetic import Quantity, certainly_one
from archcalc.receptive_field.placing import Placing
from archcalc.receptive_field.seen import units_of_inputs
from archcalc.window import AxisWindow, InterpolatedWindow, TransposedWindow, Window

# Along each axis; empty for vectors, and for what lies behind them.
Stride: TypeAlias = "tuple[Fraction, ...]"

VECTORS: Stride = ()


class Stage(NamedTuple):
    """The layers at one output stride.

    Attributes:
        stride: their output stride, or `VECTORS`.
        layers: in order of execution; those that do not run at inference are left out.
    """

    stride: Stride
    layers: tuple[LayerAnalysis, ...]

    @property
    def output(self) -> FeatureMap:
        """The map that leaves the stage."""
        return self.layers[-1].output

    @property
    def sizes(self) -> tuple[Quantity, ...]:
        """The sizes of that map along the axes where its positions lie."""
        last = self.layers[-1]
        return tuple([last.output.shape[axis] for axis in last.unit_axes if self.stride])

    def total(self, key: str) -> Quantity:
        """The sum of a figure over the layers."""
        found: Quantity = OF_LAYER[key].total(self.layers)
        return found


def stages(analysis: Analysis) -> list[Stage]:
    """The stages of a network, the finest first and the vectors last.

    A layer belongs to the stage of its output. An encoder and a decoder at the same resolution
    are one stage. Maps of a single position are vectors, unless they are spread over a map again:
    the gate of squeeze and excitation belongs to the stage that it acts on.

    Raises:
        UsageError: a stride is not a plain number.
    """
    strides = output_strides(analysis)
    spread = _spread_over_maps(analysis)
    found: dict[Stride, list[LayerAnalysis]] = {}
    for layer in analysis.inference_layers:
        on_map = layer.name in spread or not _is_vector(layer.output)
        stride = strides[layer.name] if on_map else VECTORS
        found.setdefault(stride, []).append(layer)
    return [Stage(stride, tuple(found[stride])) for stride in sorted(found, key=_fineness)]


def union(networks: list[list[Stage]]) -> list[Stride]:
    """The strides of all stages of some networks, in order."""
    return sorted({stage.stride for found in networks for stage in found}, key=_fineness)


def output_strides(analysis: Analysis) -> dict[str, Stride]:
    """For each layer the input pixels from one position of its output to the next, on each axis.

    At a join it is that of the first branch that is a map. Of tokens it is along the sequence. What
    follows from learned tensors alone has that of the first layer that reads it.

    Raises:
        UsageError: a stride is not a plain number.
    """
    maps = analysis.maps
    inputs, axes = analysis.graph.inputs, len(analysis.input.grid)
    strides: dict[str, Stride] = {name: (Fraction(1),) * len(x.grid) for name, x in inputs.items()}
    origins = {name: units.origins for name, units in units_of_inputs(inputs).items()}
    origins |= {layer.name: layer.origins for layer in analysis.layers}
    for layer in analysis.layers:
        sources = sorted(layer.inputs, key=lambda name: _is_vector(maps[name]))
        source = next((name for name in sources if strides[name]), None)
        if source is None:
            strides[layer.name] = VECTORS
            continue
        before = strides[source]
        x = [maps[name] for name in layer.node.sources]
        run = [origins[name] for name in layer.node.sources]
        at = Placing(layer.node.layer, layer.effect, run, x, axes)
        windows = at.windows[layer.inputs.index(source)]
        if len(windows) == len(before):
            before = tuple(map(_stride_after, before, windows, [layer] * len(windows)))
        strides[layer.name] = before
    learned = {layer.name for layer in analysis.layers if not layer.is_of_images}
    for layer in reversed(analysis.layers):
        strides |= {name: strides[layer.name] for name in layer.inputs if name in learned}
    return strides


def stride_text(stride: Stride) -> str:
    """`/8`: one position for 8 pixels; `x2`: two for each; `/4x8`: by axis; or `vectors`."""
    if not stride:
        return "vectors"
    if set(stride) == {stride[0]} and stride[0].numerator == 1 != stride[0].denominator:
        return f"x{stride[0].denominator}"
    return "/" + "x".join(map(str, stride[:1] if set(stride) == {stride[0]} else stride))


def _stride_after(before: Fraction, window: AxisWindow, layer: LayerAnalysis) -> Fraction:
    if isinstance(window, InterpolatedWindow):
        return before * Fraction(window.step, window.parts)
    if not isinstance(window, (Window, TransposedWindow)):
        return before
    if type(window.stride) is not int:
        raise UsageError(f"{layer.name} has a stride of {window.stride}: stages need plain numbers")
    return before * window.stride if isinstance(window, Window) else before / window.stride


def _spread_over_maps(analysis: Analysis) -> set[str]:
    """Names of the layers that lead to a map, directly or through vectors."""
    leading: set[str] = set()
    for layer in reversed(analysis.inference_layers):
        if layer.name in leading or not _is_vector(layer.output):
            leading.update(layer.inputs)
    return leading


def _is_vector(x: FeatureMap) -> bool:
    return all(map(certainly_one, x.sizes))


def _fineness(stride: Stride) -> tuple[bool, Fraction, Stride]:
    pixels = Fraction(1)
    for axis in stride:
        pixels *= axis
    return (not stride, pixels, stride)
