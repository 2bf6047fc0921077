"""The rule of a layer on named numbers: by their names, what comes out says how it was computed."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis import Analysis
from archcalc.explaining.naming import Naming
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers import Effect
from archcalc.layers.items import effect_with_items
from archcalc.quantity.traced import Leaf, tree_of
from archcalc.receptive_field.origins import Origins, origins_as_image
from archcalc.receptive_field.seen import units_of_inputs


def named_effect(
    analysis: Analysis, layer: LayerAnalysis, maps: Sequence[FeatureMap], naming: Naming
) -> Effect:
    """The layer's effect on maps whose numbers have names."""
    channels = "C"
    if _takes_tokens(analysis, layer, maps):
        return _on_tokens(layer, maps, naming)
    if len(maps) > 1:
        combined = _rule(layer, maps, Naming(), "C_*").output.channels
        alike = len({x.channels for x in maps}) == 1 and isinstance(tree_of(combined), Leaf)
        channels = "C" if alike else "C_*"
    elif maps and (layer.effect.macs or layer.output.channels != maps[0].channels):
        channels = "C_in"
    return _rule(layer, maps, naming, channels)


def _on_tokens(layer: LayerAnalysis, maps: Sequence[FeatureMap], naming: Naming) -> Effect:
    kind = layer.node.layer

    def rule(naming: Naming, features: str, *, apart: bool) -> Effect:
        named = naming.layer(kind, len(maps[0].sizes))
        return effect_with_items(named, *naming.tokens(maps, features=features, apart=apart))

    joined = rule(Naming(), "C", apart=True).output.shape if len(maps) > 1 else ()
    apart = not all(isinstance(tree_of(size), Leaf) for size in joined)
    changes = layer.effect.weights or layer.output.sizes != maps[0].sizes
    return rule(naming, "C_in" if changes and len(maps) == 1 else "C", apart=apart)


def _rule(
    layer: LayerAnalysis, maps: Sequence[FeatureMap], naming: Naming, channels: str
) -> Effect:
    named = naming.layer(layer.node.layer, len(maps[0].sizes) if maps else 0)
    return effect_with_items(named, *naming.inputs(maps, channels=channels))


def _takes_tokens(analysis: Analysis, layer: LayerAnalysis, maps: Sequence[FeatureMap]) -> bool:
    """Whether all that it takes are positions with features, in that order."""
    axes = [origins.axes for origins in _origins_taken(analysis, layer)]
    of_two = all(x.rank == 2 and along[-1] is None for x, along in zip(maps, axes, strict=True))
    return of_two and any(along[0] is not None for along in axes)


def runs_as_the_image(analysis: Analysis, layer: LayerAnalysis) -> bool:
    """Whether what it takes and puts out has channels and then the axes of the image."""
    usual = origins_as_image(len(analysis.input.grid))
    run = [layer.origins, *_origins_taken(analysis, layer)]
    return all(each == usual for each in run) and not layer.node.layer.moves_axes


def _origins_taken(analysis: Analysis, layer: LayerAnalysis) -> list[Origins]:
    """The origins of all that a layer takes."""
    sources = layer.node.sources
    inputs = units_of_inputs(analysis.graph.inputs)
    return [
        inputs[name].origins if name in inputs else analysis.by_name[name].origins
        for name in sources
    ]
