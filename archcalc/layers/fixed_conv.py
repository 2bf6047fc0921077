"""Convolution by a kernel that is given and does not learn, such as a blur."""

from __future__ import annotations

from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_axis
from archcalc.layers.effect import Effect, Saved, Storage
from archcalc.layers.layer import Axes, Category, Layer, require_divisible, require_positive
from archcalc.layers.operator import USUAL, Circumstances, Kept, Operator, Taken
from archcalc.layers.registry import register
from archcalc.layers.sliding import placements, sliding_windows
from archcalc.layers.state import buffers
from archcalc.quantity.arithmetic import Quantity, certainly_one, product
from archcalc.record import replace
from archcalc.regions.reading import ChannelWindow, Groups
from archcalc.window import Reach


@register
class FixedConv(Layer):
    """Convolution by a kernel that is kept and not learned, as `torch.nn.functional.conv1d/2d/3d`.

    Shapes: as `conv`. Buffer: weight (channels, C / groups, k…).
    MACs: m… x channels x C / groups x k….
    With `groups: C` and `channels: C` it filters each channel by itself, as a blur before a stride.
    Source: Zhang 2019 (arXiv:1904.11486), section 3.2.
    """

    kind: ClassVar[str] = "fixed_conv"
    category: ClassVar[Category] = Category.CONVOLUTION
    in_lecture_total: ClassVar[bool] = True
    convolves: ClassVar[bool] = True
    keeps_order: ClassVar[bool] = True

    channels: Quantity
    kernel: Axes
    stride: Axes = 1
    padding: Axes = 0
    dilation: Axes = 1
    groups: Quantity = 1

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_positive(self.channels, "output channels")
        require_divisible(x.channels, self.groups, "input channels")
        require_divisible(self.channels, self.groups, "output channels")
        padding = per_axis(self.padding, x, "padding")
        windows = sliding_windows(x, self.kernel, self.stride, padding, self.dilation)
        output = FeatureMap(self.channels, placements(windows, x))
        weight = (self.channels, x.channels // self.groups, *[w.kernel for w in windows])
        return Effect(
            output=output,
            windows=windows,
            state=buffers(weight=weight),
            macs=product(weight) * output.positions,
            other_ops=0,
            saved=(Saved.INPUT,),
            workspace=(),
            storage=Storage.OWN,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        takes, kept = (*found.takes, Taken("weight")), (*found.kept, Kept("weight"))
        return (replace(found, name="conv", takes=takes, kept=kept),)

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("channels",)

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        return ("groups",) if self.groups == x.channels > 1 else ()

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        if certainly_one(self.groups):
            return Reach.ALL
        return Groups(x.channels // self.groups, self.channels // self.groups)
