"""The figures of a whole network: the sums over its layers, and what takes the whole graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.figures.figure import Figure, Figures, Unit
from archcalc.figures.of_layer import SUMMED, LayerAnalysis
from archcalc.generation import require_generation
from archcalc.layers import Layer
from archcalc.layers.integers import Integers
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.totals import DEFINITIONS, LEFT_OPEN, lecture_bytes
from archcalc.quantity.arithmetic import Quantity, certainly_one
from archcalc.receptive_field.per_axis import PerAxis
from archcalc.record import replace


def _sum(figure: Figure) -> Figure:
    return replace(figure, of=lambda analysis: figure.total(analysis.inference_layers))


# All of them are of the layers that run at inference, unless they say otherwise.
OF_NETWORK = Figures({key: _sum(figure) for key, figure in SUMMED.items()})


def _where_known(of: Callable[[Analysis], Quantity]) -> Callable[[Analysis], Quantity]:
    """A figure of memory that is refused where nobody says what torch makes and keeps."""

    @wraps(of)
    def figure(analysis: Analysis) -> Quantity:
        unknown = why_memory_is_unknown(analysis, analysis.dtype)
        if unknown is not None:
            raise UsageError(unknown)
        return of(analysis)

    return figure


for _name, _bytes in DEFINITIONS.items():
    OF_NETWORK.figure(Unit.BYTES, f"activations, {_name}", short=f"memory, {_name}")(
        _where_known(_bytes) if _name in LEFT_OPEN else _bytes
    )


@OF_NETWORK.figure(Unit.COUNT)
def lecture_values(analysis: Analysis) -> Quantity:
    """The values of the network's input and of the outputs of conv, pool and linear layers."""
    return lecture_bytes(analysis) // analysis.bytes_each


@OF_NETWORK.figure(Unit.COUNT)
def weight_layers(analysis: Analysis) -> int:
    """The most layers with weights on a path from an input to the output."""
    return longest_path(analysis, lambda layer: layer.is_weight_layer)


@OF_NETWORK.figure(Unit.COUNT)
def layer_count(analysis: Analysis) -> int:
    """All layers."""
    return len(analysis.inference_layers)


@OF_NETWORK.figure(Unit.COUNT)
def paths(analysis: Analysis) -> int:
    """How many ways lead from an input to the output."""
    ways = dict.fromkeys(analysis.graph.inputs, 1)
    for layer in analysis.layers:
        ways[layer.name] = sum(ways[name] for name in layer.inputs)
    return ways[analysis.graph.outputs[0]]


@OF_NETWORK.figure(Unit.COUNT)
def training_only_params(analysis: Analysis) -> Quantity:
    """Learned values of the layers that exist in training only."""
    return analysis.training_only_totals.params


@OF_NETWORK.figure(Unit.COUNT, "training only MACs", may_be_open=True)
def training_only_macs(analysis: Analysis) -> Quantity:
    """Multiply-accumulates of the layers that exist in training only."""
    return analysis.training_only_totals.macs


@OF_NETWORK.figure(Unit.BYTES, "peak of a training step", short="training peak")
def training_peak(analysis: Analysis) -> int:
    """The most that is alive at once in a training step: plain SGD, on the CPU."""
    from archcalc.memory_use.options import TrainingOptions
    from archcalc.memory_use.training import step_of

    return step_of(analysis, TrainingOptions(dtype=analysis.dtype)).peak.bytes


@OF_NETWORK.figure(Unit.BYTES, "KV cache")
def kv_cache_bytes(analysis: Analysis) -> Quantity:
    """Keys and values of the whole context, which a language model keeps as it generates."""
    return require_generation(analysis).kv_cache_bytes


@OF_NETWORK.figure(Unit.COUNT, "MACs of a generated token", short="token MACs")
def token_macs(analysis: Analysis) -> Quantity:
    """Multiply-accumulates of the last token of the context, with those before it cached."""
    return require_generation(analysis).token_macs


@OF_NETWORK.figure(Unit.COUNT, "params without embeddings", short="non-embedding params")
def non_embedding_params(analysis: Analysis) -> Quantity:
    """Learned values but for tables looked up by integers, and what is added to their rows."""
    return analysis.params - embedding_params(analysis)


@OF_NETWORK.figure(Unit.FIELD)
def receptive_field(analysis: Analysis) -> PerAxis:
    """Input pixels that a unit of the last feature map can see: before pools of all of it."""
    last = _last_map(analysis)
    return None if last is None else last.receptive_field


@OF_NETWORK.figure(Unit.FIELD)
def local_receptive_field(analysis: Analysis) -> PerAxis:
    """Input pixels that it sees by convolutions and pools alone."""
    last = _last_map(analysis)
    return None if last is None else last.local_receptive_field


@OF_NETWORK.figure(Unit.SHAPE)
def input(analysis: Analysis) -> tuple[Quantity, ...]:
    """Channels and sizes of an image: of the first input, where there are several."""
    return analysis.input.shape


def embedding_params(analysis: Analysis) -> Quantity:
    """Learned values of tables that are looked up by integers, and of what meets their rows.

    That is a tensor, such as a table of positions, with nothing that learns in between. What N
    leaves out in Kaplan et al. 2020 (arXiv:2001.08361), section 2.1.
    """
    if not analysis.graph.takes_integers:
        return 0  # nothing to look up by
    of_tables: set[str] = set()
    # Of each map the layers whose learned values it is made of, before anything else that learns.
    made_of: dict[str, set[str] | None] = {name: set() for name in analysis.graph.inputs}
    for layer in analysis.inference_layers:
        kind, before = layer.node.layer, [made_of[name] for name in layer.inputs]
        if kind.integers is Integers.TAKEN and kind.has_twin:  # of what is opaque nobody knows
            of_tables.add(layer.name)
            made_of[layer.name] = {layer.name}
        elif kind.is_source:
            made_of[layer.name] = {layer.name}
        elif layer.effect.parameters or None in before:
            made_of[layer.name] = None
        else:
            together = set[str]().union(*[names for names in before if names])
            made_of[layer.name] = together
            if not of_tables.isdisjoint(together):
                of_tables |= together
    return sum(layer.params for layer in analysis.inference_layers if layer.name in of_tables)


def longest_path(analysis: Analysis, counts: Callable[[Layer], bool]) -> int:
    """The largest number of layers that count on a path from the input to the output."""
    length = dict.fromkeys(analysis.graph.inputs, 0)
    for layer in analysis.layers:
        before = [length[name] for name in layer.inputs if name in length]
        if before:  # else it follows from learned tensors alone
            length[layer.name] = max(before) + counts(layer.node.layer)
    return length.get(analysis.graph.outputs[0], 0)


def _last_map(analysis: Analysis) -> LayerAnalysis | None:
    """The last layer of several positions, or behind it of one that does not see the whole input.

    Not what sees nothing, as a learned tensor and what is made of such alone.
    """
    for layer in reversed(analysis.inference_layers):
        field = layer.local_receptive_field
        by_axis = set(field) if isinstance(field, tuple) else {field}
        is_bounded = by_axis.isdisjoint({None, "all"})
        if by_axis and by_axis != {0} and (is_bounded or not _is_of_one_position(layer.output)):
            return layer
    return None


def _is_of_one_position(output: FeatureMap) -> bool:
    return all(certainly_one(size) for size in output.sizes)
