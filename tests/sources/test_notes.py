"""The file of saved notes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from chatapp.errors import SourceError
from chatapp.sources.notes import LONGEST, MOST, Notes, load_notes, save_notes


def test_none_are_there_at_first_and_they_are_off(tmp_path: Path) -> None:
    assert load_notes(tmp_path / "notes.toml") == Notes(False, ())
    assert Notes(False, ("a",)).sent == ()
    assert Notes(True, ("a",)).sent == ("a",)


def test_what_is_saved_is_read_again_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "notes.toml"
    notes = Notes(True).with_note('  My dog is\n called "Bis\\cuit" 🐶. ')
    assert notes.texts == ('My dog is called "Bis\\cuit" 🐶.',)
    save_notes(path, notes)
    assert load_notes(path) == notes
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "The weights stay the same file" in path.read_text("utf-8")
    assert list(path.parent.iterdir()) == [path]


def test_a_file_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    path.write_text('on = true\nnotes = ["one", "two"]\nother = 3\n')
    assert load_notes(path).sent == ("one", "two")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("on = 1", "on must be true or false"),
        ("notes = 'x'", "must be a list"),
        ("notes = [1]", "must be a list"),
        ("notes = [' ']", "note 1: A note needs some words"),
        ("notes = [", "not valid TOML"),
        (f"notes = ['{'x' * (LONGEST + 1)}']", "note 1: A note may be 1,000 characters"),
    ],
)
def test_a_broken_file_gets_a_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "notes.toml"
    path.write_text(text)
    with pytest.raises(SourceError, match=says) as error:
        load_notes(path)
    assert str(path) in str(error.value)


def test_bytes_that_are_no_text_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match="UTF-8"):
        load_notes(path)


def test_notes_go_by_their_number() -> None:
    notes = Notes(texts=("a", "b", "c"))
    assert notes.without(2).texts == ("a", "c")
    for number in (0, 4, -1):
        with pytest.raises(SourceError, match="numbered 1 to 3"):
            notes.without(number)
    with pytest.raises(SourceError, match="there are none"):
        Notes().without(1)
    with pytest.raises(SourceError, match="there already"):
        notes.with_note("b")


def test_there_is_an_end_to_them() -> None:
    notes = Notes(texts=tuple(map(str, range(MOST))))
    with pytest.raises(SourceError, match="200 notes already"):
        notes.with_note("more")


def test_a_failed_save_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    save_notes(path, Notes(texts=("a",)))
    with pytest.raises(SourceError, match="cannot be written"):
        save_notes(path, Notes(texts=("\ud800",)))
    assert load_notes(path).texts == ("a",)
    assert list(tmp_path.iterdir()) == [path]
