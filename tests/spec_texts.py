"""Networks from the text of a spec, as tests write them."""

from __future__ import annotations

from archcalc import Analysis, Graph, analyze
from archcalc.errors import Source
from archcalc.expansion import build_graph
from archcalc.spec.parser import parse_family
from archcalc.spec.syntax import Family
from archcalc.spec.values import Value

HEAD = "name: tiny\ninput: [3, 8, 8]\nlayers:\n"  # what stands before a list of layers


def family_of(text: str) -> Family:
    """The family that a spec's text describes."""
    return parse_family(Source("tiny.yaml", text))


def graph_of(text: str, **parameters: Value) -> Graph:
    """The graph of the one network in a spec's text; of a mere list of layers, on 3x8x8."""
    whole = text if text.startswith("name:") else HEAD + text
    (network,) = family_of(whole).networks.values()
    return build_graph(network, parameters=parameters)


def analysis_of(text: str, **parameters: Value) -> Analysis:
    """The analysis of the one network in a spec's text; of a mere list of layers, on 3x8x8."""
    return analyze(graph_of(text, **parameters))
