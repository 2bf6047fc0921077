"""Memory by the rules beside memory in torch, and an allocator's beside both."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from archcalc import FeatureMap, Graph, MeasurementError, UsageError
from archcalc.layers.convolution import Conv
from archcalc.layers.linear import Linear
from archcalc.layers.local_response_norm import LocalResponseNorm
from archcalc.layers.normalization import BatchNorm
from archcalc.layers.pooling import GlobalAvgPool
from archcalc.layers.reshaping import Flatten
from archcalc.memory_use.moments import Purpose
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import saved_bytes
from archcalc.memory_use.training import step_of
from archcalc.record import replace
from archcalc.torch_backend import free_memory, memory_figures
from archcalc.torch_backend import verify as verifying
from archcalc.torch_backend.allocator import CudaAllocator, Given
from archcalc.torch_backend.prepared import inference_bytes
from archcalc.torch_backend.storages import LiveStorages
from archcalc.torch_backend.verify import conditions, verify
from archcalc.verification import ALLOCATOR_PARTS, Comparison, Conditions, Figure
from archcalc.walk import analyze
from tests.graphs import chain

NETWORK = chain(FeatureMap(3, (9, 9)), Conv(channels=5, kernel=3), BatchNorm())
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

WORKSPACE = 10_000  # what a convolution takes for itself in the tests
KEPT_FOR_GOOD = 777
BLOCK = 512


def totals(found: Comparison) -> dict[str, Figure]:
    return {figure.quantity: figure for figure in found.figures if not figure.layer}


def size(figure: Figure) -> int:
    assert isinstance(figure.measured, int)
    return figure.measured


def memory(graph: Graph, dtype: str = "float32", **options: Any) -> Comparison:
    under = conditions("cpu", dtype, batch=2)
    return verify(graph, what=["memory"], under=under, **options)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_training_step_takes_what_the_rule_says_with_each_optimizer(dtype: str) -> None:
    found = memory(NETWORK, dtype, trained=[*map(TrainingOptions, OPTIMIZERS)])
    assert found.differences == ()
    steps = {name: figure for name, figure in totals(found).items() if "training" in name}
    assert [*steps] == [
        f"training_peak_bytes{'' if name == 'sgd' else f' ({name})'}" for name in OPTIMIZERS
    ]
    sgd, momentum, adam, adamw = map(size, steps.values())
    assert sgd < momentum < adam == adamw


def test_the_note_says_where_most_is_alive() -> None:
    assert totals(memory(NETWORK))["training_peak_bytes"].note == (
        "most while batch_norm1 runs backward"
    )


WAYS = {
    "momentum, mse, foreach True": TrainingOptions("momentum", loss="mse", foreach=True),
    "accumulate 3": TrainingOptions(accumulate=3),
    "freeze conv0": TrainingOptions(freeze=("conv0",)),
}


@pytest.mark.parametrize("named", WAYS)
def test_it_does_so_in_whatever_way_it_is_trained(named: str) -> None:
    found = memory(NETWORK, trained=[WAYS[named]])
    assert found.differences == ()
    assert size(totals(found)[f"training_peak_bytes ({named})"]) != size(
        totals(memory(NETWORK))["training_peak_bytes"]
    )


def test_of_mixed_precision_the_training_step_alone_is_compared() -> None:
    found = memory(NETWORK, "mixed")
    assert [figure.quantity for figure in found.figures] == ["training_peak_bytes"]
    assert found.differences == ()
    assert found.conditions.dtype == "mixed"
    with pytest.raises(UsageError, match="mixed precision is of a training step: compare memory"):
        verify(NETWORK, what=["sizes", "memory"], under=found.conditions)
    with pytest.raises(UsageError, match="no training step runs on the meta device"):
        verify(NETWORK, what=["memory"], under=conditions("meta", "mixed"))


def test_in_float64_archcalc_has_no_training_step() -> None:
    assert "training_peak_bytes" not in totals(memory(NETWORK, "float64"))


def test_what_cannot_train_on_one_image_trains_on_two() -> None:
    graph = chain(FeatureMap(3, (4, 4)), GlobalAvgPool(), Conv(channels=2, kernel=1), BatchNorm())
    found = verify(graph, what=["memory"], under=conditions("cpu"))
    assert found.differences == ()
    assert "for two images: " in totals(found)["training_peak_bytes"].note


def test_an_unknown_optimizer_gets_a_guess() -> None:
    with pytest.raises(UsageError, match="unknown optimizer 'adams'; did you mean 'adam'"):
        memory(NETWORK, trained=[TrainingOptions("adams")])


# ----- what is off by a byte, or is not measured -----


@pytest.mark.parametrize(
    ("measures", "quantity"),
    [("measured_inference", "peak_bytes"), ("measured_step", "training_peak_bytes")],
)
def test_a_single_byte_more_differs(
    measures: str, quantity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: Callable[..., Any] = getattr(memory_figures, measures)

    def one_more(*arguments: Any) -> Any:
        found = measured(*arguments)
        return replace(found, beyond=found.beyond + 1)

    monkeypatch.setattr(memory_figures, measures, one_more)
    found = memory(NETWORK)
    assert [figure.quantity for figure in found.differences] == [quantity]


def test_a_buffer_that_the_rule_forgets_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(*arguments: Any) -> Any:
        step = step_of(*arguments)
        moments = [m._replace(parts=m.parts | {Purpose.BUFFERS: 0}) for m in step.moments]
        return replace(step, moments=tuple(moments))

    monkeypatch.setattr(memory_figures, "step_of", forgetful)
    (figure,) = memory(NETWORK).differences
    assert figure.quantity == "training_peak_bytes"
    assert isinstance(figure.rule, int)
    assert size(figure) - figure.rule == 5 * 2 * 4 + 8  # means, variances, and how many batches


def test_what_torch_has_no_kernel_for_is_not_measured() -> None:
    graph = chain(FeatureMap(3, (4, 4)), Conv(channels=4, kernel=1), LocalResponseNorm())
    found = memory(graph, "float16")
    assert found.differences == ()
    missing = {(figure.quantity, figure.layer) for figure in found.not_measured}
    layers = ["conv0", "local_response_norm1", ""]
    peaks = {("peak_bytes", ""), ("training_peak_bytes", "")}
    assert missing == {("saved_bytes", layer) for layer in layers} | peaks
    (why,) = {figure.not_measured for figure in found.not_measured}
    assert why.startswith("torch refuses on cpu: ")
    assert why.endswith("not implemented for 'Half'")


def test_another_failure_is_not_taken_for_a_missing_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(memory_figures, "measured_step", fail)
    with pytest.raises(MeasurementError, match="torch fails on cpu: something else"):
        memory(NETWORK)


# ----- what there is no room for -----


def only_free(free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_memory, "free_bytes", lambda device: free)


def lacking(found: Comparison) -> dict[str, str]:
    """Why totals were not measured, by their quantity."""
    return {figure.quantity: figure.not_measured for figure in found.not_measured}


def test_each_peak_says_by_itself_that_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU gives out more than it has, and ends the process when that is written to."""
    network = chain(
        FeatureMap(3, (9, 9)), Conv(channels=5, kernel=3), Flatten(), Linear(features=200)
    )
    rules = {name: figure.rule for name, figure in totals(memory(network)).items()}
    step = rules["training_peak_bytes"]
    assert isinstance(step, int)
    analysis = analyze(network, batch=2)
    assert inference_bytes(analysis) + sum(saved_bytes(analysis).values()) < step
    only_free(step - 1, monkeypatch)
    found = memory(network)
    assert lacking(found) == {
        "training_peak_bytes": "a training step needs 0.0 GB on cpu, where 0.0 GB are free; "
        "take a smaller batch or input"
    }
    assert found.differences == ()
    only_free(inference_bytes(analysis), monkeypatch)
    assert {*lacking(memory(network))} == {"training_peak_bytes", "saved_bytes"}
    only_free(inference_bytes(analysis) - 1, monkeypatch)
    found = memory(network)
    assert {*lacking(found)} == {"training_peak_bytes", "saved_bytes", "peak_bytes"}
    assert {name: figure.rule for name, figure in totals(found).items()} == rules
    assert found.unmeasured_subjects == ()  # the bytes of outputs were compared


