"""What units see with gates and norms, and without: against sets of pixels, layer by layer.

The interpreter here knows the layers by what they do to a line of sets; a network is written out
twice, with its gates and norms and without, and only the second is interpreted.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Analysis, analyze
from archcalc.receptive_field.field import NOTHING, Field, PhasedField
from archcalc.window import Reach
from tests.spec_texts import analysis_of

PIXELS = 256
EVERYTHING = (1 << PIXELS) - 1

Line: TypeAlias = list[int]  # for each unit the pixels that it sees, as bits
Step: TypeAlias = Callable[[Line], Line]


class Part(NamedTuple):
    """Some layers: as a spec has them, what they do without gates and norms, if any are there."""

    spec: str
    step: Step
    hides: bool = False


def slid(line: Line, kernel: int, stride: int, padding: int, dilation: int) -> Line:
    padded = [0] * padding + line + [0] * padding
    starts = range(0, len(padded) - dilation * (kernel - 1), stride)
    taps = [[padded[start + dilation * tap] for tap in range(kernel)] for start in starts]
    return [union(seen) for seen in taps]


def union(seen: list[int]) -> int:
    found = 0
    for pixels in seen:
        found |= pixels
    return found


def both(a: Line, b: Line) -> Line:
    return [x | y for x, y in zip(a, b, strict=True)]


def convolution(kernel: int, stride: int, dilation: int) -> Part:
    padding = dilation * (kernel - 1) // 2
    spec = (
        f"conv: {{channels: 2, kernel: {kernel}, stride: {stride}, padding: {padding}, "
        f"dilation: {dilation}}}"
    )
    return Part(spec, lambda line: slid(line, kernel, stride, padding, dilation))


def upsampling(factor: int) -> Part:
    return Part(
        f"upsample: {{factor: {factor}}}",
        lambda line: [seen for seen in line for _ in range(factor)],
    )


def nothing(spec: str, *, hides: bool) -> Part:
    return Part(spec, lambda line: line, hides)


def residual(part: Part, join: str) -> Part:
    spec = f"{join}: [[], [{part.spec}]]"
    if join == "concat":
        spec += ", conv: {channels: 2, kernel: 1}"
    return Part(spec, lambda line: both(line, part.step(line)), part.hides)


NORMS = [
    nothing("group_norm: {groups: 1}", hides=True),
    nothing("layer_norm", hides=True),
    nothing("layer_norm: {over: last}", hides=True),
    nothing("batch_norm", hides=False),
    nothing("layer_norm: {over: channels}", hides=False),
    nothing("softmax", hides=False),
]
SQUEEZES = [
    "global_avg_pool",
    "global_avg_pool, conv: {channels: 2, kernel: 1}, sigmoid",
    "conv: {channels: 2, kernel: 3, padding: 1}, adaptive_max_pool: {output: 1}, layer_norm",
    "group_norm: {groups: 2}, global_avg_pool",
]
GATES = [
    nothing(f"{join}: [{branches}]", hides=True)
    for join in ("add", "average", "multiply")
    for squeeze in SQUEEZES
    for branches in (f"[], [{squeeze}]", f"[{squeeze}], []", f"[{squeeze}], [], [{squeeze}]")
]
blocks = (
    st.builds(convolution, st.sampled_from([1, 3, 5]), st.just(1), st.integers(1, 2))
    | st.sampled_from(NORMS)
    | st.sampled_from(GATES)
)
parts = (
    blocks
    | st.builds(residual, blocks, st.sampled_from(["add", "concat", "multiply"]))
    | st.builds(convolution, st.sampled_from([2, 3, 4]), st.just(2), st.just(1))
    | st.builds(upsampling, st.integers(2, 3))
)


def spec_of(chain: list[Part]) -> str:
    layers = "".join(f"  - {item}\n" for part in chain for item in [f"concat: [[{part.spec}]]"])
    return f"name: tiny\ninput: [2, {PIXELS}]\nlayers:\n  - identity\n{layers}"


@given(st.lists(parts, min_size=1, max_size=5))
def test_gates_and_norms_hide_the_field_and_leave_the_local_one(chain: list[Part]) -> None:
    analysis = analysis_of(spec_of(chain))
    line: Line = [1 << pixel for pixel in range(PIXELS)]
    for part in chain:
        line = part.step(line)
    last = analysis.layers[-1]
    (seen,), (local,) = last.field, last.local_field
    if any(part.hides for part in chain):
        assert last.receptive_field == "all"
    else:
        assert seen == local
    assert isinstance(local, (Field, PhasedField))
    assert len(line) == last.output.sizes[0]
    # One period in the middle, far from both borders.
    middle = range(len(line) // 2 - 8, len(line) // 2 + 8)
    if local.size > PIXELS // 4 or len(line) < 32:
        return
    for unit in middle:
        pixels = line[unit]
        ends = ((pixels & -pixels).bit_length() - 1, pixels.bit_length() - 1)
        assert local.of_unit(unit) == ends


# n10 of the cases: torch sees all 32 pixels, and 7 with the gate left out.
GATED = """\
name: se
input: [1, 32, 32]
layers:
  - conv: {channels: 4, kernel: 3, padding: 1}
  - multiply:
      - []
      - [global_avg_pool, {conv: {channels: 4, kernel: 1}}, sigmoid]
  - add:
      - []
      - [{conv: {channels: 4, kernel: 3, padding: 1}}]
  - conv: {name: out, channels: 1, kernel: 3, padding: 1}
