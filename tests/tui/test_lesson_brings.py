"""A lesson on the screen attaches, retrieves and switches notes in sight, as a person does."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.context.parts import parts_of
from chatapp.lessons.reading import read_lesson
from chatapp.sources.notes import Notes, save_notes
from tests.tui.test_lesson_on_screen import go, lesson, said  # noqa: F401 (a fixture)

TEXT = """
title = "Inputs"
about = "About them."
minutes = 3

[[step]]
id = "file"
attach = "docs/pets.md"
note = "It goes with the next message."

[[step]]
ask = "What is the dog called?"

[[step]]
notes = ["I like [b]tea[/b]."]

[[step]]
new-session = "second"

[[step]]
retrieve = "docs"
question = "Where is the dog door?"

[[step]]
ask = "Where is the dog door?"

[[step]]
notes = []

[[step]]
summary = "That was it."
"""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "pets.md").write_text("The dog is called Biscuit.\n")
    (folder / "house.md").write_text("The house has a dog door.\n")
    return folder


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_all_that_goes_along_is_seen_and_sent(lesson, docs, tmp_path, size):  # noqa: F811
    save_notes(tmp_path / "notes.toml", Notes(on=True, texts=("The person's own.",)))
    played = read_lesson(TEXT, "try", "try.toml", tmp_path)
    async with lesson(size=size, play=played, notes=tmp_path / "notes.toml") as chat:
        await chat.sees("attaches the file docs/pets.md")
        await go(chat, "enter")
        await chat.sees("[×] pets.md · 26 characters", "It goes with the next", "attached: 1,")
        await go(chat, "enter", "enter")
        [request] = chat.engine.requests
        [pets] = parts_of("user", request.messages[0].content)
        assert (pets.part.name, pets.part.text) == ("pets.md", "The dog is called Biscuit.")
        assert chat.screen.composer.attached == ()
        await chat.sees("▸ pets.md", "What is the dog called?")
        await go(chat, "enter")
        await chat.sees("switches saved notes on: “I like [b]tea[/b].”")
        await go(chat, "enter")
        await chat.sees("each new session begins with them")
        await go(chat, "enter", "enter")
        await chat.sees("Begun with 1 saved note")
        await go(chat, "enter", "enter")
        await chat.sees("[×] [1] house.md, line 1", "[×] [2] pets.md, line 1", "attached: 2,")
        await go(chat, "enter", "enter")
        system, message = chat.engine.requests[-1].messages
        assert system.content == "The user's saved notes:\n- I like [b]tea[/b]."
        assert [one.part.number for one in parts_of("user", message.content)] == [1, 2]
        await go(chat, "enter", "enter")
        await chat.sees("Saved notes are off")
        assert not any("own" in m.content for one in chat.engine.requests for m in one.messages)


async def test_back_takes_the_file_off_and_taking_over_loses_nothing(lesson, docs, tmp_path):  # noqa: F811
    played = read_lesson(TEXT, "try", "try.toml", tmp_path)
    async with lesson(play=played) as chat:
        await go(chat, "enter")
        await chat.sees("[×] pets.md")
        await go(chat, "left")
        await chat.sees_not("[×]")
        await go(chat, "enter", "escape")
        await chat.sees("The lesson waits", "[×] pets.md")
        await chat.say("Mine.")
        assert parts_of("user", chat.engine.requests[-1].messages[0].content)
        await go(chat, "ctrl+t")
        await chat.sees("[×] pets.md")
        assert said(chat) == []
        await go(chat, "enter", "enter")
        assert said(chat)[0].endswith("What is the dog called?")
        assert parts_of("user", said(chat)[0])
