"""Matrix products: with weights, and of two tensors."""

from __future__ import annotations

from typing import Any

from archcalc.importing.kinds.axes import Axes, Axis, axis_of, batch_axis, without_batch
from archcalc.importing.kinds.call import Call, handles, with_products
from archcalc.importing.kinds.drafts import Draft, NotCoveredError, Value
from archcalc.importing.kinds.joining import beside_one_another, common_batch
from archcalc.importing.kinds.lowering import Taken
from archcalc.importing.kinds.weights import weight_of
from archcalc.importing.trace import Ref


@handles("linear")
def linear(call: Call) -> None:
    """A fully connected layer, along the last axis."""
    value = call.value("input")
    held = call.held("weight")
    if held is None or _is_taken(call, held):
        _by_computed_weight(call, value)
        return
    bias = call.held("bias")
    fields: dict[str, Any] = {"features": call.shape(held)[0]}
    if bias is None:
        fields["bias"] = False
    draft = call.layer("linear", value, fields, {"weight": held, "bias": bias}, apart=True)
    if bias is None and call.has("bias"):
        _plus(call, draft, call.value("bias"))


def _is_taken(call: Call, held: int) -> bool:
    owner = call.lowering.owners.get(held)
    return owner is not None and owner.kind == "parameter"


def _by_computed_weight(call: Call, value: Value) -> None:
    """Of a weight that is computed first, such as normalized, the product of two tensors."""
    number = call.operation.arguments["weight"].tensor
    if len(call.shape(number)) == 2 and value.of_images and number not in call.lowering.of_images:
        try:
            weight = weight_of(call, "weight")
        except NotCoveredError:
            weight = None
        if weight is not None and weight.fields and not weight.scales:
            bias = call.held("bias")
            fields = {"features": call.shape(number)[0]} | weight.fields
            if bias is None:
                fields["bias"] = False
            held = {"weight": weight.number, "bias": bias}
            draft = call.layer("linear", value, fields, held, apart=True)
            draft.held |= weight.others
            return
    weight_value = call.value("weight")
    draft = _product(call, value, weight_value, transposed=True)
    if call.has("bias"):
        _plus(call, draft, call.value("bias"))


def _plus(call: Call, draft: Draft, bias: Value) -> None:
    """Adds a tensor to what the operation has made so far."""
    value = call.lowering.values[call.output]
    rank = len(value.axes)
    taken = call.take(value, apart=True)
    along = taken.batch
    bias = call.of_rank(bias, rank)
    beside = call.beside(bias, along)
    if taken.apart:
        spread: Axes = ((),) * (taken.rank - 1)
        beside = call.take(bias._replace(axes=(*spread, bias.axes[-1])))
    call.of("add", [taken, beside])


@handles("addmm", "baddbmm", "addbmm")
def addmm(call: Call) -> None:
    """A product, and something added to it."""
    if call.get("beta", default=1) != 1 or call.get("alpha", default=1) != 1:
        raise NotCoveredError("multiplies by numbers too")
    first, second = call.value("mat1", "batch1"), call.value("mat2", "batch2")
    held = call.held("mat2")
    bias = call.held("input")
    if held is not None and bias is not None and len(call.shape(bias)) == 1:
        fields = {"features": call.shape(held)[1], "transposed": True}
        call.layer("linear", first, fields, {"weight": held, "bias": bias}, apart=True)
        return
    draft = _product(call, first, second, transposed=False)
    _plus(call, draft, call.value("input"))


@handles("matmul", "__matmul__", "__rmatmul__", "bmm", "mm", "mv", "dot")
def matmul(call: Call) -> None:
    """The product of two tensors along their last axes."""
    reflected = call.operation.operator == "__rmatmul__"
    first = call.number_of("other" if reflected else "input")
    with_products(call, _matmul, call.output, call.shape(first)[-1:])


def _matmul(call: Call) -> None:
    names = ("input", "other")
    if call.operation.operator in ("bmm", "mm"):
        names = ("input", "mat2")
    elif call.operation.operator == "mv":
        names = ("input", "vec")
    first, second = (call.value(name, "tensor") for name in names)
    if call.operation.operator == "__rmatmul__":
        first, second = second, first
    held = call.held(names[1])
    alone = held is not None and held not in call.lowering.owners and first.of_images
    if held is not None and alone and len(call.shape(held)) == 2:
        fields = {"features": call.shape(held)[1], "transposed": True, "bias": False}
        call.layer("linear", first, fields, {"weight": held}, apart=True)
        return
    _product(call, first, second, transposed=False)


