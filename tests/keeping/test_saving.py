"""Saving elsewhere: whole or not at all, for its user alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatapp.archive.records import SessionInfo, StoredMessage, StoredSession
from chatapp.errors import ArchiveError
from chatapp.keeping.saving import free_name, save

INFO = SessionInfo(id="", title="T", created="", changed="", state="off", messages=1)
SAID = StoredMessage(id=1, parent=None, role="user", content="half \ud800", created="")
SESSION = StoredSession(info=INFO, system="", messages=(SAID,))


@pytest.mark.parametrize("suffix", [".md", ".json", ".html", ".MD"])
def test_each_format_is_written_for_its_user_alone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"talk{suffix}"
    save(SESSION, path)
    assert "half" in path.read_text("utf-8")
    assert path.stat().st_mode & 0o777 == 0o600
    if suffix == ".json":
        json.loads(path.read_text("utf-8"))


def test_what_was_there_stays_if_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "talk.md"
    path.write_text("before")

    def broken(*_: object, **__: object) -> object:
        yield "half of it"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chatapp.keeping.saving.render", broken)
    with pytest.raises(ArchiveError, match="No space left"):
        save(SESSION, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["none/talk.md", "talk.txt", "a\0.md"])
def test_a_path_that_will_not_do_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError):
        save(SESSION, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    there = tmp_path / "there.md"
    there.write_text("before")
    link = tmp_path / "link.md"
    link.symlink_to(there)
    save(SESSION, link)
    assert link.is_symlink()
    assert "half" in there.read_text("utf-8")


def test_a_name_that_is_free(tmp_path: Path) -> None:
    assert free_name(tmp_path).name == "conversation.md"
    (tmp_path / "conversation.md").touch()
    assert free_name(tmp_path).name == "conversation-2.md"
