"""Receptive fields, in every form. By hand: a convolution of 3 on 3x8x8 sees 3 of 8 pixels."""

from __future__ import annotations

from archcalc.render.field import FieldDocument, UnitDocument
from archcalc.render.output import write
from archcalc.unit_field import unit_field
from tests.spec_texts import analysis_of

ANALYSIS = analysis_of("  - conv: {name: conv, channels: 4, kernel: 3}\n  - relu: {name: relu}\n")


def test_the_fields_of_layers_are_a_table() -> None:
    *_, conv, relu = write(FieldDocument(ANALYSIS), "text").splitlines()
    assert conv.split() == ["conv", "3", "3", "3", "1", "0"]
    assert relu.split() == ["relu", "3", "3", "3", "1", "0"]
    (heading, first, _) = write(FieldDocument(ANALYSIS), "csv").splitlines()
    assert heading.startswith("name,receptive_field,local_receptive_field,smallest_path,")
    assert first == "conv,3x3,3x3,3x3,3x3,1x1,0x0,,tiny"


def test_a_local_field_stands_apart_where_it_is_another() -> None:
    gated = analysis_of("  - conv: {channels: 4, kernel: 3}\n  - group_norm: {groups: 2}\n")
    text = write(FieldDocument(gated), "text")
    assert "local field" in text.splitlines()[3]
    assert text.endswith("local field: without gates and norms; jump and padding are of it")


def test_a_unit_sees_pixels() -> None:
    document = UnitDocument(ANALYSIS, unit_field(ANALYSIS, "conv", (0, 1)))
    title, _, heading, height, width, _, pixels = write(document, "text").splitlines()
    assert title == "tiny, conv (conv): unit 0,1 of 6x6, image 8x8"
    assert heading.endswith(" in the image")
    assert height.split() == ["height", "3", "1", "0", *["0", "…", "2"], *["0", "…", "2"]]
    assert width.split() == ["width", "3", "1", "0", *["1", "…", "3"], *["1", "…", "3"]]
    assert pixels == "9 pixels, 14.1% of the image; 0.0% of its field is padding"  # 9 / 64
    assert write(document, "csv").splitlines()[2] == 'conv,"0,1",,width,3,1,0,1,3,1,3,tiny'


def test_a_sequence_has_tokens_in_place_of_pixels() -> None:
    spec = """\
name: causal
inputs:
  ids: {shape: [12], dtype: int64}
layers:
  - embedding: {name: embed, rows: 50, features: 8}
  - scaled_dot_product_attention: {name: attend, from: [embed, embed, embed], causal: true}
"""
    analysis = analysis_of(spec)
    text = write(UnitDocument(analysis, unit_field(analysis, "attend", (2,))), "text")
    title, _, heading, length, _, tokens, *_ = text.splitlines()
    assert title.endswith("unit 2 of 12, sequence 12")
    assert heading.endswith(" in the sequence")
    assert length.split()[-3:] == ["0", "…", "2"]
    assert tokens.startswith("3 tokens, 25.0% of the sequence")


def test_of_more_axes_than_have_names_each_has_its_number() -> None:
    analysis = analysis_of("name: four\ninput: [2, 3, 4, 5, 6]\nlayers:\n  - relu: {name: relu}\n")
    text = write(UnitDocument(analysis, unit_field(analysis, "relu")), "text")
    assert [line.split()[1] for line in text.splitlines()[3:7]] == ["1", "2", "3", "4"]
    assert "1 position, 0.3% of the input" in text  # 1 / 360
