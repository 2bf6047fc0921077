"""What a module does in training beside: whole paths that it drops, heads for losses alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archcalc.importing.capture.numbering import numbers_in
from archcalc.importing.capture.running import Run
from archcalc.importing.trace import Operation, Ref
from archcalc.record import replace

IDENTITY = "identity"
DROP_PATH = "drop_path"


def may_differ(run: Run) -> bool:
    """Whether a run leaves something out that training may do."""
    passed = any(operation.operator == IDENTITY for operation in run.operations)
    return passed or any(held.trainable for held in run.unused)


def has_heads(run: Run, training: Run) -> bool:
    """Whether modules run in training that do not run else."""
    entered = {operation.path for operation in run.operations}
    return any(operation.path not in entered for operation in training.operations)


def with_training(run: Run, training: Run) -> Run:
    """A run in evaluation mode with what one in training does beside.

    A module that hands on what it takes, and in training multiplies it by one random value for
    each image, drops a path. Modules that run in training alone are heads.
    """
    operations, final = _with_drops(run, training)
    found = run._replace(operations=operations)
    return _with_heads(found, training, final)


def _with_drops(run: Run, training: Run) -> tuple[list[Operation], dict[int, int]]:
    """The operations, and what the results of dropped paths in training are in evaluation."""
    by_call: dict[tuple[str, int], list[Operation]] = {}
    for operation in training.operations:
        by_call.setdefault((operation.path, operation.call), []).append(operation)
    operations, final = [], {}
    for operation in run.operations:
        group = by_call.get((operation.path, operation.call), [])
        if operation.operator == IDENTITY and group:
            final[group[-1].outputs[-1]] = operation.outputs[0]
            p = _probability(group, training)
            if p is not None:
                arguments = {**operation.arguments, "p": p}
                operation = replace(operation, operator=DROP_PATH, arguments=arguments)
        operations.append(operation)
    return operations, final


def _probability(group: Sequence[Operation], training: Run) -> float | None:
    """With which a call drops the path of an image; None where it does something else."""
    images = training.tensors[group[-1].outputs[-1]].shape[:1]
    for operation in group:
        if operation.operator in ("bernoulli", "rand"):
            shape = training.tensors[operation.outputs[0]].shape
            if shape[:1] == images and set(shape[1:]) <= {1}:
                return _dropped(operation, group)
    return None


def _dropped(noise: Operation, group: Sequence[Operation]) -> float | None:
    """1 - p of Bernoulli's; or of floor(p + random), which is the same."""
    if noise.operator == "bernoulli":
        kept = noise.arguments.get("p")
        return round(1 - kept, 12) if isinstance(kept, float) else None
    for operation in group:
        if operation.operator == "add" and noise.outputs[0] in numbers_in(operation.arguments):
            for kept in operation.arguments.values():
                if isinstance(kept, float):
                    return round(1 - kept, 12)
    return None


def _with_heads(run: Run, training: Run, final: dict[int, int]) -> Run:
    """With the modules that run in training alone, where they take what others make."""
    entered = {operation.path for operation in run.operations}
    known = {number: run.inputs[name] for name, number in training.inputs.items()} | final
    held = dict(run.held)
    by_name = {each.name: number for number, each in held.items()}
    made = {key: (n, each) for n, (key, each) in enumerate(_keyed(run.operations), 1)}
    tensors, heads, before, places = list(run.tensors), [], 0, {}

    def number(own: int) -> int:
        """The number in the run of a tensor of training."""
        if own not in known and own in training.held:
            name = training.held[own].name
            if name not in by_name:
                by_name[name] = len(tensors)
                held[len(tensors)] = training.held[own]
                tensors.append(training.tensors[own])
            known[own] = by_name[name]
        return known[own]

    for key, operation in _keyed(training.operations):
        if key in made:
            before, there = made[key]
            for own, other in zip(operation.outputs, there.outputs, strict=False):
                known.setdefault(own, other)
        elif operation.path not in entered:
            try:
                arguments = _renumbered(operation.arguments, number)
            except KeyError:  # it takes what another one changed in training
                return run
            start = len(tensors)
            outputs = range(start, start + len(operation.outputs))
            known |= dict(zip(operation.outputs, outputs, strict=True))
            tensors += [training.tensors[own] for own in operation.outputs]
            places[start] = before
            heads.append(replace(operation, arguments=arguments, outputs=tuple(outputs), inside=()))
    made_there = {n for head in heads for n in head.outputs}
    ends = {name: known.get(n, -1) for name, n in training.outputs.items()}
    ends = {name: n for name, n in ends.items() if n in made_there}
    needed = _needed(heads, ends.values())
    taken = {n for head in needed for n in numbers_in(head.arguments)}
    held = {number: each for number, each in held.items() if number in run.held or number in taken}
    names = {each.name for each in held.values()}
    return run._replace(
        tensors=tensors,
        held=held,
        unused={each: shape for each, shape in run.unused.items() if each.name not in names},
        training_operations=needed,
        training_outputs=ends,
        training_places=places,
    )


def _needed(operations: Sequence[Operation], outputs: Iterable[int]) -> list[Operation]:
    """Those that the outputs need; a batch norm's counter, for one, is for nobody."""
    needed, found = set(outputs), []
    for operation in reversed(operations):
        if not needed.isdisjoint(operation.outputs):
            needed.update(numbers_in(operation.arguments))
            found.append(operation)
    return found[::-1]


def _keyed(operations: Iterable[Operation]) -> Iterator[tuple[tuple[Any, ...], Operation]]:
    """Operations by what is the same in training: where they stand, what they are, which it is."""
    met: Counter[tuple[Any, ...]] = Counter()
    for operation in operations:
        place = operation.path, operation.call, operation.operator
        met[place] += 1
        yield (*place, met[place]), operation


def _renumbered(value: Any, number: Any) -> Any:
    if isinstance(value, Ref):
        return Ref(number(value.tensor))
    if isinstance(value, dict):
        return {key: _renumbered(part, number) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [_renumbered(part, number) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    return value
