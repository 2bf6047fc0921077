"""Where totals come from."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc import UsageError, analyze, symbol
from archcalc.explaining.totals import MOST_PARTS, TOTALS, block_called, block_parts, breakdown
from archcalc.spec.library import network_names
from tests.networks import analyzed


@pytest.mark.parametrize("name", network_names()[::4])
@pytest.mark.parametrize("quantity", TOTALS)
def test_as_few_parts_as_possible_make_up_most_of_a_total(name: str, quantity: str) -> None:
    analysis = analyzed(name)
    found = breakdown(analysis, quantity)
    layers = [layer for layer in analysis.layers if not layer.training_only]
    assert found.total == sum(getattr(layer, quantity) for layer in layers)
    figures = [figure for _, figure, _, _ in found.shares()]
    assert figures == sorted(figures, reverse=True)
    if found.total:
        assert sum(figures) >= Fraction(9, 10) * found.total
        assert sum(figures[:-1]) < Fraction(9, 10) * found.total
        assert found.shares()[-1][3] == Fraction(sum(figures), found.total)


def test_blocks_stand_for_their_layers_where_it_takes_too_many() -> None:
    found = breakdown(analyze("resnet152"), "params")
    assert [part.name for part in found.parts] == ["layer3", "layer4"]
    assert found.parts[0].kind == "stage"
    # Without blocks nothing can be folded: every layer is listed.
    assert len(breakdown(analyze("vgg16"), "params").parts) == 4
    assert len(breakdown(analyze("vgg16"), "macs").parts) <= MOST_PARTS


@pytest.mark.parametrize("name", network_names()[::7])
@pytest.mark.parametrize("depth", [None, 1, 2, 3, 99])
def test_a_ranking_is_of_one_level_of_nesting(name: str, depth: int | None) -> None:
    """A block in it is all of the block, no layer is in two parts."""
    analysis = analyzed(name)
    for quantity in TOTALS:
        found = breakdown(analysis, quantity, depth)
        for part in found.parts:
            inside = [x for x in analysis.inference_layers if x.name.startswith(f"{part.name}.")]
            itself = [x for x in analysis.inference_layers if x.name == part.name]
            assert list(part.layers) == (inside if part.name in analysis.graph.blocks else itself)
            around = analysis.graph.blocks_around(part.name)
            assert found.depth is None or len(around) == found.depth - 1 or not inside
        names = [layer.name for part in found.parts for layer in part.layers]
        assert len(names) == len(set(names))


def test_the_largest_block_of_its_level_comes_first() -> None:
    found = breakdown(analyze("resnet50"), "params", 2)
    # 1024*512 + 512*512*9 + 512*2048 + the shortcut's 1024*2048, and 2 for each normed channel.
    params = 1024 * 512 + 512 * 512 * 9 + 512 * 2048 + 1024 * 2048 + 2 * (512 + 512 + 2048 + 2048)
    assert found.shares()[0][0].name == "layer4.0"
    assert found.shares()[0][1] == params == 6_039_552
    assert "layer4.0.downsample" not in [part.name for part in found.parts]


def test_a_block_is_the_sum_of_its_parts() -> None:
    analysis = analyze("resnet50")
    parts = block_parts(analysis, "layer1")
    assert [part.name for part in parts] == ["layer1.0", "layer1.1", "layer1.2"]
    assert sum(part.total("params") for part in parts) == 215_808  # torchvision's layer1
    inner = [part.name for part in block_parts(analysis, "layer1.0")]
    assert "layer1.0.conv1" in inner
    assert "layer1.0.downsample" in inner


def test_a_block_is_found_by_the_end_of_its_name() -> None:
    analysis = analyze("resnet50")
    assert block_called(analysis, "layer1") == "layer1"
    assert block_called(analysis, "layer1.0.conv1") is None
    assert block_called(analysis, "nothing") is None
    with pytest.raises(UsageError, match="16 blocks of resnet50 are called 'downsample'"):
        block_called(analysis, "downsample")


def test_free_sizes_have_no_shares() -> None:
    with pytest.raises(UsageError, match="give plain numbers"):
        breakdown(analyze("vgg16", input=[3, 32 * symbol("h"), 32]), "macs")
