"""Where totals come from: the parts of a network or of a block, and which of them make up most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from archcalc.analysis import Analysis, require_numbers
from archcalc.errors import UsageError
from archcalc.figures.of_layer import OF_LAYER, LayerAnalysis, counted
from archcalc.graph import names_meant
from archcalc.quantity.arithmetic import Quantity
from archcalc.quantity.at_least import is_open, known_part
from archcalc.record import Record

MOST = Fraction(9, 10)
MOST_PARTS = 12  # that are listed one by one; of more, blocks are looked at as a whole

# What a network consists of, for each total.
TOTALS = ("params", "macs", "activation_bytes")


class Part(NamedTuple):
    """A layer, or all layers of a block."""

    name: str
    kind: str
    layers: tuple[LayerAnalysis, ...]

    def total(self, quantity: str) -> Quantity:
        """The sum of a quantity over the layers, without unused ones where any is used."""
        found: Quantity = OF_LAYER[quantity].total(counted(self.layers))
        return found


class Breakdown(Record):
    """The parts that make up `MOST` of what is known of a total, the largest first.

    Behind them those of which more is not known.

    Attributes:
        quantity: one of `TOTALS`.
        total: over the layers that run at inference.
        parts: so many of the largest as it takes.
        among: how many parts there are.
        depth: the level of nesting whose blocks are parts, with all that stands in them; None
            where every layer is a part of its own.
    """

    quantity: str
    total: Quantity
    parts: tuple[Part, ...]
    among: int
    depth: int | None

    def shares(self) -> list[tuple[Part, Quantity, Fraction, Fraction]]:
        """Each part with its figure, its share of the total, and its share with those before.

        All shares are of what is known.
        """
        whole, together = known_part(self.total) or 1, 0
        found = []
        for part in self.parts:
            figure = part.total(self.quantity)
            known = known_part(figure)
            together += known
            found.append((part, figure, Fraction(known, whole), Fraction(together, whole)))
        return found


def breakdown(analysis: Analysis, quantity: str, depth: int | None = None) -> Breakdown:
    """Which parts make up most of a total: layers, or the blocks of one level of nesting.

    Args:
        depth: the level; None for the deepest at which it does not take too many parts. Below the
            deepest block all parts are layers.

    Raises:
        UsageError: the layers' figures are not plain numbers.
    """
    layers = analysis.inference_layers
    require_numbers(analysis)
    deepest = max((len(analysis.graph.blocks_around(layer.name)) for layer in layers), default=0)
    for level in range(deepest + 1, 0, -1) if depth is None else (depth,):
        parts = _parts(layers, analysis, level)
        found = _largest(parts, quantity, level if level <= deepest else None)
        if len(found.parts) <= MOST_PARTS:
            break
    return found


def block_called(analysis: Analysis, name: str) -> str | None:
    """The dotted name of the block called `name`, whose end will do; None if a layer is.

    Raises:
        UsageError: several blocks have that name.
    """
    found = names_meant(name, analysis.graph.blocks)
    if found != [name] and any(layer.name == name for layer in analysis.layers):
        return None
    if len(found) > 1:
        shown = ", ".join(found[:4])
        raise UsageError(f"{len(found)} blocks of {analysis.name} are called {name!r}: {shown}")
    return found[0] if found else None


def block_parts(analysis: Analysis, block: str) -> list[Part]:
    """The layers of a block, with the blocks that stand in it as one part each."""
    inside = [layer for layer in analysis.layers if layer.name.startswith(block + ".")]
    return _parts(inside, analysis, len(analysis.graph.blocks_around(block)) + 2)


def _largest(parts: Sequence[Part], quantity: str, depth: int | None) -> Breakdown:
    total = sum(part.total(quantity) for part in parts)
    known = {part: known_part(part.total(quantity)) for part in parts}
    whole, found, together = known_part(total), [], 0
    for part in sorted(parts, key=lambda part: -known[part]):
        if together < MOST * whole:
            found.append(part)
            together += known[part]
        elif is_open(part.total(quantity)):
            found.append(part)
    return Breakdown(quantity, total, tuple(found), len(parts), depth)


def _parts(layers: Iterable[LayerAnalysis], analysis: Analysis, depth: int) -> list[Part]:
    """The layers, each folded into the block at nesting level `depth` (from 1) around it.

    A layer that stands in fewer blocks is a part of its own: the parts are disjoint, and a block
    among them is all of the block.
    """
    folded: dict[str, list[LayerAnalysis]] = {}
    for layer in layers:
        around = analysis.graph.blocks_around(layer.name)[depth - 1 : depth]
        folded.setdefault(around[0] if around else layer.name, []).append(layer)
    blocks = analysis.graph.blocks
    return [
        Part(name, blocks[name] if name in blocks else inside[0].kind, tuple(inside))
        for name, inside in folded.items()
    ]
