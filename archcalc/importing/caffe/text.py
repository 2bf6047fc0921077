"""Protobuf's text format -> a tree of fields that know their line and column.

protobuf itself reads it only with a schema, and then no longer knows where a value stood, nor what
the schema lacked. What goes wrong in a network is mostly neither here nor there but in a field, so
that the place of each field is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from archcalc.errors import Place, Source, SpecError

MAX_FIELDS = 100_000  # ResNet-269 has 13,000
MAX_DEPTH = 30

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r\f\v]+|\#[^\n]*)
    |(?P<line>\n)
    |(?P<word>[A-Za-z_][A-Za-z0-9_.\-]*)
    |(?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?[fF]?
               |(?:inf|nan|infinity)\b))
    |(?P<string>"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\\\n]*(?:\\.[^'\\\n]*)*')
    |(?P<sign>[{}<>:;,\[\]])
    """,
    re.VERBOSE,
)
_CLOSING = {"{": "}", "<": ">"}
_ESCAPED = re.compile(r"\\(.)")


class Token(NamedTuple):
    """A piece of text; `kind` is a group of `_TOKEN`, or `end`."""

    kind: str
    text: str
    line: int
    column: int


class Field(NamedTuple):
    """`name: value` or `name { … }`; the place is that of its name."""

    name: str
    value: Token | Message
    line: int
    column: int


class Message(NamedTuple):
    """What stands between braces; the place is that of the field that it is the value of."""

    source: Source
    fields: list[Field]
    line: int
    column: int


def parse(source: Source) -> Message:
    """The fields of a text, in order.

    Raises:
        SpecError: it is no such text, or too large or too deep.
    """
    return _Parser(source).parsed()


def unquoted(token: Token) -> str:
    """What a quoted text says."""
    return _ESCAPED.sub(r"\1", token.text[1:-1])


class _Parser:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = self._tokenized()
        self._token = next(self._tokens)
        self._count = 0

    def parsed(self) -> Message:
        whole = Message(self._source, [], 1, 1)
        open_ones: list[tuple[Message, Token]] = [(whole, self._token)]
        while True:
            message, opened = open_ones[-1]
            token = self._token
            if token.kind == "end":
                if message is whole:
                    return whole
                raise self._error(f"{opened.text!r} is not closed", opened)
            if len(open_ones) > 1 and token.text == _CLOSING[opened.text]:
                self._next()
                open_ones.pop()
                self._separator()
                continue
            inner = self._field(message)
            if inner is not None:
                open_ones.append(inner)
                if len(open_ones) > MAX_DEPTH:
                    raise self._error(f"messages within one another, {MAX_DEPTH} deep", token)

    def _field(self, message: Message) -> tuple[Message, Token] | None:
        """Reads a field, or of one that is a message its beginning, which it hands out."""
        name = self._token
        if name.kind != "word":
            raise self._error(f"expected the name of a field, not {_shown(name)}", name)
        self._next()
        colon = self._token.text == ":"
        if colon:
            self._next()
        token = self._token
        if token.text in _CLOSING:
            inner = Message(self._source, [], name.line, name.column)
            self._append(message, name, inner)
            self._next()
            return inner, token
        if not colon:
            raise self._error(f"expected ':' or '{{' behind {name.text!r}", token)
        if token.text == "[":
            self._list(message, name)
        else:
            self._append(message, name, self._value())
        self._separator()
        return None

    def _list(self, message: Message, name: Token) -> None:
        self._next()
        while self._token.text != "]":
            self._append(message, name, self._value())
            if self._token.text == ",":
                self._next()
            elif self._token.text != "]":
                raise self._error(f"expected ',' or ']', not {_shown(self._token)}", self._token)
        self._next()

    def _value(self) -> Token:
        token = self._token
        if token.kind not in ("word", "number", "string"):
            raise self._error(f"expected a value, not {_shown(token)}", token)
        self._next()
        if token.kind != "string" or self._token.kind != "string":
            return token
        pieces = [token.text[:-1]]
        while self._token.kind == "string":  # side by side they are one
            pieces.append(self._token.text[1:-1])
            self._next()
        return token._replace(text="".join((*pieces, token.text[0])))

    def _separator(self) -> None:
        if self._token.text in (",", ";"):
            self._next()

    def _append(self, message: Message, name: Token, value: Token | Message) -> None:
        self._count += 1
        if self._count > MAX_FIELDS:
            raise self._error(f"more than {MAX_FIELDS:,} fields", name)
        message.fields.append(Field(name.text, value, name.line, name.column))

    def _next(self) -> None:
        self._token = next(self._tokens)

    def _tokenized(self) -> Iterator[Token]:
        text, line, begins, at = self._source.text, 1, 0, 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                token = Token("sign", text[at], line, at - begins + 1)
                what = "a text that is not closed" if token.text in "\"'" else "not expected here"
                raise self._error(f"{token.text!r}: {what}", token)
            kind = str(found.lastgroup)
            if kind == "line":
                line, begins = line + 1, found.end()
            elif kind != "blank":
                yield Token(kind, found.group(), line, at - begins + 1)
            at = found.end()
        yield Token("end", "", line, at - begins + 1)

    def _error(self, fact: str, token: Token) -> SpecError:
        return SpecError(fact, Place(self._source, token.line, token.column))


def _shown(token: Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text[:40])
