"""The layer kinds that there are: archcalc's own, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from archcalc.errors import UsageError
from archcalc.layers.layer import Category, Layer

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "archcalc.layer_kinds"  # of entry points: the name of a kind = its class
KINDS: dict[str, type[Layer]] = {}  # by name: those that are registered
# Modules of archcalc.layers that are imported only when a spec names a kind of theirs, with these.
# All of them at once would take as long as the rest of a table.
_ON_DEMAND: dict[str, str] = {
    "unfolding": "unfold fold",
    "rearranging": "rearrange",
    "sources": "parameter",
    "slicing": "slice select",
    "indexing": "index_select",
    "quantizing": "quantize dequantize",
    "rolling": "roll",
    "repeating": "expand repeat_interleave tile",
    "reductions": "mean sum max min logsumexp",
    "embedding": "embedding",
    "further_joins": "maximum minimum subtract divide",
    "rms_norm": "rms_norm",
    "rotary": "rotary_embedding",
    "attention": "scaled_dot_product_attention",
    "matmul": "matmul",
    "multihead_attention": "multihead_attention",
    "bilinear": "bilinear",
    "interpolating": "grid_sample",
    "deform_conv": "deform_conv",
    "fixed_conv": "fixed_conv",
    "roi_align": "roi_align",
    "functions": "hard_tanh softplus mish selu celu softshrink hardshrink threshold square sqrt "
    "rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p abs neg sign floor ceil round trunc frac "
    "sin cos tan atan sinh cosh erf erfc",
    "local_response_norm": "local_response_norm",
    "instance_norm": "instance_norm",
    "l2_norm": "normalize",
    "frozen_norm": "frozen_batch_norm",
    "softmax": "softmax log_softmax softmin",
    "gating": "glu",
    "composed_functions": "softsign tanhshrink log_sigmoid rrelu clamp power",
    "recurrent": "rnn gru lstm",
    "opaque": "opaque",
}
LATER = {kind: module for module, kinds in _ON_DEMAND.items() for kind in kinds.split()}
_CATEGORIES = list(Category)
_HOME = "archcalc.layers."

Kind = TypeVar("Kind", bound=type[Layer])


def register(kind: Kind) -> Kind:
    """Makes a layer kind known to specs under its name; also as a decorator of its class.

    A class of the same module and name is the same one, defined again: it takes its place.

    Raises:
        UsageError: it is not a layer kind, or another has its name.
    """
    if not (isinstance(kind, type) and issubclass(kind, Layer)):
        raise UsageError(f"{kind!r} is not a layer kind: not a subclass of archcalc.layers.Layer")
    missing = [*sorted(kind.__abstractmethods__)]
    missing += [name for name in ("kind", "category") if not hasattr(kind, name)]
    if missing:
        raise UsageError(f"{_home(kind)} is not a layer kind yet: it lacks {', '.join(missing)}")
    known = KINDS.get(kind.kind)
    if known is not None and _home(known) != _home(kind):
        raise UsageError(f"two layer kinds named {kind.kind!r}: {_home(known)} and {_home(kind)}")
    KINDS[kind.kind] = kind
    return kind


def kind_called(name: str) -> type[Layer] | None:
    """The layer kind with this name; one that nobody has registered is looked for in packages.

    Raises:
        UsageError: two packages bring it, or what one brings is not it.
    """
    if name in KINDS:
        return KINDS[name]
    if name in LATER:
        import_module(f"archcalc.layers.{LATER[name]}")  # registers it
    elif name in installed():
        register(_loaded(name))
    return KINDS.get(name)


def own_kinds() -> list[type[Layer]]:
    """archcalc's own kinds, by category."""
    for name in LATER:
        kind_called(name)
    return by_category([kind for kind in KINDS.values() if kind.__module__.startswith(_HOME)])


def all_kinds() -> list[type[Layer]]:
    """All kinds, by category: archcalc's own, those of packages, those that are registered."""
    for name in (*LATER, *installed()):
        kind_called(name)
    return by_category(KINDS.values())


def known_names() -> list[str]:
    """The names of all kinds, without importing any."""
    return list(dict.fromkeys([*KINDS, *LATER, *installed()]))


def by_category(kinds: Iterable[type[Layer]]) -> list[type[Layer]]:
    """In the order of the categories, and in their own order within one."""
    return sorted(kinds, key=lambda kind: _CATEGORIES.index(kind.category))


@cache
def installed() -> dict[str, list[EntryPoint]]:
    """The entry points of packages that bring layer kinds, by the name of the kind."""
    from importlib.metadata import entry_points  # 20 ms that only an unknown kind should cost

    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, []).append(entry)
    return found


def _loaded(name: str) -> type[Layer]:
    entry, *others = installed()[name]
    if others:
        where = ", ".join(other.value for other in (entry, *others))
        raise UsageError(f"more than one package brings a layer kind {name!r}: {where}")
    try:
        kind: type[Layer] = entry.load()
    except Exception as error:  # whatever the module of another package raises
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"the layer kind {name!r} cannot be loaded: {reason}") from error
    if getattr(kind, "kind", name) != name:
        raise UsageError(f"{entry.value} brings {kind.kind!r}, and not the layer kind {name!r}")
    return kind


def _home(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
