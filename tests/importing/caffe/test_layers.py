"""Each type of layer: its size and its parameters by Caffe's own rules, worked out by hand."""

from __future__ import annotations

import pytest

from archcalc.errors import SpecError
from archcalc.quantity.at_least import AtLeast
from tests.importing.files import caffe, dims_of, one_layer

# type, settings, shapes of the inputs; the output for one image, parameters, multiply-accumulates
CASES: list[tuple[str, str, list[str], tuple[int, ...], int, int]] = [
    (
        "Convolution",
        "convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 }",
        ["1 3 8 9"],
        (4, 4, 5),
        4 * 3 * 9 + 4,
        4 * 4 * 5 * 27,
    ),
    (
        "Convolution",
        "convolution_param { num_output: 4 kernel_h: 1 kernel_w: 5 pad_h: 0 pad_w: 2 group: 2 "
        "bias_term: false }",
        ["1 6 8 9"],
        (4, 8, 9),
        4 * 3 * 5,
        4 * 8 * 9 * 15,
    ),
    (
        "Convolution",
        "convolution_param { num_output: 2 kernel_size: 3 kernel_size: 1 dilation: 2 stride: 3 }",
        ["1 3 10 7"],
        (2, 2, 3),  # (10 - 5) // 3 + 1, (7 - 1) // 3 + 1
        2 * 3 * 3 + 2,
        2 * 2 * 3 * 9,
    ),
    (
        "Convolution",
        "convolution_param { num_output: 2 kernel_size: 3 pad: 1 }",
        ["1 3 4 5 6"],
        (2, 4, 5, 6),
        2 * 3 * 27 + 2,
        2 * 120 * 81,
    ),
    (
        "ConvolutionDepthwise",
        "convolution_param { num_output: 6 kernel_size: 3 pad: 1 bias_term: false }",
        ["1 6 5 5"],
        (6, 5, 5),
        54,
        150 * 9,
    ),
    (
        "Deconvolution",
        "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 2 }",
        ["1 6 5 7"],
        (4, 10, 14),  # 2 (n - 1) + 4 - 2
        6 * 2 * 16 + 4,
        6 * 35 * 2 * 16,
    ),
    ("Pooling", "pooling_param { kernel_size: 3 stride: 2 }", ["1 2 8 9"], (2, 4, 4), 0, 0),
    (
        "Pooling",
        "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }",
        ["1 2 8 9"],
        (2, 3, 4),
        0,
        0,
    ),
    (
        "Pooling",
        "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }",
        ["1 2 8 9"],
        (2, 5, 5),  # ceil((8 + 2 - 3) / 2) + 1, and the window of 9 that begins at 8 stays
        0,
        0,
    ),
    (
        "Pooling",
        "pooling_param { kernel_h: 2 kernel_w: 2 stride_h: 2 stride_w: 2 pad_h: 1 pad_w: 1 }",
        ["1 2 3 4"],
        (2, 2, 3),  # of 3: ceil(3 / 2) + 1 = 3, and the third begins at 4 >= 3 + 1
        0,
        0,
    ),
    ("Pooling", "pooling_param { pool: AVE global_pooling: true }", ["1 5 8 9"], (5, 1, 1), 0, 0),
    ("Pooling", "pooling_param { pool: MAX global_pooling: true }", ["1 5 8 9"], (5, 1, 1), 0, 0),
    ("InnerProduct", "inner_product_param { num_output: 7 }", ["1 3 4 5"], (7,), 427, 420),
    (
        "InnerProduct",
        "inner_product_param { num_output: 7 axis: 2 bias_term: false transpose: true }",
        ["1 3 4 5"],
        (3, 7),
        140,
        420,
    ),
    ("InnerProduct", "inner_product_param { num_output: 7 axis: -1 }", ["1 3 5"], (3, 7), 42, 105),
    ("ReLU", "", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("ReLU", "relu_param { negative_slope: 0.1 }", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("PReLU", "", ["1 3 4 5"], (3, 4, 5), 3, 0),
    ("PReLU", "prelu_param { channel_shared: true }", ["1 3 4 5"], (3, 4, 5), 1, 0),
    ("ELU", "elu_param { alpha: 0.5 }", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("Sigmoid", "", ["1 3"], (3,), 0, 0),
    ("SeLu", "", ["1 3"], (3,), 0, 0),
    ("TanH", "", ["1 3"], (3,), 0, 0),
    ("AbsVal", "", ["1 3"], (3,), 0, 0),
    ("BNLL", "", ["1 3"], (3,), 0, 0),
    ("Clip", "clip_param { min: -1 max: 1 }", ["1 3"], (3,), 0, 0),
    ("Swish", "swish_param { beta: 2 }", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("Power", "power_param { power: 2 scale: 3 shift: 1 }", ["1 3"], (3,), 0, 0),
    ("Exp", "exp_param { base: 2 }", ["1 3"], (3,), 0, 0),
    ("Log", "log_param { base: 10 shift: 1 }", ["1 3"], (3,), 0, 0),
    ("Dropout", "dropout_param { dropout_ratio: 0.4 }", ["1 3"], (3,), 0, 0),
    ("LRN", "lrn_param { local_size: 5 alpha: 0.0001 }", ["1 8 4 4"], (8, 4, 4), 0, 0),
    ("LRN", "lrn_param { norm_region: WITHIN_CHANNEL }", ["1 8 4 4"], (8, 4, 4), 0, 0),
    ("BatchNorm", "", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("BN", "", ["1 3 4 5"], (3, 4, 5), 6, 0),
    ("MVN", "", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("MVN", "mvn_param { across_channels: true }", ["1 3 4 5"], (3, 4, 5), 0, 0),
    (
        "Normalize",
        "norm_param { across_spatial: false channel_shared: false }",
        ["1 3 4 5"],
        (3, 4, 5),
        3,
        0,
    ),
    ("Normalize", "norm_param { across_spatial: false }", ["1 3 4 5"], (3, 4, 5), 1, 0),
    ("Softmax", "", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("Softmax", "softmax_param { axis: 2 }", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("Scale", "", ["1 3 4 5"], (3, 4, 5), 3, 0),
    ("Scale", "scale_param { bias_term: true }", ["1 3 4 5"], (3, 4, 5), 6, 0),
    (
        "Scale",
        "scale_param { axis: 2 num_axes: -1 bias_term: true }",
        ["1 3 4 5"],
        (3, 4, 5),
        40,
        0,
    ),
    ("Scale", "scale_param { num_axes: 0 }", ["1 3 4 5"], (3, 4, 5), 1, 0),
    ("Scale", "scale_param { axis: 0 }", ["1 3 4 5", "1 3"], (3, 4, 5), 0, 0),
    ("Bias", "", ["1 3 4 5"], (3, 4, 5), 3, 0),
    ("Axpy", "", ["1 3 1 1", "1 3 4 5", "1 3 4 5"], (3, 4, 5), 0, 0),
    ("Eltwise", "", ["1 3 4 5", "1 3 4 5", "1 3 4 5"], (3, 4, 5), 0, 0),
    ("Eltwise", "eltwise_param { operation: PROD }", ["1 3 4 5", "1 3 4 5"], (3, 4, 5), 0, 0),
    ("Eltwise", "eltwise_param { operation: MAX }", ["1 3", "1 3"], (3,), 0, 0),
    ("Eltwise", "eltwise_param { coeff: 1 coeff: -1 }", ["1 3", "1 3"], (3,), 0, 0),
    ("Eltwise", "eltwise_param { coeff: 0.5 coeff: 2 }", ["1 3", "1 3"], (3,), 0, 0),
    ("Concat", "", ["1 3 4 5", "1 2 4 5"], (5, 4, 5), 0, 0),
    ("Concat", "concat_param { axis: -1 }", ["1 3 4 5", "1 3 4 2"], (3, 4, 7), 0, 0),
    ("Concat", "concat_param { concat_dim: 2 }", ["1 3 4 5", "1 3 1 5"], (3, 5, 5), 0, 0),
    ("Flatten", "", ["1 3 4 5"], (60,), 0, 0),
    ("Flatten", "flatten_param { axis: 2 }", ["1 3 4 5"], (3, 20), 0, 0),
    ("Flatten", "flatten_param { axis: 1 end_axis: 2 }", ["1 3 4 5"], (12, 5), 0, 0),
    (
        "Reshape",
        f"reshape_param {{ shape {{ {dims_of('0 2 -1 0')} }} }}",
        ["1 18 4 5"],
        (2, 36, 5),
        0,
        0,
    ),
    ("Reshape", f"reshape_param {{ shape {{ {dims_of('0 -1')} }} }}", ["1 3 4 5"], (60,), 0, 0),
    (
        "Reshape",
        f"reshape_param {{ shape {{ {dims_of('-1 3 20')} }} }}",
        ["1 3 4 5"],
        (3, 20),
        0,
        0,
    ),
    (
        "Reshape",
        f"reshape_param {{ axis: 1 num_axes: 1 shape {{ {dims_of('3 6')} }} }}",
        ["1 18 4 5"],
        (3, 6, 4, 5),
        0,
        0,
    ),
    (
        "Reshape",
        f"reshape_param {{ axis: -1 shape {{ {dims_of('1')} }} }}",
        ["1 18 4"],
        (18, 4, 1),
        0,
        0,
    ),
    (
        "Permute",
        "permute_param { order: 0 order: 2 order: 3 order: 1 }",
        ["1 3 4 5"],
        (4, 5, 3),
        0,
        0,
    ),
    ("Permute", "permute_param { order: 0 order: 3 }", ["1 3 4 5"], (5, 3, 4), 0, 0),
    ("ShuffleChannel", "shuffle_channel_param { group: 3 }", ["1 6 4 5"], (6, 4, 5), 0, 0),
    ("Crop", "", ["1 3 9 9", "1 5 4 6"], (3, 4, 6), 0, 0),
    ("Crop", "crop_param { axis: 2 offset: 1 offset: 3 }", ["1 3 9 9", "1 5 4 6"], (3, 4, 6), 0, 0),
    ("Crop", "crop_param { axis: 1 offset: 1 }", ["1 7 9 9", "1 5 4 6"], (5, 4, 6), 0, 0),
    ("Tile", "tile_param { axis: 2 tiles: 3 }", ["1 3 4 5"], (3, 12, 5), 0, 0),
    ("Reduction", "reduction_param { axis: 2 operation: MEAN }", ["1 3 4 5"], (3,), 0, 0),
    (
        "Reduction",
        "reduction_param { axis: -1 operation: SUMSQ coeff: 2 }",
        ["1 3 4 5"],
        (3, 4),
        0,
        0,
    ),
    ("Interp", "interp_param { height: 7 width: 9 }", ["1 3 4 5"], (3, 7, 9), 0, 0),
    ("Interp", "interp_param { zoom_factor: 8 }", ["1 3 4 5"], (3, 25, 33), 0, 0),  # 1 + 3 x 8
    ("Interp", "interp_param { shrink_factor: 2 pad_end: -1 }", ["1 3 8 9"], (3, 4, 4), 0, 0),
    ("Interp", "", ["1 3 4 5", "1 9 7 8"], (3, 7, 8), 0, 0),
    ("Upsample", "upsample_param { scale: 2 }", ["1 3 4 5"], (3, 8, 10), 0, 0),
    # without a kind
    ("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }", ["1 3 4 5"], (3, 3, 4), 0, 0),
    ("Threshold", "", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("MVN", "mvn_param { normalize_variance: false }", ["1 3 4 5"], (3, 4, 5), 0, 0),
    ("Normalize", "norm_param { channel_shared: false }", ["1 3 4 5"], (3, 4, 5), 3, 0),
    ("SPP", "spp_param { pyramid_height: 3 }", ["1 3 4 5"], (63,), 0, 0),  # 3 (1 + 4 + 16)
]


@pytest.mark.parametrize(("type", "settings", "inputs", "output", "params", "macs"), CASES)
def test_a_layer_has_the_size_and_the_parameters_of_caffe(
    type: str, settings: str, inputs: list[str], output: tuple[int, ...], params: int, macs: int
) -> None:
    analysis = one_layer(type, settings, *inputs)
    last = analysis.layers[-1]
    assert last.name == "l"
    assert (last.output.shape, analysis.params, analysis.macs) == (output, params, macs)


def test_slice_gives_equal_parts_or_those_between_the_points() -> None:
    layer = 'layer { name: "s" type: "Slice" bottom: "x" top: "a" top: "b" top: "c" %s }'
    text = f'input: "x" input_shape {{ {dims_of("1 6 4")} }}\n' + layer
    equal = caffe(text % "")
    assert [each.output.shape for each in equal.layers] == [(2, 4)] * 3
    uneven = caffe(text % "slice_param { slice_point: 1 slice_point: 5 }")
    assert [each.output.shape for each in uneven.layers] == [(1, 4), (4, 4), (1, 4)]
    along = "slice_param { axis: 2 slice_point: 1 slice_point: 3 }"
    assert [each.output.shape for each in caffe(text % along).layers] == [(6, 1), (6, 2), (6, 1)]


def test_embed_and_parameter() -> None:
    embedded = one_layer("Embed", "embed_param { num_output: 4 input_dim: 10 }", "1 7")
    assert embedded.layers[-1].output.shape == (7, 4)
    assert embedded.params == 44
    text = f"""
        input: "x" input_shape {{ {dims_of("1 3 4")} }}
        layer {{ name: "p" type: "Parameter" top: "p"
          parameter_param {{ shape {{ {dims_of("3 4")} }} }} }}
        layer {{ name: "e" type: "Eltwise" bottom: "x" bottom: "p" top: "e" }}
    """
    assert caffe(text).params == 12


REGIONS = [
    ("ROIPooling", "roi_pooling_param { pooled_h: 2 pooled_w: 3 }", (9, 2, 3)),
    ("ROIAlign", "roi_align_param { pooled_h: 2 pooled_w: 3 }", (9, 2, 3)),
    ("PSROIPooling", "psroi_pooling_param { output_dim: 1 group_size: 3 }", (1, 3, 3)),
]


@pytest.mark.parametrize(("type", "settings", "output"), REGIONS)
def test_totals_behind_regions_are_what_they_are_at_least(
    type: str, settings: str, output: tuple[int, ...]
) -> None:
    analysis = one_layer(type, settings, "1 9 8 8", "1 5")
    assert analysis.layers[-1].output.shape == output
    assert isinstance(analysis.macs, AtLeast)
    assert analysis.graph.network.imported is not None
    (note,) = analysis.graph.network.imported.notes
    assert note.startswith("l (line 3): how many regions there are is not in the file")


def test_maxima_go_back_where_a_mask_says() -> None:
    text = f"""
        input: "x" input_shape {{ {dims_of("1 3 9 8")} }}
        layer {{ name: "p" type: "Pooling" bottom: "x" top: "p" top: "mask"
          pooling_param {{ kernel_size: 2 stride: 2 }} }}
        layer {{ name: "u" type: "Upsample" bottom: "p" bottom: "mask" top: "u"
          upsample_param {{ scale: 2 pad_out_h: true }} }}
    """
    analysis = caffe(text)
    assert [layer.output.shape for layer in analysis.layers] == [(3, 5, 4), (3, 9, 8)]
    assert analysis.layer("u").kind == "max_unpool"
    with pytest.raises(SpecError, match="the mask is of 3x9x8, not 10x8"):
        caffe(text.replace("pad_out_h: true", ""))
    with pytest.raises(SpecError, match="the mask of a pool is for Upsample alone"):
        caffe(text.replace('"Upsample"', '"Concat"'))


REFUSED = [
    ("Convolution", "convolution_param { kernel_size: 3 }", ["1 3 8 8"], "num_output is missing"),
    ("Convolution", "convolution_param { num_output: 4 }", ["1 3 8 8"], "kernel_size is missing"),
    (
        "Convolution",
        "convolution_param { num_output: 4 kernel_size: 9 }",
        ["1 3 8 8"],
        "a kernel of 9 does not fit in 3x8x8",
    ),
    (
        "Convolution",
        "convolution_param { num_output: 4 kernel_size: 3 group: 2 }",
        ["1 3 8 8"],
        "3 and 4 channels in 2 groups",
    ),
    (
        "Convolution",
        "convolution_param { num_output: 4 kernel_size: 3 kernel_h: 3 kernel_w: 3 }",
        ["1 3 8 8"],
        "without kernel_size",
    ),
    ("Pooling", "pooling_param { kernel_size: 3 pad: 2 }", ["1 3 8 8"], "would see no position"),
    (
        "Pooling",
        "pooling_param { pool: AVE kernel_size: 1 stride: 2 }",
        ["1 3 8 8"],
        "averages nothing",
    ),
    ("Pooling", "pooling_param { pool: MIN kernel_size: 1 }", ["1 3 8 8"], "pool: 'MIN'"),
    ("Pooling", "pooling_param { kernel_size: 2 global_pooling: true }", ["1 3 8 8"], "no kernel"),
    ("LRN", "lrn_param { local_size: 4 }", ["1 3 8 8"], "no odd number"),
    ("Eltwise", "", ["1 3 8 8", "1 3 8 7"], "3x8x8 and 3x8x7 are not alike"),
    ("Eltwise", "eltwise_param { coeff: 1 }", ["1 3", "1 3"], "1 of coeff for 2 bottoms"),
    ("Concat", "concat_param { axis: 0 }", ["1 3", "1 3"], "archcalc keeps apart"),
    ("Concat", "", ["1 3 4 5", "1 3 4 6"], "along axis 1"),
    ("Softmax", "softmax_param { axis: 5 }", ["1 3 4 5"], "which has 4"),
    ("Reshape", f"reshape_param {{ shape {{ {dims_of('0 7 -1')} }} }}", ["1 3 4 5"], "pieces of 7"),
    (
        "Reshape",
        f"reshape_param {{ shape {{ {dims_of('0 7')} }} }}",
        ["1 3 4 5"],
        "the new shape 7",
    ),
    (
        "Reshape",
        f"reshape_param {{ shape {{ {dims_of('-1 5')} }} }}",
        ["1 3 4 5"],
        "between the images",
    ),
    ("Permute", "permute_param { order: 1 order: 0 }", ["1 3 4 5"], "axis of the images"),
    ("Crop", "crop_param { offset: 6 }", ["1 3 9 9", "1 5 4 6"], "reaches beyond"),
    ("ReLU", "", ["1 3", "1 3"], "takes 1, not 2 bottoms"),
    ("Im2col", "", ["1 3 8 8"], "archcalc does not read layers of type 'Im2col'"),
    ("Convolutoin", "", ["1 3 8 8"], "did you mean 'Convolution'?"),
]


@pytest.mark.parametrize(("type", "settings", "inputs", "message"), REFUSED)
def test_what_caffe_refuses_or_archcalc_cannot_say_is_one_line_with_its_place(
    type: str, settings: str, inputs: list[str], message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        one_layer(type, settings, *inputs)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"net.prototxt:{len(inputs) + 1}:")
