"""Recurrent layers."""

from __future__ import annotations

from archcalc.layers import recurrent
from archcalc.torch_spelling.spelling import (
    Argument,
    Built,
    Setting,
    Spelling,
    Weight,
    given,
    named,
    spell,
)

_HOME = "archcalc.torch_backend.recurrent_modules"


@spell.register
def _(layer: recurrent.Rnn, at: Setting) -> Spelling:
    return _recurrent("RNN", layer, at, named("nonlinearity", layer.nonlinearity, "tanh"))


@spell.register
def _(layer: recurrent.Gru, at: Setting) -> Spelling:
    return _recurrent("GRU", layer, at)


@spell.register
def _(layer: recurrent.Lstm, at: Setting) -> Spelling:
    return _recurrent("LSTM", layer, at, named("proj_size", layer.projection, 0, "projection"))


@spell.register
def _(layer: recurrent.PositiveRecurrence, at: Setting) -> Spelling:
    fields = ("features", "layers", "bidirectional", "output")
    arguments = tuple([named(name, getattr(layer, name)) for name in fields])
    return Spelling(f"{_HOME}.PositiveRecurrence", arguments)


def _recurrent(name: str, layer: recurrent.Recurrent, at: Setting, *own: Argument) -> Spelling:
    # It lies between layers: of one alone torch warns that it does nothing.
    in_vain = layer.layers == 1 and 0 <= layer.dropout <= 1  # no probability is torch's to refuse
    arguments = (
        given("input_size", at.x.shape[-1], "in_features"),
        given("hidden_size", layer.features, "features"),
        named("num_layers", layer.layers, 1, "layers"),
        *own,
        named("bias", layer.bias, True),
        named("batch_first", True),
        named("dropout", 0.0 if in_vain else layer.dropout, 0.0),
        named("bidirectional", layer.bidirectional, False),
    )
    last = layer.output == "last"
    made_with = {argument.name: argument.value for argument in arguments}
    # It returns the outputs, and the states of the end: those of an LSTM with those of its cells.
    states = "{module}({0})[1][0]" if name == "LSTM" else "{module}({0})[1]"
    call = "{module}({0})[0]"
    if last:
        both = "[-2:].transpose(0, 1).flatten(1)"
        call = states + (both if layer.bidirectional else "[-1]")
    return Spelling(
        f"nn.{name}",
        arguments,
        call,
        weight=Weight.MAIN,
        built=Built(f"{_HOME}.{name}", made_with | {"last": last}),
    )
