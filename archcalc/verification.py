"""Rule beside measurement: the records of a comparison with torch. Needs no torch itself."""

from __future__ import annotations

from typing import TypeAlias

from archcalc.hardware.roofline import Bound
from archcalc.identity import Identity
from archcalc.record import Record

# What can be compared, in the order of reports.
SUBJECTS: dict[str, str] = {
    "sizes": "the output of every layer",
    "params": "learned values and buffers",
    "macs": "multiply-accumulates",
    "memory": "bytes of outputs, kept for the backward pass, and alive at once",
    "field": "receptive field, jump and offset of layers, and the pixels that units see",
    "time": "seconds, beside the least that a device needs",
}

COUNTED = ("sizes", "params", "macs")  # the subjects for which shapes are enough

# What can be measured in: all of it, or in "mixed" precision a training step.
VERIFIED_DTYPES = ("float32", "float64", "float16", "bfloat16", "mixed")

# What a GPU's allocator gives out at the most, and the parts of it.
ALLOCATOR_PARTS = ("allocator", "live", "workspace", "rounding", "rest")

# A count, a shape, or one figure for each axis.
Value: TypeAlias = "int | str | tuple[object, ...] | None"


def quantity_of(name: str, *of: str) -> str:
    """`training_peak_bytes`, or that of something: `training_peak_bytes (adam, allocator)`."""
    return f"{name} ({', '.join(of)})" if of else name


class Figure(Record):
    """One quantity, as the rule has it and as torch has it.

    Attributes:
        subject: the one of `SUBJECTS` that it belongs to.
        quantity: which: "output", "weights", "macs", …
        layer: whose; empty for the network's.
        rule: what archcalc says; None where it has no rule, and the measurement stands alone.
        measured: what torch shows; None where it shows nothing.
        note: what a reader of the figure should know.
        not_measured: why torch shows nothing of what the rule says, where that is not a difference:
            it was not measured.
    """

    subject: str
    quantity: str
    layer: str
    rule: Value
    measured: Value
    note: str = ""
    not_measured: str = ""

    @property
    def compared(self) -> bool:
        """Whether there are both a rule and a measurement."""
        return self.rule is not None and not self.not_measured

    @property
    def agrees(self) -> bool:
        """Whether the two are the same, or were not compared."""
        return not self.compared or self.rule == self.measured


class LayerTime(Record):
    """How long a layer takes, beside the least that it could take.

    Attributes:
        bound: its place under the roofline; of no seconds where there is no profile.
        seconds: the median over many runs, for the batch, at inference; 0 where a GPU has
            nothing to do.
    """

    bound: Bound
    seconds: float

    @property
    def flops_per_second(self) -> float:
        """FLOPs that were done in a second, where it takes any time; FLOPs are 2 x MACs."""
        return per_second(self.bound.flops, self.seconds)

    @property
    def bytes_per_second(self) -> float:
        """Bytes that were moved in a second, where it takes any time and each moves once."""
        return per_second(self.bound.bytes_moved, self.seconds)

    @property
    def slowdown(self) -> float:
        """How many times the least time it takes; 0 where that is none or unknown."""
        return self.seconds / self.bound.seconds if self.bound.seconds else 0.0


def per_second(count: int, seconds: float) -> float:
    """How many in a second; 0 where it takes no time."""
    return count / seconds if seconds else 0.0


class Times(Record):
    """The wall times of a network.

    Attributes:
        layers: of each layer by itself.
        seconds: of the whole network at once.
        profile: name of the device whose best the layers are compared with; None where there is
            no best for the dtype.
        note: why there is none.
    """

    layers: tuple[LayerTime, ...]
    seconds: float
    profile: str | None
    note: str = ""


class Conditions(Record):
    """What the measured figures hold for.

    Attributes:
        device: as torch has it: "cpu", "cuda:0", "meta".
        device_name: what it is, where torch knows: "NVIDIA H200".
        torch: its version.
        dtype: of parameters and activations.
        batch: number of images.
    """

    device: str
    device_name: str
    torch: str
    dtype: str
    batch: int

    @property
    def on_gpu(self) -> bool:
        """Whether torch ran on a GPU."""
        return self.device.startswith("cuda")

    def __str__(self) -> str:
        named = f"{self.device} ({self.device_name})" if self.device_name else self.device
        return f"torch {self.torch} on {named}, {self.dtype}, batch {self.batch}"


class Comparison(Record):
    """A network's rules beside torch's measurements.

    Attributes:
        network: which it is.
        input: channels and sizes of an input image.
        conditions: what the measured figures hold for.
        figures: all that was compared.
        unmatched: layers that no part of the module answers for: none has the layer's name, or
            it runs more than once. Always empty for archcalc's own twin.
        times: how long the layers take, where that was asked.
        failure: why the network could not be measured at all; empty where it was.
    """

    network: Identity
    input: tuple[int, ...]
    conditions: Conditions
    figures: tuple[Figure, ...]
    unmatched: tuple[str, ...] = ()
    times: Times | None = None
    failure: str = ""

    @property
    def differences(self) -> tuple[Figure, ...]:
        """The figures that do not agree."""
        return tuple(figure for figure in self.figures if not figure.agrees)

    @property
    def not_measured(self) -> tuple[Figure, ...]:
        """The figures of which there is a rule and no measurement."""
        return tuple(figure for figure in self.figures if figure.not_measured)

    @property
    def unmeasured_subjects(self) -> tuple[str, ...]:
        """What was to be measured, and none of it was."""
        compared = {figure.subject for figure in self.figures if figure.compared}
        return tuple(
            dict.fromkeys(f.subject for f in self.not_measured if f.subject not in compared)
        )
