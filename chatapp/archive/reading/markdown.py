"""A session as Markdown. Every text stands in a fence that nothing in it can close."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from chatapp.archive.reading.hidden import marked, one_line
from chatapp.archive.reading.words import (
    IS_A_TRANSCRIPT,
    NO_TEXT,
    Entry,
    branches,
    circumstances,
    ending,
    facts,
    weights_of,
)
from chatapp.archive.records import StoredSession

_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")
_TICKS: Final = re.compile("`+")


def as_markdown(session: StoredSession, all_branches: bool) -> Iterator[str]:
    """The document in pieces: a head, then each message."""
    yield f"# {inline(session.info.title)}\n\n{inline(IS_A_TRANSCRIPT)}\n\n"
    for name, value in facts(session):
        yield f"- {inline(name)}: {inline(value)}\n"
    if session.system:
        yield f"\n## System prompt\n\n{fenced(session.system)}"
    several = len(weights_of(session)) > 1
    for branch in branches(session, all_branches):
        yield f"\n## {inline(branch.words or 'Conversation')}\n"
        for entry in branch.entries:
            yield from _message(session, entry, several)


def _message(session: StoredSession, entry: Entry, several: bool) -> Iterator[str]:
    yield f"\n### {inline(entry.head(with_model=several))}\n\n"
    for sentence, text in circumstances(session, entry.message):
        yield f"*{inline(sentence)}*\n\n"
        if text:
            yield f"{fenced(text)}\n"
    yield fenced(entry.message.content)
    if says := ending(entry.message):
        yield f"\n*{inline(says)}*\n"


def inline(text: str) -> str:
    """Words within a line: whatever could be markup is escaped."""
    return _PUNCTUATION.sub(r"\\\1", one_line(text))


def fenced(text: str) -> str:
    """A text as it is, hidden characters marked, in a fence longer than any in it."""
    text = marked(text) or NO_TEXT
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}\n"
