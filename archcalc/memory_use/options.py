"""How a network is trained, as far as its memory depends on it."""

from __future__ import annotations

from archcalc.analysis import DTYPES
from archcalc.errors import UsageError, require_known
from archcalc.memory_use.losses import LOSSES
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.record import Record, replace

MIXED = "mixed"
HALF_PRECISION = ("bfloat16", "float16")
TRAINING_DTYPES = ("float32", *HALF_PRECISION, MIXED)
AUTO = "auto"
DEVICES = ("cpu", "cuda")


class TrainingOptions(Record):
    """How a network is trained.

    Attributes:
        optimizer: one of `OPTIMIZERS`.
        dtype: float32, bfloat16 or float16 of everything, or `MIXED`: `torch.autocast`.
        device: "cpu" or "cuda": torch does some things there in another way.
        loss: one of `losses.LOSSES`.
        foreach: whether the optimizer updates all tensors at once, and not one after the other;
            None for torch's default: on a GPU.
        accumulate: over how many batches gradients are summed up before the optimizer steps.
        master: whether the optimizer works on copies of the parameters in float32, which is for
            parameters in half precision (Micikevicius et al. 2018, section 3.1). Its state is in
            float32 then, and so are the gradients that it takes, cast one after the other.
        freeze: patterns of layers and blocks that do not learn, beside those of the spec
            (`patterns.groups_meant`).
        checkpoint: likewise, of stretches that run again in the backward pass; or from one layer
            to another, as `conv2..relu5`; or `AUTO`: the cut that needs the least memory.
    """

    optimizer: str = "sgd"
    dtype: str = "float32"
    device: str = "cpu"
    loss: str = "sum"
    foreach: bool | None = None
    accumulate: int = 1
    master: bool = False
    freeze: tuple[str, ...] = ()
    checkpoint: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises UsageError where something is not known, with a guess, or is no number."""
        require_known("unknown optimizer", self.optimizer, OPTIMIZERS)
        if self.dtype in DTYPES and self.dtype not in TRAINING_DTYPES:  # which is no slip
            known = ", ".join(TRAINING_DTYPES)
            raise UsageError(f"no training in dtype {self.dtype!r}; known: {known}")
        require_known("no training in dtype", self.dtype, TRAINING_DTYPES)
        require_known("unknown device", self.device, DEVICES)
        require_known("unknown loss", self.loss, LOSSES)
        if type(self.accumulate) is not int or self.accumulate < 1:
            message = f"must be a whole number of batches, at least 1, not {self.accumulate!r}"
            raise UsageError(message, "accumulate")
        if self.master and self.dtype not in HALF_PRECISION:
            known = " or ".join(HALF_PRECISION)
            message = (
                f"a copy in float32 is for parameters in {known}; in {self.dtype} they have 4 bytes"
            )
            raise UsageError(message, "master")

    @property
    def without_patterns(self) -> TrainingOptions:
        """All but what they freeze and checkpoint, for a network in which that is done."""
        return replace(self, freeze=(), checkpoint=())

    @property
    def on_gpu(self) -> bool:
        """Whether it runs on a GPU."""
        return self.device == "cuda"

    @property
    def updates_at_once(self) -> bool:
        """Whether the optimizer updates all tensors at once."""
        return self.on_gpu if self.foreach is None else self.foreach
