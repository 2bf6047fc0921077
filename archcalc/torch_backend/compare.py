"""Rule beside measurement, layer by layer."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from torch import nn

from archcalc.analysis import Analysis
from archcalc.errors import UsageError, require_known
from archcalc.figures.of_layer import LayerAnalysis, total
from archcalc.loading import Spec
from archcalc.quantity.arithmetic import Quantity
from archcalc.quantity.at_least import is_open
from archcalc.torch_backend.batches import Batch, zeros
from archcalc.torch_backend.counting import (
    Output,
    layer_macs,
    layer_outputs,
    layer_values,
    module_values,
)
from archcalc.torch_backend.hooks import part_name
from archcalc.torch_backend.modes import undisturbed
from archcalc.verification import COUNTED, Comparison, Conditions, Figure
from archcalc.walk import analyze


def compare(
    module: nn.Module, spec: Spec, *, what: Collection[str] = COUNTED, batch: int = 1
) -> Comparison:
    """A module that a user hands in, beside the spec that it should follow.

    A layer is compared with the part of the module that has its name and runs once; the totals
    are compared whatever the names. All is measured on a copy of the module on the meta device,
    or, where its code asks for values, on zeros:
    the module itself is not run, its forward hooks are not called, and nothing about it changes.

    Args:
        spec: what `archcalc.load` takes.
        what: any of "sizes", "params", "macs".
        batch: number of images.

    Raises:
        UsageError: an unknown subject; a module that cannot be copied, or that refuses the
            spec's input.
        LayerError, SpecError: as `archcalc.analyze`.
    """
    require_subjects(what, COUNTED)
    analysis = analyze(spec, batch=batch)
    under = conditions_for(module, batch)
    every = [layer.name for layer in analysis.used_layers]
    with undisturbed(torch.device("cpu")):
        shadow, x, outputs = _run(analysis, module, under, every)
        names = list(outputs)
        return Comparison(
            network=analysis.identity,
            input=analysis.input.shape,
            conditions=under,
            figures=(
                *(size_figures(analysis, outputs, names) if "sizes" in what else ()),
                *(param_figures(analysis, shadow, names) if "params" in what else ()),
                *(mac_figures(analysis, shadow, x, names) if "macs" in what else ()),
            ),
            unmatched=tuple(name for name in every if name not in outputs),
        )


def _run(
    analysis: Analysis, module: nn.Module, under: Conditions, names: Sequence[str]
) -> tuple[nn.Module, Batch, Mapping[str, Output]]:
    """A copy of a module, what it was run on, and what the parts of these names put out.

    Code that asks for values runs on values, of zeros.
    """
    dtype = getattr(torch, under.dtype)
    for device in ("meta", "cpu"):
        shadow = on_meta(module) if device == "meta" else _with_zeros(on_meta(module))
        x = zeros(analysis.graph.inputs, under.batch, dtype, device)
        try:
            return shadow, x, layer_outputs(shadow, x, names)
        except Exception as error:  # whatever a user's own module may raise
            if device == "meta" and "meta" in f"{type(error).__name__} {error}".lower():
                continue
            shapes = " and ".join([str(tuple(tensor.shape)) for tensor in x])
            raise UsageError(f"the module refuses an input of {shapes}: {error}") from error
    raise AssertionError("it ran, or raised an error")


def _with_zeros(module: nn.Module) -> nn.Module:
    """The same module on the CPU, whose values are zeros."""
    module.to_empty(device="cpu")
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.detach().zero_()
    return module


def conditions_for(module: nn.Module, batch: int) -> Conditions:
    """What the figures of a module hold for: it is measured in its own dtype, without values."""
    dtype = next((parameter.dtype for parameter in module.parameters()), torch.float32)
    return Conditions("meta", "", torch.__version__, str(dtype).removeprefix("torch."), batch)


def size_figures(
    analysis: Analysis, outputs: Mapping[str, Output], names: Collection[str]
) -> Iterator[Figure]:
    """The shape of the output, with the batch, of the layers called `names`."""
    for layer in _layers(analysis, names):
        shape = outputs[layer.name].shape if layer.name in outputs else None
        expected = (layer.batch * layer.output.items, *layer.output.shape)
        yield Figure("sizes", "output", layer.name, expected, shape)


def param_figures(
    analysis: Analysis, module: nn.Module, names: Collection[str]
) -> Iterator[Figure]:
    """Weights, biases and buffers of the layers called `names`, and of the whole."""
    measured = layer_values(module, names)
    whole = module_values(module)
    for quantity in ("weights", "biases", "buffers"):
        for layer in _layers(analysis, names):
            found = getattr(measured.get(layer.name), quantity, None)
            yield Figure("params", quantity, layer.name, getattr(layer, quantity), found)
        rule = _total(analysis, quantity)
        yield Figure("params", quantity, "", rule, getattr(whole, quantity))


def mac_figures(
    analysis: Analysis, module: nn.Module, x: Batch, names: Collection[str]
) -> Iterator[Figure]:
    """Multiply-accumulates of the layers called `names`, and of the whole."""
    measured = layer_macs(module, x)
    for layer in _layers(analysis, names):
        found = measured.get(part_name(module, layer.name), 0)
        yield _macs(layer.name, layer.macs, found)
    yield _macs("", _total(analysis, "macs"), measured[""])


def _macs(layer: str, rule: Quantity, found: int) -> Figure:
    """A count beside its measurement, which stands alone where only a part of it is known."""
    if not is_open(rule):
        return Figure("macs", "macs", layer, rule, found)
    contradicted = str(rule) if found < rule.known else None
    return Figure("macs", "macs", layer, contradicted, found, note=f"known: {rule}")


def _layers(analysis: Analysis, names: Collection[str]) -> list[LayerAnalysis]:
    return [layer for layer in analysis.used_layers if layer.name in names]


def _total(analysis: Analysis, quantity: str) -> Quantity:
    """The sum over the layers that some output depends on, in training at the least."""
    figure: Quantity = getattr(total(analysis.used_layers, analysis.bytes_each), quantity)
    return figure


def on_meta(module: nn.Module) -> nn.Module:
    """A copy of `module` without forward hooks, whose values have shapes alone.

    Raises:
        UsageError: it cannot be copied.
    """
    shadows: dict[int, object] = {}
    try:
        for parameter in module.parameters():
            meta = torch.empty_like(parameter, device="meta")
            shadows[id(parameter)] = nn.Parameter(meta, parameter.requires_grad)
        for buffer in module.buffers():
            shadows[id(buffer)] = torch.empty_like(buffer, device="meta")
        shadow = copy.deepcopy(module, shadows)
    except Exception as error:  # whatever a user's own module may raise
        name = type(module).__name__
        raise UsageError(f"the {name} cannot be copied to be measured: {error}") from error
    for part in shadow.modules():
        part._forward_hooks.clear()  # functions are not copied: they would tell the user's objects
    return shadow


def require_subjects(what: Collection[str], known: Collection[str]) -> None:
    """Raises UsageError, with a guess, where a subject is not among those `known`."""
    for subject in what:
        require_known("cannot compare", subject, known)
