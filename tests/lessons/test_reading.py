"""What is wrong in a lesson's file is said: the file, the step, the key, what was expected."""

from __future__ import annotations

import pytest

from chatapp.errors import LessonError
from chatapp.lessons.checks import Check
from chatapp.lessons.reading import read_lesson
from chatapp.lessons.steps import Ask, Correct, Expect, NewSession, Say, Settings, Summary
from tests.lessons.samples import changed, small


def test_a_lesson_is_read_as_typed_steps() -> None:
    lesson = small()
    kinds = [type(step) for step in lesson.steps]
    assert kinds == [Say, Ask, Expect, Correct, Ask, NewSession, Ask, Summary]
    assert lesson.minutes == 3
    assert lesson.step("guess").options[0].when == (Check(kind="contains", what="Ankara"),)  # type: ignore[union-attr]
    assert [step.number for step in lesson.steps] == list(range(1, 9))


def test_settings_are_read_by_the_rules_of_the_settings_file() -> None:
    lesson = small(('say = "Welcome."', "settings = { temperature = 1, seed = 7, system = '' }"))
    step = lesson.steps[0]
    assert isinstance(step, Settings)
    assert step.given() == {"temperature": 1.0, "seed": 7, "system": ""}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('title = "A test"', "title = 3", "small.toml: 'title' must be a text"),
        ('title = "A test"', "", "small.toml: 'title' is missing"),
        ("minutes = 3", "minutes = 0", "'minutes' must be a whole number from 1 to 60"),
        ("minutes = 3", "minuets = 3", "there is no 'minuets'"),
        ("minutes = 3", "minutes = ", "not valid TOML"),
        ('say = "Welcome."', "", "step 1 does nothing; it must have exactly one of: say"),
        ('say = "Welcome."', 'say = "x"\nraw = "y"', "step 1 does say and raw"),
        ('say = "Welcome."', 'say = " "', "step 1 (begin): 'say' must be a text that is not empty"),
        ('say = "Welcome."', 'say = "x"\nloud = true', "step 1 (begin): there is no 'loud'"),
        ('id = "begin"', 'id = "Begin!"', "'id' must be a name"),
        ('id = "begin"', 'id = "first"', "another step is called first too"),
        ('say = "Welcome."', 'show = "stars"', "'show' must be one of"),
        (
            'say = "Welcome."',
            'prove = "gravity"',
            "no experiment called gravity; there are: resend",
        ),
        ('say = "Welcome."', 'prove = "forgetting"\nfacts = ["no"]', "no fact called no"),
        ('say = "Welcome."', 'prove = "forgetting"\nfacts = "no"', "facts must be a list of names"),
        ('say = "Welcome."', "settings = { heat = 1 }", "there is no 'heat'"),
        ('say = "Welcome."', "settings = { seed = -1 }", "'seed' must be a whole number"),
        ('say = "Welcome."', "settings = {}", "nothing is set"),
        ('say = "Welcome."', "settings = 3", "must be a table"),
        ('say = "Welcome."', 'switch = "second"', "no session called second is open"),
        ('new-session = "second"', 'new-session = "first"', "called first is open already"),
        ('say = "Welcome."', 'summary = "x"', "a summary must be the last step"),
        ('of = "first"', 'of = "again"', "'of' must name an earlier step, and again comes later"),
        ('of = "first"', 'of = "nobody"', "'of' names 'nobody', and no step is called that"),
        ('of = "first"', 'of = "begin"', "a step that is answered, and begin is not"),
        ('at = "again"', 'at = "first"', "'at' must name a later step"),
        ('at = "again"', 'at = "nobody"', "no step is called that"),
        ('at = "again"', 'at = "empty"', "nothing comes of the step empty"),
        ('expected = "right"', 'expected = "left"', "there are: right, other"),
        ('id = "other"', 'id = "right"', "two options have the same id"),
        ('when = { contains = "Ankara" }', "", "option 1: only the last option may be without"),
        ("{again.p_right}", "{again.p_left}", "there are: tokens_sent"),
        ("{first.tokens_sent}", "{new.tokens_sent}", "is not known by then"),
        ('{ contains = "Istanbul" }', "{ }", "check 1: it must have exactly one of: contains"),
        ('{ contains = "Istanbul" }', "{ contains = 3 }", "'contains' must be a text"),
        ('{ contains = "Istanbul" }', "{ held = true }", "'held' is for a step that proves"),
        ('{ contains = "Istanbul" }', '{ same = "bits" }', "'same' needs 'than'"),
        ('{ contains = "Istanbul" }', '{ more = "bits", than = 1 }', "'more' must name one of"),
        ('{ contains = "Istanbul" }', '{ more = "p_right", than = true }', "needs 'than'"),
        ('{ contains = "Istanbul" }', '{ is = "ended" }', "'is' needs 'than'"),
        ('than = "first" }]', 'than = "first", times = 0 }]', "'times' must be a number above 0"),
        (
            '{ same = "bits", than = "first" }',
            '{ same = "bits", than = "begin" }',
            "nothing comes of",
        ),
        (
            '{ same = "bits", than = "first" }',
            '{ more = "p_right", than = 1 }',
            "needs a 'measure'",
        ),
        ("check = [{ contains", "check = { contains", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, says: str) -> None:
    with pytest.raises(LessonError) as caught:
        small((old, new))
    assert says in str(caught.value), str(caught.value)
    assert "small.toml" in str(caught.value)
    assert "\n" not in str(caught.value) or "TOML" in str(caught.value)


def test_a_question_needs_two_to_four_options() -> None:
    text = changed(('[[step.option]]\nid = "other"\ntext = "Something else"\n', ""))
    with pytest.raises(LessonError, match=r"step 3 \(guess\): a question needs two to four"):
        read_lesson(text, "small", "small.toml")


def test_a_lesson_needs_steps_and_a_proper_name() -> None:
    with pytest.raises(LessonError, match="no steps"):
        read_lesson('title = "x"\nabout = "x"\nminutes = 1', "small", "small.toml")
    with pytest.raises(LessonError, match="a lesson's file must be called"):
        read_lesson(changed(), "Small One", "Small One.toml")
