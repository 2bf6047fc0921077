"""Generation: what the next token costs a language model that keeps the keys and values it had."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers.moves import Moved
from archcalc.quantity.arithmetic import Quantity, certainly_one, plain
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
    maps = analysis.maps
    axes: dict[str, int] = {tokens: 0}  # of what depends on the tokens: the axis of their positions
    cached: list[Cached] = []
    token_macs: Quantity = 0
    prompt_macs: Quantity = 0
    once_macs: Quantity = 0
    for layer in analysis.inference_layers:
        prompt_macs += layer.macs
        inputs = [maps[name] for name in layer.inputs]
        along = {n: axes[name] for n, name in enumerate(layer.inputs) if name in axes}
        if not along:
            if layer.name in analysis.graph.outputs:
                raise _NotByTokenError(f"{layer.name} does not depend on {tokens}")
            once_macs += layer.macs
            continue
        kind, effect = layer.node.layer, layer.effect
        grows = min(1, len(inputs) - 1) in along  # keys are the second input, or the only one
        values = kind.cached_values(effect, *inputs)
        if not isinstance(values, int) or values:
            cached.append(Cached(layer.name, values * layer.batch * layer.bytes_each, grows))
        once = 0 if grows else kind.macs_of_cached(effect, *inputs) * layer.batch
        once_macs += once
        axes[layer.name] = axis = _axis_behind(layer, inputs, along)
        token_macs += (layer.macs - once) // layer.output.shape[axis]
    return Generation(tokens, x.channels, tuple(cached), token_macs, prompt_macs, once_macs)


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
