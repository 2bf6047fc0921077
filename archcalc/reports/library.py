"""What a report is about: networks with their figures and claims, each computed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.claims.check import CheckedClaim, check_family, check_library
from archcalc.comparing.key_figures import KeyFigures, key_figures
from archcalc.errors import UsageError
from archcalc.expansion import build_graph
from archcalc.spec.library import families, networks_and_files
from archcalc.spec.syntax import About, Family
from archcalc.spec.values import Value
from archcalc.walk import analyze


class Entry(NamedTuple):
    """A network with all that pages tell of it.

    Attributes:
        family: the spec file that it comes from.
        claims: the published figures about it, checked.
        shipped: whether it comes with archcalc, and not from a user's file.
    """

    family: Family
    analysis: Analysis
    figures: KeyFigures
    claims: tuple[CheckedClaim, ...]
    shipped: bool

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.analysis.name

    @property
    def called(self) -> str:
        """What the command line knows it by: its name, or `FILE` or `FILE#VARIANT`."""
        return self.name if self.shipped else self.family.path_of(self.name)

    @property
    def options(self) -> list[str]:
        """The options of the command line that it takes to make it."""
        imported = self.analysis.graph.network.imported
        given = () if imported is None else imported.given
        return [word for option, value in given for word in (f"--{option}", value)]

    @property
    def about(self) -> About:
        """What is known of it beside its layers."""
        return self.analysis.graph.network.about

    @property
    def title(self) -> str:
        """What the literature calls it; its name where that is unknown."""
        return self.about.title or self.name

    @property
    def classes(self) -> int | None:
        """How many classes it tells apart: the values of its output; None where that is a map."""
        output = self.analysis.layer(self.analysis.graph.outputs[0]).output
        return None if output.sizes or not isinstance(output.channels, int) else output.channels

    @property
    def page(self) -> str:
        """The path of its page."""
        return f"networks/{self.name}.md"


class Library(NamedTuple):
    """The networks of a report, in the order of their specs.

    Attributes:
        claims: all published figures about them, checked.
        whole: whether these are all networks that come with archcalc.
    """

    entries: tuple[Entry, ...]
    claims: tuple[CheckedClaim, ...]
    whole: bool

    def families(self) -> dict[str, list[Entry]]:
        """The networks of each family, by its name."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.family.name, []).append(entry)
        return found

    def named(self, names: Iterable[str]) -> list[Entry]:
        """The networks with these names, in this order."""
        by_name = {entry.name: entry for entry in self.entries}
        return [by_name[name] for name in names]


def whole_library() -> Library:
    """All networks that come with archcalc.

    Raises:
        SpecError: a claim is malformed.
    """
    claims = list(check_library())
    entries = [entry for family in families() for entry in _entries(family, None, claims, True)]
    return Library(tuple(entries), tuple(claims), whole=True)


def part_of_library(
    names: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    arguments: Mapping[str, Value] | None = None,
) -> Library:
    """Some networks: by name, of files, `FILE` or `FILE#VARIANT`, or what code makes.

    Args:
        shapes, arguments: as `archcalc.spec.library.networks_and_files`.

    Raises:
        UsageError: there is no such network or file; with a guess. Two networks have the same
            name, under which only one of them can have a page.
        SpecError: a spec or a claim is malformed.
    """
    wanted, files = networks_and_files(names, shapes, arguments)
    entries: list[Entry] = []
    claims = list(check_library(wanted)) if wanted else []
    for family in families() if wanted else ():
        entries += [e for n in family.networks if n in wanted for e in _entries(family, n, claims)]
    for family, variant in files:
        own = list(check_family(family, variant))
        entries += _entries(family, variant, own, shipped=False)
        claims += own
    require_different_names((entry.name, entry.called) for entry in entries)
    return Library(tuple(entries), tuple(claims), whole=False)


def require_different_names(networks: Iterable[tuple[str, str]]) -> None:
    """Raises UsageError where two networks have one name, under which one of them has a page.

    Args:
        networks: the name of each, and what the command line knows it by.
    """
    seen: dict[str, str] = {}
    for name, called in networks:
        if name in seen:
            raise UsageError(
                f"{seen[name]} and {called}: two networks called {name!r}, and one page for that "
                "name"
            )
        seen[name] = called


def _entries(
    family: Family, variant: str | None, claims: Sequence[CheckedClaim], shipped: bool = True
) -> list[Entry]:
    entries = []
    for network in family.meant(variant):
        analysis = analyze(build_graph(network))
        about = tuple(checked for checked in claims if checked.claim.network == network.name)
        entries.append(Entry(family, analysis, key_figures(analysis), about, shipped))
    return entries
