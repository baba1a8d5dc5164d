"""The tables of the store, as ordered, named migrations. Only ever add a migration at the end."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlite_utils import Database, Migrations

__all__ = ["APPLICATION_ID", "MIGRATIONS", "names"]

APPLICATION_ID: Final = 0x63686174
"""Stands in the file's header ("chat"), so that no other program's file is taken for ours."""

MIGRATIONS: Final = Migrations("chatapp")


def names() -> list[str]:
    """The migrations that this version knows, in order."""
    return [one.name for one in MIGRATIONS._migrations]


def _run(db: Database, *statements: str) -> None:
    for statement in statements:
        db.execute(statement)


_FINISHED: Final = "status <> 'streaming'"
_PUT: Final = "INSERT INTO search (rowid, content) VALUES (new.id, new.content);"
_OUT: Final = "INSERT INTO search (search, rowid, content) VALUES ('delete', old.id, old.content);"
_TRIGGERS: Final = (
    f"CREATE TRIGGER search_add AFTER INSERT ON messages WHEN new.{_FINISHED} BEGIN {_PUT} END",
    f"CREATE TRIGGER search_out AFTER DELETE ON messages WHEN old.{_FINISHED} BEGIN {_OUT} END",
    f"""
    CREATE TRIGGER search_ended AFTER UPDATE OF content, status ON messages
    WHEN old.status = 'streaming' AND new.{_FINISHED} BEGIN {_PUT} END
    """,
    f"""
    CREATE TRIGGER search_changed AFTER UPDATE OF content, status ON messages
    WHEN old.{_FINISHED} BEGIN {_OUT} {_PUT} END
    """,
)
"""What keeps the search index true to ``messages``."""


@MIGRATIONS(name="0001_sessions")
def _sessions(db: Database) -> None:
    """Sessions, their messages as a tree, and how each reply came about."""
    _run(
        db,
        """
        CREATE TABLE sessions (
            id       TEXT PRIMARY KEY,
            title    TEXT NOT NULL,
            system   TEXT NOT NULL DEFAULT '',
            state    TEXT NOT NULL CHECK (state IN ('kept', 'training')),
            created  TEXT NOT NULL,
            changed  TEXT NOT NULL,
            messages INTEGER NOT NULL DEFAULT 0,
            model    TEXT,
            source   TEXT,
            key      TEXT UNIQUE
        ) WITHOUT ROWID
        """,
        "CREATE INDEX sessions_changed ON sessions (changed DESC, id DESC)",
        """
        CREATE TABLE tags (
            session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            tag     TEXT NOT NULL,
            PRIMARY KEY (session, tag)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX tags_tag ON tags (tag, session)",
        """
        CREATE TABLE messages (
            id      INTEGER PRIMARY KEY,
            session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            parent  INTEGER,
            role    TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
            content TEXT NOT NULL,
            status  TEXT NOT NULL,
            note    TEXT NOT NULL DEFAULT '',
            chosen  INTEGER NOT NULL DEFAULT 1,
            created TEXT NOT NULL
        )
        """,
        "CREATE INDEX messages_session ON messages (session, id)",
        """
        CREATE TABLE turns (
            message             INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
            number              INTEGER NOT NULL,
            arrived             INTEGER NOT NULL,
            system              TEXT,
            summary             TEXT,
            view_first          INTEGER,
            temperature         REAL,
            top_k               INTEGER,
            top_p               REAL,
            min_p               REAL,
            repeat_penalty      REAL,
            seed                INTEGER,
            max_tokens          INTEGER,
            stop                TEXT,
            window              INTEGER,
            model               TEXT,
            model_sha256        TEXT,
            adapter             TEXT,
            adapter_sha256      TEXT,
            adapter_scale       REAL,
            prompt_sha256       TEXT,
            first_logits        TEXT,
            tokens_sent         INTEGER,
            tokens_again        INTEGER,
            tokens_new          INTEGER,
            reused              INTEGER,
            computed            INTEGER,
            reply_tokens        INTEGER,
            first_token_seconds REAL,
            prefill_seconds     REAL,
            decode_seconds      REAL
        )
        """,
    )


