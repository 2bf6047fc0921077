"""Where the images come from: what a prototxt says of their size, and what it does not."""

from __future__ import annotations

from archcalc.importing.caffe.fields import Fields
from archcalc.importing.caffe.layer import Layer

# The settings of each type that has images from elsewhere.
SOURCES = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
    "HDF5Data": "hdf5_data_param",
    "AnnotatedData": "data_param",
    "ImageSegData": "image_data_param",
    "DenseImageData": "image_data_param",
    "VideoData": "video_data_param",
    "CPMData": "data_param",
}


def shapes_of_net(net: Fields) -> list[tuple[str, tuple[int, ...] | None]]:
    """The inputs that stand in front of the layers, with their shapes for one image."""
    names = net.texts("input")
    shapes = [each.wholes("dim", least=1) for each in net.inners("input_shape")]
    dims = net.wholes("input_dim", least=1)
    if dims and shapes:
        raise net.error("input_dim and input_shape are the same", "input_dim")
    if dims:
        if len(dims) != 4 * len(names):
            raise net.error(
                f"{len(dims)} of input_dim for {len(names)} inputs, of 4 each", "input_dim"
            )
        shapes = [dims[i : i + 4] for i in range(0, len(dims), 4)]
    if shapes and len(shapes) != len(names):
        raise net.error(f"{len(shapes)} of input_shape for {len(names)} inputs", "input_shape")
    whole: list[list[int]] = shapes or [[] for _ in names]
    return [(name, tuple(dims[1:]) or None) for name, dims in zip(names, whole, strict=True)]


def shapes_of(layer: Layer) -> list[tuple[int, ...] | None]:
    """The shapes for one image of what a layer without bottoms gives, None where it is unknown."""
    if layer.type == "Input":
        return _listed(layer, layer.param("input_param").inners("shape"))
    if layer.type == "DummyData":
        return _of_dummies(layer, layer.param("dummy_data_param"))
    if layer.type == "MemoryData":
        param = layer.param("memory_data_param")
        shape = tuple([param.whole(name, least=1) for name in ("channels", "height", "width")])
        return [shape, *[None] * (len(layer.tops) - 1)]
    return [_of_images(layer), *[None] * (len(layer.tops) - 1)]


def _listed(layer: Layer, shapes: list[Fields]) -> list[tuple[int, ...] | None]:
    if len(shapes) not in (0, 1, len(layer.tops)):
        raise layer.error(f"{len(shapes)} shapes for {len(layer.tops)} tops")
    found = [tuple(each.wholes("dim", least=1)[1:]) or None for each in shapes] or [None]
    return found if len(found) == len(layer.tops) else found * len(layer.tops)


def _of_dummies(layer: Layer, param: Fields) -> list[tuple[int, ...] | None]:
    shapes = param.inners("shape")
    if shapes:
        return _listed(layer, shapes)
    sides = [param.wholes(name, least=1) for name in ("channels", "height", "width")]
    if any(len(side) not in (1, len(layer.tops)) for side in sides):
        raise layer.error("channels, height and width: one for all tops, or one for each")
    return [
        tuple([side[i if len(side) > 1 else 0] for side in sides]) for i in range(len(layer.tops))
    ]


def _of_images(layer: Layer) -> tuple[int, ...] | None:
    transform = layer.param("transform_param")
    param = layer.param(SOURCES.get(layer.type, "data_param"))
    crop = transform.whole("crop_size", 0) or param.whole("crop_size", 0)
    sizes = (crop, crop)
    if not crop:
        sizes = (param.whole("new_height", 0), param.whole("new_width", 0))
        resized = transform.inner("resize_param")
        if "height" in resized and "width" in resized:
            sizes = (resized.whole("height"), resized.whole("width"))
    if not all(sizes):
        return None
    return (_channels(layer, transform, param), *sizes)


def _channels(layer: Layer, transform: Fields, param: Fields) -> int:
    if transform.flag("force_gray", False):
        return 1
    if transform.flag("force_color", False):
        return 3
    means = len(transform.reals("mean_value"))
    if means > 1:
        return means
    if layer.type == "ImageData":
        return 3 if param.flag("is_color", True) else 1
    layer.note("the number of channels is not in the file: it is taken to be 3")
    return 3
