"""Whether there is memory enough, asked before it is taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from archcalc.errors import MeasurementError

_MEMINFO = Path("/proc/meminfo")


def free_bytes(device: torch.device) -> int | None:
    """Bytes that can still be taken on `device`; None where nobody says."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        free: int = torch.cuda.mem_get_info(device)[0]
        return free
    if device.type == "cpu" and _MEMINFO.exists():
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def lacks_room(needed: int, device: torch.device, what: str) -> str:
    """Why `what` cannot be measured where `needed` bytes cannot be taken; empty where they can."""
    free = free_bytes(device)
    if free is None or needed <= free:
        return ""
    return (
        f"{what} needs {needed / 1e9:,.1f} GB on {device}, where {free / 1e9:,.1f} GB "
        "are free; take a smaller batch or input"
    )


@contextmanager
def refusals_named(device: torch.device, what: str) -> Iterator[None]:
    """Turns torch's refusals and failures into a MeasurementError that names `what`.

    It refuses where memory runs out, and what it has not implemented for a dtype or a device; it
    fails where a library or the device does.
    """
    ran_out = f"{what}: the memory of {device} ran out; take a smaller batch or input"
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise MeasurementError(ran_out) from None
    except (NotImplementedError, ValueError) as error:
        raise MeasurementError(f"{what}: torch refuses on {device}: {_fact(error)}") from None
    except RuntimeError as error:
        if "can't allocate memory" in str(error):  # the CPU's allocator has no error of its own
            raise MeasurementError(ran_out) from None
        raise MeasurementError(f"{what}: torch fails on {device}: {_fact(error)}") from error


# The second is what torch says on a GPU of the gradient of a batch norm that learns a shift alone.
_LACKING = ("not implemented for", "tensor does not have a device")


def not_implemented(error: Exception) -> str | None:
    """What torch has no kernel for, in its own words; None where that is not what is wrong."""
    fact = _fact(error)
    if isinstance(error, NotImplementedError) or any(words in fact for words in _LACKING):
        return fact
    return None


def _fact(error: Exception) -> str:
    """The first line of what torch says, which may go on with advice and a trace."""
    return str(error).partition("\n")[0]
