"""The fuzz can fail: mistakes put into archcalc on purpose, and the figure that differs by each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archcalc import (
    Analysis,
    FeatureMap,
    LayerAnalysis,
    expansion,
    receptive_field,
    seen,
    walk,
    window,
)
from archcalc.expansion import _Expander
from archcalc.layers import Effect, Layer
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Concat
from archcalc.layers.normalization import BatchNorm
from archcalc.receptive_field import Field
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch, whole
from archcalc.spec import expression
from archcalc.spec.values import reckon
from archcalc.unit_field import paths, unit
from archcalc.unit_field.tracing import Traced
from archcalc.window import Reach, Window, Windows
from tests.fuzz.generator import drawn
from tests.fuzz.trial import compare, told, try_seeds

SEEDS = range(150)
Seed = Callable[[pytest.MonkeyPatch], None]


class Mistake(NamedTuple):
    """A mistake, and the quantity that must differ for it."""

    what: str
    quantity: str
    seed: Seed


def replacing(owner: Any, name: str, value: object) -> Seed:
    """Another value in the place of one that archcalc uses."""
    return lambda patch: patch.setattr(owner, name, value)


def answering(kind: type[Layer], change: Callable[[Effect], dict[str, Any]]) -> Seed:
    """The rule of `kind` answers some things differently."""
    rule: Callable[..., Effect] = kind.effect_on

    def wrong(layer: Layer, *maps: Any) -> Effect:
        effect = rule(layer, *maps)
        return replace(effect, **change(effect))

    return lambda patch: patch.setattr(kind, "effect_on", wrong)


def _without_stride(field: Field, window: Window) -> Field:
    first = field.first - window.before * field.jump
    return Field(first, first + field.size - 1 + (window.extent - 1) * field.jump, field.jump)


def _reading_all(
    layer: Layer, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
) -> Iterator[tuple[int, Patch]]:
    for number, x in enumerate(inputs):
        yield number, Patch(full(x.channels), patch.positions)


def _seeing_all(analysis: Analysis, layer: LayerAnalysis, patch: Patch) -> Traced:
    return Traced([whole(analysis.input)], True)


MISTAKES = (
    Mistake("a dilation", "output", replacing(Window, "extent", property(lambda w: w.kernel))),
    Mistake("ceil", "output", replacing(window, "ceil_div", lambda a, b: a // b)),
    Mistake("a bias", "biases", answering(Conv, lambda effect: {"bias": None})),
    Mistake("MACs", "macs", answering(Conv, lambda effect: {"macs": effect.weights})),
    Mistake("operations", "other_ops", answering(BatchNorm, lambda effect: {"other_ops": 0})),
    Mistake("buffers", "buffers", answering(BatchNorm, lambda effect: {"buffers": 0})),
    Mistake(
        "shared weights",
        "weights",
        replacing(LayerAnalysis, "weights", property(lambda layer: layer.effect.weights)),
    ),
    Mistake("a repeat", "names", replacing(expansion, "one_for_all", lambda value: 1)),
    Mistake("a condition", "names", replacing(expansion, "truth_of", lambda value: True)),
    Mistake(
        "a branch",
        "names",
        replacing(_Expander, "_branch", lambda self, body, scope, current, join: current),
    ),
    Mistake(
        "an operand",
        "output",
        replacing(expression, "reckon", lambda operation, a, b: reckon(operation, b, a)),
    ),
    # what units see
    Mistake("a jump", "field", replacing(receptive_field, "_slide", _without_stride)),
    Mistake("an unpooling", "field", replacing(walk, "put_back", lambda windows: Reach.SAME)),
    Mistake("a single position", "field", replacing(seen, "of_single", lambda field, size: field)),
    Mistake("a gate", "local field", replacing(seen, "_without_gates", lambda local, _: local)),
    Mistake("a channel", "pixels seen", replacing(Concat, "reads", _reading_all)),
    Mistake("a border", "in the image", replacing(unit, "trace", _seeing_all)),
    Mistake("a path", "largest path", replacing(paths, "_needed", lambda found, _: found[:1])),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_the_fuzz_sees_the_mistake(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake.seed(monkeypatch)
    found = set()
    for seed in SEEDS:
        found |= {d.quantity for d in compare(drawn(seed), tmp_path / "drawn.yaml").differences}
        if mistake.quantity in found:
            return
    pytest.fail(f"no {mistake.quantity} among {sorted(found)}")


def test_a_failure_is_made_small_and_comes_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(BatchNorm, lambda effect: {"other_ops": 0})(monkeypatch)
    path = tmp_path / "drawn.yaml"
    count, failures = try_seeds(SEEDS, path)
    assert count.graphs == len(SEEDS)
    assert count.differences >= len(failures) > 0
    graph, differences = failures[0]
    text = told(graph, differences, path)
    assert f"python -m tests.fuzz {graph.seed}" in text
    assert "other_ops of batch_norm1: archcalc 0, oracle" in text
    assert text.endswith("input: [1]\nlayers:\n- batch_norm: {}\n")
