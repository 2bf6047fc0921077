"""Recurrent layers."""

from __future__ import annotations

from typing import Any

from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.drafts import NotCoveredError
from archcalc.importing.kinds.slicing import selected
from archcalc.importing.kinds.weights import all_held
from archcalc.importing.trace import Ref


@handles("lstm", "gru", "rnn_tanh", "rnn_relu")
def recurrent(call: Call) -> None:
    """A recurrent layer, or several on one another; states begin with zeros."""
    operator = call.operation.operator
    layers, both = call.get("num_layers"), bool(call.get("bidirectional", default=False))
    biases = bool(call.get("has_biases", default=True))
    weights = [each.tensor for each in call.get("params", "_flat_weights")]
    states = call.get("hx")
    if any(n in call.lowering.of_images and _is_state(call, n) for n in _tensors(states)):
        raise NotCoveredError("begins with states that depend on the image")
    kind = "rnn" if operator.startswith("rnn") else operator
    hidden = call.shape(weights[1])
    features = call.shape(weights[0])[0] // {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    fields: dict[str, Any] = {
        "features": features,
        "layers": layers,
        "bidirectional": both,
        "bias": biases,
        "dropout": float(call.get("dropout", default=0.0)),
    }
    if kind == "lstm" and hidden[1] != features:
        fields["projection"] = hidden[1]
    if operator == "rnn_relu":
        fields["nonlinearity"] = "relu"
    held: dict[str, int | None] = {
        "weight" if n == 0 else f"weight_{n}": number
        for n, number in enumerate(all_held(call.lowering, weights))
    }
    call.layer(kind, call.value("input"), fields, held)
    if len(call.operation.outputs) > 1 and layers == 1 and not both:
        _last_state(call)


def _tensors(given: Any) -> list[int]:
    if isinstance(given, Ref):
        return [given.tensor]
    return [n for each in given or () for n in _tensors(each)]


def _is_state(call: Call, number: int) -> bool:
    return any(number in operation.outputs for operation in call.lowering.trace.operations
               if operation.operator not in ("zeros", "new_zeros", "zeros_like"))  # fmt: skip


def _last_state(call: Call) -> None:
    """The state behind the last step is the last of the outputs."""
    sequence = call.lowering.values[call.output]
    dim = 1 if call.get("batch_first", default=False) else 0
    last = selected(call, sequence, dim, -1)
    call.lowering.values[call.operation.outputs[1]] = last._replace(axes=((), *last.axes))
