"""The JSON Schema of the spec language, made from the classes of the layer kinds."""

from __future__ import annotations

import inspect

from archcalc.feature_map import INTEGERS
from archcalc.layers import Join, Layer
from archcalc.layers.registry import all_kinds
from archcalc.spec.fields import EXPRESSION_SCHEMA, Field, Schema, fields_of
from archcalc.spec.keys import (
    ABOUT_KEYS,
    CLAIM_KEYS,
    DIFFERENCES,
    KEYWORDS,
    NAMED,
    NOTICED,
    OF_BRANCHES,
    PLACEMENT_KEYS,
    TRAINING_KEYS,
    VERDICT_WORDS,
    WAYS,
    placement_keys,
)
from archcalc.spec.syntax import DENSE
from archcalc.synonyms import OF_TORCH, of_torch

_NAME: Schema = {"type": ["string", "integer"], "pattern": r"^[A-Za-z0-9_.\-{}+*/%, ()\[\]]+$"}
_VALUE: Schema = {
    "anyOf": [
        {"type": ["integer", "number", "boolean", "string", "null"]},
        {"type": "array"},
    ]
}
_COUNT: Schema = {"anyOf": [{"type": "integer", "minimum": 0}, EXPRESSION_SCHEMA]}
_BODY: Schema = {"type": "array", "items": {"$ref": "#/$defs/statement"}}
_BRANCHES: Schema = {"type": "array", "minItems": 1, "items": _BODY}
_BUDGET: Schema = {
    "type": "array",
    "description": "bounds that `archcalc check` holds, such as params <= 5M or peak <= 8MB; "
    "a variant's stand in place of the family's",
    "items": {"type": "string", "pattern": "<|>"},
}
_LABEL: Schema = {"type": "string", "pattern": r"^[^\W\d]\w*(\[[0-9]+\])?$"}
_TRUTH: Schema = {"anyOf": [{"type": "boolean"}, EXPRESSION_SCHEMA]}
_TRAINING: dict[str, Schema] = dict.fromkeys(TRAINING_KEYS, _TRUTH)
_SIZE: Schema = {"anyOf": [{"type": "integer", "minimum": 1}, EXPRESSION_SCHEMA]}


def spec_schema() -> Schema:
    """The schema that every spec file validates against.

    It lets a block's name stand where a layer kind may, since it cannot know the blocks of a
    file; what it accepts may still be refused when the spec is loaded.
    """
    about = _about()
    kinds = {kind.kind: _fields(kind) for kind in all_kinds()}
    kinds |= {word: {"anyOf": [kinds[word], kinds[join]]} for word, join in OF_BRANCHES.items()}
    variant = {
        "anyOf": [
            {
                "type": "object",
                "description": "what differs from the family; further keys are its parameters",
                "properties": {**about, **_network()},
            },
            {"type": "null"},
        ]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "archcalc spec",
        "type": "object",
        "anyOf": [
            {"required": ["name"]},
            {
                "description": "a file of blocks, which others import",
                "required": ["blocks"],
                "not": {"required": ["layers"]},
            },
        ],
        "additionalProperties": False,
        "properties": {
            "name": _NAME,
            **about,
            **_network(),
            "parameters": {"type": "object", "additionalProperties": _VALUE},
            "import": _imports(),
            "functions": {"type": "object", "additionalProperties": _function()},
            "let": _named_values("values computed from the parameters, in order"),
            "variants": {"type": "object", "additionalProperties": variant},
            "blocks": {"type": "object", "additionalProperties": {"$ref": "#/$defs/block"}},
            "claims": {"type": "array", "items": _claim()},
        },
        "$defs": {
            "statement": _statement(list(kinds)),
            "block": _block(),
            **{f"kind_{name}": schema for name, schema in kinds.items()},
        },
    }


def _about() -> dict[str, Schema]:
    text: Schema = {"type": "string"}
    schemas: dict[str, Schema] = dict.fromkeys(ABOUT_KEYS, text)
    schemas["year"] = {"type": "integer"}
    schemas["published_depth"] = {"type": "integer", "minimum": 1}
    percent: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": 100}
    crops: Schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"const": DENSE}]}
    accuracy = {"top1": percent, "top5": percent, "crops": crops, "source": text}
    schemas["accuracy"] = _closed(dict(accuracy), ["source"])
    schemas["authors"] = {"anyOf": [text, {"type": "array", "items": text}]}
    return schemas


