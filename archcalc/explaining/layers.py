"""Layer -> the derivation of each of its figures, by its own rule on named numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from archcalc.analysis import Analysis
from archcalc.errors import UsageError, require_known
from archcalc.explaining.forms import Form, Name, Number, form_of, names_in, sum_of, value_of
from archcalc.explaining.named_ends import with_named_ends
from archcalc.explaining.named_rule import named_effect, runs_as_the_image
from archcalc.explaining.naming import Naming, axis_names
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import OF_LAYER, SUMMED, LayerAnalysis
from archcalc.layers import Effect
from archcalc.layers.state import Role, StateTensor, values_of
from archcalc.quantity.at_least import is_open
from archcalc.quantity.traced import Operation, Traced, Tree, tree_of
from archcalc.receptive_field.field import AxisField, Field
from archcalc.receptive_field.propagation import fields_after
from archcalc.receptive_field.seen import (
    Seen,
    local_inputs,
    local_windows,
    units_of_inputs,
    whole_of,
)
from archcalc.receptive_field.words import words_for
from archcalc.record import Record, replace
from archcalc.window import Reach, Window

_COUNTS = [figure for figure in SUMMED.values() if figure.in_tables]
_SYMBOLS = {
    "channels": "C_out", "size": "m", "receptive_field": "r", "local_receptive_field": "r_local",
    "jump": "j", "padding": "p_before", "offset": "o", "activation_values": "values",
}  # fmt: skip
_TITLES = {"channels": "channels", "size": "output size", "padding": "padding before"}


def _called(key: str) -> tuple[str, str]:
    title = _TITLES.get(key) or OF_LAYER[key].heading.partition(" (")[0]  # the form says the rest
    return title, _SYMBOLS.get(key, title)


# What can be derived, in the order of a lecture: what it is called in words and in formulas.
QUANTITIES: dict[str, tuple[str, str]] = {
    key: _called(key)
    for key in (
        "channels", "size", "receptive_field", "local_receptive_field", "jump", "padding", "offset",
        *[figure.key for figure in _COUNTS],
    )
}  # fmt: skip
# As the columns of a table are headed, where they are named otherwise.
_BY_HEADING = {"output": ("channels", "size")} | {
    OF_LAYER[key].short.lower(): (key,) for key in QUANTITIES if key in OF_LAYER
}
WORDS = {
    Reach.BEFORE: "all before it",
    Reach.ALL: "the whole input",
    Reach.UNKNOWN: "no one interval: differs from unit to unit",
    Reach.MISALIGNED: "no one interval: branches with different jumps meet, and never line up",
}

# What a pointwise layer leaves as it is.
_PASSED_ON = ("channels", "size", "receptive_field", "local_receptive_field", "jump", "offset")
NOT_KNOWN = "not known: the operator is opaque"
AS_THE_FIELD = "as the receptive field: no gate and no norm stands before"

# A number, "all" of the input, or "nothing" of it; None where unknown.
Value: TypeAlias = "int | Fraction | str | None"
Symbols: TypeAlias = "Mapping[Tree, str]"


class Derivation(Record):
    """How one figure comes about.

    Attributes:
        quantity: one of `QUANTITIES`.
        symbol: what other derivations call it.
        value: what it comes to.
        form: the expression that gives it; None where no arithmetic does.
        note: what there is to say in place of the expression.
    """

    quantity: str
    symbol: str
    value: Value
    form: Form | None
    note: str = ""

    @property
    def is_trivial(self) -> bool:
        """Whether it says no more than that something is none, or is what it is."""
        if self.quantity in _PASSED_ON:
            return isinstance(self.form, Name) or self.note == AS_THE_FIELD
        return self.form == Number(0) and not self.note


class LayerDerivation(Record):
    """The figures of a layer, derived.

    Attributes:
        layer: the layer.
        inputs: the name and the shape of each map that it takes.
        legend: what the symbols stand for.
        derivations: in the order of `QUANTITIES`.
    """

    layer: LayerAnalysis
    inputs: tuple[tuple[str, FeatureMap], ...]
    legend: dict[str, str]
    derivations: tuple[Derivation, ...]

    def only(self, quantities: Sequence[str]) -> LayerDerivation:
        """The derivations of these quantities alone; of none named, all but the trivial ones.

        Args:
            quantities: `QUANTITIES`, or headings of a table's columns.

        Raises:
            UsageError: there is no such quantity; with a guess.
        """
        named: set[str] = set()
        for quantity in quantities:
            by_heading = _BY_HEADING.get(quantity.lower())
            if by_heading is None:
                require_known("no derivation of", quantity, QUANTITIES)
            named.update(by_heading or (quantity,))
        found = [
            derivation
            for derivation in self.derivations
            if (derivation.quantity in named if quantities else not derivation.is_trivial)
        ]
        return replace(self, derivations=tuple(found))

    def givens(self) -> list[tuple[Name, str]]:
        """The symbols that are used and not derived here, and what they stand for."""
        forms = [derivation.form for derivation in self.derivations if derivation.form is not None]
        names = dict.fromkeys(name for form in forms for name in names_in(form))
        derived = {derivation.symbol for derivation in self.derivations}
        return [(name, self.legend[name.symbol]) for name in names if name.symbol not in derived]


def derive(analysis: Analysis, layer: LayerAnalysis) -> LayerDerivation:
    """The derivations of all figures of `layer`, one of the layers of `analysis`.

    Raises:
        UsageError: its sizes are not plain numbers.
    """
    names = [*layer.inputs]
    if layer.node.indices is not None:
        names.append(analysis.layer(layer.node.indices).inputs[0])
    maps = [_seen(analysis, name)[0] for name in names]
    if not all(isinstance(n, int) for x in (*maps, layer.output) for n in x.shape):
        raise UsageError(f"{layer.name} has free sizes; give plain numbers as input")
    naming = Naming(words_for(analysis.input).position)
    traced = _traced(analysis, layer, maps, naming)
    to = _Derivations(naming)
    shape = _derive_output(traced, to)
    _derive_field(traced, to)
    _derive_counts(traced, shape, to)
    inputs = tuple(zip(names, maps, strict=True))
    return LayerDerivation(layer, inputs, naming.legend, tuple(to.found))


def _seen(analysis: Analysis, name: str) -> tuple[FeatureMap, Seen]:
    """The map that a layer, or the network's input, puts out, and what its units see."""
    if name in analysis.graph.inputs:
        return analysis.maps[name], whole_of(units_of_inputs(analysis.graph.inputs)[name])
    layer = analysis.by_name[name]
    return layer.output, Seen(layer.field, layer.local_field)


