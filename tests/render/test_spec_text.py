"""A graph as the text of a spec that is read back as the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.expansion import build_graph
from archcalc.record import replace
from archcalc.render.spec_text import spec_text
from archcalc.spec.syntax import About
from tests.spec_texts import family_of, graph_of

# Not what UTF-8 cannot spell, and no white space, which a title has as single blanks.
TITLES = st.text(st.characters(exclude_categories=["Cs"]).filter(lambda c: not c.isspace()))


def read_back(about: About) -> About:
    network = replace(graph_of("  - relu\n").network, about=about)
    (found,) = family_of(spec_text(build_graph(network))).networks.values()
    return found.about


@pytest.mark.parametrize(
    "sign",
    ["\x7f", "\x80", "\x9f", "\ufeff", "\u202e", "\ufffe", "\U000e0001", "\\", '"', "é", "😀"],
)
def test_a_title_with_any_sign_is_read_back(sign: str) -> None:
    assert read_back(About(title=f"a{sign}b")).title == f"a{sign}b"


@given(TITLES)
def test_a_title_is_read_back(title: str) -> None:
    assert read_back(About(title=title)).title == title


@pytest.mark.parametrize(
    ("sign", "escape"),
    [
        ("\x7f", r"\u007f"),
        ("\x85", r"\u0085"),
        ("\u2028", r"\u2028"),
        ("\ufeff", r"\ufeff"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_is_not_seen_is_written_as_an_escape(sign: str, escape: str) -> None:
    network = replace(graph_of("  - relu\n").network, about=About(title=f"a{sign}"))
    assert f'title: "a{escape}"\n' in spec_text(build_graph(network))


def test_what_scales_is_kept_where_it_is_a_size() -> None:
    text = (
        "name: t\ninput: [3, 4, 8, 8]\nparameters: {w: 4}\n"
        "scaling: {width: w, resolution: [H, W]}\nlayers: [conv: {channels: w, kernel: 1}]\n"
    )
    (found,) = family_of(spec_text(graph_of(text))).networks.values()
    assert {way: [x.text for x in labels] for way, labels in found.scaling.items()} == {
        "resolution": ["H", "W"]
    }


def test_what_is_seen_is_written_as_it_is() -> None:
    network = replace(graph_of("  - relu\n").network, about=About(title="Kaiming, 何恺明 – é"))
    assert json.dumps("Kaiming, 何恺明 – é", ensure_ascii=False) in spec_text(build_graph(network))


def test_a_single_input_of_integers_is_read_back() -> None:
    text = (
        "name: t\ninputs: {input: {shape: [5], dtype: int64}}\n"
        "layers: [embedding: {rows: 3, features: 2}]\n"
    )
    graph = graph_of(text)
    assert graph_of(spec_text(graph)).inputs == graph.inputs
    assert repr(graph) == "<Graph of t: input 5 (int64), 1 layers>"
