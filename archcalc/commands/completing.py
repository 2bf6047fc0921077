"""What may stand at the end of a command line: what a shell offers at the Tab key.

Asked of the parser of the command and, for parameters, layers and variants, of the network that
the line names. No code of a user's is run, and nothing is said of what is wrong.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from archcalc.commands import COMMANDS, module_of
from archcalc.commands.arguments import NETWORK
from archcalc.errors import ArchcalcError
from archcalc.graph import Graph
from archcalc.loading import load
from archcalc.spec.files import ENDINGS, MODELS, is_code, is_model
from archcalc.spec.library import (
    STDIN,
    find_network,
    is_file,
    network_names,
    read_family,
    split_variant,
)
from archcalc.spec.settings import split_settings
from archcalc.spec.syntax import Network


class Candidate(NamedTuple):
    """What may stand there, and what it is."""

    text: str
    meaning: str = ""


class Given(NamedTuple):
    """What stands on the line before: the command, and the network that it names, if any."""

    command: str
    network: str


_Values = Callable[[Given], Iterable[Candidate]]


def candidates(line: str, parser_of: Callable[[str], argparse.ArgumentParser]) -> list[Candidate]:
    """What may stand in place of the last word of a command line, which may be empty.

    Args:
        parser_of: gives the parser of a command by its name.
    """
    _, *words = words_of(line) or [""]
    *before, current = words or [""]
    if not before:
        found: Iterable[Candidate] = [Candidate(*item) for item in COMMANDS.items()]
    elif before[0] not in COMMANDS:
        return []
    else:
        try:
            parser = parser_of(before[0])
            found, start = _after(before[0], parser, before[1:], current)
            current = current[len(start) :]
            found = [Candidate(start + text, meaning) for text, meaning in found
                     if text.startswith(current)]  # fmt: skip
            return sorted(found) if all(one.text.startswith("-") for one in found) else found
        except (ArchcalcError, OSError, RecursionError):
            return []
    return [one for one in found if one.text.startswith(current)]


def words_of(line: str) -> list[str]:
    """The words of the last command of a line as a shell parts them; the last may be empty."""
    import shlex  # which no other command waits for

    for closing in ("", "'", '"'):
        lexer = shlex.shlex(line + closing, posix=True, punctuation_chars=";|&")
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            words = [*lexer]
        except ValueError:  # what opens a quotation has no end yet
            continue
        if not closing and re.search(r"(?<!\\)\s$", line):
            words.append("")
        ends = [place for place, word in enumerate(words) if word and not word.strip(";|&")]
        return words[ends[-1] + 1 :] if ends else words
    return []


def _after(
    command: str, parser: argparse.ArgumentParser, before: list[str], current: str
) -> tuple[Iterable[Candidate], str]:
    """What may follow some words, and the part of the last one that stays as it is."""
    options, positional = parser._option_string_actions, parser._get_positional_actions()
    named, waiting, place = "", None, 0
    for word in before:
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and word != STDIN:
            action = options.get(word)
            waiting = action if action is not None and action.nargs != 0 else None
        elif place < len(positional):
            action = positional[place]
            if not named and getattr(action, "complete", None) == NETWORK:
                named = word
            place += action.nargs not in ("*", "+")
    given = Given(command, named)
    if waiting is not None:
        return _values(waiting, given, current)
    option, equals, value = current.partition("=")
    if equals and option in options:
        found, start = _values(options[option], given, value)
        return found, f"{option}={start}"
    if current.startswith("-"):
        told = {o: action.help or "" for o, action in options.items()}
        return [Candidate(o, meaning) for o, meaning in told.items() if o.startswith("--")], ""
    return _values(positional[place], given, current) if place < len(positional) else ([], "")


def _values(action: argparse.Action, given: Given, current: str) -> tuple[Iterable[Candidate], str]:
    """What an argument takes, and the part of it that stands there already."""
    metavar = str(action.metavar)
    if action.choices:
        return _plain(action.choices), ""
    if getattr(action, "complete", None) == NETWORK:
        return _networks(current), ""
    if metavar.startswith(("FILE", "FOLDER")):
        return _files(current, () if metavar.startswith("FOLDER") else None), ""
    if metavar.startswith("KEY"):
        return _settings(given, current), ""
    values = _VALUES.get(f"{given.command} {action.dest}") or _VALUES.get(action.dest)
    if values is None:
        return [], ""
    is_list = "," in metavar or action.dest in _LISTS
    start = current[: current.rfind(",") + 1] if is_list else ""
    more = current[len(start) :]
    start += "-" * (more.startswith("-") and action.dest in ("sort", "pareto"))
    taken = start.strip("-").split(",")
    return [one for one in values(given) if one.text not in taken], start


# ----- what there is -----


def _plain(texts: Iterable[str]) -> list[Candidate]:
    return [Candidate(text) for text in texts]


def _networks(current: str) -> Iterator[Candidate]:
    """Networks of archcalc's own, files, and what a file has several of."""
    path, _ = split_variant(current)
    if "#" in current and is_file(path) and not is_model(path) and path != STDIN:
        yield from _plain(f"{path}#{name}" for name in read_family(path).networks)
        return
    yield from _plain(network_names())
    yield from _files(current, (*ENDINGS, *MODELS))


