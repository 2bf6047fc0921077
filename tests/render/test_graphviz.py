"""Drawings in DOT, and the pictures that Graphviz makes of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

from archcalc import UsageError
from archcalc.render.drawing import draw
from archcalc.render.escape import one_line
from archcalc.render.graphviz import dot_text, picture
from archcalc.spec.library import network_names
from tests.hostile import TEXTS, hostile_analysis
from tests.render.drawings import drawing_of

QUOTED = r'"(?:[^"\\]|\\.)*"'
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


@pytest.mark.parametrize("name", network_names())
def test_every_box_and_arrow_is_a_statement(name: str) -> None:
    drawing = drawing_of(name)
    text = re.sub(QUOTED, '""', dot_text(drawing))
    assert text.count("{") == text.count("}")
    assert re.findall(r"^ *(\w+) \[label=", text, re.MULTILINE)[1:] == [b.id for b in drawing.boxes]
    arrows = re.findall(r"^ *(\w+) -> (\w+) \[", text, re.MULTILINE)
    assert arrows == [(arrow.tail, arrow.head) for arrow in drawing.arrows]


def test_hostile_names_stay_within_their_quotes() -> None:
    rest = re.sub(QUOTED, '""', dot_text(draw(hostile_analysis(), full=True)))
    assert rest.count("[label=") == 1 + (len(TEXTS) + 2) + (len(TEXTS) + 1)  # title, boxes, arrows
    assert not re.search(r"[^\w\s\[\]{}=,>.;\"-]", rest)


@needs_dot
def test_hostile_names_are_shown_as_they_are() -> None:
    drawing = draw(hostile_analysis(), full=True)
    svg = ElementTree.fromstring(picture(drawing, "svg"))
    texts = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}text")]
    for number, text in enumerate(TEXTS):
        # Spaces at the ends are no part of what is drawn.
        assert f"{number}{one_line(text)}".strip() in [str(t).strip() for t in texts]


@needs_dot
def test_a_picture_is_the_same_byte_for_byte() -> None:
    drawing = drawing_of("googlenet")
    assert picture(drawing, "svg") == picture(drawing, "svg")
    assert picture(drawing, "png").startswith(b"\x89PNG")


def test_without_graphviz_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match=r"^a drawing as \.svg needs Graphviz's `dot`[^\n]*$"):
        picture(drawing_of("lenet5"), "svg")


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (subprocess.TimeoutExpired("dot", 120), "takes more than 120 seconds; fold more"),
        (subprocess.CalledProcessError(1, "dot", stderr=b"out of memory"), "fails: out of memory"),
    ],
)
def test_a_failure_of_graphviz_is_one_line(
    failure: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(shutil, "which", lambda _: "dot")
    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(UsageError, match=message):
        picture(drawing_of("lenet5"), "svg")
