"""The reference pages, made from the code: each function gives Markdown for one place."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import archcalc
from archcalc.cli import parser_of_all
from archcalc.commands import COMMANDS
from archcalc.commands.schema import CHOOSING
from archcalc.errors import ArchcalcError
from archcalc.figures.figure import Figure
from archcalc.figures.language import OF_LAYERS
from archcalc.figures.of_layer import OF_LAYER
from archcalc.figures.of_network import OF_NETWORK
from archcalc.layers.registry import own_kinds
from archcalc.render.choosing_schemas import schema_of
from archcalc.render.contract import contract_schema
from archcalc.render.kinds import KindDocument, lines_said
from archcalc.spec.function_table import FUNCTIONS
from archcalc.spec.schema import spec_schema

README = Path(__file__).parents[2] / "README.md"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; a | in a cell is one of its text."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |\n"
        for row in lines
    )


def code(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"


# ----- layer kinds -----


def kinds() -> str:
    """Every layer kind: what its class says, and its fields; by category."""
    by_category: dict[str, list[str]] = {}
    for kind in own_kinds():
        by_category.setdefault(kind.category.value, []).append(_kind(kind))
    return "\n".join(
        f"## {category[0].upper()}{category[1:]}\n\n" + "\n".join(made)
        for category, made in by_category.items()
    )


def _kind(kind: Any) -> str:
    record: Any = KindDocument(kind).record()
    rows = [
        [
            f"`{field['field']}`",
            _prose(field["takes"]),
            "needed" if field["required"] else f"`{_yaml(field['default'])}`",
            ", ".join(f"`{name}`" for name in field["also"]),
        ]
        for field in record["fields"]
    ]
    fields = table(("field", "takes", "default", "also called"), rows) if rows else ""
    others = ", ".join(f"`{key}`" for key in record["placement"])
    text = docstring(kind.__doc__, of_rules=True)
    return f"### {kind.kind}\n\n{text}\n{fields}\nBesides: {others}.\n"


def _yaml(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    return str(value) or '""'


# ----- the language -----


def _of_readme(after: str, before: str) -> str:
    text = README.read_text(encoding="utf-8").partition(f"\n{after}\n")[2]
    part = text.partition(f"\n{before}\n")[0]
    assert part, f"the README has no part between {after} and {before}"
    # What is linked there is no page of the site.
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"`\1`", part).strip() + "\n"


def language() -> str:
    """What the README says of the language."""
    return (
        _of_readme("### The spec language", "### Quantities")
        .partition("\n| it says")[2]
        .join(("| it says", ""))
    )


def functions() -> str:
    """The functions of expressions that are written in Python, and how many values each takes."""
    rows = []
    for name, (_, least, most) in sorted(FUNCTIONS.items()):
        counts = (
            str(least) if most == least else f"{least} to {most}" if most else f"{least} or more"
        )
        rows.append([f"`{name}`", counts])
    return table(("function", "arguments"), rows)


def keys() -> str:
    """The keys of a spec file, from its JSON Schema."""
    return schema_table(spec_schema(), ("key", "takes", "what it is"), ("", ""), 1)


# ----- quantities -----


def quantities() -> str:
    """The figures of a network and of a layer."""
    parts = ["## Of a network\n", _figures(OF_NETWORK), "\n## Of a layer\n", _figures(OF_LAYER)]
    named = ", ".join(f"`{key}`" for key in OF_LAYERS)
    parts.append(
        "\n## In claims, budgets, formulas and sweeps\n\n"
        f"Behind `layers[NAME].` may stand {named}, and the layer's own fields.\n\n"
        + code(_examples_of_language())
    )
    return "\n".join(parts)


def _figures(figures: Mapping[str, Figure]) -> str:
    rows = [
        [f"`{key}`", _prose(figure.meaning), figure.unit.value] for key, figure in figures.items()
    ]
    return table(("key", "what it is", "in"), rows)


def _examples_of_language() -> str:
    from archcalc.figures import language as module

    block = (module.__doc__ or "").split("\n\n")[1]
    return inspect.cleandoc(block)


# ----- the command line -----


def commands() -> str:
    """Every command, from its parser: what it does, its arguments, examples, exit statuses."""
    parser = parser_of_all()
    [subparsers] = [
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return "\n".join(_command(name, subparsers.choices[name]) for name in COMMANDS)


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    usage = parser.format_usage().removeprefix("usage: ")
    rows = []
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        rows.append([_argument(parser, action), _prose(_help(parser, action))])
    return "\n".join(
        [
            f"## {name}\n",
            f"{_prose(parser.description or '')}\n",
            code(re.sub(r"\n +", "\n    ", usage)),
            table(("argument", "what it is"), rows),
            *_sections(parser.epilog or ""),
        ]
    )


def _argument(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    formatter = parser._get_formatter()
    if not action.option_strings:
        default = formatter._get_default_metavar_for_positional(action)
        return f"`{formatter._format_args(action, default)}`"
    default = formatter._get_default_metavar_for_optional(action)
    value = "" if action.nargs == 0 else f" {formatter._format_args(action, default)}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action) if action.help else ""


def _sections(epilog: str) -> Iterator[str]:
    """Examples, notes and exit statuses."""
    for section in epilog.split("\n\n"):
        head, _, rest = section.partition("\n")
        lines = inspect.cleandoc(rest).splitlines()
        title = head.rstrip(":").capitalize()
        if title == "Examples":
            yield "\nExamples:\n\n" + code("\n".join(lines), "sh")
        elif title == "Notes":
            yield "\n".join(f"- {_prose(line)}" for line in lines) + "\n"
        elif title == "Exit status":
            split = [line.split(maxsplit=1) for line in lines]
            statuses = "; ".join(f"{number}: {meaning}" for number, meaning in split)
            yield f"Exit status {statuses}.\n"


# ----- Python -----


def python() -> str:
    """All that `archcalc` exports, from its docstrings."""
    functions, classes, errors = [], [], []
    for name in archcalc.__all__:
        thing = getattr(archcalc, name)
        if isinstance(thing, type) and issubclass(thing, ArchcalcError):
            errors.append(_class(name, thing))
        elif inspect.isfunction(thing):
            functions.append(_function(name, thing))
        elif inspect.isclass(thing) and thing.__module__.startswith("archcalc"):
            classes.append(_class(name, thing))
        else:
            classes.append(_value(name, thing))
    return "\n".join(
        ["## Functions\n", *functions, "## Classes and values\n", *classes, "## Errors\n", *errors]
    )


def _function(name: str, function: Callable[..., Any]) -> str:
    return (
        f"### {name}\n\n{code(_signature(name, function), 'python')}\n{docstring(function.__doc__)}"
    )


def _signature(name: str, function: Callable[..., Any]) -> str:
    """As in the source, with an argument a line where it is long."""
    signature = inspect.signature(function)
    found: list[str] = []
    before = None
    for parameter in signature.parameters.values():
        if before is parameter.POSITIONAL_ONLY and parameter.kind is not before:
            found.append("/")
        if parameter.kind is parameter.KEYWORD_ONLY and before not in (
            parameter.VAR_POSITIONAL,
            parameter.KEYWORD_ONLY,
        ):
            found.append("*")
        found.append(_parameter(parameter))
        before = parameter.kind
    if before is inspect.Parameter.POSITIONAL_ONLY:
        found.append("/")
    returned = f" -> {signature.return_annotation}"
    short = f"{name}({', '.join(found)}){returned}"
    if len(short) <= 78:
        return short
    return "\n".join([f"{name}(", *[f"    {text}," for text in found], f"){returned}"])


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
    text = f"{stars}{parameter.name}: {parameter.annotation}"
    if parameter.default is parameter.empty:
        return text
    default = parameter.default
    return f"{text} = {default.__name__ if callable(default) else repr(default)}"


def _class(name: str, thing: type) -> str:
    rows = []
    for key, member in inspect.getmembers_static(thing):
        if key.startswith("_") or not inspect.getdoc(member):
            continue
        if not any(
            key in vars(base) for base in thing.__mro__ if base.__module__.startswith("archcalc")
        ):
            continue
        if isinstance(member, (property, cached_property)):
            rows.append([f"`{key}`", _first(member)])
        elif inspect.isfunction(member):
            rows.append([f"`{key}(…)`", _first(member)])
    members = f"\n{table(('member', 'what it is'), rows)}" if rows else ""
    return f"### {name}\n\n{docstring(thing.__doc__)}{members}\n"


def _first(member: object) -> str:
    return _prose((inspect.getdoc(member) or "").split("\n\n")[0])


def _value(name: str, value: object) -> str:
    if isinstance(value, dict):
        entries = ", ".join(f"`{key}`: {each}" for key, each in value.items())
        return f"### {name}\n\nBytes of each value: {entries}.\n"
    return f"### {name}\n\nWhat stands for a network: see `load`.\n"


def docstring(text: str | None, of_rules: bool = False) -> str:
    """A docstring as Markdown: prose, examples, and what it says of arguments and errors.

    In one of rules a line that begins a sentence is a line of its own.
    """
    parts: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text or "")):
        head, _, rest = paragraph.partition("\n")
        if head in ("Args:", "Attributes:", "Raises:", "Returns:"):
            parts.append(_entries(head, inspect.cleandoc(rest)))
        elif paragraph.startswith(">>>"):
            parts.append(code(paragraph, "pycon"))
        elif paragraph.startswith("    "):
            parts.append(code(inspect.cleandoc(paragraph)))
        else:
            parts.append((_rules if of_rules else _prose)(paragraph) + "\n")
    return "\n".join(parts)


def _rules(paragraph: str) -> str:
    return "\\\n".join(map(_prose, lines_said(paragraph)))


def _entries(head: str, text: str) -> str:
    entries = re.findall(r"^(\S.*?): *((?:.*\n?)(?:^[ ]+.*\n?)*)", text + "\n", re.MULTILINE)
    rows = [
        [", ".join(f"`{name}`" for name in names.split(", ")), _prose(" ".join(about.split()))]
        for names, about in entries
    ]
    heading = {"Args:": "argument", "Attributes:": "attribute", "Raises:": "error"}[head]
    return table((heading, "what it is" if head != "Raises:" else "when"), rows)


def _prose(text: str) -> str:
    """Text whose signs are no markup of Markdown, but for its `code` and *emphasis*."""
    parts = re.split(r"(`[^`]*`|(?<![\w*])\*\w+\*(?![\w*]))", text)
    return "".join(
        part if number % 2 else re.sub(r"([*_<>\[\]{}$#~\\`])", r"\\\1", part)
        for number, part in enumerate(parts)
    )


# ----- other pages -----


def contributing() -> str:
    """CONTRIBUTING.md, with links as they are from here."""
    text = (README.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.replace("](docs/", "](").replace("[README](README.md)", "README")


def elsewhere() -> str:
    """What the README says of other people's tools."""
    return _of_readme("## In other people's tools", "## License")


