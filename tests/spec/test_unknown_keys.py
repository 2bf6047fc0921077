"""A key that means nothing is refused in every mapping of every spec that ships."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
import yaml

from archcalc import SpecError
from archcalc.claims.reading import claims_of
from archcalc.errors import Source
from archcalc.spec.files import spec_sources
from archcalc.spec.parser import parse_family

SOURCES = {source.name: source for source in spec_sources()}
# Whose keys are anybody's to choose.
NAMES = ("parameters", "let", "variants", "blocks", "set", "parts", "inputs", "outputs")
SOME = 12  # mappings of each spec


def mappings(source: Source) -> Iterator[tuple[str, yaml.MappingNode]]:
    """Each mapping with the key that it stands under, or that its list stands under."""
    todo: list[tuple[str, yaml.Node | None]] = [
        ("", yaml.compose(source.text, Loader=yaml.SafeLoader))
    ]
    for key, node in todo:
        if isinstance(node, yaml.SequenceNode):
            todo += [(key, item) for item in node.value]
        elif isinstance(node, yaml.MappingNode):
            todo += [(name.value, value) for name, value in node.value]
            if not node.flow_style or source.text[node.start_mark.index] == "{":  # else [a: b]
                yield key, node


def with_unknown_key(source: Source, node: yaml.MappingNode) -> Source:
    """The spec with `zzz: 5` as the first key of a mapping."""
    text, start, column = source.text, node.start_mark.index, node.start_mark.column
    if node.flow_style:
        return Source(source.name, f"{text[: start + 1]}zzz: 5, {text[start + 1 :]}")
    return Source(source.name, f"{text[:start]}zzz: 5\n{' ' * column}{text[start:]}")


def read(source: Source) -> None:
    claims_of(parse_family(source))


@pytest.mark.parametrize("name", SOURCES)
def test_an_unknown_key_is_refused(name: str) -> None:
    source = SOURCES[name]
    found = [node for key, node in mappings(source) if key not in NAMES]
    for node in Random(name).sample(found, min(SOME, len(found))):
        with pytest.raises(SpecError, match="'zzz'"):
            read(with_unknown_key(source, node))


def test_one_that_is_taken_would_be_seen() -> None:
    source = SOURCES["specs/resnet.yaml"]
    node = next(node for key, node in mappings(source) if key == "parameters")
    read(with_unknown_key(source, node))