def _swapped(value: Value) -> Value:
    return value._replace(axes=(*value.axes[:-2], value.axes[-1], value.axes[-2]))


def _product(call: Call, first: Value, second: Value, *, transposed: bool) -> Draft:
    """The product of two tensors; `transposed`: the second has its last two axes swapped."""
    row, column = len(first.axes) == 1, len(second.axes) == 1
    if row:
        first = first._replace(axes=((), *first.axes))
    if column:
        second = second._replace(axes=(*second.axes, ()))
    if not transposed and _lies_turned(second):
        second, transposed = _swapped(second), True
    original = first
    first, apart = _with_row(first)
    if apart and len(second.axes) > 2:
        second = second._replace(axes=(*second.axes[:-2], (), *second.axes[-2:]))
    rank = max(len(first.axes), len(second.axes))
    first, second = call.of_rank(first, rank), call.of_rank(second, rank)
    along = common_batch([first, second])
    if along is not None and along >= rank - 2:
        raise NotCoveredError("multiplies along the batch")
    taken = [call.beside(first, along), call.beside(second, along)]
    draft = call.add("matmul", taken, {"transposed": transposed})
    if apart:
        _give_rows(call, draft, original)
        return draft
    if row or column:
        draft = _without_units(call, draft, taken)
    call.give(draft, *[_plainly(each) for each in taken])
    return draft


def _give_rows(call: Call, draft: Draft, first: Value) -> None:
    """The product of a matrix whose rows are the images, with what is folded into these."""
    like = first.axes[-2]
    axes = call.lowering.axes_of_output(call.output, len(first.axes) - 2, like)
    along = batch_axis(axes)
    assert along is not None
    base = ((), *axes[:along], without_batch(axes[along]), *axes[along + 1 :])
    call.lowering.values[call.output] = Value(draft, base, axes, of_images=True)


def _plainly(taken: Taken) -> Taken:
    return Taken(taken.draft, taken.value, taken.batch)


def _with_row(value: Value) -> tuple[Value, bool]:
    """Where the images of a batch are the rows, a row for each of them alone."""
    along = batch_axis(value.axes)
    if along == len(value.axes) - 2 and value.of_images:
        axis = value.axes[along]
        rest = tuple([each for each in axis if not each.is_batch])
        batch = tuple([each for each in axis if each.is_batch])
        return value._replace(axes=(*value.axes[:along], batch, rest, value.axes[-1])), True
    return value, False


def _without_units(call: Call, draft: Draft, taken: list[Taken]) -> Draft:
    """The product without the axes of one value that were put in for it."""
    assert draft.map is not None
    items = draft.map.items
    wanted = [*call.shape(call.output)]
    sizes = call.lowering.sizes(call.output)
    varying = next((n for n, each in enumerate(sizes) if len({*each}) > 1), None)
    if varying is not None:
        images = call.lowering.trace.batches[0] * int(items)
        rest = wanted[varying] // images
        wanted[varying : varying + 1] = [rest] if rest > 1 else []
    shape = [*draft.map.shape]
    if shape == wanted:
        return draft
    letters = iter("abcdefgh")
    before = [next(letters) if n != 1 else "1" for n in shape]
    kept = [each for each in before if each != "1"]
    if [n for n in shape if n != 1] != [n for n in wanted if n != 1]:
        return draft
    names = iter(kept)
    after = [next(names) if n != 1 else "1" for n in wanted] or ["1"]
    return call.add("rearrange", [draft], {"axes": f"{' '.join(before)} -> {' '.join(after)}"})


def _lies_turned(value: Value) -> bool:
    """Whether the last two axes were swapped since a layer put the values out."""
    if len(value.axes) < 2:
        return False
    order = [each for axis in value.base for each in axis]
    last, before = value.axes[-1], value.axes[-2]
    if not last or not before or last[0] not in order or before[0] not in order:
        return False
    return order.index(last[0]) < order.index(before[0])


# ----- einsum -----


