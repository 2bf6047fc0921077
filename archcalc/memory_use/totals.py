"""The activation totals, and what training keeps: memory that takes the whole graph to know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import Stretch, indices_of
from archcalc.layers import Extra, Operands, Saved
from archcalc.layers.effect import Towards
from archcalc.memory_use.layout import Layout, layout
from archcalc.memory_use.learning import learning
from archcalc.memory_use.liveness import (
    effect_in_use,
    index_bytes,
    most_alive,
    pads_a_copy,
    step_by_step,
    storages,
    unpooled,
)
from archcalc.memory_use.open_memory import why_memory_is_open
from archcalc.memory_use.within import extra_bytes
from archcalc.quantity.arithmetic import Quantity
from archcalc.record import Record

if TYPE_CHECKING:
    from archcalc.parametric.sweep import Sweep


class ActivationBytes(Record):
    """Bytes of activations for the analysis' batch, under four definitions.

    Attributes:
        lecture: the network's inputs and the outputs of conv, pool and linear layers.
        all: every layer's output.
        peak: the most that lives at once at inference, each tensor freed after its last use; None
            where free sizes leave it open.
        training: what autograd keeps for the backward pass, as torch does on the CPU; None where
            free sizes leave it open.
        unknown: why they are None.
    """

    lecture: Quantity
    all: Quantity
    peak: Quantity | None
    training: Quantity | None
    unknown: str | None = None


def activation_bytes(analysis: Analysis | Sweep) -> ActivationBytes:
    """The activations of the network: of the layers that run at inference.

    Of a sweep, arrays.
    """
    if not isinstance(analysis, Analysis):
        return analysis.activation_bytes()
    unknown = why_memory_is_open(analysis)
    found: dict[str, Any] = {
        name: None if name in LEFT_OPEN and unknown else of(analysis)
        for name, of in DEFINITIONS.items()
    }
    return ActivationBytes(**found, unknown=unknown)


def training_only_bytes(analysis: Analysis) -> ActivationBytes:
    """The activations of the layers that exist in training only.

    Their `training` counts what they keep beyond what the rest keeps anyway; `peak` is of
    inference, where they do not exist: 0.
    """
    return _bytes_apart(analysis, analysis.training_only_layers)


def unused_bytes(analysis: Analysis) -> ActivationBytes:
    """The activations of the layers that no output depends on.

    `peak` and `training` are 0: nobody runs them, and autograd lets go of what they would keep.
    """
    return _bytes_apart(analysis, analysis.unused_layers)


def _bytes_apart(analysis: Analysis, layers: Sequence[LayerAnalysis]) -> ActivationBytes:
    """The activations of layers that are not there at inference."""
    saved, unknown = saved_bytes(analysis), why_memory_is_open(analysis)
    return ActivationBytes(
        lecture=_listed_bytes(layers),
        all=sum(layer.activation_bytes for layer in layers),
        peak=0,
        training=sum(saved[layer.name] for layer in layers) if unknown is None else None,
        unknown=unknown,
    )


def lecture_bytes(analysis: Analysis) -> Quantity:
    """The bytes of the network's inputs and of the outputs of conv, pool and linear layers."""
    return input_bytes(analysis) + _listed_bytes(analysis.inference_layers)


def input_bytes(analysis: Analysis) -> Quantity:
    """The bytes of all inputs of the network."""
    sizes = analysis.map_bytes
    return sum([sizes[name] for name in analysis.graph.inputs])


def _listed_bytes(layers: Sequence[LayerAnalysis]) -> Quantity:
    return sum(layer.activation_bytes for layer in layers if layer.node.layer.in_lecture_total)


def all_bytes(analysis: Analysis) -> Quantity:
    """The bytes of every layer's output."""
    return sum(layer.activation_bytes for layer in analysis.inference_layers)


def training_bytes(analysis: Analysis) -> Quantity:
    """The bytes that autograd keeps for the backward pass, as torch does on the CPU."""
    saved = saved_bytes(analysis)
    return sum(saved[layer.name] for layer in analysis.inference_layers)


def peak_bytes(analysis: Analysis, *, on_gpu: bool = False) -> Quantity:
    """The most bytes of activations that live at once at inference.

    Layers run in order; while one runs, its inputs, its output and its workspace live. A tensor
    is freed after its last use, the network's inputs too; its outputs live to the end. Views have
    no memory of their own. `on_gpu`: as `archcalc.memory_use.liveness.storages` takes it.
    """
    return most_alive(step_by_step(storages(analysis, on_gpu=on_gpu)))


# What `ActivationBytes` is under each definition; free sizes may leave some open.
DEFINITIONS: dict[str, Callable[[Analysis], Any]] = {
    "lecture": lecture_bytes, "all": all_bytes, "peak": peak_bytes, "training": training_bytes
}  # fmt: skip
LEFT_OPEN = ("peak", "training")


