"""Finds networks: by name among the specs that come with archcalc, or in a user's file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from archcalc.errors import Source, UsageError, did_you_mean, require_known
from archcalc.record import replace
from archcalc.spec.files import ENDINGS, is_code, is_model, spec_sources
from archcalc.spec.parser import BlocksAlone, parse_family
from archcalc.spec.reader import read_file, read_stdin, written
from archcalc.spec.syntax import Family, Network
from archcalc.spec.values import Value

STDIN = "-"  # as the name of a file: what comes in
_MOST_NAMED = 4  # variants in a message
_VARIANT = re.compile(r"^  ([A-Za-z0-9_.\-]+):", re.MULTILINE)


def families() -> Iterator[Family]:
    """All families that come with archcalc."""
    return map(parse_family, spec_sources())


def network_names() -> list[str]:
    """The names of all networks that come with archcalc, read off without parsing the specs."""
    return [name for source in spec_sources() for name in _declared(source)]


def is_file(name: str) -> bool:
    """Whether `name` is meant as a file, and not as a network that comes with archcalc."""
    if name.endswith(ENDINGS) or is_model(name) or "/" in name or name in (STDIN, ".", ".."):
        return True
    return os.path.isfile(name) and name not in network_names()


def split_variant(name: str) -> tuple[str, str]:
    """`FILE#VARIANT` as (FILE, VARIANT); the variant is empty where none is named."""
    if os.path.isfile(name):
        return name, ""
    in_revision = name.rfind(":") + 1  # the name of a branch may have a #
    path, _, variant = name[in_revision:].partition("#")
    return name[:in_revision] + path, variant


def read_family(path: str, shapes: Mapping[str, tuple[int, ...]] | None = None) -> Family:
    """The family in a user's file: a spec, also in a revision of git, or a model of elsewhere.

    Args:
        shapes: of inputs, by name, which a model of elsewhere may not say; by "" of its first.

    Raises:
        UsageError: it cannot be read.
        SpecError: what is in it is wrong.
    """
    in_revision = ":" in path and not os.path.lexists(path)
    if is_model(path):
        if in_revision:
            raise UsageError(
                f"{path}: no such file; of what git has, specs alone are read: "
                f"git show {path} > {os.path.basename(path.rpartition(':')[2])}"
            )
        from archcalc.importing.files import read_model
        from archcalc.importing.network import family_of

        return family_of(read_model(path, shapes), path)
    if path == STDIN:
        return parse_family(read_stdin())
    if in_revision:
        from archcalc.spec.revisions import read_in_revision

        return parse_family(read_in_revision(path))
    return parse_family(replace(read_file(path, path), path=os.path.realpath(path)))


def find_network(
    what: Network | str | os.PathLike[str] | Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Network:
    """The network of a name, of a file (`FILE` or `FILE#VARIANT`), or of a spec itself.

    A file is a spec, or a model of elsewhere; a spec is a text of several lines, or the mapping
    that YAML makes of it. `REV:PATH` is a spec in a revision of git, unless a file is called so.
    `package.module:factory` makes a torch module, which is read.

    Args:
        shapes: as `read_family`.

    Raises:
        UsageError: there is no such network or file; with a guess.
        SpecError: the spec is wrong.
    """
    if isinstance(what, Network):
        return what
    if isinstance(what, Mapping):
        return variant_of(parse_family(written(what)), "")
    if isinstance(what, str) and "\n" in what:
        return variant_of(parse_family(Source("<string>", what)), "")
    if hasattr(what, "named_modules"):  # of torch, which is not imported to ask
        raise UsageError(
            f"a {type(what).__name__} is a torch module; "
            "archcalc.from_torch(module, (3, 224, 224)) makes a network of it"
        )
    if hasattr(what, "graph"):
        raise UsageError("an analysis is of one batch and one type; the network is its `graph`")
    if not isinstance(what, (str, os.PathLike)):
        raise UsageError(
            f"{what!r} is not a network: that is a name, a path, the text of a spec, or a mapping"
        )
    name = os.fspath(what)
    if is_code(name):
        from archcalc.importing.code import network_called

        return network_called(name, shapes or {}, {})
    path, variant = split_variant(name)
    if path.endswith(".py"):
        raise _is_code(path)
    if is_file(path):
        return variant_of(read_family(path, shapes), variant)
    return shipped_network(name)


def shipped_network(name: str) -> Network:
    """The network of that name which comes with archcalc.

    Raises:
        UsageError: there is none; with a guess.
    """
    # Only the file that seems to hold the variant is parsed: a table should take no longer
    # because there are many specs.
    for source in spec_sources(sought=name):
        if name in source.text and name in _declared(source):
            family = parse_family(source)
            if name in family.networks:
                return family.networks[name]
    raise _unknown_network(name, network_names())


def networks_and_files(
    names: Iterable[str],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    arguments: Mapping[str, Value] | None = None,
    blocks_too: bool = False,
) -> tuple[list[str], list[tuple[Family, str | None]]]:
    """Those of the names that are networks of archcalc's own, and the files among them.

    Each file comes as what it declares, with the one variant of it that is meant, if one is; so
    does what makes a torch module.

    Args:
        shapes: of inputs, by name, as `read_family`; for models of elsewhere alone.
        arguments: of what makes torch modules.
        blocks_too: whether files of blocks are read, too, and left out; else they are refused.

    Raises:
        UsageError: there is no such network, file or variant; with a guess. Shapes or arguments
            are given for a spec.
        SpecError: a spec is wrong.
    """
    known, names = network_names(), [*names]
    if not names and (arguments or shapes):
        raise UsageError("name the model that it is for", "set" if arguments else "input")
    networks: list[str] = []
    files: list[tuple[Family, str | None]] = []
    for name in names:
        path, variant = split_variant(name)
        if arguments and not is_code(name):
            raise UsageError(f"{name} is not code, which alone takes arguments here", "set")
        if shapes and not is_code(name) and not is_model(path):
            raise UsageError(f"{name} is a spec, and is taken with its own input here", "input")
        if is_code(name):
            files.append((_family_called(name, shapes, arguments), None))
        elif path.endswith(".py"):
            raise _is_code(path)
        elif is_file(path):
            try:
                family = read_family(path, shapes)
            except BlocksAlone:
                if not blocks_too:
                    raise
                continue
            if variant:
                variant_of(family, variant)
            files.append((family, variant or None))
        elif name in known:
            networks.append(name)
        else:
            raise _unknown_network(name, known)
    return networks, files


def _family_called(
    name: str,
    shapes: Mapping[str, tuple[int, ...]] | None,
    arguments: Mapping[str, Value] | None,
) -> Family:
    """What makes a torch module as a family of that one network."""
    from archcalc.importing.code import network_called

    found = network_called(name, shapes or {}, arguments or {})
    return Family(found.name, found.about, {found.name: found}, found.blocks, None, found.source)


def _is_code(path: str) -> UsageError:
    return UsageError(f"{path} is code: say what in it makes the network, as {path}:Net")


def _unknown_network(name: str, known: Iterable[str]) -> UsageError:
    guess = did_you_mean(name, known) or "; `archcalc list` shows all"
    return UsageError(f"unknown network {name!r}{guess}")


def _declared(source: Source) -> list[str]:
    """The names that a spec's text seems to declare, read off without parsing it."""
    start = re.search(r"^variants:", source.text, re.MULTILINE)
    if start is None:
        return [source.name.removeprefix("specs/").removesuffix(".yaml")]
    following = re.search(r"^[^\s#]", source.text[start.end() :], re.MULTILINE)
    end = start.end() + following.start() if following else None
    return _VARIANT.findall(source.text, start.end(), *([end] if end else []))


def variant_of(family: Family, variant: str) -> Network:
    """The network of that name in a family; of an empty one its only network.

    Raises:
        UsageError: there is none, or there are several and none is named.
    """
    path, names = family.called, list(family.networks)
    if variant:
        require_known(f"{path} has no variant", variant, names, lead="it has")
        return family.networks[variant]
    if len(names) > 1:
        some = ", #".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
        raise UsageError(f"{path} has {len(names)} variants; say which: {path}#{some}")
    return family.networks[names[0]]
