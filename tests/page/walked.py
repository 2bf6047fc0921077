"""What a page's script says of settings, beside the plain walk: every figure of every layer."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

from archcalc.analysis import DTYPES, Analysis
from archcalc.errors import ArchcalcError
from archcalc.figures.figure import Unit
from archcalc.figures.of_layer import OF_LAYER
from archcalc.figures.of_network import OF_NETWORK
from archcalc.loading import Spec, load
from archcalc.memory_use.liveness import storages, timeline
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.page.data import network_data
from archcalc.page.live import Live, live
from archcalc.page.offering import drawn_setting, number
from archcalc.page.script import script
from archcalc.parametric.formulas.every_figure import AXES, BYTES
from archcalc.parametric.formulas.exact import Exact
from archcalc.quantity.arithmetic import plain
from archcalc.receptive_field.per_axis import PerAxis

NODE = shutil.which("node")


class LivePage:
    """A network as a page has it, and what it says."""

    def __init__(self, what: Spec, **options: Any) -> None:
        self.live: Live = live(load(what, **options))
        self.data, numbers = network_data(self.live)
        self.script = script([(self.live, numbers)])

    def settings(self, count: int, seed: int = 0) -> list[dict[Any, Exact]]:
        """Settings that its reader may choose."""
        random = Random(seed)
        return [drawn_setting(self.live.offers, random) for _ in range(count)]

    def values(self, setting: Mapping[Any, Exact]) -> dict[str, Any]:
        """A setting as `evaluate` takes it."""
        found = {offer.label: number(setting[offer.symbol]) for offer in self.live.offers}
        return {**found, "dtype": next(n for n, b in DTYPES.items() if b == setting[BYTES])}

    def answers(self, settings: Sequence[Mapping[Any, Exact]]) -> list[Any]:
        """What the script says, by Node."""
        assert NODE is not None
        asked = json.dumps([self.values(setting) for setting in settings])
        answers = f"process.stdout.write(JSON.stringify({asked}.map(archcalcEvaluate[0])));"
        found = subprocess.run(
            [NODE, "-"], input=self.script + answers, capture_output=True, text=True, check=True
        )
        return list(json.loads(found.stdout))

    def differences(self, setting: Mapping[Any, Exact], answer: Any) -> Counter[str]:
        """How an answer differs from the walk: which figures, of how many layers."""
        try:
            analysis = self.live.walked(setting)
        except ArchcalcError as error:
            return Counter({} if answer["problem"] == str(error) else {"problem": 1})
        if answer["problem"] is not None:
            return Counter({"problem": 1})
        found: Counter[str] = Counter()
        layers = self.data["layer_lists"][answer["graph"]]
        found["names"] += [x["name"] for x in layers] != [x.name for x in analysis.layers]
        for key, right in layer_figures(analysis).items():
            found[key] += sum(a != b for a, b in zip(answer["layers"][key], right, strict=True))
        shapes = [plain(layer.output.shape) for layer in analysis.layers]
        found["shapes"] += answer["shapes"] != shapes
        for key, total in totals(analysis).items():
            found[f"total {key}"] += not _same(answer["totals"].get(key, total), total)
        steps = answer["memory"]["steps"]
        if steps:
            found["steps"] += steps != [step.bytes for step in timeline(storages(analysis))]
        else:
            found["no steps"] += not memory_is_open(self.live, analysis)
        return +found


def _same(answer: Any, right: Any) -> bool:
    """Whether a number is the same, above 2^53 the nearest that JavaScript has."""
    if isinstance(right, int) and abs(right) > 2**53:
        return float(answer) == float(right)
    return bool(answer == right)


def memory_is_open(live: Live, analysis: Analysis) -> bool:
    """Whether memory is unknown, by the page's own words or in this type of numbers."""
    return live.own.found.memory_unknown is not None or (
        why_memory_is_unknown(analysis, analysis.dtype) is not None
    )


def layer_figures(analysis: Analysis) -> dict[str, list[Any]]:
    """The figures of all layers, by key, as the walk has them."""
    axes = len(analysis.input.grid)
    found: dict[str, list[Any]] = {}
    for figure in OF_LAYER.values():
        values = [figure.of(layer) for layer in analysis.layers]
        if figure.unit in (Unit.COUNT, Unit.BYTES):
            found[figure.key] = [*map(plain, values)]
        elif figure.unit in (Unit.FIELD, Unit.STEP):
            for place, axis in enumerate(AXES[axes]):
                found[f"{figure.key}_{axis}"] = [_along(value, place) for value in values]
    return found


def totals(analysis: Analysis) -> dict[str, Any]:
    """The figures of the network, by key, as the walk has them."""
    axes = len(analysis.input.grid)
    found: dict[str, Any] = {}
    for figure in OF_NETWORK.values():
        if figure.key == "training_peak":
            continue
        try:
            value = figure.of(analysis)
        except ArchcalcError:
            continue
        if figure.unit in (Unit.COUNT, Unit.BYTES):
            found[figure.key] = plain(value)
        elif figure.unit in (Unit.FIELD, Unit.STEP):
            for place, axis in enumerate(AXES[axes]):
                found[f"{figure.key}_{axis}"] = _along(value, place)
    return found


def _along(value: PerAxis, axis: int) -> Any:
    one = value[axis] if isinstance(value, tuple) else value
    return str(one) if isinstance(one, Fraction) else plain(one)
