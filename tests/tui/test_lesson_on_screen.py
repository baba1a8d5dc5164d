"""A lesson on the screen: its words, the guess, the answers, taking over, going back, the end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from chatapp.engine.client import EngineOptions
from chatapp.errors import EngineError
from chatapp.lessons.library import Lessons
from chatapp.lessons.reading import read_lesson
from chatapp.proofs.evidence import Check, Evidence, Setting
from chatapp.tui.lesson.panel import LessonPanel
from chatapp.tui.screens.evidence import EvidenceScreen
from chatapp.tui.screens.lesson_end import LessonEnd
from tests.scripted import Reply, ScriptedEngine

TEXT = """
title = "A [b]small[/b] lesson"
about = "About it."
minutes = 3

[[step]]
id = "begin"
say = "First some words."

[[step]]
id = "first"
ask = "What is the capital of Turkey?"
note = "It is Ankara."

[[step]]
id = "guess"
expect = "Corrected, what will it say?"
at = "again"
expected = "right"
[[step.option]]
id = "right"
text = "Ankara then"
when = { contains = "Ankara" }
after = "It stands in the text."
[[step.option]]
id = "wrong"
text = "Istanbul as before"

[[step]]
id = "correct"
correct = "Ankara"
wrong = "Istanbul"
of = "first"
send = "Please remember: it is Ankara."

[[step]]
id = "again"
ask = "And now?"

[[step]]
new-session = "second"
note = "The old one is not sent."

[[step]]
settings = "hot"
temperature = 0.7
seed = 3

[[step]]
id = "new"
ask = "What is the capital of Turkey?"

[[step]]
show = "context"

[[step]]
switch = "first"

