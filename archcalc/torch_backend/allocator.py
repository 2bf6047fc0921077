"""What a GPU's allocator gives out while tensors live, and which part of it is no tensor."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from archcalc.torch_backend.layer_by_layer import LayerByLayer, Place


class Given(NamedTuple):
    """Bytes that an allocator has given out.

    Attributes:
        requested: as they were asked for.
        allocated: as they were given, in whole blocks.
    """

    requested: int
    allocated: int


class Allocator(Protocol):
    """What counts the bytes that it gives out."""

    def now(self) -> Given:
        """What is given out now."""

    def most(self) -> Given:
        """The most that was at once, of each, since `restart`."""

    def restart(self) -> None:
        """Forgets the most so far."""


class CudaAllocator:
    """torch's allocator of the current CUDA device, from the time on that this is made.

    CUDA has to be in use by then.
    """

    def __init__(self) -> None:
        gc.collect()  # of networks before
        self._before = self._read("current")

    def now(self) -> Given:
        return self._since("current")

    def most(self) -> Given:
        return self._since("peak")

    def restart(self) -> None:
        torch.cuda.reset_peak_memory_stats()

    def _since(self, key: str) -> Given:
        found, before = self._read(key), self._before
        return Given(found.requested - before.requested, found.allocated - before.allocated)

    def _read(self, key: str) -> Given:
        found = torch.cuda.memory_stats_as_nested_dict()
        return Given(*[found[name]["all"][key] for name in ("requested_bytes", "allocated_bytes")])


class OperatorRun(NamedTuple):
    """What an allocator had given out around one run of an operator, and what of it were tensors.

    Attributes:
        operator: torch's name for it.
        at: the layer that it ran for, and in which direction.
        live_before, live_after: bytes of tensors that were alive, what stays not counted.
        before, after: what was given out.
        most: the most that was at once while it ran.
    """

    operator: str
    at: Place
    live_before: int
    live_after: int
    before: Given
    after: Given
    most: Given

    @property
    def workspace(self) -> int:
        """What its kernel took for itself, at the most, and gave back."""
        return self.most.requested - max(self.before.requested, self.after.requested)


class OperatorRuns(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives no types
    """Watches, within the context of `storages`, an allocator around every operator.

    Attributes:
        runs: all of them, in order.
    """

    def __init__(self, storages: LayerByLayer, allocator: Allocator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.runs: list[OperatorRun] = []
        self._storages = storages
        self._allocator = allocator

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        storages, allocator = self._storages, self._allocator
        live, before = storages.live, allocator.now()
        allocator.restart()
        returned = func(*args, **(kwargs or {}))
        self.runs.append(
            OperatorRun(
                str(func), storages.now, live, storages.live,
                before, allocator.now(), allocator.most(),
            )
        )  # fmt: skip
        return returned


@contextmanager
def watched(storages: LayerByLayer, allocator: Allocator | None) -> Iterator[list[OperatorRun]]:
    """With storages watched, and an allocator too if there is one: the runs of operators."""
    with storages.followed():
        if allocator is None:
            yield []
        else:
            with (operators := OperatorRuns(storages, allocator)):
                yield operators.runs


class AllocatorPeak(NamedTuple):
    """The most that an allocator had given out at once, and what that was for.

    `allocated` is the sum of `live`, `workspace`, `rounding` and `rest`.

    Attributes:
        run: the operator that ran.
        allocated: bytes in whole blocks.
        live: of tensors, parameters and all else that stays included.
        workspace: what the kernel of the operator took for itself.
        rounding: what is more in whole blocks.
        rest: given out, and neither of a tensor nor of the operator: what libraries keep for good.
    """

    run: OperatorRun
    allocated: int
    live: int
    workspace: int
    rounding: int
    rest: int


def allocator_peak(runs: Sequence[OperatorRun], constant: int) -> AllocatorPeak:
    """The peak over the runs of operators; `constant` are the bytes that stay all the time."""
    run = max(runs, key=lambda run: run.most.allocated)
    before = (run.before.requested, run.live_before)
    given, live = max(before, (run.after.requested, run.live_after))
    return AllocatorPeak(
        run=run,
        allocated=run.most.allocated,
        live=live + constant,
        workspace=run.workspace,
        rounding=run.most.allocated - run.most.requested,
        rest=given - live - constant,
    )


def workspaces(runs: Iterable[OperatorRun]) -> dict[str, OperatorRun]:
    """Of each operator whose kernels take something for themselves the run that takes most."""
    most: dict[str, OperatorRun] = {}
    for run in runs:
        if run.workspace > (most[run.operator].workspace if run.operator in most else 0):
            most[run.operator] = run
    return dict(sorted(most.items(), key=lambda item: -item[1].workspace))
