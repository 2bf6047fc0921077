"""What can be written into a concatenation at once, so that it need not be copied there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers.join import concatenates
from archcalc.quantity.arithmetic import certainly_equal


def embedded(
    layers: Sequence[LayerAnalysis],
    of: Mapping[str, str],
    overwriting: Collection[str],
    repeated: Collection[str],
    analysis: Analysis,
) -> dict[str, str]:
    """For each storage that can lie in a concatenation the outermost that it lies in.

    It has to be what is concatenated and no more, each value once; nothing may overwrite it behind,
    and nobody may need it once the concatenation is overwritten.
    """
    maps, number = analysis.maps, {layer.name: n for n, layer in enumerate(layers)}
    kept = {of[name] for name in analysis.graph.outputs if name in of}
    last_read: dict[str, int] = {}
    written: dict[str, list[int]] = {}  # where layers overwrite a storage
    for layer in layers:
        if layer.name in overwriting:
            written.setdefault(of[layer.name], []).append(number[layer.name])
        for name in layer.inputs:
            last_read[of[name]] = number[layer.name]
    learned = {layer.name for layer in layers if layer.node.layer.is_source}
    found: dict[str, str] = {}
    for layer in reversed(layers):
        # Along another axis than the first, the values of one part lie apart.
        if not layer.inputs or not concatenates(layer.node.layer, maps[layer.inputs[0]]):
            continue
        whole = found.get(of[layer.name], of[layer.name])
        around = [n for s, ns in written.items() if found.get(s, s) == whole for n in ns]
        after = [n for n in around if n > number[layer.name]]
        for name in layer.inputs:
            part = of[name]
            is_given = part in analysis.graph.inputs or part in learned
            if is_given or part == whole or part in found or part in kept or name in repeated:
                continue
            fills_it = certainly_equal(maps[name].values, maps[part].values)
            overwritten = any(n > number[layer.name] for n in written.get(part, ()))
            if fills_it and not overwritten and all(last_read[part] < n for n in after):
                found[part] = whole
    return found
