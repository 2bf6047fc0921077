"""Classes that torch lacks. Each is written into the file that needs it, and into no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from string import Template

from archcalc.errors import UsageError

_LOCALLY_CONNECTED = '''\
class LocallyConnected(nn.Module):
    """A convolution with weights of its own at every output position."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        sizes: tuple[int, ...],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        bias: bool = True,
    ) -> None:
        """`sizes` are those of the output, one for each spatial axis, as in `kernel`."""
        super().__init__()
        self.sizes = sizes
        self.kernel = kernel
        self.stride = stride
        bound = (in_channels * math.prod(kernel)) ** -0.5  # as nn.Conv2d begins
        weight = torch.empty(*sizes, channels, in_channels, *kernel)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound))
        self.bias = None
        if bias:
            self.bias = nn.Parameter(torch.empty(*sizes, channels).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        axes = len(self.sizes)
        for axis, (kernel, stride) in enumerate(zip(self.kernel, self.stride), start=2):
            x = x.unfold(axis, kernel, stride)
        # (N, C, *sizes, *kernel) -> (positions, N, C * taps)
        x = x.movedim(tuple(range(2, 2 + axes)), tuple(range(axes)))
        x = x.flatten(0, axes - 1).flatten(2)
        weight = self.weight.flatten(0, axes - 1).flatten(2)
        x = torch.bmm(x, weight.transpose(1, 2))
        if self.bias is not None:
            x = x + self.bias.flatten(0, axes - 1).unsqueeze(1)
        return x.permute(1, 2, 0).unflatten(2, self.sizes)
'''

_CONV_SAME = Template('''\
class Conv${axes}dSame(nn.Conv${axes}d):
    """A convolution padded as TensorFlow's SAME: ceil(n / stride) outputs, the odd pad after."""

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        figures = zip(x.shape[2:], self.kernel_size, self.stride, self.dilation)
        for size, kernel, stride, dilation in figures:
            steps = (size - 1) // stride * stride
            pad = max(0, steps + dilation * (kernel - 1) + 1 - size)
            pads = [pad // 2, pad - pad // 2, *pads]  # F.pad begins with the last axis
        return super().forward(F.pad(x, pads))
''')

_PADDED_MAX_POOL = Template('''\
class PaddedMaxPool${axes}d(nn.MaxPool${axes}d):
    """A max pool of a padded map, whose indices are places in the map without the padding."""

    def __init__(
        self,
        kernel: int | tuple[int, ...],
        stride: int | tuple[int, ...],
        pad: tuple[int, ...],
        dilation: int | tuple[int, ...] = 1,
        ceil_mode: bool = False,
    ) -> None:
        """`pad` is that of F.pad: before and after, the last axis first."""
        super().__init__(kernel, stride, 0, dilation, return_indices=True, ceil_mode=ceil_mode)
        self.pad = pad

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pooled, indices = super().forward(F.pad(x, self.pad, value=float("-inf")))
        inside = torch.zeros_like(indices)
        step = padded_step = 1
        for axis, size in enumerate(reversed(x.shape[2:])):
            before, after = self.pad[2 * axis : 2 * axis + 2]
            padded = before + size + after
            inside = inside + step * (indices // padded_step % padded - before)
            step, padded_step = step * size, padded_step * padded
        return pooled, inside
''')

_BATCH_NORM_WITHOUT_SCALE = Template('''\
class BatchNorm${axes}dWithoutScale(nn.BatchNorm${axes}d):
    """Batch normalization that learns a shift but no scale."""

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(channels, eps=eps, momentum=momentum)
        self.register_parameter("weight", None)
''')

_CHANNEL_NORM = '''\
class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels of each position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1).contiguous()
'''

_DROP_PATH = '''\
class DropPath(nn.Module):
    """Zeroes whole images with probability p in training, and scales the others up."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        shape = (x.shape[0],) + (1,) * (x.dim() - 1)
        return x * F.dropout(x.new_ones(shape), self.p, self.training)
'''


def class_source(callee: str) -> str:
    """The source of the class `package.module.Name`, whose module is read and not imported.

    Raises:
        UsageError: there is none.
    """
    home, _, name = callee.rpartition(".")
    try:
        found = find_spec(home)
    except ModuleNotFoundError:  # the package around it
        found = None
    if found is not None and found.origin is not None:
        text = Path(found.origin).read_text(encoding="utf-8")
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.ClassDef) and statement.name == name:
                return f"{ast.get_source_segment(text, statement)}\n"
    raise UsageError(f"there is no class {callee} to export")


HELPERS: dict[str, str] = {
    "TransposedLinear": class_source("archcalc.torch_backend.modules.TransposedLinear"),
    "LocallyConnected": _LOCALLY_CONNECTED,
    **{f"PaddedMaxPool{n}d": _PADDED_MAX_POOL.substitute(axes=n) for n in (1, 2, 3)},
    **{f"Conv{n}dSame": _CONV_SAME.substitute(axes=n) for n in (1, 2, 3)},
    **{
        f"BatchNorm{n}dWithoutScale": _BATCH_NORM_WITHOUT_SCALE.substitute(axes=n)
        for n in (1, 2, 3)
    },
    "ChannelNorm": _CHANNEL_NORM,
    "FixedConv": class_source("archcalc.torch_backend.convolution_modules.FixedConv"),
    "ChannelScale": class_source("archcalc.torch_backend.modules.ChannelScale"),
    "DropPath": _DROP_PATH,
    **{
        name: class_source(f"archcalc.torch_backend.norm_modules.{name}")
        for name in (
            "Normalize",
            "LocalResponseNormWithinChannel",
            "FrozenBatchNorm",
            "GroupNormWithoutBias",
        )
    },
    **{
        name: class_source(f"archcalc.torch_backend.quantizing_modules.{name}")
        for name in ("Quantize", "Dequantize")
    },
    "RotaryEmbedding": class_source("archcalc.torch_backend.token_modules.RotaryEmbedding"),
    "Attention": class_source("archcalc.torch_backend.token_modules.Attention"),
    "IndexSelect": class_source("archcalc.torch_backend.token_modules.IndexSelect"),
    **{
        name: class_source(f"archcalc.torch_backend.interpolating_modules.{name}")
        for name in ("DeformConv2d", "RoIAlign")
    },
    "Parameter": class_source("archcalc.torch_backend.token_modules.Parameter"),
}


def needed_helpers(code: str, brought: Iterable[str]) -> list[str]:
    """The sources of the helpers that `code` makes modules of, in the order above, and of the
    classes `brought` by other packages."""
    made = set(re.findall(r"(?<![\w.])\w+(?=\()", code))
    own = [source for name, source in HELPERS.items() if name in made]
    return [*own, *map(class_source, brought)]