# ----- the rule, on named numbers -----


def _traced(
    analysis: Analysis, layer: LayerAnalysis, maps: Sequence[FeatureMap], naming: Naming
) -> LayerAnalysis:
    """The layer's figures, each with the tree of what it was computed from."""
    effect = named_effect(analysis, layer, maps, naming)
    local = _local_field(analysis, layer, effect, maps, naming)
    field = tuple(
        axis if isinstance(axis, Reach) else traced
        for axis, traced in zip(layer.field, local, strict=True)
    )
    batch, bytes_each = analysis.batch, analysis.bytes_each
    if not layer.is_of_images:
        batch = 1
    elif batch > 1:
        batch = naming.number("N", batch, "images")
    if bytes_each > 1:
        bytes_each = naming.number("b", bytes_each, f"bytes for a {analysis.dtype}")
    return replace(
        layer, effect=effect, field=field, local_field=local, batch=batch, bytes_each=bytes_each
    )


def _local_field(
    analysis: Analysis,
    layer: LayerAnalysis,
    effect: Effect,
    maps: Sequence[FeatureMap],
    naming: Naming,
) -> tuple[AxisField, ...]:
    """What the layer sees without gates and norms, which is its field wherever that is bounded.

    It is computed on named numbers wherever it is one interval throughout.
    """
    plain = layer.local_field
    if not runs_as_the_image(analysis, layer):
        letters = axis_names(len(plain)) if len(set(plain)) > 1 else [""] * len(plain)
        return tuple(
            [with_named_ends(axis, naming, n) for axis, n in zip(plain, letters, strict=True)]
        )
    seen = [_seen(analysis, name)[1] for name in layer.node.sources]
    local = local_inputs(layer.node.layer, effect, [each.local for each in seen], maps)
    what = "receptive field" if all(s.field == s.local for s in seen) else "local receptive field"
    found = fields_after(naming.fields(local, what), local_windows(effect.windows))
    letters = axis_names(len(found)) if len(set(plain)) > 1 else [""] * len(found)
    return tuple(
        axis
        if isinstance(axis, Field) and isinstance(plain, Field)
        else with_named_ends(plain, naming, letter)
        for axis, plain, letter in zip(found, plain, letters, strict=True)
    )


# ----- its figures, as derivations -----


