"""A network as boxes and arrows, in no language yet: `mermaid` and `graphviz` write them down.

Below some depth blocks are folded into one box each; above it they stand as groups of boxes. Two
things more keep a diagram small, unless it is to show every layer:

* a layer that takes nothing but the output of the layer before it and leaves its shape (an
  activation, a normalization, a dropout) stands in the box of that layer;
* folded blocks that repeat, field by field, one behind the other, are one box: `1 … 35`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers import Category, Join
from archcalc.render.columns import window_text
from archcalc.render.numbers import counted, shape, short
from archcalc.render.opaque import operator_of
from archcalc.render.rows import Row, rows_at_depth

MOST_BOXES = 32  # of a diagram whose depth the user leaves open
_ROLES = {
    Category.CONVOLUTION: "conv",
    Category.LINEAR: "linear",
    Category.ATTENTION: "linear",
    Category.POOLING: "pool",
    Category.JOINING: "join",
}
# Layers that may stand in another's box.
_QUIET = (Category.ACTIVATION, Category.NORMALIZATION, Category.REGULARIZATION)


class Box(NamedTuple):
    """What is drawn as one box.

    Attributes:
        id: unique in the drawing: letters and digits.
        role: `terminal`, `block`, `sign` (a join with a sign), `join`, `conv`, `linear`, `pool` or
            `other`.
        lines: what stands in it.
        training_only: whether it exists in training only.
    """

    id: str
    role: str
    lines: tuple[str, ...]
    training_only: bool = False


class Group(NamedTuple):
    """A block that is drawn with what stands in it."""

    id: str
    title: str
    members: tuple[Item, ...]
    training_only: bool


Item: TypeAlias = "Box | Group"


class Arrow(NamedTuple):
    """From one box to another, with the shape of what flows."""

    tail: str
    head: str
    label: str
    training_only: bool


class Drawing(NamedTuple):
    """A network as boxes and arrows.

    Attributes:
        title: what to write above it.
        items: boxes and groups, in order of execution.
        arrows: in order of execution of the layers that they lead to.
    """

    title: str
    items: tuple[Item, ...]
    arrows: tuple[Arrow, ...]

    @property
    def boxes(self) -> list[Box]:
        """All boxes, also those within groups."""
        return [item for item in _all(self.items) if isinstance(item, Box)]

    @property
    def groups(self) -> list[Group]:
        """All groups, each before those within it."""
        return [item for item in _all(self.items) if isinstance(item, Group)]


def draw(analysis: Analysis, depth: int | None = None, *, full: bool = False) -> Drawing:
    """The diagram of a network.

    Args:
        depth: fold blocks at this level of nesting (from 1); None for the deepest that fits.
        full: a box for every layer, whatever the depth.
    """
    if full:
        parts = [_Part((row,), led=True) for row in rows_at_depth(analysis)]
    elif depth is not None:
        parts = _parts_at(depth, analysis)
    else:
        parts = _parts_that_fit(analysis)
    return _DrawingBuilder(analysis).drawing(parts)


class _Part(NamedTuple):
    """Neighbouring rows that become one box; or the heading of a block, which becomes a group.

    Attributes:
        led: whether its first layer stands for all of it: the others are absorbed.
    """

    rows: tuple[Row, ...]
    led: bool

    @property
    def layers(self) -> list[LayerAnalysis]:
        return [layer for row in self.rows for layer in row.layers]

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands among the blocks."""
        return self.rows[0].level, self.rows[0].block


# ----- rows -> parts -----


def _parts_that_fit(analysis: Analysis) -> list[_Part]:
    """The parts at the greatest depth with at most `MOST_BOXES` boxes, and at least at depth 1."""
    parts = _parts_at(1, analysis)
    deepest = max((layer.name.count(".") for layer in analysis.layers), default=0)
    for depth in range(2, deepest + 2):
        deeper = _parts_at(depth, analysis)
        if sum(bool(part.layers) for part in deeper) > MOST_BOXES:
            break
        parts = deeper
    return parts


