"""The fuzz can fail: mistakes put into archcalc on purpose, and the figure that differs by each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archcalc import (
    Analysis,
    FeatureMap,
    LayerAnalysis,
    expansion,
    walk,
    window,
)
from archcalc.expanding import names
from archcalc.expansion import _Expander
from archcalc.layers import Effect, Layer, Saved, Storage
from archcalc.layers.activation import PReLU, ReLU
from archcalc.layers.along_axes import per_side
from archcalc.layers.attention import ScaledDotProductAttention
from archcalc.layers.convolution import Conv
from archcalc.layers.embedding import Embedding
from archcalc.layers.joining import Concat
from archcalc.layers.matmul import Matmul
from archcalc.layers.multihead_attention import MultiheadAttention
from archcalc.layers.normalization import BatchNorm
from archcalc.layers.pooling import MaxPool
from archcalc.layers.rearranging import Rearrange
from archcalc.layers.recurrent import Gru, Recurrent
from archcalc.layers.reshaping import Flatten
from archcalc.layers.state import Role, parameters
from archcalc.receptive_field import propagation, seen
from archcalc.receptive_field.field import Field
from archcalc.record import replace
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch, whole
from archcalc.spec import closures
from archcalc.spec.values import computed
from archcalc.torch_spelling import shaping
from archcalc.unit_field import paths, unit
from archcalc.unit_field.tracing import Traced
from archcalc.window import Reach, Window, Windows
from tests.fuzz import check_fields, check_figures, check_memory, check_refusals, check_values
from tests.fuzz.checking import Check
from tests.fuzz.generator import drawn
from tests.fuzz.trial import compare, told, try_seeds

SEEDS = 2000  # that are tried
Seed = Callable[[pytest.MonkeyPatch], None]


class Mistake(NamedTuple):
    """A mistake, and the quantity that must differ for it in a check.

    Attributes:
        first: the seed that is tried first, a little before one that shows what few graphs do.
    """

    what: str
    check: Check
    quantity: str
    seed: Seed
    first: int = 0


def replacing(owner: Any, name: str, value: object) -> Seed:
    """Another value in the place of one that archcalc uses."""
    return lambda patch: patch.setattr(owner, name, value)


def answering(kind: type[Layer], **changed: Any) -> Seed:
    """The rule of `kind` answers some things differently."""
    rule: Callable[..., Effect] = kind.effect_on

    def wrong(layer: Layer, *maps: Any) -> Effect:
        return replace(rule(layer, *maps), **changed)

    return lambda patch: patch.setattr(kind, "effect_on", wrong)


def losing(kind: type[Layer], role: Role) -> Seed:
    """The rule of `kind` forgets the tensors of a role."""
    rule: Callable[..., Effect] = kind.effect_on

    def wrong(layer: Layer, *maps: Any) -> Effect:
        effect = rule(layer, *maps)
        return replace(effect, state=tuple([t for t in effect.state if t.role is not role]))

    return lambda patch: patch.setattr(kind, "effect_on", wrong)


_KERNEL = property(lambda window: window.kernel)
_VALUES = property(lambda layer: layer.effect.output.values * layer.batch)
_WEIGHTS = property(lambda layer: layer.effect.weights)


def _skipping(expander: _Expander, body: Any, scope: Any, current: str, join: Any) -> str:
    return current


def _swapped(operation: Any, a: Any, b: Any) -> Any:
    return computed(operation, b, a)


def _mirrored(sides: Any, x: FeatureMap, field: str) -> Any:
    return tuple((after, before) for before, after in per_side(sides, x, field))


def _without_stride(field: Field, window: Window) -> Field:
    first = field.first - window.before * field.jump
    return Field(first, first + field.size - 1 + (window.extent - 1) * field.jump, field.jump)


def _reading_all(
    layer: Layer, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
) -> Iterator[tuple[int, Patch]]:
    for number, x in enumerate(inputs):
        yield number, Patch(full(x.channels), patch.positions)


def _reading_whole_maps(
    layer: Layer, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
) -> Iterator[tuple[int, Patch]]:
    for number, x in enumerate(inputs):
        yield number, whole(x)


def _seeing_all(analysis: Analysis, layer: LayerAnalysis, patch: Patch) -> Traced:
    return Traced([whole(analysis.input)], True)


FIGURES = check_figures.check_layers
MISTAKES = (
    # figures of layers
    Mistake("a dilation", FIGURES, "output", replacing(Window, "extent", _KERNEL)),
    Mistake("ceil", FIGURES, "output", replacing(window, "ceil_div", lambda a, b: a // b)),
    Mistake("a bias", FIGURES, "biases", losing(Conv, Role.BIAS)),
    Mistake("a tensor's name", FIGURES, "state", answering(PReLU, state=parameters(slope=(1,)))),
    Mistake("MACs", FIGURES, "macs", answering(Conv, macs=1)),
    Mistake("operations", FIGURES, "other_ops", answering(BatchNorm, other_ops=0)),
    Mistake("buffers", FIGURES, "buffers", losing(BatchNorm, Role.BUFFER)),
    Mistake("a product of matrices", FIGURES, "macs", answering(Matmul, macs=1)),
    Mistake("a table", FIGURES, "weights", losing(Embedding, Role.WEIGHT)),
    Mistake("steps", FIGURES, "other_ops", replacing(Gru, "ops_of_step", lambda layer: 1)),
    Mistake(
        "what is learned, and no activation",
        FIGURES,
        "activation_values",
        replacing(LayerAnalysis, "activation_values", _VALUES),
    ),
    Mistake("shared weights", FIGURES, "weights", replacing(LayerAnalysis, "weights", _WEIGHTS)),
    # the language
    Mistake("a repeat", FIGURES, "names", replacing(expansion, "one_for_all", lambda value: 1)),
    Mistake("a condition", FIGURES, "names", replacing(names, "truth_of", lambda value: True)),
    Mistake("a branch", FIGURES, "names", replacing(_Expander, "_branch", _skipping)),
    Mistake("an operand", FIGURES, "output", replacing(closures, "computed", _swapped)),
    # sums
    Mistake(
        "layers without an output",
        check_figures.check_totals,
        "total other_ops",
        replacing(Analysis, "inference_layers", property(lambda analysis: analysis.layers)),
    ),
    # memory
    Mistake(
        "what is kept",
        check_memory.check_training,
        "kept",
        replacing(ReLU, "keeps", Saved.INPUT),
    ),
    Mistake(
        "what nobody knows",
        check_memory.check_training,
        "kept",
        replacing(MultiheadAttention, "memory_is_known", lambda *_: True),
    ),
    Mistake(
        "indices",
        check_memory.check_training,
        "training bytes",
        answering(MaxPool, saved=(Saved.INPUT,)),
    ),
    Mistake(
        "a workspace",
        check_memory.check_inference,
        "alive",
        answering(MaxPool, workspace=()),
    ),
    Mistake(
        "a gradient",
        check_memory.check_step,
        "peak of a step",
        replacing(ScaledDotProductAttention, "operators", Layer.operators),
        first=475,
    ),
    Mistake(
        "what lives on",
        check_memory.check_step,
        "alive in training",
        replacing(Layer, "_kept", lambda *_: iter(())),
    ),
    Mistake(
        "a view",
        check_memory.check_inference,
        "peak bytes",
        answering(Flatten, storage=Storage.OWN),
    ),
    # what is returned, and refused
    Mistake(
        "the sides of a crop",
        check_values.check_values,
        "outputs agree",
        replacing(shaping, "per_side", _mirrored),
    ),
    Mistake(
        "a refusal",
        check_refusals.check_last_layers,
        "taken",
        replacing(window, "require_at_least", lambda *arguments: None),
    ),
    # what units see
    Mistake(
        "a jump",
        check_fields.check_layers,
        "field",
        replacing(propagation, "_slide", _without_stride),
    ),
    Mistake(
        "an unpooling",
        check_fields.check_layers,
        "field",
        replacing(walk, "put_back", lambda windows: Reach.SAME),
    ),
    Mistake(
        "a single position",
        check_fields.check_layers,
        "field",
        replacing(seen, "of_single", lambda field, size: field),
    ),
    Mistake(
        "a gate",
        check_fields.check_layers,
        "local field",
        replacing(seen, "_without_gates", lambda local, *_: [*range(len(local))]),
    ),
    Mistake(
        "a channel",
        check_fields.check_units,
        "pixels seen",
        replacing(Concat, "reads", _reading_all),
    ),
    Mistake(
        "what comes later",
        check_fields.check_units,
        "pixels seen",
        replacing(ScaledDotProductAttention, "_way", Reach.ALL),
        first=842,
    ),
    Mistake(
        "features of steps",
        check_fields.check_units,
        "pixels seen",
        replacing(Recurrent, "reads", _reading_all),
    ),
    Mistake(
        "axes in other places",
        check_fields.check_units,
        "pixels seen",
        replacing(Rearrange, "reads", _reading_whole_maps),
    ),
    Mistake(
        "a border",
        check_fields.check_units,
        "in the image",
        replacing(unit, "trace", _seeing_all),
    ),
    Mistake(
        "a path",
        check_fields.check_paths,
        "largest path",
        replacing(paths, "_needed", lambda found, _: found[:1]),
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_the_fuzz_sees_the_mistake(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake.seed(monkeypatch)
    found: set[str] = set()
    for seed in range(mistake.first, mistake.first + SEEDS):
        comparison = compare(drawn(seed), tmp_path / "drawn.yaml", [mistake.check])
        found |= {difference.quantity for difference in comparison.differences}
        if mistake.quantity in found:
            return
    pytest.fail(f"no {mistake.quantity} among {sorted(found)}")


def test_a_failure_is_made_small_and_comes_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(BatchNorm, other_ops=0)(monkeypatch)
    path = tmp_path / "drawn.yaml"
    count, failures = try_seeds(range(20), path, [FIGURES])
    assert count.graphs == 20
    assert count.differences >= len(failures) > 0
    graph, differences = failures[0]
    text = told(graph, differences, path, [FIGURES])
    assert f"python -m tests.fuzz {graph.seed}" in text
    assert "other_ops of batch_norm1: archcalc 0, oracle" in text
    assert text.endswith(
        ("input: [1]\nlayers:\n- batch_norm: {}\n", "input: [1]\nlayers: [batch_norm]\n")
    )
