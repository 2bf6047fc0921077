"""Shapes that a file has written for its own number of images, for any number of them.

A file that was exported for one image says `reshape to [1, 197, 768]`. To tell where the images
lie, it is run with two: then each such shape has to grow along the axis that the images are in.
"""

from __future__ import annotations

from math import prod
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

from archcalc.importing.onnx.graph import Node

Shape: TypeAlias = tuple[int, ...]


class Images:
    """Where the images lie, as far as shapes that are written down need it.

    Args:
        own: how many the file is written for; None where it takes any number.
    """

    def __init__(self, own: int | None) -> None:
        self.own = own
        self._asked: dict[str, tuple[Shape, Shape]] = {}
        self._before: dict[str, int] = {}  # the values of an axis before the images in it

    def follow(self, node: Node) -> None:
        """What a node gives has the images where what it takes first has them."""
        within = self._before.get(node.inputs[0]) if node.inputs else None
        if within is not None:
            for name in node.outputs:
                self._before.setdefault(name, within)

    def shape(self, node: Node, x: Tensor, written: Any, images: int) -> Any:
        """The shape that a `Reshape` or `Expand` asks for where there are so many images.

        One that is another with more images is right by itself; of others the axis grows that the
        images are in, as the run with the file's own number knows.
        """
        if self.own is None or not isinstance(written, np.ndarray) or not written.size:
            return written
        wanted = tuple(int(size) for size in written.reshape(-1))
        name = node.outputs[0]
        if images == self.own:
            self._asked[name] = (tuple(x.shape), wanted)
            return written
        before, own = self._asked.get(name, ((), wanted))
        if own != wanted or (node.operator == "Reshape" and before == x.shape):
            return written
        if node.operator == "Expand":
            grown = (images, *own[1:]) if own[0] == self.own else own
        else:
            grown = self._grown(node, before, tuple(x.shape), own)
        return np.asarray(grown, dtype=np.int64)

    def _grown(self, node: Node, before: Shape, after: Shape, wanted: Shape) -> Shape:
        """A shape for `before`, with -1 and 0 as ONNX has them, for what is `after` now.

        The images are an axis by themselves where one is as long and stands at their place; else
        they are with the axis behind, or with the one before where that behind is all features.
        """
        axis = next(n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
        start = prod(before[:axis]) * self._before.get(node.inputs[0], 1)
        sizes = [before[n] if size == 0 else size for n, size in enumerate(wanted)]
        if -1 in sizes:
            sizes[sizes.index(-1)] = prod(before) // -prod(sizes)
        starts = [prod(sizes[:number]) for number in range(len(sizes))]
        at = [number for number, first in enumerate(starts) if first == start]
        features = {before[-1], prod(before[axis + 1 :])}
        alone = next((number for number in at if sizes[number] == self.own), None)
        if alone is not None:
            place = alone
        elif at and (start == 1 or sizes[at[0]] not in features):
            place = at[0]
        else:
            place = max(number for number, first in enumerate(starts) if first < start)
        self._before[node.outputs[0]] = max(1, start // starts[place])
        sizes[place] *= after[axis] // before[axis]
        return tuple(sizes)
