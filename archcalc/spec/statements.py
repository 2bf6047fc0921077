"""The YAML of layers -> typed statements. No arithmetic of layers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from keyword import iskeyword

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from archcalc.errors import Place, Source, SpecError, did_you_mean
from archcalc.layers import Join, Layer
from archcalc.layers.registry import kind_called, known_names
from archcalc.spec.expression import template_parts
from archcalc.spec.fields import (
    WORDS,
    Field,
    at,
    fields_of,
    is_constant,
    read_literal,
    read_template,
)
from archcalc.spec.keys import (
    KEYWORDS,
    NAMED,
    OF_BRANCHES,
    PART_KEYS,
    PLACEMENT_KEYS,
    TRAINING_KEYS,
    placement_keys,
)
from archcalc.spec.reader import entries, items, mapping, place_of, text_of
from archcalc.spec.syntax import (
    AS_AROUND,
    NAME,
    Argument,
    BlockStatement,
    Body,
    HeadStatement,
    IfStatement,
    LayerStatement,
    NameTemplate,
    NetworkStatement,
    RepeatStatement,
    Statement,
    Training,
    layer_with,
    several_needed,
)

MAX_ENTRIES = 256  # of a mapping of names: parameters, blocks, variants


class StatementReader:
    """Reads the layers of one source.

    `_blocks` has the names of all blocks before their bodies are read.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._blocks: frozenset[str] = frozenset()

    def _arguments(self, node: Node | None, what: str) -> dict[str, Argument]:
        arguments = {}
        for key, key_node, value in self._entries(node, what):
            self._parameter_name(key, key_node)
            arguments[key] = self._argument(value)
        return arguments

    def _parameter_name(self, name: str, node: Node) -> None:
        if not name.isidentifier() or iskeyword(name) or name in (*PLACEMENT_KEYS, *WORDS):
            raise SpecError(f"{name[:60]!r} is not a name for a parameter", self._place(node))

    # ----- statements -----

    def _body(self, node: Node, what: str) -> Body:
        return tuple([self._statement(item) for item in items(node, self._source, what)])

    def _statement(self, node: Node) -> Statement:
        if isinstance(node, ScalarNode) and not is_null(node):
            return self._layer_or_block(node.value, node, None)
        if not isinstance(node, MappingNode) or not node.value:
            raise SpecError("expected a layer: its kind, or kind: {fields}", self._place(node))
        keys = [key.value for key, _ in node.value]
        for keyword, known in KEYWORDS.items():
            if keyword in keys:
                found = self._mapping(node, known, f"`{keyword}`")
                read: dict[str, Callable[[Node, dict[str, Node]], Statement]] = {
                    "repeat": self._repeat,
                    "if": self._if,
                    "head": self._head,
                    "network": self._network,
                }
                return read[keyword](node, found)
        if len(keys) > 1:
            second = node.value[1][0]
            raise SpecError(
                f"one layer in an item: {keys[0]!r} has a neighbour {keys[1]!r}; are its fields "
                "indented under it?",
                self._place(second),
            )
        return self._layer_or_block(keys[0], *node.value[0])

    def _layer_or_block(self, name: str, key: Node, value: Node | None) -> Statement:
        if value is not None and is_null(value):
            value = None
        if name in self._blocks:
            return self._block_statement(name, key, value)
        kind = kind_called(OF_BRANCHES.get(name, name) if _has_branches(value) else name)
        if kind is None:
            known = [*known_names(), *self._blocks, *KEYWORDS]
            guess = did_you_mean(name, known)
            raise SpecError(
                f"unknown layer kind {name!r}{guess or '; `archcalc schema` has them all'}",
                self._place(key),
            )
        return self._layer(kind, key, value)

    def _layer(self, kind: type[Layer], key: Node, value: Node | None) -> LayerStatement:
        known = fields_of(kind)
        joins = issubclass(kind, Join)
        found: dict[str, Node] = {}
        branches: tuple[Body, ...] | None = None
        names: Collection[str] = ()
        if joins and isinstance(value, SequenceNode):
            branches = self._branches(value)
        elif value is not None:
            names = self._names_in_notation(kind, value)
            keys = (*known, *names, *placement_keys(kind))
            found = mapping(value, self._source, keys, kind.kind, of_torch=True)
            if "branches" in found:
                branches = self._branches(found["branches"])
        arguments = {}
        for name, field in known.items():
            if name in found and name != NAMED:
                template = field.type.read(found[name], self._source)
                arguments[name] = (field, Argument(template, self._place(found[name])))
            elif field.required:
                raise SpecError(f"{kind.kind} needs `{name}`", self._place(key))
        named = [[n, read_template(found[n], self._source)] for n in names if n in found]
        if named:
            place = self._place(found[named[0][0]])
            arguments[NAMED] = (known[NAMED], Argument(named, place))
        sources = self._sources(found.get("from"), many=joins)
        if kind.is_source and sources:
            raise SpecError(f"{kind.kind} has no input", self._place(found["from"]))
        alone = issubclass(kind, Join) and kind.takes_one and branches is None
        several = len(sources) > 1 or any(len(source.parts) > 1 for source in sources)
        is_clear = several if branches is None else len(sources) < 2
        if joins and not alone and not is_clear:
            raise SpecError(several_needed(kind), self._place(key))
        return LayerStatement(
            kind=kind,
            arguments=arguments,
            layer=_constant_layer(kind, arguments),
            name=self._name(found.get("name")),
            sources=sources,
            weights=self._name(found.get("weights")),
            indices=self._name(found.get("indices")),
            branches=branches,
            place=self._place(key),
            training=self._training(found),
        )

    def _names_in_notation(self, kind: type[Layer], node: Node) -> Collection[str]:
        """The names in the notation of how a layer moves values, whose sizes it may give."""
        notation = next((n for n, text in kind.types.items() if text == "Notation"), None)
        if notation is None or not isinstance(node, MappingNode):
            return ()
        found = [value for key, value in node.value if key.value == notation]
        if not found or not isinstance(found[0], ScalarNode):
            return ()
        from archcalc.layers.notation import names_in

        return names_in(found[0].value)

    def _branches(self, node: Node) -> tuple[Body, ...]:
        branches = tuple(
            [self._body(item, "a branch") for item in items(node, self._source, "branches")]
        )
        if not branches:
            raise SpecError("a join without branches", self._place(node))
        return branches

    def _sources(self, node: Node | None, many: bool) -> tuple[NameTemplate, ...]:
        if node is None:
            return ()
        if isinstance(node, SequenceNode) and many:
            return tuple(self._name_template(item) for item in node.value)
        return (self._name_template(node),)

    def _block_statement(self, name: str, key: Node, value: Node | None) -> BlockStatement:
        arguments: dict[str, Argument] = {}
        placed: dict[str, Node] = {}
        for field, _, node in self._entries(value, name):
            if field in PLACEMENT_KEYS:
                placed[field] = node
            else:
                arguments[field] = self._argument(node)
        return BlockStatement(
            block=name,
            arguments=arguments,
            name=self._name(placed.get("name")),
            source=self._name(placed.get("from")),
            place=self._place(key),
            training=self._training(placed),
            weights=self._name(placed.get("weights")),
        )

    def _repeat(self, node: Node, found: dict[str, Node]) -> RepeatStatement:
        index = found.get("index")
        if index is not None:
            self._parameter_name(text_of(index, self._source, "index"), index)
        return RepeatStatement(
            times=self._argument(found["repeat"]),
            counter=None if index is None else text_of(index, self._source, "index"),
            body=self._body(self._required(found, "layers", node, "`repeat`"), "layers"),
            place=self._place(node),
            training=self._training(found),
        )

    def _if(self, node: Node, found: dict[str, Node]) -> IfStatement:
        return IfStatement(
            condition=self._argument(found["if"]),
            then=self._body(self._required(found, "then", node, "`if`"), "then"),
            otherwise=self._body(found["else"], "else") if "else" in found else (),
            place=self._place(node),
        )

    def _head(self, node: Node, found: dict[str, Node]) -> HeadStatement:
        inner = self._mapping(found["head"], ("name", "training_only", "layers"), "head")
        only = inner.get("training_only")
        value = False if only is None else read_literal(only, self._source)
        if only is not None and type(value) is not bool:
            raise SpecError("training_only: expected true or false", self._place(only))
        return HeadStatement(
            name=self._name(inner.get("name")),
            training_only=bool(value),
            body=self._body(self._required(inner, "layers", found["head"], "head"), "layers"),
            place=self._place(node),
        )

    def _network(self, node: Node, found: dict[str, Node]) -> NetworkStatement:
        inner = found["network"]
        if isinstance(inner, ScalarNode) and not is_null(inner):
            given: dict[str, Node] = {"of": inner}
        else:
            given = self._mapping(inner, (*PART_KEYS, *PLACEMENT_KEYS), "network")
        of = self._required(given, "of", inner, "network")
        return NetworkStatement(
            of=self._template(of, "the name of a network"),
            parameters=self._arguments(given.get("parameters"), "parameters"),
            name=self._name(given.get("name")),
            sources=self._sources(given.get("from"), many=True),
            after=self._name(given.get("after")),
            until=self._name(given.get("until")),
            place=self._place(node),
            training=self._training(given),
            weights=self._name(given.get("weights")),
        )

    # ----- small parts -----

    def _training(self, found: dict[str, Node]) -> Training:
        said = {key: self._argument(found[key]) for key in TRAINING_KEYS if key in found}
        return Training(**said) if said else AS_AROUND

    def _place(self, node: Node) -> Place:
        return place_of(node, self._source)

    def _argument(self, node: Node) -> Argument:
        return Argument(read_template(node, self._source), self._place(node))

    def _entries(self, node: Node | None, what: str) -> list[tuple[str, Node, Node]]:
        if node is None or is_null(node):
            return []
        found = list(entries(node, self._source, what))
        if len(found) > MAX_ENTRIES:
            raise SpecError(f"{what}: more than {MAX_ENTRIES} entries", self._place(node))
        return found

    def _mapping(self, node: Node, known: tuple[str, ...], owner: str) -> dict[str, Node]:
        return mapping(node, self._source, known, owner)

    def _required(self, found: dict[str, Node], key: str, node: Node, owner: str) -> Node:
        if key not in found:
            raise SpecError(f"{owner} needs `{key}`", self._place(node))
        return found[key]

    def _text(self, found: dict[str, Node], key: str, default: str) -> str:
        node = found.get(key)
        if node is None:
            return default
        parts = node.value if isinstance(node, SequenceNode) else [node]
        return ", ".join(" ".join(text_of(part, self._source, key).split()) for part in parts)

    def _name_text(self, node: Node, what: str) -> str:
        text = text_of(node, self._source, what)
        if not NAME.fullmatch(text):
            raise SpecError(
                f"{text[:60]!r} is not a name: letters, digits and _ . - make one",
                self._place(node),
            )
        return text

    def _name(self, node: Node | None) -> NameTemplate | None:
        return None if node is None else self._name_template(node)

    def _name_template(self, node: Node) -> NameTemplate:
        template = self._template(node, "a name")
        if not NAME.fullmatch("".join(p if isinstance(p, str) else "0" for p in template.parts)):
            raise SpecError(
                f"{node.value[:60]!r} is not a name: letters, digits, _ . - and {{expressions}} "
                "make one",
                template.place,
            )
        return template

    def _template(self, node: Node, what: str) -> NameTemplate:
        text = text_of(node, self._source, what)
        return NameTemplate(at(node, self._source, template_parts, text), self._place(node))


def _constant_layer(
    kind: type[Layer], arguments: dict[str, tuple[Field, Argument]]
) -> Layer | None:
    """The layer itself, where none of its fields mentions a parameter."""
    if not all(is_constant(argument.template) for _, argument in arguments.values()):
        return None
    return layer_with(kind, arguments, lambda _, argument: argument.template)


def _has_branches(node: Node | None) -> bool:
    """Whether a layer is given branches, or several inputs."""
    if not isinstance(node, MappingNode):
        return isinstance(node, SequenceNode)
    return any(
        key.value == "branches" or (key.value == "from" and isinstance(value, SequenceNode))
        for key, value in node.value
    )


def is_null(node: Node) -> bool:
    """Whether nothing stands there."""
    return isinstance(node, ScalarNode) and not node.style and node.value in ("", "~", "null")
