"""From evaluated values to the values of fields."""

from __future__ import annotations

from typing import cast

from archcalc.errors import LayerError
from archcalc.quantity.conditions import (
    is_array,
    is_real_array,
    is_symbol,
    one_for_all,
    require_whole,
    whole_named,
)
from archcalc.spec.values import ExpressionError, Value, is_condition, truth_of

LONGEST_TEXT = 200  # of a field
UNKNOWN = "unknown"  # in place of a cost


def whole(value: Value) -> object:
    """`value` as a quantity: a whole number, a symbol or an array."""
    if type(value) is int or is_array(value):
        return value
    if is_symbol(value):
        if value.is_integer is False or value.is_Relational:
            raise ExpressionError(f"expected a whole number, found {shown(value)}")
        require_whole(value)
        return whole_named(value)
    if is_real_array(value):
        found = value.whole()
        if found is None:
            raise ExpressionError("expected whole numbers, found others; round them with floor(…)")
        return cast(object, found)
    if hasattr(value, "denominator") and type(value) is not bool:
        raise ExpressionError(f"expected a whole number, found {value}; round it with floor(…)")
    raise ExpressionError(f"expected a whole number, found {shown(value)}")


def optional_whole(value: Value) -> object:
    return None if value is None else whole(value)


def axis(value: Value) -> object:
    """The number of an axis, which no rule can take as a symbol."""
    value = one_for_all(value)
    if type(value) is not int:
        raise ExpressionError(f"expected the number of an axis, found {shown(value)}")
    return value


def axis_numbers(value: Value) -> object:
    return tuple(map(axis, value)) if isinstance(value, list) else axis(value)


def plain(value: Value) -> object:
    found = one_for_all(whole(value))
    if type(found) is not int:
        raise ExpressionError(f"expected a plain number, found {shown(value)}")
    return found


def axes(value: Value) -> object:
    return tuple(map(whole, value)) if isinstance(value, list) else whole(value)


def optional_axes(value: Value) -> object:
    return None if value is None else axes(value)


def ratios(value: Value) -> object:
    if value is None:
        return None
    return tuple(map(ratio, value)) if isinstance(value, list) else ratio(value)


def ratio(value: Value) -> object:
    """`value` as a quantity or a plain fraction."""
    if is_real_array(value):
        value = one_for_all(value)
    if getattr(value, "denominator", 1) != 1 and not is_symbol(value):
        return value
    return whole(value)


def sides(value: Value) -> object:
    if not isinstance(value, list):
        return whole(value)
    return tuple(side(item) for item in value)


def side(value: Value) -> object:
    if not isinstance(value, list):
        return whole(value)
    if len(value) != 2:
        raise ExpressionError(f"expected [before, after], found {shown(value)}")
    return tuple(map(whole, value))


def padding(value: Value) -> object:
    return value if isinstance(value, str) and value in ("same", "valid") else sides(value)


def ceil(value: Value) -> object:
    return value if isinstance(value, str) and value == "caffe" else truth(value)


def shape(value: Value) -> object:
    if not isinstance(value, list):
        raise ExpressionError(f"expected a list of sizes, found {shown(value)}")
    return tuple(map(whole, value))


def notation(value: Value) -> object:
    if not isinstance(value, str):
        raise ExpressionError(
            f"expected a pattern such as 'c h w -> (h w) c', found {shown(value)}"
        )
    from archcalc.layers.notation import pattern_of  # which few networks need

    try:
        pattern_of(value)
    except LayerError as error:
        raise ExpressionError(str(error)) from None
    return value


def named_sizes(value: Value) -> object:
    pairs = cast("list[list[Value]]", value)
    return tuple([(name, whole(size)) for name, size in pairs])


def shapes(value: Value) -> object:
    if not (isinstance(value, list) and value and all(isinstance(one, list) for one in value)):
        raise ExpressionError(
            f"expected a list of shapes, one for each input, found {shown(value)}"
        )
    return tuple(map(shape, value))


def named_shapes(value: Value) -> object:
    """Shapes by names, which stand before each."""
    found = cast("list[Value]", value)
    return tuple(zip(found[::2], map(shape, found[1::2]), strict=True))


def text(value: Value) -> object:
    """Words that fit on a line."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ExpressionError(f"expected a text of one line, found {shown(value)}")
    if len(value) > LONGEST_TEXT:
        raise ExpressionError(f"a text of {len(value)} signs; at most {LONGEST_TEXT} are read")
    return value


def cost(value: Value) -> object:
    """A quantity; None where it is unknown."""
    return None if value is None or value == UNKNOWN else whole(value)


def truth(value: Value) -> object:
    """`value` as true or false."""
    value = one_for_all(value)
    if type(value) is bool:
        return value
    if is_condition(value):
        return truth_of(value)
    raise ExpressionError(f"expected true or false, found {shown(value)}")


def real(value: Value) -> object:
    if isinstance(value, (bool, str, list)) or value is None:
        raise ExpressionError(f"expected a number, found {shown(value)}")
    try:
        return float(one_for_all(value))
    except (TypeError, ValueError, OverflowError):
        raise ExpressionError(f"expected a plain number, found {shown(value)}") from None


def optional_real(value: Value) -> object:
    return None if value is None else real(value)


def shown(value: Value) -> str:
    """`value` as messages show it."""
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else repr(str(value)[:60])
