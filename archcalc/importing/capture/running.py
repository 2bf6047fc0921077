"""One run of a module on a copy of it, which leaves the module, and the process, as they were."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Any, NamedTuple

import torch
import torch.nn.modules.module as of_modules
from torch import Tensor, nn

from archcalc.errors import UsageError
from archcalc.importing.capture.constants import Constants
from archcalc.importing.capture.copying import StandIn, copied
from archcalc.importing.capture.flops import FlopCount
from archcalc.importing.capture.inputs import Example, Inputs
from archcalc.importing.capture.numbering import Seen
from archcalc.importing.capture.recording import Recorder
from archcalc.importing.trace import CONSTANT, Held, Operation

META = "meta"  # tensors have shapes alone
FAKE = "fake"  # they claim to lie on the CPU
REAL = "real"  # they have values


class Run(NamedTuple):
    """What a run was: as a `Trace` has it, for one batch size."""

    tensors: list[Seen]
    operations: list[Operation]
    inputs: dict[str, int]
    held: dict[int, Held]
    constants: Constants
    unused: dict[Held, tuple[int, ...]]
    outputs: dict[str, int]
    training_operations: list[Operation]
    training_outputs: dict[str, int]
    training_places: dict[int, int]
    counted: bool
    flops: int | None
    silenced: tuple[str, ...]


def run(
    module: nn.Module,
    inputs: Inputs,
    batch: int,
    on: str,
    *,
    counted: bool = False,
    again: bool = False,
    training: bool = False,
) -> Run:
    """Runs a copy of `module` once.

    Args:
        on: META, FAKE or REAL tensors.
        counted: whether to count FLOPs.
        again: it ran already with another batch.
        training: in training mode, and not in evaluation.

    Raises:
        UsageError: the module cannot be copied; a tensor comes from where nothing is seen; no
            tensor is returned.
        Exception: whatever the module raises.
    """
    with ExitStack() as around:
        around.enter_context(undisturbed())
        if on == FAKE:
            from torch._subclasses.fake_tensor import FakeTensorMode

            around.enter_context(FakeTensorMode())
        device = META if on == META else "cpu"
        copy = copied(module, _STAND_INS[on], device, training)
        args, kwargs, given = inputs.called_with(batch, _MAKERS[on])
        if copy.lazy:
            copy.module(*args, **kwargs)
            copy = copy.settled()
        recorder = Recorder(copy, given, keeps=on != REAL, again=again)
        counter = FlopCount() if counted else None
        with counter or ExitStack(), recorder:
            returned = copy.module(*args, **kwargs)
        numbering = recorder.numbering
        outputs = {name: numbering.number(x) for name, x in named_outputs(returned).items()}
        if not outputs:
            raise UsageError(f"{copy.name}.forward returns no tensor")
        taken = set(numbering.held.values())
        unused = {
            known.held: tuple(known.tensor.shape)
            for known in copy.known.values()
            if known.held.role != CONSTANT and known.held not in taken
        }
        return Run(
            numbering.tensors,
            recorder.operations,
            recorder.inputs,
            numbering.held,
            numbering.constants,
            unused,
            outputs,
            [],
            {},
            {},
            counted,
            counter.total if counter is not None and counter.complete else None,
            copy.silenced,
        )


def _on_meta(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _faked(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")


def _with_values(tensor: Tensor) -> Tensor:
    if tensor.device.type == "meta":
        return torch.zeros(tensor.shape, dtype=tensor.dtype)
    return tensor.detach().to("cpu", copy=True)


_STAND_INS: dict[str, StandIn] = {META: _on_meta, FAKE: _faked, REAL: _with_values}


def _meta_input(example: Example, batch: int) -> Tensor:
    return torch.empty(example.with_batch(batch), dtype=example.dtype, device="meta")


def _fake_input(example: Example, batch: int) -> Tensor:
    return torch.empty(example.with_batch(batch), dtype=example.dtype)


def _real_input(example: Example, batch: int) -> Tensor:
    """The user's, its images again where they are too few; else at random, or zeros of integers."""
    if example.given is not None and example.given.device.type != "meta":
        given = example.given.detach().to("cpu", copy=True)
        if not example.batched:
            return given
        return given.repeat(-(-batch // len(given)), *[1] * (given.dim() - 1))[:batch]
    shape = example.with_batch(batch)
    if example.dtype.is_floating_point:
        return torch.rand(shape, dtype=example.dtype)
    return torch.zeros(shape, dtype=example.dtype)


_MAKERS = {META: _meta_input, FAKE: _fake_input, REAL: _real_input}


def named_outputs(returned: Any) -> dict[str, Tensor]:
    """The tensors of a result by name: keys and fields, else "output_0" and so on."""
    found = dict(_outputs_in(returned, ""))
    return {"output": next(iter(found.values()))} if len(found) == 1 else found


def _outputs_in(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name or "output", value
        return
    parts: Mapping[Any, Any]
    if isinstance(value, Mapping):
        parts = value
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        parts = value._asdict()
    elif isinstance(value, list | tuple):
        if not name:
            name = "output"
        parts = dict(enumerate(value))
    else:
        parts = {} if isinstance(value, type) else _fields_of(value)
    for key, part in parts.items():
        yield from _outputs_in(part, f"{name}_{key}" if name else str(key))


def _fields_of(value: Any) -> Mapping[str, Any]:
    """Of a dataclass."""
    fields = getattr(value, "__dataclass_fields__", {})
    return {name: getattr(value, name, None) for name in fields}


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without gradients, compilers and hooks of others, and leaving random numbers alone."""
    with ExitStack() as around:
        around.enter_context(redirect_stdout(sys.stderr))  # what modules print is no figure
        around.enter_context(torch.random.fork_rng([]))
        around.enter_context(_same_random_numbers())
        around.enter_context(torch.inference_mode(False))
        around.enter_context(torch.no_grad())
        around.enter_context(_without_global_hooks())
        around.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        if "torch._dynamo" in sys.modules:
            around.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    state = random.getstate()
    numpy = sys.modules.get("numpy.random")
    of_numpy = numpy.get_state() if numpy is not None else None
    try:
        yield
    finally:
        random.setstate(state)
        if numpy is not None:
            numpy.set_state(of_numpy)


@contextmanager
def _without_global_hooks() -> Iterator[None]:
    """Without the hooks that a user has put on all modules."""
    tables = [of_modules._global_forward_pre_hooks, of_modules._global_forward_hooks]
    before = [dict(table) for table in tables]
    try:
        for table in tables:
            table.clear()
        yield
    finally:
        for table, hooks in zip(tables, before, strict=True):
            table.clear()
            table.update(hooks)
