"""Writing a session as it happens: what a person said before the model runs, then the reply."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from chatapp.archive import held, ledger
from chatapp.archive.consent import raises
from chatapp.archive.records import State, StoredTurn, now, weights_of
from chatapp.archive.store import Store
from chatapp.context.messages import Role
from chatapp.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["NewMessage", "Writer", "set_state"]

_SAMPLING: Final = (
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "repeat_penalty",
    "seed",
    "max_tokens",
)
_PLAIN: Final = tuple(
    field.name
    for field in fields(StoredTurn)
    if field.name not in ("system", "sampling", "weights", "arrived")
)
_WEIGHTS: Final = (
    ("model", "model"),
    ("model_sha256", "sha256"),
    ("adapter", "adapter"),
    ("adapter_sha256", "adapter_sha256"),
    ("adapter_scale", "adapter_scale"),
)
TURN_COLUMNS: Final = (
    "message",
    *_PLAIN,
    "arrived",
    "system",
    *_SAMPLING,
    "stop",
    *(column for column, _ in _WEIGHTS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to store, behind the stored message ``parent`` (``None``: at the beginning).

    In ``parent``, and in the turn's ``view_first``, a negative number -n names the n-th of the
    messages that are stored together. ``turn``: how it came about, if it is a reply that has ended.
    """

    parent: int | None = None
    role: Role
    content: str
    status: str = "complete"
    note: str = ""
    created: str = ""
    turn: StoredTurn | None = None


