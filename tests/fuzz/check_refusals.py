"""A layer drawn at hazard behind a network: taken where torch takes it, refused where it does."""

from __future__ import annotations

import math
import random

import yaml

import archcalc
from tests.fuzz.checking import Comparison, Subject
from tests.fuzz.fields import DRAWS
from tests.fuzz.functions import FUNCTIONS
from tests.fuzz.generator import text_of
from tests.fuzz.interpreter import LOADER, Spec, interpret
from tests.fuzz.network import Shape, shapes_of
from tests.fuzz.windows import Refused

LAYERS = 3  # of each graph
OTHERS = [kind for kind in DRAWS if kind not in FUNCTIONS]


def check_last_layers(subject: Subject, comparison: Comparison) -> None:
    """Layers drawn for other shapes than they meet, some of their numbers changed."""
    rng = random.Random(len(subject.text))
    spec = yaml.load(subject.text, LOADER)
    shape = subject.shapes[subject.net.outputs[0]]
    for _ in range(LAYERS):
        last = hostile_layer(rng, shape)
        if "group_norm" in last and math.prod(shape) == last["group_norm"]["groups"]:
            continue  # torch refuses groups of one value, if there is one image: no kind knows
        text = text_of({**spec, "layers": [*spec["layers"], last]})
        comparison.of("taken", str(last), _is_taken(text, subject), _fits(text))


def hostile_layer(rng: random.Random, shape: Shape) -> Spec:
    """A layer that may not fit a map of this shape."""
    # Of the many pointwise ones few refuse anything.
    kind = rng.choice([*OTHERS, rng.choice([*FUNCTIONS])])
    other = (rng.randint(1, 6), *[rng.randint(1, 9) for _ in range(rng.randint(0, 3))])
    fields = DRAWS[kind](rng, rng.choice((shape, other)))
    for name, value in fields.items():
        if type(value) is int and rng.random() < 0.15:
            fields[name] = rng.choice((0, -1, value + 1, 3 * value))
    return {kind: fields}


def _fits(text: str) -> bool:
    try:
        shapes_of(interpret(yaml.load(text, LOADER)))
    except Refused:
        return False
    return True


def _is_taken(text: str, subject: Subject) -> bool:
    subject.path.write_text(text, encoding="utf-8")
    try:
        archcalc.analyze(subject.path)
    except archcalc.ArchcalcError:
        return False
    finally:
        subject.path.write_text(subject.text, encoding="utf-8")
    return True
