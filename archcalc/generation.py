"""Generation: what the next token costs a language model that keeps the keys and values it had."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers.layer import Category, Layer
from archcalc.layers.moves import Moved
from archcalc.quantity.arithmetic import Quantity, certainly_equal, certainly_one, plain
from archcalc.window import Reach

_FROM_BEFORE = (Reach.SAME, Reach.BEFORE)


class Cached(NamedTuple):
    """The keys and values of one attention layer.

    Attributes:
        layer: its name.
        bytes: of all positions, for the batch.
        grows: whether by each token; else they are of another input, such as an encoder's.
    """

    layer: str
    bytes: Quantity
    grows: bool


class Generation(NamedTuple):
    """What a network takes that generates token by token, for the analysis' batch.

    Attributes:
        tokens: the input that the tokens go in by.
        context: how many fit: the token that is generated is the last of them.
        cached: the keys and values that are kept.
        token_macs: of one more token, the last, with all before it cached.
        prompt_macs: of all positions at once: the network's own. Products that are masked count,
            as everywhere.
        once_macs: the part of these that no token asks for again, such as an encoder's.
    """

    tokens: str
    context: Quantity
    cached: tuple[Cached, ...]
    token_macs: Quantity
    prompt_macs: Quantity
    once_macs: Quantity

    @property
    def kv_cache_bytes(self) -> Quantity:
        """The bytes of all keys and values of the whole context."""
        return sum(one.bytes for one in self.cached)

    @property
    def kv_cache_bytes_once(self) -> Quantity:
        """The bytes of those that no token adds to, such as of an encoder's output."""
        return sum(one.bytes for one in self.cached if not one.grows)

    @property
    def kv_cache_bytes_per_token(self) -> Quantity:
        """By how many bytes the cache grows with each token."""
        return sum(one.bytes for one in self.cached if one.grows) // self.context

    def record(self) -> dict[str, object]:
        """It under the keys of the JSON contract."""
        return {
            "tokens": self.tokens,
            "context": plain(self.context),
            "kv_cache_bytes": plain(self.kv_cache_bytes),
            "kv_cache_bytes_per_token": plain(self.kv_cache_bytes_per_token),
            "kv_cache_bytes_once": plain(self.kv_cache_bytes_once),
            "token_macs": plain(self.token_macs),
            "prompt_macs": plain(self.prompt_macs),
            "once_macs": plain(self.once_macs),
        }


class _NotByTokenError(Exception):
    """A layer lets a position see later ones, or has no positions."""


def generation(analysis: Analysis) -> Generation | None:
    """What generating takes; None of a network that does not generate.

    One generates if it has tokens as an input, and every layer that depends on them computes each
    position from that position and those before it.
    """
    found = _by_input(analysis)
    return found if isinstance(found, Generation) else None


def require_generation(analysis: Analysis) -> Generation:
    """As `generation`.

    Raises:
        UsageError: it does not generate; with the reason.
    """
    found = _by_input(analysis)
    if isinstance(found, Generation):
        return found
    raise UsageError(f"{analysis.name} does not generate token by token: {found}")


def _by_input(analysis: Analysis) -> Generation | str:
    """By the first input of tokens that it can be; else why it cannot be the last of them."""
    why = "no input of it is a row of tokens"
    for name, x in analysis.graph.inputs.items():
        if x.dtype is not None and x.rank == 1:
            try:
                return _by(name, x, analysis)
            except _NotByTokenError as reason:
                why = str(reason)
    return why


def _by(tokens: str, x: FeatureMap, analysis: Analysis) -> Generation:
    maps, of_images = analysis.maps, set(analysis.graph.inputs)
    positions = {tokens: _Positions(0)}  # of what depends on the tokens
    masks: set[str] = set()  # what hides later positions, once it is added to scores
    cached: list[Cached] = []
    token_macs: Quantity = 0
    prompt_macs: Quantity = 0
    once_macs: Quantity = 0
    for layer in analysis.inference_layers:
        prompt_macs += layer.macs
        kind, effect = layer.node.layer, layer.effect
        inputs = [maps[name] for name in layer.inputs]
        along = {n: positions[name] for n, name in enumerate(layer.inputs) if name in positions}
        if layer.is_of_images:
            of_images.add(layer.name)
        if not along:
            if layer.name in analysis.graph.outputs:
                raise _NotByTokenError(f"{layer.name} does not depend on {tokens}")
            if kind.is_source:
                hides = bool(vars(kind).get("hides_later"))
            else:
                hides = kind.kind == "add" and _is_masked(layer, masks, maps)
            if hides:
                masks.add(layer.name)
            once_macs += layer.macs
            continue
        keys = min(1, len(inputs) - 1)  # keys are the second input, or the only one
        grows = keys in along
        values = kind.cached_values(effect, *inputs)
        is_kept = 0 in along and (grows or layer.inputs[keys] in of_images)
        if is_kept and (not isinstance(values, int) or values):
            cached.append(Cached(layer.name, values * layer.batch * layer.bytes_each, grows))
        once = 0 if grows else kind.macs_of_cached(effect, *inputs) * layer.batch
        once_macs += once
        masked = _is_masked(layer, masks, maps)
        positions[layer.name] = behind = _behind(layer, inputs, along, masked=masked)
        token_macs += (layer.macs - once) // layer.output.shape[behind.axis]
    if any(positions[name].others is not None for name in analysis.graph.outputs):
        raise _NotByTokenError("it puts out scores of positions for each other")
    return Generation(tokens, x.channels, tuple(cached), token_macs, prompt_macs, once_macs)


