"""The spec language as typed objects: what `archcalc.spec.parser` makes of the YAML tree.

A family holds variants (networks) and blocks; their bodies are lists of statements. Values are
templates (`archcalc.spec.fields`): constants or expressions, evaluated when the graph is built.
Named tuples, since a dozen dataclasses would add 5 ms to every start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

from yaml.nodes import Node

from archcalc.errors import Place, Source
from archcalc.layers import Layer
from archcalc.record import Record
from archcalc.spec.expression import Expression
from archcalc.spec.fields import Field, Template, convert
from archcalc.spec.values import Value

INPUT = "input"  # what the input of a network is called that has one, and gives it no name
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}")  # of a network, block or layer


class NameTemplate(Record):
    """A name, in which `{expression}` stands for the value of an expression."""

    parts: tuple[str | Expression, ...]
    place: Place


class Argument(Record):
    """The value given for a field or a parameter."""

    template: Template
    place: Place


class Training(Record):
    """How all that stands in a statement is trained, where the statement says so.

    Attributes:
        trainable: whether its parameters learn; None for as what stands around it.
        checkpoint: whether it is a stretch that runs again in the backward pass; None for no.
    """

    trainable: Argument | None = None
    checkpoint: Argument | None = None


AS_AROUND = Training()


class LayerStatement(Record):
    """`conv: {channels: 64, kernel: 3}`: one layer; with branches if it is a join.

    Attributes:
        kind: the class of the layer.
        arguments: its fields as given, by name.
        layer: the layer itself where no field mentions a parameter, else None.
        name: its name, or None to number it by its kind.
        sources: the earlier layers that it takes its input from; none for the one before it. Of a
            join, a list in braces stands for a name for each of its items.
        weights: the earlier layer whose weights it shares.
        indices: the earlier max pool that it undoes.
        branches: the bodies that a join joins; None for every other kind, and for a join
            that names its inputs.
        training: of the layer, and of what stands in its branches.
    """

    kind: type[Layer]
    arguments: dict[str, tuple[Field, Argument]]
    layer: Layer | None
    name: NameTemplate | None
    sources: tuple[NameTemplate, ...]
    weights: NameTemplate | None
    indices: NameTemplate | None
    branches: tuple[Body, ...] | None
    place: Place
    training: Training = AS_AROUND


def layer_with(
    kind: type[Layer],
    arguments: Mapping[str, tuple[Field, Argument]],
    value_of: Callable[[Field, Argument], Value],
) -> Layer:
    """The layer that has these values of its fields.

    Raises:
        SpecError: a value is not of its field's type.
    """
    return kind(
        **{
            name: convert(field, value_of(field, argument), argument.place)
            for name, (field, argument) in arguments.items()
        }
    )


def several_needed(kind: type[Layer]) -> str:
    """What is wrong with a join of a kind that is given a single layer."""
    return f"{kind.kind} needs branches, or `from` with two layers or more"


class BlockStatement(Record):
    """`stage: {depth: 2, width: 64}`: a block, with values for its parameters.

    Attributes:
        weights: the earlier instance of the block whose weights it shares, layer by layer.
    """

    block: str
    arguments: dict[str, Argument]
    name: NameTemplate | None
    source: NameTemplate | None
    place: Place
    training: Training = AS_AROUND
    weights: NameTemplate | None = None


class NetworkStatement(Record):
    """`network: {of: resnet50, until: layer4}`: another network, or a part of it, as a block.

    Attributes:
        of: the name of one that comes with archcalc, or a file: `FILE` or `FILE#VARIANT`.
        parameters: values in place of its own.
        sources: what its inputs are, in their order; none for the layer before it.
        after: the layer or block of it after which the part begins; None for its inputs.
        until: the layer or block at whose end the part ends; None for its output.
        weights: the earlier instance of it whose weights it shares, layer by layer.
    """

    of: NameTemplate
    parameters: dict[str, Argument]
    name: NameTemplate | None
    sources: tuple[NameTemplate, ...]
    after: NameTemplate | None
    until: NameTemplate | None
    place: Place
    training: Training = AS_AROUND
    weights: NameTemplate | None = None


class RepeatStatement(Record):
    """`repeat: depth`, `layers: […]`: the body `times` over; `counter` counts from 0 in it."""

    times: Argument
    counter: str | None
    body: Body
    place: Place
    training: Training = AS_AROUND


class IfStatement(Record):
    """`if: condition`, `then: […]`, `else: […]`."""

    condition: Argument
    then: Body
    otherwise: Body
    place: Place


class HeadStatement(Record):
    """`head: {name: aux1, training_only: true, layers: […]}`: leaves the main path."""

    name: NameTemplate | None
    training_only: bool
    body: Body
    place: Place


Statement: TypeAlias = (
    "LayerStatement | BlockStatement | NetworkStatement | RepeatStatement | IfStatement | "
    "HeadStatement"
)
Body: TypeAlias = "tuple[Statement, ...]"


def every_statement(body: Body) -> Iterator[Statement]:
    """The statements of a body with all that stand in them, in the order of the text."""
    for statement in body:
        yield statement
        inside: tuple[Body, ...] = ()
        if isinstance(statement, LayerStatement):
            inside = statement.branches or ()
        elif isinstance(statement, IfStatement):
            inside = (statement.then, statement.otherwise)
        elif not isinstance(statement, BlockStatement | NetworkStatement):
            inside = (statement.body,)
        for inner in inside:
            yield from every_statement(inner)


class Block(Record):
    """A small network with parameters.

    Attributes:
        parameters: the default of each parameter; None where a value has to be given.
        let: values computed from the parameters, in order.
        file: the key of the `BlockFile` that it is imported from; None for a spec's own.
    """

    name: str
    parameters: dict[str, Argument | None]
    let: dict[str, Argument]
    body: Body
    place: Place
    file: str | None = None


class Input(Record):
    """An input of a network.

    Attributes:
        sizes: the templates of its channels and sizes.
        dtype: one of `archcalc.feature_map.INTEGERS`; None where it is floating.
    """

    sizes: tuple[Argument, ...]
    dtype: str | None = None


class Function(Record):
    """A function of a spec's own, which expressions call.

    Attributes:
        parameters: the default of each parameter; None where a value has to be given.
        value: what it comes to.
    """

    name: str
    parameters: dict[str, Argument | None]
    value: Argument
    place: Place


class BlockFile(Record):
    """A file that blocks are imported from: what they see of it.

    Attributes:
        key: what it is known by: its path, or its name among those that come with archcalc.
        blocks: those that it defines, and those that it imports.
        functions: those that it defines, of which each may call those before it.
        unseen: the names of its parameters, which nothing that others import may mention.
    """

    key: str
    source: Source
    blocks: dict[str, Block]
    functions: dict[str, Function]
    unseen: frozenset[str]


DENSE = "dense"  # a network that ran over all of a larger image, as a convolution


class Accuracy(Record):
    """A published accuracy on the network's own data set, in percent.

    Attributes:
        top1, top5: the share of images whose label is the first, or among the first five, of the
            answers; None where not published.
        crops: how many views of each image were averaged; DENSE where the network ran over the
            whole image; None where that is not said.
        source: who printed it, and where.
    """

    top1: float | None
    top5: float | None
    crops: int | str | None
    source: str


class About(Record):
    """What is known of a network beside its layers.

    Attributes:
        title: what the literature calls it.
        paper: where it was published.
        origin: where this configuration comes from (`source` in a spec).
        accuracy: as published, of this very variant.
        published_depth: how many layers its paper counts, in its own way.
    """

    title: str = ""
    authors: str = ""
    year: int | None = None
    paper: str = ""
    origin: str = ""
    accuracy: Accuracy | None = None
    published_depth: int | None = None


class Label(Record):
    """The name of a number of a network: a parameter, an item of a list, a size of the input."""

    text: str
    place: Place


class Imported(Record):
    """What is known of a network that was read from a model of elsewhere.

    Attributes:
        notes: what whoever sees its figures should know: a sentence each.
        shapes: of outputs as the model had them for one image, by layer.
        modules: the classes of the modules that its layers stood in, by dotted name.
        macs: of an image, as another counter has them; None where none has counted.
        module: the torch module that it was read from, or None.
        called: the name by which it was read.
        given: what was given to make it, in words: of each what it is, `set` or `input`, and that.
    """

    not_shown: ClassVar[tuple[str, ...]] = ("shapes", "modules")

    notes: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = {}
    modules: Mapping[str, str] = {}
    macs: int | None = None
    module: Any = None
    called: str = ""
    given: tuple[tuple[str, str], ...] = ()


class Network(Record):
    """One variant of a family.

    Attributes:
        inputs: by name, the main path's first.
        parameters: the value of each parameter.
        let: values computed from the parameters, in order.
        blocks: the family's blocks and those that it imports, by name.
        functions: the family's functions, by name, of which each may call those before it.
        budget: the tree of its bounds, which `archcalc.claims.budgets` reads when asked.
        outputs: the layers whose outputs leave it, by the outputs' names; None for what ends the
            main path, and the heads.
        silence: of rules of `archcalc.noticing` that it is meant to break, why.
        scaling: for some of `archcalc.spec.keys.WAYS` the numbers that make it wider, deeper or
            larger, all of them times the same factor.
        block_files: what blocks are imported from, by key, themselves or through one another.
        imported: what is known of a model from elsewhere; None of a spec that somebody wrote.
    """

    name: str
    about: About
    inputs: dict[str, Input]
    parameters: dict[str, Value]
    let: dict[str, Argument]
    blocks: dict[str, Block]
    body: Body
    source: Source
    place: Place
    budget: Node | None = None
    outputs: Mapping[str, NameTemplate] | None = None
    scaling: Mapping[str, tuple[Label, ...]] = {}
    silence: Mapping[str, str] = {}
    functions: Mapping[str, Function] = {}
    block_files: Mapping[str, BlockFile] = {}
    imported: Imported | None = None

    def __repr__(self) -> str:
        return f"<Network {self.name}: {self.about.title}>"


class Family(Record):
    """A spec file: networks that share blocks and parameters.

    Attributes:
        about: what is known of all of them, where a variant says nothing else.
        networks: by name.
        claims: the tree of its published figures, which `archcalc.claims` reads when asked.
    """

    name: str
    about: About
    networks: dict[str, Network]
    blocks: dict[str, Block]
    claims: Node | None
    source: Source

    @property
    def called(self) -> str:
        """What messages call it: its file, or the model that it was read from."""
        imported = next(iter(self.networks.values())).imported
        return self.source.name if imported is None else imported.called

    def meant(self, variant: str | None) -> list[Network]:
        """Its networks; of a variant that one alone."""
        return [one for name, one in self.networks.items() if variant in (None, name)]

    def path_of(self, network: str) -> str:
        """What the command line knows a network of a user's file by: `FILE` or `FILE#VARIANT`."""
        return self.called if len(self.networks) == 1 else f"{self.called}#{network}"