"""


def test_a_squeeze_and_excitation_hides_a_field_of_7() -> None:
    out = analysis_of(GATED).layer("out")
    assert out.receptive_field == "all"
    assert out.local_receptive_field == (7, 7)
    assert (out.jump, out.offset) == ((1, 1), (-3, -3))


def test_what_leads_to_a_gate_sees_everything_locally_too() -> None:
    pool = analysis_of(GATED).layer("global_avg_pool1")
    assert (pool.receptive_field, pool.local_receptive_field) == ("all", "all")
    assert (pool.jump, pool.offset) == (None, None)


def test_without_gates_and_norms_both_fields_are_one() -> None:
    def alike(analysis: Analysis) -> bool:
        return all(layer.field == layer.local_field for layer in analysis.layers)

    assert alike(analyze("resnet50"))  # batch norms are pointwise at inference
    assert not alike(analysis_of(GATED))


def test_a_product_that_mixes_all_positions_is_a_gate() -> None:
    text = """\
name: t
input: [2, 16]
layers:
  - conv: {channels: 2, kernel: 3, padding: 1}
  - multiply: [[], [linear: {features: 16}]]
"""
    last = analysis_of(text).layers[-1]
    assert (last.receptive_field, last.local_receptive_field) == ("all", (3,))


def test_a_gate_along_one_axis_is_left_out_whole() -> None:
    # The branch mixes the width and widens the height by 2: neither counts.
    text = """\
name: t
input: [2, 16, 16]
layers:
  - add: [[], [{linear: {features: 16}}, {conv: {channels: 2, kernel: [3, 1], padding: [1, 0]}}]]
"""
    last = analysis_of(text).layers[-1]
    assert (last.receptive_field, last.local_receptive_field) == ((3, "all"), (1, 1))


def test_a_branch_of_which_gates_alone_see_the_image_makes_no_gate_of_another() -> None:
    text = """\
name: t
input: [1, 4, 4]
layers:
  - parameter: {shape: [1, 4, 4], name: learned}
  - global_avg_pool: {from: input, name: squeezed}
  - multiply: {from: [learned, squeezed]}
  - global_avg_pool
  - add: {from: [global_avg_pool1, squeezed]}
"""
    analysis = analysis_of(text)
    assert analysis.layer("multiply1").local_field[0] == NOTHING
    assert analysis.layer("add1").local_field == (Reach.ALL, Reach.ALL)


def test_a_mixer_before_leaves_nothing_to_leave_out() -> None:
    text = """\
name: t
input: [2, 16]
layers:
  - linear: {features: 16}
  - add: [[], [conv: {channels: 2, kernel: 3, padding: 1}]]