class Writer:
    """One session's way into the store. Each method is one transaction, on the disk at its end.

    Raises :class:`StoreError`; of kind ``missing`` if the session was deleted meanwhile.
    """

    def __init__(self, store: Store, session: str) -> None:
        self.store = store
        self.session = session

    def begin(self, state: State, *, title: str, system: str, model: str | None) -> None:
        """Open the session in the store: a person has just agreed to ``state``."""
        if state == "off":
            raise ValueError("a session that is off has no place in the store")
        at = now()
        with self.store.writing() as db:
            db.execute(
                "INSERT INTO sessions (id, title, system, state, created, changed, model) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self.session, _text(title), _text(system), state, at, at, model),
            )
            ledger.note(db, self.session, "off", state)

    def add(self, messages: Sequence[NewMessage], *, title: str | None = None) -> list[int]:
        """Store messages in one go, each chosen among its siblings; their ids.

        ``title``: the session's name from now on, if it has none yet.
        """
        with self.store.writing() as db:
            ids = self.put(db, messages)
            db.execute(
                "UPDATE sessions SET messages = messages + ?, changed = ?, "
                "title = CASE WHEN title = '' THEN ? ELSE title END WHERE id = ?",
                (len(ids), now(), _text(title or ""), self.session),
            )
        return ids

    def put(self, db: Database, messages: Sequence[NewMessage]) -> list[int]:
        """The same inside a transaction of the caller's, who counts them."""
        system = self._there(db)
        ids: list[int] = []
        for new in messages:
            ids.append(self._insert(db, new, _meant(new.parent, ids)))
            if new.turn is not None:
                first = _meant(new.turn.view_first, ids)
                self._put_turn(db, ids[-1], replace(new.turn, view_first=first), system)
        return ids

    def _insert(self, db: Database, new: NewMessage, parent: int | None) -> int:
        self._unchoose(db, parent)
        row = (
            self.session,
            parent,
            new.role,
            _text(new.content),
            new.status,
            new.note,
            new.created or now(),
        )
        cursor = db.execute(
            "INSERT INTO messages (session, parent, role, content, status, note, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _unchoose(self, db: Database, parent: int | None) -> None:
        # A parent's children stand behind it, so few rows are looked at.
        where = "parent IS NULL" if parent is None else "id > ? AND parent = ?"
        values: list[Any] = [self.session, *([] if parent is None else [parent, parent])]
        db.execute(
            f"UPDATE messages SET chosen = 0 WHERE session = ? AND {where} AND chosen = 1", values
        )

    def grow(self, message: int, content: str) -> None:
        """The reply so far."""
        with self.store.writing() as db:
            changed = db.execute(
                "UPDATE messages SET content = ? WHERE id = ? AND session = ?",
                (_text(content), message, self.session),
            ).rowcount
            if not changed:
                self._there(db)

    def end(self, message: int, content: str, status: str, note: str, turn: StoredTurn) -> None:
        """The reply has ended: its text, what became of it, and how it came about."""
        with self.store.writing() as db:
            system = self._there(db)
            db.execute(
                "UPDATE messages SET content = ?, status = ?, note = ? "
                "WHERE id = ? AND session = ?",
                (_text(content), status, note, message, self.session),
            )
            self._put_turn(db, message, turn, system)
            db.execute("UPDATE sessions SET changed = ? WHERE id = ?", (now(), self.session))

    def note(self, message: int, note: str) -> None:
        """What became of a message that is no reply."""
        with self.store.writing() as db:
            self._there(db)
            db.execute(
                "UPDATE messages SET note = ? WHERE id = ? AND session = ?",
                (note, message, self.session),
            )

    def _put_turn(self, db: Database, message: int, turn: StoredTurn, system: str) -> None:
        db.execute(
            f"INSERT OR REPLACE INTO turns ({', '.join(TURN_COLUMNS)}) "
            f"VALUES ({', '.join('?' * len(TURN_COLUMNS))})",
            self._row(message, turn, system),
        )
        if turn.weights.model:
            db.execute(
                "UPDATE sessions SET model = ? WHERE id = ?", (turn.weights.model, self.session)
            )

    @staticmethod
    def _row(message: int, turn: StoredTurn, system: str) -> list[Any]:
        sampling: Mapping[str, Any] = turn.sampling
        return [
            message,
            *(getattr(turn, name) for name in _PLAIN),
            int(turn.arrived),
            # Most turns are sent with the session's own system prompt.
            None if turn.system == system else _text(turn.system),
            *(sampling.get(name) for name in _SAMPLING),
            json.dumps(list(sampling.get("stop", ())), ensure_ascii=False),
            *(getattr(turn.weights, name) for _, name in _WEIGHTS),
        ]

    def choose(self, parent: int | None, message: int) -> None:
        """Another branch is in sight."""
        with self.store.writing() as db:
            self._there(db)
            self._unchoose(db, parent)
            db.execute("UPDATE messages SET chosen = 1 WHERE id = ?", (message,))

    def _there(self, db: Database) -> str:
        """See that the session is there still; its own system prompt."""
        row = db.execute("SELECT system FROM sessions WHERE id = ?", (self.session,)).fetchone()
        if row is None:
            raise StoreError(
                "This session was deleted from the store; nothing more of it is kept.",
                kind="missing",
            )
        return str(row[0])


def set_state(store: Store, session: str, state: State, *, wording: str = "") -> None:
    """Change what a stored session's person agrees to, at once.

    ``off`` deletes it, search index included. Lowering notes in the folders of earlier exports
    that hold it that it was withdrawn. Raises :class:`StoreError` if it is not there.
    """
    with store.writing() as db:
        row = db.execute("SELECT state FROM sessions WHERE id = ?", (session,)).fetchone()
        if row is None:
            raise StoreError("There is no such session in the store.", kind="missing")
        before: State = row[0]
        if before == state:
            return
        ledger.note(db, session, before, state, wording)
        if state == "off":
            db.execute("DELETE FROM sessions WHERE id = ?", (session,))
            store.deleted()
        else:
            db.execute("UPDATE sessions SET state = ? WHERE id = ?", (state, session))
    if state == "off":
        store.scrub()
    if not raises(before, state):
        held.warn(store, session)


_ARRIVED: Final = len(_PLAIN)
_STOP: Final = _ARRIVED + 2 + len(_SAMPLING)


def turn_from(row: Sequence[Any], system: str) -> StoredTurn:
    """The inverse of what :meth:`Writer.end` writes: ``row`` has the columns behind ``message``.

    ``system`` is the session's own.
    """
    number, summary, first, window, *rest = row[:_ARRIVED]
    arrived, own = row[_ARRIVED : _ARRIVED + 2]
    sampling = _sampling(row[_ARRIVED + 2 : _STOP + 1])
    weights = weights_of(*row[_STOP + 1 :])
    # By position, in the order of the fields: by name takes twice the time.
    return StoredTurn(
        number,
        bool(arrived),
        system if own is None else own,
        summary or "",
        first,
        sampling,
        window,
        weights,
        *rest,
    )


def _sampling(row: Sequence[Any]) -> dict[str, Any]:
    stop = row[-1]
    found = dict(zip(_SAMPLING, row, strict=False))
    if None in row:
        found = {name: value for name, value in found.items() if value is not None}
    if stop:
        found["stop"] = json.loads(stop) if stop != "[]" else []
    return found


def _meant(number: int | None, ids: Sequence[int]) -> int | None:
    """The id that is meant: a negative number counts among those that were just stored."""
    return ids[-number - 1] if number is not None and number < 0 else number


def _text(text: str) -> str:
    """Text as SQLite can hold it: a lone surrogate is no character."""
    return text.encode("utf-8", "replace").decode("utf-8")
