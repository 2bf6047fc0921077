"""Other networks, or parts of them, in the place of a block."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

from archcalc.errors import ArchcalcError, Place, SpecError, did_you_mean
from archcalc.expanding.scope import Home, Scope
from archcalc.expanding.sharing import SharedBlock, Sharing
from archcalc.expanding.sizes import RefusedError
from archcalc.feature_map import FeatureMap
from archcalc.given import overrides, own_inputs
from archcalc.graph import Graph
from archcalc.spec.closures import WORK
from archcalc.spec.functions import with_functions
from archcalc.spec.others import Others
from archcalc.spec.syntax import Block, Body, Function, NameTemplate, Network, NetworkStatement
from archcalc.spec.values import Value

HEAD = "head"  # what a head is called where blocks are called after their kinds
PART_OF_HEAD = "branch"  # and one whose layers are used, but leave no network


class _Start(NamedTuple):
    """Where a part of a network begins.

    Attributes:
        entering: what stands in the place of the layer that it begins after.
        before: how many layers there were before the part.
        stand_ins: the inputs of the network, on which what comes before is written out.
    """

    entering: str
    before: int
    stand_ins: tuple[str, ...]


class _ReachedError(Exception):
    """The layer or block is written out at whose end a part ends."""

    def __init__(self, full: str, last: str) -> None:
        super().__init__(full)
        self.full = full
        self.last = last


class Parts(Sharing):
    """Writes networks out inside the one that names them.

    Attributes:
        optional: their layers, which stay where something needs them.
        heads_of_parts: the dotted names of their heads.
        stand_ins: inputs of those of which a part begins further down, which stand for nothing.
    """

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self._depth = 0
        self._others = Others()
        self._within = [_key(network)]
        self._imported: dict[tuple[str, str], Home] = {}
        self._starts: dict[str, _Start] = {}
        self._stops: set[str] = set()
        self.optional: set[str] = set()
        self.heads_of_parts: list[str] = []
        self.stand_ins: dict[str, FeatureMap] = {}

    def require_nothing_before(self, graph: Graph) -> None:
        """Raises SpecError where layers of a network take what comes before the part of it."""
        for node in graph.nodes if self.cut else ():
            for source in node.sources:
                if source in self.cut and node.name not in self.cut:
                    fact = "which comes before the part of its network that is here"
                    raise SpecError(f"{node.name!r} takes {source!r}, {fact}", node.place)

    @abstractmethod
    def run(self, body: Body, scope: Scope, current: str) -> str:
        """Carries `body` out on the output of layer `current`; the name of its last layer."""

    def _home(self, network: Network, values: Mapping[str, Value], prefix: str) -> Home:
        """A network as the home of its bodies, with these values of its parameters."""
        home = Home(
            name=network.name,
            prefix=prefix,
            inputs=network.inputs,
            body=network.body,
            blocks=network.blocks,
            values=self._with_functions(values, network.functions, network.place),
            block_files=network.block_files,
        )
        self._compute(network.let, Scope(home, "", home.values, None))
        return home

    def _home_of(self, block: Block, home: Home) -> Home:
        """Where the body of a block stands that is called in a home: there, or in another file."""
        if block.file == home.file or block.file is None:
            return home
        key = (home.prefix, block.file)
        if key not in self._imported:
            file = home.block_files[block.file]
            values = self._with_functions({}, file.functions, block.place)
            self._imported[key] = home._replace(
                body=(), blocks=file.blocks, values=values, file=file.key
            )
        return self._imported[key]

    def _with_functions(
        self, values: Mapping[str, Value], functions: Mapping[str, Function], place: Place
    ) -> dict[str, Value]:
        self._step(place, (len(values) + len(functions)) * (1 + len(functions)))
        return with_functions({**values, WORK: self._work_on}, functions)

    def _part(self, statement: NetworkStatement, scope: Scope, current: str) -> str:
        inputs = [*self._resolve_all(statement.sources, scope)] or [current]
        scope.present = inputs[0]
        network = self._others.network(self._filled(statement.of, scope), statement.of.place)
        if _key(network) in self._within:
            raise SpecError(f"{network.name!r} would be a part of itself", statement.of.place)
        values = network.parameters | self._values(network, statement, scope)
        kind = network.name if network.name != HEAD else "network"
        shared = self._block_shared(statement.weights, scope, kind)
        name = self._name(statement.name, "network", scope)
        full = self._new_name(name, statement.name, scope, statement.place)
        self.blocks[full] = kind
        before = len(self.nodes)
        home = self._home(network, values, f"{full}.")
        start, stop = [
            None if end is None else home.prefix + self._text(end, scope)
            for end in (statement.after, statement.until)
        ]
        if start is None:
            entering = self._given_inputs(network, inputs, statement.place)
        else:
            entering = self._stand_ins(network, home, inputs, statement.place)
            self._starts[start] = _Start(inputs[0], before, (*entering.values(),))
        inner = Scope(home, home.prefix, home.values, None, next(iter(entering.values())))
        inner.names.update(entering)
        around = (self._depth, self._training_only, self._trainable, self._shared_block)
        if shared is not None:
            self._shared_block = SharedBlock(full, shared)
        depth = len(self._within)
        self._within.append(_key(network))
        last = self._written(network, inner, statement, start, stop)
        del self._within[depth:]
        self._depth, self._training_only, self._trainable, self._shared_block = around
        if last in self.nodes and self.nodes[last].training_only and not self._training_only:
            raise SpecError(f"{last!r} exists in training only", statement.place)
        if len(self._within) == 1:
            self.optional.update(islice(reversed(self.nodes), len(self.nodes) - before))
            self.optional.discard(last)
        self.ends[full] = scope.names[name] = last
        return self._passed(full, last)

    def _values(
        self, network: Network, statement: NetworkStatement, scope: Scope
    ) -> dict[str, Value]:
        """What a statement gives in place of a network's own parameters."""
        found: dict[str, Value] = {}
        for name, argument in statement.parameters.items():
            value = self._evaluate(argument, scope)
            try:
                found |= overrides(network, {name: value})
            except ArchcalcError as error:
                raise SpecError(str(error), argument.place) from None
        return found

    def _given_inputs(self, network: Network, inputs: list[str], place: Place) -> dict[str, str]:
        """What is given for the inputs of a network, by their names, for the first of them."""
        if len(inputs) > len(network.inputs):
            takes = f"{network.name} takes {', '.join(network.inputs)}"
            raise SpecError(f"{takes}; {len(inputs)} inputs are given", place)
        return dict(zip(network.inputs, inputs, strict=False))

    def _stand_ins(
        self, network: Network, home: Home, inputs: list[str], place: Place
    ) -> dict[str, str]:
        """Inputs such as the network has by itself, for what comes before a part of it."""
        if len(inputs) > 1:
            raise SpecError("what comes `after` a layer has one input", place)
        own = {home.prefix + n: x for n, x in own_inputs(network, home.values, ()).items()}
        self.stand_ins.update(own)
        self.inputs.update(own)
        return dict(zip(network.inputs, own, strict=True))

    def _written(
        self,
        network: Network,
        inner: Scope,
        statement: NetworkStatement,
        start: str | None,
        stop: str | None,
    ) -> str:
        """Writes a network out up to the end of layer or block `stop`; its output."""
        assert inner.present is not None, "the first of its inputs"
        if stop is not None:
            self._stops.add(stop)
        try:
            last = self.run(network.body, inner, inner.present)
        except _ReachedError as reached:
            if start in self._starts:
                before = f" before {inner.home.local(reached.full)!r}"
                raise self._no_end(inner.home, start, statement.after, before) from None
            if reached.full != stop:
                raise
            return reached.last
        except RefusedError as error:
            if start not in self._starts:
                raise
            raise SpecError(f"before {start!r}: {error}", statement.place) from None
        for end, template in ((start, statement.after), (stop, statement.until)):
            if end in self._starts or end in self._stops:
                raise self._no_end(inner.home, end, template)
        return self._main_output(network, inner, last)

    def _main_output(self, network: Network, inner: Scope, last: str) -> str:
        """The output that a network has first; each of them can be named from outside."""
        outputs: list[str] = []
        for name, template in (network.outputs or {}).items():
            training, self._training_only = self._training_only, True
            layer = self._resolve(template, inner)
            self._training_only = training
            self.ends.setdefault(inner.prefix + name, layer)
            if layer not in self.nodes or not self.nodes[layer].training_only or training:
                outputs.append(layer)
        return [*outputs, last][0]

    def _no_end(
        self, home: Home, full: str | None, template: NameTemplate | None, where: str = ""
    ) -> SpecError:
        """The error for the name of a layer, or block, that a network does not come to."""
        assert full is not None, "that is what was looked for"
        assert template is not None, "which has named it"
        there = [home.local(n) for n in (*self.blocks, *self.nodes) if n.startswith(home.prefix)]
        name = home.local(full)
        inside = [full for full in there if full.endswith(f".{name}")]
        guess = f"; did you mean {inside[0]!r}?" if inside else did_you_mean(name, there)
        fact = f"{home.name} has no layer or block {name!r}{where}{guess}"
        return SpecError(fact, template.place)

    def _passed(self, full: str, last: str) -> str:
        """What flows on behind a layer or block whose output is that of layer `last`.

        Raises:
            _ReachedError: nothing, as a part ends with it.
        """
        if full in self._starts:
            start = self._starts.pop(full)
            written = islice(reversed(self.nodes), len(self.nodes) - start.before)
            self.cut.update(dict.fromkeys((*written, *start.stand_ins)))
            self.cut[last] = start.entering
            last = start.entering
        if full in self._stops:
            self._stops.remove(full)
            raise _ReachedError(full, last)
        return last


def _key(network: Network) -> tuple[str, str]:
    """What tells a network from all others: where it is written, and its name."""
    return network.source.path or network.source.name, network.name
