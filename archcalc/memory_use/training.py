"""What a training step costs: memory by purpose, the batch that fits, and the MACs backward."""

from __future__ import annotations

from archcalc.analysis import DTYPES, Analysis, require_numbers
from archcalc.errors import UsageError, require_known
from archcalc.graph import indices_of
from archcalc.layers import Extra
from archcalc.layers.normalization import BatchNorm
from archcalc.layers.state import StateTensor
from archcalc.memory_use.liveness import unpooled
from archcalc.memory_use.options import MIXED, TRAINING_DTYPES, TrainingOptions
from archcalc.memory_use.tape import tape
from archcalc.memory_use.totals import learning, needed_backward, saved_bytes
from archcalc.memory_use.training_step import Purpose, TrainingStep, training_step
from archcalc.quantity.arithmetic import Quantity
from archcalc.record import Record, as_dict
from archcalc.walk import analyze

# Values that an optimizer keeps for each parameter, always in float32 in mixed precision.
OPTIMIZERS: dict[str, int] = {
    "sgd": 0,  # plain
    "momentum": 1,  # Polyak 1964: the velocity
    "adam": 2,  # Kingma & Ba 2015, algorithm 1: first and second moment
    "adamw": 2,  # Loshchilov & Hutter 2019: as Adam
}
_MASTER_BYTES = 4


class TrainingMemory(Record):
    """Bytes that a training step needs, by purpose.

    In one dtype everything has it. In mixed precision (Micikevicius et al. 2018; counted as in
    Rajbhandari et al. 2020, section 3.1) parameters, gradients and activations take 2 bytes, and a
    master copy of the parameters and the optimizer's state 4.

    Attributes:
        batch: number of images.
        parameters: the parameters that the forward pass uses.
        gradients: of the parameters.
        optimizer: the optimizer's state.
        master: the master copy of the parameters; 0 unless mixed.
        activations: what autograd keeps for the backward pass.
    """

    batch: int
    parameters: Quantity
    gradients: Quantity
    optimizer: Quantity
    master: Quantity
    activations: Quantity

    @property
    def total(self) -> Quantity:
        """All of it."""
        held = self.parameters + self.gradients + self.optimizer + self.master
        return held + self.activations

    @property
    def purposes(self) -> dict[str, Quantity]:
        """The bytes for each purpose, and in total."""
        found = as_dict(self) | {"total": self.total}
        del found["batch"]
        return found


class TensorMemory(Record):
    """Bytes that a learned tensor takes in training, whatever the batch.

    Attributes:
        layer: the name of the layer whose it is.
        tensor: its name, role and shape.
        parameter, gradient, optimizer, master: as the sums in `TrainingMemory`.
    """

    layer: str
    tensor: StateTensor
    parameter: Quantity
    gradient: Quantity
    optimizer: Quantity
    master: Quantity


class BackwardMacs(Record):
    """Multiply-accumulates of a layer in the backward pass, for the batch.

    Attributes:
        weights: towards the gradient of its weights.
        inputs: towards the gradient of its input; 0 where nothing before it learns.
    """

    weights: Quantity
    inputs: Quantity

    @property
    def total(self) -> Quantity:
        """Both."""
        return self.weights + self.inputs


def training_memory(
    analysis: Analysis, *, optimizer: str = "sgd", dtype: str = "float32"
) -> TrainingMemory:
    """What a step with the analysis' batch needs, whatever the analysis' own dtype.

    Heads that exist in training only are part of it; what no output depends on is not.

    Raises:
        UsageError: an unknown optimizer, or a dtype in which one does not train.
    """
    tensors = training_tensors(analysis, optimizer=optimizer, dtype=dtype)
    in_use = analyze(analysis.graph, batch=analysis.batch, dtype=_dtype_in_use(dtype))
    return TrainingMemory(
        batch=analysis.batch,
        parameters=sum(each.parameter for each in tensors),
        gradients=sum(each.gradient for each in tensors),
        optimizer=sum(each.optimizer for each in tensors),
        master=sum(each.master for each in tensors),
        activations=sum(saved_bytes(in_use).values()),
    )


