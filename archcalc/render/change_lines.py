"""What changes between two networks, in lines: folded where much of it is alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

from archcalc.comparing.alignment import stems
from archcalc.comparing.diff import Change, Difference, LayerChange, Status, changed_figures
from archcalc.figures.of_layer import OF_LAYER, LayerAnalysis
from archcalc.graph import Graph
from archcalc.layers.setting_text import setting_text, settings_of
from archcalc.render.numbers import counted, exact, short, things

MOST_LINES = 24
COUNTS = ("params", "macs")  # of a layer, that a line shows
_Form: TypeAlias = Callable[[object], str]  # how counts are shown


class Line(NamedTuple):
    """A layer that changed, or several that changed alike.

    Attributes:
        status: what became of them.
        name: before, and after where it is another; or the first and the last of several.
        kind: of the layer or block.
        what: what changed, and what follows from that; or of what is new or gone, how it is set
            or how large it is.
        cause: what changed alone: layers with the same may become one line. Empty for blocks.
    """

    status: Status
    name: str
    kind: str
    what: str
    cause: str = ""


def difference_lines(found: Difference, *, full: bool = False, in_full: bool = False) -> list[Line]:
    """What changed, in order; what was merely renamed behind the rest.

    Args:
        full: a line for each layer, also for those whose figures alone changed. Else a block that
            is new or gone is one line, and so are such blocks in a row, and layers renamed alike;
            and where that leaves more than `MOST_LINES`, layers that changed alike.
        in_full: all digits in place of `138.36M`.
    """
    count = exact if in_full else short
    if full:
        changed = [layer for layer in found.layers if layer.status is not Status.SAME]
        return [_layer_line(layer, count) for layer in changed]
    folding = {
        Status.REMOVED: _Folding(found.of_status(Status.REMOVED), found.before.graph, count),
        Status.ADDED: _Folding(found.of_status(Status.ADDED), found.after.graph, count),
    }
    lines: list[Line] = []
    for status, group in groupby(found.layers, key=lambda layer: layer.status):
        if status in folding:
            lines += folding[status].lines(list(group))
        elif status is Status.CHANGED:
            lines += [_layer_line(layer, count) for layer in group]
    if len(lines) > MOST_LINES:
        lines = list(_merged(lines))
    return lines + list(_renamings(found))


def change_text(change: Change) -> str:
    """`kernel 3 -> 5`."""
    return f"{change.what} {_value(change.before)} -> {_value(change.after)}"


def _layer_line(change: LayerChange, count: _Form) -> Line:
    old, new, layer = change.before, change.after, change.layer
    if old is None or new is None:
        settings = settings_of(layer.node.layer)
        setting = ", ".join(f"{name} {text}" for name, text in settings.items())
        return Line(change.status, layer.name, layer.kind, setting, cause=setting or layer.kind)
    causes = list(map(change_text, change.changes))
    return Line(
        status=change.status,
        name=_names(old.name, new.name),
        kind=layer.kind,
        what=", ".join([*causes, *_consequences(old, new, count)]),
        cause=", ".join(causes),
    )


def _consequences(old: LayerAnalysis, new: LayerAnalysis, count: _Form) -> Iterator[str]:
    """What is different in the figures of a layer."""
    if old.output != new.output:
        yield f"output {old.output} -> {new.output}"
    for what, a, b in changed_figures(old, new):
        if what in COUNTS:
            yield f"{OF_LAYER[what].heading} {count(a)} -> {count(b)}"


def _merged(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines, with one for all that say the same of layers of the same kind."""
    alike: dict[object, list[Line]] = {}
    for place, line in enumerate(lines):
        key = (line.status, line.kind, line.cause) if line.cause else place
        alike.setdefault(key, []).append(line)
    for same in alike.values():
        first, last = same[0], same[-1]
        if first is last:
            yield first
            continue
        what = f"{len(same)} layers" + (f": {first.cause}" if first.cause != first.kind else "")
        yield Line(first.status, f"{first.name} … {last.name}", first.kind, what)


