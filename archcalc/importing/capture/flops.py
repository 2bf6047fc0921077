"""Torch's FLOP counter beside a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten

# What runs on the CPU in place of operators that torch counts, and that it has no count for.
_UNCOUNTED = frozenset([
    aten.mkldnn_rnn_layer,
    aten._scaled_dot_product_flash_attention_for_cpu,
    aten._native_multi_head_attention,
    aten._transformer_encoder_layer_fwd,
])  # fmt: skip


class FlopCount(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives it no types
    """Counts what torch's FlopCounterMode counts, without a look at the modules.

    Attributes:
        total: 2 for each multiply-accumulate of convolutions, matrix products and attention.
        complete: whether nothing ran that torch is known to have no count for.
    """

    _whole: frozenset[Any] = frozenset()

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.total = 0
        self.complete = True

    def __torch_dispatch__(
        self,
        operator: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        with torch._C.DisableTorchFunction():  # what code is compiled to is nobody's call
            return self._counted(operator, args, kwargs or {})

    def _counted(self, operator: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        packet = operator._overloadpacket
        formula: Callable[..., int] | None = flop_registry.get(packet)
        if formula is None and operator not in FlopCount._whole:
            with self:
                result = operator.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
            FlopCount._whole |= {operator}
        result = operator(*args, **kwargs)
        if formula is not None:
            self.total += formula(*args, **kwargs, out_val=result)
        elif packet in _UNCOUNTED:
            self.complete = False
        return result