@MIGRATIONS(name="0002_search")
def _search(db: Database) -> None:
    """The words of finished messages. A reply enters the index when it has ended."""
    _run(
        db,
        """
        CREATE VIRTUAL TABLE search USING fts5 (
            content, content = 'messages', content_rowid = 'id',
            tokenize = 'unicode61 remove_diacritics 2'
        )
        """,
        *_TRIGGERS,
    )


@MIGRATIONS(name="0003_ledger")
def _ledger(db: Database) -> None:
    """Who agreed to what, when. An entry can be added, never changed; it holds nothing said."""
    _run(
        db,
        """
        CREATE TABLE ledger (
            entry   INTEGER PRIMARY KEY AUTOINCREMENT,
            session TEXT NOT NULL,
            at      TEXT NOT NULL,
            before  TEXT NOT NULL,
            state   TEXT NOT NULL,
            version TEXT NOT NULL,
            wording TEXT NOT NULL
        )
        """,
        "CREATE INDEX ledger_session ON ledger (session, entry)",
        """
        CREATE TRIGGER ledger_kept BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE (ABORT, 'the ledger is only added to'); END
        """,
        """
        CREATE TRIGGER ledger_whole BEFORE DELETE ON ledger
        BEGIN SELECT RAISE (ABORT, 'the ledger is only added to'); END
        """,
    )


@MIGRATIONS(name="0004_examples")
def _examples(db: Database) -> None:
    """What was marked for training, how it was reviewed, and which exports held it."""
    _run(
        db,
        """
        CREATE TABLE examples (
            id      TEXT PRIMARY KEY,
            session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            kind    TEXT NOT NULL CHECK (kind IN ('correction', 'liked', 'disliked')),
            reply   INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
            chosen  TEXT,
            wrong   TEXT NOT NULL DEFAULT '',
            right   TEXT NOT NULL DEFAULT '',
            reason  TEXT NOT NULL DEFAULT '',
            created TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX examples_session ON examples (session)",
        "CREATE INDEX examples_reply ON examples (reply)",
        "CREATE INDEX examples_created ON examples (created, id)",
        """
        CREATE TABLE reviews (
            example  TEXT PRIMARY KEY REFERENCES examples (id) ON DELETE CASCADE,
            sha256   TEXT NOT NULL,
            redactor TEXT NOT NULL,
            decision TEXT NOT NULL CHECK (decision IN ('approved', 'edited', 'skipped')),
            content  TEXT,
            at       TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE exports (
            id      TEXT NOT NULL,
            folder  TEXT NOT NULL,
            at      TEXT NOT NULL,
            format  TEXT NOT NULL,
            records INTEGER NOT NULL,
            PRIMARY KEY (id, folder)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE exported (
            session TEXT NOT NULL,
            export  TEXT NOT NULL,
            example TEXT NOT NULL,
            sha256  TEXT NOT NULL,
            PRIMARY KEY (session, export, example)
        ) WITHOUT ROWID
        """,
    )


@MIGRATIONS(name="0005_tools")
def _tools(db: Database) -> None:
    """A message may be what a tool answered; a turn notes the tools that the model was told of.

    SQLite cannot change a CHECK, so ``messages`` is made anew, by the steps that its documentation
    gives (https://sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
    Foreign keys are off meanwhile (:class:`~chatapp.archive.store.Store` sees to that): dropping
    the old table would take the turns along. Ids stay, so the search index stays true.
    """
    _run(
        db,
        """
        CREATE TABLE messages_anew (
            id      INTEGER PRIMARY KEY,
            session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            parent  INTEGER,
            role    TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system', 'tool')),
            content TEXT NOT NULL,
            status  TEXT NOT NULL,
            note    TEXT NOT NULL DEFAULT '',
            chosen  INTEGER NOT NULL DEFAULT 1,
            created TEXT NOT NULL
        )
        """,
        "INSERT INTO messages_anew SELECT id, session, parent, role, content, status, note, "
        "chosen, created FROM messages",
        "DROP TABLE messages",
        "ALTER TABLE messages_anew RENAME TO messages",
        "CREATE INDEX messages_session ON messages (session, id)",
        *_TRIGGERS,
        "ALTER TABLE turns ADD COLUMN tools TEXT",
    )
    if db.execute("PRAGMA foreign_key_check").fetchall():
        raise sqlite3.DatabaseError("its tables do not fit together")