def verified() -> str:
    """What the last verification of all networks found."""
    report = README.parent / "reports" / "verification" / "README.md"
    [found] = [
        line
        for line in report.read_text(encoding="utf-8").splitlines()
        if "differences" in line and line[:1].isalpha()
    ]
    return f"> {found.partition('. ')[2] or found}\n".replace(", for the reasons below", "")


# ----- JSON Schema -----


def schemas() -> dict[str, Any]:
    """Every schema, by the word behind `archcalc schema`."""
    return {
        "spec": spec_schema(),
        "table": contract_schema(),
        **{command: schema_of(command) for command in CHOOSING},
    }


def schema_files() -> str:
    """Links to the files beside the pages."""
    return "".join(
        f'- <a href="../schemas/{name}.json">schemas/{name}.json</a>: {_prose(schema["title"])}\n'
        for name, schema in schemas().items()
    )


def json_schemas() -> str:
    """The keys of what each command prints as JSON."""
    parts = []
    for name, schema in schemas().items():
        if name != "spec":
            parts.append(
                f"## {schema['title']}\n\n{_prose(schema.get('description', ''))}\n\n"
                + schema_table(schema, ("key", "is", "what it is"), ("", " (may be missing)"), 2)
            )
    return "\n".join(parts)


def schema_table(schema: Any, headings: Sequence[str], marks: tuple[str, str], descend: int) -> str:
    """The keys of an object, and of the objects in it down to a depth.

    Args:
        marks: what stands behind a key that has to be there, and behind another.
    """
    return table(headings, list(_rows(schema, schema, "", marks, descend)))


