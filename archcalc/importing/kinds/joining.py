"""Where tensors meet, value by value or one after the other; and arithmetic with numbers."""

from __future__ import annotations

from typing import Any

from archcalc.importing.kinds.axes import Axes, Axis, axis_of, batch_axis, before_batch, size_of
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.drafts import NotCoveredError, Value
from archcalc.importing.kinds.lowering import Taken
from archcalc.importing.kinds.rearranging import sizes_of
from archcalc.importing.kinds.scaling import scaled, shifted
from archcalc.importing.kinds.slicing import as_taken
from archcalc.importing.trace import Ref

_JOINS = {
    "add": "add", "__add__": "add", "__radd__": "add", "__iadd__": "add",
    "sub": "subtract", "subtract": "subtract", "__sub__": "subtract", "__rsub__": "subtract",
    "__isub__": "subtract", "rsub": "subtract",
    "mul": "multiply", "multiply": "multiply", "__mul__": "multiply", "__rmul__": "multiply",
    "__imul__": "multiply",
    "div": "divide", "divide": "divide", "true_divide": "divide", "__truediv__": "divide",
    "__rtruediv__": "divide", "__div__": "divide", "__idiv__": "divide", "__itruediv__": "divide",
    "maximum": "maximum", "minimum": "minimum", "fmax": "maximum", "fmin": "minimum",
}  # fmt: skip
_SWAPPED = ("__rsub__", "rsub", "__rtruediv__")


@handles(*_JOINS)
def arithmetic(call: Call) -> None:
    """Two tensors value by value, or one and a number."""
    kind = _JOINS[call.operation.operator]
    if call.get("rounding_mode") is not None:
        raise NotCoveredError("divides without a remainder")
    first, second = call.get("input", "self"), call.get("other", "value")
    if call.operation.operator in _SWAPPED:
        first, second = second, first
    if (kind == "multiply" and scaled(call)) or (kind == "add" and shifted(call)):
        return
    alpha = call.get("alpha", default=1)
    if not isinstance(first, Ref):
        _with_number(call, kind, second, first, swapped=True, alpha=alpha)
    elif not isinstance(second, Ref):
        _with_number(call, kind, first, second, swapped=False, alpha=alpha)
    elif alpha != 1:
        raise NotCoveredError("multiplies one of the two by a number")
    elif first == second and kind in ("add", "multiply"):
        value = call.lowering.value(first.tensor)
        same = ("scale", {"factor": 2.0}) if kind == "add" else ("square", {})
        call.layer(same[0], value, same[1], apart=True)
    else:
        join(call, kind, [first, second])


def _with_number(
    call: Call, kind: str, tensor: Any, number: Any, *, swapped: bool, alpha: float
) -> None:
    if not isinstance(tensor, Ref) or isinstance(number, complex):
        raise NotCoveredError("takes two numbers")
    value = call.lowering.value(tensor.tensor)
    number = float(number)
    if kind == "divide" and swapped:
        taken = call.take(value, apart=True)
        draft = call.add("reciprocal", [taken])
        if number != 1:
            draft = call.add("scale", [draft], {"factor": number})
        call.give(draft, taken)
        return
    if kind in ("maximum", "minimum"):
        call.layer("clamp", value, {"min" if kind == "maximum" else "max": number}, apart=True)
        return
    if kind == "subtract":
        ours = {"factor": -1.0, "shift": number} if swapped else {"shift": -number * alpha}
    elif kind == "add":
        ours = {"shift": number * alpha}
    else:
        ours = {"factor": number if kind == "multiply" else 1 / number}
    if ours in ({"shift": 0.0}, {"factor": 1.0}):
        call.same(value)
        return
    call.layer("scale", value, ours, apart=True)


def joined(call: Call, kind: str) -> None:
    """Two tensors, value by value."""
    join(call, kind, [call.get("input"), call.get("other")])


def join(call: Call, kind: str, tensors: list[Any]) -> None:
    """Some tensors, value by value, the smaller ones spread over the others."""
    values = [call.lowering.value(each.tensor) for each in tensors]
    taken = beside_one_another(call, values)
    call.of(kind, taken)


def beside_one_another(call: Call, values: list[Value], rank: int | None = None) -> list[Taken]:
    """Tensors as the inputs of a join, with as many axes each."""
    rank = max(len(each.axes) for each in values) if rank is None else rank
    values = [call.of_rank(each, rank) for each in values]
    along = common_batch(values)
    apart = _apart(values, along)
    if apart is not None:
        return apart_taken(call, values, along or 0)
    return [call.beside(each, along) for each in values]


def common_batch(values: list[Value]) -> int | None:
    """The axis that the batch is in, of tensors of images before others; None where in none."""
    of_images = [each for each in values if each.of_images]
    found = [batch_axis(each.axes) for each in (of_images or values)]
    return next((n for n in found if n is not None), None)


def _apart(values: list[Value], along: int | None) -> bool | None:
    """Whether all have what is folded into the batch as axes of their own where they come from."""
    if along is None or any(batch_axis(each.axes) != along for each in values):
        return None
    for each in values:
        items = tuple([part for part in each.axes[along] if not part.is_batch])
        spread: Axes = (
            (), *each.axes[:along], *[(part,) for part in items], *each.axes[along + 1 :]
        )  # fmt: skip
        if not items or spread != each.base:
            return None
    return True


