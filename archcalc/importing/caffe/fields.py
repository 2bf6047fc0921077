"""What stands in a message: values of the type that is asked for, or an error with their place."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.errors import Place, SpecError, suggestion
from archcalc.importing.caffe.text import Field, Message, Token, unquoted

_LARGEST = 2**31 - 1
_TRUTHS = {
    **dict.fromkeys(("true", "True", "t", "1"), True),
    **dict.fromkeys(("false", "False", "f", "0"), False),
}


class Fields:
    """The fields of a message, by name.

    Attributes:
        message: where they stand.
    """

    def __init__(self, message: Message) -> None:
        self.message = message
        self._by_name: dict[str, list[Field]] = {}
        for field in message.fields:
            self._by_name.setdefault(field.name, []).append(field)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def holds_values(self, name: str) -> bool:
        """Whether a field of that name has a value, and is no message."""
        return any(isinstance(field.value, Token) for field in self._by_name.get(name, ()))

    def is_quoted(self, name: str) -> bool:
        """Whether a field of that name is a text in quotes."""
        return any(token.kind == "string" for token in self._tokens(name))

    def error(self, fact: str, name: str | None = None) -> SpecError:
        """`fact`, at the first field of a name where there is one, else at the message."""
        at = self._by_name[name][0] if name in self._by_name else self.message
        return SpecError(fact, Place(self.message.source, at.line, at.column))

    # ----- one value -----

    def whole(self, name: str, default: int | None = None, least: int = 0) -> int:
        """A whole number of at least `least`."""
        tokens = self._tokens(name)
        if len(tokens) > 1:
            raise self._at(tokens[1], f"{name} is given twice")
        if not tokens and default is None:
            raise self.error(f"{name} is missing")
        return self._whole(name, tokens[0], least) if tokens else int(default or 0)

    def real(self, name: str, default: float) -> float:
        """A number."""
        token = self._only(name)
        return default if token is None else self._real(name, token)

    def flag(self, name: str, default: bool) -> bool:
        """A truth value."""
        token = self._only(name)
        if token is None:
            return default
        if token.text not in _TRUTHS:
            raise self._at(token, f"{name}: expected true or false, not {token.text[:40]!r}")
        return _TRUTHS[token.text]

    def text(self, name: str, default: str = "") -> str:
        """A quoted text."""
        token = self._only(name)
        return default if token is None else self._text(name, token)

    def word(self, name: str, words: Sequence[str], default: str) -> str:
        """One of some words, which the format also knows by their numbers from 0."""
        token = self._only(name)
        if token is None:
            return default
        if token.kind == "number" and token.text.isdecimal() and int(token.text) < len(words):
            return words[int(token.text)]
        text = unquoted(token) if token.kind == "string" else token.text
        if text not in words:
            raise self._at(token, f"{name}: {text[:40]!r}{suggestion(text, words)}")
        return text

    def inner(self, name: str) -> Fields:
        """A message; where there is none, an empty one at the place of this one."""
        found = self.inners(name)
        if found:
            return Fields(
                found[0].message._replace(
                    fields=[field for each in found for field in each.message.fields]
                )
            )
        return Fields(self.message._replace(fields=[]))

    # ----- several -----

    def wholes(self, name: str, least: int = 0) -> list[int]:
        """Whole numbers."""
        return [self._whole(name, token, least) for token in self._tokens(name)]

    def reals(self, name: str) -> list[float]:
        """Numbers."""
        return [self._real(name, token) for token in self._tokens(name)]

    def texts(self, name: str) -> list[str]:
        """Quoted texts."""
        return [self._text(name, token) for token in self._tokens(name)]

    def inners(self, *names: str) -> list[Fields]:
        """Messages, of one of the names, in the order in which they stand."""
        found = []
        for field in self.message.fields if len(names) > 1 else self._by_name.get(names[0], ()):
            if field.name in names:
                if isinstance(field.value, Token):
                    raise self._at(field.value, f"{field.name}: expected '{{', not a value")
                found.append(Fields(field.value))
        return found

    # ----- tokens -----

    def _tokens(self, name: str) -> list[Token]:
        found = []
        for field in self._by_name.get(name, ()):
            if isinstance(field.value, Message):
                raise self.error(f"{name}: expected a value, not '{{'", name)
            found.append(field.value)
        return found

    def _only(self, name: str) -> Token | None:
        tokens = self._tokens(name)
        if len(tokens) > 1:
            raise self._at(tokens[1], f"{name} is given twice")
        return tokens[0] if tokens else None

    def _whole(self, name: str, token: Token, least: int) -> int:
        try:
            if token.kind != "number" or len(token.text) > 20:
                raise ValueError
            number = int(token.text, 0 if "x" in token.text.lower() else 10)
        except ValueError:
            raise self._at(
                token, f"{name}: expected a whole number, not {token.text[:40]!r}"
            ) from None
        if not least <= number <= _LARGEST:
            bound = f"at least {least}" if number < least else f"at most {_LARGEST}"
            raise self._at(token, f"{name}: {number}, where it has to be {bound}")
        return number

    def _real(self, name: str, token: Token) -> float:
        try:
            if token.kind != "number":
                raise ValueError
            return float(
                token.text.rstrip("fF")
                if token.text[-1] in "fF" and "n" not in token.text
                else token.text
            )
        except ValueError:
            raise self._at(token, f"{name}: expected a number, not {token.text[:40]!r}") from None

    def _text(self, name: str, token: Token) -> str:
        if token.kind != "string":
            raise self._at(token, f"{name}: expected a text in quotes, not {token.text[:40]!r}")
        return unquoted(token)

    def _at(self, token: Token, fact: str) -> SpecError:
        return SpecError(fact, Place(self.message.source, token.line, token.column))
