"""What a training step costs: what is alive in it, what each tensor takes, the MACs backward."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis import DTYPES, Analysis, require_numbers
from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import indices_of
from archcalc.layers import Extra, Layer
from archcalc.layers.normalization import BatchNorm, GroupNorm
from archcalc.layers.state import StateTensor
from archcalc.memory_use.checkpointing import runs_again
from archcalc.memory_use.checkpoints import with_checkpoints
from archcalc.memory_use.cutting import Cut, find_cut
from archcalc.memory_use.freezing import with_frozen
from archcalc.memory_use.learning import learning
from archcalc.memory_use.liveness import unpooled
from archcalc.memory_use.moments import Course, Purpose
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.optimizers import COUNTER_BYTES, OPTIMIZERS, cast_for_master, made_by
from archcalc.memory_use.options import AUTO, MIXED, TrainingOptions
from archcalc.memory_use.tape import tape
from archcalc.memory_use.totals import needed_backward
from archcalc.memory_use.training_step import TrainingStep, training_step
from archcalc.quantity.arithmetic import Quantity
from archcalc.record import Record, replace
from archcalc.torch_spelling.module_names import module_names

USUAL = TrainingOptions()

_MASTER_BYTES = 4


class TensorMemory(Record):
    """Bytes that a learned tensor takes in training, whatever the batch.

    Attributes:
        layer: the name of the layer whose it is.
        tensor: its name, role and shape.
        parameter: the bytes of its values, as the forward pass uses them.
        gradient: of its gradient; 0 where none comes to it.
        optimizer: of the optimizer's state.
        master: of a copy of its values that the optimizer works on; 0 where there is none.
    """

    layer: str
    tensor: StateTensor
    parameter: Quantity
    gradient: Quantity
    optimizer: Quantity
    master: Quantity

    @property
    def name(self) -> str:
        """As it is called on the tape."""
        return f"{self.layer}.{self.tensor.name}"


class BackwardMacs(Record):
    """Multiply-accumulates of a layer in the backward pass, for the batch.

    Attributes:
        weights: towards the gradient of its weights.
        inputs: towards the gradient of its input; 0 where nothing before it learns, but for what
            it multiplies with weights of what it has made itself.
        again: of the forward pass once more, where it is checkpointed.
    """

    weights: Quantity
    inputs: Quantity
    again: Quantity = 0

    @property
    def total(self) -> Quantity:
        """All of it."""
        return self.weights + self.inputs + self.again


def as_trained(analysis: Analysis, options: TrainingOptions) -> Analysis:
    """The network with what the options freeze and checkpoint, as in `cut_for_training`.

    Raises:
        UsageError: as `with_frozen` and `with_checkpoints`.
    """
    return cut_for_training(analysis, options)[0]


def cut_for_training(
    analysis: Analysis, options: TrainingOptions, budget: int | None = None
) -> tuple[Analysis, Cut | None]:
    """The network with what the options freeze and checkpoint, and the cut if it is automatic.

    That is by `best_cut`, for the analysis' batch; unless the network has stretches already.

    Raises:
        UsageError: as `with_frozen` and `with_checkpoints`.
    """
    patterns = [pattern for pattern in options.checkpoint if pattern != AUTO]
    graph, cut = with_checkpoints(with_frozen(analysis.graph, options.freeze), patterns), None
    if AUTO in options.checkpoint and not graph.stretches:
        cut = best_cut(replace(analysis, graph=graph), replace(options, freeze=()), budget)
        graph = cut.graph
    if graph is analysis.graph:
        return analysis, cut
    nodes = {node.name: node for node in graph.nodes}
    layers = [replace(layer, node=nodes[layer.name]) for layer in analysis.layers]
    return replace(analysis, graph=graph, layers=tuple(layers)), cut


def best_cut(analysis: Analysis, options: TrainingOptions, budget: int | None = None) -> Cut:
    """The best cut into checkpointed stretches that a search has found, in place of any there are.

    Args:
        budget: the bytes that a step may need: the cut that takes the fewest multiply-accumulates
            of those that fit, or where none does, the one that needs the least. Without one: the
            one that needs the least, and of several the cheapest.

    Raises:
        UsageError: as `step_of`.
    """
    plain = replace(options, checkpoint=())
    return find_cut(as_trained(analysis, plain), lambda one: course_of(one, plain), budget)


def step_of(analysis: Analysis, options: TrainingOptions = USUAL) -> TrainingStep:
    """What is alive over a training step with the analysis' batch, whatever its own dtype.

    It is a step in the middle of training, which finds the state of the optimizer there. Where
    gradients of several batches are summed up, it is the last of them.

    Raises:
        UsageError: free sizes; a layer of which it is not known what it keeps in that type of
            numbers, or there; and as `TrainingOptions.check`.
    """
    return training_step(course_of(analysis, options))


def course_of(analysis: Analysis, options: TrainingOptions) -> Course:
    """What happens in a training step with the analysis' batch, as in `step_of`."""
    require_numbers(analysis)
    unknown = why_memory_is_unknown(analysis, options.dtype, on_gpu=options.on_gpu)
    if unknown is not None:
        argument = "device" if options.on_gpu else "dtype" if options.dtype != "float32" else None
        raise UsageError(unknown, argument)
    analysis = as_trained(analysis, options)
    tensors = training_tensors(analysis, options)
    in_use = analysis.of_batch(analysis.batch, _dtype_in_use(options.dtype))
    constant = {
        Purpose.PARAMETERS: sum(each.parameter + each.master for each in tensors),
        Purpose.BUFFERS: sum(layer.buffer_bytes for layer in in_use.used_layers),
        Purpose.OPTIMIZER: sum(each.optimizer for each in tensors),
    }
    updated = [(each.name, each.master or each.parameter) for each in tensors if each.gradient]
    made = made_by(
        OPTIMIZERS[options.optimizer],
        updated,
        foreach=options.updates_at_once,
        on_gpu=options.on_gpu,
    )
    cast = cast_for_master(updated) if options.master else ()
    return Course(
        tape(in_use, on_gpu=options.on_gpu, loss=options.loss, autocast=options.dtype == MIXED),
        constant,
        (*cast, *made),
        adds=options.accumulate > 1,
    )


