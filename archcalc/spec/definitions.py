"""Blocks and functions: those that a file defines, and the blocks that it imports."""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from archcalc.errors import Place, Source, SpecError, suggestion
from archcalc.layers.registry import KINDS, LATER
from archcalc.spec.files import Files, is_path, spec_sources
from archcalc.spec.function_table import FUNCTIONS
from archcalc.spec.keys import FAMILY_KEYS, KEYWORDS
from archcalc.spec.reader import compose, compose_counted, items, text_of
from archcalc.spec.scopes import require_closed
from archcalc.spec.statements import StatementReader, is_null
from archcalc.spec.syntax import Argument, Block, BlockFile, Function
from archcalc.spec.trees import SHAPE_OF

_OWN_KINDS = frozenset([*KINDS, *LATER])  # a block may be called as no other
_FOLDER = "blocks"  # of the files of blocks that come with archcalc


class DefinitionReader(StatementReader):
    """Reads the blocks and functions of one source, and what it imports."""

    def __init__(self, source: Source, files: Files, key: str | None = None) -> None:
        super().__init__(source)
        self._files = files
        self._key = key

    def _blocks_of(self, found: dict[str, Node]) -> dict[str, Block]:
        """The blocks that a file imports, and those that it defines."""
        defined = list(self._entries(found.get("blocks"), "blocks"))
        own = frozenset([self._block_name(key) for _, key, _ in defined])
        imported = self._imports(found.get("import"), own)
        self._blocks = own | imported.keys()
        return imported | {name: self._block(name, key, node) for name, key, node in defined}

    def _functions_of(self, found: dict[str, Node]) -> dict[str, Function]:
        return {
            name: self._function(name, key, node)
            for name, key, node in self._entries(found.get("functions"), "functions")
        }

    # ----- imports -----

    def _imports(self, node: Node | None, own: frozenset[str]) -> dict[str, Block]:
        """`common`, `[common, blocks.yaml]` or `{blocks.yaml: [unit, stage]}`: blocks by name.

        Where no blocks are named it is all that the file defines, but for those that are called
        as one of the importing file's `own`.
        """
        found: dict[str, Block] = {}
        for file, wanted in self._files_named(node):
            name = text_of(file, self._source, "import")
            there = block_file(name, self._place(file), self._files)
            defined = {n: block for n, block in there.blocks.items() if block.file == there.key}
            if wanted is None:
                chosen = {each: file for each in defined if each not in own}
            else:
                chosen = {text_of(item, self._source, "a block"): item for item in wanted}
            for each, at in chosen.items():
                if each not in defined:
                    guess = suggestion(each, defined, "it has")
                    raise SpecError(f"{name} has no block {each!r}{guess}", self._place(at))
                if each in own:
                    raise SpecError(f"a block {each!r} is defined here too", self._place(at))
                if each in found:
                    other = f"an import before has a block {each!r} too"
                    raise SpecError(f"{other}; name those that are meant", self._place(at))
                found[each] = defined[each]
            require_closed(there, chosen)
        return found

    def _files_named(self, node: Node | None) -> list[tuple[Node, list[Node] | None]]:
        """The names of files, each with those of blocks, or None for all."""
        if node is None or is_null(node):
            return []
        if isinstance(node, ScalarNode):
            return [(node, None)]
        if isinstance(node, SequenceNode):
            return [(item, None) for item in node.value]
        return [
            (key, None if is_null(value) else _listed(value))
            for _, key, value in self._entries(node, "import")
        ]

    # ----- what is defined -----

    def _block_name(self, node: Node) -> str:
        name = self._name_text(node, "the name of a block")
        if name in _OWN_KINDS or name in KEYWORDS:
            raise SpecError(f"a block cannot be called {name!r}, as a layer is", self._place(node))
        return name

    def _block(self, name: str, key: Node, node: Node) -> Block:
        found = self._mapping(node, ("parameters", "let", "layers"), f"block {name!r}")
        return Block(
            name=name,
            parameters=self._parameters(found.get("parameters")),
            let=self._arguments(found.get("let"), "let"),
            body=self._body(self._required(found, "layers", key, f"block {name!r}"), "layers"),
            place=self._place(key),
            file=self._key,
        )

    def _function(self, name: str, key: Node, node: Node) -> Function:
        self._parameter_name(name, key)
        if name in FUNCTIONS or name == SHAPE_OF:
            raise SpecError(f"a function cannot be called {name!r}, as one is", self._place(key))
        found = self._mapping(node, ("parameters", "value"), f"function {name!r}")
        value = self._required(found, "value", key, f"function {name!r}")
        parameters = self._parameters(found.get("parameters"))
        return Function(name, parameters, self._argument(value), self._place(key))

    def _parameters(self, node: Node | None) -> dict[str, Argument | None]:
        """`[depth, width, stride: 1]` or `{depth: 2, stride: 1}`."""
        if node is None or isinstance(node, MappingNode):
            return dict(self._arguments(node, "parameters"))
        parameters: dict[str, Argument | None] = {}
        for item in items(node, self._source, "parameters"):
            if isinstance(item, ScalarNode):
                found: dict[str, Argument | None] = {item.value: None}
                self._parameter_name(item.value, item)
            else:
                found = dict(self._arguments(item, "a parameter"))
            for name, default in found.items():
                if name in parameters:
                    raise SpecError(f"duplicate parameter {name!r}", self._place(item))
                parameters[name] = default
        return parameters


def _listed(node: Node) -> list[Node]:
    return list(node.value) if isinstance(node, SequenceNode) else [node]


def block_file(name: str, place: Place, files: Files) -> BlockFile:
    """What blocks may be imported from: a file of the user's, or one that comes with archcalc.

    Raises:
        SpecError: there is no such file, or it is wrong; it imports itself.
    """
    source = files.source(name, place) if is_path(name) else _shipped(name, place)
    key = source.path or name
    if key in files.open:
        raise SpecError(f"{name} would import itself", place)
    if key not in files.blocks:
        files.open.append(key)
        files.blocks[key] = _BlockFileReader(source, files, key).read()
        files.open.pop()
    return files.blocks[key]


def read_blocks(source: Source) -> BlockFile:
    """What may be imported from a text. Raises SpecError where it is wrong."""
    return _BlockFileReader(source, Files(), source.path or source.name).read()


def _shipped(name: str, place: Place) -> Source:
    folder = f"specs/{_FOLDER}/"
    known = {s.name.removeprefix(folder).removesuffix(".yaml"): s for s in spec_sources(_FOLDER)}
    if name not in known:
        guess = suggestion(name, known, "a file of yours ends in .yaml; archcalc has")
        raise SpecError(f"no file of blocks is called {name!r}{guess}", place)
    return known[name]


class _BlockFileReader(DefinitionReader):
    """Reads of one file what others may import; of a whole spec its blocks and functions."""

    def read(self) -> BlockFile:
        if self._source.path is None:
            root = compose(self._source)
        else:
            root, count = compose_counted(self._source, self._files.values_left)
            self._files.values_left -= count
        found = self._mapping(root, FAMILY_KEYS, self._source.name)
        unseen = [
            name
            for key in ("parameters", "let")
            for name, _, _ in self._entries(found.get(key), key)
        ]
        blocks = self._blocks_of(found)
        functions = self._functions_of(found)
        read = BlockFile(self._key or "", self._source, blocks, functions, frozenset(unseen))
        if "layers" not in found:
            require_closed(read, blocks)
        return read
