"""Closed forms of random graphs of all layer kinds against the plain walk."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import yaml
from hypothesis import settings

from tests.fuzz.generator import drawn
from tests.fuzz.interpreter import LOADER
from tests.parametric.formulas.random_specs import Drawn
from tests.parametric.formulas.test_fuzz import differences

GRAPHS = 4_000 if settings.get_current_profile_name() == "thorough" else 60
QUANTITIES = ("params", "macs", "other_ops", "activation_values", "all_bytes", "peak_bytes",
              "training_bytes")  # fmt: skip


def asked(seed: int) -> Drawn | None:
    """Two quantities of a graph, in a parameter or in the height of its map; None without any."""
    text, rng = drawn(seed).text, Random(seed)
    spec = yaml.load(text, LOADER)
    parameters, shape = spec.get("parameters", {}), spec.get("input", [])
    labels = [*parameters, *["H"] * 2 * (len(shape) == 3)]
    if not labels:
        return None
    sizes = (shape[1], shape[2]) if len(shape) == 3 else (8, 8)
    return Drawn(text, [rng.choice(labels)], rng.sample(QUANTITIES, 2), parameters, sizes)


def test_formulas_through_layers_of_all_kinds_are_the_plain_walk(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    for seed in range(GRAPHS):
        of_seed = asked(seed)
        if of_seed is not None:
            found = [*differences(tmp_path / "drawn.yaml", of_seed, counts)]
            assert not found, "\n".join([f"seed {seed}", of_seed.text, *of_seed.labels, *found])
    assert counts["formulas"] > counts["specs"]
