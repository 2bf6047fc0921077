"""Each section of a cfg file: its size and its parameters by darknet's own rules, by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archcalc.errors import ArchcalcError, Source, SpecError
from archcalc.importing.darknet.cfg import MAX_SECTIONS
from archcalc.importing.darknet.network import read_darknet
from archcalc.torch_backend.build import build
from tests.importing.files import analysis_of, darknet

NET = "[net]\nchannels=%d\nheight=%d\nwidth=%d\n"

# sections, options; the input, the output, parameters, multiply-accumulates
CASES: list[tuple[str, tuple[int, int, int], tuple[int, ...], int, int]] = [
    (
        "[convolutional] filters=4 size=3 stride=2 pad=1 activation=leaky",
        (3, 8, 9),
        (4, 4, 5),
        112,
        20 * 4 * 27,
    ),
    ("[convolutional] filters=4 size=3 padding=2", (3, 8, 9), (4, 10, 11), 112, 110 * 4 * 27),
    (
        "[convolutional] batch_normalize=1 filters=4 groups=2 size=1 activation=linear",
        (6, 8, 8),
        (4, 8, 8),
        4 * 3 + 8,
        64 * 12,
    ),
    (
        "[deconvolutional] filters=4 size=4 stride=2 padding=1",
        (3, 5, 6),
        (4, 10, 12),
        196,
        30 * 192,
    ),
    ("[connected] output=7 activation=relu", (3, 4, 5), (7,), 427, 420),
    ("[connected] output=7 batch_normalize=1", (3, 4, 5), (7,), 420 + 14, 420),
    ("[local] filters=2 size=3 stride=1 pad=1", (3, 4, 5), (2, 4, 5), 20 * 2 * 28, 20 * 54),
    ("[local] filters=2 size=3 stride=2", (3, 5, 7), (2, 2, 3), 6 * 2 * 28, 6 * 54),
    ("[maxpool] size=2 stride=2", (3, 8, 9), (3, 4, 5), 0, 0),
    ("[maxpool] size=2 stride=1", (3, 8, 9), (3, 8, 9), 0, 0),
    ("[maxpool] size=3 stride=2", (3, 8, 9), (3, 4, 5), 0, 0),
    ("[maxpool] size=3 stride=2 padding=0", (3, 8, 9), (3, 3, 4), 0, 0),
    ("[maxpool] stride=2", (3, 8, 9), (3, 4, 5), 0, 0),
    ("[maxpool] size=13 stride=1", (3, 19, 19), (3, 19, 19), 0, 0),
    ("[avgpool]", (3, 8, 9), (3, 1, 1), 0, 0),
    ("[upsample] stride=2", (3, 4, 5), (3, 8, 10), 0, 0),
    ("[upsample] stride=3 scale=2", (3, 4, 5), (3, 12, 15), 0, 0),
    ("[crop] crop_height=4 crop_width=6", (3, 7, 6), (3, 4, 6), 0, 0),
    ("[reorg] stride=2", (8, 6, 10), (32, 3, 5), 0, 0),
    ("[reorg] stride=2 reverse=1", (8, 3, 5), (2, 6, 10), 0, 0),
    ("[reorg] stride=1 extra=1", (1, 3, 3), (10,), 0, 0),
    ("[dropout] probability=.25", (3, 4, 5), (3, 4, 5), 0, 0),
    ("[batchnorm]", (3, 4, 5), (3, 4, 5), 6, 0),
    ("[activation] activation=loggy", (3, 4, 5), (3, 4, 5), 0, 0),
    ("[activation] activation=ramp", (3, 4, 5), (3, 4, 5), 0, 0),
    ("[normalization] size=5 alpha=.0001", (8, 4, 5), (8, 4, 5), 0, 0),
    ("[l2norm]", (3, 4, 5), (3, 4, 5), 0, 0),
    ("[logistic]", (3, 4, 5), (3, 4, 5), 0, 0),
    ("[softmax]", (3, 4, 5), (60,), 0, 0),
    ("[softmax] groups=2", (4, 1, 1), (2, 2), 0, 0),
    ("[softmax] spatial=1", (3, 4, 5), (3, 4, 5), 0, 0),
    ("[convolutional] filters=5 ; [route] layers=-1,0", (3, 4, 4), (10, 4, 4), 20, 16 * 15),
    (
        "[convolutional] filters=6 ; [route] layers=-1 groups=2 group_id=1",
        (3, 4, 4),
        (3, 4, 4),
        24,
        288,
    ),
    (
        "[convolutional] filters=5 ; [maxpool] stride=2 ; [route] layers=0,1",
        (3, 4, 4),
        (100,),
        20,
        16 * 15,
    ),
    ("[convolutional] filters=3 ; [dropout] ; [shortcut] from=-2", (3, 4, 4), (3, 4, 4), 12, 144),
    (
        "[convolutional] filters=3 ; [convolutional] filters=5 size=3 stride=2 pad=1 ; "
        "[shortcut] from=0 activation=relu",
        (3, 8, 8),
        (5, 4, 4),
        12 + 140,
        64 * 9 + 16 * 5 * 27,
    ),
    (
        "[convolutional] filters=9 ; [convolutional] filters=5 ; [shortcut] from=0",
        (3, 2, 2),
        (5, 2, 2),
        36 + 50,
        4 * 27 + 4 * 45,
    ),
    (
        "[convolutional] filters=3 batch_normalize=1 ; "
        "[convolutional] filters=3 batch_normalize=1 share_index=-1",
        (3, 4, 4),
        (3, 4, 4),
        9 + 6,
        2 * 144,
    ),
    ("[convolutional] filters=3 ; [dropout] ; [sam] from=0", (3, 4, 4), (3, 4, 4), 12, 144),
    (
        "[convolutional] filters=3 ; [avgpool] ; [scale_channels] from=0",
        (3, 4, 4),
        (3, 4, 4),
        12,
        144,
    ),
]


def text_of(sections: str, input: tuple[int, int, int]) -> str:
    """A cfg file: `[a] x=1 ; [b] y=2` has a line for each of these words."""
    return NET % input + "\n".join(sections.replace(" ;", "").split()) + "\n"


@pytest.mark.parametrize(("sections", "input", "output", "params", "macs"), CASES)
def test_a_section_has_the_size_and_the_parameters_of_darknet(
    sections: str, input: tuple[int, int, int], output: tuple[int, ...], params: int, macs: int
) -> None:
    analysis = darknet(text_of(sections, input))
    assert analysis.layers[-1].output.shape == output
    assert (analysis.params, analysis.macs) == (params, macs)


@given(st.integers(1, 20), st.integers(1, 7), st.integers(1, 5), st.integers(0, 8))
def test_pools_have_the_sizes_of_darknet_or_are_refused(n: int, k: int, s: int, p: int) -> None:
    try:
        analysis = darknet(text_of(f"[maxpool] size={k} stride={s} padding={p}", (2, n, n)))
    except SpecError:
        assert n + p < k or p - p // 2 > k // 2
        return
    m = (n + p - k) // s + 1
    assert analysis.layers[-1].output.shape == (2, m, m)


def reorganized(values: list[int], c: int, h: int, w: int, s: int, reverse: bool) -> list[int]:
    """`reorg_cpu` of darknet's blas.c in other words, on an image that lies flat."""
    result, out_c = [0] * len(values), c // (s * s)
    for k in range(c):
        for j in range(h):
            for i in range(w):
                here = i + w * (j + h * k)
                offset = k // out_c
                row, column = j * s + offset // s, i * s + offset % s
                there = column + w * s * (row + h * s * (k % out_c))
                if reverse:
                    result[there] = values[here]
                else:
                    result[here] = values[there]
    return result


