"""Saved notes on the screen: the dialog, the session that begins with them, the request."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from chatapp.sources.notes import Notes, load_notes, save_notes
from chatapp.tui.dialogs.notes import NotesDialog
from tests.tui.conftest import Chat, Open


async def open_dialog(chat: Chat) -> None:
    await chat.screen.run_action("screen.notes")
    await chat.until(lambda: isinstance(chat.app.screen, NotesDialog), "the dialog")
    await chat.pilot.pause()


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_note_is_saved_switched_on_and_sent(
    chatting: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "notes.toml"
    async with chatting(notes=path, size=size) as chat:
        await chat.say("hello")
        assert chat.engine.requests[0].messages[0].role == "user"
        await open_dialog(chat)
        await chat.sees("The weights stay", "OFF")
        await chat.press(*"tea", "enter")
        await chat.until(lambda: load_notes(path).texts == ("tea",), "the note")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await chat.press("ctrl+t")
        await chat.sees("ON: 1 note pasted")
        await chat.press("escape")
        # This session has begun without it and stays as it is.
        await chat.say("again")
        assert chat.engine.requests[1].messages[0].role == "user"
        await chat.press("ctrl+n")
        await chat.sees("Begun with 1 saved note")
        await chat.say("hello")
        system = chat.engine.requests[2].messages[0]
        assert (system.role, system.content) == ("system", "The user's saved notes:\n- tea")
        await chat.sees("notes ")


async def test_an_empty_session_begins_with_the_notes_of_now(
    chatting: Open, tmp_path: Path
) -> None:
    path = tmp_path / "notes.toml"
    save_notes(path, Notes(True, ("tea", "milk")))
    async with chatting(notes=path, system="Be kind.") as chat:
        await chat.sees("Begun with 2 saved notes", "saved notes ")
        await open_dialog(chat)
        await chat.press("down", "ctrl+d")
        await chat.until(lambda: load_notes(path).texts == ("tea",), "one note")
        await chat.press("escape")
        await chat.sees("Begun with 1 saved note,")
        await chat.say("x")
        assert chat.talk.system == "Be kind."
        assert (
            chat.talk.turns[0].messages[0].content == "Be kind.\n\nThe user's saved notes:\n- tea"
        )


async def test_the_request_shows_notes_as_a_part_with_its_tokens(
    chatting: Open, tmp_path: Path
) -> None:
    path = tmp_path / "notes.toml"
    save_notes(path, Notes(True, ("tea and milk",)))
    async with chatting(notes=path) as chat:
        await chat.say("x")
        request = chat.screen.context_view.shown
        assert request is not None
        assert request.prompt is not None
        from chatapp.tui.request import rows

        for depth in ("prompt", "tokens"):
            row = next(row for row in rows(request, depth, 60) if row.owner == "notes")  # type: ignore[arg-type]
            assert row.tokens == (await chat.talk.budget("")).notes  # type: ignore[union-attr]
            assert row.tokens is not None
        await chat.sees(f"{row.tokens} tokens · NEW")


async def test_settings_do_not_take_notes_into_the_system_prompt(
    chatting: Open, tmp_path: Path
) -> None:
    path = tmp_path / "notes.toml"
    save_notes(path, Notes(True, ("tea",)))
    async with chatting(notes=path) as chat:
        await chat.press("f4")
        await chat.until(lambda: chat.app.screen is not chat.screen, "the settings")
        assert "tea" not in chat.app.screen.query_one("#system").text  # type: ignore[attr-defined]


async def test_a_broken_file_is_said_and_never_written_over(chatting: Open, tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    path.write_text("on = 3\n")
    async with chatting(notes=path) as chat:
        await chat.sees("No saved notes are pasted")
        await open_dialog(chat)
        await chat.sees("on must be true or false")
        await chat.press(*"x", "enter", "ctrl+t", "ctrl+d")
        await chat.pilot.pause()
        assert path.read_text() == "on = 3\n"


async def test_a_note_is_never_markup_and_never_steers(chatting: Open, tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    save_notes(path, Notes(True, ("[bold]x[/bold] \x1b[31m",)))
    async with chatting(notes=path) as chat:
        await open_dialog(chat)
        await chat.sees("[bold]x[/bold] ␛[31m")
