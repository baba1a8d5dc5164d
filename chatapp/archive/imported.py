"""Imported sessions into the store: kept, never training, until somebody says so."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlite_utils import Database

from chatapp.archive import ledger
from chatapp.archive.records import ImportedMessage, ImportedSession, StoredTurn, now
from chatapp.archive.store import Store
from chatapp.archive.writing import NewMessage, Writer

__all__ = ["Imported", "put"]

_BATCH: Final = 200
"""Sessions that are written in one transaction."""


@dataclass(slots=True)
class Imported:
    """What came of an import: sessions that were added, and that were there already.

    ``grown`` of the latter have gone on at their source since; they stay here as they are.
    """

    added: int = 0
    known: int = 0
    grown: int = 0
    messages: int = 0


def put(
    store: Store,
    sessions: Iterable[ImportedSession],
    progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Store sessions from elsewhere; those that were imported before stay as they are.

    Raises :class:`StoreError`; what was written before stays, and doing it again goes on there.
    """
    done = Imported()
    for batch in _batches(sessions):
        with store.writing() as db:
            for session in batch:
                there = db.execute(
                    "SELECT messages FROM sessions WHERE key = ?", (session.key,)
                ).fetchone()
                if there:
                    done.known += 1
                    done.grown += there[0] < len(session.messages)
                    continue
                _put(store, db, session)
                done.added += 1
                done.messages += len(session.messages)
        progress(done)
    return done


def _batches(sessions: Iterable[ImportedSession]) -> Iterator[list[ImportedSession]]:
    left = iter(sessions)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _put(store: Store, db: Database, session: ImportedSession) -> None:
    name, at = secrets.token_hex(8), now()
    models = [one.weights.model for one in session.messages if one.weights.model]
    row = (
        name,
        " ".join(session.title.split()),
        session.system,
        session.created or at,
        at,
        len(session.messages),
        models[-1] if models else None,
        session.source,
        session.key,
    )
    db.execute(
        "INSERT INTO sessions (id, title, system, state, created, changed, messages, model, "
        "source, key) VALUES (?, ?, ?, 'kept', ?, ?, ?, ?, ?, ?)",
        row,
    )
    ledger.note(db, name, "off", "kept", f"Imported from {session.source}; kept here.")
    Writer(store, name).put(db, list(_messages(session)))


def _messages(session: ImportedSession) -> Iterator[NewMessage]:
    # Each is chosen as it is stored, so those in sight come last among their siblings.
    replies = 0
    order = _order(session.messages)
    place = {at: number for number, at in enumerate(order, 1)}
    for at in order:
        one = session.messages[at]
        turn = None
        if one.role == "assistant":
            replies += 1
            turn = StoredTurn(
                number=replies, arrived=False, system=session.system, weights=one.weights
            )
        yield NewMessage(
            parent=None if one.parent is None else -place[one.parent],
            role=one.role,
            content=one.content,
            created=one.created or session.created or "",
            turn=turn,
        )


def _order(messages: Iterable[ImportedMessage]) -> list[int]:
    """Indices, parents before children, the chosen one last among siblings."""
    below: dict[int | None, list[int]] = {}
    chosen: list[bool] = []
    for at, message in enumerate(messages):
        below.setdefault(message.parent, []).append(at)
        chosen.append(message.chosen)
    found: list[int] = []
    waiting: list[int | None] = [None]
    while waiting:
        at_ = waiting.pop()
        if at_ is not None:
            found.append(at_)
        waiting += sorted(below.get(at_, ()), key=lambda n: (chosen[n], n), reverse=True)
    return found
