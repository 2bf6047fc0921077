"""How a network is trained, as far as its memory depends on it."""

from __future__ import annotations

from archcalc.errors import require_known
from archcalc.memory_use.losses import LOSSES
from archcalc.record import Record

MIXED = "mixed"
TRAINING_DTYPES = ("float32", "bfloat16", "float16", MIXED)
DEVICES = ("cpu", "cuda")


class TrainingOptions(Record):
    """How a network is trained.

    Attributes:
        optimizer: one of `training.OPTIMIZERS`.
        dtype: float32, bfloat16 or float16 of everything, or `MIXED`: `torch.autocast`.
        device: "cpu" or "cuda": torch does some things there in another way.
        loss: one of `losses.LOSSES`.
    """

    optimizer: str = "sgd"
    dtype: str = "float32"
    device: str = "cpu"
    loss: str = "sum"

    def check(self) -> None:
        """Raises UsageError where something is not known, with a guess."""
        require_known("no training in dtype", self.dtype, TRAINING_DTYPES)
        require_known("unknown device", self.device, DEVICES)
        require_known("unknown loss", self.loss, LOSSES)

    @property
    def on_gpu(self) -> bool:
        """Whether it runs on a GPU."""
        return self.device == "cuda"
