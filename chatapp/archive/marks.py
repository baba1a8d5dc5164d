"""From corrections and marked replies to examples: the canonical records.

Only complete replies qualify. A record is put together from the stored tree whenever it is asked
for, so it can never say something else than the transcript.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from chatapp.archive.ledger import consent_from
from chatapp.archive.records import Example, Kind, now, weights_of
from chatapp.archive.store import Store
from chatapp.context.messages import Message, Role
from chatapp.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["TOOLS_HELD", "correct", "example", "examples", "mark", "of_session", "unmark"]

Said = Mapping[int, tuple[int | None, Role, str]]
"""Messages by id: the one it follows, role, content."""
Known = dict[tuple[str, int], tuple[Message, ...]]
"""Branches that were put together, by the system prompt and the last message's id."""

_PAGE: Final = 100
_SELECT: Final = """
    SELECT e.id, e.kind, e.session, t.number, e.created, e.chosen, e.reason, e.wrong, e.right,
           m.content, m.parent, t.system, t.view_first, s.system,
           t.model, t.model_sha256, t.adapter, t.adapter_sha256, t.adapter_scale,
           l.entry, l.session, l.at, l.before, l.state, l.version, l.wording
    FROM examples e
    JOIN messages m ON m.id = e.reply
    JOIN turns t ON t.message = e.reply
    JOIN sessions s ON s.id = e.session
    LEFT JOIN ledger l ON s.state = 'training'
         AND l.entry = (SELECT max(entry) FROM ledger WHERE session = e.session)
"""
_PARENT, _SYSTEM, _FIRST, _OWN, _WEIGHTS, _CONSENT = 10, 11, 12, 13, 14, 19
"""Where these columns stand in a row."""
_BRANCH: Final = """
    WITH RECURSIVE up (id, parent, role, content) AS (
        SELECT id, parent, role, content FROM messages WHERE id = ?
        UNION ALL
        SELECT m.id, m.parent, m.role, m.content FROM messages m JOIN up ON m.id = up.parent
    )
    SELECT id, role, content FROM up
"""


TOOLS_HELD: Final = (
    "A reply to a request with tools cannot be an example: trainers have no common place for them."
)
_SAID: Final = "SELECT id, parent, role, content FROM messages WHERE session = ?"


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
        "SELECT m.status, m.content, m.role, t.message, t.tools, t.view_first FROM messages m "
        "LEFT JOIN turns t ON t.message = m.id WHERE m.id = ? AND m.session = ?",
        (reply, session),
    ).fetchone()
    if row is None:
        raise StoreError("This reply is not in the store.", kind="missing")
    status, content, role, turn, tools, first = row
    if role != "assistant" or turn is None:
        raise StoreError("Only a model's reply can be an example.")
    if status != "complete" or not content.strip():
        raise StoreError(
            "Only a complete reply can be an example: this one broke off, so nobody knows how it "
            "would have ended."
        )
    if tools is not None or _holds_result(db, reply, first):
        raise StoreError(TOOLS_HELD)


def _holds_result(db: Database, reply: int, first: int | None) -> bool:
    """Whether a tool's result stands among what was sent for a reply."""
    for number, role, _ in db.execute(_BRANCH, (reply,)):
        if role == "tool":
            return True
        if number == first:
            break
    return False


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
        return _example(row, _prompt(db, row))


def of_session(db: Database, session: str, said: Said) -> list[Example]:
    """The examples of one session, in their order; ``said`` are all its messages by id."""
    rows = db.execute(
        f"{_SELECT} WHERE e.session = ? ORDER BY e.created, e.id", (session,)
    ).fetchall()
    prompts = _branches(rows, said)
    return [_example(row, prompts[row[0]]) for row in rows]


