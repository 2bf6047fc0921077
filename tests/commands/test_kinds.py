"""`archcalc kinds`, as a user calls it."""

from __future__ import annotations

import json

import pytest

from archcalc.layers.registry import known_names
from tests.commands.calling import assert_refused, called


def test_kinds_are_listed_and_one_is_shown_with_its_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = called(capsys, "kinds")
    assert (status, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines()[2:]} == {*known_names()}
    status, out, err = called(capsys, "kinds", "conv")
    assert (status, err) == (0, "")
    fields = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    assert fields["kernel"][-2:] == ["needed", "kernel_size"]
    assert fields["bias"][-1] == "true"
    record = json.loads(called(capsys, "kinds", "pad", "--format", "json")[1])
    assert [field["field"] for field in record["fields"] if field["required"]] == ["sides"]


def test_names_of_fields_are_lists_in_json_and_words_in_csv(
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = json.loads(called(capsys, "kinds", "conv", "--format", "json")[1])
    also = {field["field"]: field["also"] for field in record["fields"]}
    assert (also["channels"], also["stride"]) == (["out_channels"], [])
    kinds = json.loads(called(capsys, "kinds", "--format", "json")[1])
    linear = next(kind for kind in kinds if kind["kind"] == "linear")
    assert linear["fields"][:2] == ["features", "bias"]
    out = called(capsys, "kinds", "--format", "csv")[1]
    assert "features bias" in next(line for line in out.splitlines() if line[:7] == "linear,")


def test_a_kind_that_is_not_there_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(called(capsys, "kinds", "Conv2d"), "layer kind 'Conv2d'; did you mean 'conv'?")
    assert_refused(called(capsys, "kinds", "swish"), "layer kind 'swish'; did you mean 'silu'?")
