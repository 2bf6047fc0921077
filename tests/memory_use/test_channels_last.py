"""Maps that lie channels last: which layers leave their output so, and what is noted then."""

from __future__ import annotations

import pytest
import torch

from archcalc import analyze, build, load
from archcalc.noticing import notes_on

LAST = torch.channels_last
NETWORK = "name: it\ninput: [6, 4, 8]\nlayers:\n  - {view}\n  - {layer}\n"
VIEW = 'rearrange: {axes: "h w c -> c h w", copy: needed}'
KEEPING = [
    "conv: {channels: 5, kernel: 3}",
    "conv: {channels: 8, kernel: 1, groups: 8}",
    "conv_transpose: {channels: 4, kernel: 2, stride: 2}",
    "fixed_conv: {channels: 5, kernel: 2}",
    "max_pool: {kernel: 2}",
    "avg_pool: {kernel: 2}",
    "adaptive_avg_pool: {output: 2}",
    "adaptive_max_pool: {output: 2}",
    "upsample: {factor: 2}",
    "upsample: {factor: 2, mode: bilinear}",
    "batch_norm",
    "pad: {sides: 1}",
    "pad: {sides: 1, mode: reflect}",
    "pad_channels: {before: 1}",
    "pixel_shuffle: {factor: 2}",
    "pixel_unshuffle: {factor: 2}",
    "roll: {shifts: 1, axes: 1}",
    "channel_shuffle: {groups: 2}",
    "concat: [[], [tanh]]",
]
OTHERS = [
    "layer_norm: {over: channels}",
    "instance_norm",
    "tile: {repeats: [1, 2, 1]}",
    "locally_connected: {channels: 2, kernel: 2}",
    "linear: {features: 3}",
]


def is_channels_last(text: str) -> bool:
    """Whether torch leaves what the last layer of a network makes channels last."""
    with torch.no_grad():
        y: torch.Tensor = build(text)(torch.rand(2, *load(text).input.shape))
    assert y.shape[1] > 1
    return y.is_contiguous(memory_format=LAST)


def noted(text: str) -> tuple[str, ...]:
    """The layers by which memory may be off."""
    analysis = analyze(text, batch=2)
    notes = {note.rule: note.layers for note in notes_on(analysis.graph, analysis)}
    return notes.get("memory_order", ())


@pytest.mark.parametrize("layer", KEEPING)
def test_what_torch_leaves_channels_last_is_noted(layer: str) -> None:
    assert is_channels_last(NETWORK.format(view=VIEW, layer=layer))
    assert len(noted(NETWORK.format(view=VIEW, layer=layer))) == 1
    assert not noted(NETWORK.format(view=VIEW.replace("needed", "apart"), layer=layer))


@pytest.mark.parametrize("layer", OTHERS)
def test_other_layers_make_maps_in_their_order(layer: str) -> None:
    assert not is_channels_last(NETWORK.format(view=VIEW, layer=layer))
    assert not noted(NETWORK.format(view=VIEW, layer=layer))


def test_rows_and_columns_that_change_places_leave_channels_first() -> None:
    view = 'rearrange: {axes: "c h w -> c w h", copy: needed}'
    assert not noted(NETWORK.format(view=view, layer=KEEPING[0]))


@pytest.mark.parametrize(("axes", "is_noted"), [("a b -> b 1 a", True), ("a b -> a b 1", False)])
def test_an_axis_of_one_value_that_changes_places_is_noted(axes: str, is_noted: bool) -> None:
    text = (
        "name: it\ninput: [1, 12]\nlayers:\n  - rearrange: {axes: %s}\n  - avg_pool: {kernel: 1}\n"
    )
    assert bool(noted(text % axes)) is is_noted


@pytest.mark.parametrize(
    ("layer", "is_noted"), [("conv: {channels: 4, kernel: 3}", True), ("pad: {sides: 1}", False)]
)
def test_an_output_of_one_channel_has_no_other_order(layer: str, is_noted: bool) -> None:
    view = 'rearrange: {axes: "h w c -> c h w"}'
    text = NETWORK.replace("[6, 4, 8]", "[6, 4, 1]").format(view=view, layer=layer)
    if is_noted:
        assert is_channels_last(text)
    assert bool(noted(text)) is is_noted
