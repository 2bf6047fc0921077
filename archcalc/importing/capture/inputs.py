"""What a module is run on: from sizes, tensors, a dict of them, or what a function makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from archcalc.errors import UsageError
from archcalc.importing.model import Input

# Names by which modules call what they look up: numbers, and no images.
_LOOKED_UP = frozenset(["ids", "idx", "indices", "token", "tokens", "attention_mask"])


class Example(NamedTuple):
    """One input.

    Attributes:
        name: as the module's `forward` calls it.
        shape: for one image, but that of the whole where it is not `batched`.
        dtype: its dtype.
        batched: whether its first axis is the batch.
        given: the tensor itself, where a user gave one.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    batched: bool = True
    given: Tensor | None = None

    def with_batch(self, batch: int) -> tuple[int, ...]:
        """The shape of the tensor for so many images."""
        return (batch, *self.shape) if self.batched else self.shape


Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Inputs:
    """The inputs of a module: what it is called with for any batch."""

    def __init__(self, arguments: Callable[[int], Arguments]) -> None:
        """`arguments(batch)` are those of `forward`, with an `Example` for each tensor."""
        self._arguments = arguments

    def sizes(self, batch: int) -> str:
        """The sizes of all, for messages."""
        examples = _examples(self._arguments(batch))
        return " and ".join([str(example.with_batch(batch)) for example in examples])

    def called_with(
        self, batch: int, make: Callable[[Example, int], Tensor]
    ) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, Tensor]]:
        """Arguments, arguments by name, and the tensors among them by the inputs' names."""
        made: dict[str, Tensor] = {}

        def tensor(example: Example) -> Tensor:
            made[example.name] = make(example, batch)
            return made[example.name]

        args, kwargs = _mapped(self._arguments(batch), tensor)
        named = {"input": next(iter(made.values()))} if len(made) == 1 else made
        return args, kwargs, named

    def with_integers(self, names: frozenset[str]) -> Inputs:
        """The same with integers for the inputs of these names; of a single one, for that."""

        def integers(example: Example) -> Example:
            wanted = example.name in names or names == {"input"}
            return example._replace(dtype=torch.int64) if wanted else example

        return Inputs(lambda batch: _mapped(self._arguments(batch), integers))


def _mapped(value: Any, change: Callable[[Example], Any]) -> Any:
    """A nest of arguments with `change` of each example in it."""
    if isinstance(value, Example):
        return change(value)
    if isinstance(value, list):
        return [_mapped(part, change) for part in value]
    if isinstance(value, dict):
        return {key: _mapped(part, change) for key, part in value.items()}
    return tuple(_mapped(part, change) for part in value) if type(value) is tuple else value


def _examples(value: Any) -> list[Example]:
    """All that are in a nest of arguments, in order."""
    found: list[Example] = []
    _mapped(value, found.append)
    return found


def inputs_of(module: nn.Module, given: Any) -> Inputs:
    """What `module` is run on.

    Args:
        given: the size of one image `(3, 224, 224)`, an `Input`, or a tensor with its batch;
            several of them in a list, or by the names of `forward`'s arguments in a dict; a
            function that makes tensors with the batch that it is called with; or None where the
            module carries what it was made for (timm's and transformers' do).

    Raises:
        UsageError: it is nothing of these; `forward` needs more than is given.
    """
    given = _own_inputs(module) if given is None else given
    if callable(given):
        return Inputs(lambda batch: _arguments(module, given(batch)))
    args, kwargs = _arguments(module, given)
    tensors = [x for x in _examples((args, kwargs)) if x.given is not None]
    images = tensors[0].shape[:1] if tensors else ()

    def without_batch(example: Example) -> Example:
        """The first axis of the first tensor is the batch of all."""
        if example.given is None:
            return example
        batched = bool(images) and example.shape[:1] == images
        return example._replace(batched=batched, shape=example.shape[1 if batched else 0 :])

    arguments: Arguments = _mapped((args, kwargs), without_batch)
    return Inputs(lambda batch: arguments)