@handles("einsum")
def einsum(call: Call) -> None:
    """A product along named axes, as one of matrices, or value by value."""
    operands = call.get("operands")
    equation = call.get("equation").replace(" ", "")
    if isinstance(operands, Ref):
        operands = [operands]
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = [*operands[0]]
    values = [call.lowering.value(each.tensor) for each in operands]
    inputs, arrow, output = equation.partition("->")
    terms = inputs.split(",")
    if len(values) != 2 or not arrow or "..." in inputs:
        terms, output, values = _spelled(call, terms, output, arrow, values)
    if any(len({*term}) < len(term) for term in terms):
        raise NotCoveredError("takes a diagonal")
    _einsum(call, values[0], values[1], terms[0], terms[1], output)


def _spelled(
    call: Call, terms: list[str], output: str, arrow: str, values: list[Value]
) -> tuple[list[str], str, list[Value]]:
    """With letters for the axes that an ellipsis stands for."""
    if len(values) != 2 or not arrow:
        raise NotCoveredError("is a product of other than two tensors")
    free = [letter for letter in "ABCDEFGH" if letter not in "".join(terms)]
    most = max(len(v.axes) - len(t) + 3 for v, t in zip(values, terms, strict=True) if "..." in t)
    found = []
    for value, term in zip(values, terms, strict=True):
        count = len(value.axes) - len(term) + 3
        found.append(
            term.replace("...", "".join(free[most - count : most])) if "..." in term else term
        )
    return found, output.replace("...", "".join(free[:most])), values


def _einsum(call: Call, a: Value, b: Value, first: str, second: str, output: str) -> None:
    of = dict(zip(first, a.axes, strict=True))
    other = dict(zip(second, b.axes, strict=True))
    batch = next(
        (x for x, axis in (*of.items(), *other.items()) if any(f.is_batch for f in axis)), ""
    )
    if batch and batch not in output:
        raise NotCoveredError("sums over the batch")
    summed = [x for x in first if x in second and x not in output]
    if any(x not in output for x in first + second if x not in summed):
        raise NotCoveredError("sums over axes of one of two tensors")
    alike = [x for x in output if x in first and x in second]
    rows = [x for x in output if x in first and x not in second]
    columns = [x for x in output if x in second and x not in first]
    if batch in rows and not b.of_images:
        rows.remove(batch)
        alike.insert(0, batch)
        other[batch] = ()
    elif batch in columns and not a.of_images:
        columns.remove(batch)
        alike.insert(0, batch)
        of[batch] = ()
    elif batch and batch not in alike:
        raise NotCoveredError("multiplies images of a batch with one another")
    if not summed:
        _by_value(call, a, b, of, other, output)
        return
    left = a._replace(axes=(*[of[x] for x in alike], _all(rows, of), _all(summed, of)))
    right = b._replace(axes=(*[other[x] for x in alike], _all(columns, other), _all(summed, other)))
    along = alike.index(batch) if batch else None
    taken = [call.beside(left, along), call.beside(right, along)]
    draft = call.add("matmul", taken, {"transposed": True})
    _apart_again(call, draft, taken, (alike, rows, columns), (of, other), output, batch)


def _all(letters: list[str], of: dict[str, Axis]) -> Axis:
    return tuple([factor for letter in letters for factor in of[letter]])


def _by_value(
    call: Call, a: Value, b: Value, of: dict[str, Axis], other: dict[str, Axis], output: str
) -> None:
    values = [
        value._replace(axes=tuple([own.get(x, ()) for x in output]))
        for value, own in ((a, of), (b, other))
    ]
    taken = beside_one_another(call, values)
    call.of("multiply", taken)


def _apart_again(
    call: Call,
    draft: Draft,
    taken: list[Taken],
    letters: tuple[list[str], list[str], list[str]],
    axes: tuple[dict[str, Axis], dict[str, Axis]],
    output: str,
    batch: str,
) -> None:
    """The product under the axes that the equation names, in their order."""
    alike, rows, columns = letters
    sizes = dict(zip(output, call.lowering.sizes(call.output), strict=True))
    found: dict[str, Axis] = {}
    for x in output:
        if x == batch:
            source = axes[0].get(x) or axes[1].get(x) or ()
            found[x] = source
        else:
            found[x] = axis_of(sizes[x])
    items = tuple([each for each in found.get(batch, ()) if not each.is_batch])
    base: Axes = (
        items,
        *[found[x] for x in alike if x != batch],
        _all(rows, found),
        _all(columns, found),
    )
    call.lowering.values[call.output] = Value(
        draft,
        base,
        tuple([found[x] for x in output]),
        any(each.value.of_images for each in taken),
        call.operation,
    )