def _network() -> dict[str, Schema]:
    """What a family and each of its variants may say of the network."""
    return {
        "input": _input(),
        "inputs": _inputs(),
        "outputs": _outputs(),
        "scaling": _scaling(),
        "layers": _BODY,
        "budget": _BUDGET,
        "silence": _silence(),
    }


def _inputs() -> Schema:
    with_dtype = _closed({"shape": _input(), "dtype": {"enum": [*INTEGERS]}}, ["shape"])
    each: Schema = {"anyOf": [_input(), with_dtype]}
    return _by_name_or_listed(
        each,
        "several inputs, by name; of a list they are called input1, input2 …; "
        "the main path starts at the first",
    )


def _outputs() -> Schema:
    return _by_name_or_listed(
        _NAME,
        "the layers whose outputs leave the network, and no others; by name, or "
        "under the names of the layers",
    )


def _by_name_or_listed(each: Schema, description: str) -> Schema:
    return {
        "description": description,
        "anyOf": [
            {"type": "object", "minProperties": 1, "additionalProperties": each},
            {"type": "array", "minItems": 1, "items": each},
        ],
    }


def _input() -> Schema:
    return {
        "description": "[channels, size…]; 32h is 32 times the free size h",
        "type": "array",
        "minItems": 1,
        "maxItems": 4,
        "items": _SIZE,
    }


def _scaling() -> Schema:
    labels: Schema = {"anyOf": [_LABEL, {"type": "array", "minItems": 1, "items": _LABEL}]}
    return _closed(dict.fromkeys(WAYS, labels), []) | {
        "description": "what makes the network wider, deeper and its input larger: a parameter, "
        "an item such as depths[0], a size such as H; all of a list times the same factor",
    }


def _silence() -> Schema:
    reason: Schema = {"type": "string", "minLength": 1}
    return _closed(dict.fromkeys(NOTICED, reason), []) | {
        "description": "of notes on the network those that are not to be told, each with why it is "
        "meant so"
    }


def _named_values(description: str) -> Schema:
    return {"type": "object", "description": description, "additionalProperties": _VALUE}


def _fields(kind: type[Layer]) -> Schema:
    """What may stand under the name of a layer kind."""
    fields = fields_of(kind)
    placed: dict[str, Schema] = dict.fromkeys(placement_keys(kind), _NAME) | _TRAINING
    if issubclass(kind, Join):
        placed["from"] = {"anyOf": [_NAME, {"type": "array", "minItems": 1, "items": _NAME}]}
        placed["branches"] = _BRANCHES
    named = fields.get(NAMED)
    in_torch = {
        name: fields[ours]
        for name in OF_TORCH
        if name not in fields and (ours := of_torch(name, tuple(fields))) is not None
    }
    required = [field for field in fields.values() if field.required]
    called = {field.name: _called(field, in_torch) for field in required}
    schema: Schema = {
        "type": "object",
        "description": inspect.cleandoc(kind.__doc__ or ""),
        "additionalProperties": named.type.schema["additionalProperties"] if named else False,
        "required": [name for name, names in called.items() if len(names) == 1],
        "properties": {n: f.type.schema for n, f in fields.items() if f is not named}
        | {name: _as_in_torch(field) for name, field in in_torch.items()}
        | placed,
    }
    either = [names for names in called.values() if len(names) > 1]
    if either:
        schema["allOf"] = [{"anyOf": [{"required": [n]} for n in names]} for names in either]
    options = [schema]
    if issubclass(kind, Join):
        options.append(_BRANCHES)
    if not required:
        options.append({"type": "null"})
    return {"anyOf": options} if len(options) > 1 else schema


def _called(field: Field, in_torch: dict[str, Field]) -> list[str]:
    """The name of a field, and those that torch has for it."""
    return [field.name, *(name for name, ours in in_torch.items() if ours is field)]


