"""What a page's script says of settings, beside the plain walk: every figure of every layer."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from random import Random
from typing import Any

from archcalc.analysis import DTYPES, Analysis
from archcalc.errors import ArchcalcError
from archcalc.figures.figure import Unit
from archcalc.figures.of_layer import OF_LAYER
from archcalc.figures.of_network import OF_NETWORK
from archcalc.hardware.device import Device, device_names, find_device
from archcalc.hardware.roofline import roofline
from archcalc.loading import Spec, load
from archcalc.memory_use.liveness import storages, timeline
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.pages.data import network_data
from archcalc.pages.live import Live, live
from archcalc.pages.making import page_of
from archcalc.pages.offering import Offer, drawn_setting, number, own_setting
from archcalc.pages.runtime import LEAST_TIME, LIMIT, NO_FORM
from archcalc.pages.script import script
from archcalc.parametric.formulas.every_figure import AXES, BYTES
from archcalc.parametric.formulas.exact import Exact
from archcalc.parametric.formulas.tracing import Leaf
from archcalc.quantity.arithmetic import plain
from archcalc.receptive_field.per_axis import PerAxis

NODE = shutil.which("node")
# Of the answers: a BigInt, which a count above 2^53 is, in a form that JSON has.
REPLACER = '(key, value) => (typeof value === "bigint" ? { $int: String(value) } : value)'
DEVICE = "device"  # of a setting
WITHOUT_FORM = "without a closed form"  # what a page says of a rare case
TRIES = 24  # values of a number, until one gives a network


class LivePage:
    """A network as a page has it, and what it says."""

    def __init__(self, what: Spec, **options: Any) -> None:
        self.live: Live = live(load(what, **options))
        self.data, numbers = network_data(self.live)
        self.script = script([(self.live, numbers)])
        self.compared = 0

    def html(self) -> str:
        """The page itself."""
        return page_of([self.live])

    def settings(self, count: int, seed: int = 0) -> list[dict[Any, Any]]:
        """Settings that its reader may choose, each number by itself."""
        random = Random(seed)
        found = [drawn_setting(self.live.offers, random) for _ in range(count)]
        return [{**setting, DEVICE: random.choice(device_names())} for setting in found]

    def networks(self, count: int, seed: int = 0) -> list[dict[Any, Any]]:
        """Settings that give networks, mostly: from each number to the next, those which do.

        Numbers that have the same own value, such as a length of a text and of a table of
        positions, are sometimes changed as one.
        """
        random = Random(seed)
        found = []
        for setting in self.settings(count, seed + 1):
            at = {**own_setting(self.live.offers), BYTES: setting[BYTES]}
            for offers in self._together(random):
                for _ in range(TRIES if random.random() < 0.8 else 0):
                    value = offers[0].drawn(random)
                    tried = {**at, **{offer.symbol: value for offer in offers}}
                    if all(_offers(offer, value) for offer in offers) and self._is_network(tried):
                        at = tried
                        break
            found.append({**at, DEVICE: setting[DEVICE]})
        return found

    def _together(self, random: Random) -> list[list[Offer]]:
        """The numbers in any order, those that are changed at once together."""
        groups: dict[object, list[Offer]] = {}
        for offer in random.sample(self.live.offers, len(self.live.offers)):
            is_one = offer.own > 1 and random.random() < 0.5
            groups.setdefault(offer.own if is_one else id(offer), []).append(offer)
        return [*groups.values()]

    def _is_network(self, setting: Mapping[Any, Exact]) -> bool:
        return isinstance(self.live.traces.at(self.live.setting(setting))[0], Leaf)

    def values(self, setting: Mapping[Any, Any]) -> dict[str, Any]:
        """A setting as `evaluate` takes it."""
        found = {offer.label: number(setting[offer.symbol]) for offer in self.live.offers}
        dtype = next(n for n, b in DTYPES.items() if b == setting[BYTES])
        return {**found, "dtype": dtype, DEVICE: setting[DEVICE]}

    def answers(self, settings: Sequence[Mapping[Any, Any]]) -> list[Any]:
        """What the script says, by Node."""
        assert NODE is not None
        values = json.dumps([self.values(setting) for setting in settings])
        asked = f"JSON.parse({json.dumps(values)})"  # in a script a key may not be __proto__
        answers = (
            f"process.stdout.write(JSON.stringify({asked}.map(archcalcEvaluate[0]), {REPLACER}));"
        )
        found = subprocess.run(
            [NODE, "-"], input=self.script + answers, capture_output=True, text=True, check=True
        )
        return read_answers(found.stdout)

    def differences(self, setting: Mapping[Any, Any], answer: Any) -> Counter[str]:
        """How an answer differs from the walk: which figures, of how many layers."""
        try:
            analysis = self.live.walked(setting)
        except ArchcalcError as error:
            if answer["problem"] == NO_FORM:
                return Counter({WITHOUT_FORM: 1})
            return Counter({} if answer["problem"] == str(error) else {"problem": 1})
        if answer["problem"] is not None:
            return Counter({WITHOUT_FORM if answer["problem"] == NO_FORM else "problem": 1})
        found: Counter[str] = Counter()
        layers = self.data["layer_lists"][answer["graph"]]
        found["names"] += [x["name"] for x in layers] != [x.name for x in analysis.layers]
        device = find_device(setting[DEVICE])
        unbounded = device.why_unbounded(analysis.dtype)
        found["remark"] += answer["remark"] != unbounded
        figures = {**layer_figures(analysis), **times(analysis, device)}
        for key, right in figures.items():
            found[key] += sum(a != b for a, b in zip(answer["layers"][key], right, strict=True))
        self.compared += sum(map(len, figures.values()))
        shapes = [plain(layer.output.shape) for layer in analysis.layers]
        found["shapes"] += answer["shapes"] != shapes
        all_totals = {**totals(analysis), LEAST_TIME: total_time(analysis, device)}
        if self.live.own.found.memory_unknown is not None:
            all_totals = {k: v for k, v in all_totals.items() if k in answer["totals"]}
        for key, total in all_totals.items():
            found[f"total {key}"] += answer["totals"].get(key, "missing") != total
        self.compared += len(all_totals)
        steps = answer["memory"]["steps"]
        if steps:
            found["steps"] += steps != [step.bytes for step in timeline(storages(analysis))]
        else:
            found["no steps"] += not memory_is_open(self.live, analysis)
        return +found


def read_answers(text: str) -> list[Any]:
    """Answers of a page, from JSON that `REPLACER` helped to make."""
    return list(json.loads(text, object_hook=lambda x: int(x["$int"]) if "$int" in x else x))


def _offers(offer: Offer, value: Exact) -> bool:
    """Whether a value is one of those offered."""
    return offer.least <= value <= offer.most and (value - offer.least) % offer.step == 0


def times(analysis: Analysis, device: Device) -> dict[str, list[Any]]:
    """What each layer moves, and the least time on a device with what limits it."""
    if device.why_unbounded(analysis.dtype) is not None:
        none = [None for _ in analysis.layers]
        return {LEAST_TIME: none, LIMIT: none}
    bounds = {bound.layer.name: bound for bound in roofline(analysis, device)}
    known = {name: bound.seconds for name, bound in bounds.items() if not bound.is_open}
    names = [layer.name for layer in analysis.layers]
    limits = [bounds[name].limit if name in bounds else None for name in names]
    return {LEAST_TIME: [*map(known.get, names)], LIMIT: limits}


def total_time(analysis: Analysis, device: Device) -> float | None:
    """The sum of the times, in order."""
    if device.why_unbounded(analysis.dtype) is not None:
        return None
    bounds = roofline(analysis, device)
    if any(bound.is_open for bound in bounds):
        return None
    return reduce(lambda so_far, bound: so_far + bound.seconds, bounds, 0.0)


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
