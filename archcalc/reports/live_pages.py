"""The report as pages that compute: a live page of each network, and a list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archcalc.expansion import build_graph
from archcalc.reports.library import require_different_names
from archcalc.spec.library import families, networks_and_files
from archcalc.spec.syntax import Network
from archcalc.spec.values import Value
from archcalc.walk import analyze

if TYPE_CHECKING:
    from archcalc.pages.listing import Listed


def networks_of(
    names: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]],
    arguments: Mapping[str, Value],
) -> list[Network]:
    """The networks that a report is about, in the order of their specs; all where none is named.

    Args:
        shapes, arguments: as `archcalc.spec.library.networks_and_files`.

    Raises:
        UsageError, SpecError: as `archcalc.reports.library.part_of_library`.
    """
    wanted, files = networks_and_files(names, shapes, arguments)
    shipped = families() if wanted or not names else ()
    found = [
        (network, name)
        for family in shipped
        for name, network in family.networks.items()
        if not names or name in wanted
    ]
    found += [
        (network, family.path_of(network.name))
        for family, variant in files
        for network in family.meant(variant)
    ]
    require_different_names((network.name, called) for network, called in found)
    return [network for network, _ in found]


def live_page(network: Network) -> tuple[Listed, str]:
    """What the list says of a network, and its page.

    Raises:
        LayerError, SpecError: a layer refuses its input; the spec is wrong.
    """
    from archcalc.pages.listing import listed
    from archcalc.pages.making import page

    graph = build_graph(network)
    return listed(analyze(graph)), page([graph])
