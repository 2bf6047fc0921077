"""The JSON contract: an analysis under fixed keys. `table.schema.json` describes it."""

from __future__ import annotations

import json

from archcalc.analysis import Analysis, Totals
from archcalc.memory_use.totals import (
    ActivationBytes,
    activation_bytes,
    training_only_bytes,
    unused_bytes,
)
from archcalc.quantity.arithmetic import plain
from archcalc.record import as_dict
from archcalc.render.output import json_text


def to_contract(analysis: Analysis) -> dict[str, object]:
    """The analysis in types that JSON knows.

    A partial analysis has no totals (null) and says in `error` why it ends. `left_out` says why
    heads for training are missing that do not fit.
    """
    contract = analysis.record()
    if analysis.graph.left_out:
        contract["left_out"] = [head._asdict() for head in analysis.graph.left_out]
    if analysis.error is not None:
        return contract | {"totals": None, "error": str(analysis.error)}
    totals = _totals(analysis.totals, activation_bytes(analysis))
    if analysis.training_only_layers:
        apart = _totals(analysis.training_only_totals, training_only_bytes(analysis))
        totals["training_only"] = apart
    if analysis.unused_layers:
        totals["unused"] = _totals(analysis.unused_totals, unused_bytes(analysis))
    return contract | {"totals": totals}


def to_json(analysis: Analysis) -> str:
    """The contract as text, one layer a line."""
    contract = list(to_contract(analysis).items())
    where = next(number for number, (key, _) in enumerate(contract) if key == "layers")
    (_, layers), head, tail = contract[where], dict(contract[:where]), dict(contract[where + 1 :])
    assert isinstance(layers, list)
    lines = ",\n".join("  " + json_text(layer, indent=None) for layer in layers)
    before, after = json_text(head, indent=None)[:-1], json_text(tail, indent=None)[1:]
    return f'{before}, "layers": [\n{lines}\n], {after}'


def contract_schema() -> dict[str, object]:
    """The JSON Schema of the contract."""
    from pathlib import Path  # 5 ms that `table --format json` should not cost

    text = (Path(__file__).parent / "table.schema.json").read_text(encoding="utf-8")
    schema: dict[str, object] = json.loads(text)
    return schema


def _totals(totals: Totals, memory: ActivationBytes) -> dict[str, object]:
    figures: dict[str, object] = {key: plain(value) for key, value in as_dict(totals).items()}
    kept = {key: plain(value) for key, value in as_dict(memory).items()}
    if memory.unknown is None:
        del kept["unknown"]
    return figures | {"activation_bytes": kept}
