"""Works that print figures, and where in them a figure stands.

A claim's source is a text such as `AlexNet paper, figure 2; Wang lecture, L60`: a semicolon
between printings, each a work and, behind a comma, the place in it. `L60` is line 60 of a
lecture's text, which its slides are found by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from yaml.nodes import Node

from archcalc.errors import Source, SpecError
from archcalc.spec.files import spec_sources
from archcalc.spec.reader import compose, entries, mapping, place_of, text_of

_KEYS = ("title", "authors", "year", "place", "address", "note", "slides")
_LINE = re.compile(r"L(\d+)")
UNKNOWN = "not known"


class Work(NamedTuple):
    """A lecture, a paper, a file of code or a web page that prints figures.

    Attributes:
        name: what the sources of claims call it.
        year: empty where the work does not say.
        place: where it was held or published; empty where the work does not say.
        address: where it can be read; empty where unknown.
        note: what else there is to know.
        slides: of a lecture, the first line of each slide in its text, and the slide's heading.
    """

    name: str
    title: str
    authors: str
    year: str
    place: str
    address: str
    note: str
    slides: tuple[tuple[int, str], ...]

    @property
    def is_lecture(self) -> bool:
        """Whether it is a set of slides."""
        return bool(self.slides)

    def slide(self, line: int) -> str:
        """The heading of the slide that a line of the text is on; empty without one."""
        found = [heading for first, heading in self.slides if first <= line]
        return found[-1] if found else ""


class Printing(NamedTuple):
    """Where a figure is printed.

    Attributes:
        work: the name of the work.
        place: the line, section, table or figure in it; empty where unknown.
    """

    work: str
    place: str


def printings(source: str) -> Iterator[Printing]:
    """`AlexNet paper, figure 2; Wang lecture, L60` as two printings."""
    for part in source.split(";"):
        work, _, place = part.strip().partition(",")
        yield Printing(work.strip(), place.strip())


@lru_cache(maxsize=1)
def works() -> Mapping[str, Work]:
    """The works that the claims that come with archcalc name, by their names.

    Raises:
        SpecError: the list is malformed.
    """
    found: dict[str, Work] = {}
    for source in spec_sources("works"):
        for name, _, node in entries(compose(source), source, "the list of works"):
            found[name] = _work(name, node, source)
    return found


def slides_of(printing: Printing) -> list[str]:
    """The slides of a lecture that a printing is on, by their headings; none of other works."""
    work = works().get(printing.work)
    if work is None:
        return []
    headings = [work.slide(int(line)) for line in _LINE.findall(printing.place)]
    return list(dict.fromkeys(heading for heading in headings if heading))


def readable(source: str) -> str:
    """A source with the slides of lectures instead of lines of their text.

    `Wang lecture, L60` is `Wang lecture, slide "AlexNet Krizhevsky 2012"`.
    """
    return "; ".join(map(_readable, printings(source)))


def _readable(printing: Printing) -> str:
    slides = slides_of(printing)
    named = " and ".join(f'"{slide}"' for slide in slides)
    place = f"slide{'s' if len(slides) > 1 else ''} {named}" if slides else printing.place
    return f"{printing.work}, {place}" if place else printing.work


def citation(work: Work) -> str:
    """`Xiaogang Wang: Network Structures. The Chinese University of Hong Kong, 2019`.

    Of a lecture, what its text does not say is said to be unknown.
    """
    where = ", ".join(part for part in (work.place, work.year) if part)
    if work.is_lecture:
        missing = [what for what in ("place", "year") if not getattr(work, what)]
        where = ", ".join([where, *(f"{what} {UNKNOWN}" for what in missing)]).removeprefix(", ")
    head = ": ".join(part for part in (work.authors, work.title) if part)
    return f"{head}. {where}" if where else head


def _work(name: str, node: Node, source: Source) -> Work:
    found = mapping(node, source, _KEYS, f"the work {name!r}", required=("title",))

    def text(key: str) -> str:
        return text_of(found[key], source, key) if key in found else ""

    return Work(
        name=name,
        title=text("title"),
        authors=text("authors"),
        year=text("year"),
        place=text("place"),
        address=text("address"),
        note=text("note"),
        slides=_slides(found.get("slides"), source),
    )


def _slides(node: Node | None, source: Source) -> tuple[tuple[int, str], ...]:
    if node is None:
        return ()
    slides: list[tuple[int, str]] = []
    for key, key_node, value in entries(node, source, "slides"):
        if not key.isdigit() or (slides and int(key) <= slides[-1][0]):
            raise SpecError("slides: lines, one after the other", place_of(key_node, source))
        slides.append((int(key), text_of(value, source, "a heading")))
    return tuple(slides)
