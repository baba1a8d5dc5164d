"""The course on the real model: every expectation holds; translations have the same keys."""

from __future__ import annotations

import re

import pytest

from chatapp.lessons.filling import PLACE
from chatapp.lessons.library import COURSE, Lessons
from chatapp.lessons.playing import play
from chatapp.lessons.steps import Expect, Prove
from chatapp.lessons.translation import words
from chatapp.lessons.words import languages, words_of
from chatapp.proofs.experiments import EXPERIMENTS
from chatapp.proofs.lab import Lab

LESSONS = Lessons()
ORDER = [
    *("training-is-over", "sent-again", "correction", "next-person", "window", "draws"),
    *("what-changed", "cut-off", "confident", "inputs", "three-roads", "logging", "costume"),
    "costs",
]
QUICK = ("correction", "logging", "what-changed")
"""Played twice in every run of the tests, then in German; the others when slow tests are run."""


def test_the_course_is_whole_and_in_its_order() -> None:
    lessons, errors = LESSONS.course()
    assert not errors
    assert [lesson.name for lesson in lessons] == ORDER
    assert [lesson.place for lesson in lessons] == list(range(1, 15))


@pytest.mark.parametrize("name", ORDER)
def test_a_lesson_takes_three_to_eight_minutes_asks_and_sums_up(name: str) -> None:
    lesson = LESSONS.lesson(name)
    assert 3 <= lesson.minutes <= 8
    assert abs(sum(step.seconds for step in lesson.steps) - 60 * lesson.minutes) <= 60
    assert any(isinstance(step, Expect) for step in lesson.steps)
    assert lesson.steps[-1].kind == "summary"
    assert any(step.checks for step in lesson.steps)


@pytest.mark.parametrize("name", ORDER)
async def test_every_expectation_holds_on_the_real_model(name: str, lab: Lab) -> None:
    lesson = LESSONS.lesson(name)
    one = await play(lesson, lab)
    assert one.held, [check for check in one.checks if not check.held]
    assert all(guess.decided for guess in one.guesses)
    assert not [p.step.id for p in one.steps if PLACE.search(one.says(p.step))]
    if name in QUICK:
        again = await play(LESSONS.lesson(name, "de"), lab)
        assert again.held
        assert again.bits == one.bits


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ORDER if name not in QUICK])
async def test_played_twice_the_bits_are_the_same(name: str, lab: Lab) -> None:
    lesson = LESSONS.lesson(name)
    assert (await play(lesson, lab)).bits == (await play(lesson, lab)).bits


@pytest.mark.parametrize("name", ORDER)
@pytest.mark.parametrize("language", languages()[1:])
def test_translations_are_complete_and_keep_their_numbers(name: str, language: str) -> None:
    assert language in LESSONS.languages(name)
    english, other = LESSONS.lesson(name), LESSONS.lesson(name, language)
    assert other.language == language
    assert other.untranslated == ()
    before, after = words(english), words(other)
    assert before.keys() == after.keys()
    assert not [key for key in before if key.startswith("step-")], "words need a step with an id"
    for key, text in before.items():
        assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(after[key])), key
        assert text != after[key], key


@pytest.mark.parametrize("language", languages()[1:])
def test_the_players_words_are_translated(language: str) -> None:
    english, other = words_of("en")._texts, words_of(language)._texts
    names = re.compile(r"\{(\w+)\}")
    missing = {key for key in english if key not in _own(language)}
    assert not missing
    assert english.keys() == other.keys()
    for key, text in english.items():
        assert sorted(names.findall(text)) == sorted(names.findall(other[key])), key


@pytest.mark.parametrize("name", ORDER)
def test_experiments_of_the_course_have_a_title_in_each_language(name: str) -> None:
    for step in LESSONS.lesson(name).steps:
        if isinstance(step, Prove):
            title = EXPERIMENTS[step.prove].title
            assert words_of("en").experiment(step.prove, "") == title
            assert words_of("de").experiment(step.prove, title) != title


def _own(language: str) -> dict[str, str]:
    import tomllib

    text = (COURSE.parent / f"words.{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def test_there_is_a_second_language() -> None:
    assert languages() == ("en", "de")