def _files(current: str, endings: tuple[str, ...] | None) -> Iterator[Candidate]:
    """Files that end so, or any, and folders, which end in a /; what is hidden where asked for."""
    folder, _, name = current.rpartition("/")
    start = current[: len(current) - len(name)]
    try:
        inside = Path(folder or start or ".").expanduser()
        with os.scandir(inside) as scanned:
            found = sorted(scanned, key=lambda entry: entry.name)
    except (OSError, ValueError, RuntimeError):  # no folder, no name of one, nobody's home
        return
    for entry in found:
        if not entry.name.startswith(name) or (entry.name[0] == "." and not name):
            continue
        if entry.is_dir():
            yield Candidate(f"{start}{entry.name}/")
        elif endings is None or (endings and entry.name.endswith(endings)):
            yield Candidate(start + entry.name)


def _network(given: Given) -> Network | None:
    """The network on the line; None where there is none, or one that takes code, or long."""
    name, _ = split_settings(given.network)
    if not name or name == STDIN or is_code(name) or is_model(split_variant(name)[0]):
        return None
    return find_network(name)


def _graph(given: Given) -> Graph | None:
    if _network(given) is None:
        return None
    name, settings = split_settings(given.network)
    return load(name, parameters=settings)


def _settings(given: Given, current: str) -> Iterator[Candidate]:
    """`KEY=`, for each parameter; behind that its own value."""
    network = _network(given)
    for name, value in {} if network is None else network.parameters.items():
        default = _as_given(value)
        if default and current.startswith(f"{name}=") and re.fullmatch(r"[\w.,/-]+", default):
            yield Candidate(f"{name}={default}", "its own value")
        elif not current.startswith(f"{name}="):
            yield Candidate(f"{name}=", default)


def _as_given(value: object) -> str:
    """A value as it is given for a parameter; empty for None."""
    if isinstance(value, list):
        return ",".join(map(_as_given, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _layers(given: Given) -> Iterator[Candidate]:
    """The blocks and the layers, in order."""
    graph = _graph(given)
    if graph is None:
        return
    seen: set[str] = set()
    for node in graph.nodes:
        for block in graph.blocks_around(node.name):
            if block not in seen:
                seen.add(block)
                yield Candidate(block, graph.blocks[block])
        yield Candidate(node.name, node.layer.kind)


def _columns(given: Given) -> Iterator[Candidate]:
    from archcalc.render.columns import COLUMNS, ON_REQUEST

    for column in COLUMNS:
        yield Candidate(column.name, column.heading)
    yield from _plain(ON_REQUEST)


def _figures(given: Given) -> Iterator[Candidate]:
    """The figures of networks; and what is varied on the line may stand for itself."""
    from archcalc.figures.of_network import OF_NETWORK

    for key, figure in OF_NETWORK.items():
        yield Candidate(key, figure.heading)


def _explained(given: Given) -> Iterator[Candidate]:
    from archcalc.explaining.layers import QUANTITIES

    return iter(_plain(QUANTITIES))


def _varied(given: Given) -> Iterator[Candidate]:
    """Parameters."""
    network = _network(given)
    return iter(_plain([] if network is None else network.parameters))


def _ways(given: Given) -> Iterator[Candidate]:
    from archcalc.spec.keys import WAYS

    yield from _plain(WAYS)
    yield from _varied(given)


def _kinds(given: Given) -> Iterable[Candidate]:
    from archcalc.layers.registry import known_names

    return _plain(known_names())


def _dtypes(given: Given) -> Iterable[Candidate]:
    from archcalc.analysis import DTYPES
    from archcalc.memory_use.options import TRAINING_DTYPES

    return _plain(TRAINING_DTYPES if given.command == "memory" else DTYPES)


def _of_training(name: str) -> _Values:
    """A table of the options of a training step, by its module and name."""

    def values(given: Given) -> Iterable[Candidate]:
        from archcalc.memory_use import losses, optimizers, options

        known: dict[str, Any] = {
            "loss": losses.LOSSES, "optimizer": optimizers.OPTIMIZERS, "device": options.DEVICES,
        }  # fmt: skip
        return _plain(known[name])

    return values


def _profiles(given: Given) -> Iterable[Candidate]:
    from archcalc.hardware.device import device_names

    return _plain(device_names())


def _conventions(given: Given) -> Iterable[Candidate]:
    from archcalc.other_tools import CONVENTIONS

    return _plain(CONVENTIONS)


def _subjects(given: Given) -> Iterable[Candidate]:
    return _plain([*module_of("verify").SUBJECTS, "all"])


def _names(given: Given) -> Iterable[Candidate]:
    return _plain(network_names())


_LISTS = ("freeze", "checkpoint")  # lists of patterns, which say so nowhere
# By the argument, and before that by the command and the argument.
_VALUES: dict[str, _Values] = {
    "layer": _layers, "layers": _layers, "freeze": _layers, "checkpoint": _layers,
    "columns": _columns, "table sort": _columns, "conventions": _conventions,
    "figures": _figures, "quantity": _figures, "sort": _figures, "pareto": _figures,
    "maximize": _figures, "minimize": _figures, "explain quantity": _explained,
    "symbols": _varied, "by": _ways, "kind": _kinds, "pattern": _names,
    "dtype": _dtypes, "loss": _of_training("loss"), "optimizer": _of_training("optimizer"),
    "device": _of_training("device"), "profile": _profiles, "what": _subjects,
}  # fmt: skip
