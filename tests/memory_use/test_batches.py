"""The peak over the batch: one formula for every number of images, beside a replay for each."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archcalc import Graph, UsageError, analyze, load
from archcalc.memory_use.batches import Peaks, peaks_over_batches
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import course_of, refused_in_training, step_of
from archcalc.memory_use.training_step import events
from tests.graphs import all_used, overwriting_graphs, random_graphs
from tests.spec_texts import analysis_of

BATCHES = [*range(1, 10), 100, 98_765]
WAYS = [
    TrainingOptions(),
    TrainingOptions(optimizer="adam", loss="mse"),
    TrainingOptions(optimizer="adamw", foreach=True, accumulate=2),
    TrainingOptions(optimizer="momentum", device="cuda", dtype="bfloat16"),
    TrainingOptions(dtype="mixed", loss="cross_entropy"),
]


def replayed(graph: Graph, options: TrainingOptions, batch: int) -> int:
    return step_of(analyze(graph, batch=batch), options).peak.bytes


def check_peaks(graph: Graph, options: TrainingOptions) -> Peaks:
    """The formula is what a replay says, at each of `BATCHES` that torch trains on."""
    peaks = peaks_over_batches(analyze(graph), options)
    assert peaks.least == (2 if refused_in_training(analyze(graph)) else 1)
    for batch in BATCHES[peaks.least - 1 :]:
        assert peaks.at(batch).bytes == replayed(graph, options, batch), batch
    starts = [piece.first for piece in peaks.pieces]
    ends = [piece.last for piece in peaks.pieces]
    assert [*ends[:-1], None] == [*[start - 1 for start in starts[1:]], ends[-1]]
    return peaks


@given(random_graphs(), st.sampled_from(WAYS))
def test_the_lines_are_what_a_replay_says(graph: Graph, options: TrainingOptions) -> None:
    assume(why_memory_is_unknown(analyze(graph), options.dtype) is None)
    check_peaks(graph, options)


@given(overwriting_graphs(), st.sampled_from(WAYS))
def test_with_views_and_gaps_too(graph: Graph, options: TrainingOptions) -> None:
    assume(why_memory_is_unknown(analyze(graph), options.dtype) is None)
    check_peaks(all_used(graph), options)


@pytest.mark.parametrize("name", ["lenet5_1998", "resnet20", "densenet_40_12", "deconv_unpool"])
def test_of_networks_of_the_library_too(name: str) -> None:
    check_peaks(load(name), TrainingOptions(optimizer="adam"))


@given(random_graphs(), st.sampled_from(WAYS))
def test_from_two_images_on_the_same_happens_whatever_their_number(
    graph: Graph, options: TrainingOptions
) -> None:
    """So that what is alive at each event lies on a line over the batch."""
    assume(why_memory_is_unknown(analyze(graph), options.dtype) is None)
    analysis = analyze(graph)
    at = {n: events(course_of(analysis.of_batch(n, "float32"), options)) for n in range(2, 7)}
    for two, three, *more in zip(*at.values(), strict=True):
        for n, event in enumerate(more, start=4):
            assert event == two._replace(bytes=two.bytes + (n - 2) * (three.bytes - two.bytes))


# ----- the largest batch in a budget -----


@given(random_graphs(), st.sampled_from(WAYS), st.integers(0, 60), st.integers(-1, 1))
def test_the_largest_batch_fits_and_one_more_does_not(
    graph: Graph, options: TrainingOptions, images: int, more: int
) -> None:
    assume(why_memory_is_unknown(analyze(graph), options.dtype) is None)
    peaks = {n: replayed(graph, options, n) for n in (1, images + 1, images + 2)}
    budget = peaks[images + 1] + more
    found = peaks_over_batches(analyze(graph), options).within(budget)
    if found is None:
        refused = refused_in_training(analyze(graph))
        assert budget < replayed(graph, options, 2)
        assert budget < peaks[1] or refused
        return
    assert found.bytes == replayed(graph, options, found.batch) <= budget
    assert replayed(graph, options, found.batch + 1) > budget


BEHIND_GAPS = """
  - conv: {{channels: {channels}, kernel: 3, padding: 1}}
  - channel_slice: {{stop: 4}}
  - group_norm: {{groups: 2}}
  - conv: {{channels: 8, kernel: 1}}
"""


@pytest.mark.parametrize("channels", [6, 8, 64])
@pytest.mark.parametrize("budget", [8_000, 12_000, 20_000, 100_000])
def test_where_one_image_takes_more_or_less_than_others_the_largest_batch_fits(
    channels: int, budget: int
) -> None:
    """One image of a slice lies in one piece; of several each has to be copied."""
    analysis = analysis_of(BEHIND_GAPS.format(channels=channels))
    peaks = {n: replayed(analysis.graph, TrainingOptions(), n) for n in range(1, 60)}
    fitting = [n for n, peak in peaks.items() if peak <= budget]
    best = peaks_over_batches(analysis).within(budget)
    assert (best.batch if best else None) == max(fitting, default=None)


ONE_VALUE_PER_CHANNEL = """\
name: gapbn
input: [8, 16, 16]
layers:
  - global_avg_pool
  - conv: {channels: 8, kernel: 1, bias: false}
  - batch_norm
"""


def test_a_batch_that_torch_refuses_is_none() -> None:
    analysis = analysis_of(ONE_VALUE_PER_CHANNEL)
    peaks = peaks_over_batches(analysis)
    two = peaks.at(2)
    assert peaks.least == two.batch == 2
    with pytest.raises(UsageError, match="batch: torch does not train on fewer than 2 images"):
        peaks.at(1)
    assert peaks.within(two.bytes - 1) is None
    assert peaks.within(two.bytes) == two