@pytest.mark.parametrize("reverse", [False, True])
def test_reorg_moves_each_value_where_darknet_does(reverse: bool) -> None:
    c, h, w = 8, 4, 6
    analysis = darknet(text_of(f"[reorg] stride=2 reverse={int(reverse)}", (c, h, w)))
    values = torch.arange(c * h * w)
    moved = build(analysis.graph)(values.float().reshape(1, c, h, w))
    assert moved.flatten().long().tolist() == reorganized(values.tolist(), c, h, w, 2, reverse)


RECURRENT = [
    # three fully connected layers, each with its bias
    ("[rnn] output=5", 7, (5,), (7 * 5 + 5) + 2 * (5 * 5 + 5), 35 + 50, ["0.state"]),
    ("[rnn] output=5 batch_normalize=1 shortcut=1", 7, (5,), 85 + 3 * 10, 85, ["0.state"]),
    ("[gru] output=5 tanh=1", 7, (5,), 3 * (40 + 30), 3 * 60, ["0.state"]),
    ("[rnn] output=5 hidden=3", 7, (5,), (21 + 3) + (9 + 3) + (15 + 5), 45, ["0.state"]),
    ("[lstm] output=5", 7, (5,), 4 * (40 + 30), 4 * 60, ["0.state", "0.state_2"]),
]


@pytest.mark.parametrize(("section", "inputs", "output", "params", "macs", "states"), RECURRENT)
def test_a_recurrent_section_is_one_step_that_takes_its_state(
    section: str, inputs: int, output: tuple[int, ...], params: int, macs: int, states: list[str]
) -> None:
    text = f"[net]\ninputs={inputs}\ntime_steps=9\n" + "\n".join(section.split())
    model = read_darknet(Source("net.cfg", text))
    analysis = analysis_of(model)
    assert [*model.inputs] == ["input", *states]
    assert model.notes == (
        "the figures are those of one step in time, which takes the state before it",
    )
    assert analysis.layers[-1].output.shape == output
    assert (analysis.params, analysis.macs) == (params, macs)