class _Derivations:
    """Collects derivations, and enters what is derived into the legend."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self.found: list[Derivation] = []

    def add(self, quantity: str, value: int, known: Symbols, note: str = "") -> None:
        """Derives a count of the layer; `known` has the symbols for what was derived before."""
        symbol = QUANTITIES[quantity][1]
        if is_open(value):
            rest = f"at least {int(value.known):,}: the rest depends on what values the inputs have"
            why = NOT_KNOWN if value.is_bare else rest
            self._enter([Derivation(quantity, symbol, None, None, why)])
            return
        form = form_of(tree_of(value), known)
        self._enter([Derivation(quantity, symbol, int(value), form, note)])

    def add_over(
        self, quantity: str, tensors: Sequence[StateTensor], known: Symbols, note: str = ""
    ) -> None:
        """Derives how many values some tensors have: of several, each by its name before."""
        if len(tensors) < 2:
            self.add(quantity, sum(tensor.values for tensor in tensors), known, note)
            return
        names = [Name(tensor.name, int(tensor.values)) for tensor in tensors]
        for name, tensor in zip(names, tensors, strict=True):
            form = form_of(tree_of(tensor.values), known)
            self._enter([Derivation(quantity, name.symbol, name.value, form)])
        total = sum_of([(1, name) for name in names])
        symbol = QUANTITIES[quantity][1]
        self._enter([Derivation(quantity, symbol, value_of(total), total, note)])

    def add_along_axes(
        self, quantity: str, values: Sequence[Value | Reach], known: Symbols, note: str = ""
    ) -> dict[Tree, str]:
        """Derives a figure along each axis, once where all axes are alike.

        A `note` stands in place of the expressions. Returns the symbol for each value that took
        arithmetic.
        """
        axes = [_along_axis(quantity, value, known) for value in values]
        if note:
            axes = [replace(axis, form=None, note=note) for axis in axes]
        if any(axis != axes[0] for axis in axes):
            letters = axis_names(len(values))
            axes = [
                replace(axis, symbol=f"{axis.symbol}_{letter}")
                for axis, letter in zip(axes, letters, strict=True)
            ]
        self._enter(dict.fromkeys(axes))
        return {
            value.tree: axis.symbol
            for value, axis in zip(values, axes, strict=True)
            if isinstance(value, Traced) and not isinstance(axis.form, (Name, Number))
        }

    def _enter(self, found: Iterable[Derivation]) -> None:
        for derivation in found:
            self.found.append(derivation)
            self._naming.legend.setdefault(derivation.symbol, QUANTITIES[derivation.quantity][0])


def _along_axis(quantity: str, value: Value | Reach, known: Symbols) -> Derivation:
    symbol = QUANTITIES[quantity][1]
    if isinstance(value, Reach):
        seen = "all" if value is Reach.ALL else None
        return Derivation(quantity, symbol, seen, None, WORDS[value])
    if isinstance(value, int):
        return Derivation(quantity, symbol, int(value), form_of(tree_of(value), known))
    if value is None:
        return Derivation(quantity, symbol, "nothing", None, "nothing")
    return Derivation(quantity, symbol, value, None)


def _derive_output(traced: LayerAnalysis, to: _Derivations) -> dict[Tree, str]:
    """Derives the output's shape; the symbols for it."""
    to.add("channels", traced.output.channels, {})
    symbols = _symbols(channels=traced.output.channels)
    if traced.output.sizes:
        symbols |= to.add_along_axes("size", traced.output.sizes, {})
    return symbols


def _derive_field(traced: LayerAnalysis, to: _Derivations) -> None:
    axes, windows = traced.local_field, traced.effect.windows
    bounded = [axis for axis in axes if not isinstance(axis, Reach)]
    if not axes:
        return
    sizes, local = map(_sizes, (traced.field, axes))
    to.add_along_axes("receptive_field", sizes, {})
    note = AS_THE_FIELD if sizes == local else ""
    to.add_along_axes("local_receptive_field", local, {}, note)
    if len(bounded) < len(axes):
        return
    to.add_along_axes("jump", [axis.jump for axis in bounded], {})
    before: list[int] = []
    if isinstance(windows, tuple):
        before = [window.before for window in windows if isinstance(window, Window)]
    known: dict[Tree, str] = {}
    if any(isinstance(tree_of(padding), Operation) for padding in before):
        known = to.add_along_axes("padding", before, {})
    to.add_along_axes("offset", [axis.offset for axis in bounded], known)


def _sizes(axes: Sequence[AxisField]) -> list[int | Reach]:
    return [axis if isinstance(axis, Reach) else axis.size for axis in axes]


def _derive_counts(traced: LayerAnalysis, shape: Symbols, to: _Derivations) -> None:
    owner = traced.node.weights
    shared = f"those of {owner}, and counted there" if owner else ""
    learned = {"weights": Role.WEIGHT, "biases": Role.BIAS}
    for figure in _COUNTS:
        if figure.key in learned:
            role = learned[figure.key]
            tensors = [tensor for tensor in traced.parameters if tensor.role is role]
            theirs = shared if not tensors and values_of(traced.effect.state, role) != 0 else ""
            to.add_over(figure.key, tensors, shape, theirs)
        else:
            parts = {key: OF_LAYER[key].of(traced) for key in figure.shown_by}
            to.add(figure.key, figure.of(traced), _symbols(**parts) if parts else shape)


def _symbols(**values: int) -> dict[Tree, str]:
    """The symbols for quantities that take arithmetic; none where two are the same expression."""
    trees = {quantity: tree_of(value) for quantity, value in values.items()}
    if len(set(trees.values())) < len(trees):
        return {}
    return {
        tree: QUANTITIES[quantity][1]
        for quantity, tree in trees.items()
        if isinstance(tree, Operation)
    }
