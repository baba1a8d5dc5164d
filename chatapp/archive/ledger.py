"""The ledger of consent: which session, when, to which state, and the wording agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from chatapp.archive.consent import MEANINGS, VERSION
from chatapp.archive.records import Consent, State, now
from chatapp.archive.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["consents", "latest", "note", "recent"]


def note(db: Database, session: str, before: State, state: State, wording: str = "") -> None:
    """Write one change, inside the transaction that makes it true."""
    db.execute(
        "INSERT INTO ledger (session, at, before, state, version, wording) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (session, now(), before, state, VERSION, wording or MEANINGS[state].sentence),
    )


def consents(store: Store, session: str | None = None) -> Sequence[Consent]:
    """The entries of one session, or all, in their order; deleted sessions have theirs still."""
    where, values = ("WHERE session = ?", [session]) if session else ("", [])
    with store.reading() as db:
        rows = db.execute(
            "SELECT entry, session, at, before, state, version, wording FROM ledger "
            f"{where} ORDER BY entry",
            values,
        ).fetchall()
    return [_consent(row) for row in rows]


def recent(store: Store, sessions: Sequence[str], *, limit: int = 3) -> Sequence[Consent]:
    """The last entries of these sessions, the latest first."""
    marks = ", ".join("?" * len(sessions))
    with store.reading() as db:
        rows = db.execute(
            "SELECT entry, session, at, before, state, version, wording FROM ledger "
            f"WHERE session IN ({marks}) ORDER BY entry DESC LIMIT ?",
            [*sessions, limit],
        ).fetchall()
    return [_consent(row) for row in rows]


def latest(db: Database, session: str) -> Consent | None:
    """The entry that holds now."""
    row = db.execute(
        "SELECT entry, session, at, before, state, version, wording FROM ledger "
        "WHERE session = ? ORDER BY entry DESC LIMIT 1",
        (session,),
    ).fetchone()
    return _consent(row) if row else None


def _consent(row: tuple[object, ...]) -> Consent:
    entry, session, at, before, state, version, wording = row
    return Consent(
        entry=cast(int, entry),
        session=str(session),
        at=str(at),
        before=cast(State, before),
        state=cast(State, state),
        version=str(version),
        wording=str(wording),
    )
