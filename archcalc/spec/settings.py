"""`KEY=VALUE`: another value for a parameter, as people write it behind a network's name."""

from __future__ import annotations

import re

from archcalc.errors import Source, SpecError, UsageError
from archcalc.spec.fields import read_literal
from archcalc.spec.reader import compose
from archcalc.spec.values import Value

_WITH_SETTINGS = r"(?P<name>.*?)(?P<settings>(\s+\w+=\S*)*)\s*"


def read_setting(text: str) -> tuple[str, Value]:
    """`alpha=0.75` as ("alpha", 0.75).

    Raises:
        UsageError: it is not KEY=VALUE, or its value cannot be read.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip().isidentifier() or not value.strip():
        raise UsageError(f"{text}: expected KEY=VALUE, such as alpha=0.75")
    source = Source(key, value)
    try:
        return key.strip(), read_literal(compose(source), source)
    except SpecError as error:
        raise UsageError(f"{text}: {error.fact.removeprefix(f'{key}: ')}") from None


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
