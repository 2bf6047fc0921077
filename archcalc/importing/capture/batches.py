"""Runs with different batch sizes as one trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from archcalc.importing.capture.running import Run
from archcalc.importing.trace import Operation, Ref, Tensor, Varying
from archcalc.record import replace


class Differs(Exception):
    """Why runs are not one trace: where they part, in one sentence."""


class Merged(NamedTuple):
    """Runs as one: what a `Trace` has."""

    runs: list[Run]
    operations: tuple[Operation, ...]
    training_operations: tuple[Operation, ...]
    tensors: dict[int, Tensor]


def merged(runs: list[Run]) -> Merged:
    """Runs as one, with what differs in the arguments of their operators told as `Varying`.

    Raises:
        Differs: the operators are not the same in all runs, or a tensor has not the same number
            of axes.
    """
    operations = _merged([run.operations for run in runs])
    training = _merged([run.training_operations for run in runs])
    return Merged(runs, operations, training, _tensors_of(runs))


def _tensors_of(runs: Sequence[Run]) -> dict[int, Tensor]:
    found = {}
    if len({len(run.tensors) for run in runs}) > 1:
        raise Differs("other tensors are there")
    for number, seen in enumerate(zip(*[run.tensors for run in runs], strict=True)):
        first = seen[0]
        if any(len(other.shape) != len(first.shape) for other in seen):
            shapes = " and ".join([str(each.shape) for each in seen])
            raise Differs(f"a tensor has {shapes}")
        values = runs[0].constants.shown(number)
        found[number] = Tensor(tuple([each.shape for each in seen]), first.dtype, values)
    return found


def _merged(each: Sequence[Sequence[Operation]]) -> tuple[Operation, ...]:
    if len(each) == 1:
        return tuple(each[0])
    found = []
    for operations in zip(*each, strict=False):
        first = operations[0]
        for other in operations[1:]:
            if (other.operator, other.path, other.outputs, other.in_place) != (
                first.operator,
                first.path,
                first.outputs,
                first.in_place,
            ):
                raise Differs(_apart(first, other))
        arguments = _same([operation.arguments for operation in operations], first)
        inside = _merged([operation.inside for operation in operations]) if first.inside else ()
        copies = any(operation.copies for operation in operations)
        found.append(replace(first, arguments=arguments, copies=copies, inside=inside))
    if len({len(operations) for operations in each}) > 1:
        longest = max(each, key=len)
        raise Differs(f"{_said(longest[len(found)])} in one only")
    return tuple(found)


def _apart(first: Operation, other: Operation) -> str:
    counts = len(first.outputs), len(other.outputs)
    if (first.operator, first.path) == (other.operator, other.path) and counts[0] != counts[1]:
        return f"{_said(first)} gives tensors: {counts[0]} in one, {counts[1]} in the other"
    return f"{_said(first)} in one, {_said(other)} in the other"


def _said(operation: Operation) -> str:
    return f"{operation.operator} of {operation.path or operation.module}"


def _same(values: Sequence[Any], of: Operation) -> Any:
    """One argument of all runs."""
    first, *others = values
    if all(other == first and type(other) is type(first) for other in others):
        return first
    alike = all(type(other) is type(first) for other in others)
    if alike and isinstance(first, Ref):
        raise Differs(f"{_said(of)} takes different tensors")
    if alike and isinstance(first, dict) and all(other.keys() == first.keys() for other in others):
        return {key: _same([value[key] for value in values], of) for key in first}
    if alike and isinstance(first, list | tuple) and len({len(value) for value in values}) == 1:
        parts = [_same(part, of) for part in zip(*values, strict=True)]
        return parts if isinstance(first, list) else tuple(parts)
    if alike and isinstance(first, slice):
        ends = [(value.start, value.stop, value.step) for value in values]
        return slice(*[_same(end, of) for end in zip(*ends, strict=True)])
    if _has_tensors(values):
        raise Differs(f"{_said(of)} takes different tensors")
    return Varying(tuple(values))


def _has_tensors(value: Any) -> bool:
    if isinstance(value, Ref):
        return True
    if isinstance(value, dict):
        return _has_tensors(list(value.values()))
    return isinstance(value, list | tuple) and any(_has_tensors(part) for part in value)
