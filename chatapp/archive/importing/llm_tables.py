"""Tables of somebody else's SQLite file: a column that is missing is read as nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any


class Tables:
    """Reads rows by the names of columns, whatever the file's version has of them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._columns: dict[str, frozenset[str]] = {}

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns; empty if there is no such table."""
        if table not in self._columns:
            rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", [table])
            self._columns[table] = frozenset(row[0] for row in rows)
        return self._columns[table]

    def has(self, table: str, *columns: str) -> bool:
        """Whether the table is there with all of these columns."""
        return bool(self.columns(table)) and self.columns(table) >= set(columns)

    def rows(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they come."""
        yield from self._connection.execute(sql, values)

    def row(self, table: str, columns: tuple[str, ...], key: str, value: Any) -> dict[str, Any]:
        """One row by its key, its columns by their names; a missing column or row is ``None``."""
        there = [column for column in columns if column in self.columns(table)]
        names = ", ".join(f'"{column}"' for column in there)
        found = self._connection.execute(
            f'SELECT {names} FROM "{table}" WHERE {key} = ?', [value]
        ).fetchone()
        empty: dict[str, Any] = dict.fromkeys(columns)
        return empty | dict(zip(there, found or (), strict=False))

    def count(self, table: str, where: str = "1") -> int:
        """The number of rows; 0 if there is no such table."""
        if not self.columns(table):
            return 0
        (count,) = self._connection.execute(
            f'SELECT count(*) FROM "{table}" WHERE {where}'
        ).fetchone()
        return int(count)


def text(value: Any) -> str:
    """A column's text; nothing if it holds something else."""
    return value if isinstance(value, str) else ""