def step_of(analysis: Analysis, options: TrainingOptions) -> TrainingStep:
    """What is alive over a training step with the analysis' batch, whatever its own dtype.

    Raises:
        UsageError: free sizes; and as `TrainingOptions.check`.
    """
    options.check()
    require_numbers(analysis)
    found = training_memory(analysis, optimizer=options.optimizer, dtype=options.dtype)
    in_use = analyze(analysis.graph, batch=analysis.batch, dtype=_dtype_in_use(options.dtype))
    buffers = sum(layer.buffer_bytes for layer in in_use.used_layers)
    constant = {
        Purpose.PARAMETERS: found.parameters + found.master,
        Purpose.BUFFERS: buffers,
        Purpose.OPTIMIZER: found.optimizer,
    }
    return training_step(tape(in_use, on_gpu=options.on_gpu, loss=options.loss), constant)


def training_tensors(
    analysis: Analysis, *, optimizer: str = "sgd", dtype: str = "float32"
) -> tuple[TensorMemory, ...]:
    """What each learned tensor takes in a training step, in the order of the layers.

    One that several layers share stands once. Those that no output depends on are left out.

    Raises:
        UsageError: as `training_memory`.
    """
    require_known("unknown optimizer", optimizer, OPTIMIZERS)
    require_known("no training in dtype", dtype, TRAINING_DTYPES)
    bytes_each = DTYPES[_dtype_in_use(dtype)]
    master = _MASTER_BYTES if dtype == MIXED else 0
    state = OPTIMIZERS[optimizer] * (master or bytes_each)
    return tuple(
        [
            TensorMemory(layer.name, tensor, n * bytes_each, n * bytes_each, n * state, n * master)
            for layer in analysis.used_layers
            for tensor in layer.parameters
            for n in (tensor.values,)
        ]
    )


def _dtype_in_use(dtype: str) -> str:
    """The dtype of what the forward pass uses."""
    return "float16" if dtype == MIXED else dtype


def largest_batch(
    analysis: Analysis, budget: int, *, optimizer: str = "sgd", dtype: str = "float32"
) -> TrainingMemory | None:
    """What a step needs at the largest batch for which it needs at most `budget` bytes.

    None where no batch fits.

    Raises:
        UsageError: free sizes; a step that needs no more for any batch; and as `training_memory`.
    """
    require_numbers(analysis)

    def at(batch: int) -> TrainingMemory:
        graph = analysis.graph
        return training_memory(analyze(graph, batch=batch), optimizer=optimizer, dtype=dtype)

    # From the second on every image takes the same; of a single one torch copies less.
    two, three = at(2), at(3)
    each = three.total - two.total
    if not each:
        raise UsageError(f"{analysis.name} keeps nothing of an image: any batch takes {two.total}")
    if two.total <= budget:
        return at(2 + (budget - two.total) // each)
    one = at(1)
    return one if one.total <= budget else None


def backward_macs(analysis: Analysis) -> dict[str, BackwardMacs]:
    """The backward pass of every layer.

    The gradient of the weights takes as many multiply-accumulates as the forward pass, and so does
    that of the input, which is not computed where nothing before the layer learns: towards the
    network's own input. (FlopCounterMode leaves the groups of a convolution out of the former.)
    Where no output depends on a layer, or on its indices alone, there is no gradient.
    """
    learns, with_gradient = learning(analysis), analysis.graph.with_gradient()
    found = {}
    for layer in analysis.layers:
        macs = layer.macs if layer.name in with_gradient else 0
        found[layer.name] = BackwardMacs(macs, macs if any(learns[n] for n in layer.inputs) else 0)
    return found


def reasons(analysis: Analysis) -> dict[str, list[str]]:
    """What each layer needs for its backward pass, in words; what it learns not counted."""
    pools = {indices_of(pool): pool for pool in unpooled(analysis)}

    def in_words(tensor: str | Extra, layer: str) -> str:
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
    """The batch norms that torch does not train on this batch: one value for each channel."""
    return [
        layer.name
        for layer in analysis.used_layers
        if isinstance(layer.node.layer, BatchNorm) and layer.output.positions * analysis.batch == 1
    ]
