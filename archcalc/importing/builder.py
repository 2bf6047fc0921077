"""Statements one after the other, with names of the language and the shapes that a file implies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from archcalc.errors import SpecError
from archcalc.importing.model import Statement
from archcalc.record import replace
from archcalc.spec.syntax import NAME

_MOST_VALUES = 2**63 - 1
_LONGEST = 90  # leaves room for a number behind it
_SIZE_OF = re.compile(r"shape_of\('([^']*)'\)")
_OTHERS = re.compile(r"[^A-Za-z0-9_.\-]+")


class Value(NamedTuple):
    """What a layer puts out, or an input: its name, and its shape for one image."""

    name: str
    shape: tuple[int, ...]


class Builder:
    """Collects the statements of a model.

    Attributes:
        statements: as they were added.
    """

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self._notes: dict[str, list[str]] = {}
        self._taken: dict[str, int] = {}

    def name(self, wanted: str) -> str:
        """A name of the language like the one wanted, that nothing else has: `a/b` is `a.b`."""
        cleaned = _OTHERS.sub("_", wanted.replace("/", "."))[:_LONGEST]
        if NAME.fullmatch(cleaned) is None:
            cleaned = f"_{cleaned}"
        name = cleaned
        while name in self._taken:
            self._taken[cleaned] += 1
            name = f"{cleaned}_{self._taken[cleaned]}"
        self._taken[name] = 1
        return name

    def add(
        self,
        kind: str,
        wanted: str,
        inputs: Iterable[Value],
        shape: Sequence[int],
        fields: Mapping[str, Any] | None = None,
        weights: str | None = None,
    ) -> Value:
        """A layer, called what is wanted or nearly so, with an output of `shape` for one image.

        Raises:
            SpecError: no tensor is that large.
        """
        shape = tuple(shape)
        if prod(shape) > _MOST_VALUES:
            raise SpecError(f"{wanted[:_LONGEST]}: an output of more values than a tensor can have")
        read = tuple([value.name for value in inputs])
        name = self.name(wanted)
        self.statements.append(Statement(kind, name, read, fields or {}, weights, shape))
        return Value(name, shape)

    def note(self, fact: str, line: int, who: str) -> None:
        """Tells whoever sees the figures a fact of what stands in a line of the file."""
        self._notes.setdefault(fact, []).append(f"{who} (line {line})")

    @property
    def notes(self) -> list[str]:
        """What whoever sees the figures should know, each fact once."""
        return [f"{some_of(who)}: {fact}" for fact, who in self._notes.items()]

    def read(self) -> set[str]:
        """The names of what layers take, or ask for the size of."""
        found: set[str] = set()
        for statement in self.statements:
            found.update(statement.inputs)
            if _asks(statement):
                found.update(_SIZE_OF.findall(str(statement.fields)))
        return found

    def replace(self, merged: Mapping[str, Statement], gone: Mapping[str, str]) -> None:
        """Puts statements in the place of others, and leaves some out, which others stand for."""
        kept = []
        for statement in self.statements:
            if statement.name in gone:
                continue
            statement = merged.get(statement.name, statement)
            inputs = tuple([gone.get(name, name) for name in statement.inputs])
            fields = statement.fields
            if _asks(statement):
                fields = {key: _renamed(value, gone) for key, value in fields.items()}
            kept.append(replace(statement, inputs=inputs, fields=fields))
        self.statements = kept


def size_of(value: Value, axis: int) -> str:
    """The size of an axis of what another layer puts out, as an expression."""
    return f"shape_of('{value.name}')[{axis}]"


def _asks(statement: Statement) -> bool:
    return statement.kind in ("crop", "upsample")


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if not isinstance(value, str):
        return value
    return _SIZE_OF.sub(lambda found: f"shape_of('{names.get(found[1], found[1])}')", value)


def some_of(texts: Sequence[str], most: int = 3) -> str:
    """The first of some texts, and how many more there are."""
    more = f", and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
