"""The one SQLite file: opened, checked, private to its user, and every failure in a sentence."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatapp.errors import StoreError

if TYPE_CHECKING:
    # The library takes a third of a second to import, and most runs keep nothing.
    from sqlite_utils import Database

__all__ = ["NAME", "Store", "open_to_read"]

NAME: Final = "transcripts.db"
"""The store's file in ``transcripts/``."""

_WAIT: Final = 5.0
"""Seconds to wait for another chat that is writing."""
_COMPACTED: Final = 256 << 20
"""Bytes of a store up to which it is written anew after a deletion, in memory meanwhile."""


class Store:
    """An open store. Its methods may be called from any thread, one at a time.

    ``path`` is made with its tables if it is not there (unless ``readonly``). Raises
    :class:`StoreError`; a file that cannot be used is left exactly as it was.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self.readonly = readonly
        self._lock = threading.RLock()
        with _in_words(path):
            self._db = self._open()
        self._catch_up()

    def _open(self) -> Database:
        if not self.path.exists():
            if self.readonly:
                raise StoreError(f"There is no store at {self.path} yet.", kind="missing")
            # Made private before anything is in it; SQLite's files beside it take its mode.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        from sqlite_utils import Database

        db = Database(self._connect(), execute_plugins=False)
        try:
            self._look(db)
            if not self.readonly:
                self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self.readonly else "rw"
        address = f"{self.path.resolve().as_uri()}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, timeout=_WAIT, check_same_thread=False)
        if self.readonly:
            try:
                connection.execute("SELECT 1 FROM sqlite_master")
            except sqlite3.OperationalError:
                # In a folder that cannot be written, SQLite cannot keep its files beside the store.
                connection.close()
                connection = sqlite3.connect(
                    f"{address}&immutable=1", uri=True, check_same_thread=False
                )
        return connection

    def _look(self, db: Database) -> None:
        """See that the file is a store of ours that this version understands; change nothing."""
        from chatapp.archive.schema import APPLICATION_ID, MIGRATIONS, names

        # In this order: another chat, which makes the store just now, writes both in one step.
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        mark = db.execute("PRAGMA application_id").fetchone()[0]
        if tables and mark != APPLICATION_ID:
            raise StoreError(
                f"{self.path} is a database of another program. It was not touched.", kind="other"
            )
        known = set(names())
        newer = [one.name for one in MIGRATIONS.applied(db) if one.name not in known]
        if newer:
            raise StoreError(
                f"{self.path} was written by a newer chatapp (it has “{newer[-1]}”). Update "
                "chatapp, or name another folder with --home; nothing was changed.",
                kind="newer",
            )
        if self.readonly and MIGRATIONS.pending(db):
            raise StoreError(
                f"{self.path} is from an older chatapp and has to be opened for writing once.",
                kind="older",
            )

    def _prepare(self, db: Database) -> None:
        from chatapp.archive.schema import APPLICATION_ID, MIGRATIONS

        with db.ensure_autocommit_on():
            _write_ahead(db)
            db.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
            db.execute("PRAGMA foreign_keys = OFF")  # while a table is made anew
            db.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten with zeros
            db.execute("PRAGMA temp_store = MEMORY")  # no copy of what was said in another file
        if MIGRATIONS.pending(db):
            # Two chats may open a new store at once: one makes it, the other waits and finds it.
            with _immediate(db.conn):
                db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                MIGRATIONS.apply(db)
        with db.ensure_autocommit_on():
            db.execute("PRAGMA foreign_keys = ON")

    # ── use ─────────────────────────────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def writing(self) -> Iterator[Database]:
        """One transaction: all of it is written and on the disk at the end, or nothing."""
        with self._lock, _in_words(self.path), _immediate(self._db.conn):
            yield self._db

    @contextlib.contextmanager
    def reading(self) -> Iterator[Database]:
        """Queries that all see the same state of the store."""
        with self._lock, _in_words(self.path):
            self._db.conn.execute("BEGIN")
            try:
                yield self._db
            finally:
                with contextlib.suppress(sqlite3.Error):
                    self._db.conn.execute("ROLLBACK")

    def deleted(self) -> None:
        """Note, in the transaction that deletes what was said, that copies of it have to go too.

        Whatever happens before :meth:`scrub` has seen to that, the store is scrubbed when it is
        next opened.
        """
        owed = (self._owed() + 1) % 2**31 or 1
        self._db.execute(f"PRAGMA user_version = {owed}")

    def _size(self) -> int:
        """Bytes of the store."""
        pages, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
        )
        return int(pages) * int(size)

    def _owed(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def scrub(self) -> None:
        """After a deletion: let no copy of what was deleted stay in the index or the log file."""
        with self._lock, _in_words(self.path), self._db.ensure_autocommit_on():
            owed = self._owed()
            # The index only notes that an entry is gone: written anew, it does not hold it. (Its
            # option "secure-delete" would make a file that SQLite before 3.42 cannot write to.)
            self._db.execute("INSERT INTO search (search) VALUES ('optimize')")
            # SQLite overwrites what it deletes, but not what it leaves between the cells of a page
            # when it moves them: pages written anew have nothing there.
            if self._size() <= _COMPACTED:
                self._db.execute("VACUUM")
            # SQLite waits for readers here, but not for another program's own checkpoint.
            until = time.monotonic() + _WAIT
            while self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > until:
                    return  # somebody reads a state from before: it is done when next opened
                time.sleep(0.02)
            with _immediate(self._db.conn):
                if self._owed() == owed:  # else more was deleted meanwhile
                    self._db.execute("PRAGMA user_version = 0")

    def _catch_up(self) -> None:
        """Scrub what a program that ended in the middle of a deletion could not."""
        if not self.readonly:
            with self._lock, contextlib.suppress(StoreError, sqlite3.Error):
                if self._owed():
                    self.scrub()

    def check(self) -> list[str]:
        """What SQLite's own integrity check finds wrong; empty if nothing is."""
        with self._lock, _in_words(self.path):
            found = [row[0] for row in self._db.execute("PRAGMA integrity_check").fetchall()]
            return [] if found == ["ok"] else found

    def close(self) -> None:
        self._catch_up()
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_to_read(path: Path) -> Store:
    """A store opened to be read only; one from an older version is brought up to date first."""
    try:
        return Store(path, readonly=True)
    except StoreError as error:
        if error.kind != "older":
            raise
    Store(path).close()
    return Store(path, readonly=True)


