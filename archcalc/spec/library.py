"""Finds networks: by name among the specs that come with archcalc, or in a user's file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from archcalc.errors import Source, UsageError, did_you_mean
from archcalc.spec.parser import parse_family
from archcalc.spec.reader import read_file
from archcalc.spec.syntax import Family, Network

_PACKAGE = Path(__file__).resolve().parent.parent
_VARIANT = re.compile(r"^  ([A-Za-z0-9_.\-]+):", re.MULTILINE)


def specs_folder() -> Path:
    """Where the specs lie: inside the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "specs"
    return installed if installed.is_dir() else _PACKAGE.parent / "specs"


def spec_paths() -> list[Path]:
    """The spec files that come with archcalc, in alphabetical order."""
    return sorted(specs_folder().glob("*.yaml"))


def families() -> Iterator[Family]:
    """All families that come with archcalc."""
    for path in spec_paths():
        yield parse_family(read_file(path, f"specs/{path.name}"))


def network_names() -> list[str]:
    """The names of all networks that come with archcalc, read off without parsing the specs."""
    return [
        name
        for path in spec_paths()
        for name in _declared(read_file(path, f"specs/{path.name}"))
    ]


def find_network(name: str) -> Network:
    """The network called `name`, or that of a spec file, `FILE` or `FILE#VARIANT`.

    Raises:
        UsageError: there is no such network or file; with a guess.
        SpecError: the spec is wrong.
    """
    path, _, variant = name.partition("#")
    if path.endswith((".yaml", ".yml")) or "/" in path or Path(path).is_file():
        return _in_file(parse_family(read_file(Path(path), path)), variant)
    # Only the file that seems to hold the variant is parsed: a table should take no longer
    # because there are many specs.
    known = []
    for spec in spec_paths():
        source = read_file(spec, f"specs/{spec.name}")
        names = _declared(source)
        if name in names:
            family = parse_family(source)
            if name in family.networks:
                return family.networks[name]
        known.extend(names)
    guess = did_you_mean(name, known) or "; `archcalc list` shows all"
    raise UsageError(f"unknown network {name!r}{guess}")


def _declared(source: Source) -> list[str]:
    """The names that a spec's text seems to declare, read off without parsing it."""
    start = re.search(r"^variants:", source.text, re.MULTILINE)
    if start is None:
        return [source.name.removeprefix("specs/").removesuffix(".yaml")]
    following = re.search(r"^[^\s#]", source.text[start.end() :], re.MULTILINE)
    end = start.end() + following.start() if following else None
    return _VARIANT.findall(source.text, start.end(), *([end] if end else []))


def _in_file(family: Family, variant: str) -> Network:
    path, names = family.source.name, list(family.networks)
    if variant:
        if variant not in family.networks:
            raise UsageError(f"{path} has no variant {variant!r}{did_you_mean(variant, names)}")
        return family.networks[variant]
    if len(names) > 1:
        raise UsageError(f"{path} has {len(names)} variants; say which: {path}#{names[0]}")
    return family.networks[names[0]]
