"""What the layers of a trace are called: as the modules that they were in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archcalc.importing.kinds.drafts import Draft
from archcalc.importing.trace import Held

_OTHER = re.compile(r"[^A-Za-z0-9_.\-]")
_LONGEST = 100


def name_all(drafts: Sequence[Draft], held: Mapping[int, Held], taken: set[str]) -> None:
    """Gives each layer a name of its own.

    A layer that holds parameters is called as the module whose they are; another one as its module
    where all that this has are layers of its kind; else as the module and its kind. What would be
    called as another gets a number: `relu_2`.
    """
    wanted = [_owner(draft, held) for draft in drafts]
    paths = {draft.operation.path for draft in drafts if draft.operation is not None}
    paths |= {path for path in wanted if path}
    inner = {path.rpartition(".")[0] for path in _with_parents(paths)}
    kinds: dict[str, set[str]] = {}
    for draft, name in zip(drafts, wanted, strict=True):
        if draft.operation is not None:
            kinds.setdefault(draft.operation.path, set()).add("" if name else draft.kind)
    for draft, name in zip(drafts, wanted, strict=True):
        path = "" if draft.operation is None else draft.operation.path
        if not name:
            alone = path and path not in inner and len(kinds[path]) == 1
            name = path if alone else f"{path}.{draft.kind}".lstrip(".")
        if draft.head and not name.startswith(f"{draft.head}."):
            name = f"{draft.head}.{name}"
        draft.name = free_name(_valid(name), taken)


def _with_parents(paths: set[str]) -> set[str]:
    found = set(paths)
    for path in paths:
        while "." in path:
            path = path.rpartition(".")[0]
            found.add(path)
    return found


def _owner(draft: Draft, held: Mapping[int, Held]) -> str:
    """The module whose parameters a layer has; of a source its own name."""
    if draft.name:
        return draft.name
    if not draft.held:
        return ""
    paths = [held[number].name.rpartition(".")[0] for number in draft.held.values()]
    if draft.operation is not None and draft.weights is not None:
        return draft.operation.path  # as it is called here
    return common_path(paths)


def common_path(paths: Sequence[str]) -> str:
    """The innermost module that all of some paths lie in."""
    common = []
    for parts in zip(*[path.split(".") for path in paths], strict=False):
        if len({*parts}) > 1:
            break
        common.append(parts[0])
    return ".".join(common)


def plain_name(name: str) -> str:
    """A name as a spec can have it, of whatever something is called elsewhere; empty of nothing."""
    return _OTHER.sub("_", name).strip("._-")[:90]


def _valid(name: str) -> str:
    name = _OTHER.sub("_", name).lstrip(".-") or "layer"
    return name[-_LONGEST + 6 :].lstrip(".-")


def free_name(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken already; it is taken from now on."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found
