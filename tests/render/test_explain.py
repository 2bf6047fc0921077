"""Derivations and rankings, in every form."""

from __future__ import annotations

from archcalc.explaining.layers import derive
from archcalc.render.explain import LayerDocument
from archcalc.render.output import write
from tests.spec_texts import analysis_of

ANALYSIS = analysis_of("  - conv: {name: conv, channels: 4, kernel: 3}\n  - relu: {name: relu}\n")
FOUND = derive(ANALYSIS, ANALYSIS.layer("conv"))


def test_an_equation_has_the_rule_the_values_and_the_result() -> None:
    text = write(LayerDocument(ANALYSIS, FOUND.only(["macs"])), "text")
    assert text.splitlines()[-1] == "MACs  k*k*C_in*C_out*m*m = 3*3*3*4*6*6 = 3,888"
    assert "with k = 3 (kernel), C_in = 3 (input channels), C_out = 4 (output channels)," in text


def test_markdown_and_latex_have_mathematics() -> None:
    document = LayerDocument(ANALYSIS, FOUND.only(["macs"]))
    assert r"| MACs | $k \cdot k \cdot C_{\mathrm{in}}" in write(document, "markdown")
    assert r"3 \cdot 3 \cdot 3 \cdot 4 \cdot 6 \cdot 6 = 3{,}888$" in write(document, "latex")


def test_programs_get_the_formula_and_the_value() -> None:
    (_, row) = write(LayerDocument(ANALYSIS, FOUND.only(["macs"])), "csv").splitlines()
    assert row.startswith("conv,macs,MACs,3888,k*k*C_in*C_out*m*m,3*3*3*4*6*6,")
