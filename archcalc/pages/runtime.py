"""What the script of a page calls, beside its closed forms: sums, times, and what it hands on."""

from __future__ import annotations

import json

from archcalc.analysis import DTYPES
from archcalc.hardware.device import TF32, USUAL, device_names, find_device
from archcalc.parametric.formulas.every_figure import KEPT, MOVED
from archcalc.render.formula.as_javascript import PRELUDE

NO_FORM = "this page has no closed form for these values; the command line has the figures"
LEAST_TIME, LIMIT = "least_time", "limit"  # of a layer by itself, and what it is due to

# A count is a number up to 2^53, and a BigInt where it is larger: `$A` adds both. Times are added
# in the order of the layers, as the roofline adds them.
_RUNTIME = """\
const $n = (x) => BigInt(typeof x === "object" ? x.n : x);
const $d = (x) => BigInt(typeof x === "object" ? x.d : 1);
const $t = (n, d) => (n % d === 0n ? `${n / d}` : `${n}/${d}`);
const $q = (n, d) => (n % d === 0n ? $N(n / d) : $s($t(n, d)));
const $g = (a, b) => (b ? $g(b, a % b) : a < 0n ? -a : a);
const $s = (text) => { const [n, d] = text.split("/").map(BigInt), c = $g(n, d);
  return `${n / c}/${d / c}`; };
const $N = (x) => { if (typeof x !== "bigint") return x;
  const number = Number(x);
  return Number.isSafeInteger(number) ? number : x; };
const $A = (a, b) => { const sum = typeof a === "number" && typeof b === "number" ? a + b : NaN;
  return Number.isSafeInteger(sum) ? sum : $N(BigInt(a) + BigInt(b)); };
const $p = (problem) => ({ problem, graph: 0, shapes: [], layers: {}, totals: {}, memory: null });
const $T = (total, layers, steps) => {
  const [plus, key, which, per] = total;
  if (key === 1) return steps.reduce((a, b) => (a > b ? a : b), 0);
  if (key === 0) return plus;
  let sum = plus;
  for (const place of which) {
    const value = layers[key][place];
    if (value === null) return null;
    sum = $A(sum, value);
  }
  return per === 1 ? sum : $N($f(BigInt(sum), BigInt(per)));
};
const $O = (layers, running, rounded, dtype, device) => {
  const { peaks, bytes, without } = $D[device];
  if (dtype in without) {
    const none = layers.FLOPS.map(() => null);
    Object.assign(layers, { LEAST_TIME: none, LIMIT: none });
    return without[dtype];
  }
  const precisions = layers.FLOPS.map(() => dtype);
  if (dtype === "float32" && "TF32" in peaks) for (const n of rounded) precisions[n] = "TF32";
  const [times, limits] = [precisions.map(() => null), precisions.map(() => null)];
  for (const n of running) {
    limits[n] = "unknown";
    if (layers.FLOPS[n] === null) continue;
    const arithmetic = Number(layers.FLOPS[n]) / peaks[precisions[n]];
    const memory = Number(layers.MOVED[n]) / bytes;
    times[n] = Math.max(arithmetic, memory);
    limits[n] = !times[n] ? "nothing" : arithmetic > memory ? "arithmetic" : "memory";
  }
  Object.assign(layers, { LEAST_TIME: times, LIMIT: limits });
  return null;
};
const $L = (values, graph, known, rounded, shapes, figures, totals, steps) => {
  const layers = {};
  for (const key in figures) layers[key] = figures[key].map($N);
  steps = steps.map($N);
  const found = {};
  for (const key in totals) {
    const total = totals[key];
    total[0] = $N(total[0]);
    total[3] = $N(total[3]);
    found[key] = total[4] && !known ? null : $T(total, layers, steps);
  }
  if (!known && layers.KEPT) layers.KEPT = layers.KEPT.map(() => null);
  const { dtype = "float32", device = "USUAL" } = values;
  const running = totals.FLOPS[2];
  const remark = $O(layers, running, rounded, dtype, device);
  const times = running.map((n) => layers.LEAST_TIME[n]);
  found.LEAST_TIME = times.includes(null) ? null : times.reduce((sum, time) => sum + time, 0);
  return {
    problem: null, remark, graph, shapes: shapes.map((shape) => shape.map($N)), layers,
    totals: found, memory: { steps: known ? steps : [] },
  };
};
const $c = (evaluate) => (values) => {
  try {
    return evaluate(values);
  } catch (error) {
    if (error instanceof RangeError) return $p(NO_FORM);
    throw error;
  }
};
"""
_WORDS = {
    "KEPT": KEPT, "MOVED": MOVED, "FLOPS": "flops", "LEAST_TIME": LEAST_TIME, "LIMIT": LIMIT,
    "TF32": TF32, "USUAL": USUAL, "NO_FORM": json.dumps(NO_FORM),
}  # fmt: skip


def runtime() -> str:
    """The script."""
    devices = {}
    for name in device_names():
        device = find_device(name)
        without = {dtype: device.why_unbounded(dtype) for dtype in DTYPES}
        devices[name] = {
            "peaks": device.flops_per_second,
            "bytes": device.bytes_per_second,
            "without": {dtype: why for dtype, why in without.items() if why is not None},
        }
    code = _RUNTIME
    for word, stands_for in _WORDS.items():
        code = code.replace(word, stands_for)
    return f"{PRELUDE}{code}const $D = {json.dumps(devices, separators=(',', ':'))};\n"