def test_crnn_is_three_convolutions() -> None:
    analysis = darknet(text_of("[crnn] hidden_filters=4 output_filters=2", (3, 5, 5)))
    assert analysis.layers[-1].output.shape == (2, 5, 5)
    assert analysis.params == (27 * 4 + 4) + (36 * 4 + 4) + (36 * 2 + 2)


def test_crnn_has_the_kernel_that_it_is_given() -> None:
    analysis = darknet(text_of("[crnn] size=1 hidden=4 output=2 groups=1", (3, 5, 5)))
    assert analysis.params == (3 * 4 + 4) + (4 * 4 + 4) + (4 * 2 + 2)
    with pytest.raises(SpecError, match="would not have the sizes of the next"):
        darknet(text_of("[crnn] size=3 hidden=4 output=2", (3, 5, 5)))


def test_an_option_that_nobody_reads_is_noted_or_refused() -> None:
    text = text_of("[convolutional] filters=3#what sise=3 xnor=1 antialiasing=0", (3, 4, 4))
    model = read_darknet(Source("net.cfg", text))
    assert analysis_of(model).params == 12
    assert model.notes == ("[convolutional] sise (line 7): archcalc does not know this option",)
    with pytest.raises(SpecError, match=r"net\.cfg:9:1: .*antialiasing: archcalc does not read it"):
        darknet(text.replace("antialiasing=0", "antialiasing=1"))


def test_what_heads_take_are_the_outputs() -> None:
    text = text_of(
        "[convolutional] filters=8 ; [yolo] ; [route] layers=-2 ; [upsample] stride=2 ; "
        "[convolutional] filters=6 ; [yolo]",
        (3, 4, 4),
    )
    model = read_darknet(Source("net.cfg", text))
    assert model.outputs == {"1.yolo": "0.logistic", "5.yolo": "4.logistic"}
    assert model.notes[0].endswith("is not counted: 1.yolo, 5.yolo")
    assert [statement.name for statement in model.statements] == [
        "0.conv",
        "0.logistic",
        "3.upsample",
        "4.conv",
        "4.logistic",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no sections"),
        ("[convolutional]\n", "net.cfg:1:1: [convolutional]: the first section has to be [net]"),
        ("x=1\n", "net.cfg:1:1: an option before the first section"),
        ("[net]\n", "net.cfg:1:1: [net]: height, width and channels are missing, or inputs"),
        ("[net]\ninputs=3\nwhat\n", "net.cfg:3:1: expected [type] or name=value, not 'what'"),
        ("[net\n", "net.cfg:1:1: expected [type], not '[net'"),
        ("[net]\ninputs=x\n", "net.cfg:2:1: [net]: inputs: expected a whole number, not 'x'"),
        ("[net]\ninputs=3\n", "no layers"),
        (text_of("[convolutinal]", (3, 4, 4)), "did you mean 'convolutional'?"),
        (text_of("[convolutional] activation=leeky", (3, 4, 4)), "did you mean 'leaky'?"),
        (text_of("[convolutional] size=9", (3, 4, 4)), "a kernel of 9 does not fit in 3x4x4"),
        (text_of("[convolutional] size=99999999999999999", (3, 4, 4)), "expected a whole number"),
        (text_of("[convolutional] filters=4 groups=3", (4, 4, 4)), "in 3 groups"),
        (
            text_of("[dropout] ; [route] layers=0,7", (3, 4, 4)),
            "layers: 7 is none of the 1 sections",
        ),
        (text_of("[dropout] ; [route] layers=1", (3, 4, 4)), "layers: 1 is none of the 1 sections"),
        (text_of("[dropout] ; [route]", (3, 4, 4)), "layers is missing"),
        (text_of("[shortcut] from=-1", (3, 4, 4)), "from: -1 is none of the 0 sections"),
        (text_of("[dropout] ; [upsample] ; [shortcut] from=0", (3, 4, 4)), "a part of 3x8x8 alone"),
        (text_of("[reorg] stride=2", (3, 4, 4)), "3 channels in 4 parts"),
        (text_of("[maxpool] size=2 padding=4", (3, 4, 4)), "padding: 4 around a kernel of 2"),
        (text_of("[local] size=5 pad=1", (3, 8, 8)), "read beside a size of 3 alone"),
        (
            text_of("[convolutional] ; " + "[route] layers=-1,-1 " * 90, (3, 8, 8)),
            "57.route: an output of more values than a tensor can have",
        ),
        (text_of("[dropout] " * (MAX_SECTIONS + 1), (3, 4, 4)), "more than 20,000 sections"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ArchcalcError) as caught:
        darknet(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 2_000
