"""The JSON contract: an analysis under fixed keys, and the JSON Schema of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from archcalc.analysis import DTYPES, Analysis
from archcalc.figures.figure import Figure, Unit
from archcalc.figures.of_layer import OF_LAYER, SUMMED, Totals
from archcalc.figures.of_network import OF_NETWORK, embedding_params
from archcalc.generation import generation
from archcalc.memory_use.totals import (
    DEFINITIONS,
    LEFT_OPEN,
    ActivationBytes,
    activation_bytes,
    training_only_bytes,
    unused_bytes,
)
from archcalc.quantity.arithmetic import plain
from archcalc.record import as_dict
from archcalc.render.opaque import at_least_record, opaque_record
from archcalc.render.output import json_text


def to_contract(analysis: Analysis, conventions: Sequence[str] = ()) -> dict[str, Any]:
    """The analysis in types that JSON knows, and what other tools count, by these conventions.

    A partial analysis has no totals (null) and says in `error` why it ends. `left_out` says why
    heads for training are missing that do not fit, `notes` what is probably not meant so. What is
    not known of layers that are `opaque` is null, in them and in the totals, of which `at_least`
    has what is known.
    """
    contract = analysis.record() | opaque_record(analysis)
    if analysis.graph.left_out:
        contract["left_out"] = [as_dict(head) for head in analysis.graph.left_out]
    if notes := analysis.notes:
        contract["notes"] = [note._asdict() for note in notes]
    if analysis.error is not None:
        return contract | {"totals": None, "error": str(analysis.error)}
    totals = _totals(analysis.totals, activation_bytes(analysis))
    if analysis.training_only_layers:
        apart = _totals(analysis.training_only_totals, training_only_bytes(analysis))
        totals["training_only"] = apart
    if of_tables := embedding_params(analysis):
        totals["non_embedding_params"] = plain(analysis.params - of_tables)
    if analysis.unused_layers:
        totals["unused"] = _totals(analysis.unused_totals, unused_bytes(analysis))
    generating = generation(analysis)
    if generating is not None:
        contract["generation"] = generating.record()
    if conventions:
        contract["conventions"] = {name: _by_convention(name, analysis) for name in conventions}
    return contract | {"totals": totals}


def _by_convention(name: str, analysis: Analysis) -> dict[str, object]:
    from archcalc.other_tools import convention_called

    convention = convention_called(name)
    layers = convention.by_layer(analysis)
    return {
        "unit": convention.unit,
        "total": plain(sum(layers.values())),
        "layers": {layer: plain(count) for layer, count in layers.items()},
    }


def to_json(analysis: Analysis, conventions: Sequence[str] = ()) -> str:
    """The contract as text, one layer a line."""
    contract = to_contract(analysis, conventions)
    texts = {key: json_text(value, indent=None) for key, value in contract.items()}
    layers = ",\n".join("  " + json_text(layer, indent=None) for layer in contract["layers"])
    texts["layers"] = f"[\n{layers}\n]"
    return f"{{{', '.join(f'{json_text(key)}: {text}' for key, text in texts.items())}}}"


def reference(name: str) -> dict[str, Any]:
    """What stands in a schema for one that it defines."""
    return {"$ref": f"#/$defs/{name}"}


def contract_schema() -> dict[str, Any]:
    """The JSON Schema of the contract."""
    from pathlib import Path  # 5 ms that `table --format json` should not cost

    text = (Path(__file__).parent / "table.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    defined, quantity = schema["$defs"], reference("quantity")
    schema["properties"]["dtype"] = {"enum": [*DTYPES]}
    listed = [figure for figure in OF_LAYER.values() if figure.in_tables]
    defined["layer"] = object_schema({figure.key: _figure_schema(figure) for figure in listed})
    open_ = {"anyOf": [quantity, {"type": "null"}]}
    memory = {name: open_ if name in LEFT_OPEN else quantity for name in DEFINITIONS}
    unknown = {"description": "why the peak or training is null", "type": "string"}
    sums = {key: _figure_schema(figure) for key, figure in SUMMED.items()}
    least = {
        "description": "of sums that are null, as layers have costs that nobody knows: the rest",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {k: quantity for k, figure in SUMMED.items() if figure.may_be_open},
    }
    sums["activation_bytes"] = object_schema(memory, {"unknown": unknown})
    apart = {"description": OF_NETWORK["non_embedding_params"].meaning, **quantity}
    unused = "the layers that no output depends on; the other totals are without"
    defined["totals"] = object_schema(
        sums,
        {
            "non_embedding_params": apart,
            "at_least": least,
            "training_only": reference("totals"),
            "unused": {"description": unused, **reference("totals")},
        },
    )
    return schema


_SCHEMA_OF: dict[Unit, dict[str, Any]] = {
    Unit.NAME: {"type": "string"},
    Unit.NAMES: {"type": "array", "items": {"type": "string"}},
    Unit.SHAPE: reference("shape"),
    Unit.FIELD: reference("pixels"),
    Unit.STEP: reference("pixels"),
    Unit.COUNT: reference("quantity"),
    Unit.BYTES: reference("quantity"),
    Unit.FLAG: {"type": "boolean"},
}


def _figure_schema(figure: Figure) -> dict[str, Any]:
    schema = _SCHEMA_OF[figure.unit]
    if figure.may_be_open:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {"description": figure.meaning, **schema}


def object_schema(
    required: Mapping[str, Any], others: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The schema of what has these keys, perhaps the others, and no more."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [*required],
        "properties": {**required, **(others or {})},
    }


def _totals(totals: Totals, memory: ActivationBytes) -> dict[str, object]:
    figures: dict[str, object] = {key: plain(value) for key, value in as_dict(totals).items()}
    kept = {key: plain(value) for key, value in as_dict(memory).items()}
    if memory.unknown is None:
        del kept["unknown"]
    return figures | {"activation_bytes": kept} | at_least_record(totals)
