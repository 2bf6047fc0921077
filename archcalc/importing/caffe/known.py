"""The fields that messages of a prototxt have, to tell of those that nobody reads.

From `caffe.proto`, by the names of the fields; what a fork added is known where archcalc reads it.
"""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.errors import did_you_mean
from archcalc.importing.builder import some_of
from archcalc.importing.caffe.fields import Fields
from archcalc.importing.caffe.text import Field, Message

_NET = "name input input_shape input_dim force_backward state debug_info layer layers"
_LAYER = (
    "name type bottom top phase loss_weight param blobs propagate_down include exclude blobs_lr "
    "weight_decay blob_share_mode"
)
# Of the settings that archcalc reads, what they may hold; `engine` and fillers change no figure.
_SETTINGS = {
    "batch_norm_param": "use_global_stats moving_average_fraction eps",
    "bias_param": "axis num_axes filler",
    "bn_param": "eps moving_average_fraction momentum frozen slope_filler bias_filler bn_mode "
    "scale_filler shift_filler",
    "clip_param": "min max",
    "concat_param": "axis concat_dim",
    "convolution_param": "num_output bias_term pad kernel_size stride dilation pad_h pad_w "
    "kernel_h kernel_w stride_h stride_w group weight_filler bias_filler engine axis "
    "force_nd_im2col",
    "crop_param": "axis offset",
    "data_param": "source batch_size rand_skip backend scale mean_file crop_size mirror "
    "force_encoded_color prefetch",
    "dropout_param": "dropout_ratio",
    "dummy_data_param": "data_filler shape num channels height width",
    "eltwise_param": "operation coeff stable_prod_grad",
    "elu_param": "alpha",
    "embed_param": "num_output input_dim bias_term weight_filler bias_filler",
    "exp_param": "base scale shift",
    "flatten_param": "axis end_axis",
    "hdf5_data_param": "source batch_size shuffle",
    "image_data_param": "source batch_size rand_skip shuffle new_height new_width is_color scale "
    "mean_file crop_size mirror root_folder",
    "inner_product_param": "num_output bias_term weight_filler bias_filler axis transpose",
    "input_param": "shape",
    "interp_param": "height width zoom_factor shrink_factor pad_beg pad_end",
    "log_param": "base scale shift",
    "lrn_param": "local_size alpha beta norm_region k engine",
    "memory_data_param": "batch_size channels height width",
    "mvn_param": "normalize_variance across_channels eps",
    "norm_param": "across_spatial scale_filler channel_shared eps",
    "parameter_param": "shape",
    "permute_param": "order",
    "pooling_param": "pool pad pad_h pad_w kernel_size kernel_h kernel_w stride stride_h stride_w "
    "engine global_pooling round_mode ceil_mode",
    "power_param": "power scale shift",
    "prelu_param": "filler channel_shared",
    "reduction_param": "operation axis coeff",
    "relu_param": "negative_slope engine",
    "reshape_param": "shape axis num_axes",
    "scale_param": "axis num_axes filler bias_term bias_filler",
    "shuffle_channel_param": "group",
    "sigmoid_param": "engine",
    "slice_param": "axis slice_point slice_dim",
    "softmax_param": "engine axis",
    "swish_param": "beta",
    "tanh_param": "engine",
    "tile_param": "axis tiles",
    "psroi_pooling_param": "spatial_scale output_dim group_size",
    "roi_align_param": "pooled_h pooled_w spatial_scale sample_num sampling_ratio",
    "roi_pooling_param": "pooled_h pooled_w spatial_scale",
    "spp_param": "pyramid_height pool engine",
    "threshold_param": "threshold",
    "upsample_param": "scale upsample_h upsample_w pad_out_h pad_out_w",
}
# Those that are about training, results or how images are made ready: nothing in them is a figure.
_UNREAD = (
    "transform_param loss_param accuracy_param argmax_param contrastive_loss_param "
    "hdf5_output_param hinge_loss_param infogain_loss_param python_param window_data_param "
    "annotated_data_param multibox_loss_param detection_output_param "
    "detection_evaluate_param prior_box_param nms_param proposal_param video_data_param "
    "dense_image_data_param smooth_l1_loss_param box_annotator_ohem_param focal_loss_param"
)
_KNOWN = {name: frozenset(fields.split()) for name, fields in _SETTINGS.items()}
_OF_LAYER = frozenset((*_LAYER.split(), *_KNOWN, *_UNREAD.split()))
_OF_NET = frozenset(_NET.split())


def unknown_fields(net: Fields) -> list[str]:
    """A note of the fields that archcalc does not know and leaves aside, with their lines."""
    found = [
        f"line {field.line}: {field.name!r}{did_you_mean(field.name, known)}"
        for field, known in _unknown(net)
    ]
    return [f"fields that archcalc does not know are left aside: {some_of(found)}"] if found else []


def _unknown(net: Fields) -> Iterator[tuple[Field, frozenset[str]]]:
    for field in net.message.fields:
        if field.name not in _OF_NET:
            yield field, _OF_NET
        elif field.name in ("layer", "layers") and isinstance(field.value, Message):
            for inner in field.value.fields:
                if inner.name not in _OF_LAYER:
                    yield inner, _OF_LAYER
                elif inner.name in _KNOWN and isinstance(inner.value, Message):
                    known = _KNOWN[inner.name]
                    for setting in inner.value.fields:
                        if setting.name not in known:
                            yield setting, known