def test_where_no_network_fits_its_shapes_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_figures, "twin_without_values", None)  # nothing takes memory
    only_free(10**9, monkeypatch)
    every = ["sizes", "params", "macs", "memory"]
    found = verify("vgg16", what=every, under=conditions("cpu", batch=1000))
    assert found.differences == ()
    whole = lacking(found)
    assert whole["saved_bytes"].startswith("what training keeps needs ")
    assert whole["peak_bytes"] == (
        "inference needs 26.2 GB on cpu, where 1.0 GB are free; take a smaller batch or input"
    )
    kept = {figure.layer for figure in found.not_measured if figure.quantity == "saved_bytes"}
    assert kept == {"", *[figure.layer for figure in found.figures if figure.subject == "sizes"]}
    compared = {figure.quantity for figure in found.figures if figure.compared}
    assert compared == {
        "output", "weights", "biases", "buffers", "macs", "macs (fvcore)", "activation_bytes",
    }  # fmt: skip


def test_of_mixed_precision_nothing_is_measured_without_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only_free(1000, monkeypatch)
    found = memory(NETWORK, "mixed")
    assert {*lacking(found)} == {"training_peak_bytes"}
    assert found.unmeasured_subjects == ("memory",)


def test_fvcore_and_times_take_an_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = analyze(NETWORK)
    only_free(inference_bytes(analysis), monkeypatch)
    under = conditions("cpu")
    found = verify(NETWORK, what=["macs", "time"], under=under)
    assert found.not_measured == ()
    assert found.times is not None
    only_free(inference_bytes(analysis) - 1, monkeypatch)
    found = verify(NETWORK, what=["macs", "time"], under=under)
    assert lacking(found) == {
        "macs (fvcore)": "fvcore needs 0.0 GB on cpu, where 0.0 GB are free; "
        "take a smaller batch or input",
        "seconds": "inference needs 0.0 GB on cpu, where 0.0 GB are free; "
        "take a smaller batch or input",
    }
    assert found.times is None
    assert found.unmeasured_subjects == ("time",)


