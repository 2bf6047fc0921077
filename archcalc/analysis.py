"""What the walk finds out: the figures of each layer, their sums, the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from math import inf, nan
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from archcalc.errors import LayerError, UsageError, did_you_mean, require_extra
from archcalc.feature_map import FeatureMap
from archcalc.figures.figure import Unit
from archcalc.figures.of_layer import OF_LAYER, SUMMED, LayerAnalysis, Totals, total
from archcalc.graph import INPUT, Graph, inputs_text, names_meant, with_ends
from archcalc.identity import Identity
from archcalc.quantity.arithmetic import Quantity, plain
from archcalc.quantity.at_least import known_part
from archcalc.record import Record, replace

if TYPE_CHECKING:
    import pandas

DTYPES: dict[str, int] = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int8": 1}


class Analysis(Record):
    """A network with all its figures.

    Its sums are those of `totals`: `analysis.params`. Iteration goes over the layers, and
    `analysis["conv1"]` is one of them; `to_frame`, `to_markdown` and a notebook show them.

    Attributes:
        graph: the network.
        batch: number of images that the figures are for.
        dtype: of parameters and activations; see `DTYPES`.
        layers: the figures of each layer, in order of execution.
        error: why the walk ended early, in a partial analysis; else None.
    """

    graph: Graph
    batch: int
    dtype: str
    layers: tuple[LayerAnalysis, ...]
    error: AnalysisStopped | None = None

    def __repr__(self) -> str:
        totals, inputs = self.totals, inputs_text(self.graph.inputs)
        return (
            f"<Analysis of {self.identity}: {inputs}, batch {self.batch}, {self.dtype}; "
            f"{len(self.layers)} layers, {totals.params} params, {totals.macs} MACs>"
        )

    if TYPE_CHECKING:

        def __getattr__(self, key: str) -> Quantity: ...  # one of `SUMMED`

    def __iter__(self) -> Iterator[LayerAnalysis]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, name: str) -> LayerAnalysis:
        return self.layer(name)

    def __contains__(self, name: object) -> bool:
        return any(layer.name == name for layer in self.layers)

    def of_batch(self, batch: int, dtype: str) -> Analysis:
        """The same network for another batch, in another dtype: what its rules said stays."""
        if (batch, dtype) == (self.batch, self.dtype):
            return self
        each = DTYPES[dtype]
        images = [batch if layer.is_of_images else 1 for layer in self.layers]
        layers = [
            replace(layer, batch=n, bytes_each=each)
            for layer, n in zip(self.layers, images, strict=True)
        ]
        return Analysis(self.graph, batch, dtype, tuple(layers), self.error)

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.graph.name

    @property
    def identity(self) -> Identity:
        """The name with what was changed: of parameters, and of the input."""
        return self.graph.identity

    @property
    def input(self) -> FeatureMap:
        """The shape of the first input, per image: of the only one, for most."""
        return self.graph.input

    @property
    def bytes_each(self) -> int:
        """Bytes per value."""
        return DTYPES[self.dtype]

    @cached_property
    def by_name(self) -> Mapping[str, LayerAnalysis]:
        """The layers by their names, in order."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def maps(self) -> Mapping[str, FeatureMap]:
        """The shape of every layer's output, per image, and of the network's inputs, by name."""
        return {**self.graph.inputs, **{layer.name: layer.output for layer in self.layers}}

    @cached_property
    def map_bytes(self) -> Mapping[str, Quantity]:
        """The bytes of each of `maps`, for the batch."""
        found = {
            name: x.values * (self.batch * x.bytes_each(self.bytes_each))
            for name, x in self.graph.inputs.items()
        }
        return found | {layer.name: layer.activation_bytes for layer in self.layers}

    @cached_property
    def inference_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that run at inference: those that an output depends on which exists there."""
        return tuple([layer for layer in self.used_layers if not layer.training_only])

    @cached_property
    def used_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that some output depends on, in training at the least."""
        return tuple([layer for layer in self.layers if layer.used])

    @property
    def training_only_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that run in training only."""
        return tuple(layer for layer in self.used_layers if layer.training_only)

    @property
    def unused_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that no output depends on: they are part of no figure of the network."""
        return tuple(layer for layer in self.layers if not layer.used)

    @property
    def opaque_layers(self) -> tuple[LayerAnalysis, ...]:
        """The layers that some output depends on, and of which only what was captured is known."""
        return tuple([layer for layer in self.used_layers if not layer.node.layer.has_twin])

    @cached_property
    def totals(self) -> Totals:
        """Sums over the layers that run at inference."""
        return total(self.inference_layers, self.bytes_each)

    @property
    def training_only_totals(self) -> Totals:
        """Sums over the layers that run in training only."""
        return total(self.training_only_layers, self.bytes_each)

    @property
    def unused_totals(self) -> Totals:
        """Sums over the layers that no output depends on."""
        return total(self.unused_layers, self.bytes_each)

    def layer(self, name: str) -> LayerAnalysis:
        """The layer called `name`; the end of its dotted name will do where it is unique.

        Raises:
            UsageError: no layer has that name, or several have; with a guess. Of a block it says
                which layer its output is.
        """
        if not isinstance(name, str):
            raise UsageError(
                f"a layer is asked for by its name, such as {self.layers[0].name!r}, and not by "
                f"{name!r}; `layers` has them in order"
            )
        by_name = self.by_name
        matches = names_meant(name, by_name)
        if len(matches) == 1:
            return by_name[matches[0]]
        if matches:
            several = ", ".join(matches[:4])
            raise UsageError(f"{len(matches)} layers of {self.name} are called {name!r}: {several}")
        last = self._end_of_block(name)
        if last is not None:
            (block,) = names_meant(name, self.graph.blocks)
            raise UsageError(
                f"{name!r} is a block ({self.graph.blocks[block]}) of {self.name}, not a "
                f"layer; its output is that of {last!r}"
            )
        guess = did_you_mean(name, with_ends([*by_name, *self.graph.blocks]))
        raise UsageError(f"{self.name} has no layer {name!r}{guess}")

    def end_of(self, name: str) -> str:
        """`name`; of a block that no layer is called like, the layer whose output leaves it."""
        if names_meant(name, [layer.name for layer in self.layers]):
            return name
        return self._end_of_block(name) or name

    def _end_of_block(self, name: str) -> str | None:
        blocks = names_meant(name, self.graph.blocks)
        return self._last_of(blocks[0]) if len(blocks) == 1 else None

    def _last_of(self, block: str) -> str | None:
        """The layer whose output leaves a block; None for an empty block."""
        blocks, inside = self.graph.blocks, block + "."
        for layer in reversed(self.layers):
            around = self.graph.blocks_around(layer.name)
            deeper = [name for name in around if name.startswith(inside)]
            if layer.name.startswith(inside) and "head" not in map(blocks.get, deeper):
                return layer.name
        return None

    def to_frame(self) -> pandas.DataFrame:
        """The layers as a pandas DataFrame, whose columns are the keys of the JSON contract.

        The last, `network`, has the name with what was changed. What the contract has as a list is
        a tuple, and `all`, what sees the whole input, is infinite: so rows can be sorted by it.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        require_extra("to_frame()", "pandas", "pandas")
        import pandas

        rows = [
            {key: _sortable(key, value) for key, value in layer.record().items()}
            for layer in self.layers
        ]
        frame = pandas.DataFrame(rows, columns=list(rows[0]) if rows else None)
        return frame.assign(network=str(self.identity))

    def to_markdown(self, *, columns: Sequence[str] | None = None, depth: int | None = None) -> str:
        """The layers as a Markdown table, as `archcalc table` writes it.

        Args:
            columns: their names, such as `name`, `output` and `macs`; the usual ones if None.
            depth: the level of nesting below which blocks are folded; what fits a screen if None.

        Raises:
            UsageError: there is no such column; with a guess.
        """
        return _written(self, "markdown", columns=columns, depth=depth)

    def _repr_html_(self) -> str:
        return _written(self, "html")

    @cached_property
    def notes(self) -> Sequence[Any]:
        """What is to be known of the figures, and what is probably not meant so.

        Each has its `rule`, its `text` and the names of the `layers` that it is about; what the
        spec silences is not there.
        """
        found: Sequence[Any] = import_module("archcalc.noticing").notes_on(self.graph, self)
        return found

    @property
    def plot(self) -> Any:
        """Its plots, by matplotlib: `memory()`, `field()` and `stages()`, each on axes."""
        return import_module("archcalc.api.plotting").Plots(self)

    def record(self) -> dict[str, object]:
        """The layers and what they are of, under the keys of the JSON contract."""
        identity = self.identity
        return {
            "name": self.name,
            "parameters": {key: plain(value) for key, value in identity.parameters.items()},
            "changed": identity.record()["changed"],
            **self.ends_record(),
            "batch": self.batch,
            "dtype": self.dtype,
            "layers": [layer.record() for layer in self.layers],
        }

    def ends_record(self) -> dict[str, object]:
        """The first input under its key of the JSON contract; inputs and outputs with names too."""
        graph = self.graph
        found: dict[str, object] = {"input": plain(graph.input.shape)}
        if [*graph.inputs] != [INPUT]:
            found["inputs"] = {
                name: {"shape": plain(x.shape), "dtype": x.dtype or self.dtype}
                for name, x in graph.inputs.items()
            }
        if graph.network.outputs is not None:
            found["outputs"] = {graph.output_name(name): name for name in graph.outputs}
        return found


class AnalysisStopped(LayerError):
    """A layer in its place refuses its input.

    Attributes:
        partial: the analysis of all layers before it.
    """

    def __init__(
        self, message: str, graph: Graph, batch: int, dtype: str, layers: tuple[LayerAnalysis, ...]
    ) -> None:
        super().__init__(message)
        self.partial = Analysis(graph, batch, dtype, layers, error=self)


def _sortable(key: str, value: object) -> object:
    """A figure for a column: sizes as a tuple, in which `all` is larger than any number."""
    if OF_LAYER[key].unit is Unit.FIELD and value is not None:
        sizes = value if isinstance(value, list) else [value]
        return tuple(inf if x == "all" else nan if x is None else x for x in sizes)
    return tuple(value) if isinstance(value, list) else value


def _written(analysis: Analysis, form: str, **options: Any) -> str:
    # By its name, as the door itself: what shows an analysis stands above it.
    table = import_module("archcalc.render.table").TableDocument(analysis, **options)
    text: str = import_module("archcalc.render.output").write(table, form)
    return text


def require_numbers(analysis: Analysis) -> None:
    """Raises UsageError where there are free sizes, or arrays, among the network's figures."""
    figures: list[Quantity] = analysis.graph.input_sizes
    for layer in analysis.layers:
        figures += [*layer.output.shape, layer.params, layer.activation_bytes]
        figures.append(known_part(layer.macs))
    if not all(isinstance(figure, int) for figure in figures):
        raise UsageError(f"{analysis.name} has free sizes; give plain numbers as input")


for _key in SUMMED:
    _doc = f"`totals.{_key}`: the sum over the layers that run at inference."
    setattr(Analysis, _key, property(attrgetter(f"totals.{_key}"), doc=_doc))
