"""Documents cut into passages, and found by the words of a question."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.context.parts import Part
from chatapp.errors import SourceError
from chatapp.sources.index import Index, numbered
from chatapp.sources.passages import LONGEST, cut
from chatapp.sources.pdf import TooSlow
from tests.sources.pdfs import write_pdf


@given(st.text(st.sampled_from("ab \n#é"), max_size=4000))
def test_nothing_is_lost_and_each_passage_knows_its_lines(text: str) -> None:
    passages = cut([text])
    assert "".join("".join(one.text for one in passages).split()) == "".join(text.split())
    assert passages == cut([text])
    lines = text.split("\n")
    for one in passages:
        assert 0 < len(one.text) <= LONGEST + 1
        first, _, last = one.place.split()[1].partition("-")
        around = "\n".join(lines[int(first) - 1 : int(last or first)])
        assert all(line.rstrip() in around for line in one.text.split("\n"))


def test_where_passages_are_cut() -> None:
    text = "# One\n" + "word " * 60 + "\n\nstill one\n# Two\ntwo\n\n" + "x" * 2000
    assert [one.place for one in cut([text])] == [
        "lines 1-4",
        "lines 5-6",
        "line 8",
        "line 8",
        "line 8",
    ]
    assert [one.place for one in cut(["a", "b\n"], paged=True)] == ["page 1", "page 2"]
    assert cut(["", "\n \n"]) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "pets.md").write_text("# Pets\nThe dog of the family is called Biscuit.\n")
    (folder / "sub" / "house.txt").write_text("The house was built in 1931 by Priya Raman.\n")
    (folder / "tea.txt").write_text("Tea is drunk at four.\n")
    (folder / "picture.bin").write_bytes(b"\0\1dog")
    (folder / ".hidden").write_text("dog dog dog")
    write_pdf(folder / "old.pdf", ["Nothing.", "The cat is Muffin."])
    return folder


def files_of(index: Index, question: str) -> list[tuple[str, str]]:
    return [(one.file, one.place) for one in index.search(question)]


def test_the_best_passage_is_first(folder: Path, tmp_path: Path) -> None:
    index = Index(folder, tmp_path / "cache")
    assert files_of(index, "What is the dog called?") == [("pets.md", "lines 1-2")]
    assert files_of(index, "When was the house built?") == [("sub/house.txt", "line 1")]
    assert files_of(index, "cats?")[0] == ("old.pdf", "page 2")
    found = index.search("dog house tea family called")
    assert found[0].file == "pets.md"
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert index.skipped == ["“picture.bin” is not text: it holds binary data."]
    assert index.files == 5


def test_odd_questions_find_nothing_and_break_nothing(folder: Path, tmp_path: Path) -> None:
    index = Index(folder, tmp_path / "cache")
    for question in ("", "?!", '"" AND NOT (', "zebra", "text:dog*", "NEAR(a b)", "\0'\""):
        assert isinstance(index.search(question), list)
    assert index.search("zebra") == []
    # Words that say little are looked for where there are no others.
    assert index.search("was by")[0].file == "sub/house.txt"


def test_the_index_follows_the_files(folder: Path, tmp_path: Path) -> None:
    index = Index(folder, tmp_path / "cache")
    index.search("dog")
    (folder / "pets.md").write_text("The dog is called Crumpet now.\n")
    (folder / "new.md").write_text("A zebra.")
    os.remove(folder / "tea.txt")
    assert "Crumpet" in index.search("dog")[0].text
    assert files_of(index, "zebra") == [("new.md", "line 1")]
    assert index.search("tea") == []
    # A new one, made from nothing, says the same.
    again = Index(folder, tmp_path / "other")
    assert again.search("dog zebra house") == index.search("dog zebra house")


def test_words_are_found_as_they_are_written(folder: Path, tmp_path: Path) -> None:
    (folder / "wege.md").write_text("Die Straße führt nach Süden.\n")
    index = Index(folder, tmp_path / "cache")
    for question in ("straße", "STRASSE und Straße", "Suden"):
        assert files_of(index, question) == [("wege.md", "line 1")]


def test_a_new_file_does_not_search_the_old_ones(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[str] = []
    drop = Index._drop
    monkeypatch.setattr(
        Index, "_drop", staticmethod(lambda db, name: (dropped.append(name), drop(db, name)))
    )
    index = Index(folder, tmp_path / "cache")
    index.search("dog")
    assert dropped == []
    (folder / "pets.md").write_text("The dog is called Crumpet now.\n")
    index.search("dog")
    assert dropped == ["pets.md"]


def test_what_has_not_changed_is_not_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index(folder, tmp_path / "cache")
    index.search("dog")
    monkeypatch.setattr("chatapp.sources.index.read_pages", lambda path: 1 / 0)
    assert index.search("dog")


def test_the_index_is_private_and_may_be_damaged_or_deleted(folder: Path, tmp_path: Path) -> None:
    index = Index(folder, tmp_path / "cache")
    first = index.search("dog")
    assert stat.S_IMODE(index.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(index.path.parent.stat().st_mode) == 0o700
    index.path.write_bytes(b"no database" * 1000)
    assert index.search("dog") == first
    index.path.unlink()
    assert index.search("dog") == first


def test_links_out_of_the_folder_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.txt").write_text("zebra")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "loose.txt").symlink_to(tmp_path / "secret" / "a.txt")
    assert Index(folder, tmp_path / "cache").search("zebra") == []


def test_what_is_no_folder_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "none", tmp_path / "file", Path("a\0b")):
        with pytest.raises(SourceError, match="is not a folder"):
            Index(path, tmp_path)


def test_too_many_files_get_a_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.sources.index._MOST_FILES", 2)
    with pytest.raises(SourceError, match="more than 2 files"):
        Index(folder, tmp_path / "cache").search("x")


def test_passages_become_numbered_parts(folder: Path, tmp_path: Path) -> None:
    (part,) = numbered(Index(folder, tmp_path / "cache").search("dog"))
    assert part == Part(
        "passage", "# Pets\nThe dog of the family is called Biscuit.", "pets.md", 1, "lines 1-2"
    )


def test_a_file_that_took_too_long_is_tried_again_once_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a.pdf", "b.pdf"):
        (docs / name).write_text("x")
    (docs / "pets.md").write_text("The dog is called Biscuit.\n")
    slow, read = True, []

    def pages(path: Path) -> list[str]:
        read.append(path.name)
        if path.suffix == ".pdf" and slow:
            raise TooSlow(f"{path.name} takes too long.")
        return ["The dog sleeps."]

    monkeypatch.setattr("chatapp.sources.index.read_pages", pages)
    monkeypatch.setattr("chatapp.sources.index._tried", set())

    def search() -> tuple[list[str], list[str], int]:
        read.clear()
        index = Index(docs, tmp_path / "cache")
        found = index.search("dog")
        return [*read], [one.file for one in found], len(index.skipped)

    assert search() == (["a.pdf", "b.pdf", "pets.md"], ["pets.md"], 2)
    assert search() == ([], ["pets.md"], 2)  # not again in this run
    monkeypatch.setattr("chatapp.sources.index._tried", set())  # another run
    assert search() == (["a.pdf"], ["pets.md"], 2)  # a search waits for one of them
    slow = False
    assert search() == (["b.pdf"], ["b.pdf", "pets.md"], 1)
    monkeypatch.setattr("chatapp.sources.index._tried", set())
    assert search() == (["a.pdf"], ["a.pdf", "b.pdf", "pets.md"], 0)
    monkeypatch.setattr("chatapp.sources.index._tried", set())
    assert search() == ([], ["a.pdf", "b.pdf", "pets.md"], 0)
