"""Random specs whose parameters stand in all that a closed form may trip over.

Whole and real parameters, a `let` or two, blocks with parameters and lets of their own, conditions,
repeats with an index; in floors, ceilings, remainders, quotients, extremes, comparisons and powers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from hypothesis import strategies as st

WHOLE_NAMES, REAL_NAMES = ("n", "m"), ("a", "r")
TIMES = {
    "n": ["n", "n + 1", "n // 2 + 1"], "m": ["m", "max(1, m - 2)", "min(4, m)"],
    "a": ["floor(a) + 1"],
}  # fmt: skip
QUANTITIES = (
    "params", "macs", "other_ops", "activation_values", "all_bytes", "peak_bytes",
    "training_bytes", "weight_layers", "layers[last].output", "layers[last].receptive_field",
    "layers[last].jump", "kinds[conv].weights",
)  # fmt: skip


class Drawn(NamedTuple):
    """A spec, and of what in it a formula is asked.

    Attributes:
        text: the spec.
        labels: the symbols: parameters, and H or W of the input.
        quantities: two or three.
        parameters: each with its own value.
    """

    text: str
    labels: list[str]
    quantities: list[str]
    parameters: dict[str, int | Fraction]
    sizes: tuple[int, int]


@st.composite
def numbers(draw: st.DrawFn, names: list[str], depth: int = 2) -> str:
    """An expression of numbers, of any kind."""
    kind = draw(st.integers(0, 13)) if depth else draw(st.integers(0, 3))
    if kind <= 1:
        return draw(st.sampled_from(names))
    if kind == 2:
        return str(draw(st.integers(0, 9)))
    if kind == 3:
        return f"{draw(st.sampled_from([2, 3, 8, 16, '0.5', '1.5', '0.35', '1/3']))}*" + draw(
            st.sampled_from(names)
        )
    one = draw(numbers(names, depth - 1))
    if kind == 4:
        return f"floor({one})"
    if kind == 5:
        return f"ceil({one})"
    if kind == 6:
        return f"({one})/{draw(st.integers(2, 4))}"
    if kind == 7:
        return f"({one}) // {draw(st.integers(2, 8))}"
    if kind == 8:
        return f"({one}) % {draw(st.integers(2, 5))}"
    other = draw(numbers(names, depth - 1))
    if kind == 9:
        return f"({one}) {draw(st.sampled_from(['+', '-', '*']))} ({other})"
    if kind == 10:
        return f"max({one}, {other})"
    if kind == 11:
        return f"min({one}, {other})"
    if kind == 12:
        asked = draw(conditions(names, depth - 1))
        return f"(({one}) if {asked} else ({other}))"
    return f"max(8, floor(({one}) + 4) // 8 * 8)"


@st.composite
def conditions(draw: st.DrawFn, names: list[str], depth: int = 1) -> str:
    """A comparison, or two of them."""
    one = draw(numbers(names, max(depth - 1, 0)))
    other = draw(st.one_of(st.integers(0, 6).map(str), numbers(names, max(depth - 1, 0))))
    found = f"({one}) {draw(st.sampled_from(['>', '<', '>=', '<=', '==', '!=']))} ({other})"
    if depth and draw(st.integers(0, 3)) == 0:
        found += f" {draw(st.sampled_from(['and', 'or']))} {draw(conditions(names, 0))}"
    return found


@st.composite
def channels(draw: st.DrawFn, names: list[str]) -> str:
    """Of a layer: whole numbers from 1 on, mostly."""
    of = draw(numbers(names))
    return draw(
        st.sampled_from(
            [f"max(1, floor({of}))", f"floor({of})", f"max(1, min(64, ceil({of})))",
             f"floor({of}) + 1", f"4*({of})", of]
        )
    )  # fmt: skip


@st.composite
def bodies(
    draw: st.DrawFn, names: list[str], indent: str, depth: int, blocks: tuple[str, ...] = ()
) -> str:
    """A few statements, by lines."""
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 11 if depth else 6))
        if kind <= 3:
            lines += [f"- conv: {{channels: {_quoted(draw(channels(names)))}, "
                      f"kernel: {draw(kernels(names))}}}"]  # fmt: skip
        elif kind == 4:
            lines += [draw(st.sampled_from(["- relu", "- batch_norm"]))]
        elif kind == 5:
            lines += [f"- max_pool: {{kernel: 2, stride: {draw(st.sampled_from([1, 2]))}}}"]
        elif kind == 6:
            branch = f"conv: {{channels: {_quoted(draw(channels(names)))}, kernel: 1}}"
            lines += ["- concat:", f"    - [{branch}]", "    - []"]
        elif kind <= 8:
            then, otherwise = (draw(bodies(names, "    ", depth - 1, blocks)) for _ in range(2))
            lines += [f"- if: {_quoted(draw(conditions(names)))}", "  then:", then,
                      "  else:", otherwise]  # fmt: skip
        elif kind <= 10:
            times = draw(st.sampled_from([of for name in names for of in TIMES.get(name, ["2"])]))
            inner = draw(bodies([*names, "i"], "    ", depth - 1, blocks))
            lines += [f"- repeat: {times}", "  index: i", "  layers:", inner]
        elif blocks:
            lines += [f"- unit: {{width: {_quoted(draw(numbers(names)))}}}"]
        else:
            lines += ["- relu"]
    return "\n".join(indent + line for text in lines for line in text.splitlines())


@st.composite
def kernels(draw: st.DrawFn, names: list[str]) -> str:
    """The kernel of a convolution, with its stride, padding and bias."""
    kernel = draw(st.sampled_from(["1", "3", "3", "n"])) if "n" in names else "3"
    padding = draw(st.sampled_from(["same", "1", f"{kernel}//2"]))
    stride = draw(st.sampled_from(["1", "1", "2"]))
    power = ", dilation: 2**i, padding: 2**i" if "i" in names and draw(st.booleans()) else None
    shape = f"3{power}" if power else f"{kernel}, padding: {padding}, stride: {stride}"
    return shape + (", bias: false" if draw(st.booleans()) else "")


def _quoted(expression: str) -> str:
    return f'"{expression}"'


@st.composite
def specs(draw: st.DrawFn) -> Drawn:
    """A spec and what is asked about it."""
    names = draw(st.lists(st.sampled_from([*WHOLE_NAMES, *REAL_NAMES]), min_size=1, unique=True))
    parameters: dict[str, Any] = {}
    for name in names:
        parameters[name] = draw(
            st.integers(1, 6) if name in WHOLE_NAMES
            else st.sampled_from([Fraction(1, 4), Fraction(1, 2), 1, Fraction(3, 2), 2, 3])
        )  # fmt: skip
    known = list(names)
    lines = ["name: drawn"]
    height, width = draw(st.sampled_from([8, 9, 12, 16])), draw(st.sampled_from([8, 13]))
    lines += [f"input: [{draw(st.sampled_from(['1', '3', '4']))}, {height}, {width}]"]
    shown = ", ".join(f"{name}: {_decimal(value)}" for name, value in parameters.items())
    lines += [f"parameters: {{{shown}}}"]
    lets = []
    for number in range(draw(st.integers(0, 2))):
        lets += [f"  s{number}: {_quoted(draw(numbers(known)))}"]
        known.append(f"s{number}")
    lines += ["let:", *lets] if lets else []
    has_block = draw(st.booleans())
    if has_block:
        inner = [*known, "width", "w"]
        of = _quoted(draw(numbers([*known, "width"])))
        lines += ["blocks:", "  unit:", "    parameters: [width]", "    let:", f"      w: {of}"]
        lines += ["    layers:"]
        lines += [draw(bodies(inner, "      ", 1))]
    lines += ["layers:", draw(bodies(known, "  ", 2, ("unit",) if has_block else ()))]
    lines += ["  - identity: {name: last}"]
    labels = draw(
        st.lists(st.sampled_from([*names, *names, "H"]), min_size=1, max_size=2, unique=True)
    )
    quantities = draw(st.lists(st.sampled_from(QUANTITIES), min_size=1, max_size=2, unique=True))
    return Drawn("\n".join(lines) + "\n", labels, quantities, parameters, (height, width))


def _decimal(value: int | Fraction) -> str:
    return str(value) if isinstance(value, int) else str(float(value))
