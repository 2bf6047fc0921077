"""Drawings as Mermaid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archcalc.render.drawing import draw
from archcalc.render.escape import one_line
from archcalc.render.mermaid import mermaid_text
from archcalc.spec.library import network_names
from tests.hostile import TEXTS, hostile_analysis
from tests.render.drawings import drawing_of
from tests.render.flowchart import read_flowchart
from tests.render.real_mermaid import needs_mermaid, refused_by_mermaid


@pytest.mark.parametrize("name", network_names())
def test_the_text_says_what_the_drawing_does(name: str) -> None:
    drawing = drawing_of(name)
    chart = read_flowchart(mermaid_text(drawing))
    assert chart.title == drawing.title
    assert chart.boxes == {box.id: "<br>".join(box.lines) for box in drawing.boxes}
    assert chart.arrows == [(a.tail, a.head, a.label) for a in drawing.arrows]
    styled = [box for role, boxes in chart.classes.items() if role != "training" for box in boxes]
    assert sorted(styled) == sorted(chart.boxes)


def test_heads_are_dashed() -> None:
    drawing = drawing_of("googlenet")
    text = mermaid_text(drawing)
    chart = read_flowchart(text)
    assert chart.classes["training"] == [box.id for box in drawing.boxes if box.training_only]
    assert text.count("-.->") == sum(arrow.training_only for arrow in drawing.arrows) == 4


def test_groups_are_subgraphs() -> None:
    chart = read_flowchart(mermaid_text(drawing_of("resnet50")))
    assert list(chart.groups.values()) == [f"layer{n}: stage" for n in (1, 2, 3, 4)]


def test_hostile_names_are_text() -> None:
    chart = read_flowchart(mermaid_text(draw(hostile_analysis(), full=True)))
    assert chart.title == one_line(" ".join(TEXTS))
    named = [f"{number}{one_line(text)}".strip() for number, text in enumerate(TEXTS)]
    assert list(chart.boxes.values())[1:-1] == [f"{name}<br>conv 1x1" for name in named]


@pytest.mark.parametrize(
    "mistake",
    [
        lambda text: text.replace("    end\n", "", 1),
        lambda text: text.replace('"])', '"', 1),
        lambda text: text.replace("--> ", "-->", 1).replace("n1 -->", "n999 -->", 1),
        lambda text: text.replace('("conv1', '("con"v1', 1),
        lambda text: text + "    click n1 call alert()\n",
    ],
)
def test_the_reader_of_this_test_sees_mistakes(mistake: Callable[[str], str]) -> None:
    text = mermaid_text(drawing_of("resnet50"))
    assert mistake(text) != text
    with pytest.raises(AssertionError):
        read_flowchart(mistake(text))


@needs_mermaid
def test_mermaid_itself_reads_hostile_names_and_sees_mistakes(tmp_path: Path) -> None:
    """It reads every network too, from the pages of the report."""
    text = mermaid_text(drawing_of("resnet50"))
    right = {"plain": text, "hostile": mermaid_text(draw(hostile_analysis()))}
    wrong = {
        "an open group": text.replace("    end\n", "", 1),
        "an open box": text.replace('"])', '"', 1),
        "a quote in a label": text.replace('("conv1', '("con"v1', 1),
    }
    assert refused_by_mermaid(right | wrong, tmp_path).keys() == wrong.keys()
