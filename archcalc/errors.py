"""The errors that archcalc raises. Each carries one message that a user can act on.

ArchcalcError
├── SpecError           a YAML text is wrong: file, line, column, the fact, a guess
│   ├── BlocksAlone         there are only blocks where a spec is asked for
│   ├── EndlessError        the layers of a spec do not end
│   └── NoFigureError       a network has no such figure, with these parameters
├── LayerError          a layer refuses its input: the shapes that met
│   ├── RefusedError        the same while the network is written out, and its size is asked for
│   ├── ExpansionStopped    what becomes of that: with who and where, and the graph up to there
│   └── AnalysisStopped     the same with who and where, and the analysis up to there
├── QuantityError       a number of an array does not fit in 64 bits
├── UsageError          an argument is wrong: a name, a file, the value of an option
│   ├── MeasurementError    torch cannot measure a network: memory runs out, or torch fails
│   ├── TooManyCasesError   a formula falls into too many cases
│   └── UnsettledError      a figure is another one at a certain value of a symbol
├── MissingExtraError   what was asked for needs an optional package; says which to install
├── ExpressionError     an expression is wrong; becomes a SpecError or a UsageError
└── PrintedError        a published figure cannot be read; becomes a SpecError
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, ClassVar

from archcalc.record import Record

MOST_CHARACTERS = 1000  # of a message: what a hostile spec puts into it ends here
MOST_CANDIDATES = 1000  # that a guess looks at
LEAST_BEGUN = 5  # characters of a name that something known begins with
LONGEST_NAME = 40  # that a guess is made for


class ArchcalcError(Exception):
    """Whatever archcalc refuses. `str()` of it is the message, ready to show."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as it is: Python would make a new one of its message alone."""
        return _restored, (type(self), self.args), self.__dict__ or None


def _restored(kind: type[ArchcalcError], arguments: tuple[Any, ...]) -> ArchcalcError:
    return kind.__new__(kind, *arguments)


class Source(Record):
    """A text that a user wrote: the name to call it by in messages, and its lines.

    Attributes:
        name: a path, as the user gave it, or `<string>`.
        text: the whole of it.
        path: the real path of a user's file, or that in a revision; None of any other text.
        revision: of git, with its colon, such as `HEAD:`; empty of a text that is from none.
    """

    not_shown: ClassVar[tuple[str, ...]] = ("text", "path", "revision")

    name: str
    text: str
    path: str | None = None
    revision: str = ""

    def line(self, number: int) -> str:
        """The text of line `number`, counted from 1; empty past the end."""
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""


class Place(Record):
    """A position in a source; line and column count from 1."""

    source: Source
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def excerpt(self) -> str:
        """The line, indented, and a caret under the column."""
        text = self.source.line(self.line).replace("\t", " ")
        lead = len(text) - len(text.lstrip())
        start = max(0, self.column - 61)  # keeps the caret on screen in a very long line
        lead = 0 if start else min(lead, self.column - 1)
        shown = text[start + lead : start + lead + 76]
        return f"    {shown}\n    {' ' * (self.column - 1 - start - lead)}^"


class SpecError(ArchcalcError):
    """A YAML text is wrong: a spec, the claims or budgets beside it, or the record of a device.

    Attributes:
        fact: what is wrong, in one sentence.
        place: where, or None where the fault has no position (a file that is too large).
    """

    def __init__(self, fact: str, place: Place | None = None) -> None:
        self.fact = _shortened(fact)
        self.place = place
        super().__init__(f"{place}: {self.fact}\n{place.excerpt()}" if place else self.fact)


class LayerError(ArchcalcError):
    """A layer refuses its input.

    A rule raises it with the local fact alone. The walk then raises AnalysisStopped, with who and
    where, and all figures up to there.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_shortened(message))


class QuantityError(ArchcalcError):
    """A number of an array does not fit in 64 bits.

    Numbers by themselves are exact at any size; a layer whose output no tensor could hold raises
    a LayerError.
    """


class UsageError(ArchcalcError):
    """An argument is wrong: an unknown name, an unreadable file, a malformed option.

    Attributes:
        argument: its name, with which the message then begins (`symbols: …`); None where the
            message says by itself what is wrong. The command line puts dashes before it.
    """

    def __init__(self, message: str, argument: str | None = None) -> None:
        self.argument = argument
        super().__init__(message if argument is None else f"{argument}: {message}")


class MeasurementError(UsageError):
    """Torch cannot measure a network here: memory runs out, or torch refuses or fails."""


class MissingExtraError(ArchcalcError):
    """What was asked for needs a package that is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs {package}, which is not installed: pip install 'archcalc[{extra}]'"
        )


@contextmanager
def refused_by_system(file: object) -> Iterator[None]:
    """Within it, what the system refuses of a file is a UsageError that names the file."""
    try:
        yield
    except OSError as error:
        # Of a library's error the text may say more, and in its own words.
        said = os.strerror(error.errno) if error.errno else error
        raise UsageError(f"{file}: {said}") from None


def require_extra(what: str, package: str, extra: str) -> None:
    """Raises MissingExtraError, which names `what` as the one that needs it, without `package`."""
    from importlib.util import find_spec  # only what a user asks for on top has to wait for it

    if find_spec(package) is None:
        raise MissingExtraError(what, package, extra)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'conv'?"` where something known is close to `name`, else nothing.

    First comes what `name` is called elsewhere, then what begins with it.
    """
    from difflib import get_close_matches  # 3 ms that only a mistake should cost

    if len(name) > LONGEST_NAME:
        return ""
    spelled = {word.lower(): word for word in islice(known, MOST_CANDIDATES)}
    from archcalc.synonyms import other_names

    called = [spelled[word] for word in other_names(name) if word in spelled]
    if called:
        return f"; did you mean {called[0]!r}?"
    begun = [word for word in spelled if word.startswith(name.lower())]
    if len(name) >= LEAST_BEGUN and begun:
        return f"; did you mean {spelled[begun[0]]!r}?"
    close = get_close_matches(name.lower(), spelled, n=1)
    return f"; did you mean {spelled[close[0]]!r}?" if close else ""


def suggestion(name: str, known: Iterable[str], lead: str = "known:") -> str:
    """As `did_you_mean`, and where nothing is close `"; known: …"`, all of it, behind `lead`."""
    known = list(dict.fromkeys(known))
    return did_you_mean(name, known) or f"; {lead} {', '.join(known) or 'none'}"


def require_known(
    fault: str, name: str, known: Collection[str], lead: str = "known:", argument: str | None = None
) -> None:
    """Raises UsageError, `fault`, the name and a `suggestion`, unless it is one of those known."""
    if name not in known:
        raise UsageError(f"{fault} {name!r}{suggestion(str(name), known, lead)}", argument)


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "…"
