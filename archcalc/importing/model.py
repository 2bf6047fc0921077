"""A model from elsewhere as the statements of a spec: its layers, named, with nothing repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archcalc.record import Record
from archcalc.spec.writing import mapping, scalar, text_of


class Statement(Record):
    """One layer, as a spec states it.

    Attributes:
        kind: the layer kind.
        name: unique; dots separate the modules that it stood in.
        inputs: the layers, or inputs of the model, that it takes; none of a source.
        fields: what else the spec says of it, without what is at its default.
        weights: the layer whose weights it shares, or None.
        shape: of its output for one image as the model had it, to hold the walk to; or None.
        head: the head for training alone that it stands in, which its name begins with; or empty.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    fields: Mapping[str, Any] = {}
    weights: str | None = None
    shape: tuple[int, ...] | None = None
    head: str = ""


class Input(Record):
    """An input of a model: its shape for one image, and its dtype where that is not a float's."""

    shape: tuple[int, ...]
    dtype: str | None = None


class Model(Record):
    """A model from elsewhere.

    Attributes:
        name: what it is called, as a name of the language.
        origin: one line that says where it comes from (`source` in the spec).
        inputs: by name.
        statements: its layers, each after those that it takes.
        outputs: the layers whose outputs leave it, by the outputs' names; None for the last one.
        notes: what whoever sees the figures should know: a sentence each.
        modules: the classes of the modules that its layers stood in, by dotted name.
        macs: of an image, as another counter has them; None where none has counted.
    """

    name: str
    origin: str
    inputs: Mapping[str, Input]
    statements: tuple[Statement, ...]
    outputs: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()
    modules: Mapping[str, str] = {}
    macs: int | None = None


def flat_spec(model: Model) -> str:
    """The text of a spec of a model: a line for each layer, and no blocks."""
    return "\n".join([*_head(model), "layers:", *_layers(model)]) + "\n"


def _head(model: Model) -> Iterator[str]:
    yield f"name: {scalar(model.name)}"
    yield f"source: {scalar(model.origin)}"
    first, *others = model.inputs.items()
    if not others and first[0] == "input" and first[1].dtype is None:
        yield f"input: {text_of(first[1].shape)}"
    else:
        yield "inputs:"
        for name, input in model.inputs.items():
            given = {"shape": text_of(input.shape)}
            if input.dtype is not None:
                given["dtype"] = input.dtype
            yield f"  {scalar(name)}: {mapping(given)}"
    if model.outputs is not None:
        named = {scalar(name): scalar(layer) for name, layer in model.outputs.items()}
        yield f"outputs: {mapping(named)}"


def _layers(model: Model) -> Iterator[str]:
    previous, head = next(iter(model.inputs)), ""
    last_of = {statement.head: statement for statement in model.statements}
    for statement in model.statements:
        if statement.head != head:
            previous, head = "", statement.head
            if head:
                yield f"  - head: {{name: {scalar(head)}, training_only: true, layers: ["
        line = _layer(statement, previous, f"{head}." if head else "")
        yield f"      {line}," if head else f"  - {line}"
        if head and statement is last_of[head]:
            yield "    ]}"
        previous = statement.name


def _layer(statement: Statement, previous: str, head: str) -> str:
    """A layer, inside a head by the names that it has there."""
    inputs = [name.removeprefix(head) for name in statement.inputs]
    keys = {"name": scalar(statement.name.removeprefix(head))}
    if len(inputs) > 1:
        keys["from"] = text_of(inputs)
    elif inputs and statement.inputs[0] != previous:
        keys["from"] = scalar(inputs[0])
    if statement.weights is not None:
        keys["weights"] = scalar(statement.weights.removeprefix(head))
    keys |= {key: text_of(given) for key, given in statement.fields.items()}
    return f"{statement.kind}: {mapping(keys)}"
