"""Field types: how the value of a key is read, checked, and described in the JSON Schema.

The fields of the layer classes are annotated with the types listed here, so validation, schema
and messages all come from the classes themselves.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Literal, TypeAlias, get_args, get_origin

from yaml.nodes import Node, ScalarNode, SequenceNode

from archcalc.errors import Place, Source, SpecError, UsageError
from archcalc.feature_map import MOST_AXES
from archcalc.layers import Layer
from archcalc.layers.layer import REQUIRED
from archcalc.record import Record
from archcalc.spec.closures import Environment
from archcalc.spec.conversions import (
    UNKNOWN,
    axes,
    axis,
    axis_numbers,
    ceil,
    cost,
    named_shapes,
    named_sizes,
    notation,
    optional_axes,
    optional_real,
    optional_whole,
    padding,
    plain,
    ratios,
    real,
    shape,
    shapes,
    shown,
    sides,
    text,
    truth,
    whole,
)
from archcalc.spec.expression import Expression, parse, parse_with_symbols
from archcalc.spec.reader import WANTS_QUOTES, entries, is_left_open, place_of
from archcalc.spec.values import ExpressionError, Value, bounded, short_list

# What stands in a spec: a constant, an expression, or a list of these.
Template: TypeAlias = Any
Schema: TypeAlias = dict[str, Any]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,2})?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")  # of a tensor
WORDS: dict[str, Value] = {"true": True, "false": False, "null": None, "~": None, "": None}

EXPRESSION_SCHEMA: Schema = {"type": "string", "description": "an expression over the parameters"}
_WHOLE: Schema = {"anyOf": [{"type": "integer"}, EXPRESSION_SCHEMA]}


class FieldType(Record):
    """How the values of one type of field are read.

    Attributes:
        schema: JSON Schema of what may stand in a spec.
        convert: an evaluated value -> the field's value; raises ExpressionError.
        said: what it takes beside `words`; empty where it takes these alone.
        words: texts that stand for themselves, alone or in an expression.
        decimals: whether decimals are read as floats (else as exact fractions).
        as_text: whether it is text as it stands, and no expression.
        by_names: whether it is a mapping of names to values, read as a list of both in turns.
    """

    schema: Schema
    convert: Callable[[Value], object]
    said: str
    words: tuple[str, ...] = ()
    decimals: bool = False
    as_text: bool = False
    by_names: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its name in `FIELD_TYPES`, or its words: there is one of each."""
        for name, kind in FIELD_TYPES.items():
            if kind is self:
                return _field_type, (name,)
        return _one_of, (self.words,)

    def read(self, node: Node, source: Source) -> Template:
        """The template that stands at `node`."""
        if self.by_names:
            found: list[Template] = []
            for name, key, value in entries(node, source, "what is named"):
                if not _NAME.fullmatch(name):
                    raise SpecError(f"{name[:60]!r} is not a name", place_of(key, source))
                found += [name, read_template(value, source)]
            return found
        return read_template(node, source, self)


class Field(Record):
    """A key that a layer kind takes."""

    name: str
    type: FieldType
    required: bool


def read_template(node: Node, source: Source, kind: FieldType | None = None) -> Template:
    """The constant, expression or list at `node`, still to be evaluated.

    Raises:
        SpecError: the node is a mapping, or its text is not an expression.
    """
    if isinstance(node, ScalarNode):
        text: str = node.value
        if kind is not None and (kind.as_text or text in kind.words):
            return text
        if kind is not None and kind.decimals and _DECIMAL.fullmatch(text):
            return float(text)
        if not node.style:
            if text in WORDS:
                return WORDS[text]
            if _INTEGER.fullmatch(text):
                return int(text)
        if is_left_open(node):
            raise SpecError(
                f"{text[:60]!r} leaves a bracket open{WANTS_QUOTES}", place_of(node, source)
            )
        return at(node, source, parse, text)
    if isinstance(node, SequenceNode):
        at(node, source, short_list, node.value)
        return [read_template(item, source, kind) for item in node.value]
    raise SpecError("expected a value, found a mapping", place_of(node, source))


