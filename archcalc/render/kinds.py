"""The layer kinds: all of them, a row each; and one, with what its class says and its fields."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

from archcalc.layers.layer import REQUIRED, Layer
from archcalc.quantity.arithmetic import plain
from archcalc.render.output import Data, Document, Part, Table, Title
from archcalc.spec.fields import Field, fields_of
from archcalc.spec.keys import placement_keys
from archcalc.synonyms import OF_TORCH

_COLUMNS = ("field", "takes", "default", "also called")


class KindsDocument(Document):
    """Several kinds, in their order."""

    kinds: Sequence[type[Layer]]

    def record(self) -> list[dict[str, object]]:
        """Each kind."""
        data = self.data()
        return [
            {**dict(zip(data.keys, row, strict=True)), "fields": list(fields_of(kind))}
            for kind, row in zip(self.kinds, data.rows, strict=True)
        ]

    def data(self) -> Data:
        """A row for each kind, with the names of its fields."""
        rows = [
            [kind.kind, kind.category.value, _about(kind)[0], " ".join(fields_of(kind))]
            for kind in self.kinds
        ]
        return Data(("kind", "category", "about", "fields"), rows)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each kind."""
        rows = [[kind.kind, _about(kind)[0]] for kind in self.kinds]
        yield Table(("kind", "what it is"), rows, "lw", room=0)


class KindDocument(Document):
    """One kind."""

    kind: type[Layer]

    def record(self) -> dict[str, object]:
        """What its class says, and its fields."""
        first, *others = _about(self.kind)
        data = self.data()
        fields = [
            {**dict(zip(data.keys, row, strict=True)), "also": _also(field)}
            for field, row in zip(fields_of(self.kind).values(), data.rows, strict=True)
        ]
        return {
            "kind": self.kind.kind,
            "category": self.kind.category.value,
            "about": first,
            "rules": others,
            "fields": fields,
            "placement": list(placement_keys(self.kind)),
        }

    def data(self) -> Data:
        """A row for each field; a default of null where it has to be given."""
        rows = [
            [name, _taken(field), field.required, _default(self.kind, name), " ".join(_also(field))]
            for name, field in fields_of(self.kind).items()
        ]
        return Data(("field", "takes", "required", "default", "also"), rows)

    def parts(self, form: str) -> Iterator[Part]:
        """What its class says: shapes, parameters, costs, source. Then a row for each field."""
        first, *others = _about(self.kind)
        yield Title(f"{self.kind.kind}: {first}", others)
        rows = [
            [name, _taken(field), _shown(self.kind, name), ", ".join(_also(field))]
            for name, field in fields_of(self.kind).items()
        ]
        if rows:
            yield Table(_COLUMNS, rows, room=0)
        yield [f"besides, of any layer of this kind: {', '.join(placement_keys(self.kind))}"]


def _about(kind: type[Layer]) -> list[str]:
    """What its class says, a sentence first: then a line for each that begins where one ended."""
    text = inspect.cleandoc(kind.__doc__ or "").replace("`", "")
    first, ends, rest = text.replace("\n\n", "\n").partition(". ")
    if "\n" in first:  # the first line is a sentence
        first, ends, rest = text.partition("\n\n")
    return [first + ends.strip(), *lines_said(rest)]


def lines_said(text: str) -> list[str]:
    """A line of a docstring for each that begins where one ended, with what goes on behind it."""
    found: list[str] = []
    for line in text.splitlines():
        if found and not found[-1].endswith((".", ":")):
            found[-1] += f" {line}"
        else:
            found.append(line)
    return found


def _taken(field: Field) -> str:
    words = " or ".join(field.type.words)
    return ", or ".join(text for text in (field.type.said, words) if text)


def _default(kind: type[Layer], name: str) -> object:
    default = kind.defaults[name]
    return None if default is REQUIRED else plain(default)


def _shown(kind: type[Layer], name: str) -> str:
    if kind.defaults[name] is REQUIRED:
        return "needed"
    default = _default(kind, name)
    if isinstance(default, bool) or default is None:
        return {True: "true", False: "false", None: "none"}[default]
    return str(default) or '""'


def _also(field: Field) -> list[str]:
    """Names of torch.nn by which it is understood too."""
    return [name for name, ours in OF_TORCH.items() if field.name in ours]
