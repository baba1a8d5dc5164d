"""Full-text search in what was said, the latest first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from chatapp.archive.records import SessionInfo
from chatapp.archive.sessions import infos
from chatapp.archive.store import Store

__all__ = ["CLOSE", "OPEN", "Hit", "parts", "search"]

OPEN: Final = "\x02"
"""Stands before a word that was found, in a snippet."""
CLOSE: Final = "\x03"
"""Stands behind it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found. ``snippet`` is a part of it, the words between the marks."""

    session: SessionInfo
    message: int
    role: str
    created: str
    snippet: str


def search(store: Store, text: str, *, limit: int = 20, before: int | None = None) -> list[Hit]:
    """Messages that hold all words of ``text``, the last one as it is begun.

    Quoted words have to stand together. ``before``: the id of the last hit of the page before.
    """
    query = _query(text)
    if not query:
        return []
    with store.reading() as db:
        rows = db.execute(
            "SELECT m.id, m.session, m.role, m.created, "
            "snippet(search, 0, ?, ?, '…', 14) "
            "FROM search JOIN messages m ON m.id = search.rowid "
            "WHERE search MATCH ? AND search.rowid < ? ORDER BY search.rowid DESC LIMIT ?",
            (OPEN, CLOSE, query, before if before is not None else 2**62, limit),
        ).fetchall()
        found = infos(db, sorted({row[1] for row in rows}))
    return [Hit(found[row[1]], row[0], row[2], row[3], row[4]) for row in rows]


def parts(snippet: str) -> list[tuple[str, bool]]:
    """A snippet in pieces, each with whether it was searched for."""
    found: list[tuple[str, bool]] = []
    for number, piece in enumerate(snippet.split(OPEN)):
        inside, close, outside = piece.partition(CLOSE)
        if number and close:
            found += [(inside, True), (outside, False)]
        else:
            found.append((piece, False))
    return [(text, yes) for text, yes in found if text]


_PART: Final = re.compile(r'"([^"]*)"|(\S+)')


def _query(text: str) -> str:
    """A query of SQLite's from what a person typed: words and phrases, and no operators."""
    parts = [
        (match[1] or match[2] or "").replace('"', " ").replace("\0", " ")
        for match in _PART.finditer(text)
    ]
    words = [part for part in parts if re.search(r"\w", part)]
    if not words:
        return ""
    begun = "" if text.rstrip().endswith('"') or text.endswith(" ") else "*"
    return " AND ".join(f'"{word}"' for word in words) + begun
