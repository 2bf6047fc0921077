"""einops' notation of how values move: `c (h p) (w q) -> [h w] (p q) c`.

Rogozhnikov 2022, "Einops: clear and reliable tensor manipulations with Einstein-like notation".
There are no images of a batch in it. Square brackets, which einops has not, hold the items: axes
that torch folds into the batch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, TypeAlias

from archcalc.errors import LayerError
from archcalc.feature_map import MOST_AXES, FeatureMap
from archcalc.layers.moves import Moved
from archcalc.quantity.arithmetic import Quantity, product, require_equal, require_multiple

_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*|1)|([()\[\]])|(\S))")
_ONE = "1"

Axis: TypeAlias = tuple[str, ...]  # the names of its factors, the slowest first; () of a size of 1


class Pattern(NamedTuple):
    """A pattern, read.

    Attributes:
        before, after: the axes, those of the items first: () where there are none.
    """

    before: tuple[Axis, ...]
    after: tuple[Axis, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the factors, in the order before."""
        return tuple([name for axis in self.before for name in axis])


@cache
def pattern_of(text: str) -> Pattern:
    """A pattern, from its text.

    Raises:
        LayerError: it is none.
    """
    before, arrow, after = text.partition("->")
    if not arrow:
        raise LayerError(f"{text!r} has no '->' between what is before and what is after")
    found = Pattern(_side(before), _side(after))
    for axes, other, where in (
        (found.before, found.after, "after"), (found.after, found.before, "before"),
    ):  # fmt: skip
        own = [name for axis in axes for name in axis]
        twice = next((name for name in own if own.count(name) > 1), None)
        if twice is not None:
            raise LayerError(f"{twice!r} stands twice on one side of {text!r}")
        missing = set(own) - {name for axis in other for name in axis}
        if missing:
            raise LayerError(f"{min(missing)!r} is not there {where} the arrow of {text!r}")
    return found


def names_in(text: str) -> list[str]:
    """The names in a text that may be a pattern."""
    return list(dict.fromkeys(name for name, *_ in _TOKEN.findall(text) if name and name != _ONE))


def _side(text: str) -> tuple[Axis, ...]:
    axes: list[Axis] = []
    items: Axis = ()
    group: list[str] | None = None
    closes = ""
    for name, bracket, other in _TOKEN.findall(text.rstrip()):
        if other:
            raise LayerError(f"{other!r} in {text.strip()!r}: names, 1, ( ), [ ] make a pattern")
        if bracket and bracket in "([":
            if group is not None or (bracket == "[" and axes):
                raise LayerError(f"a bracket too many in {text.strip()!r}; [items] come first")
            group, closes = [], ")" if bracket == "(" else "]"
        elif bracket:
            if group is None or bracket != closes:
                raise LayerError(f"{bracket!r} in {text.strip()!r} closes nothing")
            if closes == "]":
                items = tuple(group)
            else:
                axes.append(tuple(group))
            group = None
        elif group is not None:
            group += [name] if name != _ONE else []
        else:
            axes.append((name,) if name != _ONE else ())
    if group is not None:
        raise LayerError(f"{text.strip()!r} leaves a bracket open")
    if not 1 <= len(axes) <= MOST_AXES:
        raise LayerError(f"{len(axes)} axes in {text.strip()!r}; 1 to {MOST_AXES} work")
    return (items, *axes)


def moved_by(pattern: Pattern, sizes: Mapping[str, Quantity], x: FeatureMap) -> Moved:
    """How a pattern moves the values of `x`.

    Args:
        sizes: of some factors, by their names; of each axis one at the most is left to be found.

    Raises:
        LayerError: `x` has other axes, or sizes that do not divide into the factors.
    """
    if x.rank != len(pattern.before) - 1:
        raise LayerError(f"a pattern of {len(pattern.before) - 1} axes for {x}")
    unknown = next((name for name in sizes if name not in pattern.names), None)
    if unknown is not None:
        raise LayerError(f"{unknown!r} is no factor of the pattern")
    split = tuple(
        [
            _factors(axis, sizes, size)
            for axis, size in zip(pattern.before, (x.items, *x.shape), strict=True)
        ]
    )
    number = {name: n for n, name in enumerate(pattern.names)}
    return Moved(split, tuple([tuple([number[name] for name in axis]) for axis in pattern.after]))


def _factors(axis: Axis, sizes: Mapping[str, Quantity], size: Quantity) -> tuple[Quantity, ...]:
    known = product([sizes[name] for name in axis if name in sizes])
    open_ones = [name for name in axis if name not in sizes]
    if len(open_ones) > 1:
        raise LayerError(f"of {' '.join(axis)}, give all sizes but one")
    if not open_ones:
        what = " ".join(axis) or "1"
        require_equal(size, known, "{} is {}, and not {}", what, size, known)
        return tuple([sizes[name] for name in axis])
    require_multiple(size, known, "{} does not divide into {} for {}", size, known, " ".join(axis))
    return tuple([sizes[name] if name in sizes else size // known for name in axis])
