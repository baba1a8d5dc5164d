"""The ledger of consent: which session, when, to which state, and the wording agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from chatapp.archive.consent import MEANINGS, VERSION
from chatapp.archive.records import Consent, State, now
from chatapp.archive.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["COLUMNS", "consent_from", "consents", "note", "recent"]

COLUMNS: Final = "entry, session, at, before, state, version, wording"
"""Of an entry, in the order of :func:`consent_from`."""


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
            f"SELECT {COLUMNS} FROM ledger {where} ORDER BY entry",
            values,
        ).fetchall()
    return [consent_from(row) for row in rows]


def recent(store: Store, sessions: Sequence[str], *, limit: int = 3) -> Sequence[Consent]:
    """The last entries of these sessions, the latest first."""
    marks = ", ".join("?" * len(sessions))
    with store.reading() as db:
        rows = db.execute(
            f"SELECT {COLUMNS} FROM ledger WHERE session IN ({marks}) ORDER BY entry DESC LIMIT ?",
            [*sessions, limit],
        ).fetchall()
    return [consent_from(row) for row in rows]


def consent_from(row: Sequence[object]) -> Consent:
    """An entry from a row of the columns above."""
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
