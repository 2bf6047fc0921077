"""The YAML tree of a spec -> a `Family`: its networks, with what is known of each."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from yaml.nodes import Node, SequenceNode

from archcalc.errors import Source, SpecError
from archcalc.feature_map import MOST_AXES
from archcalc.record import replace
from archcalc.spec.fields import read_literal, read_size
from archcalc.spec.keys import ACCURACY_KEYS, FAMILY_KEYS, VARIANT_KEYS, WAYS
from archcalc.spec.labels import find_labelled
from archcalc.spec.reader import compose, items, text_of
from archcalc.spec.scopes import require_known_names
from archcalc.spec.statements import StatementReader, is_null
from archcalc.spec.syntax import DENSE, About, Accuracy, Argument, Family, Label, Network
from archcalc.spec.values import ExpressionError


def parse_family(source: Source) -> Family:
    """The family that a spec's text describes.

    Raises:
        SpecError: the text is wrong; says where, and what was meant if that can be guessed.
    """
    with _collector_at_rest():
        root = compose(source)
        return _FamilyReader(source).family(root)


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


class _FamilyReader(StatementReader):
    """Reads one spec file."""

    def family(self, root: Node) -> Family:
        found = self._mapping(root, FAMILY_KEYS, "a spec")
        name = self._name_text(self._required(found, "name", root, "a spec"), "the name")
        self._blocks = frozenset(
            self._block_name(key) for _, key, _ in self._entries(found.get("blocks"), "blocks")
        )
        blocks = {
            key: self._block(key, node, value)
            for key, node, value in self._entries(found.get("blocks"), "blocks")
        }
        base = Network(
            name=name,
            about=self._about(found, About()),
            input=self._input(found["input"]) if "input" in found else (),
            parameters=self._literals(found.get("parameters")),
            let=self._arguments(found.get("let"), "let"),
            blocks=blocks,
            body=self._body(found["layers"], "layers") if "layers" in found else (),
            source=self._source,
            place=self._place(root),
            budget=found.get("budget"),
            scaling=self._scaling(found.get("scaling")),
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
            input=self._input(found["input"]) if "input" in found else base.input,
            parameters=base.parameters | changed,
            body=self._body(found["layers"], "layers") if "layers" in found else base.body,
            place=self._place(key),
            budget=found.get("budget", base.budget),
            scaling={**base.scaling, **self._scaling(found.get("scaling"))},
        )

    def _require_whole(self, network: Network) -> None:
        for key, there in (("input", network.input), ("layers", network.body)):
            if not there:
                raise SpecError(f"{network.name!r} has no `{key}`", network.place)
        for way, labels in network.scaling.items():
            for label in labels:
                self._require_number(network, way, label)

    def _require_number(self, network: Network, way: str, label: Label) -> None:
        axes = len(network.input) - 1
        try:
            find_labelled(label.text, network.name, network.parameters, axes)
        except ExpressionError as error:
            raise SpecError(f"scaling, {way}: {error}", label.place) from None

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

    def _input(self, node: Node) -> tuple[Argument, ...]:
        sizes = items(node, self._source, "input")
        if not 1 <= len(sizes) <= MOST_AXES:
            raise SpecError(
                f"input is a list of 1 to {MOST_AXES} numbers, such as [3, 224, 224]; it has "
                f"{len(sizes)}",
                self._place(node),
            )
        return tuple(Argument(read_size(n, self._source), self._place(n)) for n in sizes)

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
