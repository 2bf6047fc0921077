"""The steps of derivations, held against what the walk says."""

from __future__ import annotations

from archcalc.explaining.forms import value_of
from archcalc.explaining.layers import QUANTITIES, Derivation
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.render import notation
from archcalc.window import Window
from tests.explaining.equations import computed

COUNTS = tuple(QUANTITIES)[tuple(QUANTITIES).index("weights") :]


def _engine_values(layer: LayerAnalysis, quantity: str) -> set[object]:
    """What the walk itself says; several where it differs from axis to axis."""
    if quantity in COUNTS:  # of several tensors each has a derivation of its own
        tensors = layer.parameters if quantity in ("weights", "biases") else ()
        return {getattr(layer, quantity), *[tensor.values for tensor in tensors]}
    if quantity == "channels":
        return {layer.output.channels}
    if quantity == "size":
        return set(layer.output.sizes)
    if quantity == "padding":
        assert isinstance(layer.effect.windows, tuple)
        return {window.before for window in layer.effect.windows if isinstance(window, Window)}
    figure = getattr(layer, quantity)
    return set(figure) if isinstance(figure, tuple) else {figure}


def assert_steps_agree(layer: LayerAnalysis, derivation: Derivation) -> None:
    """Its value is the engine's, in its form and as it is printed too."""
    assert derivation.value in _engine_values(layer, derivation.quantity)
    if derivation.form is not None:
        assert value_of(derivation.form) == derivation.value
        assert computed(notation.text(derivation.form, values=True)) == derivation.value