def read_size(node: Node, source: Source) -> Template:
    """As `read_template`, for a size of the input: `32h` is 32 times the symbol h."""
    if not isinstance(node, ScalarNode) or node.value in WORDS:
        raise SpecError("a size is a number or an expression", place_of(node, source))
    if _INTEGER.fullmatch(node.value):
        return int(node.value)
    return at(node, source, parse_with_symbols, node.value)


def _exactly(decimal: str) -> Value:
    return parse(decimal).evaluate({})


def read_literal(node: Node, source: Source, decimal: Callable[[str], Value] = _exactly) -> Value:
    """The value of a parameter: a number, true or false, text, or a list of these.

    Args:
        decimal: what reads `0.5`: as an exact fraction unless told otherwise.
    """
    if isinstance(node, SequenceNode):
        at(node, source, short_list, node.value)
        return [read_literal(item, source, decimal) for item in node.value]
    if not isinstance(node, ScalarNode):
        raise SpecError("expected a value, found a mapping", place_of(node, source))
    text: str = node.value
    if not node.style:
        if text in WORDS:
            return WORDS[text]
        if _INTEGER.fullmatch(text):
            return at(node, source, bounded, int(text))
        if _DECIMAL.fullmatch(text):
            return at(node, source, decimal, text)
    return text


def at(node: Node, source: Source, read: Callable[[Any], Value], given: object) -> Value:
    """read(given); what it refuses is reported at the place of `node`."""
    try:
        return read(given)
    except ExpressionError as error:
        raise SpecError(str(error), place_of(node, source)) from None


def evaluate(template: Template, environment: Environment) -> Value:
    """The value of a template under the given parameters."""
    if isinstance(template, Expression):
        return template.evaluate(environment)
    if isinstance(template, list):
        return short_list([evaluate(item, environment) for item in template])
    return template


def cost_of(template: Template) -> int:
    """What it takes to evaluate a template, in operations on numbers."""
    if isinstance(template, list):
        return sum(map(cost_of, template))
    return template.cost if isinstance(template, Expression) else 1


def asking(template: Template) -> list[Expression]:
    """The expressions of a template that ask for sizes."""
    if isinstance(template, Expression):
        return [template] if template.asks else []
    if isinstance(template, list):
        return [expression for item in template for expression in asking(item)]
    return []


def is_constant(template: Template) -> bool:
    """Whether a template mentions no parameter."""
    if isinstance(template, list):
        return all(map(is_constant, template))
    return not isinstance(template, Expression)


@cache
def _one_of(choices: tuple[str, ...]) -> FieldType:
    def convert(value: Value) -> object:
        if not isinstance(value, str) or value not in choices:
            raise ExpressionError(f"expected one of {', '.join(choices)}, found {shown(value)}")
        return value

    schema = {"anyOf": [{"enum": list(choices)}, EXPRESSION_SCHEMA]}
    return FieldType(schema, convert, "", words=choices)


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema, "minItems": 1, "maxItems": 4}


_AXES: Schema = {"anyOf": [{"type": "integer"}, EXPRESSION_SCHEMA, _list_of(_WHOLE)]}
_NUMBER: Schema = {"anyOf": [{"type": "number"}, EXPRESSION_SCHEMA]}
_RATIOS: Schema = {"anyOf": [*_NUMBER["anyOf"], _list_of(_NUMBER)]}
_SHAPE: Schema = {"type": "array", "items": _WHOLE, "maxItems": MOST_AXES}
_SIDES: Schema = {
    "anyOf": [
        {"type": "integer"},
        EXPRESSION_SCHEMA,
        _list_of({"anyOf": [*_WHOLE["anyOf"], _list_of(_WHOLE)]}),
    ]
}