def _as_in_torch(field: Field) -> Schema:
    """A field under torch's name: understood, but not what an editor should offer."""
    return {**field.type.schema, "deprecated": True, "description": f"torch's name of {field.name}"}


def _statement(kinds: list[str]) -> Schema:
    layers = {name: {"$ref": f"#/$defs/kind_{name}"} for name in kinds}
    return {
        "anyOf": [
            {"type": "string", "description": "a layer or block without fields"},
            {
                "type": "object",
                "description": "a layer, or a block with values for its parameters",
                "minProperties": 1,
                "maxProperties": 1,
                "properties": layers,
                "additionalProperties": {"type": ["object", "null"]},
                "propertyNames": {"not": {"enum": [*KEYWORDS]}},
            },
            _closed(
                {"repeat": _COUNT, "index": _NAME, **_TRAINING, "layers": _BODY},
                ["repeat", "layers"],
            ),
            _closed({"if": _VALUE, "then": _BODY, "else": _BODY}, ["if", "then"]),
            _closed({"head": _head()}, ["head"]),
            _closed({"network": _part()}, ["network"]),
        ]
    }


def _head() -> Schema:
    training_only: Schema = {"type": "boolean", "default": False}
    return _closed({"name": _NAME, "training_only": training_only, "layers": _BODY}, ["layers"])


def _part() -> Schema:
    """What may stand under `network`."""
    of: Schema = {
        "type": "string",
        "description": "a network of archcalc's, or a file below this one's folder: "
        "FILE or FILE#VARIANT",
    }
    part: dict[str, Schema] = dict.fromkeys(PLACEMENT_KEYS, _NAME) | _TRAINING
    part |= {
        "of": of,
        "from": {"anyOf": [_NAME, {"type": "array", "minItems": 1, "items": _NAME}]},
        "parameters": _named_values("values in place of its own"),
        "after": _NAME | {"description": "the layer or block of it that this part comes after"},
        "until": _NAME | {"description": "the layer or block of it that this part ends with"},
    }
    return {
        "description": "another network, or a part of it, as a block: its layers have this one's "
        "name and a dot before theirs, and what nothing needs of it is left out",
        "anyOf": [of, _closed(part, ["of"])],
    }


def _imports() -> Schema:
    blocks: Schema = {"anyOf": [{"type": "null"}, _NAME, {"type": "array", "items": _NAME}]}
    return {
        "description": "files of blocks: common, which comes with archcalc, or one below this "
        "one's folder; with the names of those that are meant, {blocks.yaml: [unit, stage]}, or "
        "all that it defines",
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": blocks},
        ],
    }


def _function() -> Schema:
    return _closed({"parameters": _parameters(), "value": _VALUE}, ["value"]) | {
        "description": "a function, which expressions call: make_divisible(width, 8)",
    }


def _parameters() -> Schema:
    required_or_default: Schema = {"anyOf": [_NAME, _named_values("a parameter and its default")]}
    return {
        "anyOf": [
            {"type": "array", "items": required_or_default},
            _named_values("parameters and their defaults"),
        ]
    }


def _block() -> Schema:
    return _closed(
        {"parameters": _parameters(), "let": _named_values("computed values"), "layers": _BODY},
        ["layers"],
    )


def _claim() -> Schema:
    text: Schema = {"type": "string"}
    properties: dict[str, Schema] = dict.fromkeys(CLAIM_KEYS, text)
    properties["set"] = {"type": "object", "additionalProperties": _VALUE}
    of_several: Schema = {"type": "object", "additionalProperties": _input()}
    properties["input"] = {"anyOf": [_input(), of_several]}
    properties["value"] = {"type": ["string", "number", "boolean"]}
    properties["verdict"] = {"enum": list(VERDICT_WORDS)}
    properties["by"] = {"enum": list(DIFFERENCES)}
    properties["also"] = {"type": "array", "items": text}
    figure = {"type": ["string", "number"]}
    part = {"type": "array", "items": figure, "minItems": 2, "maxItems": 2}
    properties["parts"] = {"type": "object", "additionalProperties": part}
    decided_or_not = [{"required": ["quantity", "value"]}, {"required": ["statement", "because"]}]
    return _closed(properties, ["source"]) | {"anyOf": decided_or_not}


def _closed(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }
