"""The layer types of Caffe, and of its forks: what reads each, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.importing.caffe import opaque, shaping, values, windows
from archcalc.importing.caffe.layer import Handler

HANDLERS: Mapping[str, Handler] = {
    "AbsVal": values.plainly("abs"),
    "Axpy": values.axpy,
    "BN": values.whole_batch_norm,
    "BNLL": values.plainly("softplus"),
    "BatchNorm": values.batch_norm,
    "Bias": values.bias,
    "Clip": values.clip,
    "Concat": shaping.concat,
    "Convolution": windows.convolution,
    "ConvolutionDepthwise": windows.convolution,
    "Crop": shaping.crop,
    "Deconvolution": windows.deconvolution,
    "DepthwiseConvolution": windows.convolution,
    "Dropout": values.dropout,
    "ELU": values.elu,
    "Eltwise": values.eltwise,
    "Embed": shaping.embed,
    "Exp": values.exponential,
    "Flatten": shaping.flatten,
    "InnerProduct": shaping.inner_product,
    "Interp": windows.interp,
    "LRN": windows.lrn,
    "Log": values.logarithm,
    "MVN": values.mvn,
    "Mish": values.plainly("mish"),
    "Normalize": values.normalize,
    "PReLU": values.prelu,
    "PSROIPooling": opaque.psroi_pooling,
    "Parameter": shaping.parameter,
    "Permute": shaping.permute,
    "Pooling": windows.pooling,
    "Power": values.power,
    "ReLU": values.relu,
    "ReLU6": values.plainly("relu6"),
    "ROIAlign": opaque.roi_pooling,
    "ROIPooling": opaque.roi_pooling,
    "Reduction": shaping.reduction,
    "Reshape": shaping.reshape,
    "SPP": opaque.pyramid,
    "Scale": values.scale,
    "ShuffleChannel": shaping.shuffle,
    "SeLu": values.plainly("selu"),
    "Sigmoid": values.plainly("sigmoid"),
    "Slice": shaping.cut,
    "Softmax": values.softmax,
    "Swish": values.swish,
    "TanH": values.plainly("tanh"),
    "Threshold": opaque.alike,
    "Tile": shaping.tile,
    "Upsample": windows.upsample,
}
# Other words of forks for the same.
_ALIASES = {
    "CuDNNBatchNorm": "BatchNorm",
    "CuDNNConvolution": "Convolution",
    "SELU": "SeLu",
    "SyncBN": "BN",
}
HANDLERS = {**HANDLERS, **{name: HANDLERS[meant] for name, meant in _ALIASES.items()}}

# What learns: where its input has an unknown size, so have its parameters.
LEARNING = frozenset(
    (
        "BN",
        "Bias",
        "Convolution",
        "ConvolutionDepthwise",
        "Deconvolution",
        "DepthwiseConvolution",
        "Embed",
        "InnerProduct",
        "LSTM",
        "Normalize",
        "PReLU",
        "RNN",
        "Scale",
    )
)
# What takes regions, of which no file says how many there are.
OF_REGIONS = frozenset(("PSROIPooling", "ROIAlign", "ROIPooling"))
# What measures or trains, and is no part of what a network computes.
MEASURES = frozenset(("Accuracy", "DetectionEvaluate", "HDF5Output", "SegAccuracy", "Silence"))
# What selects and draws up results by their values: it learns nothing, and no file says how many.
RESULTS = {
    "ArgMax": "the places of the largest values",
    "BoxAnnotatorOHEM": "a choice of regions",
    "DetectionOutput": "what is detected",
    "PriorBox": "default boxes, which no image changes",
    "Proposal": "proposed regions",
    "Python": "code outside of the file",
}

# The first version of the format has these in capitals.
OF_V1 = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "DUMMY_DATA": "DummyData",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "IMAGE_DATA": "ImageData",
    "INNER_PRODUCT": "InnerProduct",
    "MEMORY_DATA": "MemoryData",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
    "WINDOW_DATA": "WindowData",
    **{name: name for name in ("BNLL", "LRN", "MVN")},
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "HINGE_LOSS": "HingeLoss",
    "INFOGAIN_LOSS": "InfogainLoss",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "IM2COL": "Im2col",
}
# Those of one word.
OF_V1 |= {
    word.upper(): word
    for word in (
        "Accuracy",
        "Concat",
        "Convolution",
        "Data",
        "Deconvolution",
        "Dropout",
        "Eltwise",
        "Exp",
        "Flatten",
        "Pooling",
        "Power",
        "Sigmoid",
        "Silence",
        "Slice",
        "Softmax",
        "Split",
        "Threshold",
    )
}


def is_loss(type: str) -> bool:
    """Whether it trains: every type of a loss says so in its name."""
    return "Loss" in type
