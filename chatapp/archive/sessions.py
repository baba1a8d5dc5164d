"""Stored sessions: list, find, open, rename, tag, delete."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from chatapp.archive import marks
from chatapp.archive.records import SessionInfo, State, StoredMessage, StoredSession, StoredTurn
from chatapp.archive.store import Store
from chatapp.archive.writing import TURN_COLUMNS, set_state, turn_from
from chatapp.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["Place", "count", "delete", "find", "listed", "load", "rename", "tag"]

_INFO: Final = (
    "s.id, s.title, s.created, s.changed, s.state, s.messages, s.model, s.source, "
    "(SELECT group_concat(tag, char(10)) FROM tags WHERE session = s.id)"
)


class Place(NamedTuple):
    """Where a page of the list ended: the next one begins behind it."""

    changed: str
    id: str


def listed(
    store: Store,
    *,
    limit: int = 50,
    after: Place | None = None,
    tag: str | None = None,
    state: State | None = None,
) -> list[SessionInfo]:
    """One page, the last changed first."""
    where, values = ["1"], list[Any]()
    if after is not None:
        where.append("(s.changed, s.id) < (?, ?)")
        values += after
    if tag is not None:
        where.append("EXISTS (SELECT 1 FROM tags t WHERE t.session = s.id AND t.tag = ?)")
        values.append(tag)
    if state is not None:
        where.append("s.state = ?")
        values.append(state)
    with store.reading() as db:
        rows = db.execute(
            f"SELECT {_INFO} FROM sessions s WHERE {' AND '.join(where)} "
            "ORDER BY s.changed DESC, s.id DESC LIMIT ?",
            [*values, limit],
        ).fetchall()
    return [info_from(row) for row in rows]


def info_from(row: Sequence[Any]) -> SessionInfo:
    """A session's line from a row of the columns above."""
    name, title, created, changed, state, messages, model, source, tags = row
    return SessionInfo(
        id=name,
        title=title,
        created=created,
        changed=changed,
        state=cast(State, state),
        messages=messages,
        model=model,
        source=source,
        tags=tuple(sorted(tags.split("\n"))) if tags else (),
    )


def infos(db: Database, ids: Sequence[str]) -> dict[str, SessionInfo]:
    """The lines of these sessions, by id."""
    marks_ = ", ".join("?" * len(ids))
    rows = db.execute(f"SELECT {_INFO} FROM sessions s WHERE s.id IN ({marks_})", list(ids))
    return {row[0]: info_from(row) for row in rows.fetchall()}


def count(store: Store) -> int:
    """How many sessions there are."""
    with store.reading() as db:
        return int(db.execute("SELECT count(*) FROM sessions").fetchone()[0])


def find(store: Store, name: str) -> SessionInfo:
    """The session with this id, or the only one whose id begins so.

    Raises :class:`StoreError` if there is none, or more than one.
    """
    # The end of the range: the first text behind all that begin with ``name``.
    with store.reading() as db:
        rows = db.execute(
            f"SELECT {_INFO} FROM sessions s WHERE s.id >= ? AND s.id < ? LIMIT 2",
            (name, name + "\U0010ffff"),
        ).fetchall()
    if not name or not rows:
        raise StoreError(f"No stored session is called “{name}”.", kind="missing")
    if len(rows) > 1 and rows[0][0] != name:
        raise StoreError(f"More than one session's id begins with “{name}”.", kind="missing")
    return info_from(rows[0])


def load(store: Store, session: str) -> StoredSession:
    """The whole session. Raises :class:`StoreError` if it is not there.

    A reply that was being written when the program ended is ``stopped`` here.
    """
    with store.reading() as db, _no_collector():
        row = db.execute(
            f"SELECT s.system, {_INFO} FROM sessions s WHERE s.id = ?", (session,)
        ).fetchone()
        if row is None:
            raise StoreError("There is no such session in the store.", kind="missing")
        system, info = row[0], info_from(row[1:])
        rows = db.execute(_MESSAGES, (session,)).fetchall()
        said = {row[0]: row[1:4] for row in rows}
        examples = marks.of_session(db, session, said)
        turns = {row[0]: turn_from(row[8:], system) for row in rows if row[_NUMBER] is not None}
        sent = _sent(rows, turns)
        return StoredSession(
            info=info,
            system=system,
            messages=tuple(_message(row, sent[row[0]], turns.get(row[0])) for row in rows),
            examples=tuple(examples),
        )


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Thousands of values are made, and none is garbage: looking for some takes half the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_TURN: Final = [f"t.{name}" for name in TURN_COLUMNS if name != "message"]
_MESSAGES: Final = (
    "SELECT m.id, m.parent, m.role, m.content, m.created, m.status, m.note, m.chosen, "
    f"{', '.join(_TURN)} FROM messages m LEFT JOIN turns t ON t.message = m.id "
    "WHERE m.session = ? ORDER BY m.id"
)
_NUMBER: Final = 8 + _TURN.index("t.number")
_BROKEN: Final = "chatapp ended while this reply was being written."


def _message(row: Sequence[Any], sent: int, turn: StoredTurn | None) -> StoredMessage:
    number, parent, role, content, created, status, note, chosen = row[:8]
    if status == "streaming":
        status, note = "stopped", _BROKEN
    return StoredMessage(
        id=number,
        parent=parent,
        role=role,
        content=content,
        created=created,
        status=status,
        note=note,
        chosen=bool(chosen),
        sent=sent if content or role == "user" else 0,
        turn=turn,
    )


def _sent(rows: Sequence[Sequence[Any]], turns: Mapping[int, StoredTurn]) -> dict[int, int]:
    """The number of requests that held each message, from the turns that were taken."""
    parents: dict[int, int | None] = {row[0]: row[1] for row in rows}
    sent = dict.fromkeys(parents, 0)
    # Requests from the branch's start are noted at its end, and handed up to the parents below.
    ends = dict.fromkeys(parents, 0)
    for reply, turn in turns.items():
        at = parents[reply]
        if not turn.arrived or at not in parents:
            continue
        if turn.view_first is None:
            ends[at] += 1
            continue
        while at in parents:
            sent[at] += 1
            at = None if at == turn.view_first else parents[at]
    for message, parent in reversed(parents.items()):
        sent[message] += ends[message]
        if parent in ends:
            ends[parent] += ends[message]
    return sent


def rename(store: Store, session: str, title: str) -> None:
    """Give a session another name."""
    name = " ".join(title.split())
    if not name:
        raise StoreError("A session's name cannot be empty.")
    with store.writing() as db:
        _changed(db.execute("UPDATE sessions SET title = ? WHERE id = ?", (name, session)).rowcount)


def tag(store: Store, session: str, tags: Sequence[str]) -> None:
    """Give a session these tags, and no others."""
    names = sorted({" ".join(one.split()).casefold() for one in tags} - {""})
    with store.writing() as db:
        _changed(db.execute("SELECT count(*) FROM sessions WHERE id = ?", (session,)).fetchone()[0])
        db.execute("DELETE FROM tags WHERE session = ?", (session,))
        for name in names:
            db.execute("INSERT INTO tags (session, tag) VALUES (?, ?)", (session, name))


def delete(store: Store, session: str) -> None:
    """Remove a session from the store, index included; the ledger notes that it was withdrawn."""
    set_state(store, session, "off")


def _changed(rows: int) -> None:
    if not rows:
        raise StoreError("There is no such session in the store.", kind="missing")
