"""What archcalc knows by itself: networks, and what was published about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from typing import NamedTuple

from archcalc.api.progress import watched
from archcalc.api.results import Result
from archcalc.claims.budgets import CheckedBudget, broken, check_budgets
from archcalc.claims.check import CheckedClaim, check_family, check_library, of_source, problem
from archcalc.claims.reading import VERDICTS
from archcalc.errors import ArchcalcError, require_known
from archcalc.loading import Input, load, plain_shapes
from archcalc.noticing import BUDGET, Note
from archcalc.render.check import CheckDocument
from archcalc.render.list import ListDocument
from archcalc.spec.library import families, networks_and_files
from archcalc.spec.syntax import Network
from archcalc.spec.values import Value
from archcalc.walk import walk


def networks(
    text: str = "",
    *,
    year: int | None = None,
    figures: bool = False,
    in_full: bool = False,
) -> Result[tuple[Network, ...], Network]:
    """The networks that come with archcalc, by name; `about` of each says what is known of it.

    Args:
        text: what stands in their names, titles or authors, in any case, or a pattern of names,
            `resnet*`; of all if empty.
        year: in which they were published.
        figures: whether params, MACs and activations are shown, which takes a walk of each.
        in_full: all digits of these.
    """
    wanted = text.lower()
    is_pattern = any(sign in text for sign in "*?[")
    found = tuple(
        network
        for family in families()
        for network in family.networks.values()
        if year in (None, network.about.year)
        if (
            fnmatch(network.name, text)
            if is_pattern
            else wanted in f"{network.name}\n{network.about.title}\n{network.about.authors}".lower()
        )
    )
    walked = watched(found if figures else (), "networks")
    analyses = {one.name: walk(load(one), 1, "float32") for one in walked}
    document = ListDocument(found, analyses, in_full)
    return Result(found, {network.name: network for network in found}, document)


class Checked(NamedTuple):
    """Published figures and budgets beside what is computed.

    Attributes:
        claims: the figures, each with its verdict.
        budgets: the bounds that specs set, and whether they are kept.
        notes: what is probably a mistake in a network of a file, though it has figures.
    """

    claims: tuple[CheckedClaim, ...]
    budgets: tuple[CheckedBudget, ...]
    notes: tuple[Note, ...]

    @property
    def problems(self) -> list[ArchcalcError]:
        """Of each verdict that is not the recorded one, and each broken budget, what is wrong."""
        return [
            error for error in (*map(problem, self.claims), *map(broken, self.budgets)) if error
        ]


def check(
    *names: str,
    source: str = "",
    verdict: str | None = None,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
) -> Result[Checked, CheckedClaim]:
    """Published figures, by their ids, each with a verdict; and budgets beside what is computed.

    Args:
        names: networks, files, `FILE` or `FILE#VARIANT`, and what makes torch modules; all
            networks if none.
        source: only figures from sources with this text, and no budgets.
        verdict: only figures with this verdict, such as `wrong`, and no budgets.
        input, parameters: as for `load`, of models of elsewhere.

    Raises:
        UsageError: no such network, file, source or verdict.
        SpecError: a spec, a claim or a budget is wrong.
        LayerError: a layer of a network in a file refuses its input.
    """
    if verdict is not None:
        require_known("unknown", verdict, VERDICTS, argument="verdict")
    claims, budgets, notes = _checked(names, plain_shapes(input), parameters)
    if source:
        claims = of_source(claims, source)
    if verdict is not None:
        claims = [claim for claim in claims if claim.verdict is VERDICTS[verdict]]
    found = Checked(tuple(claims), () if source or verdict else tuple(budgets), tuple(notes))
    document = CheckDocument(found.claims, found.budgets)
    return Result(found, {checked.claim.id: checked for checked in found.claims}, document)


def _checked(
    names: Iterable[str],
    shapes: Mapping[str, tuple[int, ...]],
    arguments: Mapping[str, Value] | None,
) -> tuple[list[CheckedClaim], list[CheckedBudget], list[Note]]:
    """Of these networks and files; without any, of all networks."""
    names = [*names]
    networks, files = networks_and_files(names, shapes, arguments, blocks_too=True)
    claims: list[CheckedClaim] = []
    budgets: list[CheckedBudget] = []
    notes: list[Note] = []
    for family, variant in files:
        for network in family.meant(variant):
            # Which refuses what does not fit together.
            found = walk(load(network), 1, "float32").notes
            notes += [note for note in found if note.rule != BUDGET]
        claims += check_family(family, variant)
        budgets += check_budgets(family, variant)
    if networks or not names:
        shipped = list(families())
        claims += check_library(networks, shipped)
        for family in shipped:
            for name in family.networks:
                if not networks or name in networks:
                    budgets += check_budgets(family, name)
    return claims, budgets, notes