def apart_taken(call: Call, values: list[Value], along: int) -> list[Taken]:
    """Tensors as the inputs of a join, without items."""
    return [call.take(each, apart=True) for each in values]


@handles("cat", "concat", "concatenate")
def cat(call: Call) -> None:
    """Tensors one after the other along an axis."""
    tensors = [n for n in call.get("tensors", "input") if 0 not in call.shape(n.tensor)]
    values = [call.lowering.value(each.tensor) for each in tensors]
    rank = len(call.shape(call.output))
    dim = call.get("dim", "axis", default=0) % rank
    if len(values) == 1:
        call.same(values[0])
        return
    values = [call.unbatched(each, dim) for each in values]
    if common_batch(values) == dim:
        _batches(call, values, dim)
        return
    taken = _side_by_side(call, values)
    of_images = next((each for each in taken if each.batch is not None), taken[0])
    call.of("concat", taken, {"axis": of_images.last_or(dim)})


def _batches(call: Call, values: list[Value], dim: int) -> None:
    """Whole batches one behind the other, as maps along an axis of their own."""
    found = [before_batch(each.axes, dim) for each in values if batch_axis(each.axes) == dim]
    apart = [axes for axes in found if axes is not None]
    if len(apart) < len(values):
        raise NotCoveredError("works along the batch")
    pairs = zip(values, apart, strict=True)
    taken = [call.take(each._replace(axes=axes)) for each, axes in pairs]
    draft = call.add("concat", taken, {"axis": taken[0].axis(dim)})
    runs = len(call.lowering.trace.batches)
    count = axis_of((sum(size_of(axes[dim]) for axes in apart),) * runs)
    rest = [axis_of(each) for each in call.lowering.sizes(call.output)]
    base = ((), *rest[:dim], count, *rest[dim + 1 :])
    axes = (*rest[:dim], (*count, call.lowering.batch), *rest[dim + 1 :])
    call.lowering.values[call.output] = Value(draft, base, axes, of_images=True)


def put_together(call: Call, pieces: list[Value], dim: int, axis: Axis) -> Value:
    """Parts of a tensor one behind the other along an axis, which is `axis` of the whole.

    Raises:
        NotCoveredError: some have other sizes than what is between them.
    """
    taken = _side_by_side(call, pieces)
    of_images = next((each for each in taken if each.batch is not None), taken[0])
    draft = call.add("concat", taken, {"axis": of_images.last_or(dim)})
    like = of_images.value
    whole = like._replace(axes=(*like.axes[:dim], axis, *like.axes[dim + 1 :]))
    made = as_taken(whole, draft, of_images.batch)
    assert draft.map is not None
    if [draft.map.items, *draft.map.shape] != sizes_of(made.base):
        raise NotCoveredError("puts together what has other sizes")
    return made._replace(of_images=any(each.of_images for each in pieces))


def _side_by_side(call: Call, values: list[Value]) -> list[Taken]:
    along = common_batch(values)
    return [call.beside(each, along) for each in values]


@handles("stack")
def stack(call: Call) -> None:
    """Tensors one after the other along a new axis."""
    values = [call.lowering.value(each.tensor) for each in call.get("tensors", "input")]
    dim = call.get("dim", default=0) % len(call.shape(call.output))
    values = [each._replace(axes=(*each.axes[:dim], (), *each.axes[dim:])) for each in values]
    if len(values) == 1:
        call.same(values[0])
        return
    taken = _side_by_side(call, values)
    of_images = next((each for each in taken if each.batch is not None), taken[0])
    call.of("concat", taken, {"axis": of_images.last_or(dim)})


@handles("pow", "__pow__", "float_power", "__rpow__")
def power(call: Call) -> None:
    """A power of each value."""
    value, exponent = call.get("input", "self"), call.get("exponent", "other")
    if call.operation.operator == "__rpow__" or not isinstance(value, Ref):
        raise NotCoveredError("is a power of a number")
    if isinstance(exponent, Ref):
        raise NotCoveredError("has exponents that are values")
    tensor = call.lowering.value(value.tensor)
    named = {2.0: "square", 0.5: "sqrt", -0.5: "rsqrt", -1.0: "reciprocal"}
    kind = named.get(float(exponent))
    if float(exponent) == 1:
        call.same(tensor)
    elif kind is not None:
        call.layer(kind, tensor, apart=True)
    else:
        call.layer("power", tensor, {"exponent": float(exponent)}, apart=True)


@handles("addcmul", "addcdiv")
def addcmul(call: Call) -> None:
    """One tensor, and the product or quotient of two others."""
    kind = "multiply" if call.operation.operator == "addcmul" else "divide"
    names = ("input", "tensor1", "tensor2")
    values = [call.value(name) for name in names]
    first, *others = beside_one_another(call, values)
    product: Any = call.add(kind, others)
    if call.get("value", default=1) != 1:
        product = call.add("scale", [product], {"factor": float(call.get("value"))})
    draft = call.add("add", [first, product])
    call.give(draft, first, *others)


@handles("lerp")
def lerp(call: Call) -> None:
    """What lies between two tensors."""
    raise NotCoveredError("interpolates between two tensors")
