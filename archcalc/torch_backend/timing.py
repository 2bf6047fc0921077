"""Wall time at inference, of each layer by itself and of the whole network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from archcalc.torch_backend.batches import Batch, tensors_of
from archcalc.torch_backend.hooks import Running
from archcalc.torch_backend.modes import exact_float32

_WARM_UPS = 3
_LEAST_RUNS = 9
_MOST_RUNS = 100
_ENOUGH_SECONDS = 0.1  # that the runs of one layer take together
_CALLS_PER_GRAPH = 10  # so that a replay takes far longer than it takes to start one


def layer_seconds(module: nn.Module, x: Batch, layers: Sequence[str]) -> dict[str, float]:
    """The median time of each layer on its own input, and of the module as "".

    On a GPU by replay of a CUDA graph between two events, so that starting the kernels costs
    nothing, and 0 where none is started; on the CPU by the clock. A layer whose tensors fit in a
    cache finds them there. float32 is computed as such: TF32 is off.
    """
    inputs, seconds = tensors_of(x), dict[str, float]()

    def measure(name: str, part: nn.Module, given: tuple[Tensor, ...], output: object) -> None:
        # `forward` runs no hooks, so this is not called again from within.
        seconds[name] = _median_seconds(lambda: part.forward(*given), inputs[0].device)

    module.eval()
    with torch.no_grad(), exact_float32():
        with Running(module, layers, measure):
            module(*inputs)
        seconds[""] = _median_seconds(lambda: module(*inputs), inputs[0].device)
    return seconds


def _median_seconds(call: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda" and not starts_kernels(call):
        return 0.0  # a graph of nothing could not be replayed
    run = _replay(call) if device.type == "cuda" else _clocked(call)
    times: list[float] = []
    while len(times) < _LEAST_RUNS or (len(times) < _MOST_RUNS and sum(times) < _ENOUGH_SECONDS):
        times.append(run())
    return median(times)


def starts_kernels(call: Callable[[], object]) -> bool:
    """Whether `call` makes more than views of what is there, which `flatten` does not."""
    seen = _Operators()  # type: ignore[no-untyped-call]  # torch gives no types
    with seen:
        call()
    return seen.more_than_views


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives no types
    """Notes, as a context, whether any operator is more than a view."""

    more_than_views: bool = False

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        self.more_than_views = self.more_than_views or not func.is_view
        return func(*args, **(kwargs or {}))


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
