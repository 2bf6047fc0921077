"""What `verify --what field` says of a rule that is right, of one that is wrong, and of neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc import analyze, walk
from archcalc.layers.reshaping import ChannelSlice
from archcalc.torch_backend import field as field_module
from archcalc.torch_backend.field_figures import field_figures
from archcalc.verification import Figure
from archcalc.window import Reach

UNDIL = """
name: undil
input: [1, 14]
layers:
  - max_pool: {name: p, kernel: 3, dilation: 2}
  - max_unpool: {name: up, indices: p, kernel: 3, output: [14]}
"""
CHAN = """
name: chan
input: [1, 9]
layers:
  - concat:
      - [{conv: {name: a, channels: 1, kernel: 1}}]
      - [{conv: {name: b, channels: 1, kernel: 5, padding: 2}}]
  - channel_slice: {name: one, stop: 1}
"""
VIDEO = """
name: video
input: [1, 6, 8, 8]
layers:
  - conv: {channels: 2, kernel: 3, padding: 1}
  - max_pool: {kernel: [1, 2, 2]}
  - conv: {channels: 1, kernel: 3}
"""
TRANSPOSED = """
name: transposed
input: [1, 12]
layers:
  - conv: {channels: 2, kernel: 3, padding: 1}
  - rearrange: {axes: "c l -> l c"}
  - linear: {features: 3}
"""


def figures(folder: Path, text: str) -> dict[tuple[str, str], Figure]:
    path = folder / "network.yaml"
    path.write_text(text)
    return {(f.layer, f.quantity): f for f in field_figures(analyze(str(path)))}


@pytest.mark.parametrize(
    "text", [UNDIL, CHAN, VIDEO, TRANSPOSED], ids=["undil", "chan", "video", "transposed"]
)
def test_right_rules_agree_in_every_figure(tmp_path: Path, text: str) -> None:
    found = figures(tmp_path, text)
    compared = [figure for figure in found.values() if figure.compared]
    assert len(compared) > len(found) / 2
    assert all(figure.agrees for figure in found.values())


def test_a_rule_of_unpooling_by_its_own_window_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "replace", lambda effect, **_: effect)
    found = figures(tmp_path, UNDIL)
    middle = found["up", "pixels (middle)"]  # by the rule 6, 8 and 10, where it is 3, 5 and 7
    assert (middle.rule, middle.measured, middle.agrees) == (3, "3 others", False)
    assert not found["up", "phases"].agrees


def test_a_rule_that_forgets_channels_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = figures(tmp_path, CHAN)["one", "pixels (middle)"]
    assert (right.rule, right.measured) == (1, 1)
    monkeypatch.setattr(ChannelSlice, "channel_window", lambda layer, x: Reach.ALL)
    wrong = figures(tmp_path, CHAN)["one", "pixels (middle)"]
    assert (wrong.rule, wrong.measured, wrong.agrees) == (5, 1, False)


def test_what_is_not_measured_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = figures(tmp_path, CHAN)["one", "receptive_field"]
    assert one.not_measured == "channels that do not see alike are told apart before it"
    assert (one.rule, one.measured, one.compared, one.agrees) == ((1,), None, False, True)
    monkeypatch.setattr(field_module, "MOST_VALUES", 10)
    many = figures(tmp_path, VIDEO)["conv1", "receptive_field"]
    assert "too many" in many.not_measured


def test_without_spatial_axes_there_is_nothing_to_measure() -> None:
    (figure,) = field_figures(analyze("mlp_7_3"))
    assert not figure.compared
    assert figure.note == "the input has no spatial axes"
