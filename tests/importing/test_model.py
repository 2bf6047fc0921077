"""A model from elsewhere as the text of a spec."""

from __future__ import annotations

from archcalc.importing.model import Input, Model, Statement, flat_spec
from archcalc.walk import analyze


def test_a_model_is_read_back_as_it_is() -> None:
    model = Model(
        name="two-paths",
        origin="somewhere: else",
        inputs={"input": Input((3, 8, 8))},
        statements=(
            Statement(
                "conv", "a.0", ("input",), {"channels": 4, "kernel": [3, 1], "padding": [1, 0]}
            ),
            Statement("relu", "a.yes", ("a.0",)),
            Statement("conv", "b", ("a.0",), {"channels": 4, "kernel": 1}),
            Statement("add", "sum", ("a.yes", "b")),
            Statement("parameter", "scale", (), {"shape": [4, 1, 1]}),
            Statement("multiply", "scaled", ("sum", "scale")),
        ),
        outputs={"out": "scaled", "early": "sum"},
    )
    analysis = analyze(flat_spec(model))
    assert [layer.name for layer in analysis.layers] == [s.name for s in model.statements]
    assert [layer.node.inputs for layer in analysis.layers] == [s.inputs for s in model.statements]
    assert analysis.graph.about.origin == "somewhere: else"
    assert analysis.graph.network.name == "two-paths"


def test_tokens_are_an_input_by_name_with_its_dtype() -> None:
    model = Model(
        name="t",
        origin="x",
        inputs={"tokens": Input((7,), "int64")},
        statements=(Statement("embedding", "e", ("tokens",), {"rows": 9, "features": 4}),),
    )
    assert analyze(flat_spec(model)).layer("e").output.shape == (7, 4)
