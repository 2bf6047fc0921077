"""Recurrent sections, as one step in time: what they keep of the step before is an input.

Each holds fully connected layers of its own (rnn_layer.c, gru_layer.c, lstm_layer.c), or
convolutions (crnn_layer.c), that run once in each step.
"""

from __future__ import annotations

from typing import Any

from archcalc.importing.builder import Value
from archcalc.importing.darknet.section import Reading


def _linear(reading: Reading, name: str, x: Value, features: int) -> Value:
    """A connected layer without an activation."""
    normalized = reading.section.whole("batch_normalize", 0) != 0
    fields = {"features": features, **({"bias": False} if normalized else {})}
    value = reading.add("linear", name, (x,), (features,), fields)
    return reading.add("batch_norm", f"{name}.bn", (value,), value.shape) if normalized else value


def _conv(reading: Reading, name: str, x: Value, channels: int) -> Value:
    section = reading.section
    normalized = section.whole("batch_normalize", 0) != 0
    size, groups = section.whole("size", 3, 1), section.whole("groups", 1, 1)
    # What has sizes of its own came later, with a padding of its own: 0 unless it is given.
    own = any(option in section for option in ("size", "output", "hidden"))
    padding = section.whole("padding", 0 if own else 1)
    if section.whole("pad", 0):
        padding = size // 2
    if x.shape[0] % groups or channels % groups:
        raise reading.error(f"{x.shape[0]} and {channels} channels in {groups} groups", "groups")
    if 2 * padding != size - 1 or section.whole("stride", 1) != 1:
        raise reading.error("the maps of one step would not have the sizes of the next")
    fields: dict[str, Any] = {"channels": channels, "kernel": size, "padding": padding}
    fields |= {"groups": groups} if groups > 1 else {}
    fields |= {"bias": False} if normalized else {}
    value = reading.add("conv", name, (x,), (channels, *x.shape[1:]), fields)
    return reading.finished(value, "logistic", normalized, prefix=f"{name}.")


def _two(reading: Reading, kind: str, name: str, *values: Value) -> Value:
    return reading.add(kind, name, values, values[0].shape)


def _alone(reading: Reading, kind: str, name: str, x: Value) -> Value:
    return reading.add(kind, name, (x,), x.shape)


def rnn(reading: Reading) -> Value:
    """s' = f(W x) + f(V s), and s besides with `shortcut`; what leaves it is f(U s')."""
    features = reading.section.whole("output", 1, 1)
    hidden = reading.section.whole("hidden", features, 1)
    x, state = reading.flat(), reading.state((hidden,))

    def layer(name: str, taken: Value, features: int) -> Value:
        value = _linear(reading, name, taken, features)
        return reading.finished(value, "logistic", prefix=f"{name}.")

    of_x, of_state = layer("input", x, hidden), layer("self", state, hidden)
    return layer("output", _new_state(reading, of_x, of_state, state), features)


def crnn(reading: Reading) -> Value:
    """As `rnn`, of convolutions."""
    section, x = reading.section, reading.map()
    hidden = section.whole("hidden" if "hidden" in section else "hidden_filters", 1, 1)
    channels = section.whole("output" if "output" in section else "output_filters", 1, 1)
    state = reading.state((hidden, *x.shape[1:]))
    of_x, of_state = _conv(reading, "input", x, hidden), _conv(reading, "self", state, hidden)
    new = _new_state(reading, of_x, of_state, state)
    return _conv(reading, "output", new, channels)


def _new_state(reading: Reading, of_x: Value, of_state: Value, state: Value) -> Value:
    terms = (of_x, of_state)
    if reading.section.whole("shortcut", 0):
        terms = (state, *terms)  # type: ignore[assignment]
    return reading.add("add", "new_state", terms, of_x.shape)


def gru(reading: Reading) -> Value:
    """z, r and h of x and the state; what leaves it is z s + (1 - z) h."""
    features = reading.section.whole("output", 1, 1)
    x, s = reading.flat(), reading.state((features,))

    def gate(name: str, state: Value) -> Value:
        of_x = _linear(reading, f"u{name}", x, features)
        of_state = _linear(reading, f"w{name}", state, features)
        return _two(reading, "add", f"{name}.add", of_x, of_state)

    z = _alone(reading, "sigmoid", "z", gate("z", s))
    r = _alone(reading, "sigmoid", "r", gate("r", s))
    function = "tanh" if reading.section.whole("tanh", 0) else "sigmoid"
    h = _alone(reading, function, "h", gate("h", _two(reading, "multiply", "forgot", r, s)))
    kept = _two(reading, "multiply", "kept", z, s)
    rest = reading.add("scale", "rest", (z,), z.shape, {"factor": -1.0, "shift": 1.0})
    return _two(reading, "add", "new_state", kept, _two(reading, "multiply", "new", rest, h))


def lstm(reading: Reading) -> Value:
    """f, i, g and o of x and the state; c' = f c + i g, and what leaves it is o tanh(c')."""
    features = reading.section.whole("output", 1, 1)
    x, h, c = reading.flat(), reading.state((features,)), reading.state((features,))

    def gate(name: str, function: str) -> Value:
        of_state = _linear(reading, f"w{name}", h, features)
        of_x = _linear(reading, f"u{name}", x, features)
        return _alone(reading, function, name, _two(reading, "add", f"{name}.add", of_state, of_x))

    f, i, g, o = (
        gate("f", "sigmoid"),
        gate("i", "sigmoid"),
        gate("g", "tanh"),
        gate("o", "sigmoid"),
    )
    kept, new = _two(reading, "multiply", "kept", f, c), _two(reading, "multiply", "new", i, g)
    cell = _two(reading, "add", "new_cell", kept, new)
    return _two(reading, "multiply", "new_state", o, _alone(reading, "tanh", "tanh", cell))
