"""`KEY=VALUE`: another value for a parameter, as people write it behind a network's name."""

from __future__ import annotations

import re

from archcalc.errors import Source, SpecError, UsageError
from archcalc.spec.expression import parse
from archcalc.spec.fields import read_literal
from archcalc.spec.reader import compose
from archcalc.spec.values import ExpressionError, Value

_NUMBER = r"[-+]?[0-9]{1,40}(\.[0-9]{1,40})?"
_FRACTION = rf"{_NUMBER}\s*/\s*[0-9]{{1,40}}(\.[0-9]{{1,40}})?"
_PLAIN = rf"({_FRACTION}|{_NUMBER}|true|false)"  # what may stand in a list without brackets
_WITH_SETTINGS = r"(?P<name>.*?)(?P<settings>(\s+\w+=\S*)*)\s*"


def read_setting(text: str) -> tuple[str, Value]:
    """`alpha=0.75` as ("alpha", 0.75); `alpha=3/4` too, and `depths=1,2` is a list.

    Raises:
        UsageError: it is not KEY=VALUE, or its value cannot be read.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip().isidentifier() or not value.strip():
        raise UsageError(f"{text}: expected KEY=VALUE, such as alpha=0.75")
    listed = re.fullmatch(rf"\s*{_PLAIN}\s*,(\s*{_PLAIN}\s*,)*(\s*{_PLAIN})?\s*", value)
    source = Source(key, f"[{value}]" if listed else value)
    try:
        return key.strip(), _divided(read_literal(compose(source), source))
    except SpecError as error:
        raise UsageError(f"{text}: {error.fact.removeprefix(f'{key}: ')}") from None
    except ExpressionError as error:
        raise UsageError(f"{text}: {error}") from None


def _divided(value: Value) -> Value:
    """What was read, fractions as numbers: `29/100` is exact, and no text."""
    if isinstance(value, list):
        return [_divided(item) for item in value]
    if isinstance(value, str) and re.fullmatch(_FRACTION, value.strip()):
        return parse(value).evaluate({})
    return value


def split_settings(text: str) -> tuple[str, dict[str, Value]]:
    """`mobilenet_v1 alpha=0.5` as ("mobilenet_v1", {"alpha": 0.5}); a list has no spaces.

    Raises:
        UsageError: a value cannot be read.
    """
    if "=" not in text:
        return text.strip(), {}
    match = re.fullmatch(_WITH_SETTINGS, text, re.DOTALL)
    assert match is not None, "the name may be anything"
    return match["name"].strip(), dict(map(read_setting, match["settings"].split()))
