"""A store that is locked, gone or cannot be written never costs a turn, and it is said."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from chatapp.archive import sessions
from chatapp.archive.store import NAME, Store
from chatapp.errors import StoreError
from chatapp.keeping.archive import Archive
from tests.keeping.conftest import Make, say, stored, told
from tests.scripted import Reply


async def test_a_locked_store_loses_nothing_and_is_caught_up_with(
    tmp_path: Path, make: Make, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.archive.store._WAIT", 0.05)
    keeper = make(Reply(("A1",)), Reply(("A2",)), Reply(("A3",)))
    await keeper.set_state("kept")
    await say(keeper, "Q1")
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await say(keeper, "Q2")
    assert "in use by another program" in keeper.trouble
    assert [node.content for node in keeper.conversation.nodes] == ["Q1", "A1", "Q2", "A2"]
    other.execute("ROLLBACK")
    await say(keeper, "Q3")
    assert keeper.trouble == ""
    texts = [text for text, _ in told(stored(tmp_path, keeper.id))]
    assert texts == ["Q1", "A1", "Q2", "A2", "Q3", "A3"]


async def test_a_store_that_cannot_be_opened_leaves_the_state_off(
    tmp_path: Path, make: Make
) -> None:
    (tmp_path / NAME).write_bytes(b"not a database " * 100)
    keeper = make()
    with pytest.raises(StoreError) as caught:
        await keeper.set_state("kept")
    assert caught.value.kind == "damaged"
    assert keeper.state == "off"
    await say(keeper, "Still a chat")
    assert len(keeper.conversation.nodes) == 2


async def test_off_means_off_even_if_the_store_cannot_delete_now(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.archive.store._WAIT", 0.05)
    keeper = make()
    await keeper.set_state("kept")
    await say(keeper, "Q1")
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError):
        await keeper.set_state("off")
    assert not keeper.keeping
    assert "not deleted yet" in keeper.trouble
    other.execute("ROLLBACK")
    await say(keeper, "Q2 is not kept")
    assert len(stored(tmp_path, keeper.id).messages) == 2
    await keeper.set_state("off")
    assert (keeper.state, keeper.trouble) == ("off", "")
    with Store(tmp_path / NAME) as store:
        assert sessions.count(store) == 0


async def test_a_session_deleted_elsewhere_is_off_and_says_so(tmp_path: Path, make: Make) -> None:
    keeper = make()
    await keeper.set_state("kept")
    await say(keeper, "Q1")
    with Store(tmp_path / NAME) as store:
        sessions.delete(store, keeper.id)
    await say(keeper, "Q2")
    assert keeper.state == "off"
    assert "deleted from the store" in keeper.trouble
    with Store(tmp_path / NAME) as store:
        assert sessions.count(store) == 0


async def test_what_was_said_while_off_could_not_delete_is_stored_if_it_is_taken_back(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.archive.store._WAIT", 0.05)
    keeper = make(Reply(("A1",)), Reply(("A2",)), Reply(("A3",)))
    await keeper.set_state("kept")
    await say(keeper, "Q1")
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError):
        await keeper.set_state("off")
    assert keeper.paused
    other.execute("ROLLBACK")
    await say(keeper, "Q2")
    await keeper.set_state("kept")
    await say(keeper, "Q3")
    texts = [text for text, _ in told(stored(tmp_path, keeper.id))]
    assert texts == ["Q1", "A1", "Q2", "A2", "Q3", "A3"]


async def test_without_a_folder_nothing_is_kept_and_it_is_said(make: Make) -> None:
    keeper = make()
    keeper.archive = Archive(None)
    with pytest.raises(StoreError, match="no folder"):
        await keeper.set_state("kept")
    assert keeper.state == "off"
    assert not keeper.archive.begun
