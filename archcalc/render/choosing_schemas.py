"""The JSON Schemas of what `sweep`, `solve`, `which` and `conventions` print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archcalc.render.contract import contract_schema, object_schema, reference

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_TRUTH = {"type": "boolean"}
_NUMBER = {"type": "number"}
_QUANTITY = reference("quantity")
_OPEN = {"anyOf": [_QUANTITY, {"type": "null"}]}


def schema_of(command: str) -> dict[str, Any]:
    """The JSON Schema of `archcalc COMMAND --format json`, of those that `SCHEMAS` has."""
    of_table = contract_schema()
    schema = {
        "$schema": of_table["$schema"],
        "title": f"archcalc {command} --format json",
        **SCHEMAS[command](of_table["properties"]),
    }
    used = ("value", "quantity", "shape")
    return schema | {"$defs": {"found": _FOUND, **{key: of_table["$defs"][key] for key in used}}}


_FOUND = {
    "description": "a number, of which a decimal stands for the simplest fraction that is so near; "
    "or what else a parameter may be; null where there is none",
    "anyOf": [
        {"type": ["number", "boolean", "string", "null"]},
        {"type": "array", "items": reference("found")},
    ],
}


def _described(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, **schema}


def _list_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _by_name(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


def _rows() -> dict[str, Any]:
    found, known = _by_name(reference("found")), _by_name(_NUMBER) | {"minProperties": 1}
    reason = {"type": ["string", "null"]}
    row = object_schema(
        {
            "network": _described("with what is changed in it at all settings alike", _TEXT),
            "setting": _described("what is varied, and its value", found),
            "figures": _described("those that are asked for; null where there is none", found),
            "reason": _described("why there is no network, or a figure of it is null", reason),
        },
        {"at_least": _described("of figures that nobody knows in full: what is known", known)},
    )
    return _list_of(row)


def _sweep(of_table: Mapping[str, Any]) -> dict[str, Any]:
    return object_schema(
        {
            "networks": _list_of(_TEXT),
            "settings": _described("how many there are, also those that are not wanted", _COUNT),
            "undecided": _described(
                "settings that are left out, since costs decide that nobody knows", _COUNT
            ),
            "rows": _described("the settings that are wanted, in order", _rows()),
        }
    )


def _solve(of_table: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [_solve_for_one(), _solve_for_several()]}


def _solve_for_one() -> dict[str, Any]:
    number = {"type": ["number", "null"]}
    return object_schema(
        {
            "networks": _list_of(_TEXT),
            "for": _described("what is looked for", _TEXT),
            "wanted": {"enum": ["largest", "smallest"]},
            "where": _described("the conditions", _TEXT),
            "value": _described("at which they hold; null where they hold at none", number),
            "next": _described("behind it, at which they do not; null at the end", number),
            "looked": _described("at how many values", _COUNT),
            "first": _described("of these", _NUMBER),
            "last": _described("of these", _NUMBER),
            "all_between": _described("whether it was looked at all values between", _TRUTH),
            "mixed": _described("whether they hold, do not hold, and hold again", _TRUTH),
            "rows": _described("the value and the next one, those of them that there are", _rows()),
        }
    )


def _solve_for_several() -> dict[str, Any]:
    values = {"anyOf": [_by_name(_NUMBER), {"type": "null"}]}
    return object_schema(
        {
            "networks": _list_of(_TEXT),
            "for": _described("what is looked for", _list_of(_TEXT)),
            "wanted": {"enum": ["most", "least"]},
            "objective": _described("the figure of which", _TEXT),
            "where": _described("the conditions", _TEXT),
            "values": _described("the best; null where they hold nowhere", values),
            "settings": _described("how many there are", _COUNT),
            "looked": _described("at how many of them", _COUNT),
            "proof": _described(
                "why there is no better one: all were looked at, or each figure goes one way; none "
                "where there may be one",
                {"enum": ["all", "monotone", "none"]},
            ),
            "at_end": _described(
                "of which the value is the first or the last one, with better ones that way",
                _list_of(_TEXT),
            ),
            "holds": _described("whether the conditions do, at each row", _list_of(_TRUTH)),
            "rows": _described("the best setting, and those beside it", _rows()),
        }
    )


def _which(of_table: Mapping[str, Any]) -> dict[str, Any]:
    asked = object_schema({}, {"params": _TEXT, "macs": _TEXT})
    totals = _described("by who counts so", _by_name(_QUANTITY))
    network = {
        "name": _TEXT,
        "changed": of_table["changed"],
        "totals": object_schema({}, {"params": totals, "macs": totals}),
    }
    return object_schema(
        {
            "asked": _described("the numbers, as they are given", asked),
            "searched": _described("how many networks were looked at", _COUNT),
            "settings": _described(
                "at how many settings in all; null where each was looked at as it is",
                {"type": ["integer", "null"], "minimum": 1},
            ),
            "networks": _described(
                "those that match, with all totals that print so", _list_of(object_schema(network))
            ),
        }
    )


def _conventions(of_table: Mapping[str, Any]) -> dict[str, Any]:
    convention = {
        "name": _described("by which `table --convention` knows it", _TEXT),
        "tool": _TEXT,
        "call": _described("what of the tool is called", _TEXT),
        "prints": _described("what the tool calls the total", _TEXT),
        "unit": _described("what the total is in fact", _TEXT),
        "rule": _TEXT,
        "wrong": _described("what is wrong about the rule; empty where nothing is", _TEXT),
        "total": _described("for one image; null where nobody knows a part of it", _OPEN),
    }
    return object_schema(
        {
            "name": _TEXT,
            "changed": of_table["changed"],
            "macs": _described("by archcalc's own rules", _OPEN),
            "conventions": _list_of(object_schema(convention)),
        },
        {"opaque": of_table["opaque"]},
    )


SCHEMAS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "sweep": _sweep,
    "solve": _solve,
    "which": _which,
    "conventions": _conventions,
}
