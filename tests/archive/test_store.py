"""The file: private, versioned, refused when it is not ours, every failure one sentence."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from chatapp.archive import sessions
from chatapp.archive.store import Store
from chatapp.errors import StoreError
from tests.archive.conftest import Say


def test_a_new_store_is_private_to_its_user_with_all_its_files(store: Store, say: Say) -> None:
    say("What is a token?", "A piece of text.")
    for file in store.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert store.check() == []


def test_what_was_written_is_there_when_it_is_opened_again(path: Path, say: Say) -> None:
    name, _ = say("What is a token?", "A piece of text.", "And?", "That is all.")
    with Store(path) as again:
        told = [message.content for message in sessions.load(again, name).messages]
    assert told == ["What is a token?", "A piece of text.", "And?", "That is all."]


def test_a_store_from_a_newer_version_is_refused_and_left_as_it_is(
    path: Path, store: Store, say: Say
) -> None:
    say("What is a token?", "A piece of text.")
    with store.writing() as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('chatapp', '9999_from_tomorrow', 'later')"
        )
    store.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer chatapp .*9999_from_tomorrow") as caught:
        Store(path)
    assert caught.value.kind == "newer"
    assert path.read_bytes() == before


def test_another_programs_database_is_not_touched(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"garbage " * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_gets_one_sentence_and_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Store(path)
    assert caught.value.kind == "damaged"
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_store_that_another_program_holds_is_locked_not_lost(
    path: Path, store: Store, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("What is a token?", "A piece of text.")
    store._db.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError) as caught:
        say("And now?", "Now it waits.")
    assert caught.value.kind == "locked"
    other.execute("ROLLBACK")
    say("And now?", "Now it goes.")
    assert sessions.count(store) == 2


def test_a_full_disk_is_said_and_what_is_stored_stays(store: Store, say: Say) -> None:
    name, _ = say("What is a token?", "A piece of text.")
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError) as caught:
        say("A long one", "x" * 200_000)
    assert caught.value.kind == "full"
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert sessions.load(store, name).messages[1].content == "A piece of text."
    assert store.check() == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_store_in_a_folder_that_cannot_be_written_can_still_be_read(
    tmp_path: Path, path: Path, store: Store, say: Say
) -> None:
    name, _ = say("What is a token?", "A piece of text.")
    store.close()
    there = tmp_path / "elsewhere"
    there.mkdir()
    copy = there / path.name
    shutil.copy(path, copy)
    copy.chmod(0o400)
    there.chmod(0o500)
    # As another user, for whom modes count.
    code = (
        "import os, sys, chatapp.archive.schema\n"
        "from pathlib import Path\n"
        "from chatapp.archive.store import Store\n"
        "from chatapp.archive import sessions\n"
        "from chatapp.errors import StoreError\n"
        "os.getuid() or os.setuid(65534)\n"
        "try:\n    Store(Path(sys.argv[1]))\n"
        "except StoreError as e:\n    print(e.kind)\n"
        "with Store(Path(sys.argv[1]), readonly=True) as s:\n"
        "    print(sessions.load(s, sys.argv[2]).messages[1].content)\n"
    )
    if os.getuid() == 0:
        for folder in (there, *there.parents):
            if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o005:
                folder.chmod(folder.stat().st_mode | 0o055)
        copy.chmod(0o444)
        there.chmod(0o555)
    run = subprocess.run(
        [sys.executable, "-c", code, str(copy), name],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    there.chmod(0o700)
    assert run.stdout.splitlines() == ["readonly", "A piece of text."], run.stderr


def test_reading_a_store_that_is_not_there_makes_none(path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Store(path, readonly=True)
    assert caught.value.kind == "missing"
    assert not path.exists()


def test_many_chats_can_open_a_new_store_at_once(path: Path) -> None:
    failed: list[BaseException] = []
    start = threading.Barrier(8)

    def open_it() -> None:
        start.wait()
        try:
            Store(path).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with Store(path) as store:
        applied = store._db.execute("SELECT name FROM _sqlite_migrations").fetchall()
    assert len(applied) == len(set(applied))


def test_a_store_that_is_made_while_one_looks_is_no_other_program(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlite_utils import Database

    execute = Database.execute
    asked: list[str] = []

    def meanwhile(self: Database, sql: str, *more: Any) -> Any:
        if "sqlite_master" in sql or "application_id" in sql:
            asked.append(sql)
            if len(asked) == 2:  # the first look found nothing in the new file
                Store(path).close()
        return execute(self, sql, *more)

    monkeypatch.setattr(Database, "execute", meanwhile)
    Store(path).close()
    assert len(asked) > 2


def test_two_chats_write_to_one_store(path: Path, say: Say) -> None:
    from chatapp.archive.writing import NewMessage, Writer

    say("What is a token?", "A piece of text.")
    failed: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with Store(path) as own:
                writer = Writer(own, name)
                writer.begin("kept", title=name, system="", model=None)
                for n in range(30):
                    writer.add([NewMessage(parent=None, role="user", content=f"{name} {n}")])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with Store(path) as store:
        counts = {info.id: info.messages for info in sessions.listed(store)}
        assert [counts[name] for name in ("one", "two", "three")] == [30, 30, 30]
        assert store.check() == []
