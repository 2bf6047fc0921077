"""Reads what a derivation prints, and computes it: knows numbers and signs, and no archcalc."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from fractions import Fraction

_FUNCTIONS: dict[str, Callable[..., Fraction]] = {
    "floor": lambda x: Fraction(math.floor(x)),
    "ceil": lambda x: Fraction(math.ceil(x)),
    "min": min,
    "max": max,
}


def computed(text: str) -> Fraction:
    """The number that `(227 - 11 + 2*0)/4 + 1` comes to; a slash divides without rounding."""
    return _value(ast.parse(re.sub(r"(?<=\d),(?=\d{3})", "", text), mode="eval").body)


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() as value):
            return Fraction(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left), _value(right)
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b
        case ast.Call(func=ast.Name(id=name), args=args):
            return _FUNCTIONS[name](*map(_value, args))
    raise ValueError(ast.dump(node))