[[step]]
summary = "Text was sent, nothing was learned."
"""
LESSON = read_lesson(TEXT.replace('settings = "hot"\n', "[step.settings]\n"), "try", "try.toml")
REPLIES = ("It is Istanbul.", "Fine.", "It is Ankara.", "It is Istanbul.")


@pytest.fixture
def lesson(chatting, tmp_path: Path):
    """``async with lesson(size=…) as chat``: it has begun, and its first words are seen."""

    @asynccontextmanager
    async def open_it(*replies: Reply, size=(80, 24), **given: Any):
        engine = ScriptedEngine([*(replies or (Reply([text]) for text in REPLIES))])
        engine.weights = tmp_path / "weights.gguf"
        engine.weights.write_bytes(b"weights")
        engine.options = EngineOptions()
        async with chatting(engine=engine, size=size, **{"play": LESSON, **given}) as chat:
            playing = lambda: chat.screen.lesson and chat.screen.lesson.player.phase  # noqa: E731
            await chat.until(lambda: playing() not in (None, "new"), "begun")
            await chat.until(
                lambda: chat.app.focused is chat.screen.query_one(LessonPanel), "the strip"
            )
            await chat.pilot.pause()
            yield chat

    return open_it


async def go(chat, *keys: str) -> None:
    """Press keys, one after the other; each is done with before the next."""
    for key in keys:
        await chat.press(key)
        await chat.pilot.pause()
        await chat.until(lambda: not chat.screen.lesson or not chat.screen.lesson.busy, key)
        await chat.pilot.pause()


def said(chat) -> list[str]:
    return [node.content for node in chat.nodes]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 20)])
async def test_a_lesson_is_played_to_its_last_page(lesson, size):
    async with lesson(size=size) as chat:
        await chat.sees("First some words.", "step 1 of 11")
        assert "A [b]small[/b] lesson"[: size[0] - 10] in chat.text
        await go(chat, "enter")
        await chat.sees("Enter sends:")
        assert not chat.engine.requests
        await go(chat, "enter")
        await chat.sees("It is Istanbul.", "It is Ankara.")  # the answer, and the note
        await go(chat, "space")
        await chat.sees("Corrected, what will it say?", "1  Ankara then", "2  Istanbul as before")
        await go(chat, "2")
        await chat.sees("2  Istanbul as before  ← your")
        await go(chat, "enter")
        await chat.sees("corrects it")
        await go(chat, "enter", "enter", "enter")
        await chat.sees("✗ You guessed: Istanbul as before", "What happened: Ankara then")
        assert said(chat)[2:4] == ["Please remember: it is Ankara.", "Fine."]
        await go(chat, "enter", "enter")
        await chat.sees("The old one is not sent.")
        assert said(chat) == []
        await go(chat, "enter")
        await chat.sees("temperature 0.7, seed 3")
        await go(chat, "enter", "enter", "enter")
        assert chat.engine.requests[-1].sampling.temperature == 0.7
        assert [one.content for one in chat.engine.requests[-1].messages] == [
            "What is the capital of Turkey?"
        ]
        await go(chat, "enter")
        assert not chat.screen.context_view.display
        await go(chat, "enter")
        assert chat.screen.context_view.display
        await go(chat, "enter", "enter")
        assert not chat.screen.context_view.display
        assert len(said(chat)) == 6
        await go(chat, "enter")
        await chat.sees("nothing was learned")
        await go(chat, "enter")
        await chat.until(lambda: isinstance(chat.app.screen, LessonEnd), "the last page")
        await chat.sees("Something else happened", "✗ You guessed: Istanbul")
        await chat.press("escape")
        await chat.until(lambda: chat.screen.lesson is None, "the lesson left")
        await chat.sees("Write a message")
        await chat.say("Hello")
        assert "Hello" in said(chat)


async def test_what_is_typed_takes_over_and_the_lesson_goes_on_where_it_was(lesson):
    async with lesson() as chat:
        await go(chat, "enter", "enter")
        assert said(chat) == ["What is the capital of Turkey?", "It is Istanbul."]
        await chat.press("h", "i")
        await chat.until(lambda: chat.draft == "hi", "what was typed is in the input")
        await chat.sees("The lesson waits", "^T")
        await chat.press("enter")
        await chat.done()
        assert said(chat)[2:] == ["hi", "Fine."]
        await go(chat, "ctrl+t")
        await chat.sees("It is Ankara.", "step 2 of 11")
        assert said(chat) == ["What is the capital of Turkey?", "It is Istanbul."]
        await chat.sees_not("Fine.")
        # Numbers are guesses again, not letters.
        await go(chat, "enter", "1")
        await chat.sees("← your guess")
        assert chat.screen.lesson.player.play.taken_over == 1


async def test_escape_takes_over_and_so_does_a_session_of_ones_own(lesson):
    async with lesson() as chat:
        await go(chat, "escape")
        await chat.sees("The lesson waits", "Write a message")
        await go(chat, "ctrl+t")
        await chat.sees("First some words.")
        await chat.press("ctrl+n")
        await chat.sees("The lesson waits")
        sessions = len(chat.screen.sessions)
        await chat.say("mine")
        await go(chat, "ctrl+t")
        await chat.sees("First some words.")
        assert len(chat.screen.sessions) == sessions
        assert said(chat) == []


async def test_back_undoes_what_a_step_did(lesson):
    async with lesson() as chat:
        await go(chat, "enter", "enter", "left")
        await chat.sees("Enter sends:")
        assert said(chat) == []
        await go(chat, "left")
        await chat.sees("First some words.")
        await go(chat, "enter", "enter")
        assert len(chat.engine.requests) == 2  # what was sent was sent
        await go(chat, "enter", "1", "2", "enter", "enter", "enter", "enter", "enter", "enter")
        assert len(chat.screen.sessions) == 3
        await go(chat, "left")
        assert len(chat.screen.sessions) == 2
        assert len(said(chat)) == 6


async def test_escape_stops_an_answer_and_the_lesson_stays(lesson):
    each = asyncio.Semaphore(1)
    async with lesson(Reply(["It ", "is ", "Istanbul."], each=each)) as chat:
        await go(chat, "enter")
        await chat.press("enter")
        await chat.sees("The model answers")
        await chat.until(lambda: chat.screen.session.begun, "begun")
        await chat.press("escape")
        each.release()
        each.release()
        await chat.until(lambda: not chat.screen.lesson.busy, "the step done")
        await chat.sees("step 2 of 11")


async def test_what_a_person_began_to_edit_is_not_what_the_lesson_sends(lesson):
    async with lesson() as chat:
        await go(chat, "enter", "enter", "escape")
        await chat.screen.run_action("screen.edit")
        await chat.until(lambda: chat.screen.session.editing is not None, "an edit")
        await go(chat, "ctrl+t", "enter", "1", "enter", "enter")
        assert said(chat) == [
            "What is the capital of Turkey?",
            "It is Istanbul.",
            "Please remember: it is Ankara.",
            "Fine.",
        ]


async def test_a_reply_of_the_persons_own_is_not_taken_for_the_lessons(lesson):
    each = asyncio.Semaphore(0)
    again = Reply(["It ", "is ", "Bursa."], each=each)
    async with lesson(Reply(["It is Istanbul."]), again, Reply(["Fine."])) as chat:
        await go(chat, "enter", "enter", "enter", "1", "enter")
        await chat.screen.run_action("screen.regenerate")
        await chat.until(lambda: chat.screen.session.busy, "the person's own request")
        await go(chat, "enter")
        await chat.sees("answering something else", "Enter tries again")
        for _ in range(4):
            each.release()
        await chat.until(lambda: not chat.screen.session.busy, "its end")
        assert len(chat.engine.requests) == 2


async def test_what_cannot_be_sent_is_said_and_can_be_tried_again(lesson):
    failing = Reply([], error=EngineError("The engine is [red]gone[/red]."))
    async with lesson(failing, Reply(["It is Istanbul."])) as chat:
        await go(chat, "enter", "enter")
        await chat.sees("Enter tries again", "[red]gone[/red]")
        await go(chat, "enter")
        await chat.sees("It is Istanbul.")
        assert said(chat) == ["What is the capital of Turkey?", "It is Istanbul."]


async def test_lessons_are_chosen_from_the_list(lesson):
    async with lesson(play=LESSON, lessons=lambda: Lessons(None)) as chat:
        await chat.press("ctrl+t")
        await chat.sees("Lessons", "Your correction dies with the session", "Leave the lesson")
        await chat.press("escape")
        await chat.screen.run_action("screen.leave_lesson")
        await chat.until(lambda: chat.screen.lesson is None, "left")
        await chat.press("ctrl+t")
        await chat.sees("every answer is its own")


async def test_the_persons_settings_are_back_after_the_lesson(lesson):
    async with lesson(system="Be brief.") as chat:
        assert chat.talk.system == ""
        await chat.screen.run_action("screen.leave_lesson")
        await chat.until(lambda: chat.screen.lesson is None, "left")
        chat.screen.show_session(0)
        assert chat.talk.system == "Be brief."


async def test_a_lesson_can_play_itself_and_leaves_a_picture(lesson, tmp_path: Path):
    from chatapp.tui.given import Autoplay

    still = tmp_path / "end.svg"
    async with lesson(autoplay=Autoplay(0.0, still)) as chat:
        await chat.until(lambda: chat.app._exit or still.exists(), "the end")
        await chat.until(still.exists, "the picture")
        await chat.until(lambda: chat.app.return_code == 0, "the end")
    svg = still.read_text("utf-8")
    assert "nothing" in svg.replace("&#160;", " ")
    assert svg.startswith("<svg")


async def test_the_strip_speaks_the_lessons_language(lesson):
    german = Lessons(None).lesson("correction", "de")
    async with lesson(play=german, language="de") as chat:
        await chat.sees("Schritt 1 von 10", "weiter", "übernehmen")
        await go(chat, "enter")
        await chat.sees("Enter sendet: „")
        await go(chat, "escape")
        await chat.sees("Die Lektion wartet hier")


async def test_another_model_ends_the_lesson(lesson):
    async with lesson() as chat:
        await chat.press("escape")
        await chat.sees("The lesson waits")
        chat.screen.model = None
        await chat.press("ctrl+t")
        await chat.until(lambda: chat.screen.lesson is None, "ended")
        assert any("lesson has ended" in note.message for note in chat.app._notifications)


async def test_a_server_is_told_that_it_shows_too_little(chatting):
    async with chatting(engine=ScriptedEngine(kind="server"), play=LESSON) as chat:
        await chat.until(lambda: chat.app._notifications, "said")
        assert any("needs a local one" in note.message for note in chat.app._notifications)
        assert chat.screen.lesson is None
        await chat.say("Hello")


async def test_a_lesson_in_presenter_mode_keeps_its_air_and_its_theme(lesson):
    async with lesson(presenter=True) as chat:
        await chat.sees("First some words.", " Enter ")
        await go(chat, "enter", "enter")
        await chat.sees(" you ", " model ", "It is Istanbul.")
        await chat.screen.run_action("screen.leave_lesson")
        await chat.until(lambda: chat.screen.lesson is None, "left")
        assert chat.screen.presenting
        assert not chat.screen.context_view.display


async def test_the_last_page_speaks_the_lessons_language(lesson):
    from chatapp.lessons.play import Play

    german = Lessons(None).lesson("correction", "de")
    async with lesson(play=german, language="de") as chat:
        chat.app.push_screen(LessonEnd(Play(german), lambda path, play: None))
        await chat.sees("Verlassen", "Andere Lektionen", "speichern", "Esc verlassen · ← zurück")


PROVE = read_lesson(
    """
