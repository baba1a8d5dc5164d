"""What is said in benchmarks."""

from __future__ import annotations

import random

from chatapp.context.messages import Message

LONG_ANSWER = (
    "Write a long story about a lighthouse keeper, a storm, and a ship that comes too late. "
    "Tell it in many paragraphs, and do not stop before every question is answered."
)
"""Greedily answered with well over 200 tokens by the default model."""

_WORDS = (
    "river stone window paper garden engine winter letter bridge copper silver number morning "
    "shadow market forest island silence kitchen captain library machine question answer weather "
    "Ankara Biscuit 1984 3.14 café naïve überall 東京 🙂 don't we'll x=1; https://example.org"
).split()


def words(source: random.Random, count: int) -> str:
    """A text of ``count`` words, some of them odd."""
    return " ".join(source.choice(_WORDS) for _ in range(count)) + "?"


def long_request(count: int = 520) -> str:
    """The same request at the end of a text: some 1,000 tokens in all."""
    return f"Some words: {words(random.Random(7), count)}\n\n{LONG_ANSWER}"


def user(text: str) -> list[Message]:
    """A conversation that begins."""
    return [Message("user", text)]