def _parts_at(depth: int, analysis: Analysis) -> list[_Part]:
    """The rows at a depth; absorbed layers and repeated blocks join what is before them."""
    uses = Counter(name for layer in analysis.layers for name in layer.inputs)
    uses.update(analysis.graph.outputs)
    parts: list[_Part] = []
    for row in rows_at_depth(analysis, depth):
        part = _Part((row,), len(row.layers) == 1 or _is_led(row.layers, uses))
        if parts and parts[-1].place == part.place and row.layers:
            before = parts[-1]
            absorbed = before.led and len(row.layers) == 1
            if absorbed and _is_led([*before.layers, *row.layers], uses):
                part = _Part((*before.rows, row), led=True)
            elif _repeats(row, before.rows[-1], analysis):
                part = _Part((*before.rows, row), led=False)
            if len(part.rows) > 1:
                parts.pop()
        parts.append(part)
    return parts


def _is_led(layers: Sequence[LayerAnalysis], uses: Counter[str]) -> bool:
    """Whether all layers but the first are absorbed; a join leads none."""
    if not layers or isinstance(layers[0].node.layer, Join):
        return False
    return all(
        after.inputs == (before.name,)
        and uses[before.name] == 1
        and after.output == before.output
        and after.training_only is before.training_only
        and after.node.layer.category in _QUIET
        for before, after in pairwise(layers)
    )


def _repeats(row: Row, before: Row, analysis: Analysis) -> bool:
    """Whether two folded blocks are the same, and the second takes nothing but the first's."""
    blocks = analysis.graph.blocks
    if row.name not in blocks or before.name not in blocks or len(row.layers) != len(before.layers):
        return False
    inside = {layer.name for layer in row.layers}
    taken = {name for layer in row.layers for name in layer.inputs} - inside
    return taken == {before.layers[-1].name} and _structure(row) == _structure(before)


def _structure(row: Row) -> list[object]:
    """What a folded block consists of, without the names: the layers, and who feeds whom."""
    places = {layer.name: place for place, layer in enumerate(row.layers)}
    return [
        (
            layer.node.layer,
            [places.get(name) for name in layer.inputs],
            layer.node.weights and places.get(layer.node.weights, layer.node.weights),
        )
        for layer in row.layers
    ]


# ----- parts -> boxes, groups and arrows -----


