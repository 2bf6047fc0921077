"""A layer and the shapes of its inputs -> the module that its spelling says.

A module takes tensors (N, C, n…) and its state dict has the names and shapes that the layer's rule
states. Options go to torch as they stand in the spec, so that torch judges them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import nn

from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.layers import Layer
from archcalc.torch_backend import (
    convolution_modules,
    interpolating_modules,
    joining_modules,
    modules,
    norm_modules,
    quantizing_modules,
    token_modules,
)
from archcalc.torch_spelling import Setting, Spelling, spell

_OURS = (
    modules,
    convolution_modules,
    joining_modules,
    norm_modules,
    token_modules,
    convolution_modules,
    interpolating_modules,
    quantizing_modules,
)
_ON_ITS_INPUTS = re.compile(r"\{module\}\((?:\{\d+\}(?:, )?)*\)")


def module_for(layer: Layer, *inputs: FeatureMap) -> nn.Module:
    """The module that does what `layer` does to inputs of these shapes, one for each branch.

    Raises:
        UsageError: its kind has no spelling, or one that does not say what to build.
        Exception: whatever torch raises of options that it refuses.
    """
    spelling = spell(layer, Setting(inputs))
    module = _module(spelling, layer)
    if not spelling.parametrized:
        return module
    parametrize: Callable[[nn.Module], nn.Module]
    parametrize = getattr(nn.utils.parametrizations, spelling.parametrized)
    return parametrize(module)


def _module(spelling: Spelling, layer: Layer) -> nn.Module:
    built = spelling.built
    if built is not None and not built.around:
        return _made(built.name, **built.options)
    if spelling.callee is None:
        figures = {argument.name: argument.value for argument in spelling.arguments}
        return modules.Expression(spelling.call, figures)
    if built is None and not _ON_ITS_INPUTS.fullmatch(spelling.call):
        raise UsageError(f"the torch spelling of {layer.kind!r} needs `built`: {spelling.call}")
    made_with = [argument for argument in spelling.arguments if not argument.in_call]
    module = _made(
        spelling.callee,
        *[argument.value for argument in made_with if argument.positional],
        **{argument.name: argument.value for argument in made_with if not argument.positional},
    )
    return module if built is None else _made(built.name, module, **built.options)


def _made(callee: str, *arguments: object, **options: object) -> nn.Module:
    """A module of a class of torch's, of ours, or of a package that brings a kind of its own."""
    home, _, name = callee.rpartition(".")
    ours = next((each for each in _OURS if hasattr(each, name)), modules)
    where: Any = {"nn": nn, "": ours}.get(home) or import_module(home)
    module: nn.Module = getattr(where, name)(*arguments, **options)
    return module
