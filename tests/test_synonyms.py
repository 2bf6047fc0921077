"""Words of other tools: what they are here."""

from __future__ import annotations

import pytest

from archcalc import load
from archcalc.analysis import DTYPES
from archcalc.commands import COMMANDS
from archcalc.errors import SpecError, did_you_mean
from archcalc.figures.of_layer import OF_LAYER
from archcalc.layers.registry import own_kinds
from archcalc.render.output import FORMS
from archcalc.spec.fields import fields_of
from archcalc.synonyms import OF_TORCH, OTHER_NAMES

KINDS = [kind.kind for kind in own_kinds()]
FIELDS = {field for kind in own_kinds() for field in fields_of(kind)}


def test_what_a_synonym_stands_for_exists() -> None:
    known = {*KINDS, *FIELDS, *DTYPES, *FORMS, *COMMANDS, *OF_LAYER}
    assert {name for names in OTHER_NAMES.values() for name in names} <= known
    assert {name for names in OF_TORCH.values() for name in names} <= FIELDS


def test_no_field_is_called_as_torch_calls_another() -> None:
    assert not FIELDS & {*OF_TORCH}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("swish", "silu"), ("Dense", "linear"), ("fc", "linear"), ("Conv2d", "conv"),
     ("deconv", "conv_transpose"), ("ConvTranspose3d", "conv_transpose"), ("ReLU", "relu"),
     ("BatchNorm1d", "batch_norm"), ("AdaptiveAvgPool2d", "adaptive_avg_pool"),
     ("InstanceNorm2d", "instance_norm"), ("attention", "multihead_attention"),
     ("LeakyReLU", "leaky_relu"), ("transpose", "rearrange"), ("batchnorm", "batch_norm")],
)  # fmt: skip
def test_kinds_are_guessed_from_what_others_call_them(name: str, kind: str) -> None:
    assert did_you_mean(name, KINDS) == f"; did you mean {kind!r}?"


def test_types_and_what_begins_so_are_guessed() -> None:
    assert did_you_mean("fp16", DTYPES) == "; did you mean 'float16'?"
    assert did_you_mean("densenet", ["resnet", "densenet264"]) == "; did you mean 'densenet264'?"
    assert did_you_mean("nothing_like_it", KINDS) == ""


@pytest.mark.parametrize(
    ("of_torch", "own"),
    [
        ("conv: {out_channels: 4, kernel_size: 3}", "conv: {channels: 4, kernel: 3}"),
        ("max_pool: {kernel_size: 2, ceil_mode: true}", "max_pool: {kernel: 2, ceil: true}"),
        ("adaptive_avg_pool: {output_size: [2, 3]}", "adaptive_avg_pool: {output: [2, 3]}"),
        ("leaky_relu: {negative_slope: 0.2}", "leaky_relu: {slope: 0.2}"),
        ("upsample: {scale_factor: 2}", "upsample: {factor: 2}"),
        ("group_norm: {num_groups: 3}", "group_norm: {groups: 3}"),
        ("linear: {out_features: 7}", "linear: {features: 7}"),
        ("lstm: {hidden_size: 5, num_layers: 2}", "lstm: {features: 5, layers: 2}"),
        ("softshrink: {lambd: 0.1}", "softshrink: {threshold: 0.1}"),
        ("layer_norm: {elementwise_affine: false}", "layer_norm: {affine: false}"),
    ],
)
def test_fields_of_torch_are_understood(of_torch: str, own: str) -> None:
    shape = "[6, 3]" if "lstm" in own else "[3, 8, 8]"
    mine, torchs = (
        load(f"name: n\ninput: {shape}\nlayers:\n  - {layer}\n") for layer in (own, of_torch)
    )
    assert [node.layer for node in mine.nodes] == [node.layer for node in torchs.nodes]


@pytest.mark.parametrize(
    ("layer", "fact"),
    [
        ("conv: {channels: 4, kernel: 3, kernel_size: 3}", "conv has 'kernel' twice, once as"),
        ("conv: {kernel_size: 3, kernel: 3, channels: 4}", "conv has 'kernel' twice, once as"),
        ("relu: {out_channels: 4}", "relu has no 'out_channels'; it takes"),
        ("conv: {filters: 4, kernel: 3}", "conv has no 'filters'; did you mean 'channels'?"),
    ],
)
def test_other_words_in_a_layer_are_refused(layer: str, fact: str) -> None:
    with pytest.raises(SpecError) as raised:
        load(f"name: n\ninput: [3, 8, 8]\nlayers:\n  - {layer}\n")
    assert fact in str(raised.value)
