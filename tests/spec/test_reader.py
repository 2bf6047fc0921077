"""The reader: YAML with positions, within bounds, without surprises."""

from __future__ import annotations

from pathlib import Path

import pytest
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from archcalc import SpecError, UsageError
from archcalc.errors import Source
from archcalc.spec import reader
from archcalc.spec.reader import compose, entries, items, place_of, read_file, text_of

SURPRISES = (
    *("012", "+012", "1:30", "-190:20:30", "1_000", "0x1F", "0o17", "0b1", "2015-12-10"),
    *("yes", "No", "ON", "off", "True", "FALSE"),
)


def composed(text: str) -> Node:
    return compose(Source("t", text))


def values(node: Node) -> object:
    """A tree as dicts, lists and texts."""
    if isinstance(node, MappingNode):
        return {key.value: values(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [values(item) for item in node.value]
    assert isinstance(node, ScalarNode)
    return node.value


def test_scalars_stay_text_until_a_field_says_what_they_are() -> None:
    tree = composed("a: 1\nb: [x, 2.5, true, '010', null, 1e3]\nc:\n  d: |\n    two\n    lines\n")
    assert values(tree) == {
        "a": "1",
        "b": ["x", "2.5", "true", "010", "null", "1e3"],
        "c": {"d": "two\nlines\n"},
    }


def test_every_node_knows_its_line_and_column() -> None:
    source = Source("t", "a: 1\nb:\n  - x\n  - {c: y}\n")
    root = compose(source)
    (_, _, _), (_, _, listed) = entries(root, source, "root")
    second = items(listed, source, "b")[1]
    assert str(place_of(second, source)) == "t:4:5"
    ((_, key, value),) = entries(second, source, "item")
    assert str(place_of(key, source)) == "t:4:6"
    assert str(place_of(value, source)) == "t:4:9"


@pytest.mark.parametrize(
    "text",
    [
        "012",
        "+012",
        "1:30",
        "-190:20:30",
        "1_000",
        "0x1F",
        "0o17",
        "0b1",
        "2015-12-10",
        "yes",
        "No",
        "ON",
        "off",
        "True",
        "FALSE",
    ],
)
def test_a_scalar_that_yaml_1_1_reads_in_its_own_way_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"in YAML 1\.1"):
        composed(f"a: {text}")
    with pytest.raises(SpecError, match=r"in YAML 1\.1"):
        composed(f"[{text}]")


@pytest.mark.parametrize("text", ["0", "10", "-3", "0.5", "1e-3", "true", "false", "y", "n", "x1"])
def test_what_all_read_alike_is_let_through(text: str) -> None:
    assert values(composed(f"a: {text}")) == {"a": text}


@pytest.mark.parametrize("text", ["012", "yes", "1:30"])
def test_in_quotes_anything_is_text(text: str) -> None:
    assert values(composed(f"a: '{text}'\nb: \"{text}\"")) == {"a": text, "b": text}


def test_as_many_values_as_are_allowed_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_NODES", 4)
    composed("[a, b, c]")
    with pytest.raises(SpecError, match="t: more than 4 values"):
        composed("[a, b, c, d]")


def test_text_that_is_none_is_refused() -> None:
    with pytest.raises(SpecError, match="t: not UTF-8 text"):
        composed("a: \udcff")


def test_as_deep_as_is_allowed_is_read() -> None:
    composed("[" * reader.MAX_DEPTH + "]" * reader.MAX_DEPTH)
    with pytest.raises(SpecError, match="nested more than 60 deep"):
        composed("[" * (reader.MAX_DEPTH + 1) + "]" * (reader.MAX_DEPTH + 1))


def test_a_file_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"#" * reader.MAX_BYTES)
    assert len(read_file(str(path), "spec.yaml").text) == reader.MAX_BYTES
    path.write_bytes(b"#" * (reader.MAX_BYTES + 1))
    with pytest.raises(SpecError, match=r"^spec\.yaml: more than 1,048,576 bytes"):
        read_file(str(path), "spec.yaml")


def test_a_file_is_called_as_the_user_called_it(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("a: é", encoding="utf-8")
    source = read_file(str(tmp_path / "spec.yaml"), "./spec.yaml")
    assert (source.name, source.text) == ("./spec.yaml", "a: é")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("a: b", encoding="utf-8-sig")
    assert values(compose(read_file(str(tmp_path / "spec.yaml"), "spec.yaml"))) == {"a": "b"}


def test_what_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^there: No such file or directory$"):
        read_file(str(tmp_path / "missing"), "there")
    with pytest.raises(UsageError, match=r"^there: Is a directory$"):
        read_file(str(tmp_path), "there")
    with pytest.raises(UsageError, match=r"is not the name of a file$"):
        read_file("a\0b", "a\0b")


def test_what_should_be_another_kind_of_node_is_refused() -> None:
    source = Source("t", "a: [b]")
    root = compose(source)
    with pytest.raises(SpecError, match=r"t:1:1: layers is a list"):
        items(root, source, "layers")
    (_, _, inner), *_ = entries(root, source, "root")
    with pytest.raises(SpecError, match=r"t:1:4: block is a mapping"):
        list(entries(inner, source, "block"))
    with pytest.raises(SpecError, match=r"t:1:4: a name is text"):
        text_of(inner, source, "a name")
