"""Specs made to explode: each is analyzed or refused within a second and 200 MiB.

Measured in a process of its own, as processor time; the least of three, as what else runs on a
machine (a neighbour on the same core, a processor that slows down) only ever adds to it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

from archcalc.spec.library import network_names

SECONDS = 1.0
TRIES = 3
MEBIBYTES = 200

# The process says itself what it held: what its parent sees counts the parent's memory in.
MEASURE = """
import json, re, sys, time
from archcalc import ArchcalcError, analyze
from archcalc.errors import Source
from archcalc.expansion import build_graph
from archcalc.spec.parser import parse_family

text = sys.stdin.read()
started = time.process_time()
try:
    for network in parse_family(Source("bomb.yaml", text)).networks.values():
        outcome = f"{len(analyze(build_graph(network)).layers)} layers"
except ArchcalcError as error:
    outcome = str(error)
seconds = time.process_time() - started
with open("/proc/self/status") as status:
    mebibytes = int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) / 1024
print(json.dumps([outcome[:200], seconds, mebibytes]))
"""


class Measured(NamedTuple):
    outcome: str
    seconds: float
    mebibytes: float


def measured(text: str) -> Measured:
    """What came of a spec, and what it took."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], input=text, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-500:]
    return Measured(*json.loads(done.stdout))


TINY = "name: bomb\ninput: [3, 8, 8]\n"


def repeated(count: int, layer: str, before: str = "") -> str:
    return f"{TINY}layers:\n{before}  - repeat: {count}\n    layers: [{layer}]\n"


def doubled_lists() -> str:
    """Forty names, each a list of two times the one before: 2**40 items, to show or compare."""
    lines = [f"  a{n + 1}: '[a{n}, a{n}]'\n  b{n + 1}: [b{n}, b{n}]\n" for n in range(40)]
    let = "".join(["let:\n  a0: [1, 1]\n  b0: [1, 1]\n", *lines])
    return f"{TINY}{let}layers: [relu: {{name: '{{a40}}'}}]"


RECURSIVE = "{if: n > 0, then: [b: {n: n - 1}, b: {n: n - 1}], else: [relu]}"