"""
    assert analysis_of(text).layers[-1].local_receptive_field == "all"


def test_a_concat_has_no_gates() -> None:
    text = "  - concat: [[], [linear: {features: 8}]]\n"
    assert analysis_of(text).layers[-1].local_receptive_field == (1, "all")


@pytest.mark.parametrize(
    ("crop", "field"),
    [
        (
            "[[0, 7]]",
            None,
        ),  # every unit sees pixel 0, and its own
        ("[[3, 4]]", None),
        ("conv", "all"),  # a convolution over the whole map squeezes it too
    ],
)
def test_a_gate_from_a_part_of_the_image_leaves_no_one_interval(
    crop: str, field: str | None
) -> None:
    gate = "conv: {channels: 2, kernel: 8}" if crop == "conv" else f"crop: {{sides: {crop}}}"
    text = f"name: t\ninput: [2, 8]\nlayers:\n  - multiply: [[], [{gate}]]\n"
    last = analysis_of(text).layers[-1]
    assert last.receptive_field == field
    assert last.local_receptive_field == (1,)


def test_a_gate_that_was_not_left_out_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "archcalc.receptive_field.seen._without_gates", lambda local, *_: [*range(len(local))]
    )
    with pytest.raises(AssertionError):
        test_gates_and_norms_hide_the_field_and_leave_the_local_one()


@pytest.mark.parametrize("size", range(1, 41))
def test_every_unit_of_an_adaptive_pool_sees_its_window(size: int) -> None:
    for outputs in range(1, 25):
        text = f"name: t\ninput: [1, {size}]\nlayers: [adaptive_max_pool: {{output: {outputs}}}]\n"
        (pool,) = analysis_of(text).layers
        (field,) = pool.field
        windows = [  # as torch has it
            (unit * size // outputs, ceil((unit + 1) * size / outputs) - 1)
            for unit in range(outputs)
        ]
        if set(windows) == {(0, size - 1)}:
            assert pool.receptive_field == "all"
            continue
        assert isinstance(field, (Field, PhasedField))
        assert [field.of_unit(unit) for unit in range(outputs)] == windows
        assert field.size == max(last - first + 1 for first, last in windows)
        starts = {b[0] - a[0] for a, b in pairwise(windows)}
        if len({last - first for first, last in windows}) == len(starts) == 1:
            assert pool.jump == (*starts,)  # alike: one jump


# w4 of the cases: torchvision's VGG on other images than it was made for.
VGG = """\
name: vgg
input: [3, 256, 256]
blocks:
  s:
    parameters: [n]
    layers:
      - repeat: n
        layers:
          - conv: {channels: 8, kernel: 3, padding: 1}
          - relu
      - max_pool: {kernel: 2}
layers:
  - s: {n: 2}
  - s: {n: 2}
  - s: {n: 3}
  - s: {n: 3}
  - s: {n: 3}
  - adaptive_avg_pool: {name: avgpool, output: 7}
"""


@pytest.mark.parametrize(
    ("size", "field", "jump", "unit"),
    [
        (256, 244, 32, (6, 249)),  # 8 -> 7: windows of 2, 1 apart
        (224, 212, 32, (6, 217)),  # 7 -> 7
        (32, "all", None, None),  # 1 -> 7: each sees the whole map
        (384, 276, Fraction(384, 7), (70, 313)),  # 12 -> 7: of 2 and 3; 5 and 6 here
    ],
)
def test_an_adaptive_pool_on_images_of_other_sizes(
    size: int, field: int | str, jump: int | Fraction | None, unit: tuple[int, int] | None
) -> None:
    text = VGG.replace("256", str(size))
    pool = analysis_of(text).layer("avgpool")
    assert pool.receptive_field == (field if field == "all" else (field, field))
    assert pool.jump == (jump if jump is None else (jump, jump))
    if unit is not None:
        axis = pool.field[0]
        assert isinstance(axis, (Field, PhasedField))
        assert axis.of_unit(3) == unit


def test_demucs_has_4096_phases() -> None:
    # n07 of the cases; torch says 17,748, and 4,436 with five levels.
    def field(depth: int) -> object:
        kernels = "".join(
            "  - conv: {channels: 1, kernel: 8, stride: 4}\n" for _ in range(depth)
        ) + "".join(
            "  - conv_transpose: {channels: 1, kernel: 8, stride: 4}\n" for _ in range(depth)
        )
        last = analysis_of(f"name: t\ninput: [1, 359764]\nlayers:\n{kernels}").layers[-1]
        assert last.jump == (1,)
        return last.receptive_field

    assert field(5) == (4436,)
    assert field(6) == (17748,)


def test_what_units_that_see_alike_are_spread_to_leaves_some_that_see_nothing() -> None:
    """A join spreads one position over two; a transposed convolution puts a gap between them."""
    analysis = analysis_of(
        "name: gaps\ninput: [1, 1, 2]\nlayers:\n  - avg_pool: {kernel: 1, stride: 2}\n"
        "  - minimum: {name: spread, branches: [[{parameter: {shape: [1, 1, 2]}}], []]}\n"
        "  - conv_transpose: {name: apart, channels: 1, kernel: 1, stride: 2}\n"
        "  - conv_transpose: {name: closed, channels: 1, kernel: 2, stride: 2, from: spread}\n"
    )
    assert analysis.layer("apart").field[1] is Reach.UNKNOWN
    assert analysis.layer("closed").field[1] == Field(0, 0, 0)
