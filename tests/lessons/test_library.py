"""Lessons of one's own, beside those of the course, and words that are not translated."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.errors import LessonError
from chatapp.lessons.library import Lessons
from chatapp.lessons.playing import play
from chatapp.lessons.reading import parse
from chatapp.lessons.scaffold import write_scaffold
from chatapp.lessons.translation import translated, words
from chatapp.proofs.lab import Lab
from tests.lessons.samples import changed, small

GERMAN = """
title = "Ein Test"
[guess]
expect = "Und nach der Korrektur?"
option.right.text = "Ankara, natürlich"
[first]
note = "Gesendet: {first.tokens_sent}."
"""


def test_a_lesson_of_ones_own_is_found_last_and_may_replace_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(changed(), "utf-8")
    (tmp_path / "mine.de.toml").write_text(GERMAN, "utf-8")
    (tmp_path / "costs.toml").write_text(changed(), "utf-8")
    lessons = Lessons(tmp_path)
    found, errors = lessons.course()
    assert not errors
    assert len(found) == 15
    assert {found[-1].name, found[-2].name} == {"mine", "costs"}
    assert lessons.is_own("mine")
    assert lessons.is_own("costs")
    assert not lessons.is_own("window")
    assert lessons.languages("mine") == ["en", "de"]


def test_one_that_is_not_right_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("title = 3", "utf-8")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    found, errors = Lessons(tmp_path).course()
    assert len(found) == 14
    assert sorted(str(error).partition(str(tmp_path))[2] for error in errors) == [
        "/bytes.toml is not a text file in UTF-8.",
        "/mine.toml: 'title' must be a text that is not empty.",
    ]
    with pytest.raises(LessonError, match=r"no lesson called yours\. There are: confident"):
        Lessons(tmp_path).lesson("yours")


def test_what_is_not_translated_is_english_and_named(tmp_path: Path) -> None:
    lesson = translated(small(), parse(GERMAN, "small.de.toml"), "de", "small.de.toml")
    assert lesson.title == "Ein Test"
    assert lesson.about == "About a test."
    guess = lesson.step("guess")
    assert [option.text for option in guess.options] == ["Ankara, natürlich", "Something else"]  # type: ignore[union-attr]
    assert "about" in lesson.untranslated
    assert "guess.option.other.text" in lesson.untranslated
    assert not {"title", "guess.expect", "first.note"} & set(lesson.untranslated)
    assert lesson.steps[1].checks == small().steps[1].checks


def test_a_key_that_the_lesson_does_not_have_is_an_error() -> None:
    for text, says in (
        ('[nobody]\nsay = "x"', "no words called 'nobody.say'"),
        ('[first]\nask = "x"', "no words called 'first.ask'"),
        ("title = 3", "'title' must be a text"),
    ):
        with pytest.raises(LessonError, match=says):
            translated(small(), parse(text, "small.de.toml"), "de", "small.de.toml")


def test_a_language_that_there_is_not_is_english(tmp_path: Path) -> None:
    lesson = Lessons().lesson("correction", "xx")
    assert lesson.language == "en"
    assert set(lesson.untranslated) == set(words(lesson))


async def test_the_scaffold_can_be_played_as_it_is(tmp_path: Path, lab: Lab) -> None:
    path = write_scaffold(tmp_path / "lessons", "dog")
    lesson = Lessons(path.parent).lesson("dog")
    one = await play(lesson, lab)
    assert one.held, [check for check in one.checks if not check.held]
    with pytest.raises(LessonError, match="there already"):
        write_scaffold(path.parent, "dog")
    for name in ("New Dog", "new", "../dog", ""):
        with pytest.raises(LessonError, match="must be called"):
            write_scaffold(path.parent, name)
    (tmp_path / "file").write_text("")
    with pytest.raises(LessonError, match="cannot be written"):
        write_scaffold(tmp_path / "file", "dog")
