"""YAML text -> a tree of nodes that know their line and column. Knows nothing of networks.

Read with PyYAML's C composer. Its hooks for tag resolution, which specs do not need (a scalar's
meaning comes from the field it fills), serve to bound depth and size while the tree is built.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from archcalc.errors import Place, Source, SpecError, UsageError, refused_by_system, suggestion

MAX_BYTES = 1 << 20
MAX_NODES = 40_000  # ResNet-1202 written out has 33,000
MAX_DEPTH = 60

# YAML 1.1 and 1.2 read these differently, and people a third way.
_BOOLEANS = frozenset(
    [
        "yes",
        "Yes",
        "YES",
        "no",
        "No",
        "NO",
        "on",
        "On",
        "ON",
        "off",
        "Off",
        "OFF",
        "True",
        "TRUE",
        "False",
        "FALSE",
    ]
)
_NUMBERS = (
    (r"[-+]?0[0-9_]+", "is octal in YAML 1.1, decimal in 1.2; write it without the 0"),
    (r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?", "is a base-60 number in YAML 1.1"),
    (r"[-+]?[0-9]+_[0-9_]*", "is a number in YAML 1.1, text in 1.2; leave the _ out"),
    (r"[-+]?0[xob][0-9a-fA-F_]+", "is a number in YAML 1.1; write it in decimal"),
    (
        r"[0-9]{4}(-[0-9]{1,2}){2}",
        "is a date in YAML 1.1; for a difference put spaces around the -",
    ),
)
_SIGNS = frozenset("_:-xob")  # each of these but the octal ones has one of them in its middle

WANTS_QUOTES = '; an expression with a comma wants quotes, as in {channels: "max(8, c)"}'


def read_file(path: str, shown_as: str, what: str = "a spec") -> Source:
    """The text of a file.

    Args:
        what: what is meant to be in it, for messages.

    Raises:
        UsageError: it cannot be read.
        SpecError: it is too large, or not UTF-8.
    """
    try:
        with refused_by_system(shown_as), open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except ValueError:
        raise UsageError(f"{shown_as!r} is not the name of a file") from None
    return decoded(data, shown_as, what)


def read_stdin() -> Source:
    """The text that comes in on standard input.

    Raises:
        UsageError: nothing does; it was read before.
        SpecError: it is too large, or not UTF-8.
    """
    data = b"" if sys.stdin is None else sys.stdin.buffer.read(MAX_BYTES + 1)
    if not data:
        raise UsageError("-: nothing comes in on standard input, or it was read before")
    return decoded(data, "<stdin>", "a spec")


def decoded(data: bytes, shown_as: str, what: str = "a spec") -> Source:
    """A text as it was read. Raises SpecError where it is too large, or not UTF-8."""
    require_small(len(data), shown_as, what)
    try:
        return Source(shown_as, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SpecError(f"{shown_as}: not UTF-8 text, from byte {error.start} on") from None


def require_small(size: int, shown_as: str, what: str = "a spec") -> None:
    """Raises SpecError for more bytes than a text may have."""
    if size > MAX_BYTES:
        raise SpecError(f"{shown_as}: more than {MAX_BYTES:,} bytes; {what} is far smaller")


class _Writer(yaml.SafeDumper):
    """Writes what stands in several places in each of them: specs have no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_data(self, data: Any) -> yaml.Node:
        """Writes a scalar of numpy's as Python's own."""
        return super().represent_data(data.item() if getattr(data, "ndim", None) == 0 else data)


def written(spec: Mapping[str, object]) -> Source:
    """A spec that was made in Python, as the text that it would be read from.

    Raises:
        UsageError: there is something in it that YAML does not have, or it contains itself.
    """
    try:
        text = yaml.dump(
            dict(spec),
            Dumper=_Writer,
            default_flow_style=None,
            sort_keys=False,
            allow_unicode=True,
            width=MAX_BYTES,
        )
    except yaml.representer.RepresenterError as error:
        raise UsageError(
            f"a spec holds mappings, lists, texts and numbers, not {error.args[1]!r}"
        ) from None
    except RecursionError:
        raise UsageError("a spec that is nested too deep, or contains itself") from None
    return Source("<mapping>", text)


def compose(source: Source) -> Node:
    """The tree of a YAML document, without aliases, repeated keys or surprising scalars.

    Raises:
        SpecError: it is no such document, or too large.
    """
    return compose_counted(source, MAX_NODES)[0]


def compose_counted(source: Source, most: int) -> tuple[Node, int]:
    """As `compose`, of up to `most` values; and how many it has."""
    require_small(len(source.text), source.name)
    try:
        parser = _Parser(source, most)
        node = parser.get_single_node()
    except yaml.MarkedYAMLError as error:
        place = _marked(source, error)
        raise SpecError(_yaml_problem(error, place), place) from None
    except ReaderError as error:
        before = source.text.encode()[: error.position].decode(errors="ignore")
        *_, last = before.splitlines() or [""]
        place = Place(source, max(1, len(before.splitlines())), len(last) + 1)
        raise SpecError("not YAML: a control character", place) from None
    except UnicodeEncodeError:
        raise SpecError(f"{source.name}: not UTF-8 text") from None
    if node is None:
        raise SpecError(f"{source.name}: empty")
    _check(node, source, set())
    return node, parser.count


def place_of(node: Node, source: Source) -> Place:
    """Where a node begins."""
    return Place(source, node.start_mark.line + 1, node.start_mark.column + 1)


