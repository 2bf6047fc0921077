"""What a page computes is what the walk computes: every figure of every layer, and each total."""

from __future__ import annotations

import os
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from archcalc.hardware.device import device_names
from archcalc.pages.offering import own_setting
from archcalc.parametric.formulas.every_figure import BYTES
from tests.page.walked import DEVICE, NODE, LivePage

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")
SETTINGS = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 8
NETWORKS = ("alexnet",)


def differences(page: LivePage, count: int) -> Counter[str]:
    settings = page.settings(count)
    found: Counter[str] = Counter()
    for setting, answer in zip(settings, page.answers(settings), strict=True):
        found += page.differences(setting, answer)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_live_is_what_the_walk_says(name: str) -> None:
    page = LivePage(name)
    assert len(page.live.offers) >= 3  # the sizes among them
    assert differences(page, SETTINGS) == {}


SPEC = """\
name: odd
input: [3, 50, 40]
parameters: {alpha: 1, depth: 2, pad: 1, kernel: 3}
layers:
  - conv: {channels: floor(48 * alpha), kernel: kernel, stride: 2, padding: same}
  - repeat: depth
    index: i
    layers:
      - conv: {name: "block{i}", channels: floor(8 * alpha) * (i + 1), kernel: 3, padding: pad}
  - max_pool: {kernel: 3, stride: 2, ceil: true}
  - global_avg_pool
  - flatten
  - linear: {features: 10}
"""


# Each addition doubles the ways to it: 2^60 of them.
MANY_PATHS = """\
name: many_paths
input: [2, 8, 8]
parameters: {classes: 10}
layers:
  - repeat: 60
    index: i
    layers:
      - relu: {name: "relu{i}"}
      - add: {name: "add{i}", from: ["relu{i}", "relu{i}"]}
  - flatten
  - linear: {features: classes}
"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> LivePage:
    spec: Path = tmp_path_factory.mktemp("odd") / "odd.yaml"
    spec.write_text(SPEC)
    return LivePage(str(spec))


def test_cases_fractions_depths_and_refusals_are_those_of_the_walk(odd: LivePage) -> None:
    labels = {offer.label for offer in odd.live.offers}
    assert {"H", "W", "alpha", "depth", "kernel", "batch"} <= labels
    settings = odd.settings(60, seed=1)
    answers = odd.answers(settings)
    found: Counter[str] = Counter()
    for setting, answer in zip(settings, answers, strict=True):
        found += odd.differences(setting, answer)
    assert found == {}
    assert {answer["graph"] for answer in answers if answer["problem"] is None} > {0}


def test_a_window_that_does_not_fit_is_refused_in_the_words_of_the_walk() -> None:
    page = LivePage("vgg11", input=[3, 64, 64])
    size = next(offer for offer in page.live.offers if offer.label == "H")
    own = page.settings(1)[0] | {offer.symbol: offer.own for offer in page.live.offers}
    too_small = own | {size.symbol: 16}
    (answer,) = page.answers([too_small])
    assert "a window of 2 does not fit in 1" in answer["problem"]
    assert page.differences(too_small, answer) == {}


FLAGS = """\
name: flags
input: [3, 21, 30]
parameters: {padding: 1, version: 2}
layers:
  - conv: {channels: 8, kernel: 3, padding: padding, bias: version == 1}
  - max_pool: {kernel: 3, stride: 2, ceil: padding == 0 or version > 2}
"""


SWITCHES = """\
name: switches
input: [3, 21, 30]
parameters: {deep: false, normalized: true, bias: true}
layers:
  - conv: {channels: 8, kernel: 3, bias: bias and not normalized}
  - if: normalized
    then: [batch_norm]
  - if: deep or not bias
    then: [conv: {channels: "12 if normalized else 20", kernel: 5, stride: 2}]
  - global_avg_pool
"""


def test_what_is_true_or_false_may_be_changed(tmp_path: Path) -> None:
    spec = tmp_path / "switches.yaml"
    spec.write_text(SWITCHES)
    page = LivePage(str(spec))
    flags = {offer.label: offer.symbol for offer in page.live.offers if offer.is_flag}
    assert [*flags] == ["deep", "normalized", "bias"]
    own = page.networks(1)[0]
    every = [
        own | dict(zip(flags.values(), each, strict=True)) for each in product((0, 1), repeat=3)
    ]
    answers = page.answers(every)
    found: Counter[str] = Counter()
    for setting, answer in zip(every, answers, strict=True):
        found += page.differences(setting, answer)
    assert found == {}
    params = {answer["totals"]["params"] for answer in answers}
    conv, deep = 3 * 3 * 3 * 8, 5 * 5 * 8
    assert params == {
        conv + 16, conv + 16 + deep * 12 + 12,  # with norm
        conv + 8, conv + 8 + deep * 20 + 20, conv + deep * 20 + 20,  # without; bias, deep or none
    }  # fmt: skip


def test_flags_may_follow_from_what_is_changed(tmp_path: Path) -> None:
    spec = tmp_path / "flags.yaml"
    spec.write_text(FLAGS)
    page = LivePage(str(spec))
    assert [offer.label for offer in page.live.offers] == ["H", "W", "padding", "version", "batch"]
    assert differences(page, 30) == {}


def test_counts_above_2_to_the_53_are_exact(tmp_path: Path) -> None:
    spec = tmp_path / "many_paths.yaml"
    spec.write_text(MANY_PATHS)
    page = LivePage(str(spec))
    assert differences(page, 4) == {}
    (answer,) = page.answers(page.networks(1))
    assert answer["totals"]["paths"] == 2**60


def test_the_least_time_is_that_of_the_roofline_on_every_device(odd: LivePage) -> None:
    settings = [{**setting, DEVICE: name} for setting in odd.networks(2) for name in device_names()]
    answers = odd.answers(settings)
    found: Counter[str] = Counter()
    for setting, answer in zip(settings, answers, strict=True):
        found += odd.differences(setting, answer)
    assert found == {}
    assert {answer["remark"] is None for answer in answers} == {True, False}


def test_the_comparison_sees_a_figure_that_is_wrong(odd: LivePage) -> None:
    own = {**own_setting(odd.live.offers), DEVICE: "generic_cpu"}
    (answer,) = odd.answers([own])
    answer["layers"]["macs"][0] += 1
    answer["layers"]["least_time"][1] *= 1 + 1e-15
    del answer["totals"]["paths"]
    assert odd.differences(own, answer) == {"macs": 1, "least_time": 1, "total paths": 1}


def test_memory_that_is_known_in_float32_alone_has_a_form() -> None:
    page = LivePage("lstm_lm_large")
    for dtype, is_known in ((4, True), (8, False)):
        setting = {**own_setting(page.live.offers), BYTES: dtype, DEVICE: "generic_cpu"}
        (answer,) = page.answers([setting])
        assert bool(answer["memory"]["steps"]) is is_known
        assert page.differences(setting, answer) == {}


def test_the_same_network_gives_the_same_script() -> None:
    assert LivePage("lenet5").script == LivePage("lenet5").script
