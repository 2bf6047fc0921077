"""A spec that fails, made as small as it goes with the same failure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from tests.fuzz.interpreter import Spec

Path: TypeAlias = tuple[Any, ...]  # keys and indices, from the top of a spec down

MOST_TRIES = 2000
KEPT = {("name",), ("input",), ("inputs",), ("inputs", "input"), ("layers",)}


def reduced(spec: Spec, fails: Callable[[Spec], bool]) -> Spec:
    """The smallest spec that is found to fail, taking away one thing after the other.

    Args:
        fails: whether a spec shows the failure; False of one that is no network.
    """
    tries = 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(spec):
            tries += 1
            if tries > MOST_TRIES:
                return spec
            if fails(candidate):
                spec, smaller = candidate, True
                break
    return spec


def _smaller(spec: Spec) -> Iterator[Spec]:
    """The spec without one of its parts, with a body for its statement, or a smaller number."""
    if spec.get("inputs", {}).keys() == {"input"}:
        yield {"input" if k == "inputs" else k: v for k, v in spec.items()} | {
            "input": spec["inputs"]["input"]
        }
    for path in _paths(spec):
        if path not in KEPT:
            changed, holder = _copy(spec, path)
            holder.pop(path[-1])
            yield changed
        for body in _bodies(_at(spec, path)):
            if isinstance(path[-1], int):
                changed, holder = _copy(spec, path)
                holder[path[-1] : path[-1] + 1] = body
                yield changed
    for path in _paths(spec):
        value = _at(spec, path)
        if isinstance(value, int) and value > 1:
            for less in (1, value // 2, value - 1):
                changed, holder = _copy(spec, path)
                holder[path[-1]] = less
                yield changed


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in reversed([*items]):
        yield (*path, key)
        if isinstance(inner, (dict, list)):
            yield from _paths(inner, (*path, key))


def _at(spec: Spec, path: Path) -> Any:
    value: Any = spec
    for key in path:
        value = value[key]
    return value


def _bodies(statement: Any) -> Iterator[list[Any]]:
    """The lists of layers in a statement: of a repeat, a condition, a head, branches."""
    if not isinstance(statement, dict):
        return
    for value in statement.values():
        inner = value.get("layers") if isinstance(value, dict) else value
        if isinstance(inner, list) and inner and all(isinstance(x, list) for x in inner):
            yield from inner
        elif isinstance(inner, list):
            yield inner


def _copy(spec: Spec, path: Path) -> tuple[Spec, Any]:
    """A copy, and what holds the end of the path in it."""
    copied = copy.deepcopy(spec)
    return copied, _at(copied, path[:-1])
