"""From corrections and marked replies to examples: the canonical records.

Only complete replies qualify. A record is put together from the stored tree whenever it is asked
for, so it can never say something else than the transcript.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from chatapp.archive import ledger
from chatapp.archive.records import Consent, Example, Kind, Weights, now
from chatapp.archive.store import Store
from chatapp.context.messages import Message
from chatapp.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["correct", "example", "examples", "mark", "of_session", "unmark"]

_PAGE: Final = 500
_SELECT: Final = """
    SELECT e.id, e.kind, e.session, t.number, e.created, e.chosen, e.reason, e.wrong, e.right,
           m.content, m.parent, t.system, t.view_first, s.system, s.state,
           t.model, t.model_sha256, t.adapter, t.adapter_sha256, t.adapter_scale
    FROM examples e
    JOIN messages m ON m.id = e.reply
    JOIN turns t ON t.message = e.reply
    JOIN sessions s ON s.id = e.session
"""
_BRANCH: Final = """
    WITH RECURSIVE up (id, parent, role, content) AS (
        SELECT id, parent, role, content FROM messages WHERE id = ?
        UNION ALL
        SELECT m.id, m.parent, m.role, m.content FROM messages m JOIN up ON m.id = up.parent
    )
    SELECT id, role, content FROM up
"""


def correct(
    store: Store, session: str, reply: int, *, chosen: str, wrong: str = "", right: str = ""
) -> str:
    """Keep a correction of a stored reply as an example; its id.

    ``chosen`` is the right answer as a reply. The same correction twice is one.
    """
    with store.writing() as db:
        _check(db, session, reply)
        same = db.execute(
            "SELECT id FROM examples WHERE reply = ? AND kind = 'correction' AND chosen = ?",
            (reply, chosen),
        ).fetchone()
        if same:
            return str(same[0])
        return _add(db, session, reply, "correction", chosen, wrong, right, "")


def mark(store: Store, session: str, reply: int, kind: Kind, reason: str = "") -> str:
    """Mark a stored reply as good (``liked``) or bad (``disliked``), in place of an earlier mark.

    The id of the example.
    """
    if kind == "correction":
        raise ValueError("a correction has an answer: use correct()")
    with store.writing() as db:
        _check(db, session, reply)
        db.execute(
            "DELETE FROM examples WHERE reply = ? AND kind IN ('liked', 'disliked')", (reply,)
        )
        return _add(db, session, reply, kind, None, "", "", reason)


def _add(
    db: Database,
    session: str,
    reply: int,
    kind: Kind,
    chosen: str | None,
    wrong: str,
    right: str,
    reason: str,
) -> str:
    name = secrets.token_hex(8)
    db.execute(
        "INSERT INTO examples (id, session, kind, reply, chosen, wrong, right, reason, created) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (name, session, kind, reply, chosen, wrong, right, reason, now()),
    )
    return name


def _check(db: Database, session: str, reply: int) -> None:
    row = db.execute(
        "SELECT m.status, m.content, m.role, t.message FROM messages m "
        "LEFT JOIN turns t ON t.message = m.id WHERE m.id = ? AND m.session = ?",
        (reply, session),
    ).fetchone()
    if row is None:
        raise StoreError("This reply is not in the store.", kind="missing")
    status, content, role, turn = row
    if role != "assistant" or turn is None:
        raise StoreError("Only a model's reply can be an example.")
    if status != "complete" or not content.strip():
        raise StoreError(
            "Only a complete reply can be an example: this one broke off, so nobody knows how it "
            "would have ended."
        )


def unmark(store: Store, name: str) -> None:
    """Take an example back; its review goes with it."""
    with store.writing() as db:
        if not db.execute("DELETE FROM examples WHERE id = ?", (name,)).rowcount:
            raise StoreError("There is no such example in the store.", kind="missing")


def example(store: Store, name: str) -> Example:
    """One example by its id. Raises :class:`StoreError` if it is not there."""
    with store.reading() as db:
        row = db.execute(f"{_SELECT} WHERE e.id = ?", (name,)).fetchone()
        if row is None:
            raise StoreError("There is no such example in the store.", kind="missing")
        return _example(db, row, {})


def of_session(db: Database, session: str) -> list[Example]:
    """The examples of one session, in their order."""
    rows = db.execute(f"{_SELECT} WHERE e.session = ? ORDER BY e.created, e.id", (session,))
    consents: dict[str, Consent | None] = {}
    return [_example(db, row, consents) for row in rows.fetchall()]


def examples(store: Store, *, session: str | None = None) -> Iterator[Example]:
    """What may be exported, in a stable order: sessions whose consent allows it now.

    Read in pages, so that memory stays flat and other chats can write meanwhile; what changes
    meanwhile is noticed when the export is recorded.
    """
    consents: dict[str, Consent | None] = {}
    at, where = ("", ""), "AND e.session = ?" if session else ""
    only = [session] if session else []
    while True:
        with store.reading() as db:
            rows = db.execute(
                f"{_SELECT} WHERE s.state = 'training' AND m.status = 'complete' {where} "
                "AND (e.created, e.id) > (?, ?) ORDER BY e.created, e.id LIMIT ?",
                [*only, *at, _PAGE],
            ).fetchall()
            page = [_example(db, row, consents) for row in rows]
        yield from page
        if len(page) < _PAGE:
            return
        at = (page[-1].created, page[-1].id)


def _example(db: Database, row: tuple[Any, ...], consents: dict[str, Consent | None]) -> Example:
    (name, kind, session, number, created, chosen, reason, wrong, right) = row[:9]
    (reply, parent, system, first, own_system, state) = row[9:15]
    if session not in consents:
        consents[session] = ledger.latest(db, session) if state == "training" else None
    return Example(
        id=name,
        kind=cast(Kind, kind),
        session=session,
        turn=number,
        created=created,
        prompt=_prompt(db, parent, own_system if system is None else system, first),
        chosen=reply if kind == "liked" else chosen,
        rejected=None if kind == "liked" else reply,
        reason=reason,
        wrong=wrong,
        right=right,
        weights=Weights(
            model=row[15],
            sha256=row[16],
            adapter=row[17],
            adapter_sha256=row[18],
            adapter_scale=row[19],
        ),
        consent=consents[session],
    )


def _prompt(db: Database, last: int | None, system: str, first: int | None) -> tuple[Message, ...]:
    """What was sent for the reply that answers the message ``last``."""
    found: list[Message] = []
    for number, role, content in db.execute(_BRANCH, (last,)).fetchall():
        if content or role == "user":
            found.append(Message(role, content))
        if number == first:
            break
    if system:
        found.append(Message("system", system))
    return tuple(reversed(found))
