"""Stored sessions on the screen: found as one types, opened (sent again), renamed, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.archive import ledger, sessions
from chatapp.archive.store import NAME, Store
from chatapp.archive.writing import NewMessage, Writer
from chatapp.keeping.archive import Archive
from chatapp.keeping.browsing import PAGE
from chatapp.tui.dialogs.ask import AskDialog, ConfirmDialog
from chatapp.tui.dialogs.base import Cards
from chatapp.tui.dialogs.sessions import SessionsDialog
from chatapp.tui.dialogs.stored import StoredDialog
from tests.scripted import Reply
from tests.tui.conftest import Chat, Open
from tests.tui.test_keeping_on_screen import chosen, folder, reads, texts

__all__ = ["folder"]
MARKUP = "[bold]x[/] \x1b[31m [@click=app.quit]river[/]"


def put(folder: Path, name: str, *said: str) -> None:
    with Store(folder / NAME) as store:
        writer = Writer(store, name)
        writer.begin("kept", title=said[0][:40], system="Be brief.", model="small")
        parent = None
        for number, text in enumerate(said):
            role = "assistant" if number % 2 else "user"
            (parent,) = writer.add([NewMessage(parent=parent, role=role, content=text)])  # type: ignore[arg-type]


async def looking(chat: Chat) -> StoredDialog:
    await chat.press("f5")
    await chat.until(lambda: isinstance(chat.app.screen, SessionsDialog), "the open ones")
    await chat.pilot.pause()
    await chat.press("f5")
    await chat.until(lambda: isinstance(chat.app.screen, StoredDialog), "the stored sessions")
    dialog = chat.app.screen
    assert isinstance(dialog, StoredDialog)
    await chat.until(lambda: dialog.query_one("#nothing").display or rows(dialog), "the list")
    return dialog


def rows(dialog: StoredDialog) -> int:
    return dialog.query_one(Cards).option_count


async def back(chat: Chat) -> None:
    await chat.until(lambda: chat.app.screen is chat.screen, "the chat")


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 20)])
async def test_all_that_is_stored_is_listed_the_newest_first(
    chatting: Open, folder: Path, size: tuple[int, int]
) -> None:
    put(folder, "a" * 16, "About mountains", "High.")
    put(folder, "b" * 16, MARKUP, "Wet.")
    async with chatting(transcripts=folder, size=size) as chat:
        await looking(chat)
        await chat.sees("[bold]x[/] ␛[31m", "About mountains", "2 messages")
        shown = chat.text
        assert shown.index("[bold]x") < shown.index("About mountains")


async def test_typing_searches_and_shows_where_the_words_stand(
    chatting: Open, folder: Path
) -> None:
    put(folder, "a" * 16, "About mountains", "High.")
    put(folder, "b" * 16, "Tell me", f"It is a {MARKUP}.")
    async with chatting(transcripts=folder) as chat:
        dialog = await looking(chat)
        await chat.press(*"riv")
        await chat.until(lambda: rows(dialog) == 1, "one found")
        await chat.sees("model: It is a [bold]x[/] ␛[31m [@click=app.quit]river[/].")
        option = dialog.query_one(Cards).get_option_at_index(0)
        emphasised = [
            option.prompt.plain[span.start : span.end]  # type: ignore[union-attr]
            for span in option.prompt.spans  # type: ignore[union-attr]
            if "underline" in str(span.style)
        ]
        assert emphasised == ["river"]
        await chat.press(*"zz")
        await chat.sees("No stored session holds all of these words.")
        await chat.press(*["backspace"] * 5)
        await chat.until(lambda: rows(dialog) == 2, "all again")


async def test_to_open_is_to_send_again_and_the_notice_says_how_much(
    chatting: Open, folder: Path
) -> None:
    put(folder, "a" * 16, "one two three", "four five", "six", "seven")
    async with chatting(transcripts=folder, size=(96, 40)) as chat:
        await looking(chat)
        await chat.press("enter")
        await back(chat)
        await chat.sees("session 2 of 2", "log: kept", "one two three", "seven")
        prompt = await chat.talk.counter.prompt(chat.talk.messages())
        assert prompt is not None
        notice = f"Reopened, which means: sent again. 4 messages ({len(prompt)} tokens, template"
        await reads(chat, notice)
        assert chat.engine.requests == []
        await chat.say("eight")
        sent = [message.content for message in chat.engine.requests[-1].messages]
        assert sent == ["Be brief.", "one two three", "four five", "six", "seven", "eight"]
        # The notice stands; what is said goes on in the same stored session.
        await reads(chat, notice)
        with Store(folder / NAME) as store:
            (info,) = sessions.listed(store)
            assert texts(sessions.load(store, info.id))[-2:] == ["eight", "ok"]
        # How its tokens were chosen is not stored, and asking for it breaks nothing.
        await chat.press("ctrl+up", "f7")
        await chat.pilot.pause()


async def test_one_that_is_open_already_is_gone_to(chatting: Open, folder: Path) -> None:
    async with chatting(transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        await chat.say("first session")
        await chat.press("ctrl+n")
        await looking(chat)
        await chat.press("enter")
        await back(chat)
        await chat.sees("session 1 of 2", "first session")


async def test_marks_come_back_with_a_session(chatting: Open, folder: Path) -> None:
    async with chatting(Reply(("A",)), transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        await chat.say("Q")
        chat.screen.action_mark_good()
        await chat.until(lambda: isinstance(chat.app.screen, AskDialog), "the reason")
        await chat.pilot.pause()
        await chat.press("enter")
        await chat.sees("(marked good)")
    async with chatting(transcripts=folder) as chat:
        await looking(chat)
        await chat.press("enter")
        await back(chat)
        await chat.sees("(marked good)")


async def test_renamed_and_tagged(chatting: Open, folder: Path) -> None:
    put(folder, "a" * 16, "About mountains", "High.")
    async with chatting(transcripts=folder) as chat:
        dialog = await looking(chat)
        await chat.press("ctrl+r")
        await chat.until(lambda: isinstance(chat.app.screen, AskDialog), "the name")
        await chat.pilot.pause()
        await chat.press("end", *" 2", "enter")
        await chat.until(lambda: chat.app.screen is dialog, "the list")
        await chat.sees("About mountains 2")
        await chat.press("ctrl+t")
        await chat.until(lambda: isinstance(chat.app.screen, AskDialog), "the tags")
        await chat.pilot.pause()
        await chat.press(*"School, alps", "enter")
        await chat.sees("#alps · #school")


async def test_deleting_asks_once_and_says_what_it_does(chatting: Open, folder: Path) -> None:
    put(folder, "a" * 16, "About mountains", "secretword")
    put(folder, "b" * 16, "About rivers", "Wet.")
    async with chatting(transcripts=folder) as chat:
        dialog = await looking(chat)
        for keys in (["enter"], ["escape"]):
            await chat.press("down", "ctrl+d")
            await chat.until(lambda: isinstance(chat.app.screen, ConfirmDialog), "the question")
            await chat.pilot.pause()
            await reads(chat, "About mountains", "gone from the disk", "search index included")
            await reads(chat, "it was withdrawn")
            await chat.press(*keys)
            await chat.until(lambda: chat.app.screen is dialog, "the list")
            await chat.press("up")
        assert rows(dialog) == 2
        await chat.press("down", "ctrl+d")
        await chat.until(lambda: isinstance(chat.app.screen, ConfirmDialog), "the question")
        await chat.pilot.pause()
        await chat.press("tab", "enter")
        await chat.until(lambda: rows(dialog) == 1, "one left")
    assert all(b"secretword" not in file.read_bytes() for file in folder.iterdir())
    with Store(folder / NAME) as store:
        assert ledger.consents(store)[-1].state == "off"


async def test_deleting_one_that_is_open_here_turns_its_log_off(
    chatting: Open, folder: Path
) -> None:
    async with chatting(transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        await chat.say("secretword")
        dialog = await looking(chat)
        await chat.press("ctrl+d")
        await chat.until(lambda: isinstance(chat.app.screen, ConfirmDialog), "the question")
        await chat.pilot.pause()
        await chat.press("tab", "enter")
        await chat.until(lambda: chat.app.screen is dialog and not rows(dialog), "an empty list")
        await chat.press("escape")
        await chat.until(lambda: "log: off (nothing is kept)" in chat.lines[0], "off")
        await chat.say("secretword again")
    assert all(b"secretword" not in file.read_bytes() for file in folder.iterdir())


async def test_no_more_is_read_than_is_shown(
    chatting: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(PAGE + 5):
        put(folder, f"{number:016x}", f"session {number}")
    asked: list[str] = []
    call = Archive.call

    async def counting(self: Archive, act: object, *args: object, **more: object) -> object:
        asked.append(act.__name__)  # type: ignore[attr-defined]
        return await call(self, act, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Archive, "call", counting)
    async with chatting(transcripts=folder) as chat:
        dialog = await looking(chat)
        await chat.pilot.pause()
        assert (rows(dialog), asked) == (PAGE, ["listed"])
        dialog.query_one(Cards).highlighted = PAGE - 2
        await chat.until(lambda: rows(dialog) == PAGE + 5, "the next page")
        assert asked == ["listed", "listed"]
        await chat.press("end")


async def test_a_store_that_fails_is_said_and_nothing_else_breaks(
    chatting: Open, folder: Path
) -> None:
    (folder / NAME).write_bytes(b"no database " * 200)
    async with chatting(transcripts=folder) as chat:
        await chat.press("f5", "f5")
        await reads(chat, "is not an SQLite database")
        await chat.press("enter", "ctrl+d", "ctrl+r", "down", "escape")
        await chat.say("Still a chat")
