"""General prompts, from ``general.toml``: some are held while training, others only asked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class General:
    """A question that is never trained, and words of which a good reply holds one."""

    prompt: str
    words: tuple[str, ...]


@cache
def _data() -> Mapping[str, Any]:
    text = resources.files("chatapp.training").joinpath("general.toml").read_text("utf-8")
    return tomllib.loads(text)


def general_trained() -> list[str]:
    """Prompts whose answers are held to the base's."""
    return list(_data()["trained"])


def general_plain() -> list[tuple[str, str]]:
    """Prompts with a plain answer each: what the base makes of it is held, word for word."""
    return [(prompt, answer) for prompt, answer in _data()["plain"]]


def general_weighed() -> list[tuple[str, str]]:
    """Prompts with a good answer each, which only the gate weighs."""
    return [(prompt, answer) for prompt, answer in _data()["weighed"]]


def general_asked() -> list[General]:
    """Questions that only the gate asks."""
    return [General(prompt, tuple(words)) for prompt, words in _data()["answered"]]
