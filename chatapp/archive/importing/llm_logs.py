"""``logs.db`` of Simon Willison's command-line tool ``llm``: a SQLite file, opened to read only.

It holds up to three generations of tables, each read where it stands (llm/migrations.py):
``threads`` with their ``turns``, ``messages`` and ``parts`` (since llm 0.32); ``conversations``
with ``responses``; and ``logs``, the oldest. A conversation that went on after llm was upgraded
may stand in two of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from chatapp.archive.importing.llm_responses import Responses
from chatapp.archive.importing.llm_tables import Tables
from chatapp.archive.importing.llm_threads import Threads
from chatapp.archive.importing.skipped import Tally
from chatapp.archive.records import ImportedSession
from chatapp.errors import ImportFileError

_MAGIC: Final = b"SQLite format 3\x00"


def looks_like(path: Path) -> bool:
    """Whether it is a SQLite file with tables of ``llm``."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return False
    with _opened(path) as tables:
        return Responses.are_in(tables) or Responses.old_are_in(tables) or Threads.are_in(tables)


def sessions(path: Path, tally: Tally) -> Iterator[ImportedSession]:
    """Conversations, oldest tables first; raises :class:`ImportFileError` if SQLite gives up."""
    with _opened(path) as tables:
        source = f"llm, {path.name}"
        threads = Threads(tables, source, tally) if Threads.are_in(tables) else None
        for table, present in (
            ("logs", Responses.old_are_in(tables)),
            ("responses", Responses.are_in(tables)),
        ):
            if present:
                yield from Responses(tables, table, source, tally).sessions(threads)
        if threads:
            yield from threads.sessions()


@contextmanager
def _opened(path: Path) -> Iterator[Tables]:
    """The file's tables. ``immutable=0``: another program may write to it at the same time."""
    try:
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=0"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.execute("PRAGMA query_only = ON")
            # What is in a file of somebody else must not call functions of ours.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            yield Tables(connection)
    except sqlite3.Error as error:
        raise ImportFileError(f"{path.name} cannot be read as SQLite: {error}.") from error
