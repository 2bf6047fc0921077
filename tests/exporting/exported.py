"""The source of a network, executed; and compared with the twin."""

from __future__ import annotations

import ast
import types

import torch
from torch import Tensor, nn

from archcalc import Graph, analyze
from archcalc.exporting import torch_source
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build


def class_of(source: str) -> type[nn.Module]:
    """The network's class: the last of the file."""
    module = types.ModuleType("exported")
    exec(compile(source, "exported.py", "exec"), vars(module))  # the file under test
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    made: type[nn.Module] = getattr(module, names[-1])
    return made


def module_of(graph: Graph) -> nn.Module:
    """The module that a network's source makes."""
    return class_of(torch_source(graph, "a test"))()


def check_counts(graph: Graph, module: nn.Module) -> None:
    """It has the parameters and buffers that the analysis says, those of side outputs too."""
    analysis = analyze(graph)
    totals, apart = analysis.totals, analysis.training_only_totals
    assert sum(p.numel() for p in module.parameters()) == totals.params + apart.params
    learning = [p for p in module.parameters() if p.requires_grad]
    assert sum(p.numel() for p in learning) == totals.trainable_params + apart.trainable_params
    assert sum(b.numel() for b in module.buffers()) == totals.buffers + apart.buffers


def check_same_as_twin(graph: Graph, module: nn.Module, twin: nn.Module) -> None:
    """With the twin's weights it computes what the twin does, at inference and in training."""
    module, twin = module.double(), twin.double()
    module.load_state_dict(twin.state_dict())
    inputs = drawn(graph, 2, torch.float64, "cpu")
    for training in (False, True):
        for network in (module, twin):
            _without_chance(network.train(training))
        with torch.no_grad():
            ours, twins = (
                _tuple(network(*[x.clone() for x in inputs])) for network in (module, twin)
            )
        assert len(ours) == len(twins)
        for our, twins_own in zip(ours, twins, strict=True):
            torch.testing.assert_close(our, twins_own, rtol=1e-9, atol=1e-9, equal_nan=True)


def check_network(graph: Graph) -> None:
    """All of it: counts, keys, outputs."""
    module = module_of(graph)
    check_counts(graph, module)
    check_order(graph, module)
    check_same_as_twin(graph, module, build(graph))


def check_order(graph: Graph, module: nn.Module) -> None:
    """The modules that are called as layers run in the order of these, each once."""
    turn = {node.name: number for number, node in enumerate(graph.nodes)}
    found: list[int] = []
    own = {path: part for path, part in module.named_modules() if path in turn}
    hooks = [
        part.register_forward_pre_hook(lambda *_, path=path: found.append(turn[path]))
        for path, part in own.items()
        if not any(n.weights == path for n in graph.nodes)
    ]
    with torch.no_grad():
        module.eval()(*drawn(graph, 2, torch.float32, "cpu"))
    for hook in hooks:
        hook.remove()
    assert found == sorted(found)


def _without_chance(network: nn.Module) -> None:
    for part in network.modules():
        if isinstance(part, nn.Dropout) or type(part).__name__ == "DropPath":
            vars(part)["p"] = 0.0
        if isinstance(part, nn.RNNBase | nn.MultiheadAttention):
            vars(part)["dropout"] = 0.0
        if isinstance(part, nn.RReLU):
            vars(part)["lower"] = part.upper


def _tuple(outputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)
