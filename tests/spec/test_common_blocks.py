"""`import: common`: the blocks that come with archcalc."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import yaml

from archcalc import Analysis, SpecError, analyze, load
from archcalc.spec.files import spec_sources
from archcalc.torch_backend.build import build
from archcalc.torch_backend.verify import verify

COMMON = next(spec_sources("blocks", sought="common"))
BLOCKS = yaml.safe_load(COMMON.text)["blocks"]


def network(input: list[int], *layers: Any, **others: Any) -> Analysis:
    spec = {"name": "t", "input": input, "import": "common", **others, "layers": [*layers]}
    return analyze(load(spec))


# For each block: an input, its parameters, and how many the same one has in torchvision 0.28.
SINGLE: list[tuple[str, list[int], dict[str, Any], int]] = [
    ("conv_bn_act", [16, 8, 8], {"channels": 32, "kernel": 5, "stride": 2}, 12_864),
    ("squeeze_excite", [64, 8, 8], {"squeezed": 16}, 2_128),
    ("basic_block", [64, 8, 8], {"channels": 128, "stride": 2}, 230_144),
    ("bottleneck_block", [256, 8, 8], {"width": 128, "stride": 2}, 379_392),
    (
        "bottleneck_block",
        [256, 8, 8],
        {"width": 512, "channels": 512, "stride": 2, "groups": 32},
        602_112,
    ),
    ("inverted_residual", [24, 8, 8], {"channels": 32, "stride": 2}, 10_000),
    ("inverted_residual", [32, 8, 8], {"channels": 16, "expand": 1}, 896),
    ("aspp", [2048, 8, 8], {}, 15_535_104),
]


@pytest.mark.parametrize(("block", "input", "given", "params"), SINGLE)
def test_a_block_has_the_parameters_that_torchvision_has(
    block: str, input: list[int], given: dict[str, Any], params: int
) -> None:
    assert network(input, {block: given}).totals.params == params


def test_a_pyramid_has_the_parameters_that_torchvision_has() -> None:
    levels = [{"conv": {"name": n, "channels": c, "kernel": 1}} for n, c in (("a", 64), ("b", 128))]
    found = network(
        [3, 8, 8],
        *levels,
        {"fpn": {"name": "fpn", "levels": "['a', 'b']"}},
        outputs=["fpn.layer_blocks.0.0", "fpn.layer_blocks.1.0"],
    )
    assert sum(x.params for x in found.layers if x.name.startswith("fpn.")) == 1_229_824


def test_windows_have_the_parameters_that_torchvision_has() -> None:
    channels_last = {"rearrange": {"axes": "c h w -> h w c"}}
    for shift in (0, 3):
        block = {"window_attention": {"heads": 3, "shift": shift}}
        assert network([96, 14, 14], channels_last, block).totals.params == 37_755


@pytest.mark.parametrize("pre_norm", [False, True])
def test_an_encoder_layer_has_the_parameters_of_torchs(pre_norm: bool) -> None:
    given = {"heads": 4, "hidden": 96, "pre_norm": pre_norm}
    twin = build(network([9, 32], {"transformer_encoder_layer": given}).graph)
    torchs = torch.nn.TransformerEncoderLayer(32, 4, 96, norm_first=pre_norm)
    shapes = [sorted(tuple(p.shape) for p in module.parameters()) for module in (twin, torchs)]
    assert shapes[0] == shapes[1]


# ----- torch -----

CONVOLUTIONAL = [
    {"conv_bn_act": {"channels": 8, "stride": 2, "activation": "'silu'"}},
    {"inverted_residual": {"channels": 12, "stride": 2}},
    {
        "inverted_residual": {
            "channels": 12,
            "squeezed": 4,
            "activation": "'hard_swish'",
            "gate": "'hard_sigmoid'",
        }
    },
    {"basic_block": {"name": "fine", "channels": 12}},
    {"bottleneck_block": {"name": "coarse", "width": 4, "stride": 2, "groups": 2}},
    {"squeeze_excite": {}},
    {"basic_block": {"name": "coarsest", "channels": 8, "stride": 2}},
    {
        "fpn": {
            "name": "fpn",
            "levels": "['fine', 'coarse', 'coarsest']",
            "channels": 6,
            "pool": True,
        }
    },
    {"aspp": {"channels": 4, "rates": "[1, 2, 3]"}},
]
TOKENS = [
    {"transformer_encoder": {"depth": 1, "heads": 2}},
    {"transformer_encoder": {"depth": 2, "heads": 4, "pre_norm": True, "activation": "'gelu'"}},
    {"self_attention": {"heads": 2, "causal": True}},
    {"rearrange": {"axes": "(h w) c -> h w c", "h": 4}},
    {"window_attention": {"heads": 2, "window": 2}},
    {"window_attention": {"heads": 2, "window": 2, "shift": 1}},
]


@pytest.mark.parametrize(
    ("input", "layers"),
    [([3, 32, 32], CONVOLUTIONAL), ([16, 8], TOKENS)],
    ids=["convolutional", "tokens"],
)
def test_torch_agrees(input: list[int], layers: list[Any]) -> None:
    found = network(input, *layers)
    assert not verify(found.graph).differences


def test_every_block_is_verified() -> None:
    found = (network([3, 32, 32], *CONVOLUTIONAL), network([16, 8], *TOKENS))
    assert {name for each in found for name in each.graph.blocks.values()} == BLOCKS.keys()


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(SpecError, match=r"blocks/common.yaml:.*found 'rleu'") as caught:
        network([3, 8, 8], {"conv_bn_act": {"channels": 4, "activation": "'rleu'"}})
    assert "no activation is called so" in str(caught.value)