def _arguments(module: nn.Module, given: Any) -> Arguments:
    """What is given as arguments of `forward`; tensors with their batch, as they are."""
    parameters = _parameters(module)
    floating = (x.dtype for x in (*module.parameters(), *module.buffers()) if x.is_floating_point())
    dtype = next(floating, torch.get_default_dtype())
    if isinstance(given, Mapping):
        if _takes_any_name(module) or all(name in parameters for name in given):
            return (), {n: _example(n, x, parameters.get(n), dtype) for n, x in given.items()}
        given = [given]
    elif _is_one(given):
        given = [given]
    elif not isinstance(given, list | tuple):
        raise UsageError(f"a size such as (3, 224, 224), not {given!r}", "input")
    names = [*parameters][: len(given)]
    names += [f"input_{index}" for index in range(len(names), len(given))]
    needed = [name for name, p in parameters.items() if p.default is p.empty]
    if missing := needed[len(given) :]:
        called = f"{type(module).__name__}.forward takes {', '.join(needed)}"
        raise UsageError(f"{called}: give a size for {' and '.join(missing)} too", "input")
    pairs = zip(names, given, strict=True)
    return tuple([_example(n, x, parameters.get(n), dtype) for n, x in pairs]), {}


def _is_one(given: Any) -> bool:
    """Whether it is a single input and no list of them."""
    if isinstance(given, Tensor | Input):
        return True
    return (
        isinstance(given, list | tuple)
        and len(given) > 0
        and all(isinstance(x, int | float) and not isinstance(x, bool) for x in given)
    )


def _example(name: str, given: Any, parameter: Any, dtype: torch.dtype) -> Any:
    if isinstance(given, Tensor):
        return Example(name, tuple(given.shape), given.dtype, batched=False, given=given)
    if isinstance(given, Input):
        if given.dtype is not None:
            dtype = getattr(torch, given.dtype)
        elif _is_looked_up(name, parameter):
            dtype = torch.int64
        return Example(name, tuple(given.shape), dtype)
    if _is_one(given):
        chosen = torch.int64 if _is_looked_up(name, parameter) else dtype
        for size in given:
            if size < 1 or not isinstance(size, int):
                raise UsageError(f"a size of {size} in {tuple(given)}", "input")
        return Example(name, tuple(given), chosen)
    if isinstance(given, list | tuple):
        parts = [_example(f"{name}_{i}", x, None, dtype) for i, x in enumerate(given)]
        return parts if isinstance(given, list) else tuple(parts)
    if isinstance(given, Mapping):
        return {key: _example(f"{name}_{key}", x, None, dtype) for key, x in given.items()}
    return given  # a number, a flag, None


def _is_looked_up(name: str, parameter: Any) -> bool:
    written = str(getattr(parameter, "annotation", ""))
    return name in _LOOKED_UP or name.endswith("_ids") or "LongTensor" in written


def _parameters(module: nn.Module) -> dict[str, inspect.Parameter]:
    """The arguments of `forward` that can be given by position or by name."""
    try:
        found = inspect.signature(module.forward).parameters
    except (TypeError, ValueError):
        return {}
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    return {name: p for name, p in found.items() if p.kind in kinds}


def _takes_any_name(module: nn.Module) -> bool:
    try:
        found = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.kind in (p.VAR_KEYWORD, p.KEYWORD_ONLY) for p in found)


def _own_inputs(module: nn.Module) -> Any:
    """What a module says that it was made for."""
    for name in ("pretrained_cfg", "default_cfg"):  # timm's
        own = getattr(module, name, None)
        if isinstance(own, Mapping) and (size := own.get("input_size")):
            return tuple(size)
    own = getattr(module, "dummy_inputs", None)  # transformers'
    if isinstance(own, Mapping) and own:
        return own
    parameters = _parameters(module)
    needed = [name for name, p in parameters.items() if p.default is p.empty]
    own = f"{type(module).__name__}.forward"
    if len(needed) > 1:
        raise UsageError(f"which sizes have {' and '.join(needed)} of {own}? give each", "input")
    tokens = all(_is_looked_up(name, parameters[name]) for name in needed) and needed
    example = "77 (tokens)" if tokens else "3x224x224 (an image)"
    raise UsageError(
        f"which size has {''.join(needed) or 'the input'} of {own}? {example}?", "input"
    )
