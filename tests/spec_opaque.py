"""Networks with opaque layers, for the tests of what is said of costs that nobody knows."""

from __future__ import annotations

import re

from archcalc import Analysis, Graph
from archcalc.layers.opaque import Opaque
from archcalc.record import replace

# Two opaque layers, in a block with others, and one whose cost is known.
DETECTOR = """\
name: detector
input: [3, 16, 16]
budget: [params < 1M]
blocks:
  tail:
    layers:
      - conv: {name: mix, channels: 4, kernel: 1}
      - opaque:
          name: roi
          operator: torchvision.ops.roi_align
          of: [[4, 7, 7]]
          shape: [4, 3, 3]
          macs: unknown
      - relu: {name: act}
layers:
  - conv: {name: stem, channels: 8, kernel: 3, stride: 2}
  - opaque:
      name: nms
      operator: torchvision.ops.nms
      of: [[8, 7, 7]]
      shape: [8, 7, 7]
      parameters: {weight: [8, 8], bias: [8]}
      macs: unknown
  - opaque: {name: sort, operator: sort, of: [[8, 7, 7]], shape: [8, 7, 7], macs: 0, other_ops: 9}
  - tail: {name: tail}
  - flatten
  - linear: {name: fc, features: 10}
"""


def costing(spec: str, cost: int) -> str:
    """The spec with a cost for each opaque layer of which it says that it is unknown."""
    return re.sub(r"(,?\s*)macs: unknown", rf"\1macs: {cost}\1other_ops: {cost}", spec)


def with_opaque(analysis: Analysis, names: frozenset[str], macs: int | None = None) -> Graph:
    """The network with an opaque layer in the place of each of some layers.

    They have the same inputs, output and parameters.

    Args:
        macs: of each, and its other operations too; None where nobody knows.
    """
    maps = analysis.maps
    found = []
    for layer in analysis.layers:
        node = layer.node
        if layer.name in names:
            opaque = Opaque(
                operator=f"aten.{layer.kind}",
                of=tuple([maps[name].shape for name in layer.inputs]),
                shape=layer.output.shape,
                parameters=tuple([(t.name, t.shape) for t in layer.effect.parameters]),
                macs=macs,
                other_ops=macs,
            )
            node = replace(node, layer=opaque)
        found.append(node)
    return replace(analysis.graph, nodes=tuple(found))