def training_tensors(
    analysis: Analysis, options: TrainingOptions = USUAL
) -> tuple[TensorMemory, ...]:
    """What each learned tensor takes in a training step, in the order of torch's `parameters()`.

    One that several layers share stands once. Those that no output depends on are left out; one
    that is frozen, or that no gradient comes to, has no state either.

    Raises:
        UsageError: as `TrainingOptions.check`.
    """
    options.check()
    analysis = as_trained(analysis, options)
    bytes_each = DTYPES[_dtype_in_use(options.dtype)]
    optimizer = OPTIMIZERS[options.optimizer]
    counter = COUNTER_BYTES if optimizer.adaptive and not options.on_gpu else 0
    owner_of, with_gradient = analysis.graph.tensor_owners(), analysis.graph.with_gradient()
    learned: set[tuple[str, str]] = set()
    trained: set[tuple[str, str]] = set()
    for layer in analysis.used_layers:
        if layer.learns:
            tensors = [tensor.name for tensor in layer.effect.parameters]
            own = {(owner_of(layer.name, tensor), tensor) for tensor in tensors}
            learned |= own
            trained |= own if layer.name in with_gradient else set()
    found: dict[str, TensorMemory] = {}
    for layer in _in_module_order(analysis.used_layers):
        for tensor in layer.effect.parameters:
            owner = owner_of(layer.name, tensor.name)
            one_of, n = (owner, tensor.name), tensor.values
            size = n * bytes_each
            master = n * _MASTER_BYTES if options.master and one_of in learned else 0
            state = optimizer.moments * (master or size) + counter
            gradient, state = (size, state) if one_of in trained else (0, 0)
            one = TensorMemory(owner, tensor, size, gradient, state, master)
            found.setdefault(one.name, one)
    return tuple(found.values())


