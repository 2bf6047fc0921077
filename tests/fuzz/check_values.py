"""What the torch module that archcalc builds returns, with the oracle's parameters in it."""

from __future__ import annotations

import torch

import archcalc
from tests.fuzz.checking import Comparison, Subject, batch_of
from tests.fuzz.network import learn, run


def check_values(subject: Subject, comparison: Comparison) -> None:
    """Outputs in evaluation mode, in double precision."""
    net = subject.net
    learned = learn(net, subject.shapes, torch.float64)
    images = batch_of(net, 2, torch.float64)
    twin = archcalc.build(subject.path).double().eval()
    runs = net.parts().at_inference
    with torch.no_grad():
        for layer in net.layers:
            if layer.name in runs:
                module = twin.module_of(layer.name)
                shapes = {name: value.shape for name, value in module.state_dict().items()}
                own = {name: value.shape for name, value in learned[layer.name].items()}
                comparison.of("shapes of parameters", layer.name, shapes, own)
                if shapes == own:
                    module.load_state_dict(learned[layer.name])
        wanted = run(net, learned, [*images], training=False, layers=runs)
        returned = twin(*images)
    outputs = returned if isinstance(returned, tuple) else (returned,)
    alike = [torch.allclose(y, z, equal_nan=True) for y, z in zip(outputs, wanted, strict=True)]
    comparison.of("outputs agree", "", alike, [True] * len(wanted))
