"""Deformable convolution: each tap reads where an offset, computed from the map, moves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_axis
from archcalc.layers.effect import Effect, Saved, Storage
from archcalc.layers.interpolating import ReadsAtPlaces, ops_of_place, ops_of_value
from archcalc.layers.layer import Axes, Category, Layer, require_divisible, require_positive
from archcalc.layers.operator import Circumstances
from archcalc.layers.registry import register
from archcalc.layers.sliding import placements, sliding_windows
from archcalc.layers.state import parameters
from archcalc.quantity.arithmetic import Quantity, product, require_equal, require_multiple
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Window, Windows

_PLACED = 2 + ops_of_place(2)  # operations for each place, of which 2 add the offset


@register
class DeformConv(ReadsAtPlaces):
    """Deformable convolution, as `torchvision.ops.DeformConv2d`.

    Inputs: a map (C, h, w), offsets (2 g k_h k_w, m, n) and, where taps are modulated, a mask
    (g k_h k_w, m, n); output (channels, m, n), of as many positions as a convolution's. g are the
    offset groups, as many as the offsets are for: each serves C / g channels of the map. Between
    positions the map is read bilinearly, and beyond its border it is 0.
    Weight (channels, C / groups, k_h, k_w), bias (channels). MACs: a convolution's.
    Operations, of t = g k_h k_w m n places: 12 for each, with its weights, and for each of the
    C k_h k_w m n values that are read 7, or 8 with a mask; and the biases.
    torch has no such operator: what it would make and keep in memory is unknown.
    Source: Dai et al. 2017 (arXiv:1703.06211), section 2.1; modulated: Zhu et al. 2019
    (arXiv:1811.11168), section 3.2.
    """

    kind: ClassVar[str] = "deform_conv"
    category: ClassVar[Category] = Category.CONVOLUTION
    is_weight_layer: ClassVar[bool] = True
    in_lecture_total: ClassVar[bool] = True
    weight_is: ClassVar[str] = "kernel"

    channels: Quantity
    kernel: Axes
    stride: Axes = 1
    padding: Axes = 0
    dilation: Axes = 1
    groups: Quantity = 1
    bias: bool = True

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        if len(others) not in (1, 2):
            raise LayerError(f"takes a map, offsets and a mask; {1 + len(others)} inputs are given")
        if len(x.sizes) != 2:
            raise LayerError(f"needs 2 spatial axes, not {len(x.sizes)}")
        require_positive(self.channels, "output channels")
        require_divisible(x.channels, self.groups, "input channels")
        require_divisible(self.channels, self.groups, "output channels")
        windows = self.windows(x)
        output = FeatureMap(self.channels, placements(windows, x))
        taps = product([w.kernel for w in windows])
        groups = self._offset_groups(x, others, output, taps)
        weight = (self.channels, x.channels // self.groups, *[w.kernel for w in windows])
        masked = len(others) == 2
        read = (groups * _PLACED + x.channels * (ops_of_value(2) + masked)) * taps
        return Effect(
            output=output,
            windows=(Reach.UNKNOWN, Reach.UNKNOWN),
            state=parameters(weight=weight, bias=(self.channels,) if self.bias else None),
            macs=product(weight) * output.positions,
            other_ops=read * output.positions + (output.values if self.bias else 0),
            saved=(Saved.INPUT,),
            workspace=(),
            storage=Storage.OWN,
        )

    def windows(self, x: FeatureMap) -> tuple[Window, ...]:
        """Where its taps would be without offsets."""
        padding = per_axis(self.padding, x, "padding")
        return sliding_windows(x, self.kernel, self.stride, padding, self.dilation)

    def _offset_groups(
        self, x: FeatureMap, others: Sequence[FeatureMap], output: FeatureMap, taps: Quantity
    ) -> Quantity:
        """As many as the channels of the offsets are for."""
        offsets = others[0]
        for what, other in zip(("offsets", "a mask"), others, strict=False):
            if other.rank != 3:
                raise LayerError(f"{what} of 3 axes, and {other} has {other.rank}")
            for size, wanted in zip(other.sizes, output.sizes, strict=True):
                require_equal(size, wanted, "{} of {} for an output of {}", what, other, output)
        require_multiple(
            offsets.channels, 2 * taps, "offsets of {} channels for {} taps, which have 2 each",
            offsets.channels, taps,
        )  # fmt: skip
        groups = offsets.channels // (2 * taps)
        require_divisible(x.channels, groups, "input channels", "offset groups")
        for mask in others[1:]:
            wanted = groups * taps
            message = "a mask of {} channels; these offsets have {} places"
            require_equal(mask.channels, wanted, message, mask.channels, wanted)
        return groups

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        return False

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("channels",)

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        return ("groups",) if self.groups == x.channels > 1 else ()

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL

    def windows_along(
        self, number: int, inputs: Sequence[FeatureMap], windows: Windows
    ) -> tuple[ChannelWindow, ...]:
        along = Reach.UNKNOWN if number == 0 else Reach.SAME
        return (Reach.ALL, along, along)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        return (0, None, None) if number == 0 else (0, 1, 2)

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (DeformedAnywhere(**vars(self)),)


class DeformedAnywhere(DeformConv):
    """What its units see, linearly: the map, wherever, and the offsets where they stand."""
