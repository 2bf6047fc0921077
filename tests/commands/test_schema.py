"""`archcalc schema`, as a user calls it."""

from __future__ import annotations

import json

import pytest

from tests.commands.calling import assert_refused, called


@pytest.mark.parametrize("what", ["spec", "table"])
def test_schema_prints_json(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "schema", what)
    assert status == 0
    assert json.loads(out)["$schema"].startswith("https://json-schema.org/")


def test_the_schema_of_specs_is_printed_unless_another_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert called(capsys, "schema") == called(capsys, "schema", "spec")


def test_an_unknown_schema_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    message = "invalid choice: 'nets' (choose from 'spec', 'table', 'sweep', 'solve', 'which', "
    assert_refused(called(capsys, "schema", "nets"), message)
