"""Which layers learn, which are there once, and the circumstances of a layer by that."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from archcalc.analysis import Analysis
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers.effect import Storage
from archcalc.layers.integers import Integers
from archcalc.layers.items import items_of
from archcalc.layers.operator import Circumstances
from archcalc.layers.reshaping import Identity


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
        frozen=not layer.node.trainable,
        learning=tuple([n for n, name in enumerate(names) if learns[name]]),
        once=tuple([n for n, name in enumerate(names) if name in once]),
    )


def same_inputs(layer: LayerAnalysis, analysis: Analysis) -> tuple[int | None, ...]:
    """Of each input of a layer the number of the first that is the same tensor in torch.

    None where that depends on what torch makes of a layer that may hand on its input as it is.
    """
    layers = {one.name: one for one in analysis.layers} if len(layer.inputs) > 1 else {}

    def source(name: str, *, certain: bool) -> str:
        while name in layers and layers[name].inputs:
            one = layers[name]
            stays = isinstance(one.node.layer, Identity)
            if not stays and (certain or one.effect.storage is Storage.OWN):
                break
            name = one.inputs[0]
        return name

    certain = [source(name, certain=True) for name in layer.inputs]
    perhaps = [source(name, certain=False) for name in layer.inputs]
    found: list[int | None] = []
    for number, name in enumerate(certain):
        first = certain.index(name)
        doubtful = perhaps.index(perhaps[number]) < number and first == number
        found.append(None if doubtful else first)
    return tuple(found)
