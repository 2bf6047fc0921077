"""Expressions over parameters: `4*width`, `max(8, floor(c*alpha))`, `depths[0]`, `n > 1`.

Python's grammar, of which a short list of constructs is let through; the tree is then turned
into closures. Nothing is ever handed to `eval`. Where layers stand, the present input has a size:
`in_channels`, `in_shape`, and `shape_of(stem)` of another layer.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from archcalc.errors import QuantityError
from archcalc.record import Record
from archcalc.spec.closures import WORK, Allowance, Closure, Environment, closure, name_closure
from archcalc.spec.trees import (
    COMPREHENSIONS,
    SHAPE_OF,
    SIZE_NAMES,
    TRUTHS,
    Call,
    call_of,
    cost_of,
    is_defined,
    names_in,
)
from archcalc.spec.values import ExpressionError, Value

MAX_LENGTH = 400
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_WORD = re.compile(r"[\w.]*[0-9][\w.]*")
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|([0-9][0-9_]*\.?|\.)[0-9_]*([eE][0-9_]*)?[jJ]?"  # up to the sign of an exponent
)
MOST_WORK = 2_000_000  # operations in one evaluation by itself
# The name of a layer stands for itself there, quoted or not, as it does behind `from`.
_UNQUOTED = re.compile(rf"\b{SHAPE_OF}\(\s*([A-Za-z0-9_][\w.\-]*)\s*\)")
_QUOTED_NAME = re.compile(rf"\b{SHAPE_OF}\(\s*(?=['\"])")
_WITH_NAMES_OF_THEIR_OWN = frozenset((ast.Call, *COMPREHENSIONS))
_BRACED = re.compile(r"\{([^{}]*)\}")


class Expression(Record):
    """A parsed expression.

    Attributes:
        text: as it was written.
        names: the parameters that it mentions.
        cost: what it takes to evaluate, in operations on numbers.
        closure: what evaluates it.
        asks: whether it asks for sizes, of the present input or of a layer.
        calls: the functions that it calls, but for those of `FUNCTIONS`.
        counted: whether the cost is more than `cost`, and told as it arises.
    """

    text: str
    names: frozenset[str]
    cost: int
    closure: Closure
    asks: bool = False
    calls: tuple[Call, ...] = ()
    counted: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its text: closures cannot be."""
        return parse, (self.text,)

    def evaluate(self, environment: Environment) -> Value:
        """Its value, with the parameters that `environment` gives.

        Raises:
            ExpressionError: a parameter is unknown, or the arithmetic fails.
        """
        if self.counted and WORK not in environment:
            environment = {**environment, WORK: Allowance(MOST_WORK)}
        try:
            return self.closure(environment)
        except (ExpressionError, QuantityError):
            raise
        except (ZeroDivisionError, FloatingPointError):
            raise ExpressionError(f"{self.text!r} divides by zero") from None
        except (TypeError, ValueError, AttributeError, IndexError):
            raise ExpressionError(
                f"{self.text!r} does not work on {self._given(environment)}"
            ) from None
        except (OverflowError, MemoryError, RecursionError):
            raise ExpressionError(f"{self.text!r} grows too large") from None

    def _given(self, environment: Environment) -> str:
        shown = [f"{name} = {str(environment.get(name))[:40]}" for name in sorted(self.names)]
        return ", ".join(shown) or "these values"


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """The expression that `text` spells.

    Raises:
        ExpressionError: `text` is not an expression, or uses what the language does not have.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"an expression of {len(text)} characters; at most {MAX_LENGTH} are read"
        )
    if text.isidentifier() and not iskeyword(text) and text not in TRUTHS:  # most are a single name
        return Expression(text, frozenset((text,)), 1, name_closure(text), text in SIZE_NAMES)
    _require_clear(text)
    spelled = _with_names(text) if SHAPE_OF in text else text
    try:
        tree = ast.parse(spelled.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError(f"{text!r} is not an expression") from None
    nodes = list(ast.walk(tree))
    try:
        evaluate = closure(tree, spelled)
        if _WITH_NAMES_OF_THEIR_OWN.isdisjoint([type(node) for node in nodes]):
            names = frozenset([n.id for n in nodes if isinstance(n, ast.Name)]) - TRUTHS
            return Expression(
                text, names, len(nodes), evaluate, asks=not SIZE_NAMES.isdisjoint(names)
            )
        names = names_in(tree)
        asks = not SIZE_NAMES.isdisjoint(names)
        calls = tuple([call_of(node) for node in nodes if is_defined(node)])
        counted = bool(calls) or any(isinstance(node, COMPREHENSIONS) for node in nodes)
        return Expression(text, names, cost_of(nodes), evaluate, asks, calls, counted)
    except RecursionError:
        raise ExpressionError(f"{text[:40]!r}… is nested too deep") from None


def _with_names(text: str) -> str:
    """The names of layers whose shapes are asked for as Python's f-strings."""
    return _QUOTED_NAME.sub(rf"{SHAPE_OF}(f", _UNQUOTED.sub(rf"{SHAPE_OF}('\1')", text))


def _require_clear(text: str) -> None:
    """Refuses what Python reads with a warning, on stderr: it is an error in its next versions."""
    if "\\" in text:
        raise ExpressionError(f"{text!r} is not an expression: a backslash stands for nothing")
    for word in _WORD.findall(_QUOTED.sub("''", text)):
        if not _NUMBER.fullmatch(word) and any(part[:1].isdigit() for part in word.split(".")):
            raise ExpressionError(
                f"{text!r} is not an expression: {word!r} is neither a number nor a name"
            )


def parse_with_symbols(text: str) -> Expression:
    """As `parse`, where a number may stand before a name: `32h` is `32*h`."""
    return parse(re.sub(r"(?<![\w.])(\d+)(?=[A-Za-z_])(?![eE]\d)", r"\1*", text))


def template_parts(text: str) -> tuple[str | Expression, ...]:
    """`conv{i}_1` as its parts: plain text, and the expressions in braces.

    Raises:
        ExpressionError: what stands in braces is none.
    """
    parts: list[str | Expression] = []
    for number, part in enumerate(_BRACED.split(text)):
        if number % 2:
            parts.append(parse(part))
        elif part:
            parts.append(part)
    return tuple(parts)


def with_sizes(
    environment: Environment,
    expressions: Collection[Expression],
    present: Callable[[], list[Value]],
    shape_of: Callable[[str], list[Value]],
) -> Environment:
    """An environment in which `expressions` find the sizes that they ask for.

    A parameter hides a size of the same name.

    Args:
        present: gives the shape of the present input, in torch's layout without the batch.
        shape_of: gives that of a layer.
    """
    found: dict[str, Value] = {SHAPE_OF: shape_of}
    if any(expression.names & SIZE_NAMES != {SHAPE_OF} for expression in expressions):
        shape = present()
        found |= {"in_channels": shape[0], "in_shape": shape}
    return {**found, **environment}
