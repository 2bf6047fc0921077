"""Layers that no kind covers: their size and parameters by Caffe's rules, the cost as far as known.

None of them has products, so that each has 0 multiply-accumulates; its other operations are not
known. What takes regions has an unknown cost altogether: so many times as there are regions it
runs, and all that is behind it, and totals with it are what they are at least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archcalc.importing.builder import Value
from archcalc.importing.caffe.fields import Fields
from archcalc.importing.caffe.layer import Layer, shown


def opaque(
    layer: Layer,
    shape: Sequence[int],
    parameters: Mapping[str, Sequence[int]] | None = None,
    macs: int | None = 0,
) -> Value:
    """What a layer gives, of `shape`."""
    fields: dict[str, Any] = {
        "operator": layer.type,
        "of": [list(value.shape) for value in layer.bottoms],
        "shape": list(shape),
    }
    if macs is not None:
        fields["macs"] = macs
    if parameters:
        fields["parameters"] = {name: list(sizes) for name, sizes in parameters.items()}
    return layer.add("opaque", layer.bottoms, shape, fields)


def alike(layer: Layer) -> Value:
    """What has the shape of its input."""
    return opaque(layer, layer.x.shape)


def roi_pooling(layer: Layer) -> Value:
    """The map under a region, cut into parts of which each gives its largest values."""
    names = {"ROIPooling": "roi_pooling_param", "ROIAlign": "roi_align_param"}
    param = layer.param(names[layer.type])
    sizes = [param.whole(name, least=1) for name in ("pooled_h", "pooled_w")]
    x = _of_regions(layer)
    return opaque(layer, (x.shape[0], *sizes), macs=None)


def psroi_pooling(layer: Layer) -> Value:
    """The same, where each part has channels of its own."""
    param = layer.param("psroi_pooling_param")
    channels, size = param.whole("output_dim", least=1), param.whole("group_size", least=1)
    x = _of_regions(layer)
    if x.shape[0] != channels * size * size:
        raise layer.error(f"{shown(x)} for {channels} channels of {size}x{size} parts")
    return opaque(layer, (channels, size, size), macs=None)


def _of_regions(layer: Layer) -> Value:
    """The map, once it is said that what comes behind is for one region."""
    x = layer.bottoms[0] if layer.bottoms else layer.x
    if len(x.shape) != 3:
        raise layer.error(f"regions of {shown(x)}, which is no map")
    layer.note("how many regions there are is not in the file: what is behind is counted for one")
    return x


def pyramid(layer: Layer) -> Value:
    """SPP: pools into 1, 4, 16 … parts of the map, one after the other as a vector."""
    x, param = layer.x, layer.param("spp_param")
    height = param.whole("pyramid_height", least=1)
    if len(x.shape) != 3:
        raise layer.error(f"pooling takes maps of 2 axes, and not {shown(x)}")
    if min(x.shape[1:]) < 2 ** (height - 1):
        raise layer.error(f"{2 ** (height - 1)} parts along {shown(x)}")
    return opaque(layer, (x.shape[0] * (4**height - 1) // 3,))


def length_over_all(layer: Layer, param: Fields) -> Value:
    """SSD's Normalize, of all values together."""
    count = 1 if param.flag("channel_shared", True) else layer.x.shape[0]
    return opaque(layer, layer.x.shape, {"weight": [count]})
