"""The player's own words, one file per language: what checks say, the hand-out's headings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from chatapp.proofs.report.text import number

ENGLISH: Final = "en"


class Words:
    """The words of one language. What a language lacks is said in English."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """The text of this key, with ``{name}`` filled in."""
        text = self._texts[key]
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def name(self, value: str) -> str:
        """What a value is called, inside a sentence."""
        return self._texts.get(f"value-{value}", value)

    def experiment(self, name: str, title: str) -> str:
        """What an experiment is called; ``title`` is its own, English title."""
        return self._texts.get(f"experiment-{name}", title)

    def step(self, ident: str) -> str:
        """How another step is named in a sentence."""
        return self("step", name=ident)

    def number(self, value: float) -> str:
        """A number as this language writes it."""
        whole = abs(value) >= 1000 and abs(value) < 1e15
        return number(round(value) if whole else value).replace(".", self._texts["decimal"])


@cache
def languages() -> tuple[str, ...]:
    """The languages that the player has words for, English first."""
    found = {
        file.name.split(".")[1]
        for file in resources.files("chatapp.lessons").iterdir()
        if file.name.startswith("words.") and file.name.endswith(".toml")
    }
    return (ENGLISH, *sorted(found - {ENGLISH}))


@cache
def words_of(language: str) -> Words:
    """The words of this language, or the English ones."""
    texts = _read(ENGLISH)
    if language != ENGLISH and language in languages():
        texts = {**texts, **_read(language)}
    return Words(language, texts)


def _read(language: str) -> dict[str, str]:
    file = resources.files("chatapp.lessons").joinpath(f"words.{language}.toml")
    return tomllib.loads(file.read_text("utf-8"))