def saved_bytes(analysis: Analysis) -> dict[str, Quantity]:
    """For each layer, the bytes that autograd keeps on its account for the backward pass.

    A tensor that several layers need is kept once, on account of the first in order, with
    layers that exist in training only behind all others. A layer keeps nothing where neither it
    nor anything before it learns, or where no gradient comes back to it. Parameters do not count.
    """
    layers = sorted(analysis.layers, key=lambda layer: layer.training_only)
    where = layout(analysis, at_inference=False)
    of_indices = {indices_of(name): index_bytes(analysis, name) for name in unpooled(analysis)}
    size = {**analysis.map_bytes, **of_indices}
    needed = needed_backward(analysis, where)
    kept: set[str] = set()
    account: dict[str, Quantity] = {}
    for layer in layers:
        bytes_kept: Quantity = 0
        for tensor in needed[layer.name]:
            if isinstance(tensor, Extra):
                bytes_kept = bytes_kept + extra_bytes(tensor, layer)
            elif (storage := where.of.get(tensor, tensor)) not in kept:
                kept.add(storage)
                bytes_kept = bytes_kept + size[storage]
        account[layer.name] = bytes_kept
    return account


def needed_backward(
    analysis: Analysis, where: Layout | None = None
) -> dict[str, list[str | Extra]]:
    """For each layer the tensors that its backward pass needs, parameters not counted.

    An output is called after its layer, an input by its name; indices that an unpooling takes are
    called as `graph.indices_of` calls those of its pool. A layer needs nothing
    where neither it nor anything before it learns, or where no gradient comes back to it. In a
    stretch that runs again, the first layer needs what enters that, and the others nothing.

    Args:
        where: the layout in training, if it is known.
    """
    learns, with_gradient = learning(analysis), analysis.graph.with_gradient()
    where = where or layout(analysis, at_inference=False)
    unpooled_later = unpooled(analysis)
    needed = {
        layer.name: list(_needed(layer, learns, where, unpooled_later))
        if layer.name in with_gradient and learns[layer.name]
        else []
        for layer in analysis.layers
    }
    for stretch in reversed(analysis.graph.stretches):  # those within others first
        _need_what_enters(stretch, analysis, needed, learns)
    return needed


def _need_what_enters(
    stretch: Stretch,
    analysis: Analysis,
    needed: dict[str, list[str | Extra]],
    learns: Mapping[str, bool],
) -> None:
    """Puts what enters a stretch in the place of what its layers need; its first needs that."""
    inside = {*stretch.layers, *map(indices_of, stretch.layers)}
    layers = [layer for layer in analysis.used_layers if layer.name in inside]
    weighs = any(layer.effect.parameters and learns[layer.name] for layer in layers)
    runs_again = weighs or any(needed[layer.name] for layer in layers)
    taken = [name for layer in layers for name in layer.node.taken if name not in inside]
    needed |= {layer.name: [] for layer in layers}
    if runs_again:
        needed[layers[0].name] = list(dict.fromkeys(taken))


def _needed(
    layer: LayerAnalysis,
    learns: Mapping[str, bool],
    where: Layout,
    unpooled_later: Collection[str],
) -> Iterator[str | Extra]:
    """As `needed_backward`, of one layer; a copy that it makes stands for its input."""
    if layer.node.indices is not None:
        yield indices_of(layer.node.indices)
    copied = where.copied_inputs.get(layer.name, {})
    operands: set[int] = set()  # that are kept already
    for saved in effect_in_use(layer).saved:
        if not _is_kept(saved, layer, learns):
            continue
        if isinstance(saved, Operands):
            for operand in saved.kept([learns[name] for name in layer.inputs]):
                if isinstance(operand, Extra):
                    yield operand
                else:
                    operands.add(operand)
                    yield copied.get(operand, layer.inputs[operand])
        elif isinstance(saved, Extra):
            handed_on = saved.what == "indices" and layer.name in unpooled_later
            yield indices_of(layer.name) if handed_on and not pads_a_copy(layer) else saved
        else:
            copy = where.copies.get(layer.name)
            inputs = [copied.get(n, x) for n, x in enumerate(layer.inputs) if n not in operands]
            taken = inputs if copy is None or copied else [copy]
            yield from (layer.name,) if saved is Saved.OUTPUT else taken


def _is_kept(
    saved: Saved | Extra | Operands, layer: LayerAnalysis, learns: Mapping[str, bool]
) -> bool:
    """Whether there is a gradient for which it is kept."""
    towards = saved.towards if isinstance(saved, Extra) else Towards.ANY
    if towards is Towards.INPUTS or saved is Saved.INPUT_FOR_ITS_GRADIENT:
        return any(learns[name] for name in layer.inputs)
    of_weights = towards is Towards.WEIGHTS or saved is Saved.INPUT_FOR_WEIGHTS
    for_weights = of_weights or layer.node.layer.keeps_for_weights
    return layer.learns or not for_weights
