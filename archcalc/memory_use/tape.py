"""The tape of a training step: every operator that torch runs forward, in order, and the loss.

What a layer runs, its kind says (`archcalc.layers.operator`). Here the layers' operators are put
one behind the other, with the storages that tensors lie in, what is kept for the backward pass,
and after which operator the forward pass lets go of a tensor.
"""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.layers.items import operators_with_items
from archcalc.layers.operator import Operator, once
from archcalc.layers.state import Role
from archcalc.memory_use.autocast import HALF, Types
from archcalc.memory_use.layout import layout
from archcalc.memory_use.learning import circumstances, learning, same_inputs, there_once
from archcalc.memory_use.liveness import unpooled
from archcalc.memory_use.losses import loss_of
from archcalc.memory_use.recorded import LOSS, Tape
from archcalc.memory_use.taping import Taping
from archcalc.record import replace


def tape(
    analysis: Analysis, *, on_gpu: bool = False, loss: str = "sum", autocast: bool = False
) -> Tape:
    """The tape of a network whose sizes are plain numbers; layers that nobody needs do not run.

    Args:
        loss: one of `losses.LOSSES`.
        autocast: whether it runs, to the end of the loss, under `torch.autocast`.
    """
    types = Types(analysis.bytes_each, on_gpu, autocast)
    found = Taping(analysis, types)
    where = layout(analysis, at_inference=False)
    owner_of, handed_on = analysis.graph.tensor_owners(), unpooled(analysis)
    maps, with_gradient = analysis.maps, analysis.graph.with_gradient()
    learns, once_for_all = learning(analysis), there_once(analysis)
    run: dict[tuple[object, ...], tuple[Operator, ...]] = {}
    for layer in analysis.used_layers:
        name, node = layer.name, layer.node
        # What autocast casts has no gaps any more.
        dense = bool(node.inputs) and found.casts(node.layer.kind, node.inputs[0])
        copied = None if dense else where.copies.get(name)
        at = circumstances(layer, maps, learns, once_for_all, on_gpu=on_gpu)._replace(
            in_half=autocast or analysis.bytes_each == HALF,
            behind_gaps=name in where.behind_gaps and not dense,
            copied=copied.values if copied else 0,
            copied_inputs=tuple(where.copied_inputs.get(name, ())),
            taking=tuple(where.taking.get(name, {}).items()),
            same=same_inputs(layer, analysis) if node.layer.steps_first else (),
            hands_on_indices=name in handed_on,
        )
        # Blocks of one kind have layers alike, and these run the same.
        asked = (node.layer, id(layer.effect), at, *[maps[source] for source in node.inputs])
        operators = run.get(asked)
        if operators is None:
            inputs = [maps[source] for source in node.inputs]
            operators = operators_with_items(node.layer, layer.effect, *inputs, at=at)
            run[asked] = operators
        if not layer.is_of_images:
            operators = tuple(map(once, operators))
        if node.inputs and where.of[name] == name and len(operators) == 1 and operators[0].view:
            # It may be a view, and cannot.
            operators = (replace(operators[0], view=False),)
        found.write(
            name,
            operators,
            node.taken,
            named={
                tensor.name: found.parameter(
                    f"{owner_of(name, tensor.name)}.{tensor.name}",
                    tensor.values,
                    learns=node.trainable and tensor.role is not Role.BUFFER,
                )
                for tensor in layer.effect.state
            },
            has_gradient=name in with_gradient,
            lying=where.lying.get(name),
        )
    # A loss is of what is floating; integers among the outputs are held beside that.
    outputs = sorted(analysis.graph.outputs, key=lambda name: maps[name].dtype is not None)
    trained = [name for name in outputs if maps[name].dtype is None]
    if not trained:
        raise UsageError(f"{analysis.name} puts out integers alone, of which there is no loss")
    last = loss_of(loss, [maps[name] for name in trained])
    given = {
        target.tensor: found.given(f"target of {name}", target)
        for name, target in zip(trained, last.targets, strict=False)  # a loss may have none
    }
    found.write(LOSS, last.operators, outputs, named=given)
    return found.tape(analysis.graph)
