"""A name that nothing gives a meaning to is refused, in branches that are not taken too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import SpecError
from archcalc.expansion import build_graph
from archcalc.spec.library import families
from archcalc.spec.scopes import require_known_names
from tests.spec_texts import family_of

# Around a layer: what hides it from the walk, and what does not.
AROUND = (
    "{{if: c > 99, then: [{}]}}",
    "{{if: c > 0, then: [relu], else: [{}]}}",
    "{{repeat: 0, index: i, layers: [{}]}}",
    "{{repeat: 2, index: i, layers: [{}]}}",
    "{{head: {{layers: [relu, {}]}}}}",
    "{{add: [[relu], [{}]]}}",
    "{{concat: {{branches: [[], [{}]]}}}}",
)
# A layer with a name that is known, and with one that is not in its place.
LAYERS = (
    ("{{conv: {{channels: {}, kernel: 1}}}}", "c", "unknown parameter 'zzz'"),
    ("{{conv: {{channels: 4, kernel: [{}, 1]}}}}", "1", "unknown parameter 'zzz'"),
    ("{{relu: {{name: 'a{{{}}}'}}}}", "half", "unknown parameter 'zzz'"),
    ("{{unit: {{n: {}}}}}", "1", "unknown parameter 'zzz'"),
    ("{{unit: {{n: 1, {}: 5}}}}", "m", "block 'unit' has no parameter 'zzz'"),
    ("{{unit: {{{}: 5}}}}", "n", "block 'unit' "),
    ("{{if: {} > 0, then: []}}", "c", "unknown parameter 'zzz'"),
    ("{{if: c > 0 or {} > 0, then: []}}", "c", "unknown parameter 'zzz'"),
    ("{{repeat: {}, layers: [relu]}}", "1", "unknown parameter 'zzz'"),
    ("{{conv: {{channels: 1 if true else {}, kernel: 1}}}}", "c", "unknown parameter 'zzz'"),
    ("{{upsample: {{factor: 1, mode: {}}}}}", "nearest", "unknown parameter 'zzz'"),
)
SPEC = """\
name: scopes
input: [1, 8, 8]
parameters: {{c: 2}}
let: {{half: c*2}}
blocks:
  unit: {{parameters: [n, m: n], let: {{k: m}}, layers: [relu]}}
  idle: {{parameters: [n], layers: [{idle}]}}
layers: [relu, {layer}]
"""


@given(st.sampled_from(LAYERS), st.lists(st.sampled_from(AROUND), max_size=4), st.booleans())
def test_an_unknown_name_is_refused_wherever_it_stands(
    layer: tuple[str, str, str], around: list[str], in_idle_block: bool
) -> None:
    text, known, message = layer
    for name in (known, "zzz"):
        whole = text.format(name)
        for outer in around:
            whole = outer.format(whole)
        idle = in_idle_block and whole
        spec = SPEC.format(idle=idle or "relu", layer="relu" if idle else whole)
        if name == known:
            family_of(spec)
        else:
            with pytest.raises(SpecError) as raised:
                family_of(spec)
            assert message in str(raised.value)
            assert raised.value.place is not None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("let: {{half: c*2}}", "let: {{half: quarter*2, quarter: 1}}", "parameter 'quarter'"),
        ("[n, m: n]", "[m: n, n]", "unknown parameter 'n'"),
        ("let: {{k: m}}", "let: {{k: k}}", "unknown parameter 'k'"),
        ("{layer}", "{{repeat: 1, index: i, layers: [relu]}}, {{dropout: {{p: i}}}}", "'i'"),
        ("{layer}", "{{unit: {{}}}}", "block 'unit' needs `n`"),
        ("{layer}", "{{if: c > 9, then: [unit]}}", "block 'unit' needs `n`"),
    ],
)
def test_a_name_is_known_from_where_it_is_given(old: str, new: str, message: str) -> None:
    family_of(SPEC.format(idle="relu", layer="relu"))
    with pytest.raises(SpecError, match=message):
        family_of(SPEC.replace(old, new).format(idle="relu", layer="relu"))


def test_blocks_see_parameters_and_what_is_let_but_no_index() -> None:
    inside = "{{if: {} > 0, then: []}}"
    for name in ("c", "half", "n"):
        family_of(SPEC.format(idle=inside.format(name), layer="relu"))
    layer = "{repeat: 1, index: i, layers: [{idle: {n: i}}]}"
    family_of(SPEC.format(idle="relu", layer=layer))
    with pytest.raises(SpecError, match="unknown parameter 'i'"):
        family_of(SPEC.format(idle=inside.format("i"), layer=layer))


def test_variants_with_layers_of_their_own_are_looked_at() -> None:
    text = (
        "name: t\ninput: [1]\nlayers: [relu]\nvariants: {a: , b: {layers: [{dropout: {p: q}}]}}\n"
    )
    with pytest.raises(SpecError, match=r"tiny\.yaml:4:44: unknown parameter 'q'"):
        family_of(text)


def test_what_ships_is_known() -> None:
    for family in families():
        require_known_names(family.networks.values())
        for network in family.networks.values():
            build_graph(network)