title = "Proof"
about = "About it."
minutes = 3

[[step]]
prove = "frozen"
note = "So it is."

[[step]]
summary = "The end."
""",
    "prove",
    "prove.toml",
)


async def test_an_experiment_is_shown_as_it_runs_and_can_be_stopped(lesson, monkeypatch):
    begun: list[str] = []
    go_on = asyncio.Event()
    setting = Setting(**{one.name: "" for one in fields(Setting)})

    async def perform(experiment, lab, progress):
        begun.append(experiment.name)
        progress(0.25, "asks a question")
        await go_on.wait()
        says = Check(says="It held.", held=True, expected="1", found="1")
        return Evidence(
            name=experiment.name,
            title="Frozen weights",
            claim="Nothing changes.",
            verdict="held",
            because="so it is",
            blocks=[says],
            setting=setting,
            started="2026-01-01T00:00:00",
            seconds=1.0,
            command="chatapp prove frozen",
        )

    monkeypatch.setattr("chatapp.tui.lesson.stage.perform", perform)
    async with lesson(play=PROVE) as chat:
        await chat.sees("Enter runs the experiment")
        await chat.press("enter")
        await chat.sees("25%", "asks a question", "Esc stop")
        await chat.press("ctrl+t")
        await chat.sees("The lesson is at work")
        assert chat.app.screen is chat.screen
        await chat.press("escape")
        await chat.sees("Enter runs the experiment")
        assert not chat.screen.lesson.away
        go_on.set()
        await go(chat, "enter")
        await chat.until(lambda: isinstance(chat.app.screen, EvidenceScreen), "the evidence")
        await chat.sees("It held.")
        await chat.press("enter")
        await chat.sees("1 of 1 checks held", "So it is.")
        assert begun == ["frozen", "frozen"]