def _rows(
    schema: Any, whole: Any, path: str, marks: tuple[str, str], descend: int
) -> Iterator[list[str]]:
    for key, said in schema.get("properties", {}).items():
        value = _resolved(said, whole)
        mark = marks[key not in schema.get("required", ())]
        about = said.get("description") or value.get("description") or ""
        yield [f"`{path}{key}`{mark}", _takes(said, whole), _prose(about)]
        inner, suffix = value, "."
        if value.get("type") == "array" and "items" in value:
            inner, suffix = _resolved(value["items"], whole), "[]."
        elif not value.get("properties") and isinstance(value.get("additionalProperties"), dict):
            inner, suffix = _resolved(value["additionalProperties"], whole), ".NAME."
        if descend > 1 and inner.get("properties"):
            yield from _rows(inner, whole, f"{path}{key}{suffix}", marks, descend - 1)


def _resolved(schema: Any, whole: Any) -> Any:
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _takes(schema: Any, whole: Any) -> str:
    schema = _resolved(schema, whole)
    if "enum" in schema:
        return " or ".join(f"`{_yaml(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{_yaml(schema['const'])}`"
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(_takes(one, whole) for one in schema[word]))
    kinds = schema.get("type", "anything")
    words = [_WORDS.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " or ".join(words)


_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
