"""What a visitor's screen does, and what it leaves undone with a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events

from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling
from chatapp.serving.limits import Limits
from chatapp.serving.screen import ALLOWED, REFUSED, ServedApp, ServedScreen
from chatapp.tui import clipboard
from chatapp.tui.commands import COMMANDS
from chatapp.tui.given import Given, Model, Values
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Chat, alone

__all__ = ["alone"]


@asynccontextmanager
async def visiting(*replies: Reply, limits: Limits | None = None) -> AsyncIterator[Chat]:
    """A visitor's screen on a scripted engine."""
    engine = ScriptedEngine(list(replies))

    async def open_model(name: str, window: int | None) -> Model:
        return Model(engine, Counter(engine, None), "scripted")

    given = Given(
        open_model=open_model,
        model="scripted",
        values=lambda: Values("", Sampling(max_tokens=100), "stop", None),
    )
    app = ServedApp(given, limits or Limits(), engine)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        chat = Chat(pilot, engine, [])
        await chat.ready()
        yield chat


def test_every_command_is_allowed_or_refused_on_purpose() -> None:
    known = {command.action for command in COMMANDS}
    assert not ALLOWED & REFUSED.keys()
    assert known == REFUSED.keys() | ALLOWED
    for action in known - ALLOWED:
        # Each has an own method that says so: whichever way it is called, nothing else happens.
        assert f"action_{action}" in vars(ServedScreen), action


async def test_what_is_refused_is_said_and_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with visiting(Reply(("Hello",))) as chat:
        await chat.say("Hi")
        before = sorted(tmp_path.rglob("*"))
        for command in COMMANDS:
            if command.action in ALLOWED:
                continue
            chat.app.clear_notifications()
            await chat.screen.run_action(f"screen.{command.action}")
            await chat.pilot.pause()
            said = [note.message for note in chat.app._notifications]
            assert said == [REFUSED[command.action]], command.action
            assert chat.app.screen is chat.screen, command.action  # no dialog opened
        assert sorted(tmp_path.rglob("*")) == before
        assert chat.screen._archive is None or not chat.screen.archive.begun
        await chat.press("ctrl+s")
        await chat.sees("Visitors write no files")
        titles = [one.title for one in chat.app.get_system_commands(chat.screen)]
        assert any(title.startswith("New session") for title in titles)
        assert not any(title.startswith(("Save", "Model", "Review")) for title in titles)
        assert "log" not in chat.lines[-1]
        assert "model" not in chat.lines[-1]


@pytest.mark.parametrize("word", ["attach", "search", "notes"])
async def test_a_typed_command_reads_nothing_of_this_computer(word: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the teacher's own words")
    async with visiting(Reply(("Hello",))) as chat:
        # "/notes" with more behind it is a sentence like any other.
        await chat.write("/notes" if word == "notes" else f"/{word} {secret}")
        await chat.press("enter")
        await chat.pilot.pause()
        assert [note.message for note in chat.app._notifications] == [REFUSED[word]]
        assert chat.app.screen is chat.screen
        assert not chat.screen.composer.attached
        assert not chat.engine.requests


async def test_a_large_paste_can_be_taken_off_again() -> None:
    async with visiting(Reply(("Hello",))) as chat:
        chat.screen.composer.post_message(events.Paste("word " * 4_000))
        await chat.until(lambda: chat.screen.composer.attached, "the attachment")
        await chat.screen.run_action("screen.detach")
        assert not chat.screen.composer.written


async def test_ones_place_in_the_line_is_shown_until_the_answer_begins() -> None:
    arrive = asyncio.Event()
    async with visiting(Reply(("Hello",), arrive=arrive)) as chat:
        engine: Any = chat.engine
        await chat.send("Hi")
        engine.on_place(3)
        await chat.sees("waiting: 3 visitors before you")
        assert "3 visitors before you" in chat.lines[0]
        engine.on_place(1)
        await chat.sees("waiting: 1 visitor before you")
        engine.on_place(0)
        await chat.sees("waiting: you are next")
        arrive.set()
        await chat.done()
        await chat.sees("Hello")
        assert "before you" not in chat.text


async def test_limits_are_said_on_the_screen() -> None:
    async with visiting(limits=Limits(sessions=2)) as chat:
        engine: Any = chat.engine
        await chat.press("alt+n")
        await chat.until(lambda: len(chat.screen.sessions) == 2)
        await chat.press("ctrl+n")
        await chat.sees("Each visitor may have 2 sessions open")
        assert len(chat.screen.sessions) == 2
        engine.on_note("The reply ends here: 3 tokens is the most for everyone.")
        await chat.sees("3 tokens is the most")
        chat.screen._open("another", None)
        await chat.sees("The window is the same for everyone here: 2,048 tokens.")
        assert not engine.closed


async def test_copying_goes_to_the_browser_and_never_to_this_computers_clipboard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(text: str) -> bool:
        raise AssertionError("the clipboard of the one who serves was written to")

    monkeypatch.setattr(clipboard, "copy", never)
    async with visiting(Reply(("Hello",))) as chat:
        await chat.say("Hi")
        await chat.press("f8")
        await chat.sees("was handed to your browser")
        assert chat.app.clipboard == "Hello"


async def test_one_can_write_as_soon_as_the_browser_looks_here() -> None:
    async with visiting() as chat:
        chat.app.post_message(events.AppBlur())
        await chat.until(lambda: not chat.app.app_focus)
        chat.app._last_focused_on_app_blur = None  # as when the page begins
        chat.screen.set_focus(None)
        chat.app.post_message(events.AppFocus())
        await chat.until(lambda: chat.screen.composer.has_focus, "the input has the focus")


async def test_the_screen_ends_with_the_connection() -> None:
    async with visiting() as chat:
        engine: Any = chat.engine
        engine.on_lost()
        await chat.until(lambda: not chat.app.is_running, "the end")
