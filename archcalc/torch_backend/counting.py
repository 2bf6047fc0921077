"""Counts on a module: output sizes, parameters, buffers, multiply-accumulates.

None of these needs values, so the module may be on the meta device, where tensors have shapes
alone.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from archcalc.layers.state import Role, learned_role
from archcalc.record import Record
from archcalc.torch_backend.batches import Batch, tensors_of
from archcalc.torch_backend.flops import flop_counter
from archcalc.torch_backend.hooks import Running, parts_named
from archcalc.torch_backend.modes import evaluating, nothing_learns, one_thread

# The operators of fvcore whose figures are multiply-accumulates: convolutions and matrix
# products, as FlopCounterMode counts them. Whatever else it counts, it counts by other measures.
FVCORE_MAC_OPERATORS = frozenset(["conv", "linear", "addmm", "mm", "bmm", "matmul", "einsum"])


# Operators with multiply-accumulates that it has no count for.
FVCORE_MISSES = frozenset(
    ["scaled_dot_product_attention", "_native_multi_head_attention", "lstm", "gru", "rnn_tanh",
     "rnn_relu", "bilinear"]
)  # fmt: skip


class Output(Record):
    """What a layer returned: its shape, with the batch, and its bytes."""

    shape: tuple[int, ...]
    bytes: int


class Learned(Record):
    """The values that a layer has for its own; those of an earlier layer count there.

    Attributes:
        weights, biases: learned values, told apart by `archcalc.layers.state.learned_role`.
        buffers: values that are kept but not learned.
    """

    weights: int
    biases: int
    buffers: int


class FvcoreCount(Record):
    """What fvcore counts in a whole network.

    Attributes:
        macs: the sum over the operators whose figures are multiply-accumulates.
        others: the operators that it counts by another measure, such as 2 per value.
        unknown: the operators that it does not count.
    """

    macs: int
    others: tuple[str, ...]
    unknown: tuple[str, ...]


def layer_outputs(module: nn.Module, x: Batch, layers: Iterable[str]) -> dict[str, Output]:
    """What each layer returns for the images `x`, of the `layers` that run exactly once."""
    seen: dict[str, list[Output]] = {}

    def note(name: str, part: nn.Module, given: object, output: Tensor) -> None:
        # What is learned is handed on as it is, or a view of it: no activation.
        seen_in = output if output._base is None else output._base
        own = any(seen_in is tensor for tensor in (*part.parameters(), *part.buffers()))
        size = 0 if own else output.numel() * output.element_size()
        seen.setdefault(name, []).append(Output(tuple(output.shape), size))

    with evaluating(module), Running(module, layers, note):
        module(*tensors_of(x))
    return {name: outputs[0] for name, outputs in seen.items() if len(outputs) == 1}


def layer_values(module: nn.Module, layers: Iterable[str]) -> dict[str, Learned]:
    """The parameters and buffers of each layer, of the `layers` that the module has."""
    counted: set[int] = set()
    return {n: _values(part, counted) for n, part in parts_named(module, layers).items()}


def module_values(module: nn.Module) -> Learned:
    """The parameters and buffers of the whole module, each once."""
    return _values(module, set())


def _values(part: nn.Module, counted: set[int]) -> Learned:
    """Those of `part` that are not among the `counted`, which they join."""

    def count(tensors: Iterable[Tensor]) -> int:
        new = {id(tensor): tensor.numel() for tensor in tensors if id(tensor) not in counted}
        counted.update(new)
        return sum(new.values())

    named = list(part.named_parameters())
    return Learned(
        weights=count(p for path, p in named if learned_role(path) is Role.WEIGHT),
        biases=count(p for path, p in named if learned_role(path) is Role.BIAS),
        buffers=count(part.buffers()),
    )


def layer_macs(module: nn.Module, x: Batch) -> dict[str, int]:
    """The multiply-accumulates of each part by its dotted name, and of the module as "".

    By torch's FlopCounterMode, which counts 2 for each, in convolutions, matrix products and
    attention. On the meta device: on the CPU it misses what fused kernels do. Parts that it
    counts nothing for are missing.
    """
    # Which its hooks take for results: what learns and is handed on as it is has come from nothing.
    with evaluating(module), nothing_learns(module), flop_counter() as counter:
        module(*tensors_of(x))
    prefix = type(module).__name__ + "."
    counts = {
        name.removeprefix(prefix): sum(by_operator.values()) // 2
        for name, by_operator in counter.get_flop_counts().items()
        if name.startswith(prefix)
    }
    return counts | {"": counter.get_total_flops() // 2}


class NotCounted(Exception):
    """Why fvcore has no figure."""


def fvcore_count(module: nn.Module, x: Batch) -> FvcoreCount:
    """What fvcore counts.

    It traces the module, which the meta device does not allow: module and images have to be on
    the CPU or a GPU.

    Raises:
        NotCounted: fvcore is not installed, or torch cannot trace one of the operators.
    """
    with evaluating(module), one_thread(), _quiet():
        try:
            from fvcore.nn import FlopCountAnalysis
        except ImportError:
            raise NotCounted("fvcore is not installed") from None
        count = FlopCountAnalysis(module, tensors_of(x))
        try:
            by_operator = dict(count.by_operator())
        except (TypeError, RuntimeError) as error:
            raise NotCounted(f"torch cannot trace the network for fvcore: {error}") from error
        except AssertionError as error:
            raise NotCounted(f"fvcore refuses a shape: {error}") from error
        unknown = tuple(sorted(name.removeprefix("aten::") for name in count.unsupported_ops()))
    return FvcoreCount(
        macs=int(sum(n for name, n in by_operator.items() if name in FVCORE_MAC_OPERATORS)),
        others=tuple(sorted(name for name in by_operator if name not in FVCORE_MAC_OPERATORS)),
        unknown=unknown,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without fvcore's warnings: what matters of them is in the returned record."""
    logger = logging.getLogger("fvcore.nn.jit_analysis")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
