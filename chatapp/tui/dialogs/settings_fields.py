"""The fields of the settings dialog as data: names, plain meanings, and how text becomes a value.

The ranges are not here: :class:`~chatapp.engine.protocol.Sampling` and the rules of the settings
file hold them, and say so when a value lies outside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chatapp.context.overflow import Policy
from chatapp.engine.protocol import Sampling
from chatapp.errors import ChatappError
from chatapp.home.settings import AppSettings, rule_of

__all__ = [
    "CACHE_LABEL",
    "CACHE_MEANING",
    "FIELDS",
    "POLICY_TEXTS",
    "SYSTEM_MEANING",
    "FieldError",
    "NumberField",
    "shown",
]

SYSTEM_MEANING: Final = (
    "Sent first, in every request: text to read, not a change in the model. Empty: chatapp sends "
    "none, but a model's template may write its own."
)

CACHE_LABEL: Final = "Use the arithmetic cache"
CACHE_MEANING: Final = "Off computes everything afresh: the same answers, slower."

POLICY_TEXTS: Final[Mapping[Policy, tuple[str, str]]] = {
    "stop": ("Stop and ask", "nothing is sent until you decide."),
    "drop-oldest": (
        "Leave out the oldest",
        "the oldest turns leave, a quarter of the window at a time; a line shows where the model's "
        "view begins.",
    ),
    "summary": (
        "Send a summary in their place",
        "the model writes one of the oldest turns: more text, nothing else.",
    ),
}


class FieldError(ValueError):
    """What was typed is not a value for its field; ``str`` is a sentence."""


@dataclass(frozen=True)
class NumberField:
    """One line of the dialog. ``name`` is a field of ``Sampling``, or ``window``."""

    name: str
    label: str
    meaning: str
    whole: bool
    may_be_empty: bool = False

    def parse(self, text: str) -> int | float | None:
        """The value that ``text`` stands for. Raises :class:`FieldError`."""
        text = text.strip()
        if not text:
            if self.may_be_empty:
                return None
            raise FieldError(f"{self.label} needs a number.")
        value = self._whole(text) if self.whole else self._real(text)
        if self.name == "window":
            rule = rule_of(AppSettings, "window")
            try:
                rule.check(value)
            except ValueError:
                raise FieldError(f"{self.label} must be {rule.allowed} tokens.") from None
            return value
        given: dict[str, Any] = {self.name: value}
        try:
            Sampling(**given)
        except ChatappError as error:
            raise FieldError(str(error).replace(f"'{self.name}'", self.label)) from None
        return value

    def _whole(self, text: str) -> int:
        if re.fullmatch(r"\d{1,3}(?:[, ]\d{3})+", text):  # 2,048 as chatapp itself writes it
            text = re.sub(r"\D", "", text)
        try:
            return int(text)
        except ValueError:
            raise FieldError(f"{self.label} must be a whole number.") from None

    def _real(self, text: str) -> float:
        if text.count(",") == 1 and "." not in text:  # 0,7 is how much of the world writes it
            text = text.replace(",", ".")
        try:
            return float(text)
        except ValueError:
            raise FieldError(f"{self.label} must be a number, such as 0.7.") from None


def shown(value: int | float | None) -> str:
    """A value as it stands in its field."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.12g}"


FIELDS: Final = (
    NumberField(
        "temperature",
        "Temperature",
        "0 always takes the most probable next token; higher draws more freely.",
        whole=False,
    ),
    NumberField(
        "top_k",
        "Top-k",
        "Draw only among this many of the most probable tokens. 0: all of them.",
        whole=True,
    ),
    NumberField(
        "top_p",
        "Top-p",
        "Draw only among the most probable tokens that together reach this share. 1: all.",
        whole=False,
    ),
    NumberField(
        "min_p",
        "Min-p",
        "Leave out tokens below this share of the best one's probability. 0: leave out none.",
        whole=False,
    ),
    NumberField(
        "repeat_penalty",
        "Repeat penalty",
        "Above 1 makes tokens that came a moment ago less probable. 1: off.",
        whole=False,
    ),
    NumberField(
        "seed",
        "Seed",
        "Where the draw starts: same prompt, settings and seed, same answer. Empty: a new one "
        "each turn, shown with every answer.",
        whole=True,
        may_be_empty=True,
    ),
    NumberField(
        "max_tokens",
        "Reply length",
        "At most this many tokens; the window keeps them free (the reply reserve).",
        whole=True,
    ),
    NumberField(
        "window",
        "Window size",
        "Tokens for one request and its reply. A change loads the same weights again. Empty: "
        "chatapp chooses.",
        whole=True,
        may_be_empty=True,
    ),
)
