"""The YAML tree of a spec -> a `Family`: its networks, with what is known of each."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from yaml.nodes import MappingNode, Node, SequenceNode

from archcalc.errors import Source, SpecError, suggestion
from archcalc.feature_map import INTEGERS, MOST_AXES
from archcalc.record import replace
from archcalc.spec.definitions import DefinitionReader, read_blocks
from archcalc.spec.fields import read_literal, read_size
from archcalc.spec.files import Files
from archcalc.spec.keys import (
    ACCURACY_KEYS,
    FAMILY_KEYS,
    INPUT_KEYS,
    NOTICED,
    VARIANT_KEYS,
    WAYS,
)
from archcalc.spec.labels import find_labelled
from archcalc.spec.reader import compose_counted, items, text_of
from archcalc.spec.scopes import require_known_names
from archcalc.spec.statements import is_null
from archcalc.spec.syntax import (
    DENSE,
    INPUT,
    About,
    Accuracy,
    Argument,
    Family,
    Input,
    Label,
    NameTemplate,
    Network,
)
from archcalc.spec.values import ExpressionError


def parse_family(source: Source, files: Files | None = None) -> Family:
    """The family that a spec's text describes.

    Args:
        files: those that were read before, for a spec that has named this one; else it is read
            for itself.

    Raises:
        SpecError: the text is wrong; says where, and what was meant if that can be guessed.
    """
    files = files or Files()
    with _collector_at_rest():
        root, count = compose_counted(source, files.values_left)
        files.values_left -= count
        return _FamilyReader(source, files).family(root)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Holds Python's collector of cycles back.

    A tree has none, and the collector's going through it again and again takes longer than the
    parsing. What is held meanwhile is bounded, as the text is.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


class BlocksAlone(SpecError):
    """A spec is asked for where there are only blocks, and nothing is wrong with these."""


class _FamilyReader(DefinitionReader):
    """Reads one spec file."""

    def family(self, root: Node) -> Family:
        found = self._mapping(root, FAMILY_KEYS, "a spec")
        if "name" not in found and "layers" not in found and "blocks" in found:
            read_blocks(self._source)  # where one of these is wrong, that is said
            raise BlocksAlone("a file of blocks, which specs `import`", self._place(root))
        name = self._name_text(self._required(found, "name", root, "a spec"), "the name")
        blocks = self._blocks_of(found)
        base = Network(
            name=name,
            about=self._about(found, About()),
            inputs=self._inputs(found) or {},
            parameters=self._literals(found.get("parameters")),
            let=self._arguments(found.get("let"), "let"),
            blocks=blocks,
            body=self._body(found["layers"], "layers") if "layers" in found else (),
            source=self._source,
            place=self._place(root),
            budget=found.get("budget"),
            outputs=self._outputs(found.get("outputs")),
            scaling=self._scaling(found.get("scaling")),
            silence=self._silence(found.get("silence")),
            functions=self._functions_of(found),
            block_files=self._files.blocks,
        )
        networks = {
            key: self._variant(key, node, value, base)
            for key, node, value in self._entries(found.get("variants"), "variants")
        }
        for network in networks.values() or (base,):
            self._require_whole(network)
        require_known_names(networks.values() or (base,))
        return Family(
            name=name,
            about=base.about,
            networks=networks or {name: base},
            blocks=blocks,
            claims=found.get("claims"),
            source=self._source,
        )

    def _variant(self, name: str, key: Node, node: Node, base: Network) -> Network:
        self._name_text(key, "the name of a variant")
        known = (*VARIANT_KEYS, *base.parameters)
        found = {} if is_null(node) else self._mapping(node, known, f"variant {name!r}")
        changed = {
            k: read_literal(v, self._source) for k, v in found.items() if k in base.parameters
        }
        return replace(
            base,
            name=name,
            about=self._about(found, base.about),
            inputs=self._inputs(found) or base.inputs,
            parameters=base.parameters | changed,
            body=self._body(found["layers"], "layers") if "layers" in found else base.body,
            place=self._place(key),
            budget=found.get("budget", base.budget),
            outputs=self._outputs(found["outputs"]) if "outputs" in found else base.outputs,
            scaling={**base.scaling, **self._scaling(found.get("scaling"))},
            silence={**base.silence, **self._silence(found.get("silence"))},
        )

    def _require_whole(self, network: Network) -> None:
        for key, there in (("input", network.inputs), ("layers", network.body)):
            if not there:
                raise SpecError(f"{network.name!r} has no `{key}`", network.place)
        for way, labels in network.scaling.items():
            for label in labels:
                self._require_number(network, way, label)

    def _require_number(self, network: Network, way: str, label: Label) -> None:
        sizes = {name: len(input.sizes) for name, input in network.inputs.items()}
        try:
            find_labelled(label.text, network.name, network.parameters, sizes)
        except ExpressionError as error:
            raise SpecError(f"scaling, {way}: {error}", label.place) from None

    def _silence(self, node: Node | None) -> dict[str, str]:
        found = {} if node is None else self._mapping(node, NOTICED, "silence")
        reasons = {rule: self._text(found, rule, "") for rule in found}
        for rule, reason in reasons.items():
            if not reason or is_null(found[rule]):
                raise SpecError(
                    f"silence, {rule}: say why it is meant so", self._place(found[rule])
                )
        return reasons

    def _about(self, found: dict[str, Node], base: About) -> About:
        year, depth = found.get("year"), found.get("published_depth")
        return About(
            title=self._text(found, "title", base.title),
            authors=self._text(found, "authors", base.authors),
            year=base.year if year is None else self._year(year),
            paper=self._text(found, "paper", base.paper),
            origin=self._text(found, "source", base.origin),
            accuracy=self._accuracy(found.get("accuracy")),
            published_depth=base.published_depth if depth is None else self._depth(depth),
        )

    def _accuracy(self, node: Node | None) -> Accuracy | None:
        if node is None:
            return None
        found = self._mapping(node, ACCURACY_KEYS, "accuracy")
        shares = {key: self._percent(found[key]) for key in ("top1", "top5") if key in found}
        crops = read_literal(found["crops"], self._source) if "crops" in found else None
        if crops not in (None, DENSE) and (type(crops) is not int or crops < 1):
            raise SpecError(f"crops: expected a number, or {DENSE}", self._place(found["crops"]))
        self._required(found, "source", node, "accuracy")
        source = self._text(found, "source", "")
        return Accuracy(shares.get("top1"), shares.get("top5"), crops, source)

    def _depth(self, node: Node) -> int:
        value = read_literal(node, self._source)
        if type(value) is not int or value < 1:
            raise SpecError("published_depth: expected a number of layers", self._place(node))
        return value

    def _percent(self, node: Node) -> float:
        value = read_literal(node, self._source, float)
        if isinstance(value, (bool, str, list)) or value is None or not 0 < value <= 100:
            raise SpecError("expected a percentage, such as 76.1", self._place(node))
        return float(value)

    def _year(self, node: Node) -> int:
        value = read_literal(node, self._source)
        if type(value) is not int:
            raise SpecError(f"year: expected a number, found {value!r}", self._place(node))
        return value

    def _inputs(self, found: dict[str, Node]) -> dict[str, Input] | None:
        """What `input` or `inputs` says; None where neither is there."""
        node = found.get("inputs")
        if node is None:
            return {INPUT: Input(self._sizes(found["input"], INPUT))} if INPUT in found else None
        if INPUT in found:
            raise SpecError("`input` and `inputs`: one of them has them all", self._place(node))
        named: dict[str, Node] = {}
        if isinstance(node, SequenceNode):
            named = {f"input{number}": item for number, item in enumerate(node.value, 1)}
        else:
            for _, key, value in self._entries(node, "inputs"):
                named[self._name_text(key, "the name of an input")] = value
        if not named:
            raise SpecError("inputs: expected a name and a shape for each", self._place(node))
        return {name: self._input(item, name) for name, item in named.items()}

    def _input(self, node: Node, name: str) -> Input:
        """`[3, 224, 224]`, or `{shape: [77], dtype: int64}`."""
        if not isinstance(node, MappingNode):
            return Input(self._sizes(node, name))
        found = self._mapping(node, INPUT_KEYS, f"input {name!r}")
        shape = self._required(found, "shape", node, f"input {name!r}")
        dtype = self._text(found, "dtype", "") or None
        if dtype is not None and dtype not in INTEGERS:
            guess = suggestion(dtype, [*INTEGERS], "it is one of")
            raise SpecError(
                f"input {name!r}: {dtype!r} is no dtype of integers{guess}; "
                "one without a dtype has the network's",
                self._place(found["dtype"]),
            )
        return Input(self._sizes(shape, name), dtype)

    def _sizes(self, node: Node, name: str) -> tuple[Argument, ...]:
        sizes = items(node, self._source, name)
        if not 1 <= len(sizes) <= MOST_AXES:
            raise SpecError(
                f"{name} is a list of 1 to {MOST_AXES} numbers, such as [3, 224, 224]; it has "
                f"{len(sizes)}",
                self._place(node),
            )
        return tuple(Argument(read_size(n, self._source), self._place(n)) for n in sizes)

    def _outputs(self, node: Node | None) -> dict[str, NameTemplate] | None:
        """`[a, b]`, or `{boxes: a, scores: b}`: layers by the names of the outputs."""
        if node is None:
            return None
        found: dict[str, NameTemplate] = {}
        if isinstance(node, MappingNode):
            for _, key, value in self._entries(node, "outputs"):
                found[self._name_text(key, "the name of an output")] = self._name_template(value)
        else:
            for item in items(node, self._source, "outputs"):
                name = self._name_text(item, "an output")
                if name in found:
                    raise SpecError(f"output {name!r} is there twice", self._place(item))
                found[name] = self._name_template(item)
        if not found:
            raise SpecError("outputs: expected the name of a layer", self._place(node))
        return found

    def _scaling(self, node: Node | None) -> dict[str, tuple[Label, ...]]:
        """`{width: alpha, depth: [units, "depths[0]"]}`: labels by the way that they scale."""
        if node is None or is_null(node):
            return {}
        found = {}
        for way, value in self._mapping(node, WAYS, "scaling").items():
            nodes = items(value, self._source, way) if isinstance(value, SequenceNode) else [value]
            if not nodes:
                raise SpecError(f"{way}: expected a parameter or a size", self._place(value))
            found[way] = tuple([self._label(item, way) for item in nodes])
        return found

    def _label(self, node: Node, way: str) -> Label:
        return Label(text_of(node, self._source, way), self._place(node))

    def _literals(self, node: Node | None) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, key_node, value in self._entries(node, "parameters"):
            self._parameter_name(key, key_node)
            if key in VARIANT_KEYS:
                raise SpecError(f"a parameter cannot be called {key!r}", self._place(key_node))
            values[key] = read_literal(value, self._source)
        return values
