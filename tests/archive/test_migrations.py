"""A store made by an earlier version is brought up to date without losing anything."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from chatapp.archive import marks, schema, sessions
from chatapp.archive.search import search
from chatapp.archive.store import NAME, Store, open_to_read
from chatapp.archive.writing import NewMessage, Writer, set_state
from chatapp.errors import StoreError

WORDS = "zanzibar-quince"
"""Stands in one session only, which is then deleted."""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store as it was before tools, with two sessions in it and a third that was deleted."""
    path = tmp_path / NAME
    known = schema.MIGRATIONS._migrations
    with monkeypatch.context() as before:
        before.setattr(schema.MIGRATIONS, "_migrations", known[:4])
        with Store(path) as store, store.writing() as db:
            for name in ("one", "two", "gone"):
                db.execute(
                    "INSERT INTO sessions (id, title, state, created, changed, messages) "
                    "VALUES (?, ?, 'training', '2026', '2026', 2)",
                    (name, name),
                )
                ids = [
                    db.execute(
                        "INSERT INTO messages (session, parent, role, content, status, created) "
                        "VALUES (?, ?, ?, ?, 'complete', '2026')",
                        (name, parent, role, text),
                    ).lastrowid
                    for role, text, parent in (
                        ("user", f"question {name} {WORDS if name == 'two' else ''}", None),
                        ("assistant", f"answer {name}", None),
                    )
                ]
                db.execute("UPDATE messages SET parent = ? WHERE id = ?", ids)
                db.execute(
                    "INSERT INTO turns (message, number, arrived, stop) VALUES (?, 1, 1, '[]')",
                    ids[1:],
                )
                db.execute(
                    "INSERT INTO examples (id, session, kind, reply, created) "
                    "VALUES (?, ?, 'liked', ?, '2026')",
                    (f"example of {name}", name, ids[1]),
                )
            # Ids are not without gaps: what is said next must not take one that was in use.
            db.execute("DELETE FROM sessions WHERE id = 'gone'")
            store.deleted()
    return path


def _rows(path: Path, table: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    finally:
        connection.close()


def test_everything_is_there_after_it(old: Path) -> None:
    tables = ("sessions", "messages", "examples", "ledger")
    before = {table: _rows(old, table) for table in tables}
    turns = _rows(old, "turns")
    assert len(before["messages"]) == 4
    with Store(old) as store:
        assert store.check() == []
        session = sessions.load(store, "two")
        assert [m.content for m in session.branch()][1] == "answer two"
        assert [m.turn.tools for m in session.messages if m.turn] == [None]
        assert [hit.session.id for hit in search(store, "zanzibar")] == ["two"]
        assert marks.example(store, "example of one").chosen == "answer one"
        # Foreign keys count again, and the plan of the tables is that of a new store.
        assert store._db.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert {table: _rows(old, table) for table in tables} == before
    assert [row[:-1] for row in _rows(old, "turns")] == turns
    fresh = old.with_name("fresh.db")
    Store(fresh).close()
    plan = "sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_sqlite%' ESCAPE '\\'"
    columns = "(SELECT name, type, tbl_name FROM " + plan + ")"
    assert _rows(old, columns) == _rows(fresh, columns)


def test_to_be_read_only_it_is_brought_up_to_date_first(old: Path) -> None:
    with pytest.raises(StoreError, match="opened for writing once"):
        Store(old, readonly=True)
    with open_to_read(old) as store:
        assert len(sessions.load(store, "two").messages) == 2
        with pytest.raises(StoreError), store.writing() as db:
            db.execute("DELETE FROM sessions")
    with open_to_read(old) as store:
        assert [hit.session.id for hit in search(store, "zanzibar")] == ["two"]


def test_what_is_said_after_it_is_found_and_a_tools_result_has_its_place(old: Path) -> None:
    with Store(old) as store:
        last = sessions.load(store, "one").messages[-1].id
        added = Writer(store, "one").add(
            [
                NewMessage(parent=last, role="tool", content="12 * 7 = pomegranate"),
                NewMessage(parent=-1, role="assistant", content="", status="streaming"),
            ]
        )
        Writer(store, "one").grow(added[1], "persimmon")
        assert search(store, "persimmon") == []
        with store.writing() as db:
            db.execute("UPDATE messages SET status = 'complete' WHERE id = ?", added[1:])
        for word in ("pomegranate", "persimmon"):
            assert [hit.session.id for hit in search(store, word)] == ["one"]
        with pytest.raises(StoreError), store.writing() as db:
            db.execute("UPDATE messages SET role = 'tools' WHERE id = ?", added[:1])


def test_a_deletion_after_it_leaves_nothing(old: Path) -> None:
    with Store(old) as store:
        set_state(store, "two", "off")
        assert search(store, "zanzibar") == []
        assert store.check() == []
        with store.reading() as db:
            for table in ("messages", "turns", "examples"):
                assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == (
                    2 if table == "messages" else 1
                )
    for file in old.parent.iterdir():
        assert b"zanzibar" not in file.read_bytes()
        assert b"answer two" not in file.read_bytes()


def test_a_migration_that_is_cut_short_leaves_the_store_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _rows(old, "messages")
    monkeypatch.setattr(schema, "_TRIGGERS", ("CREATE NONSENSE",))
    with pytest.raises(StoreError):
        Store(old)
    monkeypatch.undo()
    assert _rows(old, "messages") == before
    with Store(old) as store:
        assert len(sessions.load(store, "one").messages) == 2
