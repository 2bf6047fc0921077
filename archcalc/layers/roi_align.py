"""Regions of a map, each brought to one size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Storage
from archcalc.layers.interpolating import ReadsAtPlaces, ops_of_place, ops_of_value
from archcalc.layers.layer import Axes, Layer, require_positive
from archcalc.layers.operator import Circumstances
from archcalc.layers.registry import register
from archcalc.quantity.arithmetic import Quantity, certainly_one, require_at_least, require_equal
from archcalc.quantity.at_least import UNKNOWN
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows

_CORNERS = 4  # numbers of a box
_PLACED = 2 * 2 + ops_of_place(2)  # for each place: along each axis a product and a sum


@register
class RoiAlign(ReadsAtPlaces):
    """Boxes of a map, each read in bins of one size, as `torchvision.ops.roi_align`.

    Inputs: a map (C, h, w) and r boxes (r, 4) for each image, each from (x1, y1) to (x2, y2).
    Output: r items (C, m, n), m x n the `output`. A box is multiplied by `spatial_scale`, to lie
    on the map; `aligned` shifts it by half a position, else each of its sides counts as 1 at the
    least. Every bin is the mean of s x s values, read bilinearly, with s the `sampling_ratio`.
    Without one, as by torchvision's default, it takes a sample for each position that a bin
    covers: how many these are depends on the boxes, so that the operations are at least those of
    the boxes, and no torch module is built of it.
    Operations: 8 s**2 for each value, 14 for each of the r m n s**2 places, and 10 for each box,
    or 12 where it is `aligned`.
    torch has no such operator: what it would make and keep in memory is unknown.
    Source: He et al. 2017 (arXiv:1703.06870), section 3.
    """

    kind: ClassVar[str] = "roi_align"
    takes_items: ClassVar[bool] = True

    output: Axes
    sampling_ratio: Quantity | None = None
    spatial_scale: float = 1.0
    aligned: bool = False

    @property
    def has_twin(self) -> bool:  # type: ignore[override]  # of an instance, not of the kind
        """Whether it reads as much of all boxes, as the module does that torch is given for it."""
        return self.sampling_ratio is not None

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        if len(others) != 1:
            raise LayerError(f"takes a map and boxes; {1 + len(others)} inputs are given")
        (boxes,) = others
        if len(x.sizes) != 2:
            raise LayerError(f"needs 2 spatial axes, not {len(x.sizes)}")
        if boxes.rank != 2:
            raise LayerError(f"boxes (r, 4) for each image, and {boxes} has {boxes.rank} axes")
        numbers = boxes.shape[1]
        require_equal(numbers, _CORNERS, "boxes of {} numbers, not of x1, y1, x2 and y2", numbers)
        for one in (x, boxes):
            if not certainly_one(one.items):
                raise LayerError(f"takes maps and boxes of images, and {one} has items")
        if self.sampling_ratio is not None:
            require_at_least(
                self.sampling_ratio, 1, "a sampling_ratio of {}; leave it out where the boxes say "
                "how many samples a bin takes", self.sampling_ratio,
            )  # fmt: skip
        sizes = self.output if isinstance(self.output, tuple) else (self.output, self.output)
        if len(sizes) != 2:
            raise LayerError(f"output has {len(sizes)} values for 2 spatial axes")
        for size in sizes:
            require_positive(size, "output sizes")
        count = boxes.channels
        output = FeatureMap(x.channels, sizes, items=count)
        # Corners are multiplied and shifted, or sides compared with 1; sides, and steps in them.
        of_boxes = count * (_CORNERS + (_CORNERS if self.aligned else 2) + 2 + 2)
        return Effect(
            output=output,
            windows=(Reach.UNKNOWN, Reach.UNKNOWN),
            state=(),
            macs=0,
            other_ops=of_boxes + self._ops_of_samples(output),
            saved=(),
            workspace=(),
            storage=Storage.OWN,
        )

    def _ops_of_samples(self, output: FeatureMap) -> Quantity:
        """What it takes to find the places, to read them, and of the mean of each bin."""
        if self.sampling_ratio is None:
            return UNKNOWN
        samples = self.sampling_ratio**2
        # Of each sample its value, and a mean of them: as many sums, or quotients, again.
        of_values = output.values * (samples * (ops_of_value(2) + 1))
        return of_values + output.items * (samples * output.positions * _PLACED)

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        return False

    def windows_along(
        self, number: int, inputs: Sequence[FeatureMap], windows: Windows
    ) -> tuple[ChannelWindow, ...]:
        if number == 0:
            return (Reach.SAME, Reach.UNKNOWN, Reach.UNKNOWN)
        return (Reach.SAME, Reach.ALL)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        return (0 if number == 0 else None, None, None)

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (AlignedAnywhere(**vars(self)),)


class AlignedAnywhere(RoiAlign):
    """What its units see, linearly: their channel, wherever, and their box."""
