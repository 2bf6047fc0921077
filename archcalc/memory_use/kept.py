"""What each layer keeps for the backward pass, as the tape of a training step has it."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.memory_use.tape import Tape


def kept_by_layer(analysis: Analysis, tape: Tape) -> dict[str, int]:
    """The bytes that each layer keeps; on whose account as in `totals.saved_bytes`."""
    storages: dict[str, str] = {}
    for operator in tape.operators:
        lies_in = operator.view_of or operator.output
        storages[operator.output] = storages.get(lies_in, lies_in)
    found = dict.fromkeys([layer.name for layer in analysis.layers], 0)
    apart = {layer.name for layer in analysis.training_only_layers}
    kept: set[str] = set()
    for operator in sorted(tape.operators, key=lambda operator: operator.layer in apart):
        for storage in [storages.get(name, name) for name in operator.kept]:
            if storage not in kept and operator.layer in found:
                found[operator.layer] += tape.bytes[storage]
            kept.add(storage)
    return found
