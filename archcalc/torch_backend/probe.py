"""Modules with which a unit answers to all that it sees, and to nothing else.

A real network hides much of it: a max pool answers to one position of many, a rectifier to none
where it is flat, and weights cancel. So here all weights are one, pools add up, activations and
norms let everything pass, and there are no biases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F  # torch's own name for it
from torch import Tensor, nn

from archcalc.feature_map import FeatureMap
from archcalc.layers import Effect, Layer, pooling
from archcalc.torch_backend import modules
from archcalc.torch_backend.layer_modules import module_for
from archcalc.torch_spelling.sliding import windows_of
from archcalc.window import Window


def positive_module(layer: Layer, *inputs: FeatureMap) -> nn.Module:
    """A linear module without negative weights that sees what `layer` sees."""
    made = []
    for part in layer.probe(*inputs):
        module = module_for(part, *inputs)
        for name, parameter in module.named_parameters():
            nn.init.constant_(parameter, 0 if name == "bias" else 1)
        made.append(module)
        rule: Callable[..., Effect] = part.effect_on  # some take several maps
        inputs = (rule(*inputs).output,)
    return made[0] if len(made) == 1 else nn.Sequential(*made)


def unpool_module(pool: pooling.MaxPool, pooled: FeatureMap) -> nn.Module:
    """What puts values back to wherever the max pool may have taken them from.

    Args:
        pool: the max pool that is unpooled.
        pooled: the map that it took in.
    """
    return WindowSpread(windows_of(pool, pooled), pooled.sizes)


class WindowSpread(nn.Module):
    """Each value spread over the window of a max pool that it was the maximum of.

    It takes what is put back, and what the pool itself gave out: where a value is put depends on
    all that the pool has seen.
    """

    def __init__(self, windows: Sequence[Window], sizes: Sequence[int]) -> None:
        super().__init__()
        self.kernel = tuple([w.kernel for w in windows])
        self.stride = tuple([w.stride for w in windows])
        self.before = tuple([w.before for w in windows])
        self.dilation = tuple([w.dilation for w in windows])
        self.sizes = tuple(sizes)

    def forward(self, x: Tensor, pool_output: Tensor) -> Tensor:
        each_alone = (x + pool_output).flatten(0, 1).unsqueeze(1)
        ones = x.new_ones(1, 1, *self.kernel)
        convolve = getattr(F, f"conv_transpose{len(self.kernel)}d")
        spread: Tensor = convolve(each_alone, ones, None, self.stride, dilation=self.dilation)
        sides = tuple(
            [
                (-p, p + size - n)
                for p, size, n in zip(self.before, self.sizes, spread.shape[2:], strict=True)
            ]
        )
        return modules.pad(spread, sides).reshape(*x.shape[:2], *self.sizes)