def entries(node: Node, source: Source, what: str) -> Iterator[tuple[str, Node, Node]]:
    """(key, key's node, value's node) of a mapping; SpecError where `node` is none."""
    if not isinstance(node, MappingNode):
        raise SpecError(f"{what} is a mapping (key: value)", place_of(node, source))
    for key, value in node.value:
        yield key.value, key, value


def items(node: Node, source: Source, what: str) -> list[Node]:
    """The items of a sequence; SpecError where `node` is none."""
    if not isinstance(node, SequenceNode):
        raise SpecError(f"{what} is a list (- item)", place_of(node, source))
    found: list[Node] = node.value
    return found


def text_of(node: Node, source: Source, what: str) -> str:
    """The text of a scalar; SpecError where `node` is none."""
    if not isinstance(node, ScalarNode):
        raise SpecError(f"{what} is text, not a list or a mapping", place_of(node, source))
    text: str = node.value
    return text


def mapping(
    node: Node,
    source: Source,
    known: tuple[str, ...],
    owner: str,
    required: tuple[str, ...] = (),
    of_torch: bool = False,
) -> dict[str, Node]:
    """The values of a mapping, by their keys.

    Args:
        of_torch: whether keys may be called as torch.nn calls them.

    Raises:
        SpecError: it is no mapping, has a key that is not among `known`, or lacks a required one.
    """
    found: dict[str, Node] = {}
    for key, key_node, value in entries(node, source, owner):
        if key not in known and of_torch:
            from archcalc import synonyms

            key = synonyms.of_torch(key, known) or key
        if key not in known:
            # One before it may be the first half of an expression with a comma.
            if key.endswith((")", "]")) or any(map(is_left_open, found.values())):
                guess = WANTS_QUOTES
            else:
                guess = suggestion(key, known, "it takes") if known else ""
            raise SpecError(f"{owner} has no {key!r}{guess}", place_of(key_node, source))
        if of_torch and key in found:
            raise SpecError(
                f"{owner} has {key!r} twice, once as torch calls it", place_of(key_node, source)
            )
        found[key] = value
    for key in required:
        if key not in found:
            raise SpecError(f"{owner} needs `{key}`", place_of(node, source))
    return found


def is_left_open(node: Node) -> bool:
    """Whether a plain text may be cut off at a comma: it opens a bracket and does not close it."""
    if not isinstance(node, ScalarNode) or node.style or "," in node.value:
        return False
    text: str = node.value
    return any(text.count(opening) > text.count(closing) for opening, closing in ("()", "[]"))


class _Parser(CParser):
    """The C composer, with its resolver's hooks put to another use."""

    def __init__(self, source: Source, most: int) -> None:
        CParser.__init__(self, source.text)
        self._source = source
        self._depth = 0
        self._most = most
        self.count = 0  # of values

    def resolve(self, kind: type, value: object, implicit: object) -> str:
        self.count += 1
        if self.count > self._most:
            with_others = "" if self._most == MAX_NODES else ", with the files that it is read for"
            raise SpecError(f"{self._source.name}: more than {MAX_NODES:,} values{with_others}")
        return ""

    def descend_resolver(self, parent: Node | None, index: object) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            place = place_of(parent, self._source) if parent is not None else None
            raise SpecError(f"nested more than {MAX_DEPTH} deep", place)

    def ascend_resolver(self) -> None:
        self._depth -= 1


def _check(node: Node, source: Source, seen: set[int]) -> None:
    if id(node) in seen:
        raise SpecError(
            "YAML aliases (*name) are not part of the spec language; use `blocks`",
            place_of(node, source),
        )
    if node.tag:
        raise SpecError(
            "YAML tags (!name) are not part of the spec language", place_of(node, source)
        )
    seen.add(id(node))
    if isinstance(node, ScalarNode):
        if not node.style:
            _check_plain(node, source)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            _check(item, source, seen)
    else:
        keys: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise SpecError("a key is text, not a list or a mapping", place_of(key, source))
            if key.value in keys:
                first = place_of(keys[key.value], source).line
                raise SpecError(
                    f"duplicate key {key.value!r}; first in line {first}", place_of(key, source)
                )
            keys[key.value] = key
            _check(key, source, seen)
            _check(value, source, seen)


def _check_plain(node: ScalarNode, source: Source) -> None:
    text: str = node.value
    if text in _BOOLEANS:
        raise SpecError(
            f"{text!r} is a boolean in YAML 1.1 alone; write true or false, or quote it",
            place_of(node, source),
        )
    if text[:1] in "+-0123456789" and not (text.isdecimal() and text[0] != "0"):
        digits = text.lstrip("+-")
        if _SIGNS.isdisjoint(digits) and not (digits.isdecimal() and len(digits) > 1):
            return  # without a look at the patterns, as almost all
        for pattern, why in _NUMBERS:
            if re.fullmatch(pattern, text):
                raise SpecError(f"{text!r} {why}", place_of(node, source))


def _yaml_problem(error: yaml.MarkedYAMLError, place: Place | None) -> str:
    if place is not None and place.source.line(place.line)[place.column - 1 :].startswith("\t"):
        return "not YAML: a tab; indent with spaces"
    problem = (
        f"not YAML: {error.problem or 'broken'}{f' ({error.context})' if error.context else ''}"
    )
    if "',' or '}'" in problem:
        problem += '; an expression with brackets wants quotes, as in {depth: "depths[0]"}'
    return problem


def _marked(source: Source, error: yaml.MarkedYAMLError) -> Place | None:
    mark = error.problem_mark or error.context_mark
    return Place(source, mark.line + 1, mark.column + 1) if mark else None
