"""The JSON Schemas of `sweep`, `solve`, `which`, `conventions`: what is printed keeps to them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from archcalc.commands.schema import CHOOSING
from archcalc.render.choosing_schemas import SCHEMAS, schema_of
from tests.commands.calling import called
from tests.spec_opaque import DETECTOR

# Of each command calls that together print every key.
CALLS = {
    "sweep": [
        "lenet5 --over H=8,32 --figures macs,macs/params,receptive_field",
        "mobilenet_v1 --over alpha=0.35,1/3 --over separable=true,false --figures params",
        "resnet20 lenet5 --over classes=10,20 --where 'macs > 1M' --pareto params,-macs",
        "detector.yaml --over C=3,4 --figures macs,params",
        "detector.yaml --over C=3,4 --where 'macs < 1G' --figures params",
        "resnet50 --over depths=[2,2,2,2],[3,4,6,3] --figures weight_layers",
    ],
    "solve": [
        "mobilenet_v1 --for alpha=0.25:1:0.25 --where 'macs <= 150M'",
        "mobilenet_v1 --for alpha=0.25:1:0.25 --smallest --where 'macs <= 1K'",
        "detector.yaml --for C=3..9 --where 'params < 1M' --figures macs",
        "lenet5 --for H=30..33 --for W=32,33 --where 'macs <= 1M' --minimize macs",
        "lenet5 --for H=30..33 --for W=32,33 --where 'macs <= 1' --maximize macs",
        "detector.yaml --for C=3,4 --for H=16,17 --where 'params < 1M' --maximize params "
        "--figures macs",
    ],
    "which": [
        "lenet5 resnet20 --params 61.7K --macs 0.42M --tolerance 20%",
        "--macs 1G lenet5",
        "mobilenet_v1 --macs 149.5M --over alpha=0.25:1:0.25",
    ],
    "conventions": [
        "lenet5",
        "detector.yaml",
        "mobilenet_v1 --set alpha=0.5 --set resolution=64 --quiet",
    ],
}


def test_each_command_has_a_schema() -> None:
    assert tuple(SCHEMAS) == CHOOSING == tuple(CALLS)
    for command in CHOOSING:
        Draft202012Validator.check_schema(schema_of(command))


@pytest.mark.parametrize("command", CHOOSING)
def test_what_is_printed_keeps_to_it_and_has_all_of_it(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("detector.yaml").write_text(DETECTOR)
    schema = json.loads(called(capsys, "schema", command)[1])
    validator, printed = Draft202012Validator(schema), []
    for words in CALLS[command]:
        status, out, err = called(capsys, command, *shlex.split(words), "--format", "json")
        assert (status in (0, 1), err) == (True, "")
        printed.append(json.loads(out))
        validator.validate(printed[-1])
    kinds = [{"$defs": schema["$defs"], **kind} for kind in schema.get("anyOf", [schema])]
    of_kinds = [[x for x in printed if {*kind["required"]} <= {*x}] for kind in kinds]
    assert sum(map(len, of_kinds)) == len(printed)
    for kind, records in zip(kinds, of_kinds, strict=True):
        for properties, found in _objects(kind, kind, records):
            assert {key for one in found for key in one} == {*properties}
        for record in records:
            for key in kind["required"]:
                assert not validator.is_valid({k: v for k, v in record.items() if k != key})
            for wrong in _with_another_key(record):
                assert not validator.is_valid(wrong)


def _objects(
    whole: dict[str, Any], schema: dict[str, Any], found: Sequence[Any]
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each object of fixed keys in a schema: its properties, and all that was printed of it."""
    if schema.get("type") == "array":
        items = [item for one in found if isinstance(one, list) for item in one]
        yield from _objects(whole, schema["items"], items)
    if schema.get("type") != "object":
        return
    objects = [one for one in found if isinstance(one, dict)]
    if schema["additionalProperties"] is False:
        yield schema["properties"], objects
        for key, inner in schema["properties"].items():
            yield from _objects(whole, inner, [one[key] for one in objects if key in one])


def _with_another_key(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield record | {"more": 1}
    for key in ("rows", "conventions", "networks"):
        if record.get(key) and isinstance(record[key][0], dict):
            wrong = deepcopy(record)
            wrong[key][0]["more"] = 1
            yield wrong
