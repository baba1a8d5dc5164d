"""Exports from the store: consent is looked at to the last moment, and each is noted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chatapp.archive import exports, marks, reviews
from chatapp.archive.exporting import verify
from chatapp.archive.held import held_by, warn
from chatapp.archive.records import State
from chatapp.archive.review import decide
from chatapp.archive.store import Store
from chatapp.archive.writing import set_state
from chatapp.errors import ExportError, StoreError
from tests.archive.conftest import Say


@pytest.fixture
def marked(store: Store, say: Say) -> list[str]:
    """Three sessions, each with one approved example."""
    names = []
    for n in range(3):
        name, ids = say(f"Question {n}?", f"Answer {n}.")
        marks.mark(store, name, ids[1], "liked")
        names.append(name)
    for example in list(reviews.waiting(store)):
        reviews.put(store, decide(example, "approved"))
    return names


def test_an_export_is_noted_with_what_it_holds(
    store: Store, marked: list[str], tmp_path: Path
) -> None:
    done = exports.run(store, tmp_path / "set", format="trl-sft")
    assert verify(done.folder).ok
    (held,) = held_by(store, marked[0])
    assert (held.export, held.format, held.records) == (done.manifest["export_id"], "trl-sft", 1)
    assert held.folder == str(tmp_path / "set")
    # The same again is the same export.
    exports.run(store, tmp_path / "set", format="trl-sft", replace=True)
    assert len(held_by(store, marked[0])) == 1


@pytest.mark.parametrize("state", ["kept", "off"])
def test_what_is_withdrawn_while_it_is_read_is_in_no_export(
    store: Store, marked: list[str], tmp_path: Path, state: State, path: Path
) -> None:
    def progress(at: int, total: int | None) -> None:
        with Store(path) as other:
            set_state(other, marked[1], state)

    with pytest.raises(ExportError, match="withdrawn"):
        exports.run(store, tmp_path / "set", progress=progress)
    assert not (tmp_path / "set").exists()
    assert held_by(store, marked[0]) == []


def test_what_is_withdrawn_between_writing_and_noting_is_in_no_export(
    store: Store, marked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = exports._noted

    def late(*given: object) -> object:
        set_state(store, marked[2], "kept")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(exports, "_noted", late)
    with pytest.raises(ExportError, match="withdrawn"):
        exports.run(store, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_an_export_that_cannot_be_noted_does_not_stay(
    store: Store, marked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("The disk is full.", kind="full")

    monkeypatch.setattr(exports, "note", full)
    with pytest.raises(StoreError):
        exports.run(store, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_an_earlier_export_stays_when_a_new_one_in_its_place_fails(
    store: Store, marked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.run(store, tmp_path / "set")

    def full(*_: object) -> None:
        raise StoreError("The disk is full.", kind="full")

    monkeypatch.setattr(exports, "note", full)
    with pytest.raises(StoreError):
        exports.run(store, tmp_path / "set", replace=True)
    assert verify(tmp_path / "set").ok


def test_a_review_of_something_else_does_not_count(store: Store, say: Say, tmp_path: Path) -> None:
    name, ids = say("Question?", "Answer.")
    marks.correct(store, name, ids[1], chosen="Right.", right="Right")
    (example,) = reviews.waiting(store)
    reviews.put(store, decide(example, "approved"))
    assert list(reviews.waiting(store)) == []
    with store.writing() as db:
        db.execute("UPDATE examples SET chosen = 'Other.'")
    assert [one.id for one in reviews.waiting(store)] == [example.id]
    with pytest.raises(ExportError, match="not reviewed"):
        exports.run(store, tmp_path / "set")


@pytest.mark.parametrize("state", ["kept", "off"])
def test_every_folder_is_told_what_was_withdrawn_from_it(
    store: Store, marked: list[str], tmp_path: Path, state: State
) -> None:
    one, two, gone = (exports.run(store, tmp_path / name).folder for name in ("a", "b", "gone"))
    shutil.rmtree(gone)
    assert [held.folder for held in held_by(store, marked[0])] == [str(one), str(two), str(gone)]
    assert [held.there for held in held_by(store, marked[0])] == [True, True, False]
    set_state(store, marked[0], state)
    set_state(store, marked[1], state)
    for folder in (one, two):
        told = json.loads((folder / ".withdrawn.json").read_text())
        assert told == sorted(marked[:2])
        assert verify(folder).ok
    assert not gone.exists()
    again = exports.run(store, one, replace=True)
    assert again.rows == 1
    assert not (one / ".withdrawn.json").exists()
    # Another export stands there now: it is not told of what it does not hold.
    warn(store, marked[0])
    assert not (one / ".withdrawn.json").exists()