@pytest.mark.parametrize("what", ["sizes", "memory"])
def test_nothing_is_taken_of_a_gpu_without_room(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a GPU of 1 GB that is not there: whatever took memory of it would fail."""
    only_free(10**9, monkeypatch)
    monkeypatch.setattr(torch.cuda, "device", nullcontext)
    monkeypatch.setattr(verifying, "undisturbed", nullcontext)
    under = Conditions("cuda:0", "NVIDIA None", torch.__version__, "float32", 1000)
    found = verify("vgg16", what=[what], under=under)
    assert found.differences == ()
    assert any(figure.compared for figure in found.figures)
    peak = "inference needs 26.2 GB on cuda:0, where 1.0 GB are free; take a smaller batch or input"
    assert lacking(found).get("peak_bytes") == (peak if what == "memory" else None)


# ----- an allocator -----


class StandIn(LiveStorages):  # type: ignore[no-untyped-call]  # torch gives no types
    """Gives out what lives, in whole blocks, and what convolutions take for themselves.

    As CUDA's allocator does, for which it stands. It is entered before all other modes, so that it
    is the next to the kernels.
    """

    def __init__(self) -> None:
        super().__init__(torch.nn.Identity())
        self._blocks = 0
        self._before = self._most = Given(0, 0)

    def from_now_on(self) -> StandIn:
        gc.collect()
        self._before = Given(self.live, self._blocks)
        return self

    def now(self) -> Given:
        live, blocks = self._before
        return Given(self.live - live + KEPT_FOR_GOOD, self._blocks - blocks + KEPT_FOR_GOOD)

    def most(self) -> Given:
        return self._most

    def restart(self) -> None:
        self._most = self.now()

    def made(self, storage: torch.UntypedStorage) -> None:
        super().made(storage)
        rounded = -(-self.bytes[storage] // BLOCK) * BLOCK
        self._blocks += rounded
        weakref.finalize(storage, self._take_back, rounded)
        self._took(0)

    def _take_back(self, size: int) -> None:
        self._blocks -= size

    def _took(self, workspace: int) -> None:
        now = self.now()
        requested = max(self._most.requested, now.requested + workspace)
        allocated = max(self._most.allocated, now.allocated + -(-workspace // BLOCK) * BLOCK)
        self._most = Given(requested, allocated)

    def __torch_dispatch__(self, func: Any, *others: Any) -> Any:
        returned = super().__torch_dispatch__(func, *others)
        if "convolution" in str(func):
            self._took(WORKSPACE)
        return returned


@pytest.fixture
def allocator(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    stand_in = StandIn()
    monkeypatch.setattr(memory_figures, "_allocator", lambda device: stand_in.from_now_on())
    with stand_in:
        yield stand_in


@pytest.mark.usefixtures("allocator")
def test_the_peak_of_an_allocator_is_split_into_what_it_was_for() -> None:
    found = memory(NETWORK, trained=[*map(TrainingOptions, ("sgd", "adam"))])
    assert found.differences == ()
    step = "training_peak_bytes"
    for name, of in (("peak_bytes", ""), (step, ""), (step, "adam, ")):
        part = {key: totals(found)[f"{name} ({of}{key})"] for key in ALLOCATOR_PARTS}
        assert all(figure.rule is None for figure in part.values())
        allocator, live, workspace, rounding, rest = map(size, part.values())
        assert (workspace, rest) == (WORKSPACE, KEPT_FOR_GOOD)
        assert 0 < rounding < 100 * BLOCK
        assert allocator == live + workspace + rounding + rest
        assert "aten.convolution.default 10,000 while conv0 runs forward" in part["workspace"].note
    assert (
        part["allocator"].note == "in aten.convolution_backward.default, while conv0 runs backward"
    )
    backward = "aten.convolution_backward.default 10,000 while conv0 runs backward"
    assert backward in part["workspace"].note


def test_cuda_counts_from_the_time_on_that_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([(1000, 1024), (1700, 2048), (5000, 5120)])

    def stats() -> dict[str, dict[str, dict[str, int]]]:
        requested, allocated = next(readings)
        return {
            name: {"all": {"current": size, "peak": size}}
            for name, size in (("requested_bytes", requested), ("allocated_bytes", allocated))
        }

    monkeypatch.setattr(torch.cuda, "memory_stats_as_nested_dict", stats)
    counted = CudaAllocator()
    assert counted.now() == Given(requested=700, allocated=1024)
    assert counted.most() == Given(requested=4000, allocated=4096)


# ----- on a GPU -----


@needs_gpu
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "mixed"])
@pytest.mark.parametrize("name", ["lenet5", "resnet20", "googlenet"])
def test_what_lives_on_a_gpu_is_what_the_rule_says(name: str, dtype: str) -> None:
    under = conditions("cuda", dtype, batch=2)
    found = verify(
        name, what=["memory"], under=under, trained=[*map(TrainingOptions, ("sgd", "adam"))]
    )
    assert found.differences == ()
    quantities = totals(found)
    for of in ("", "adam, "):
        allocator, *parts = [
            size(quantities[f"training_peak_bytes ({of}{part})"]) for part in ALLOCATOR_PARTS
        ]
        assert allocator == sum(parts)
        assert min(parts[:3]) >= 0