FIELD_TYPES: dict[str, FieldType] = {
    "Quantity": FieldType(_WHOLE, whole, "a whole number"),
    "Quantity | None": FieldType(
        {"anyOf": [*_WHOLE["anyOf"], {"type": "null"}]}, optional_whole, "a whole number"
    ),
    "Axis": FieldType(_WHOLE, axis, "the number of an axis"),
    "AxisNumbers": FieldType(_AXES, axis_numbers, "the number of an axis, or a list"),
    # By which the layer has other tensors, or more of them.
    "int": FieldType(_WHOLE, plain, "a whole number"),
    "Axes": FieldType(_AXES, axes, "a whole number, or one per axis"),
    "Axes | None": FieldType(_AXES, optional_axes, "a whole number, or one per axis"),
    "Ratios | None": FieldType(_RATIOS, ratios, "a number, or one per axis"),
    "Sides": FieldType(_SIDES, sides, "a whole number, one per axis or per side"),
    "Padding": FieldType(
        _SIDES,
        padding,
        "a whole number, one per axis or per side",
        words=("same", "valid"),
    ),
    "Shape": FieldType({"anyOf": [EXPRESSION_SCHEMA, _SHAPE | {"minItems": 1}]}, shape, "a shape"),
    "Notation": FieldType(
        {"type": "string", "pattern": "->", "description": "such as c h w -> (h w) c"},
        notation,
        "axes before and behind, such as c h w -> (h w) c",
        as_text=True,
    ),
    "NamedSizes": FieldType(
        {"type": "object", "additionalProperties": _WHOLE}, named_sizes, "sizes by their names"
    ),
    "NamedShapes": FieldType(
        {"type": "object", "additionalProperties": _SHAPE},
        named_shapes,
        "shapes by their names",
        by_names=True,
    ),
    "Shapes": FieldType({"type": "array", "minItems": 1, "items": _SHAPE}, shapes, "shapes"),
    "Text": FieldType(
        {"type": "string", "description": "as it stands"}, text, "a text", as_text=True
    ),
    "Cost": FieldType(
        {"anyOf": [{"enum": [UNKNOWN]}, *_WHOLE["anyOf"]]},
        cost,
        "a whole number",
        words=(UNKNOWN,),
    ),
    "bool": FieldType({"anyOf": [{"type": "boolean"}, EXPRESSION_SCHEMA]}, truth, "true or false"),
    "Ceil": FieldType(
        {"anyOf": [{"type": "boolean"}, {"enum": ["caffe"]}, EXPRESSION_SCHEMA]},
        ceil,
        "true or false",
        words=("caffe",),
    ),
    "float": FieldType(_NUMBER, real, "a number", decimals=True),
    "float | None": FieldType(
        {"anyOf": [{"type": ["number", "null"]}, EXPRESSION_SCHEMA]},
        optional_real,
        "a number",
        decimals=True,
    ),
}  # by their annotation, which may also be a Literal of words


def _field_type(name: str) -> FieldType:
    return FIELD_TYPES[name]


@cache
def fields_of(kind: type[Layer]) -> dict[str, Field]:
    """The keys that a layer kind takes, by name, in the order of its class."""
    return {
        name: Field(name, _type_of(kind, name), kind.defaults[name] is REQUIRED)
        for name in kind.types
    }


def _type_of(kind: type[Layer], name: str) -> FieldType:
    """The type of a field.

    Raises:
        UsageError: specs have no such type.
    """
    text = kind.types[name]
    if text in FIELD_TYPES:
        return FIELD_TYPES[text]
    home = next(c for c in kind.__mro__ if name in getattr(c, "__annotations__", ()))
    words: object = None
    with suppress(NameError, SyntaxError, TypeError):
        words = eval(text, vars(sys.modules[home.__module__]))
    if get_origin(words) is not Literal:
        known = ", ".join(FIELD_TYPES)
        raise UsageError(
            f"{kind.kind}: specs have no values of the type {text!r} of {name!r}; the types are "
            f"{known}, and Literal[…] of words"
        )
    return _one_of(get_args(words))


def convert(field: Field, value: Value, place: Place) -> object:
    """An evaluated value as that of a field; what does not fit is reported at `place`."""
    try:
        return field.type.convert(value)
    except ExpressionError as error:
        raise SpecError(f"{field.name}: {error}", place) from None
