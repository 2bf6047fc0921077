"""Wall time at inference, of each layer by itself and of the whole network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn

from archcalc.torch_backend.modes import exact_float32
from archcalc.torch_backend.running import Running

_WARM_UPS = 3
_LEAST_RUNS = 9
_MOST_RUNS = 100
_ENOUGH_SECONDS = 0.1  # that the runs of one layer take together
_CALLS_PER_GRAPH = 10  # so that a replay takes far longer than it takes to start one


def layer_seconds(module: nn.Module, x: Tensor, layers: Sequence[str]) -> dict[str, float]:
    """The median time of each layer on its own input, and of the module as "".

    On a GPU by replay of a CUDA graph between two events, so that starting the kernels costs
    nothing; on the CPU by the clock. A layer whose tensors fit in a cache finds them there.
    float32 is computed as such: TF32 is off.
    """
    seconds: dict[str, float] = {}

    def measure(name: str, part: nn.Module, given: tuple[Tensor, ...], output: object) -> None:
        # `forward` runs no hooks, so this is not called again from within.
        seconds[name] = _median_seconds(lambda: part.forward(*given), x.device)

    module.eval()
    with torch.no_grad(), exact_float32():
        with Running(module, layers, measure):
            module(x)
        seconds[""] = _median_seconds(lambda: module(x), x.device)
    return seconds


def _median_seconds(call: Callable[[], object], device: torch.device) -> float:
    run = _replay(call) if device.type == "cuda" else _clocked(call)
    times: list[float] = []
    while len(times) < _LEAST_RUNS or (len(times) < _MOST_RUNS and sum(times) < _ENOUGH_SECONDS):
        times.append(run())
    return median(times)


def _clocked(call: Callable[[], object]) -> Callable[[], float]:
    """A run on the CPU, which returns its seconds."""
    call()

    def run() -> float:
        start = perf_counter()
        call()
        return perf_counter() - start

    return run


def _replay(call: Callable[[], object]) -> Callable[[], float]:
    """A run on a GPU as the replay of a graph, which returns the seconds of one call."""
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch gives no types
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # a graph records what earlier calls have set up
        for _ in range(_WARM_UPS):
            call()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(_CALLS_PER_GRAPH):
            call()
    start, end = (
        torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # as above
        for _ in range(2)
    )

    def run() -> float:
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1000 / _CALLS_PER_GRAPH

    return run
