"""Which layers learn, which are there once, and the circumstances of a layer by that."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from archcalc.analysis import Analysis
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers.integers import Integers
from archcalc.layers.items import items_of
from archcalc.layers.operator import Circumstances


def learning(analysis: Analysis) -> dict[str, bool]:
    """For each layer whether it, or anything before it, learns.

    The network's inputs do not, what is frozen does not, and no integers do.
    """
    learns = dict.fromkeys(analysis.graph.inputs, False)
    for layer in analysis.layers:
        before = any(learns[name] for name in layer.inputs)
        makes_integers = layer.node.layer.integers is Integers.MADE
        learns[layer.name] = (before or layer.learns) and not makes_integers
    return learns


def there_once(analysis: Analysis) -> frozenset[str]:
    """The layers that are there once, whatever the batch: they depend on no input."""
    return frozenset([layer.name for layer in analysis.layers if not layer.is_of_images])


def circumstances(
    layer: LayerAnalysis,
    maps: Mapping[str, FeatureMap],
    learns: Mapping[str, bool],
    once: Collection[str],
    *,
    on_gpu: bool,
) -> Circumstances:
    """What is known of a layer's circumstances before the layout is.

    Args:
        maps: the shape of every map.
        learns, once: as `learning` and `there_once` have them.
    """
    names = layer.inputs
    return Circumstances(
        on_gpu=on_gpu,
        images=layer.batch * items_of([maps[name] for name in names]),
        learns=learns[layer.name],
        learning=tuple([n for n, name in enumerate(names) if learns[name]]),
        once=tuple([n for n, name in enumerate(names) if name in once]),
    )
