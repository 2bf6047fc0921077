"""The arguments of a call by their names in torch's documentation, whatever the way of calling."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

# What torch's functions of Python and those of C call differently.
_NAMES = {"self": "input", "split_size_or_sections": "split_size"}
# numpy's words, which torch takes as well.
_AS_IN_NUMPY = {"x": "input", "a": "input", "x1": "input", "x2": "other", "axis": "dim"}
_AS_IN_NUMPY |= {"keepdims": "keepdim"}
# Functions of Python whose first argument has another name than that of the method.
_FIRST = {"split": "tensor"}


class _Parameter(NamedTuple):
    """One argument that an operator takes, of which kind by its schema; any where it is empty."""

    name: str
    kind: str = ""
    by_name: bool = False
    several: bool = False


_Form = tuple[_Parameter, ...]


def bound(
    function: Callable[..., Any], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments by name.

    Several that are given one by one where one list would do (`x.view(2, 3)`) are that list. What
    no schema knows is called by its position: "argument_1".
    """
    if name == "einsum":  # hides them behind `*args`
        return {"equation": args[0], "operands": list(args[1:])}
    form = _form_for(_forms_of(function, name), args, kwargs)
    found: dict[str, Any] = {}
    for position, value in enumerate(args):
        if position >= len(form) or form[position].by_name:
            found["input" if position == 0 else f"argument_{position}"] = value
        elif form[position].several and not (len(args) == position + 1 and _is_list(value)):
            found[form[position].name] = list(args[position:])
            break
        else:
            found[form[position].name] = value
    known = {parameter.name for parameter in form}
    for key, value in kwargs.items():
        if key.startswith("_") or (key == "out" and value is None):
            continue  # what torch tells itself
        key = _NAMES.get(key, key)
        found[key if key in known else _AS_IN_NUMPY.get(key, key)] = value
    if (first := _FIRST.get(name)) in found:
        found = {"input" if key == first else key: value for key, value in found.items()}
    return found


def _form_for(forms: Sequence[_Form], args: Sequence[Any], kwargs: Mapping[str, Any]) -> _Form:
    """The first of the forms that the arguments fit."""
    if len(forms) == 1:
        return forms[0]
    for strictly in (True, False):
        for form in forms:
            if _fits(form, args, kwargs, strictly):
                return form
    return ()


def _fits(form: _Form, args: Sequence[Any], kwargs: Mapping[str, Any], strictly: bool) -> bool:
    """Whether a call has this form; `strictly` where a number is not to be taken as a tensor."""
    by_position = [parameter for parameter in form if not parameter.by_name]
    if len(args) > len(by_position) and not (by_position and by_position[-1].several):
        return False
    names = {parameter.name for parameter in form}
    given = {_NAMES.get(key, key) for key in kwargs}
    if not all(key in names or _AS_IN_NUMPY.get(key) in names for key in given):
        return False
    return all(
        _is(value, parameter, strictly) for value, parameter in zip(args, by_position, strict=False)
    )


def _is(value: object, parameter: _Parameter, strictly: bool) -> bool:
    """Whether a value can be what a schema calls such a thing."""
    kind = parameter.kind
    if optional := kind.startswith("Optional["):
        kind = kind[len("Optional[") : -1]
    if not kind or value is None:
        return not kind or optional
    for types, kinds in _KINDS:
        if isinstance(value, types):
            return kind in kinds and not (
                strictly and kind == "Tensor" and not isinstance(value, Tensor)
            )
    return kind.startswith("List[") if _is_list(value) else True


# What a value of Python can be in a schema, the first that it is an instance of.
_KINDS: tuple[tuple[tuple[type, ...], tuple[str, ...]], ...] = (
    ((Tensor,), ("Tensor", "number", "float", "int")),
    ((bool,), ("bool", "number", "Tensor")),
    ((int,), ("int", "float", "number", "Tensor", "List[int]", "List[float]")),
    ((float,), ("float", "number", "Tensor", "List[float]")),
    ((torch.dtype,), ("ScalarType",)),
    ((torch.device,), ("Device",)),
    ((str,), ("str", "Device")),
)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


@cache
def _forms_of(function: Callable[..., Any], name: str) -> tuple[_Form, ...]:
    """The ways to call a function, by its signature or its schemas."""
    if name in _WITHOUT_SCHEMA:
        return (tuple([_Parameter(each) for each in _WITHOUT_SCHEMA[name]]),)
    if inspect.isfunction(inspect.unwrap(function)) and name not in _HIDING:
        return (_form_of_python(function),)
    library, _, short = name.rpartition(".")
    schemas = torch._C._jit_get_schemas_for_operator(f"{library or 'aten'}::{short}")
    forms = [_form_of(schema) for schema in schemas if _is_callable(schema)]
    return tuple(forms) or ((_Parameter("input"),),)


_WITHOUT_SCHEMA = {
    "__getitem__": ("input", "index"),
    "__setitem__": ("input", "index", "value"),
    "type": ("input", "dtype"),
}
# Functions of Python that hide what they take behind `*args`.
_HIDING = frozenset([f"{way}max_pool{axes}d" for way in ("", "adaptive_") for axes in (1, 2, 3)])


def _form_of_python(function: Callable[..., Any]) -> _Form:
    parameters = inspect.signature(function).parameters.values()
    return tuple(
        _Parameter(
            _NAMES.get(parameter.name, parameter.name),
            by_name=parameter.kind is parameter.KEYWORD_ONLY,
            several=parameter.kind is parameter.VAR_POSITIONAL,
        )
        for parameter in parameters
        if parameter.kind is not parameter.VAR_KEYWORD
    )


def _is_callable(schema: Any) -> bool:
    """Whether Python's torch has this form: not with results to fill, names of axes, no tensor."""
    kinds = [str(argument.real_type) for argument in schema.arguments]
    results = any(argument.is_out for argument in schema.arguments)
    scripts = schema.overload_name.startswith("prim_") or any(kind == "t" for kind in kinds)
    return not (results or scripts or any("Dimname" in kind for kind in kinds))


def _form_of(schema: Any) -> _Form:
    """Of a schema. A list of numbers that is alone beside a tensor can be given one by one."""
    kinds = [str(argument.real_type) for argument in schema.arguments]
    own = [i for i, argument in enumerate(schema.arguments) if not argument.kwarg_only]
    rest = own[1:] if own and kinds[own[0]] == "Tensor" else own
    alone = rest[0] if len(rest) == 1 and kinds[rest[0]] in _LISTS else None
    return tuple(
        _Parameter(
            _NAMES.get(argument.name, argument.name),
            kinds[index],
            by_name=argument.kwarg_only,
            several=index == alone,
        )
        for index, argument in enumerate(schema.arguments)
    )


_LISTS = frozenset(["List[int]", "Optional[List[int]]"])