class _Positions(NamedTuple):
    """Where the positions of the tokens are in a map.

    Attributes:
        axis: along which they go on.
        others: of scores, the axis of the positions that each of them looks at; else None.
        hidden: how later ones are hidden in scores.
    """

    axis: int
    others: int | None = None
    hidden: _Hidden | None = None


class _Hidden(Enum):
    """How later positions are hidden in what is computed of pairs of positions."""

    MASKED = "masked"  # their scores are minus infinity
    WITHOUT_WEIGHT = "without weight"  # what they are multiplied by is 0


def _is_masked(layer: LayerAnalysis, masks: set[str], maps: Mapping[str, FeatureMap]) -> bool:
    """Whether a mask is among its inputs that hides later positions of all pairs in its output."""
    pairs = layer.output.shape[-2:]
    return any(
        all(certainly_equal(m, n) for m, n in zip(maps[name].shape[-2:], pairs, strict=True))
        for name in layer.inputs
        if name in masks
    )


def _behind(
    layer: LayerAnalysis, inputs: list[FeatureMap], along: dict[int, _Positions], *, masked: bool
) -> _Positions:
    """Where the positions are in a layer's output.

    Args:
        along: where they are in the inputs that depend on the tokens, by their numbers.
        masked: whether another input hides later positions where it is added.
    """
    kind = layer.node.layer
    pairs = next((at for at in along.values() if at.others is not None), None)
    if pairs is None:
        if set(along) == {0, 1} and kind.kind == "matmul":
            rows, columns = (_axis_behind(layer, inputs, {n: along[n].axis}) for n in (0, 1))
            if rows != columns:  # queries and keys
                return _Positions(rows, columns)
        return _Positions(_axis_behind(layer, inputs, {n: at.axis for n, at in along.items()}))
    return _behind_pairs(layer, inputs, along, pairs, masked=masked)


def _behind_pairs(
    layer: LayerAnalysis,
    inputs: list[FeatureMap],
    along: dict[int, _Positions],
    pairs: _Positions,
    *,
    masked: bool,
) -> _Positions:
    """The same of a layer that takes scores of positions for each other, or their weights."""
    kind, others, hidden = layer.node.layer, pairs.others, pairs.hidden
    assert others is not None
    last = inputs[0].rank - 1
    if kind.kind == "matmul" and along.get(0) == pairs and 1 in along and others == last:
        summed = last if vars(kind)["transposed"] else last - 1
        if along[1] == _Positions(summed):  # the values of the positions, by their weights
            if hidden is not _Hidden.WITHOUT_WEIGHT:
                raise _NotByTokenError(f"in {layer.name} a position sees later ones")
            return _Positions(_axis_behind(layer, inputs, {0: pairs.axis}))
    if any(at != pairs for at in along.values()):
        raise _NotByTokenError(f"behind {layer.name} there are no positions")
    if kind.kind == "softmax" and vars(kind)["axis"] % (last + 1) == others:
        if hidden is not _Hidden.MASKED:
            raise _NotByTokenError(f"in {layer.name} a position sees later ones")
        return pairs._replace(hidden=_Hidden.WITHOUT_WEIGHT)
    axis, others = (
        _axis_behind(layer, inputs, dict.fromkeys(along, along_axis))
        for along_axis in (pairs.axis, others)
    )
    if kind.kind == "add" and hidden is not _Hidden.WITHOUT_WEIGHT:
        in_place = (axis, others) == (layer.output.rank - 2, layer.output.rank - 1)
        if masked and in_place:
            hidden = _Hidden.MASKED
    elif hidden is not None and not _keeps_hidden(kind):
        raise _NotByTokenError(f"behind {layer.name} it is not known what is hidden")
    return _Positions(axis, others, hidden)


def _keeps_hidden(kind: Layer) -> bool:
    """Whether minus infinity and 0 stay what they are."""
    if kind.kind == "scale":
        factor, shift = vars(kind)["factor"], vars(kind)["shift"]
        return bool(factor > 0 and shift == 0)
    return kind.kind == "identity" or kind.category is Category.REGULARIZATION or kind.moves_axes


def _axis_behind(layer: LayerAnalysis, inputs: list[FeatureMap], along: dict[int, int]) -> int:
    """The axis of a layer's output along which the positions of the tokens go on.

    Args:
        along: by the numbers of the inputs that depend on the tokens, the axes of their positions.
    """
    kind, effect = layer.node.layer, layer.effect
    found: set[int | None] = set()
    for number, axis in along.items():
        went = kind.axes_from(number, inputs, effect.output)
        if isinstance(went, Moved):
            behind = _axis_moved(went, axis)
        else:
            windows = kind.windows_along(number, inputs, effect.windows)
            if windows[axis] is Reach.UNKNOWN:
                raise _NotByTokenError(f"what a position sees in {layer.name} is not known")
            if windows[axis] not in _FROM_BEFORE:
                raise _NotByTokenError(f"in {layer.name} a position sees later ones")
            behind = went.index(axis) if went and axis in went else None
            if behind is None and windows[axis] is Reach.BEFORE:
                continue  # of keys and values: the positions are those of the queries
        found.add(behind)
    only = found.pop() if len(found) == 1 else None
    if only is None:
        raise _NotByTokenError(f"behind {layer.name} there are no positions")
    return only


def _axis_moved(moved: Moved, axis: int) -> int | None:
    """The new axis that is the old one, whole and alone."""
    sizes, before = moved.sizes, sum(map(len, moved.split[: axis + 1]))
    own = range(before, before + len(moved.split[axis + 1]))
    wanted = [n for n in own if not certainly_one(sizes[n])]
    for number, joined in enumerate(moved.joined[1:]):
        if [n for n in joined if not certainly_one(sizes[n])] == wanted:
            return number
    return None
