"""What a module does while it runs, call by call as its code wrote them.

A function mode of torch sees each call before anything is taken apart: `conv2d` with its stride,
fused attention and recurrent layers whole. Hooks say which module calls. Neither leaves anything
on the module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from math import prod
from types import FunctionType
from typing import Any, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode

from archcalc.importing.capture.arguments import bound
from archcalc.importing.capture.constants import ASKING, MOST_COMPUTED, Unknown
from archcalc.importing.capture.copying import Copy
from archcalc.importing.capture.numbering import Numbering, mapped, numbers_in, tensors_in
from archcalc.importing.capture.shapes import known_output
from archcalc.importing.trace import Operation

ATTENTION = "multi_head_attention_forward"

# Properties that are tensors, as the functions that say the same.
_PROPERTIES: dict[str, Callable[[Tensor], tuple[str, dict[str, Any]]]] = {
    "data": lambda x: ("detach", {}),
    "T": lambda x: ("permute", {"dims": list(range(x.dim()))[::-1]}),
    "mT": lambda x: ("transpose", {"dim0": -2, "dim1": -1}),
    "H": lambda x: ("adjoint", {}),
    "mH": lambda x: ("adjoint", {}),
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
# What gives a copy where it can give no view.
_MAY_COPY = frozenset(["reshape", "flatten", "reshape_as", "ravel", "contiguous", "clone"])
# What changes nothing that a trace is about.
_SILENT = frozenset(["requires_grad_", "retain_grad", "share_memory_"])
# What may hand back the very tensor that it was given, and then does nothing.
_DTYPES = ("float", "half", "double", "bfloat16", "int", "long", "bool")
_CONVERSIONS = frozenset([*_DTYPES, "contiguous", "to", "type", "type_as", "cpu", "cuda"])


class Called(NamedTuple):
    """A module that runs: its path, its class, which call of it, after how many operations."""

    module: nn.Module | None
    path: str
    name: str
    call: int
    start: int


class WantsIntegers(Exception):
    """A module looks up what stands in inputs that are no integers: their names."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Recorder(TorchFunctionMode):
    """Writes down what runs in it.

    Attributes:
        operations: what ran.
        inputs: the numbers of the inputs, by name.
        numbering: the tensors that were seen.
    """

    def __init__(
        self, copy: Copy, inputs: Mapping[str, Tensor], *, keeps: bool, again: bool
    ) -> None:
        """For a run of a copy.

        Args:
            keeps: every tensor is kept, so that none is taken for another.
            again: the module ran already with another batch, so that what torch accepts is known.
        """
        super().__init__()
        self._again = again
        self.operations: list[Operation] = []
        self.numbering = Numbering(copy, keeps, lambda: self._stack[-1].path)
        self.inputs = {name: self.numbering.new(tensor) for name, tensor in inputs.items()}
        self._copy = copy
        self._stack = [Called(None, "", copy.name, 1, 0)]
        self._calls: dict[str, int] = {}
        self._hooks = ExitStack()

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
        self._stack.append(Called(module, path, name, call, len(self.operations)))

    def _leave_module(self, module: nn.Module, given: tuple[Any, ...], returned: Any) -> Any:
        while len(self._stack) > 1 and self._stack[-1].module is not module:
            self._stack.pop()
        if isinstance(module, torch.jit.ScriptModule):  # nobody sees into it
            own = list(self._copy.scripted[id(module)])
            arguments = {"input": list(given), "parameters": own}
            self._write("ScriptModule", arguments, list(tensors_in(returned)))
        elif self._hands_on(module, given, returned):
            with torch._C.DisableTorchFunction():  # a hook is nobody's call
                another = returned.detach()
            self._write("identity", {"input": returned}, [another])
            returned = another
        if len(self._stack) > 1:
            self._stack.pop()
        return returned

    def _hands_on(self, module: nn.Module, given: tuple[Any, ...], returned: Any) -> bool:
        """Whether a module does nothing with what it takes, such as one that drops paths."""
        return (
            isinstance(returned, Tensor)
            and any(returned is x for x in given)
            and self._stack[-1].start == len(self.operations)
            and not module._modules
            and type(module) is not nn.Identity
        )

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
        result = self._result(function, name, args, kwargs)
        if name in _SILENT:
            return result
        if name == "_make_subclass":  # a Parameter of what was there
            self.numbering.same(result, self.numbering.number(args[1]))
            return result
        outputs = [result] if isinstance(result, Tensor) else list(tensors_in(result))
        if not outputs and name != "__setitem__":
            return result
        name, arguments = _named(function, name, args, kwargs)
        changed = _changed(name, arguments)
        if changed is not None:
            values = self._changed_values(function, args, kwargs, changed)
            plain = name if name.startswith("__") else name.removesuffix("_")
            operation = self._write(plain, arguments, [changed], in_place=True)
            if values is not None:
                self.numbering.constants.learn(operation.outputs[0], values)
            if changed._base is not None and self.numbering.knows(changed._base):
                arguments = {"input": changed._base, "value": changed}
                self._write("change_of_view", arguments, [changed._base], in_place=True)
            return result
        if isinstance(result, Tensor) and any(result is x for x in (*args, *kwargs.values())):
            if name in _CONVERSIONS:
                return result
            # In training it is another one, such as behind a dropout.
            result = result.detach()
            outputs = [result]
        if self.numbering.on_meta and not outputs[0].is_meta:
            return self._with_values(name, arguments, result)
        operation = self._write(name, arguments, outputs)
        if self.numbering.on_meta:
            self._learn(function, args, kwargs, operation)
        return result

    def _result(
        self, function: Callable[..., Any], name: str, args: Any, kwargs: Mapping[str, Any]
    ) -> Any:
        """What a call gives; on the meta device also where that needs values that are at hand."""
        if not self.numbering.on_meta:
            return function(*args, **kwargs)
        constants, number = self.numbering.constants, self.numbering.number
        if name in ASKING:
            with suppress(Unknown):
                return constants.of_call(function, args, kwargs, number)
        known = known_output(function, args, kwargs, ran=self._again)
        if known is not None:
            return known
        try:
            return function(*args, **kwargs)
        except Exception:
            with suppress(Unknown):
                return constants.of_call(function, args, kwargs, number)
            if name in ("cpu", "cuda"):
                return args[0]
            named = {key: mapped(value, self._moved) for key, value in kwargs.items()}
            return function(*mapped(args, self._moved), **named)

    def _moved(self, value: Any) -> Any:
        """To the meta device: what has values, the name of another device."""
        if isinstance(value, Tensor):
            return self.numbering.twin(value)
        device = isinstance(value, torch.device)
        if device or (isinstance(value, str) and value.startswith(("cpu", "cuda"))):
            return torch.device("meta")
        return value

    def _with_values(self, name: str, arguments: Mapping[str, Any], result: Any) -> Any:
        """Of a result with values: tensors without, of which the values are known."""
        twins = mapped(result, lambda x: x.to("meta") if isinstance(x, Tensor) else x)
        operation = self._write(name, arguments, list(tensors_in(twins)))
        for number, values in zip(operation.outputs, tensors_in(result), strict=True):
            self.numbering.constants.learn(number, values)
        return twins

    def _learn(
        self, function: Callable[..., Any], args: Any, kwargs: Any, operation: Operation
    ) -> None:
        """The values that a call gives, where those of its arguments are at hand."""
        constants, seen = self.numbering.constants, self.numbering.tensors[operation.outputs[0]]
        if prod(seen.shape) > MOST_COMPUTED:
            return
        with suppress(Unknown):
            values = constants.of_call(function, args, kwargs, self.numbering.number)
            for number, each in zip(operation.outputs, tensors_in(values), strict=True):
                constants.learn(number, each)

    def _changed_values(
        self, function: Callable[..., Any], args: Any, kwargs: Any, changed: Tensor
    ) -> Tensor | None:
        """The values of a tensor after a call that changes it, where they are at hand."""
        constants, number = self.numbering.constants, self.numbering.number
        try:
            constants.of_call(function, args, kwargs, number)
            return constants.of(number(changed))
        except Unknown:
            constants.forget_what_shares(number(changed))
            return None

    def _require_integers(self, name: str, args: Sequence[Any]) -> None:
        """Of what is looked up, where it comes from the inputs."""
        for index in tensors_in(args[_LOOKING_UP[name]] if len(args) > _LOOKING_UP[name] else ()):
            if index.is_floating_point():
                sources = self._inputs_of(self.numbering.number(index))
                if sources:
                    raise WantsIntegers(sources)

    def _inputs_of(self, number: int) -> frozenset[str]:
        """The inputs from which a tensor was made."""
        reached = {number}
        for operation in self.operations[::-1]:
            if not reached.isdisjoint(operation.outputs):
                reached |= set(numbers_in(operation.arguments))
        return frozenset(name for name, own in self.inputs.items() if own in reached)

    def _property(self, function: Any, args: tuple[Any, ...]) -> Any:
        result = function(*args)
        if not isinstance(result, Tensor):
            return result
        said = _PROPERTIES.get(getattr(function.__self__, "__name__", ""))
        if said is not None and result is not args[0]:
            name, arguments = said(args[0])
            self._write(name, {"input": args[0], **arguments}, [result])
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
        self._write(ATTENTION, arguments, list(tensors_in(result)), inside=inside)
        return result

    def _write(
        self,
        operator: str,
        arguments: Mapping[str, Any],
        outputs: Sequence[Tensor],
        *,
        in_place: bool = False,
        inside: tuple[Operation, ...] = (),
    ) -> Operation:
        numbering = self.numbering
        referring = {name: numbering.refer(value) for name, value in arguments.items()}
        _, path, module, call, _ = self._stack[-1]
        numbers = tuple([numbering.number(x) if inside else numbering.new(x) for x in outputs])
        operation = Operation(
            operator,
            referring,
            numbers,
            path,
            module,
            call,
            in_place,
            copies=operator in _MAY_COPY and _is_copy(outputs[0], arguments["input"]),
            inside=inside,
        )
        self.operations.append(operation)
        return operation


def _is_copy(tensor: Tensor, of: Tensor) -> bool:
    """Whether a tensor lies elsewhere than another."""
    return bool(tensor.untyped_storage()._cdata != of.untyped_storage()._cdata)


def _named(
    function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """What a call is called, and its arguments by name."""
    if name in _REFLECTED:
        second = "exponent" if name == "__rpow__" else "other"
        return _REFLECTED[name], {"input": args[1], second: args[0]}
    name = _home(function) + _SPELLED.get(name, name)
    return name, bound(function, name, args, kwargs)


def _changed(name: str, arguments: dict[str, Any]) -> Tensor | None:
    """The tensor that a call changes, or None. Takes out what says that it does."""
    in_place = arguments.pop("inplace", None)
    if isinstance(filled := arguments.get("out"), Tensor):
        return filled
    own = name == "__setitem__" or (name.endswith("_") and not name.startswith("__"))
    first = arguments.get("input")
    return first if (own or in_place is True) and isinstance(first, Tensor) else None


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
