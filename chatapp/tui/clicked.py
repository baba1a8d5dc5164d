"""From a word on the screen to the token that wrote it.

A reply is shown as Markdown, so the screen's text lacks marks that the reply has, and has signs
that it lacks. What both have are words, in the same order: those are matched one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["source_place", "token_at", "token_of"]

_ITEM: Final = re.compile(r"[^\W_]+|[^\w\s]|_")
_AHEAD: Final = 60
"""Words and signs of the reply that the screen may leave out in one place."""
_AHEAD_SIGN: Final = 8
"""The same where a sign is looked for: one met far away is likely another one."""


def token_at(texts: Sequence[str], place: int) -> int | None:
    """The token whose text covers the character at ``place``; None beyond the end."""
    end = 0
    for index, text in enumerate(texts):
        end += len(text)
        if place < end:
            return index
    return None


def source_place(shown: str, at: int, source: str) -> int | None:
    """Where in ``source`` the character stands that the screen shows at ``at``.

    None where no word or sign is shown. If the word cannot be told for certain: the beginning of
    its nearest occurrence, or else of what follows the words before it.
    """
    pieces = list(_ITEM.finditer(source))
    where = 0
    for item in _ITEM.finditer(shown):
        found = _next(pieces, where, item.group())
        if item.end() > at:
            if item.start() > at:
                return None
            if found is not None:
                return pieces[found].start() + at - item.start()
            return _nearest(pieces, where, item.group())
        where = where if found is None else found + 1
    return None


def token_of(shown: str, at: int, texts: Sequence[str]) -> int | None:
    """The token of a reply that wrote what the screen shows at ``at``; None if nothing is there."""
    source = "".join(texts)
    place = source_place(shown, at, source)
    return None if place is None else token_at(texts, place)


def _next(pieces: Sequence[re.Match[str]], where: int, text: str) -> int | None:
    ahead = _AHEAD if text.isalnum() else _AHEAD_SIGN
    for index in range(where, min(where + ahead, len(pieces))):
        if pieces[index].group() == text:
            return index
    return None


def _nearest(pieces: Sequence[re.Match[str]], where: int, text: str) -> int | None:
    if not pieces:
        return None
    same: Iterator[int] = (n for n, piece in enumerate(pieces) if piece.group() == text)
    last = min(where, len(pieces) - 1)
    return pieces[min(same, key=lambda n: abs(n - where), default=last)].start()
