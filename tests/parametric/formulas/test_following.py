"""What is found again along another setting: remembered where the answers are the same."""

from __future__ import annotations

import pytest
import sympy

from archcalc import load
from archcalc.errors import LayerError
from archcalc.parametric.formulas.following import Course, Definitions
from archcalc.parametric.variables import rebuilt, variable
from archcalc.quantity.arithmetic import certainly_at_least, require_at_least
from archcalc.quantity.conditions import following, remembered, stand_at

N = sympy.Symbol("n", integer=True, positive=True)


def test_what_is_remembered_goes_by_the_answers() -> None:
    definitions, computed = Definitions(), []

    def size() -> str:
        computed.append("size")
        return "large" if certainly_at_least(N, 10) else "small"

    for n in (12, 3, 40, 1):
        course = Course(definitions, {N: n})
        with following(course):
            assert remembered(lambda: [remembered(size, "size")], "sizes") == [
                "large" if n >= 10 else "small"
            ]
        assert [question.holds for question in course.questions] == [n >= 10]
    assert len(computed) == 2


def test_what_was_asked_before_is_asked_of_what_is_remembered() -> None:
    definitions = Definitions()
    for n in (12, 3):
        course = Course(definitions, {N: n})
        with following(course):
            certainly_at_least(N, 10)
            found = remembered(lambda: certainly_at_least(N, 10), "size")
        assert found is (n >= 10)


def test_a_requirement_is_said_of_the_layer_that_asks() -> None:
    graph, definitions = load("lenet5"), Definitions()
    for node in graph.nodes[:2]:
        course = Course(definitions, {N: 12})
        with following(course):
            stand_at(node, [])
            remembered(lambda: require_at_least(N, 10, "too small"), "size")
        (question,) = course.questions
        assert question.requirement is not None and question.requirement.node == node
    with following(Course(definitions, {N: 9})), pytest.raises(LayerError, match="too small"):
        remembered(lambda: require_at_least(N, 10, "too small"), "size")


SPEC = """\
name: asking
input: [3, 8, 8]
parameters: {kernel: 3}
layers:
  - conv: {name: conv, channels: 4, kernel: kernel}
  - conv: {name: next, channels: "in_shape[1]", kernel: 1}
"""


def test_a_parameter_and_a_size_are_changed_at_once() -> None:
    graph = load(SPEC)
    kernel, height = (variable(label, graph, "by") for label in ("kernel", "H"))
    found = rebuilt(graph, {kernel: 9, height: 20, variable("W", graph, "by"): 20})
    assert found.nodes == load(SPEC, input=[3, 20, 20], kernel=9).nodes
    assert found.own_inputs == graph.own_inputs
    assert found.given == ()
