"""The data files of one split: JSONL or Parquet, in one file or in shards of bounded size."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from chatapp.archive.exporting.fields import Fields, as_arrow
from chatapp.errors import ExportError

JSONL: Final = "jsonl"
PARQUET: Final = "parquet"
CONTAINERS: Final = (JSONL, PARQUET)

SHARD_BYTES: Final = 256_000_000
"""A shard ends with the row that brings it to this size, counted as JSONL in both containers."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of the export, as the manifest names it. ``rows`` is 0 where it holds none."""

    name: str
    role: str
    rows: int
    bytes: int
    sha256: str


def create(path: Path) -> BinaryIO:
    """A new file, private to the user."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def settle(file: BinaryIO) -> None:
    """Close a file when it is on the disk."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


def described(path: Path, role: str, rows: int = 0) -> WrittenFile:
    """What the manifest says of a file that is complete."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return WrittenFile(path.name, role, rows, path.stat().st_size, digest)


def write_text(path: Path, text: str) -> None:
    """Write a small file whole."""
    file = create(path)
    try:
        file.write(text.encode())
        settle(file)
    finally:
        file.close()


class LineFile:
    """A JSONL file that is being written, line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.bytes = 0
        self._file = create(path)
        self._waiting: list[bytes] = []

    def write(self, line: bytes, row: dict[str, Any] | None = None) -> None:
        """One line, without its end."""
        self.rows += 1
        self.bytes += len(line) + 1
        self._waiting.append(line)
        if len(self._waiting) >= 256:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._waiting.append(b"")
            self._file.write(b"\n".join(self._waiting))
            self._waiting.clear()

    def close(self) -> None:
        self._flush()
        settle(self._file)

    def abandon(self) -> None:
        """Let go of the file, whatever became of it: it is thrown away."""
        try:
            self._file.close()
        except OSError:
            pass


class ParquetFile:
    """A Parquet file that is being written; at most one group of rows is held in memory."""

    GROUP_ROWS: Final = 2_000
    GROUP_BYTES: Final = 16_000_000

    def __init__(self, path: Path, fields: Fields) -> None:
        require_parquet()
        import pyarrow.parquet

        self.path = path
        self.rows = 0
        self.bytes = 0
        self._schema = as_arrow(fields)
        self._file = create(path)
        self._writer = pyarrow.parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        self._waiting: list[dict[str, Any]] = []
        self._waiting_bytes = 0

    def write(self, line: bytes, row: dict[str, Any] | None = None) -> None:
        """One row; its line is for its size alone."""
        assert row is not None
        self.rows += 1
        self.bytes += len(line) + 1
        self._waiting.append(row)
        self._waiting_bytes += len(line)
        if len(self._waiting) >= self.GROUP_ROWS or self._waiting_bytes >= self.GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow

        if self._waiting:
            self._writer.write_table(pyarrow.Table.from_pylist(self._waiting, schema=self._schema))
            self._waiting.clear()
            self._waiting_bytes = 0

    def close(self) -> None:
        self._flush()
        self._writer.close()
        settle(self._file)

    def abandon(self) -> None:
        """Let go of the file, whatever became of it: it is thrown away."""
        for close in (self._writer.close, self._file.close):
            try:
                close()
            except (OSError, ValueError):
                pass


def require_parquet() -> None:
    """Say what is missing for Parquet, if it is."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ExportError(
            "Parquet needs the package pyarrow: pip install 'chatapp[parquet]', or choose JSONL."
        ) from error


class Shards:
    """The files of one split, written one after the other, named when their number is known."""

    def __init__(
        self, folder: Path, container: str, fields: Fields, limit: int | None, split: str
    ) -> None:
        self._folder = folder
        self._container = container
        self._limit = limit
        self._split = split
        self._start: Callable[[Path], LineFile | ParquetFile] = (
            LineFile if container == JSONL else lambda path: ParquetFile(path, fields)
        )
        self._open: LineFile | ParquetFile | None = None
        self._done: list[tuple[Path, int]] = []
        self.rows = 0

    def write(self, line: bytes, row: dict[str, Any]) -> None:
        """One row, and the same as a line without its end."""
        if self._open is None:
            self._open = self._start(self._folder / f"{self._split}.part-{len(self._done)}")
        self._open.write(line, row)
        self.rows += 1
        if self._limit is not None and self._open.bytes >= self._limit:
            self._end()

    def _end(self) -> None:
        if self._open is not None:
            self._open.close()
            self._done.append((self._open.path, self._open.rows))
            self._open = None

    def finish(self, prefix: str, role: str) -> list[WrittenFile]:
        """End the last file and give all of them their names."""
        self._end()
        files = []
        for number, (part, rows) in enumerate(self._done):
            shard = f"-{number:05}-of-{len(self._done):05}" if len(self._done) > 1 else ""
            path = self._folder / f"{prefix}{shard}.{self._container}"
            part.rename(path)
            files.append(described(path, role, rows))
        return files

    def abandon(self) -> None:
        if self._open is not None:
            self._open.abandon()
