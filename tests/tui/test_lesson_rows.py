"""What the strip of a lesson says: pure lines, in the lesson's language."""

from __future__ import annotations

from chatapp.lessons.acting import acts
from chatapp.lessons.library import Lessons
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.play import Play, Played
from chatapp.lessons.steps import Ask, Measure, Raw, Settings
from chatapp.lessons.words import words_of
from chatapp.tui.lesson.rows import _came, _numbers, deed


def test_a_deed_is_said_for_every_kind_of_step():
    for name in ("en", "de"):
        say = words_of(name)
        kinds = set()
        for one in Lessons(None).course(name)[0]:
            for step in filter(acts, one.steps):
                kinds.add(step.kind)
                said = deed(step, say)
                assert said
                assert "{" not in said.replace(getattr(step, "raw", ""), "")
        assert {"ask", "correct", "raw", "settings", "show", "prove"} <= kinds
        assert {"attach", "retrieve", "notes"} <= kinds


def test_settings_are_said_in_words():
    english, german = words_of("en"), words_of("de")
    step = Settings(system="Be [b]brief[/b].", temperature=0.0, reuse=False)
    said = "sets: temperature 0, the system prompt “Be [b]brief[/b].”, reuse off."
    assert deed(step, english) == said
    assert "kein System-Prompt" in deed(Settings(system=""), german)


def test_numbers_are_written_as_in_the_lessons_language():
    step = Ask(ask="x", measure=Measure(right="Ankara"))
    outcome = Outcome(values={"p_right": 0.25, "tokens_sent": 1204, "tokens_again": 3})
    found = [str(*_numbers(step, outcome, words_of(name))) for name in ("en", "de")]
    assert found == [
        "P(Ankara) 0.25 · 1,204 tokens sent, 3 of them again",
        "P(Ankara) 0,25 · 1.204 Tokens gesendet, 3 davon noch einmal",
    ]


def test_a_raw_answer_leaves_room_for_what_is_said_about_it():
    step = Raw(raw="Japan:", note="Two examples before it.")
    outcome = Outcome(text=" Tokyo\n\nMexico: Mexico City\n")
    lines = [
        str(line)
        for line in _came(step, Played(step, outcome), Play(Lessons(None).lesson("inputs")))
    ]
    assert lines == ["answer: Tokyo ↵  ↵ Mexico: Mexico City", "Two examples before it."]