def _in_module_order(layers: Sequence[LayerAnalysis]) -> list[LayerAnalysis]:
    """The layers as their modules stand in the network's: by blocks, each where it begins."""
    names = module_names({layer.name: bool(layer.effect.state) for layer in layers})
    place: dict[tuple[str, ...], int] = {}
    keys = {}
    for layer in layers:
        path = names[layer.name].split(".")
        around = [tuple(path[: n + 1]) for n in range(len(path))]
        keys[layer.name] = [place.setdefault(one, len(place)) for one in around]
    return sorted(layers, key=lambda layer: keys[layer.name])


def _dtype_in_use(dtype: str) -> str:
    """The dtype of what the forward pass uses."""
    return "float32" if dtype == MIXED else dtype


def backward_macs(analysis: Analysis) -> dict[str, BackwardMacs]:
    """The backward pass of every layer.

    The gradient of the weights takes as many multiply-accumulates as the forward pass, and so does
    that of the input. Neither is computed where nobody needs it: that of weights that are frozen,
    and that of the input where nothing before the layer learns, towards the network's own input;
    but for what the layer itself has made on the way, as the states of a recurrent layer.
    (FlopCounterMode leaves the groups of a convolution out of the former.) Where no output depends
    on a layer, or on its indices alone, there is no gradient. What is checkpointed takes those of
    the forward pass again, up to the last tensor that a stretch needs.
    """
    learns, with_gradient = learning(analysis), analysis.graph.with_gradient()
    times = runs_again(tape(analysis)) if analysis.graph.stretches else {}
    found = {}
    maps = analysis.maps
    for layer in analysis.layers:
        kind, effect = layer.node.layer, layer.effect
        inputs = [maps[name] for name in layer.inputs]
        learning_inputs = [learns[name] for name in layer.inputs]
        weights = others = 0
        if layer.name in with_gradient:
            if layer.learns:
                weights = kind.macs_of_weights(effect, inputs) * layer.batch
            if layer.learns or any(learning_inputs):
                others = kind.macs_backward(effect, inputs, learning_inputs) * layer.batch
        found[layer.name] = BackwardMacs(
            weights=weights,
            inputs=others,
            again=layer.macs * times.get(layer.name, 0),
        )
    return found


def reasons(analysis: Analysis) -> dict[str, list[str]]:
    """What each layer needs for its backward pass, in words; what it learns not counted."""
    pools = {indices_of(pool): pool for pool in unpooled(analysis)}

    stretches = reversed(analysis.graph.without_unused().stretches)
    first = {stretch.layers[0]: stretch for stretch in stretches}

    def in_words(tensor: str | Extra, layer: str) -> str:
        if layer in first:
            return f"what enters {first[layer].name}"
        if isinstance(tensor, Extra):
            return tensor.what
        if tensor in pools:
            return "indices" if pools[tensor] == layer else f"indices of {pools[tensor]}"
        return "its output" if tensor == layer else "its input"

    return {
        name: list(dict.fromkeys([in_words(tensor, name) for tensor in tensors]))
        for name, tensors in needed_backward(analysis).items()
    }


def refused_in_training(analysis: Analysis) -> list[str]:
    """The norms that torch does not train on this batch: one value for each channel, or group."""

    def values(layer: Layer, x: FeatureMap, images: Quantity) -> Quantity:
        """From which it takes a mean; of a group norm torch counts images to the channels."""
        if isinstance(layer, GroupNorm):
            return images * x.values // layer.groups
        if layer.kind == "instance_norm":
            return x.positions
        return images * x.positions if isinstance(layer, BatchNorm) else 0

    return [x.name for x in analysis.used_layers if values(x.node.layer, x.output, x.batch) == 1]
