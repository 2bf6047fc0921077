"""A network's containers -> the classes of their modules, shared where only figures differ."""

from __future__ import annotations

from collections.abc import Hashable

from archcalc.analysis import Analysis
from archcalc.exporting.bodies import BodyMaker
from archcalc.exporting.classes import class_of
from archcalc.exporting.containers import Container, whole
from archcalc.exporting.helpers import HELPERS
from archcalc.exporting.names import class_name, network_class_name
from archcalc.exporting.patterns import figures_of, pattern_of
from archcalc.exporting.records import ABSENT, Body, Loop, ModuleClass, Path, Pattern
from archcalc.graph import Graph
from archcalc.torch_spelling.spelling import Argument

_MOST_PARAMETERS = 12  # of a class that is shared
_NETWORK = ""  # the kind of the container of all layers


def classes_of(analysis: Analysis) -> tuple[list[ModuleClass], list[str]]:
    """The classes of a network's modules, each after those that it uses; its own comes last.

    And those that other packages bring, as `package.module.Name`.
    """
    everything = whole(analysis)
    maker = BodyMaker(analysis, everything)
    modules: dict[Path, tuple[ModuleClass, tuple[Argument, ...]]] = {}
    for kind, containers in _Kinds(analysis.graph, everything, maker).in_order():
        bodies = {c.path: maker.body(c, modules) for c in containers}
        for pattern, rows in _matched(bodies):
            for module, paths in _classes(pattern, rows, bodies):
                module.kind = _own_kind(paths, analysis.graph) or kind
                for number, path in enumerate(paths):
                    modules[path] = (module, module.arguments(number))
    *blocks, network = _as_used(modules[()][0])
    title = analysis.graph.network.about.title
    network.name = network_class_name(analysis.name, title, {*HELPERS, *maker.brought})
    taken = {*HELPERS, *maker.brought, network.name}
    for block in blocks:
        block.name = class_name(block.kind, taken)
        taken.add(block.name)
    return [*blocks, network], list(maker.brought.values())


class _Kinds:
    """The containers that are modules, by kind: the block that they are, or what they are called.

    A class is made of all containers of a kind at once, after those of the kinds that stand in
    them. Where a kind stands in itself, its containers come by how deep they go.
    """

    def __init__(self, graph: Graph, network: Container, maker: BodyMaker) -> None:
        self._blocks = graph.blocks
        self._inside: dict[Path, list[Container]] = {}
        self._containers: dict[str, list[Container]] = {}
        self._levels: dict[Hashable, int] = {}
        todo = [network]
        for container in todo:
            pieces = maker.pieces(container)
            inside = [p.content for p in pieces if isinstance(p.content, Container)]
            self._inside[container.path] = inside
            self._containers.setdefault(self._kind(container), []).append(container)
            todo += inside
        self._recursive = {kind for kind in self._containers if self._stands_in_itself(kind)}

    def in_order(self) -> list[tuple[str, list[Container]]]:
        """Containers of one kind and level together, after all that stand in them."""
        found: dict[tuple[int, str], list[Container]] = {}
        for kind, containers in self._containers.items():
            for container in containers:
                found.setdefault((self._level(container), kind), []).append(container)
        return [(kind, found[level, kind]) for level, kind in sorted(found, key=lambda f: f[0])]

    def _kind(self, container: Container) -> str:
        if not container.path:
            return _NETWORK
        return self._blocks.get(".".join(container.path)) or _stem(container.path)

    def _level(self, container: Container) -> int:
        """More than that of any container in it; that of its kind, unless this stands in itself."""
        kind = self._kind(container)
        alone = kind in self._recursive
        key: Hashable = container.path if alone else kind
        if key not in self._levels:
            containers = [container] if alone else self._containers[kind]
            inside = [i for c in containers for i in self._inside[c.path]]
            self._levels[key] = max([self._level(i) + 1 for i in inside], default=0)
        return self._levels[key]

    def _stands_in_itself(self, kind: str) -> bool:
        seen: set[str] = set()
        todo = [kind]
        while todo:
            within = {
                self._kind(i) for c in self._containers[todo.pop()] for i in self._inside[c.path]
            }
            if kind in within:
                return True
            todo += within - seen
            seen |= within
        return False


def _stem(path: Path) -> str:
    """What to call the modules of a container that is not a block: `layer` of `layer1`."""
    words = [part.rstrip("0123456789_.-") for part in path]
    named = [word for word in words if word]
    if not named:
        return "block"
    return named[-1] if words[-1] else f"{named[-1]}_block"


def _own_kind(paths: list[Path], graph: Graph) -> str:
    """What to call the class of one module that is not a block: as it; else empty."""
    *_, path = paths
    alone = len(paths) == 1 and ".".join(path) not in graph.blocks
    return path[-1] if alone and path and path[-1][:1].isalpha() else ""


def _matched(bodies: dict[Path, Body]) -> list[tuple[Pattern, dict[Path, list[object]]]]:
    """Few patterns that match all bodies, each with the figures of those that it matches."""
    matched = []
    left = dict(bodies)
    while left:
        patterns = {pattern.key(): pattern for pattern in map(pattern_of, left.values())}
        found = [(pattern, _rows(pattern, left)) for pattern in patterns.values()]
        best = max(found, key=lambda match: (len(match[1]), len(match[0].parts)))
        matched.append(best)
        left = {path: body for path, body in left.items() if path not in best[1]}
    return matched


def _rows(pattern: Pattern, bodies: dict[Path, Body]) -> dict[Path, list[object]]:
    """The figures of the bodies that a pattern matches."""
    rows = {path: figures_of(pattern, body) for path, body in bodies.items()}
    return {path: row for path, row in rows.items() if row is not None}


def _classes(
    pattern: Pattern, rows: dict[Path, list[object]], bodies: dict[Path, Body]
) -> list[tuple[ModuleClass, list[Path]]]:
    """A class for the modules of a pattern; more where it would have too many parameters."""
    module = class_of(pattern, list(rows.values()))
    if len(module.parameters) <= _MOST_PARAMETERS:
        return [(module, list(rows))]
    alike: dict[tuple[object, ...], list[Path]] = {}
    for path, row in rows.items():
        alike.setdefault(tuple(row), []).append(path)
    return [(_class_of_equals(pattern, paths, rows, bodies), paths) for paths in alike.values()]


def _class_of_equals(
    pattern: Pattern, paths: list[Path], rows: dict[Path, list[object]], bodies: dict[Path, Body]
) -> ModuleClass:
    """The class of modules whose figures are all the same."""
    first, *_ = paths
    if ABSENT in rows[first]:  # a part that none of them has is no part of theirs
        pattern = pattern_of(bodies[first])
        rows = _rows(pattern, {path: bodies[path] for path in paths})
    return class_of(pattern, [rows[path] for path in paths])


def _as_used(network: ModuleClass) -> list[ModuleClass]:
    """The classes to be written, in the order in which they are needed, with their uses counted."""
    found: dict[ModuleClass, None] = {}

    def visit(module: ModuleClass) -> None:
        for part in module.pattern.parts:
            for member in part.parts if isinstance(part, Loop) else [part]:
                callee = member.item.callee
                if isinstance(callee, ModuleClass):
                    callee.uses += 1
                    if callee not in found:
                        visit(callee)
        found[module] = None

    visit(network)
    return [module for module in found if not module.is_inline]
