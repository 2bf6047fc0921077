"""The layer kinds, as `archcalc kinds` shows them: nothing of a class is left out."""

from __future__ import annotations

import re

import pytest

from archcalc.layers import Layer
from archcalc.layers.layer import REQUIRED
from archcalc.layers.registry import all_kinds
from archcalc.render.kinds import KindDocument, KindsDocument
from archcalc.render.output import write
from archcalc.spec.fields import fields_of

KINDS = all_kinds()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_kind_says_what_its_class_does(kind: type[Layer]) -> None:
    record = KindDocument(kind).record()
    said = " ".join([str(record["about"]), *record["rules"]])  # type: ignore[misc]  # a list
    assert said.split() == (kind.__doc__ or "").replace("`", "").split()
    assert re.search(r"[.)]$", str(record["about"]))
    fields = {field["field"]: field for field in record["fields"]}  # type: ignore[attr-defined]  # a list
    assert [*fields] == [*fields_of(kind)]
    for name, field in fields.items():
        assert field["takes"]
        assert field["required"] == (kind.defaults[name] is REQUIRED)
    text = write(KindDocument(kind), "text", 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text.replace("n…", "").replace("m…", "").replace("k…", "") or "…" in said


def test_all_kinds_are_a_row_each() -> None:
    rows = KindsDocument(KINDS).record()
    assert [row["kind"] for row in rows] == [kind.kind for kind in KINDS]
    text = write(KindsDocument(KINDS), "text", 80)
    assert len(text.splitlines()) == len(KINDS) + 2
