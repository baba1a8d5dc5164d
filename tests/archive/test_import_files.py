"""Which kind of file it is, and what becomes of one that is none."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.archive.importing import KINDS, Kind, read
from chatapp.archive.records import ImportedSession
from chatapp.errors import ImportFileError

from . import chatgpt_export
from .llm_database import LOGS, RESPONSES, THREADS, LogsDatabase

LINE = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


def sample(folder: Path, kind: Kind) -> Path:
    """A file of this kind under a name that tells nothing."""
    path = folder / f"{kind}.file"
    if kind == "openai":
        path.write_text(json.dumps(LINE) + "\n", encoding="utf-8")
    elif kind == "chatgpt":
        chatgpt_export.write(path, chatgpt_export.two_branches())
    else:
        db = LogsDatabase(path, LOGS, RESPONSES, THREADS)
        db.response("r01", "c1", "Hi", "Hello")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path: Path, kind: Kind) -> None:
    reading = read(sample(tmp_path, kind))
    assert reading.kind == kind
    assert len(list(reading)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_file_has_the_same_keys_under_any_name(tmp_path: Path, kind: Kind) -> None:
    path = sample(tmp_path, kind)
    reading = read(path)
    keys = [session.key for session in reading]
    assert [session.key for session in reading] == keys
    moved = path.rename(tmp_path / "moved elsewhere.bak")
    assert [session.key for session in read(moved)] == keys


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_not_taken_for_another_kind(tmp_path: Path, kind: Kind) -> None:
    path = sample(tmp_path, kind)
    for other in set(KINDS) - {kind}:
        with pytest.raises(ImportFileError, match=r"is not .*\."):
            read(path, other)
    assert read(path, kind).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_reading_leaves_the_file_and_its_folder_as_they_are(tmp_path: Path, kind: Kind) -> None:
    path = sample(tmp_path, kind)
    before = path.read_bytes()
    path.chmod(0o400)
    list(read(path))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Dear diary\n",
        b"{}",
        b'{"messages": 1}',
        b"[1, 2, 3]",
        b'[{"title": "no mapping"}]',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"SQLite format 3",
        b"\x00\xff" * 500,
    ],
)
def test_what_is_none_of_them_is_refused_and_told_what_would_do(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ImportFileError) as refused:
        read(path)
    for words in ("notes.txt", "message JSONL", "conversations.json", "logs.db"):
        assert words in str(refused.value)
    assert str(refused.value).endswith(".")


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(b"PK\x03\x04 and more")
    with pytest.raises(ImportFileError, match="unpack it first"):
        read(path)


def test_another_database_is_refused_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE responses (id, other)")
    with pytest.raises(ImportFileError, match="none of what can be imported"):
        read(other)
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    with pytest.raises(ImportFileError, match="cannot be read as SQLite"):
        read(damaged)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("", "is a folder"), ("missing", "is not a file"), ("pipe", "not a file")):
        with pytest.raises(ImportFileError, match=why):
            read(tmp_path / name)


@settings(deadline=None)
@given(content=st.binary(max_size=300), begin=st.sampled_from([b"", b"[", b"{", b'[{"mapping":']))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, begin: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "any"
    path.write_bytes(begin + content)
    for kind in (None, *KINDS):
        try:
            assert all(isinstance(one, ImportedSession) for one in read(path, kind))
        except ImportFileError as error:
            assert str(error).endswith(".")
