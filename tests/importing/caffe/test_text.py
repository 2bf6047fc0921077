"""The text format, and what a hostile file can do: end in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.errors import ArchcalcError, Source, SpecError
from archcalc.importing.caffe.fields import Fields
from archcalc.importing.caffe.text import MAX_DEPTH, MAX_FIELDS, Message, Token, parse
from tests.importing.files import caffe


def tree(message: Message) -> list[tuple[str, object]]:
    """The fields as plain values."""
    return [
        (field.name, field.value.text if isinstance(field.value, Token) else tree(field.value))
        for field in message.fields
    ]


def test_every_way_of_writing_a_field() -> None:
    text = """
        # a comment
        name: "a" 'b' size: -1 rate: .5e-3f flag: true word: MAX   # behind
        list: [1, 2,3] list: 0x10; empty {} angled < x: 1 >, colon: { y: 2 } nested{a{b:'#'}}
    """
    assert tree(parse(Source("t", text))) == [
        ("name", '"ab"'),
        ("size", "-1"),
        ("rate", ".5e-3f"),
        ("flag", "true"),
        ("word", "MAX"),
        ("list", "1"),
        ("list", "2"),
        ("list", "3"),
        ("list", "0x10"),
        ("empty", []),
        ("angled", [("x", "1")]),
        ("colon", [("y", "2")]),
        ("nested", [("a", [("b", "'#'")])]),
    ]


def test_values_of_each_type() -> None:
    fields = Fields(parse(Source("t", "i: 0x10 j: +3 r: 1e-2f s: 'it\\'s' b: 0 w: 2 x { y: 1 }")))
    assert (fields.whole("i"), fields.whole("j"), fields.whole("none", 7)) == (16, 3, 7)
    assert (fields.real("r", 0.0), fields.real("i2", 2.5)) == (0.01, 2.5)
    assert (fields.text("s"), fields.flag("b", True)) == ("it's", False)
    assert fields.word("w", ("A", "B", "C"), "A") == "C"
    assert fields.inner("x").whole("y") == 1
    assert fields.inner("none").whole("y", 4) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1 b", "t:1:7: expected ':' or '{' behind 'b'"),
        ("a {\n  b: 1\n", "t:1:3: '{' is not closed"),
        ("a: 'x\n'", 't:1:4: "\'": a text that is not closed'),
        ("a: 1 }", "t:1:6: expected the name of a field, not '}'"),
        ("a { b: 1 >", "t:1:10: expected the name of a field, not '>'"),
        ("a: [1 2]", "t:1:7: expected ',' or ']', not '2'"),
        ("a: @", "t:1:4: '@': not expected here"),
        ("é: 1", "t:1:1: 'é': not expected here"),
        ("a:", "t:1:3: expected a value, not the end"),
    ],
)
def test_what_is_no_such_text_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(Source("t", text))
    assert str(caught.value).split("\n")[0] == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n: 1.5", "n: expected a whole number, not '1.5'"),
        ("n: -1", "n: -1, where it has to be at least 0"),
        ("n: 99999999999", "has to be at most 2147483647"),
        ("n: " + "9" * 5000, "n: expected a whole number"),
        ("n: 1 n: 2", "n is given twice"),
        ("n { }", "n: expected a value, not '{'"),
        ("", "n is missing"),
    ],
)
def test_a_number_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Fields(parse(Source("t", text))).whole("n")
    assert message in str(caught.value)


HOSTILE = {
    "deep": "a {" * (MAX_DEPTH + 1),
    "deep and closed": "a {" * 100_000 + "}" * 100_000,
    "many fields": "a:1 " * (MAX_FIELDS + 1),
    "many layers": "layer{}" * 100_000,
    "many texts": "name: " + "'a' " * 250_000,
    "a long text": "name: '" + "a" * 1_000_000 + "'",
    "a long type": "layer { type: '" + "a" * 1_000_000 + "' }",
    "a long bottom": "layer { type: 'ReLU' bottom: '" + "a" * 1_000_000 + "' }",
    "one line": "layer { type: 'Input' top: 'x' " * 10,
    "a cycle": "layer { type: 'ReLU' bottom: 'b' top: 'a' } "
    "layer { type: 'ReLU' bottom: 'a' top: 'b' }",
    "of itself": "layer { type: 'ReLU' bottom: 'a' top: 'a' }",
    "a large shape": "input: 'x' input_shape { "
    + "dim: 2147483647 " * 8
    + "} layer { type: 'InnerProduct' bottom: 'x' top: 'y' "
    "inner_product_param { num_output: 2147483647 } }",
    "many axes": "input: 'x' input_shape { "
    + "dim: 1 " * 1_000
    + "} layer { type: 'ReLU' bottom: 'x' top: 'y' }",
    "many names": "input: 'x' input_shape { dim: 1 dim: 3 } "
    + "layer { type: 'ReLU' bottom: 'x' top: 'x' name: 'x' } " * 9_000,
    "nothing": "\0",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_ends_in_one_short_message(text: str) -> None:
    with pytest.raises(ArchcalcError) as caught:
        caffe(text)
    assert len(str(caught.value)) < 2_000


@given(st.text(alphabet="abn: {}<>[]\"'#\n1-.,;", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(Source("t", text))
    except SpecError as error:
        assert str(error).startswith("t:")
