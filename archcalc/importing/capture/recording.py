"""What a module does while it runs, call by call as its code wrote them.

A function mode of torch sees each call before anything is taken apart: `conv2d` with its stride,
fused attention and recurrent layers whole. Hooks say which module calls. Neither leaves anything
on the module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple, Self
from weakref import ref

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode

from archcalc.errors import UsageError
from archcalc.importing.capture.arguments import bound
from archcalc.importing.capture.copying import Copy
from archcalc.importing.capture.values import values_of
from archcalc.importing.trace import CONSTANT, PARAMETER, Held, Operation, Ref

ATTENTION = "multi_head_attention_forward"

# Properties that are tensors, as the functions that say the same.
_PROPERTIES: dict[str, Callable[[Tensor], tuple[str, dict[str, Any]]]] = {
    "data": lambda x: ("detach", {}),
    "T": lambda x: ("permute", {"dims": list(range(x.dim()))[::-1]}),
    "mT": lambda x: ("transpose", {"dim0": -2, "dim1": -1}),
    "real": lambda x: ("real", {}),
    "imag": lambda x: ("imag", {}),
}

# Python's operators with a tensor on the right: the function, the arguments from right to left.
_REFLECTED = {
    "__rsub__": "sub",
    "__rdiv__": "div",
    "__rtruediv__": "div",
    "__rpow__": "pow",
    "__rmatmul__": "matmul",
    "__rmod__": "remainder",
    "__rfloordiv__": "floor_divide",
}
_SPELLED = {
    "__floordiv__": "floor_divide",
    "__pow__": "pow",
    "__ipow__": "pow_",
    "__and__": "bitwise_and",
    "__or__": "bitwise_or",
    "__xor__": "bitwise_xor",
    "__invert__": "bitwise_not",
}
# What looks something up, and where it takes what it looks up.
_LOOKING_UP = {"embedding": 0, "embedding_bag": 0, "one_hot": 0, "__getitem__": 1}
# What changes nothing that a trace is about.
_SILENT = frozenset(["requires_grad_", "retain_grad", "share_memory_"])
# What may hand back the very tensor that it was given, and then does nothing.
_DTYPES = ("float", "half", "double", "bfloat16", "int", "long", "bool")
_CONVERSIONS = frozenset([*_DTYPES, "contiguous", "to", "type", "type_as", "cpu", "cuda"])


class Seen(NamedTuple):
    """A tensor in one run."""

    shape: tuple[int, ...]
    dtype: str
    values: Any


class Called(NamedTuple):
    """A module that runs: its path, its class, which call of it this is."""

    module: nn.Module | None
    path: str
    name: str
    call: int


class WantsIntegers(Exception):
    """A module looks up what stands in inputs that are no integers: their names."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Recorder(TorchFunctionMode):
    """Writes down what runs in it."""

    def __init__(self, copy: Copy, inputs: Mapping[str, Tensor], keeps: bool = True) -> None:
        """For a run of a copy. `keeps`: every tensor is kept, so that none is taken for another."""
        super().__init__()
        self.operations: list[Operation] = []
        self.tensors: list[Seen] = []
        self.held: dict[int, Held] = {}
        self.foreign: list[str] = []
        self._copy = copy
        self._numbers: dict[int, tuple[Any, int]] = {}
        self._stack = [Called(None, "", copy.name, 1)]
        self._calls: dict[str, int] = {}
        self._keeps = keeps
        self._hooks = ExitStack()
        self.inputs = {name: self.new(tensor) for name, tensor in inputs.items()}

    def __enter__(self) -> Self:
        for handle in (
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module),
        ):
            self._hooks.callback(handle.remove)
        super().__enter__()  # type: ignore[no-untyped-call]  # torch gives it no types
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]  # as above
        self._hooks.close()

    # ----- modules -----

    def _enter_module(self, module: nn.Module, given: Any) -> None:
        path = self._copy.paths.get(id(module))
        scripted = isinstance(module, torch.jit.ScriptModule)
        name = str(module.original_name if scripted else type(module).__name__)
        if path is None:  # one that stands in no other
            path = f"{self._stack[-1].path}.{name}".lstrip(".")
        self._calls[path] = call = self._calls.get(path, 0) + 1
        self._stack.append(Called(module, path, name, call))

    def _leave_module(self, module: nn.Module, given: tuple[Any, ...], returned: Any) -> None:
        while len(self._stack) > 1 and self._stack[-1].module is not module:
            self._stack.pop()
        if isinstance(module, torch.jit.ScriptModule):  # nobody sees into it
            own = list(self._copy.scripted[id(module)])
            arguments = {"input": list(given), "parameters": own}
            self._write("ScriptModule", arguments, list(tensors_in(returned)), in_place=False)
        if len(self._stack) > 1:
            self._stack.pop()

    # ----- functions -----

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name: str = getattr(function, "__name__", "")
        if name == "__get__":
            return self._property(function, args)
        if function is Tensor.__iter__:
            return iter(self.__torch_function__(Tensor.unbind, types, (args[0], 0)))
        if function is F.multi_head_attention_forward:
            return self._attention(function, args, kwargs)
        if name in _LOOKING_UP:
            self._require_integers(name, args)
        result = function(*args, **kwargs)
        if name in _SILENT:
            return result
        if name == "_make_subclass":  # a Parameter of what was there
            self._remember(result, self.number(args[1]))
            return result
        if isinstance(result, Tensor):
            outputs = [result]
        else:
            outputs = list(tensors_in(result))
            if not outputs and name != "__setitem__":
                return result
        name = _home(function) + _SPELLED.get(name, name)
        if name in _REFLECTED:
            name, arguments = _REFLECTED[name], {"input": args[1], "other": args[0]}
            if name == "pow":
                arguments = {"input": args[1], "exponent": args[0]}
        else:
            arguments = bound(function, name, args, kwargs)
        changed = self._changed(name, arguments)
        if changed is not None:
            arguments.pop("inplace", None)
            plain = name if name.startswith("__") else name.removesuffix("_")
            self._write(plain, arguments, [changed], True)
            return result
        given = {id(value) for value in (*args, *kwargs.values()) if isinstance(value, Tensor)}
        if isinstance(result, Tensor) and id(result) in given:
            if name in _CONVERSIONS:
                return result
            # In training it is another one, such as behind a dropout.
            result = result.detach()
            outputs = [result]
        self._write(name, arguments, outputs, False)
        return result

    def _changed(self, name: str, arguments: dict[str, Any]) -> Tensor | None:
        """The tensor that a call changes, or None."""
        if isinstance(filled := arguments.get("out"), Tensor):
            return filled
        own = name == "__setitem__" or (name.endswith("_") and not name.startswith("__"))
        if own or arguments.get("inplace") is True:
            first = arguments.get("input")
            return first if isinstance(first, Tensor) else None
        arguments.pop("inplace", None)
        return None

    def _require_integers(self, name: str, args: Sequence[Any]) -> None:
        """Of what is looked up, where it comes from the inputs."""
        for index in tensors_in(args[_LOOKING_UP[name]] if len(args) > _LOOKING_UP[name] else ()):
            if index.is_floating_point():
                sources = self._inputs_of(self.number(index))
                if sources:
                    raise WantsIntegers(sources)

    def _inputs_of(self, number: int) -> frozenset[str]:
        """The inputs from which a tensor was made."""
        reached = {number}
        for operation in self.operations[::-1]:
            if not reached.isdisjoint(operation.outputs):
                reached |= set(_numbers_in(list(operation.arguments.values())))
        return frozenset(name for name, own in self.inputs.items() if own in reached)

    def _property(self, function: Any, args: tuple[Any, ...]) -> Any:
        result = function(*args)
        if not isinstance(result, Tensor):
            return result
        said = _PROPERTIES.get(getattr(function.__self__, "__name__", ""))
        if said is not None and result is not args[0]:
            name, arguments = said(args[0])
            self._write(name, {"input": args[0], **arguments}, [result], False)
        return result

    def _attention(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """As a whole, with what it is made of inside."""
        outside, self.operations = self.operations, []
        TorchFunctionMode.__enter__(self)  # type: ignore[no-untyped-call]  # as above
        try:
            result = _unasked(function)(*args, **kwargs)
        finally:
            TorchFunctionMode.__exit__(self, None, None, None)  # type: ignore[no-untyped-call]
            inside, self.operations = tuple(self.operations), outside
        arguments = bound(function, ATTENTION, args, kwargs)
        self._write(ATTENTION, arguments, list(tensors_in(result)), False, inside)
        return result

    def _write(
        self,
        operator: str,
        arguments: Mapping[str, Any],
        outputs: Sequence[Tensor],
        in_place: bool,
        inside: tuple[Operation, ...] = (),
    ) -> None:
        referring = {name: self._refer(value) for name, value in arguments.items()}
        _, path, module, call = self._stack[-1]
        numbers = [self.number(x) if inside else self.new(x) for x in outputs]
        self.operations.append(
            Operation(
                operator,
                referring,
                tuple(numbers),
                path,
                module,
                call,
                in_place,
                inside=inside,
            )
        )

    # ----- tensors -----

    def new(self, tensor: Tensor, values: Any = None) -> int:
        """The number of a tensor that has just come into being, or is another one now."""
        number = len(self.tensors)
        dtype = str(tensor.dtype).removeprefix("torch.")
        self.tensors.append(Seen(tuple(tensor.shape), dtype, values))
        self._remember(tensor, number)
        return number

    def number(self, tensor: Tensor) -> int:
        """The number of a tensor that was there before."""
        found = self._numbers.get(id(tensor))
        if found is not None and (self._keeps or found[0]() is tensor):
            return found[1]
        known = self._copy.known.get(id(tensor))
        if known is not None:
            number = self.new(tensor, None if known.held.role == PARAMETER else known.values())
            self.held[number] = known.held
            return number
        if tensor.device.type == self._copy.device.type == "meta":
            where = self._stack[-1].path or self._stack[-1].name
            raise UsageError(
                f"{where}: a tensor of shape {tuple(tensor.shape)} comes from where nothing is "
                "seen, such as a function that was compiled to TorchScript"
            )
        self.foreign.append(self._stack[-1].path)
        number = self.new(tensor, values_of(tensor))
        at = self._stack[-1].path
        self.held[number] = Held(f"{at}.constant".lstrip("."), CONSTANT, trainable=False)
        return number

    def _remember(self, tensor: Tensor, number: int) -> None:
        self._numbers[id(tensor)] = (tensor if self._keeps else ref(tensor), number)

    def _refer(self, value: Any) -> Any:
        """A value as an argument of an operation has it."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if isinstance(value, Tensor):
            return Ref(self.number(value))
        if isinstance(value, list | tuple):
            parts = [self._refer(part) for part in value]
            return parts if isinstance(value, list) else tuple(parts)
        if isinstance(value, slice):
            return slice(*[self._refer(x) for x in (value.start, value.stop, value.step)])
        if isinstance(value, dict):
            return {key: self._refer(part) for key, part in value.items()}
        return str(value).removeprefix("torch.")


_PLAIN = frozenset([int, float, bool, str, type(None), complex, type(...)])


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors of a result: alone, or in lists, tuples and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part)


def _numbers_in(value: Any) -> Iterator[int]:
    if isinstance(value, Ref):
        yield value.tensor
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _numbers_in(part)


def _home(function: Any) -> str:
    """Before the name of what is not torch's own: its library."""
    qualified: str = getattr(function, "_qualified_op_name", "")
    if not qualified and isinstance(function, torch._ops.OpOverload):
        qualified = function.overloadpacket._qualified_op_name
    library = qualified.partition("::")[0]
    return "" if library in ("", "aten") else f"{library}."


@cache
def _unasked(function: FunctionType) -> FunctionType:
    """A function of torch that does not ask whether somebody wants to see it as a whole."""
    own = {**function.__globals__, "has_torch_function": lambda tensors: False}
    return FunctionType(function.__code__, own, argdefs=function.__defaults__)
