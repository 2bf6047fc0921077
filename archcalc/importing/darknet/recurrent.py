"""Recurrent sections, as one step in time: what they keep of the step before is an input.

Each holds fully connected layers of its own (rnn_layer.c, gru_layer.c, lstm_layer.c), or
convolutions (crnn_layer.c), that run once in each step.
"""

from __future__ import annotations

from archcalc.importing.building import Value
from archcalc.importing.darknet.section import Reading


def _linear(reading: Reading, name: str, x: Value, features: int) -> Value:
    """A connected layer without an activation."""
    normalized = reading.section.whole("batch_normalize", 0) != 0
    fields = {"features": features, **({"bias": False} if normalized else {})}
    value = reading.add("linear", name, (x,), (features,), fields)
    return reading.add("batch_norm", f"{name}.bn", (value,), value.shape) if normalized else value


def _conv(reading: Reading, name: str, x: Value, channels: int) -> Value:
    normalized = reading.section.whole("batch_normalize", 0) != 0
    fields = {"channels": channels, "kernel": 3, "padding": 1}
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
    x, state = reading.flat(), reading.state((features,))

    def layer(name: str, taken: Value) -> Value:
        return reading.finished(
            _linear(reading, name, taken, features), "logistic", prefix=f"{name}."
        )

    return layer("output", _new_state(reading, layer("input", x), layer("self", state), state))


def crnn(reading: Reading) -> Value:
    """As `rnn`, of convolutions."""
    section, x = reading.section, reading.map()
    hidden = section.whole("hidden_filters", 1, 1)
    state = reading.state((hidden, *x.shape[1:]))
    of_x, of_state = _conv(reading, "input", x, hidden), _conv(reading, "self", state, hidden)
    new = _new_state(reading, of_x, of_state, state)
    return _conv(reading, "output", new, section.whole("output_filters", 1, 1))


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
