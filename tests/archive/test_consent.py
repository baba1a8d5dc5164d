"""Consent: off leaves nothing, lowering acts at once, and the ledger says what was agreed to."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from chatapp.archive import ledger, marks, sessions
from chatapp.archive.consent import MEANINGS, ORDER, VERSION, change, raises
from chatapp.archive.search import search
from chatapp.archive.store import Store
from chatapp.archive.writing import set_state
from chatapp.errors import StoreError
from tests.archive.conftest import Say

SECRET = "xylophonewhisper"


def test_each_state_has_one_sentence() -> None:
    for state in ORDER:
        meaning = MEANINGS[state]
        assert meaning.sentence.endswith(".")
        assert meaning.sentence.count(". ") == 0
        assert meaning.label.startswith("log: ")
    assert raises("off", "kept")
    assert raises("kept", "training")
    assert not raises("training", "kept")
    assert not raises("kept", "kept")


def test_what_a_change_does_is_said_in_words() -> None:
    assert "deleted" in change("kept", "off")
    assert "No later export" in change("training", "kept")
    assert change("off", "kept") == MEANINGS["kept"].sentence


def test_the_ledger_keeps_every_change_with_its_wording(store: Store, say: Say) -> None:
    name, _ = say("Hello", "Hi.", state="kept")
    set_state(store, name, "training")
    set_state(store, name, "training")  # nothing changes, nothing is noted
    set_state(store, name, "off")
    told = [(entry.before, entry.state) for entry in ledger.consents(store, name)]
    assert told == [("off", "kept"), ("kept", "training"), ("training", "off")]
    assert all(entry.version == VERSION for entry in ledger.consents(store))
    assert ledger.consents(store, name)[1].wording == MEANINGS["training"].sentence


def test_the_ledger_can_only_be_added_to(store: Store, say: Say) -> None:
    say("Hello", "Hi.")
    for sql in ("UPDATE ledger SET state = 'kept'", "DELETE FROM ledger"):
        with pytest.raises(StoreError, match="only added to"), store.writing() as db:
            db.execute(sql)


def test_deleting_leaves_no_byte_of_what_was_said(store: Store, say: Say, path: Path) -> None:
    say("Something else entirely", "Another answer.")
    name, _ = say(f"My word is {SECRET}", f"{SECRET} it is.", title=f"{SECRET}!")
    assert search(store, SECRET)
    sessions.delete(store, name)
    assert search(store, SECRET) == []
    store.close()
    for file in path.parent.iterdir():
        assert SECRET.encode() not in file.read_bytes().lower(), file.name
        # The index keeps words by their stems' prefixes: no part of the word may be left either.
        assert SECRET[4:12].encode() not in file.read_bytes().lower(), file.name


def test_deleting_leaves_no_byte_while_the_store_stays_open_elsewhere(
    store: Store, say: Say, path: Path
) -> None:
    other = sqlite3.connect(path)
    other.execute("SELECT count(*) FROM sessions").fetchone()
    name, _ = say(f"My word is {SECRET}", f"{SECRET} it is.")
    sessions.delete(store, name)
    for file in path.parent.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file.name
    other.close()


def test_a_deletion_that_was_cut_off_is_finished_when_the_store_is_next_opened(
    store: Store, say: Say, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("Something else entirely", "Another answer.")
    name, _ = say(f"My word is {SECRET}", f"{SECRET} it is.")
    with monkeypatch.context() as patched:
        patched.setattr(Store, "scrub", lambda self: None)
        sessions.delete(store, name)
    assert any(SECRET.encode() in file.read_bytes() for file in path.parent.iterdir())
    with Store(path):
        for file in path.parent.iterdir():
            assert SECRET.encode() not in file.read_bytes(), file.name


def test_a_deletion_beside_somebody_who_reads_is_finished_when_the_store_is_closed(
    path: Path, store: Store, say: Say
) -> None:
    name, _ = say(f"My word is {SECRET}", f"{SECRET} it is.")
    store._db.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM sessions").fetchone()
    sessions.delete(store, name)
    other.execute("ROLLBACK")
    store.close()
    for file in path.parent.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file.name
    other.close()


def test_lowering_takes_examples_out_of_the_next_export_at_once(store: Store, say: Say) -> None:
    name, ids = say("Hello", "Hi.")
    marks.mark(store, name, ids[1], "liked")
    assert len(list(marks.examples(store))) == 1
    set_state(store, name, "kept")
    assert list(marks.examples(store)) == []
    set_state(store, name, "training")
    (again,) = marks.examples(store)
    assert again.consent is not None
    assert again.consent.entry == ledger.consents(store, name)[-1].entry


def test_a_session_that_is_not_there_cannot_change(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        set_state(store, "nobody", "kept")
    assert caught.value.kind == "missing"
