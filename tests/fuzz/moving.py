"""Values that change places: einops' notation read anew, and some of the values along an axis."""

from __future__ import annotations

import math
import random
import re
from typing import Any

from torch import Tensor

from tests.fuzz.learned import Learned
from tests.fuzz.mixing import axis_of
from tests.fuzz.windows import Fields, Refused


def rearrange(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    """As `einops.rearrange(…)`, without items, and `contiguous` behind it or not."""
    before, after = [_axes(side) for side in fields["axes"].split("->")]
    if len(before) != x.dim() - 1:
        raise Refused("other axes")
    sizes = {name: size for name, size in fields.items() if name not in ("axes", "copy")}
    copy = fields.get("copy", "reordered")
    for axis, n in zip(before, x.shape[1:], strict=True):
        known = math.prod([sizes[name] for name in axis if name in sizes])
        for name in axis:
            if name not in sizes:
                sizes[name], known = n // known, n
        if known != n or math.prod([sizes[name] for name in axis]) != n:
            raise Refused("what does not divide")
    names = [name for axis in before for name in axis]
    order = [names.index(name) for axis in after for name in axis]
    if min([*sizes.values(), 1]) < 1:
        raise Refused("a size below 1")
    y = x
    if before != after:  # else einops hands on the tensor itself, and no view of it
        apart = x.reshape(len(x), *[sizes[name] for name in names])
        moved = apart.permute(0, *[1 + n for n in order])
        y = moved.reshape(len(x), *[math.prod([sizes[name] for name in axis]) for axis in after])
    moving = [n for n in order if sizes[names[n]] > 1]
    stays = copy == "needed" or (copy == "reordered" and moving == sorted(moving))
    return y if stays else y.contiguous()


def _axes(side: str) -> list[list[str]]:
    """The names of the factors of each axis; an axis of 1 has none."""
    found = re.findall(r"\(([^)]*)\)|(\S+)", side)
    return [[name for name in (group or one).split() if name != "1"] for group, one in found]


def drawn_rearrangement(rng: random.Random, shape: tuple[int, ...]) -> Fields:
    """Axes taken apart, in another order, and put together again; most often to tokens or back."""
    names, sizes, before = iter("abcdefghijkl"), {}, []
    factors: list[str] = []
    for n in shape:
        if rng.random() < 0.35:
            outer, inner = next(names), next(names)
            sizes[rng.choice((outer, inner))] = rng.choice(
                [d for d in range(1, n + 1) if n % d == 0]
            )
            before.append(f"({outer} {inner})")
            factors += [outer, inner]
        else:
            before.append(next(names))
            factors += before[-1]
    if rng.random() < 0.7:
        rng.shuffle(factors)
    count = min(len(factors), rng.choice((1, 2, 2, 2, 3, 3, 4)))
    ends = sorted(rng.sample(range(1, len(factors)), count - 1))
    groups = [factors[a:b] for a, b in zip([0, *ends], [*ends, len(factors)], strict=True)]
    after = [group[0] if len(group) == 1 else f"({' '.join(group)})" for group in groups]
    if len(after) < 4 and rng.random() < 0.15:
        after.insert(rng.randint(0, len(after)), "1")
    copy = rng.choice(("reordered", "reordered", "needed", "apart"))
    given = {} if copy == "reordered" else {"copy": copy}
    return {"axes": f"{' '.join(before)} -> {' '.join(after)}", **given, **sizes}


def sliced(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axis = 1 + axis_of(fields, x.dim() - 1)
    cut_of(fields, x.shape[1:])  # which refuses what torch takes as less
    cut = slice(fields.get("start", 0), fields.get("stop"), fields.get("step", 1))
    return x[(slice(None),) * axis + (cut,)]


def cut_of(fields: Fields, shape: tuple[int, ...]) -> range:
    """The places that a slice takes along its axis."""
    n, step = shape[axis_of(fields, len(shape))], fields.get("step", 1)
    start, stop = (
        end if end >= 0 else n + end for end in (fields.get("start", 0), fields.get("stop", n))
    )
    if not 0 <= start < stop <= n or step < 1:
        raise Refused("no such slice")
    return range(start, stop, step)


def selected(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    if x.dim() == 2:
        raise Refused("nothing would be left")
    axis = axis_of(fields, x.dim() - 1)
    if not -x.shape[1 + axis] <= fields["index"] < x.shape[1 + axis]:
        raise Refused("no such place")
    return x.select(1 + axis, fields["index"])


def index_selected(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    return x.index_select(1 + axis_of(fields, x.dim() - 1), learned["index"])


def expanded(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    if len(fields["shape"]) != x.dim() - 1:
        raise Refused("other axes")
    return x.expand(len(x), *fields["shape"])


def repeated(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    axis = axis_of(fields, x.dim() - 1)
    return x.repeat_interleave(fields["repeats"], 1 + axis)


def tiled(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    if len(fields["repeats"]) != x.dim() - 1:
        raise Refused("other axes")
    return x.repeat(1, *fields["repeats"])


def drawn_expansion(rng: random.Random, shape: tuple[int, ...]) -> Fields:
    return {"shape": [rng.randint(1, 4) if n == 1 else rng.choice((-1, n)) for n in shape]}


def drawn_repetition(rng: random.Random, shape: tuple[int, ...]) -> Fields:
    fields: Fields = {"repeats": rng.randint(1, 3)}
    return fields | rng.choice(({}, {"axis": rng.randrange(-len(shape), len(shape))}))


def drawn_tiling(rng: random.Random, shape: tuple[int, ...]) -> Fields:
    return {"repeats": [rng.choice((1, 1, 2, 3)) for _ in shape]}


def drawn_slice(rng: random.Random, shape: tuple[int, ...]) -> Fields:
    axis: int = rng.randrange(-len(shape), len(shape))
    n = shape[axis]
    start = rng.randrange(n)
    stop = rng.randint(start + 1, n)
    fields: Fields = {"axis": axis, "start": rng.choice((start, start - n))}
    if rng.random() < 0.7:
        fields["stop"] = stop if stop == n else rng.choice((stop, stop - n))
    return fields | rng.choice(({}, {"step": rng.randint(1, 3)}))


def drawn_place(rng: random.Random, shape: tuple[int, ...]) -> Fields:
    axis: int = rng.randrange(-len(shape), len(shape))
    return {"axis": axis, "index": rng.randrange(-shape[axis], shape[axis])}


def drawn_places(rng: random.Random, shape: tuple[int, ...]) -> Fields:
    fields: dict[str, Any] = {"count": rng.randint(1, 5)}
    return fields | rng.choice(({}, {"axis": rng.randrange(-len(shape), len(shape))}))
