"""In which types the operators of a training step run: their inputs' own, or `torch.autocast`'s.

Types are told apart by the bytes of a value, 4 or 2: no step has both half-precision types.
Sources: torch's documentation, "Autocast Op Reference"; aten/src/ATen/autocast_mode.h and .cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from archcalc.layers.operator import FROM_FLOAT32, TO_FLOAT32

FLOAT32 = 4
HALF = 2


class _Runs(Enum):
    """How autocast runs an operator; one without an entry runs in its inputs' own types."""

    IN_HALF = "what it takes is cast to the half-precision type"
    IN_FLOAT32 = "what it takes is cast to float32"
    IN_WIDEST = "what it takes is cast to the widest type among it"
    TO_FLOAT32 = "what it makes is float32, what it takes stays"


_LIKE_MATRIX_PRODUCTS = (
    "conv", "conv_transpose", "linear", "bmm", "matmul", "scaled_dot_product_attention", "prelu",
)  # fmt: skip
_ON_CPU = {
    **dict.fromkeys(_LIKE_MATRIX_PRODUCTS, _Runs.IN_HALF),
    **dict.fromkeys(("avg_pool3d", "adaptive_avg_pool3d", "global_avg_pool3d"), _Runs.IN_FLOAT32),
    **dict.fromkeys(("max_pool3d", "adaptive_max_pool3d", "max_unpool"), _Runs.IN_FLOAT32),
    **dict.fromkeys(("mse_loss", "nll_loss", "log_softmax"), _Runs.IN_FLOAT32),
    "grid_sample": _Runs.IN_FLOAT32,
    **dict.fromkeys(("concat", "stack"), _Runs.IN_WIDEST),
}
_ELEMENTARY = (
    "exp", "expm1", "log", "log2", "log10", "log1p", "pow", "reciprocal", "rsqrt", "softplus",
    "tan", "sinh", "cosh",
)  # fmt: skip
_ON_GPU = {
    **dict.fromkeys(_LIKE_MATRIX_PRODUCTS, _Runs.IN_HALF),
    **dict.fromkeys(("layer_norm", "group_norm", "upsample"), _Runs.IN_FLOAT32),
    **dict.fromkeys(_ELEMENTARY, _Runs.IN_FLOAT32),
    **dict.fromkeys(("mse_loss", "nll_loss"), _Runs.IN_FLOAT32),
    **dict.fromkeys(("softmax", "log_softmax", "linalg_vector_norm"), _Runs.TO_FLOAT32),
}
# Their parameters may be wider than what they take: that alone decides about the output, and each
# gradient is made in the type of what it is the gradient of.
_NORMS = ("batch_norm", "instance_norm", "layer_norm", "group_norm")
# What runs within the entry of the operator before it, as a part of the whole that autocast knows:
# of a cross entropy on the CPU, of a linear layer that is a product of matrices and a sum, of a
# product of factors that are copied.
WITHIN_ENTRY = ("nll_loss", "add_bias", "within_matmul")
OF_VIEWS = (
    "bmm",
    "scaled_dot_product_attention",
)  # take views of parameters, the casts of which autocast does not cache
CAST = "to_copy"
_MADE = {TO_FLOAT32: FLOAT32, FROM_FLOAT32: HALF}


class Types(NamedTuple):
    """In which types a step runs.

    Attributes:
        bytes_each: bytes per value of images, parameters and floating buffers.
        on_gpu: whether it runs there.
        autocast: whether it runs under `torch.autocast`, the loss too, in half precision.
    """

    bytes_each: int
    on_gpu: bool = False
    autocast: bool = False

    def cast_to(self, operator: str, taken: Sequence[int]) -> int | None:
        """The bytes per value to which what an operator takes is cast; None where it stays.

        `taken` are the bytes per value of what it takes, in order; none of integers alone.
        """
        if not taken:
            return None
        how = self._runs(operator)
        if how is _Runs.IN_HALF:
            return HALF
        if how is _Runs.IN_FLOAT32:
            return FLOAT32
        return max(taken) if how is _Runs.IN_WIDEST else None

    def made_by(self, operator: str, taken: Sequence[int]) -> int:
        """The bytes per value of what an operator makes of what it takes, as it has been cast."""
        if operator in _MADE:
            return _MADE[operator]
        if operator == "sum" or self._runs(operator) is _Runs.TO_FLOAT32:
            return FLOAT32  # a loss is summed up in float32, whatever the outputs are
        return taken[0] if operator in _NORMS else max(taken)

    def statistics_of(self, operator: str, taken: Sequence[int]) -> int:
        """The bytes per value of the means and deviations that a norm keeps.

        On a GPU they are in the type in which it sums up, but of a group norm, which keeps them as
        on the CPU: in the type of its parameters. A batch norm has running ones in any case.
        """
        if self.on_gpu and operator != "group_norm":
            return FLOAT32
        return max(*taken, self.bytes_each) if operator == "batch_norm" else max(taken)

    def gradient_made_by(self, operator: str, argument: int, output: int) -> int:
        """The bytes per value in which an operator makes the gradient of an argument.

        `argument` and `output` are those of the argument and the output. Where the argument has
        another type than its gradient, the engine casts that.
        """
        apart = operator in (*_NORMS, *_MADE, CAST) or self._runs(operator) is _Runs.TO_FLOAT32
        return argument if apart else output

    def _runs(self, operator: str) -> _Runs | None:
        if not self.autocast:
            return None
        return (_ON_GPU if self.on_gpu else _ON_CPU).get(operator)