def _branches(rows: Sequence[tuple[Any, ...]], said: Said) -> dict[str, tuple[Message, ...]]:
    """The prompts of a session's examples, by example."""
    known: Known = {}
    # Parents have smaller ids: short branches are put together before those that go on from them.
    rows = sorted(rows, key=lambda row: row[_PARENT] or 0)
    return {row[0]: _branch(row, said, known) for row in rows}


def _branch(row: tuple[Any, ...], said: Said, known: Known) -> tuple[Message, ...]:
    """As :func:`_prompt`, from messages at hand: a long branch is put together from shorter ones.

    Only of branches that were sent from their start is a part another one's beginning.
    """
    first: int | None = row[_FIRST]
    at: int | None = row[_PARENT]
    begin = _system(row)
    text = begin[0].content if begin else ""
    above: list[Message] = []
    while at is not None and (first is not None or (text, at) not in known):
        parent, role, content = said[at]
        if content or role == "user":
            above.append(Message(role, content))
        at = None if at == first else parent
    found = known[text, at] if at is not None else begin
    found += tuple(reversed(above))
    if first is None and row[_PARENT] is not None:
        known[text, row[_PARENT]] = found
    return found


def examples(store: Store, *, session: str | None = None) -> Iterator[Example]:
    """What may be exported, in a stable order: sessions whose consent allows it now.

    Read in pages, so that memory stays flat and other chats can write meanwhile; what changes
    meanwhile is noticed when the export is recorded.
    """
    at, where = ("", ""), "AND e.session = ?" if session else ""
    only = [session] if session else []
    while True:
        with store.reading() as db:
            rows = db.execute(
                f"{_SELECT} WHERE s.state = 'training' AND m.status = 'complete' {where} "
                "AND (e.created, e.id) > (?, ?) ORDER BY e.created, e.id LIMIT ?",
                [*only, *at, _PAGE],
            ).fetchall()
            prompts = _prompts(db, rows)
        page = [_example(row, prompts[row[0]]) for row in rows]
        yield from page
        if len(page) < _PAGE:
            return
        at = (page[-1].created, page[-1].id)


def _prompts(db: Database, rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[Message, ...]]:
    """The prompts of these examples, by example; a session that has several is read once."""
    found: dict[str, tuple[Message, ...]] = {}
    by_session: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_session.setdefault(row[2], []).append(row)
    for session, beside in by_session.items():
        if len(beside) == 1:
            found[beside[0][0]] = _prompt(db, beside[0])
        else:
            said = {one[0]: one[1:] for one in db.execute(_SAID, (session,)).fetchall()}
            found |= _branches(beside, said)
    return found


def _example(row: tuple[Any, ...], prompt: tuple[Message, ...]) -> Example:
    name, kind, session, number, created, chosen, reason, wrong, right, reply = row[:10]
    return Example(
        id=name,
        kind=kind,
        session=session,
        turn=number,
        created=created,
        prompt=prompt,
        chosen=reply if kind == "liked" else chosen,
        rejected=None if kind == "liked" else reply,
        reason=reason,
        wrong=wrong,
        right=right,
        weights=weights_of(*row[_WEIGHTS:_CONSENT]),
        consent=consent_from(row[_CONSENT:]) if row[_CONSENT] is not None else None,
    )


def _prompt(db: Database, row: tuple[Any, ...]) -> tuple[Message, ...]:
    """What was sent for the example's reply."""
    rows = db.execute(_BRANCH, (row[_PARENT],)).fetchall()
    first = row[_FIRST]
    if first is not None:
        rows = rows[: next((n for n, one in enumerate(rows, 1) if one[0] == first), None)]
    found = [Message(role, content) for _, role, content in rows if content or role == "user"]
    found += _system(row)
    return tuple(reversed(found))


def _system(row: tuple[Any, ...]) -> tuple[Message, ...]:
    """The system message, if one was sent: the turn's own, or the session's."""
    text = row[_OWN] if row[_SYSTEM] is None else row[_SYSTEM]
    return (Message("system", text),) if text else ()
