"""Made-up networks as the data of pages: the browser is tested without deriving closed forms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archcalc.pages.html import page_html

_COUNT = {"unit": "COUNT", "summed": True}
FIGURES: list[dict[str, Any]] = [
    {"key": "params", "heading": "params", "meaning": "Learned values.", **_COUNT},
    {"key": "macs", "heading": "MACs", "meaning": "Multiply-accumulates.", **_COUNT},
    {
        "key": "activation_bytes",
        "heading": "activation bytes",
        "short": "memory",
        "unit": "BYTES",
        "meaning": "Bytes that are put out.",
        "summed": True,
    },
    *[
        {
            "key": f"{key}_{axis}",
            "axis": axis,
            "heading": f"{key.replace('_', ' ')}, {axis}",
            "unit": unit,
            "meaning": "Input pixels.",
            "summed": False,
        }
        for key, unit in (
            ("receptive_field", "FIELD"),
            ("local_receptive_field", "FIELD"),
            ("jump", "STEP"),
            ("offset", "STEP"),
        )
        for axis in "yx"
    ],
]
VARIABLES: list[dict[str, Any]] = [
    {"label": "H", "kind": "size", "own": 32, "minimum": 8, "maximum": 256, "step": 8},
    {
        "label": "alpha",
        "kind": "parameter",
        "own": 1,
        "minimum": {"n": 1, "d": 4},
        "maximum": 2,
        "step": {"n": 1, "d": 4},
    },
    {"label": "batch", "kind": "batch", "own": 1, "minimum": 1, "maximum": 64, "step": 1},
    {"label": "dtype", "kind": "dtype", "own": "float32", "choices": ["float32", "float16"]},
]
# 3x3 convolutions on a square: a layer's number says its figures. Below 16 pixels "no window fits".
# `counts` are the layers at each depth.
_EVALUATE = """
(counts, channels) => (values) => {
  const { H, batch, dtype } = values;
  const graph = (values.depth ?? 1) - 1;
  const count = counts[graph];
  const problem = H < 16 ? `layer 1: no window of 3 fits a size of ${H} <b>` : null;
  if (problem) return { problem, shapes: [], layers: {}, totals: {} };
  const alpha = typeof values.alpha === "object" ? values.alpha.n / values.alpha.d : values.alpha;
  const numbers = Array.from({ length: count }, (_, n) => n);
  const each = dtype === "float16" ? 2 : 4;
  const params = numbers.map((n) => (n % 3 ? 0 : 1000 + n));
  const macs = params.map((n) => n * H * H * batch * alpha);
  const bytes = numbers.map(() => channels * H * H * batch * each);
  const layers = { params, macs, activation_bytes: bytes };
  for (const axis of "yx") {
    layers[`receptive_field_${axis}`] = numbers.map((n) => (n === count - 1 ? "all" : 2 * n + 3));
    layers[`local_receptive_field_${axis}`] = numbers.map((n) => 2 * n + 3);
    layers[`jump_${axis}`] = numbers.map((n) => (n % 2 ? { n: 3, d: 2 } : 1));
    layers[`offset_${axis}`] = numbers.map((n) => -n - 1);
  }
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const totals = { params: sum(params), macs: sum(macs), activation_bytes: sum(bytes) };
  const steps = bytes.map((value, n) => value * (2 + (n % 3)));
  const [inputs, shapes] = [[[3, H, H]], numbers.map(() => [channels, H, H])];
  return { problem, graph, inputs, shapes, layers, totals, memory: { steps } };
}
"""


DERIVATION = [{"figure": "params", "symbols": "k·k·C·O", "numbers": "3·3·8·8", "result": "576"}]
Layers = Sequence[tuple[str, str, Sequence[str]]]  # name, kind and inputs of each
DEPTH = {"label": "depth", "kind": "parameter", "own": 1, "minimum": 1, "step": 1}


def network(name: str, *depths: Layers, **others: object) -> dict[str, Any]:
    """The data of a network; of several lists of layers `depth` chooses one. Dots nest blocks."""
    lists = [_layers(layers) for layers in depths]
    rows = lists[0]
    depth = [{**DEPTH, "maximum": len(lists)}] if len(lists) > 1 else []
    return {
        "name": name,
        "title": f"{name}, made up",
        "source": "nobody, nowhere",
        "description": "",
        "figures": [{**figure, "of": of} for of in ("layer", "network") for figure in FIGURES],
        "variables": [{"choices": None, "meaning": "", **v} for v in [*VARIABLES, *depth]],
        "layers": rows,
        "layer_lists": lists,
        "derivations": [DERIVATION],
        "not_offered": [],
        "inputs": [{"name": "input", "shape": [3, 32, 32], "dtype": "float32"}],
        "outputs": [rows[-1]["name"]],
        "notes": [],
        **others,
    }


def _layers(layers: Layers) -> list[dict[str, Any]]:
    rows = []
    for layer, kind, inputs in layers:
        parts = layer.split(".")
        blocks = [".".join(parts[:n]) for n in range(1, len(parts))]
        rows.append(
            {
                "name": layer,
                "kind": kind,
                "inputs": [*inputs],
                "blocks": blocks,
                "text": "3x3" if kind == "conv" else "",
                "training_only": False,
                "used": True,
                "derivation": 0,
                "weights_shared_with": None,
            }
        )
    return rows


def residual(stages: int = 4, units: int = 3) -> Layers:
    """Stages of residual units behind a stem: blocks in blocks, and branches that meet again."""
    found: list[tuple[str, str, Sequence[str]]] = [("stem", "conv", ["input"])]
    last = "stem"
    for stage in range(1, stages + 1):
        for unit in range(units):
            block = f"stage{stage}.{unit}"
            found += [
                (f"{block}.conv1", "conv", [last]),
                (f"{block}.relu", "relu", [f"{block}.conv1"]),
                (f"{block}.conv2", "conv", [f"{block}.relu"]),
                (f"{block}.add", "add", [f"{block}.conv2", last]),
            ]
            last = f"{block}.add"
    return [*found, ("fc", "linear", [last])]


def chain(names: Sequence[str]) -> Layers:
    """Layers in a row."""
    inputs = [["input"], *([name] for name in names)]
    return [(name, "conv", before) for name, before in zip(names, inputs, strict=False)]


def write_page(path: Path, *networks: dict[str, Any]) -> Path:
    """A page of networks."""
    made = [
        f"({_EVALUATE})({[len(layers) for layers in n['layer_lists']]}, {8 * (k + 1)})"
        for k, n in enumerate(networks)
    ]
    data = json.loads(json.dumps({"archcalc": "0.0", "networks": networks}))
    title = ", ".join(network["name"] for network in networks)
    html = page_html(title, data, f"globalThis.archcalcEvaluate = [{','.join(made)}];")
    path.write_text(html, encoding="utf-8")
    return path
