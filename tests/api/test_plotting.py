"""The plots of an analysis: what stands on their axes."""

from __future__ import annotations

import pytest

from archcalc import UsageError, analyze
from archcalc.comparing.stages import stages

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def without_a_window() -> None:
    plt.switch_backend("agg")


def test_memory_is_that_of_each_layer() -> None:
    analysis = analyze("lenet5")
    axes = analysis.plot.memory()
    (stairs,) = [patch for patch in axes.patches if hasattr(patch, "get_data")]
    values, edges, _ = stairs.get_data()
    assert len(values) == len(analysis) and max(values) == 37_632 and edges[0] == -0.5
    plt.close(axes.figure)


def test_fields_are_boxes_over_the_image() -> None:
    axes = analyze("vgg16").plot.field("relu5_3", "conv1_1")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["196x196: stage5.relu5_3", "3x3: stage1.conv1_1"]
    assert [(box.get_width(), box.get_height()) for box in axes.patches] == [(196, 196), (3, 3)]
    plt.close(axes.figure)


def test_a_block_is_its_output() -> None:
    axes = analyze("resnet50").plot.field("layer3")
    assert axes.get_legend().get_texts()[0].get_text() == "267x267: layer3.5.relu"
    plt.close(axes.figure)


def test_the_last_map_that_does_not_see_all_is_drawn_by_itself() -> None:
    axes = analyze("vgg16").plot.field()
    assert axes.get_legend().get_texts()[0].get_text() == "212x212: stage5.pool5"
    plt.close(axes.figure)


def test_stages_are_drawn_on_axes_of_ones_own() -> None:
    analysis = analyze("resnet18")
    figure, ax = plt.subplots()
    assert analysis.plot.stages(ax) is ax
    assert len(ax.containers) == len(stages(analysis))
    plt.close(figure)


def test_what_is_not_there_cannot_be_drawn() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        analyze("vgg16").plot.field("relu5_33")
    with pytest.raises(UsageError, match="draws images"):
        analyze("bert_base").plot.field()
    assert not plt.get_fignums()
