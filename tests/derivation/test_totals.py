"""Where totals come from."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc import UsageError, analyze, symbol
from archcalc.derivation.totals import MOST_PARTS, TOTALS, block_called, block_parts, makeup
from archcalc.spec.library import network_names


@pytest.mark.parametrize("name", network_names()[::4])
@pytest.mark.parametrize("quantity", TOTALS)
def test_as_few_parts_as_possible_make_up_most_of_a_total(name: str, quantity: str) -> None:
    analysis = analyze(name)
    found = makeup(analysis, quantity)
    layers = [layer for layer in analysis.layers if not layer.training_only]
    assert found.total == sum(getattr(layer, quantity) for layer in layers)
    figures = [figure for _, figure, _, _ in found.shares()]
    assert figures == sorted(figures, reverse=True)
    if found.total:
        assert sum(figures) >= Fraction(9, 10) * found.total
        assert sum(figures[:-1]) < Fraction(9, 10) * found.total
        assert found.shares()[-1][3] == Fraction(sum(figures), found.total)


def test_blocks_stand_for_their_layers_where_it_takes_too_many() -> None:
    found = makeup(analyze("resnet152"), "params")
    assert [part.name for part in found.parts] == ["layer3", "layer4"]
    assert found.parts[0].kind == "stage"
    # Without blocks nothing can be folded: every layer is listed.
    assert len(makeup(analyze("vgg16"), "params").parts) == 4
    assert len(makeup(analyze("vgg16"), "macs").parts) <= MOST_PARTS


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
        makeup(analyze("vgg16", input=[3, 32 * symbol("h"), 32]), "macs")
