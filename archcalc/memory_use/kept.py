"""What each layer keeps for the backward pass, as the tape of a training step has it."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.memory_use.recorded import Tape


def kept_by_layer(analysis: Analysis, tape: Tape) -> dict[str, int]:
    """The bytes that each layer keeps; on whose account as in `totals.saved_bytes`."""
    storages: dict[str, str] = {}
    for operator in tape.operators:
        for output in operator.outputs:
            lies_in = operator.view_of or output
            storages[output] = storages.get(lies_in, lies_in)
    found = dict.fromkeys([layer.name for layer in analysis.layers], 0)
    apart = {layer.name for layer in analysis.training_only_layers}
    kept: set[str] = set()
    needed = [
        (operator.layer, names)
        for operator, names in zip(tape.operators, kept_by(tape), strict=True)
    ]
    for layer, names in sorted(needed, key=lambda one: one[0] in apart):
        for storage in [storages.get(name, name) for name in names]:
            if storage not in kept and layer in found:
                found[layer] += tape.bytes[storage]
            kept.add(storage)
    return found


def kept_by(tape: Tape) -> list[tuple[str, ...]]:
    """What the forward pass keeps at each operator: at the first of a stretch what enters that."""
    found = [operator.kept for operator in tape.operators]
    for section in tape.sections:
        if section.around is None:
            inside = tape.operators[section.first : section.end]
            runs_again = any(operator.needs_kept for operator in inside)
            found[section.first : section.end] = [()] * len(inside)
            found[section.first] = section.enters if runs_again else ()
    return found
