"""Full-text search in a folder of documents, by an SQLite file in the cache.

The file follows the documents as they change, and may be deleted at any time. Passages are ranked
by SQLite's bm25 over the words of the question. It is search, not learning: what is found
is pasted into a message, visibly, and nothing else comes of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatapp.context.parts import Part
from chatapp.errors import SourceError
from chatapp.sources.files import read_pages, shown_name
from chatapp.sources.passages import cut
from chatapp.sources.pdf import TooSlow

__all__ = ["PASSAGES", "Found", "Index", "numbered"]

PASSAGES: Final = 4
"""So many passages are offered for a question."""
_MOST_FILES: Final = 5_000
_SLOW: Final = "slow "
"""Before the stamp of a file that took too long to read: it is tried again, once in a run."""
_tried: set[tuple[Path, str, str]] = set()
"""Folder, name and stamp of those that took too long in this run."""
_VERSION: Final = 1
_COMMON: Final = frozenset(
    "a about an and are as at be by can did do does for from had has have how i in is it its me my "
    "of on or our that the their there they this to was we were what when where which who why will "
    "with would you your".split()
)
"""Words that say nothing about what is asked: looked for only where there are no others."""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that was found. ``score`` is bm25, turned so that more is better."""

    file: str
    place: str
    text: str
    score: float


def numbered(found: list[Found]) -> tuple[Part, ...]:
    """The passages as parts of a message, numbered from 1."""
    return tuple(
        Part("passage", one.text, shown_name(one.file), number, one.place)
        for number, one in enumerate(found, 1)
    )


class Index:
    """The index of ``folder``, kept in ``cache``. Raises :class:`SourceError`.

    ``skipped`` are the files that hold no text that could be read, each with a sentence.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        try:
            self.folder = folder.expanduser().resolve()
            there = self.folder.is_dir()
        except (OSError, RuntimeError, ValueError):
            there = False
        if not there:
            raise SourceError(f"“{shown_name(str(folder))}” is not a folder that can be read.")
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        self.path = cache / "search" / f"{name}.db"
        self.skipped: list[str] = []
        self.files = 0

    def search(self, question: str, *, limit: int = PASSAGES) -> list[Found]:
        """The passages that fit a question best, the best first; the files are looked at again."""
        try:
            db = self._open()
            try:
                self._update(db)
                return self._ask(db, question, limit)
            finally:
                db.close()
        except (OSError, sqlite3.Error) as error:
            raise SourceError(f"The search index {self.path} cannot be used: {error}.") from None

    # ── the file ────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for attempt in (1, 2):
            # Private before anything is in it; SQLite's files beside it take its mode.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            db = sqlite3.connect(self.path, timeout=10)
            try:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version == _VERSION:
                    db.execute("SELECT count(*) FROM passages").fetchone()
                    return db
                if version == 0 and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                    self._make(db)
                    return db
            except sqlite3.DatabaseError as error:
                # Another chat may be making or using it just now.
                if attempt == 2 or "locked" in str(error) or "exists" in str(error):
                    db.close()
                    raise
            # Of another version, or damaged: all of it can be made again.
            db.close()
            for end in ("", "-wal", "-shm", "-journal"):
                Path(f"{self.path}{end}").unlink(missing_ok=True)
        raise sqlite3.DatabaseError("it cannot be made")

    @staticmethod
    def _make(db: sqlite3.Connection) -> None:
        with db:
            db.execute("CREATE TABLE files (name TEXT PRIMARY KEY, stamp TEXT, error TEXT)")
            db.execute(
                "CREATE VIRTUAL TABLE passages USING fts5 (text, file UNINDEXED, place UNINDEXED, "
                "number UNINDEXED, tokenize = 'porter unicode61 remove_diacritics 2')"
            )
            db.execute(f"PRAGMA user_version = {_VERSION}")

    def _update(self, db: sqlite3.Connection) -> None:
        """Take in what is new or has changed, and let go what is no longer there."""
        there = dict(self._walk())
        self.files = len(there)
        known = dict(db.execute("SELECT name, stamp FROM files").fetchall())
        again = [
            name
            for name, stamp in sorted(there.items())
            if known.get(name) == _SLOW + stamp and (self.folder, name, stamp) not in _tried
        ][:1]  # a search waits for one of them at most
        with db:
            for name in known.keys() - there.keys():
                self._drop(db, name)
            for name in sorted(there):
                if name in again or known.get(name) not in (there[name], _SLOW + there[name]):
                    if name in known:  # finding its passages reads the whole table
                        self._drop(db, name)
                    self._take(db, name, there[name])
        rows = db.execute("SELECT error FROM files WHERE error <> '' ORDER BY name")
        self.skipped = [row[0] for row in rows]

    def _walk(self) -> Iterator[tuple[str, str]]:
        """Each file's path below the folder, and a stamp that changes when it does.

        Hidden files and folders are left out, and links are not followed.
        """
        count = 0
        for root, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(root, name)
                if name.startswith(".") or path.is_symlink() or not path.is_file():
                    continue
                count += 1
                if count > _MOST_FILES:
                    raise SourceError(
                        f"“{shown_name(self.folder.name)}” holds more than {_MOST_FILES:,} files. "
                        "Choose a smaller folder."
                    )
                stat = path.stat()
                relative = path.relative_to(self.folder).as_posix()
                shown = relative.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
                if shown == relative:  # a name that is no text cannot be pasted
                    yield relative, f"{stat.st_size} {stat.st_mtime_ns}"

    @staticmethod
    def _drop(db: sqlite3.Connection, name: str) -> None:
        db.execute("DELETE FROM passages WHERE file = ?", (name,))
        db.execute("DELETE FROM files WHERE name = ?", (name,))

    def _take(self, db: sqlite3.Connection, name: str, stamp: str) -> None:
        error, kept = "", stamp
        path = self.folder / name
        try:
            pages = read_pages(path)
            passages = cut(pages, paged=len(pages) > 1 or path.suffix.lower() == ".pdf")
        except SourceError as reason:
            passages, error = [], str(reason)
            if isinstance(reason, TooSlow):
                _tried.add((self.folder, name, stamp))
                kept = _SLOW + stamp
        db.execute("INSERT INTO files VALUES (?, ?, ?)", (name, kept, error))
        rows = [(one.text, name, one.place, number) for number, one in enumerate(passages)]
        db.executemany("INSERT INTO passages VALUES (?, ?, ?, ?)", rows)

    # ── asking ──────────────────────────────────────────────────────────────────────────────────

    def _ask(self, db: sqlite3.Connection, question: str, limit: int) -> list[Found]:
        # Folded as the tokenizer of the index does it, which leaves an ß an ß.
        words = list(dict.fromkeys(re.findall(r"\w+", question.lower())))
        telling = [word for word in words if word not in _COMMON] or words
        if not telling:
            return []
        query = " OR ".join(f'"{word}"' for word in telling)
        rows = db.execute(
            "SELECT file, place, text, -bm25(passages) AS score FROM passages "
            "WHERE passages MATCH ? ORDER BY round(score, 9) DESC, file, number LIMIT ?",
            (query, limit),
        )
        return [Found(*row) for row in rows]