class _DrawingBuilder:
    """Draws one network."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._layers = {layer.name: layer for layer in analysis.layers}
        self._maps = analysis.maps
        self._inputs = analysis.graph.inputs
        ids = [f"input{number or ''}" for number in range(len(self._inputs))]
        self._box_of = dict(zip(self._inputs, ids, strict=True))
        self._count = 0

    def drawing(self, parts: list[_Part]) -> Drawing:
        analysis = self._analysis
        items = list(self._items(parts))
        starts = [Box(self._box_of[name], "terminal", (name,)) for name in self._inputs]
        ends = [
            Box(f"output{number}", "terminal", (self._called(name),), self._is_training_only(name))
            for number, name in enumerate(analysis.graph.outputs)
        ]
        return Drawing(
            title=analysis.graph.about.title or str(analysis.identity),
            items=(*starts, *items, *ends),
            arrows=tuple(dict.fromkeys([*self._arrows(), *self._arrows_out(ends)])),
        )

    def _items(self, parts: list[_Part]) -> Iterator[Item]:
        position = 0
        while position < len(parts):
            part = parts[position]
            position += 1
            if part.layers:
                yield self._box(part)
                continue
            inside = position
            while position < len(parts) and parts[position].place[0] > part.place[0]:
                position += 1
            yield self._group(part.rows[0], parts[inside:position])

    def _group(self, heading: Row, parts: list[_Part]) -> Item:
        """A group; of a single layer, its box."""
        if len(parts) == 1 and parts[0].led:
            return self._box(parts[0], within=heading.label.strip() + ".")
        training_only = all(layer.training_only for part in parts for layer in part.layers)
        title = _titled(heading.label.strip(), _kind(heading, training_only))
        return Group(self._id("g"), title, tuple(self._items(parts)), training_only)

    def _box(self, part: _Part, within: str = "") -> Box:
        box = self._id("n")
        layers = part.layers
        self._box_of |= dict.fromkeys([layer.name for layer in layers], box)
        training_only = all(layer.training_only for layer in layers)
        label = within + part.rows[0].label.strip()
        role, lines = self._contents(part, label, training_only)
        if not any(layer.used for layer in layers):
            lines = (*lines, "unused")
        return Box(box, role, lines, training_only)

    def _contents(
        self, part: _Part, label: str, training_only: bool
    ) -> tuple[str, tuple[str, ...]]:
        first, layers = part.rows[0], part.layers
        if part.led:
            return _role(layers[0]), _layer_lines(label, layers)
        params = sum(layer.params for layer in layers)
        kind, count = _kind(first, training_only), len(part.rows)
        inside = f"{counted(len(layers), 'layer')}, {short(params)} params"
        if count == 1:
            return "block", (_titled(label, kind), inside)
        last = part.rows[-1].label.strip()
        return "block", (f"{_titled(f'{label} … {last}', kind)} × {count}", inside)

    def _arrows(self) -> Iterator[Arrow]:
        for layer in self._analysis.layers:
            head = self._box_of[layer.name]
            for name in layer.inputs:
                if self._box_of[name] != head:
                    yield Arrow(self._box_of[name], head, self._shape(name), layer.training_only)
            indices = layer.node.indices
            if indices is not None and self._box_of[indices] != head:
                yield Arrow(self._box_of[indices], head, "indices", layer.training_only)

    def _arrows_out(self, ends: list[Box]) -> Iterator[Arrow]:
        for name, end in zip(self._analysis.graph.outputs, ends, strict=True):
            yield Arrow(self._box_of[name], end.id, self._shape(name), end.training_only)

    def _id(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def _shape(self, name: str) -> str:
        return shape(self._maps[name].shape)

    def _called(self, output: str) -> str:
        """What an output of the network is called: by its head, if it leaves through one."""
        graph = self._analysis.graph
        if graph.network.outputs is not None:
            return graph.output_name(output)
        head = graph.head_around(output)
        return "output" if head is None else f"output of {head}"

    def _is_training_only(self, name: str) -> bool:
        return name in self._layers and self._layers[name].training_only


def _all(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        if isinstance(item, Group):
            yield from _all(item.members)


def _titled(label: str, kind: str) -> str:
    """`layer1: stage`; but `stage1`, which says so itself."""
    says_so = label.replace("_", "").startswith(kind.replace("_", ""))
    return label if says_so else f"{label}: {kind}"


def _kind(row: Row, training_only: bool) -> str:
    return f"{row.kind}, training only" if training_only and row.kind == "head" else row.kind


def _role(layer: LayerAnalysis) -> str:
    return "sign" if _sign(layer) else _ROLES.get(layer.node.layer.category, "other")


def _sign(layer: LayerAnalysis) -> str:
    return layer.node.layer.sign if isinstance(layer.node.layer, Join) else ""


def _layer_lines(label: str, layers: list[LayerAnalysis]) -> tuple[str, ...]:
    """`conv1`, `conv 7x7/2 p3`, `batch_norm, relu`; a join without its name, which says little."""
    first, *absorbed = layers
    if not first.node.layer.has_twin:
        return (label, f"opaque: {operator_of(first)}")
    if isinstance(first.node.layer, Join):
        return (_sign(first) or first.kind,)
    what = f"{first.kind} {window_text(first)}".rstrip()
    groups = vars(first.node.layer).get("groups", 1)
    if groups != 1:
        what += f", groups {groups}"
    lines = [what] if what == label else [label, what]
    if first.node.weights is not None:
        lines.append(f"weights of {first.node.weights}")
    if absorbed:
        lines.append(", ".join(layer.kind for layer in absorbed))
    return tuple(lines)