EXPLOSIVE: dict[str, str] = {
    "deep brackets": "name: t\nlayers: " + "[" * 200_000,
    "deep mappings": "name: t\nlayers: " + "{a: " * 100_000,
    "billion laughs": "a: &a [x, x]\n"
    + "".join(f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 40)).replace("*b0", "*a"),
    "a million characters of layers": f"{TINY}layers: [{'relu, ' * 39_000}relu]",
    "a million characters of a name": f"{TINY}layers: [{'a' * 1_000_000}]",
    "a million characters of a key": f"{TINY}{'a' * 1_000_000}: 1\nlayers: [relu]",
    "a million characters of an expression": f"{TINY}let: {{a: {'1+' * 500_000}1}}",
    "a deep expression": f"{TINY}layers: [conv: {{channels: {'-' * 399}1, kernel: 1}}]",
    "thousands of expressions": TINY
    + "layers:\n"
    + "".join(f"  - conv: {{channels: 1+{n}-{n}, kernel: 1}}\n" for n in range(5_600)),
    "an endless block": f"{TINY}blocks: {{b: {{layers: [b]}}}}\nlayers: [b]",
    "an exponential block": f"{TINY}blocks: {{b: {{parameters: [n], layers: [{RECURSIVE}]}}}}\n"
    "layers: [b: {n: 30}]",
    "an exponential expansion of nothing": f"{TINY}blocks:\n"
    + "".join(f"  b{n}: {{layers: [{f'b{n + 1}, ' * 10}]}}\n" for n in range(30))
    + "  b30: {layers: []}\nlayers: [b0]",
    "repeat in repeat in repeat": f"{TINY}layers: "
    + "[{repeat: 10**9, layers: " * 25
    + "[]"
    + "}]" * 25,
    "nine thousand layers": repeated(9_000, "relu"),
    "nine thousand convolutions": repeated(9_000, "conv: {channels: 3, kernel: 1}"),
    "nine thousand heads": repeated(9_000, "head: {layers: [relu]}"),
    "thousands of sizes": repeated(9_000, "conv: {channels: in_channels, kernel: 1}"),
    "sizes that double": repeated(
        9_000, "concat: [[], [conv: {channels: in_channels, kernel: 1}]]"
    ),
    "sizes as formulas": repeated(
        9_000, "conv: {channels: 'in_channels + in_shape[1]', kernel: 3, stride: 2, padding: same}"
    ).replace("3, 8, 8", "c, h, w"),
    "sizes asked for in every name": repeated(
        9_000, "relu: {name: 'a{i}_{shape_of(input)[0]}'}"
    ).replace("    layers:", "    index: i\n    layers:"),
    "functions that call functions twice": f"{TINY}functions:\n"
    + "  f0: {parameters: [v], value: v}\n"
    + "".join(
        f"  f{n}: {{parameters: [v], value: f{n - 1}(v) + f{n - 1}(v)}}\n" for n in range(1, 250)
    )
    + "layers: [conv: {channels: f249(1), kernel: 1}]",
    "functions deep in one another": f"{TINY}functions:\n"
    + "  f0: {parameters: [v], value: v}\n"
    + "".join(f"  f{n}: {{parameters: [v], value: f{n - 1}(v)}}\n" for n in range(1, 250))
    + "layers: [{repeat: 9000, layers: [conv: {channels: f249(1), kernel: 1}]}]",
    "loops in loops": repeated(
        9_000,
        "conv: {channels: 'sum(sum(sum(c for c in range(200)) for b in range(200)) "
        "for a in range(200))', kernel: 1}",
    ),
    "lists of everything": repeated(9_000, "conv: {channels: 'len(range(256))', kernel: 1}"),
    "wide joins": repeated(9_000, f"concat: {{from: [{'input, ' * 15_000}input]}}"),
    "many branches": repeated(9_000, f"add: [{'[], ' * 20_000}[]]"),
    "dense concatenation": repeated(9_000, "concat: [[], []]"),
    "long lists": f"{TINY}parameters: {{d: [{'1, ' * 30_000}1]}}\n"
    "layers: [{repeat: 9000, layers: [conv: {channels: sum(d), kernel: 1}]}]",
    "sums of fractions": f"{TINY}parameters: {{d: [{'0.123456789, ' * 255}1]}}\n"
    f"layers: [{{repeat: 9000, layers: [{{if: '{'sum(d)+' * 50}1 > 0', then: []}}]}}]",
    "doubled lists": doubled_lists(),
    "many parameters": f"{TINY}parameters:\n"
    + "".join(f"  p{n}: 1\n" for n in range(15_000))
    + "layers: [{repeat: 19000, index: i, layers: []}]",
    "many names in each block": f"{TINY}blocks:\n  b:\n    let:\n"
    + "".join(f"      p{n}: 1+1\n" for n in range(256))
    + "    layers: []\nlayers: [{repeat: 19000, layers: [b]}]",
    "networks without end": repeated(9_000, "network: {of: vgg16, from: input, until: stage1}"),
    "networks of which all is cut off": repeated(
        9_000, "network: {of: resnet152, from: input, after: layer4, until: layer4}"
    ),
    "many networks": f"{TINY}layers:\n"
    + "".join(
        f"  - network: {{of: {name}, from: input, until: layer1}}\n"
        for name in network_names()
        if name.startswith(("resnet1", "resnext", "wrn_1", "resnet5"))
    ),
    "networks by computed names": repeated(
        9_000, "network: {of: 'resnet{18 + 16*(i % 2)}', from: input, until: conv1}"
    ).replace("    layers:", "    index: i\n    layers:"),
    "long names": f"{TINY}parameters: {{x: {'a' * 500_000}}}\n"
    "layers: [{repeat: 9000, index: i, layers: [relu: {name: '{x}{i}'}]}]",
    "long names of blocks": f"{TINY}blocks: {{b: {{layers: [b: {{name: {'a' * 95}}}]}}}}\n"
    "layers: [b]",
    "names that are all alike": repeated(
        9_000, "relu: {name: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa{i}'}"
    ).replace("    layers:", "    index: i\n    layers:")
    + "  - relu: {from: aaaaaaaaaaaaaaaaaaaaaaaabbb}",
    "huge strides": repeated(9_000, "max_pool: {kernel: 1, stride: 9223372036854775807}"),
    "huge jumps": repeated(
        9_000, "conv: {channels: 3, kernel: 99, stride: 922337203685477, padding: same}"
    ),
    "huge dilations": repeated(
        9_000, "conv: {channels: 9, kernel: 3, dilation: 9223372036854775807, padding: same}"
    ),
    "huge channels": repeated(9_000, "conv: {channels: 9223372036854775807, kernel: 1}"),
    "huge powers": f"{TINY}let: {{a: 9**9**9, b: 2**64**64}}\nlayers: [relu]",
    "huge upsampling": repeated(9_000, "upsample: {factor: 4000000000}"),
    "fractional jumps": repeated(
        9_000,
        "max_pool: {kernel: 3, stride: 922337203685477, padding: same}",
        before="  - upsample: {factor: 2}\n",
    ),
    "many phases": repeated(
        40,
        "max_pool: {kernel: 3001, stride: 1, padding: same}",
        before="  - upsample: {factor: 1024}\n",
    ),
    "many phases, again and again": repeated(
        500,
        "{conv_transpose: {channels: 3, kernel: 2047, stride: 1024, padding: 500}}, "
        "{max_pool: {kernel: 1024}}",
    ),
    "phases with gaps": repeated(
        40,
        "max_pool: {kernel: 3001, stride: 1, padding: same}",
        before="  - conv_transpose: {channels: 3, kernel: 1, stride: 127}\n" * 2,
    ),
    "phases of rational jumps": repeated(
        2_000, "{upsample: {factor: 2}}, {avg_pool: {kernel: 3, padding: 1}}"
    ),
    "adaptive windows": repeated(
        2_000, "{adaptive_avg_pool: {output: 1009}}, {adaptive_max_pool: {output: 1013}}"
    ),
    "a huge adaptive pool": repeated(9_000, "adaptive_avg_pool: {output: 1000000007}").replace(
        "9000", "2"
    ),
    "steps of all lengths, joined": repeated(
        800,
        "{upsample: {factor: 2}}, "
        "{add: [[], [pad: {sides: [[1, 0], [1, 0]]}, crop: {sides: [[0, 1], [0, 1]]}], "
        "[max_pool: {kernel: 2, stride: 1, padding: same}]]}, {crop: {sides: [[5, 3], [5, 3]]}}",
    ),
    "powers of free sizes": "name: t\ninput: [3, (a+b+c+d)**64, 8]\nlayers: [relu]",
    "products of free sizes": f"name: t\ninput: [3, {'(a+b)*(c+d)*' * 20}2, 8]\nlayers: [relu]",
    "a free size through many layers": "name: t\ninput: [3, a, b]\n"
    "layers: [{repeat: 99, layers: [max_pool: {kernel: 3, stride: 2, ceil: true}]}]",
}


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")


@pytest.mark.parametrize("bomb", EXPLOSIVE)
def test_a_bomb_does_not_go_off(bomb: str) -> None:
    for _ in range(TRIES):
        outcome, seconds, mebibytes = measured(EXPLOSIVE[bomb])
        assert outcome
        assert mebibytes < MEBIBYTES
        if seconds < SECONDS:
            return
    pytest.fail(f"{seconds:.2f} s, and no less in {TRIES} tries")


@pytest.mark.parametrize(
    ("code", "spent"),
    [
        (f"any(iter(lambda: time.process_time() > started + {2 * SECONDS}, True))", "seconds"),
        (f"held = bytearray({2 * MEBIBYTES} * 2**20)", "mebibytes"),
    ],
)
def test_a_bomb_that_went_off_would_be_seen(
    code: str, spent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exploding = MEASURE.replace(
        "started = time.process_time()", f"started = time.process_time(); {code}"
    )
    monkeypatch.setattr(sys.modules[__name__], "MEASURE", exploding)
    measurement = measured(f"{TINY}layers: [relu]")
    assert measurement.outcome == "1 layers"
    limits = {"seconds": SECONDS, "mebibytes": MEBIBYTES}
    assert getattr(measurement, spent) > limits[spent]
