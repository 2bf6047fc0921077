"""What archcalc knows by itself: networks, and what was published about them."""

from __future__ import annotations

from archcalc.api.results import Result
from archcalc.render.list import ListDocument
from archcalc.spec.library import families
from archcalc.spec.syntax import Network


def networks(text: str = "", *, year: int | None = None) -> Result[tuple[Network, ...], Network]:
    """The networks that come with archcalc, by name; `about` of each says what is known of it.

    Args:
        text: what stands in their names, titles or authors, in any case; of all if empty.
        year: in which they were published.
    """
    wanted = text.lower()
    found = tuple(
        network
        for family in families()
        for network in family.networks.values()
        if year in (None, network.about.year)
        if wanted in f"{network.name}\n{network.about.title}\n{network.about.authors}".lower()
    )
    return Result(found, {network.name: network for network in found}, ListDocument(found))
