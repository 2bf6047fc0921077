"""Random fields of each layer kind, with the shape that it meets in mind."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, TypeAlias

from tests.fuzz import operators
from tests.fuzz.functions import FUNCTIONS, Function
from tests.fuzz.interpreter import Spec
from tests.fuzz.mixing import REDUCTIONS, SOFTMAXES
from tests.fuzz.moving import (
    drawn_expansion,
    drawn_place,
    drawn_places,
    drawn_rearrangement,
    drawn_repetition,
    drawn_slice,
    drawn_tiling,
)
from tests.fuzz.network import Shape
from tests.fuzz.tokens import RECURRENT


def _sizes(rng: random.Random, shape: Shape, draw: Callable[[], int]) -> Any:
    """One value for all axes, or one for each."""
    return [draw() for _ in shape[1:]] if len(shape) > 1 and rng.random() < 0.3 else draw()


def _window(rng: random.Random, shape: Shape) -> Spec:
    """Kernel, stride and padding that are likely to fit."""
    most = max(1, min(shape[1:], default=1))
    fields: Spec = {"kernel": _sizes(rng, shape, lambda: rng.randint(1, min(5, most + 1)))}
    if rng.random() < 0.5:
        fields["stride"] = _sizes(rng, shape, lambda: rng.randint(1, 3))
    return fields | _padding(rng, shape)


def _padding(rng: random.Random, shape: Shape) -> Spec:
    draw = rng.random()
    if draw < 0.35:
        return {}
    if draw < 0.6:
        return {"padding": rng.choice(("same", "same", "valid"))}
    if draw < 0.85 or len(shape) == 1:
        return {"padding": rng.randint(0, 2)}
    return {
        "padding": [
            rng.choice((rng.randint(0, 2), [rng.randint(0, 2), rng.randint(0, 2)]))
            for _ in shape[1:]
        ]
    }


def _groups(rng: random.Random, shape: Shape) -> tuple[int, Spec]:
    """Channels of the output, and groups that divide them and those of the input."""
    if rng.random() < 0.75:
        return rng.randint(1, 6), {}
    groups = rng.choice([g for g in range(1, shape[0] + 1) if shape[0] % g == 0])
    return groups * rng.randint(1, 2), {"groups": groups}


def _bias(rng: random.Random) -> Spec:
    return rng.choice(({}, {}, {"bias": False}, {"bias": True}))


def _learned(rng: random.Random) -> Spec:
    """With a bias or without, and now and then a weight that is normalized."""
    return _bias(rng) | ({"weight_norm": True} if rng.random() < 0.15 else {})


def _conv(rng: random.Random, shape: Shape) -> Spec:
    channels, groups = _groups(rng, shape)
    fields = {"channels": channels} | _window(rng, shape) | groups | _learned(rng)
    if rng.random() < 0.25:
        fields["dilation"] = _sizes(rng, shape, lambda: rng.randint(1, 3))
    return fields


def _fixed_conv(rng: random.Random, shape: Shape) -> Spec:
    channels, groups = _groups(rng, shape)
    fields: Spec = {"channels": channels, "kernel": _sizes(rng, shape, lambda: rng.randint(1, 4))}
    fields |= groups | {"stride": rng.randint(1, 3), "padding": rng.choice((0, 1, 2))}
    return fields


def _conv_transpose(rng: random.Random, shape: Shape) -> Spec:
    channels, groups = _groups(rng, shape)
    stride = rng.randint(1, 3)
    fields: Spec = {"channels": channels, "kernel": _sizes(rng, shape, lambda: rng.randint(1, 4))}
    fields |= {"stride": stride} | groups | _learned(rng)
    fields |= _padding(rng, shape)
    if rng.random() < 0.3:
        fields["output_padding"] = rng.randint(0, stride)
    if rng.random() < 0.2:
        fields["dilation"] = rng.randint(1, 2)
    return fields


def _max_pool(rng: random.Random, shape: Shape) -> Spec:
    fields = _window(rng, shape)
    if rng.random() < 0.2:
        fields["dilation"] = _sizes(rng, shape, lambda: rng.randint(1, 2))
    return fields | rng.choice(({}, {}, {"ceil": True}, {"ceil": "caffe"}))


def _avg_pool(rng: random.Random, shape: Shape) -> Spec:
    fields = _window(rng, shape) | rng.choice(({}, {}, {"ceil": True}))
    return fields | rng.choice(({}, {"count_include_pad": False}))


def _adaptive(rng: random.Random, shape: Shape) -> Spec:
    return {"output": _sizes(rng, shape, lambda: rng.randint(1, 4))}


def _upsample(rng: random.Random, shape: Shape) -> Spec:
    modes = ["nearest", "nearest", "area", "linear"]
    if 2 <= len(shape) <= 4:
        modes[3] = ("linear", "bilinear", "trilinear")[len(shape) - 2]
    if len(shape) == 3:
        modes.append("bicubic")
    mode = rng.choice((None, *modes))
    fields: Spec = {"mode": mode} if mode else {}
    if rng.random() < 0.4:
        fields["size"] = _sizes(rng, shape, lambda: rng.randint(1, 2 * max(shape[1:], default=1)))
    elif rng.random() < 0.4:
        fields["factor"] = rng.choice((0.5, 1.5, 0.75, 2.25))
    else:
        fields["factor"] = _sizes(rng, shape, lambda: rng.randint(1, 3))
    if mode not in (None, "nearest", "area") and rng.random() < 0.4:
        fields["align_corners"] = True
    return fields


def _pad(rng: random.Random, shape: Shape) -> Spec:
    fields: Spec = _sides(rng, shape)
    if rng.random() < 0.3:
        fields["sides"] = rng.randint(-1, 2)
    return fields | rng.choice(({}, *[{"mode": m} for m in ("reflect", "replicate", "circular")]))


def _unfold(rng: random.Random, shape: Shape) -> Spec:
    fields: Spec = {"kernel": _sizes(rng, shape, lambda: rng.randint(1, 3))}
    fields |= rng.choice(({}, {"stride": _sizes(rng, shape, lambda: rng.randint(1, 2))}))
    fields |= rng.choice(({}, {"padding": _sizes(rng, shape, lambda: rng.randint(0, 2))}))
    return fields | rng.choice(({}, {"dilation": _sizes(rng, shape, lambda: rng.randint(1, 2))}))


def _fold(rng: random.Random, shape: Shape) -> Spec:
    """Blocks side by side."""
    rows = divisor(rng, shape[-1])
    kernel = rng.choice(
        [k for k in ([1, 1], [1, 2], [2, 1], [2, 2]) if shape[0] % math.prod(k) == 0]
    )
    return {
        "output": [rows * kernel[0], shape[-1] // rows * kernel[1]],
        "kernel": kernel,
        "stride": kernel,
    }


def _sides(rng: random.Random, shape: Shape) -> Spec:
    if rng.random() < 0.3 or len(shape) == 1:
        return {"sides": rng.randint(0, 1)}
    sides: list[Any] = []
    for _ in shape[1:]:
        sides.append(rng.choice((rng.randint(0, 1), [rng.randint(0, 2), rng.randint(0, 2)])))
    return {"sides": sides}


def divisor(rng: random.Random, n: int) -> int:
    return rng.choice([d for d in range(1, n + 1) if n % d == 0])


def _reshape(rng: random.Random, shape: Shape) -> Spec:
    values, found = math.prod(shape), []
    for _ in range(rng.randint(0, 3)):
        found.append(divisor(rng, values))
        values //= found[-1]
    return {"shape": [*found, values]}


def _channel_slice(rng: random.Random, shape: Shape) -> Spec:
    start = rng.randint(0, shape[0] - 1)
    stop = rng.randint(start + 1, shape[0])
    return {"start": start, "stop": stop} if start else {"stop": stop}


def _channel_split(rng: random.Random, shape: Shape) -> Spec:
    parts = divisor(rng, min(shape[0], 64) if shape[0] % min(shape[0], 64) == 0 else shape[0])
    return {"parts": parts, "part": rng.randint(0, parts - 1)}


def _axis(rng: random.Random, shape: Shape) -> Spec:
    """The number of an axis; most often none is given."""
    return rng.choice(({}, {}, {"axis": rng.randint(-len(shape), len(shape) - 1)}))


def _roll(rng: random.Random, shape: Shape) -> Spec:
    """Along one axis, or along several by one shift or by several."""
    if rng.random() < 0.5:
        return {"shifts": rng.randint(-3, 3), "axes": rng.randint(-len(shape), len(shape) - 1)}
    axes = rng.sample(range(len(shape)), rng.randint(1, len(shape)))
    return {"shifts": rng.choice((1, [rng.randint(-3, 3) for _ in axes])), "axes": axes}


def _reduction(rng: random.Random, shape: Shape) -> Spec:
    """Over one axis, or over several; what is kept can be as large a map as before again."""
    axes: Any = rng.randint(-len(shape), len(shape) - 1)
    if rng.random() < 0.5:
        axes = rng.sample(range(len(shape)), rng.randint(1, len(shape)))
    return {"axes": axes} | rng.choice(({}, {"keep": True}, {"keep": True}))


def _glu(rng: random.Random, shape: Shape) -> Spec:
    even = [axis for axis, n in enumerate(shape) if n % 2 == 0]
    return {"axis": rng.choice(even)} if even else {}


def _local_response_norm(rng: random.Random, shape: Shape) -> Spec:
    if rng.random() < 0.5:
        return {"size": rng.randint(1, 5)}
    return {"size": rng.choice((1, 3, 3, 5)), "region": "within_channel"}


def _layer_norm(rng: random.Random, shape: Shape) -> Spec:
    fields: Spec = rng.choice(
        ({}, {"over": "channels"}, {"over": "channels"}, {"over": "last"}, {"over": "all"})
    )
    return fields | rng.choice(({}, {}, {"affine": False}, {"bias": False}))


def _recurrent(kind: str) -> Draw:
    def draw(rng: random.Random, shape: Shape) -> Spec:
        fields: Spec = {"features": rng.randint(1, 5)}
        fields |= rng.choice(({}, {}, {"layers": 2})) | rng.choice(({}, {}, {"bias": False}))
        fields |= rng.choice(({}, {"bidirectional": True})) | rng.choice(({}, {"dropout": 0.5}))
        fields |= rng.choice(({}, {}, {"output": "last"}))
        if kind == "rnn":
            fields |= rng.choice(({}, {"nonlinearity": "relu"}))
        if kind == "lstm" and fields["features"] > 1 and rng.random() < 0.4:
            fields["projection"] = rng.randint(1, fields["features"] - 1)
        return fields

    return draw


def _rotary(rng: random.Random, shape: Shape) -> Spec:
    even = shape[-1] // 2 if shape[-1] % 2 == 0 else 1
    return {"heads": divisor(rng, even)}


def multihead(rng: random.Random, shape: Shape) -> Spec:
    fields: Spec = {"heads": divisor(rng, shape[-1])}
    fields |= rng.choice(({}, {"bias": False})) | rng.choice(({}, {"causal": True}))
    return fields | rng.choice(({}, {}, {"dropout": 0.25}))


def _parameter(rng: random.Random, shape: Shape) -> Spec:
    """Of the same shape, or of one position along some axes."""
    sizes = [rng.choice((n, n, 1)) for n in shape]
    return {"shape": sizes} | rng.choice(({}, {}, {"learned": False}))


def embedding(rng: random.Random, shape: Shape) -> Spec:
    return {"rows": rng.randint(LEAST_ROWS, 6), "features": rng.choice((shape[-1], 3))}


def _constants_of(function: Function) -> Draw:
    return lambda rng, x: function.draws(rng)


LEAST_ROWS = 2  # of a table

Draw: TypeAlias = Callable[[random.Random, Shape], Spec]

DRAWS: dict[str, Draw] = {
    "conv": _conv,
    "fixed_conv": _fixed_conv,
    "conv_transpose": _conv_transpose,
    "locally_connected": lambda rng, x: (
        {"channels": rng.randint(1, 3)} | _window(rng, x) | _bias(rng)
    ),
    "linear": lambda rng, x: {"features": rng.randint(1, 8)} | _learned(rng),
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "adaptive_avg_pool": _adaptive,
    "adaptive_max_pool": _adaptive,
    "upsample": _upsample,
    "pixel_shuffle": lambda rng, x: {"factor": 2 if x[0] % 4 == 0 else 1},
    "pixel_unshuffle": lambda rng, x: {"factor": 2 if all(n % 2 == 0 for n in x[1:]) else 1},
    "unfold": _unfold,
    "fold": _fold,
    "pad": _pad,
    "crop": _sides,
    "pad_channels": lambda rng, x: {"before": rng.randint(0, 2), "after": rng.randint(0, 2)},
    "batch_norm": lambda rng, x: rng.choice(({}, {}, {"affine": False}, {"gamma": False})),
    "layer_norm": _layer_norm,
    "rms_norm": lambda rng, x: rng.choice(({}, {}, {"affine": False}, {"eps": 1e-3})),
    "group_norm": lambda rng, x: (
        {"groups": divisor(rng, x[0])} | rng.choice(({}, {"affine": False}, {"bias": False}))
    ),
    "local_response_norm": _local_response_norm,
    "instance_norm": lambda rng, x: rng.choice(
        ({}, {"affine": True}, {"track_running_stats": True})
    ),
    "normalize": lambda rng, x: _axis(rng, x) | rng.choice(({}, {"scale": True})),
    "scale": lambda rng, x: rng.choice(
        ({"factor": 0.5}, {"factor": -1.0, "shift": 1.0}, {"shift": 2.0}, {})
    ),
    "channel_scale": lambda rng, x: rng.choice(({}, {"bias": True})),
    "leaky_relu": lambda rng, x: rng.choice(({}, {"slope": 0.2})),
    "prelu": lambda rng, x: rng.choice(({}, {"per_channel": True})),
    "elu": lambda rng, x: rng.choice(({}, {"alpha": 0.5})),
    "gelu": lambda rng, x: rng.choice(({}, {"approximate": "tanh"})),
    **dict.fromkeys(SOFTMAXES, _axis),
    "glu": _glu,
    "rrelu": lambda rng, x: rng.choice(({}, {"lower": 0.0, "upper": 0.5})),
    **{kind: _constants_of(function) for kind, function in FUNCTIONS.items()},
    "dropout": lambda rng, x: rng.choice(({}, {"p": 0.2}, {"p": 0.0}, {"p": 1.0})),
    "drop_path": lambda rng, x: rng.choice(({}, {"p": 0.3}, {"p": 0.0})),
    "roll": _roll,
    **dict.fromkeys(REDUCTIONS, _reduction),
    "reshape": _reshape,
    "rearrange": drawn_rearrangement,
    "expand": drawn_expansion,
    "repeat_interleave": drawn_repetition,
    "tile": drawn_tiling,
    "slice": drawn_slice,
    "select": drawn_place,
    "index_select": drawn_places,
    "parameter": _parameter,
    "rotary_embedding": _rotary,
    "multihead_attention": multihead,
    **{kind: _recurrent(kind) for kind in RECURRENT},
    "channel_shuffle": lambda rng, x: {"groups": divisor(rng, x[0])},
    "channel_slice": _channel_slice,
    "channel_split": _channel_split,
}
LEARN = ("conv", "conv_transpose", "locally_connected", "linear", "batch_norm", "layer_norm",
         "rms_norm", "instance_norm", "normalize", "group_norm", "channel_scale",
         "prelu", "parameter", "embedding", "multihead_attention", *RECURRENT)  # fmt: skip
LEAVE_GAPS = ("crop", "channel_slice", "channel_split", "slice")
BEHIND_GAPS = ("flatten", "reshape", "linear", "group_norm", "layer_norm", "max_pool", "conv")
OFTEN = ["conv"] * 12 + ["max_pool"] * 4 + [*LEAVE_GAPS]
OFTEN += ["avg_pool", "relu", "batch_norm", "flatten", "conv_transpose"] * 2
# All the functions of a value together about as often as one kind of the others four times.
_APART = [
    kind for kind in operators.OPERATORS if kind not in (*FUNCTIONS, "quantize", "dequantize")
]
KINDS = [*[*_APART, *OFTEN] * 10, *["rearrange"] * 20, *FUNCTIONS]
# Of axes (L, C), which may be those of tokens.
_OF_TOKENS = ["rotary_embedding", "multihead_attention", *RECURRENT, "rms_norm", "linear"]
KINDS_ON_TOKENS = [*_OF_TOKENS, *["select", "rearrange", "softmax"]] * 10
KINDS_ON_VECTORS = ["linear", "channel_slice", "channel_split", "reshape", "softmax", "layer_norm",
                    "batch_norm", "relu", "dropout", *_APART] * 10 + [*FUNCTIONS]  # fmt: skip
