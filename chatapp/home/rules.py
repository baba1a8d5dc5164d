"""What a setting may be. The settings file and the command line are held to the same rules."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Choice", "Real", "Rule", "Switch", "Text", "Whole"]


class Rule(Protocol):
    """``allowed`` completes the sentence "it must be …"."""

    @property
    def allowed(self) -> str: ...

    def check(self, value: object) -> object:
        """The value to use. Raises :class:`ValueError` if it is not allowed."""

    def parse(self, text: str) -> object:
        """The same, for a value typed on the command line."""


@dataclass(frozen=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    def check(self, value: object) -> int:
        if type(value) is not int or not self.least <= value <= self.most:
            raise ValueError(self.allowed)
        return value

    def parse(self, text: str) -> int:
        return self.check(int(text))


@dataclass(frozen=True)
class Real:
    """A number from ``least`` to ``most``."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        return f"a number from {self.least:g} to {self.most:g}"

    def check(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(self.allowed)
        if not math.isfinite(value) or not self.least <= value <= self.most:
            raise ValueError(self.allowed)
        return float(value)

    def parse(self, text: str) -> float:
        return self.check(float(text))


@dataclass(frozen=True)
class Text:
    """A text that ``pattern`` matches in full; without bytes that are no text (lone surrogates)."""

    allowed: str = "a text"
    pattern: str = r"(?s)[^\0\ud800-\udfff]*"

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise ValueError(self.allowed)
        return value

    def parse(self, text: str) -> str:
        return self.check(text)


@dataclass(frozen=True)
class Switch:
    """On or off."""

    allowed: str = "true or false"

    def check(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError(self.allowed)
        return value

    def parse(self, text: str) -> bool:
        return self.check({"true": True, "false": False}.get(text))


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    def check(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise ValueError(self.allowed)
        return value

    def parse(self, text: str) -> str:
        return self.check(text)