class _Folding:
    """Folds layers that are new, or gone, where that is true of the whole of a block."""

    def __init__(self, concerned: Sequence[LayerChange], graph: Graph, count: _Form) -> None:
        self._graph, self._count = graph, count
        every = Counter(block for node in graph.nodes for block in graph.blocks_around(node.name))
        these = Counter(b for change in concerned for b in graph.blocks_around(change.layer.name))
        self._whole = {block for block, count in these.items() if count == every[block]}

    def lines(self, changes: Sequence[LayerChange]) -> Iterator[Line]:
        """Lines for layers in a row."""
        parts = [(block, list(inside)) for block, inside in groupby(changes, self._whole_block)]
        for (kind, _), group in groupby(parts, lambda part: self._kind_and_place(part[0])):
            members = list(group)
            inside = [change for _, some in members for change in some]
            if kind is None:
                yield from (_layer_line(change, self._count) for change in inside)
                continue
            first, last = str(members[0][0]), str(members[-1][0])
            yield Line(
                status=inside[0].status,
                name=first if first == last else f"{first} … {last}",
                kind=kind if first == last else f"{kind} × {len(members)}",
                what=_size([change.layer for change in inside], self._count),
            )

    def _whole_block(self, change: LayerChange) -> str | None:
        """The outermost block that has the status of the layer."""
        around = self._graph.blocks_around(change.layer.name)
        return next((block for block in around if block in self._whole), None)

    def _kind_and_place(self, block: str | None) -> tuple[str | None, str]:
        if block is None:
            return None, ""
        return self._graph.blocks[block], block.rpartition(".")[0]


def _size(layers: Sequence[LayerAnalysis], count: _Form) -> str:
    sums = [(OF_LAYER[key].total(layers), OF_LAYER[key].heading) for key in COUNTS]
    said = [f"{count(number)} {things(number, what.removesuffix('s'))}" for number, what in sums]
    return ", ".join([counted(len(layers), "layer"), *said])


def _renamings(found: Difference) -> Iterator[Line]:
    """Layers renamed alike, with what is left of their names without what stayed."""
    alike: dict[tuple[str, str], list[tuple[LayerAnalysis, LayerAnalysis]]] = {}
    counted: list[tuple[LayerAnalysis, LayerAnalysis]] = []
    stems_before, stems_after = stems(found.before.graph), stems(found.after.graph)
    for layer in found.of_status(Status.RENAMED):
        old, new = layer.before, layer.after
        assert old is not None and new is not None, "what is renamed is there before and after"
        parts = stems_before[old.name]
        if None in parts and parts == stems_after[new.name]:
            counted.append((old, new))
        else:
            alike.setdefault(_different_parts(old.name, new.name), []).append((old, new))
    for (before, after), pairs in alike.items():
        old, new = pairs[0]
        if len(pairs) == 1:
            yield Line(Status.RENAMED, _names(old.name, new.name), new.kind, "")
        else:
            yield Line(Status.RENAMED, _names(before, after), "", f"{len(pairs)} layers")
    if counted:
        old, new = counted[0]
        what = "" if len(counted) == 1 else f"{len(counted)} layers have another number"
        yield Line(Status.RENAMED, _names(old.name, new.name), new.kind, what)


def _different_parts(old: str, new: str) -> tuple[str, str]:
    """`layer1.0.conv1` and `stage1.0.conv1` as `layer1.*` and `stage1.*`."""
    a, b = old.split("."), new.split(".")
    shared = 0
    while shared < min(len(a), len(b)) and a[-1 - shared] == b[-1 - shared]:
        shared += 1
    if not shared:
        return old, new
    return ".".join([*a[: len(a) - shared], "*"]), ".".join([*b[: len(b) - shared], "*"])


def _names(old: str, new: str) -> str:
    return old if old == new else f"{old} -> {new}"


def _value(value: Any) -> str:
    if isinstance(value, tuple) and any(isinstance(item, str) for item in value):
        return ", ".join(value)  # names
    return setting_text(value)
