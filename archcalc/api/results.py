"""What the functions of the door return: records that can be shown, looked into and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from archcalc.errors import UsageError, require_extra, suggestion
from archcalc.quantity.arithmetic import plain
from archcalc.render.output import Document, write

if TYPE_CHECKING:
    import pandas

Found = TypeVar("Found")
Part = TypeVar("Part")


class Result(Generic[Found, Part]):
    """What was found, with its parts by name, and ready to be shown.

    It is what the command of the same name prints: `print()` shows that, and so does a prompt; a
    notebook shows it as HTML. Iteration goes over the parts, in order.

    Attributes:
        found: the whole of it, as a record.
        parts: of what it consists, such as layers, by name.
        document: how it is shown.
    """

    def __init__(self, found: Found, parts: Mapping[str, Part], document: Document) -> None:
        self.found = found
        self.parts = parts
        self.document = document

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts.values())

    def __len__(self) -> int:
        return len(self.parts)

    def __contains__(self, name: object) -> bool:
        return name in self.parts

    def __getitem__(self, name: str) -> Part:
        """The part with that name. Raises UsageError, with a guess, where there is none."""
        try:
            return self.parts[name]
        except KeyError:
            raise UsageError(f"there is no {name!r}{suggestion(str(name), self.parts)}") from None

    def __str__(self) -> str:
        return write(self.document, "text")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return write(self.document, "html")

    def to_markdown(self) -> str:
        """As Markdown, as the command writes it."""
        return write(self.document, "markdown")

    def record(self) -> object:
        """All of it under the keys of the JSON contract, in types that JSON knows."""
        return self.document.record()

    def to_frame(self) -> pandas.DataFrame:
        """The rows that a CSV has, as a pandas DataFrame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        require_extra("to_frame()", "pandas", "pandas")
        import pandas

        data = self.document.data()
        rows = [[plain(value) for value in row] for row in data.rows]
        return pandas.DataFrame(rows, columns=list(data.keys))