@contextlib.contextmanager
def _immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that waits for other writers at its beginning, so never fails half-way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _write_ahead(db: Database) -> None:
    """Switch to a write-ahead log. SQLite does not wait for others here, so we do."""
    until = time.monotonic() + _WAIT
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


_KINDS: Final = {
    "BUSY": ("locked", "is in use by another program that does not let go of it"),
    "LOCKED": ("locked", "is in use by another program that does not let go of it"),
    "READONLY": ("readonly", "cannot be written: it, or its folder, is read-only"),
    "PERM": ("readonly", "cannot be opened: no permission"),
    "CANTOPEN": ("readonly", "cannot be opened: it, or its folder, is not accessible"),
    "FULL": ("full", "cannot be written: the disk is full"),
    "IOERR": ("full", "cannot be written or read: the disk reports an error"),
    "CORRUPT": ("damaged", "is damaged"),
    "NOTADB": ("damaged", "is not an SQLite database; it may be damaged"),
}


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """SQLite's failures as sentences."""
    try:
        yield
    except sqlite3.Error as error:
        code = str(getattr(error, "sqlite_errorname", "") or "").removeprefix("SQLITE_")
        kind, words = _KINDS.get(code.split("_")[0], ("other", f"cannot be used: {error}"))
        raise StoreError(f"The store {path} {words}.", kind=kind) from error
    except OSError as error:
        kind = "full" if error.errno == 28 else "readonly"
        raise StoreError(
            f"The store {path} cannot be opened: {error.strerror}.", kind=kind
        ) from error
