"""The MACs of a whole training step against FlopCounterMode on the meta device."""

from __future__ import annotations

import pytest
import torch

from archcalc.analysis import Analysis
from archcalc.layers.convolution import Conv, ConvTranspose
from archcalc.loading import load
from archcalc.memory_use.freezing import with_frozen
from archcalc.memory_use.training import backward_macs
from archcalc.torch_backend.build import build
from archcalc.torch_backend.flops import flop_counter
from archcalc.walk import analyze

NETWORKS = (
    "lenet5", "vgg16", "resnet50", "googlenet", "inception_v3", "densenet121", "deconv_unpool",
    "mobilenet_v1", "alexnet_two_tower", "resnext50_32x4d",
)  # fmt: skip


def counted(analysis: Analysis) -> int:
    """FLOPs of a forward and a backward pass, as torch counts them."""
    module = build(analysis.graph, device="meta")
    images = torch.empty(analysis.batch, *analysis.input.shape, device="meta")
    with flop_counter() as counter:
        outputs = module(images)
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        torch.autograd.backward([output.sum() for output in outputs])
    return int(counter.get_total_flops())


def counted_too_often(analysis: Analysis) -> int:
    """What FlopCounterMode adds for the weights of grouped convolutions: it leaves groups out."""
    backward = backward_macs(analysis)
    return sum(
        2 * backward[layer.name].weights * (layer.node.layer.groups - 1)
        for layer in analysis.layers
        if isinstance(layer.node.layer, (Conv, ConvTranspose))
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_takes_the_macs_that_torch_counts(name: str) -> None:
    analysis = analyze(name, batch=2)
    forward = sum(layer.macs for layer in analysis.layers)
    backward = sum(macs.total for macs in backward_macs(analysis).values())
    assert counted(analysis) == 2 * (forward + backward) + counted_too_often(analysis)


def test_a_step_takes_fewer_where_layers_are_frozen() -> None:
    frozen = analyze(with_frozen(load("resnet50"), ["conv1", "layer2", "layer4.*.conv1"]), batch=2)
    backward = sum(macs.total for macs in backward_macs(frozen).values())
    assert backward < sum(macs.total for macs in backward_macs(analyze("resnet50")).values()) * 2
    forward = sum(layer.macs for layer in frozen.layers)
    assert counted(frozen) == 2 * (forward + backward) + counted_too_often(frozen)


def test_a_gradient_towards_the_image_would_be_noticed() -> None:
    analysis = analyze("lenet5")
    first = analysis.layers[0].macs
    forward = sum(layer.macs for layer in analysis.layers)
    assert counted(analysis) != 2 * (3 * forward)
    assert counted(analysis) == 2 * (3 * forward - first)
