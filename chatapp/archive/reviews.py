"""Reviews in the store: what was decided about each example, and what still waits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from chatapp.archive import marks
from chatapp.archive.records import Example
from chatapp.archive.review import Review, stale
from chatapp.archive.store import Store
from chatapp.errors import StoreError

__all__ = ["count", "put", "reviewed", "waiting"]

_PAGE: Final = 500


def put(store: Store, review: Review) -> None:
    """Keep a decision, in place of an earlier one on the same example."""
    content = None if review.content is None else json.dumps(review.content, ensure_ascii=False)
    with store.writing() as db:
        if not db.execute("SELECT 1 FROM examples WHERE id = ?", (review.example,)).fetchone():
            raise StoreError("The example is no longer in the store.", kind="missing")
        db.execute(
            "INSERT OR REPLACE INTO reviews (example, sha256, redactor, decision, content, at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (review.example, review.sha256, review.redactor, review.decision, content, review.at),
        )


def reviewed(store: Store, sessions: Sequence[str] = ()) -> Iterator[tuple[Example, Review | None]]:
    """What may be exported by consent, with the latest review, if there is one; stable order."""
    found = _of(store, sessions)
    while page := list(islice(found, _PAGE)):
        told = _reviews(store, [example.id for example in page])
        for example in page:
            yield example, told.get(example.id)


def waiting(store: Store, sessions: Sequence[str] = ()) -> Iterator[Example]:
    """Examples that nobody has decided about as they are now."""
    for example, review in reviewed(store, sessions):
        if review is None or stale(example, review):
            yield example


def _of(store: Store, sessions: Sequence[str]) -> Iterator[Example]:
    if not sessions:
        yield from marks.examples(store)
        return
    found = [one for name in dict.fromkeys(sessions) for one in marks.examples(store, session=name)]
    yield from sorted(found, key=lambda example: (example.created, example.id))


def _reviews(store: Store, examples: Sequence[str]) -> dict[str, Review]:
    with store.reading() as db:
        rows: list[tuple[Any, ...]] = db.execute(
            "SELECT example, sha256, redactor, decision, content, at FROM reviews "
            f"WHERE example IN ({', '.join('?' * len(examples))})",
            list(examples),
        ).fetchall()
    return {
        row[0]: Review(
            example=row[0],
            sha256=row[1],
            redactor=row[2],
            decision=row[3],
            content=None if row[4] is None else json.loads(row[4]),
            at=row[5],
        )
        for row in rows
    }


def count(store: Store, sessions: Sequence[str] = ()) -> int:
    """How many examples consent allows to be exported now."""
    where = f"AND s.id IN ({', '.join('?' * len(sessions))})" if sessions else ""
    with store.reading() as db:
        row = db.execute(
            "SELECT count(*) FROM examples e JOIN sessions s ON s.id = e.session "
            "JOIN messages m ON m.id = e.reply "
            f"WHERE s.state = 'training' AND m.status = 'complete' {where}",
            list(sessions),
        ).fetchone()
    return int(row[0])
