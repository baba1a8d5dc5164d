"""Consent on the screen: off unless a person says otherwise; a failing store is always said."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from textual.css.query import NoMatches

from chatapp.archive import ledger, marks, sessions
from chatapp.archive.consent import MEANINGS
from chatapp.archive.records import StoredSession
from chatapp.archive.store import NAME, Store
from chatapp.tui import words
from chatapp.tui.dialogs.ask import AskDialog
from chatapp.tui.dialogs.consent import ConsentDialog
from chatapp.tui.dialogs.correct import CorrectDialog
from chatapp.tui.dialogs.save import SaveDialog
from tests.scripted import Reply
from tests.tui.conftest import Chat, Open


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("chatapp.archive.store._WAIT", 0.05)
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "transcripts"
    there.mkdir()
    return there


async def chosen(chat: Chat, *keys: str) -> None:
    """Open the dialog, press the keys, and see it close."""
    await chat.press("ctrl+l")
    await chat.until(lambda: isinstance(chat.app.screen, ConsentDialog), "the dialog")
    await chat.pilot.pause()
    await chat.press(*keys)
    await chat.until(lambda: chat.app.screen is chat.screen, "the chat")


async def reads(chat: Chat, *sentences: str) -> None:
    """These sentences stand in the screen in front, over however many lines, or in a notice."""

    def shown() -> str:
        frames = dict.fromkeys(map(ord, "│▌▎▊"), " ")
        screen = chat.text.translate(frames)
        told = [note.message for note in chat.app._notifications]
        return " ".join(" ".join([screen, *told]).split())

    for sentence in sentences:
        await chat.until(lambda sentence=sentence: sentence in shown(), f"“{sentence}”")


def only(folder: Path) -> StoredSession:
    with Store(folder / NAME) as store:
        (info,) = sessions.listed(store)
        return sessions.load(store, info.id)


def texts(session: StoredSession) -> list[str]:
    return [message.content for message in session.branch()]


async def test_off_is_the_default_and_writes_nothing(chatting: Open, folder: Path) -> None:
    async with chatting(transcripts=folder) as chat:
        await chat.say("Nobody keeps this")
        await chat.press("ctrl+l")
        await chat.sees("log: off", MEANINGS["off"].sentence[:40], "none of this session yet")
        await chat.press("escape")
        await chat.press("ctrl+n")
        await chat.say("Nor this")
        await chat.press("f5", "f5")
        await chat.sees("Nothing is stored")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 20)])
async def test_the_state_is_in_the_header_in_words(
    chatting: Open, folder: Path, size: tuple[int, int]
) -> None:
    async with chatting(transcripts=folder, size=size) as chat:
        assert "log: off" in chat.lines[0]
        await chosen(chat, "down", "enter")
        await chat.until(lambda: "log: kept" in chat.lines[0], "kept")
        await chosen(chat, "down", "enter")
        await chat.until(lambda: "log: kept + training" in chat.lines[0], "training")
        await chat.press("ctrl+n")
        await chat.until(lambda: "log: off" in chat.lines[0], "a new session is off")


async def test_raising_takes_a_choice_and_enter_and_keeps_all_from_the_beginning(
    chatting: Open, folder: Path
) -> None:
    async with chatting(Reply(("A1",)), Reply(("A2",)), transcripts=folder) as chat:
        await chat.say("Q1")
        await chosen(chat, "enter")
        await chosen(chat, "down", "escape")
        assert list(folder.iterdir()) == []
        await chosen(chat, "down", "enter")
        assert texts(only(folder)) == ["Q1", "A1"]
        await chat.say("Q2")
        session = only(folder)
        assert texts(session) == ["Q1", "A1", "Q2", "A2"]
        turn = session.messages[-1].turn
        assert turn is not None
        assert (turn.weights.model, turn.window) == ("scripted", 2048)
    with Store(folder / NAME) as store:
        (entry,) = ledger.consents(store)
    assert entry.wording == MEANINGS["kept"].sentence


async def test_lowering_acts_at_once_and_the_dialog_says_what_it_does(
    chatting: Open, folder: Path
) -> None:
    async with chatting(transcripts=folder) as chat:
        await chosen(chat, "down", "down", "enter")
        await chat.say("secretword")
        await chat.press("ctrl+l")
        await reads(chat, "no later export holds this session.", "log: off → log: kept")
        await chat.press("up", "up", "enter")
        await chat.until(lambda: "log: off" in chat.lines[0], "off")
        with Store(folder / NAME) as store:
            assert sessions.count(store) == 0
        assert all(b"secretword" not in file.read_bytes() for file in folder.iterdir())
        await chat.press("ctrl+l")
        # The ledger goes on knowing what was.
        await chat.sees("log: kept + training → log: off")


async def test_a_store_that_cannot_be_opened_leaves_the_state_as_it_was(
    chatting: Open, folder: Path
) -> None:
    (folder / NAME).write_bytes(b"no database " * 200)
    async with chatting(transcripts=folder) as chat:
        await chat.press("ctrl+l")
        await chat.until(lambda: isinstance(chat.app.screen, ConsentDialog), "the dialog")
        await chat.pilot.pause()
        await chat.press("down", "enter")
        await chat.sees("is not an SQLite database", "It stays “log: off”.")
        await chat.press("escape")
        await chat.say("Still a chat")
        assert "log: off" in chat.lines[0]


async def test_no_folder_is_one_sentence(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.press("ctrl+l")
        await chat.until(lambda: isinstance(chat.app.screen, ConsentDialog), "the dialog")
        await chat.pilot.pause()
        await chat.press("down", "enter")
        await chat.sees("no folder to keep anything in")


async def test_trouble_is_said_and_the_turn_can_be_saved_elsewhere(
    chatting: Open, folder: Path, tmp_path: Path
) -> None:
    async with chatting(Reply(("First",)), Reply(("Second",)), transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        other = sqlite3.connect(folder / NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await chat.say("Q1 while it is locked")
        await chat.sees("log: kept NOT KEPT", "First", "^S save it elsewhere")
        await reads(chat, "is in use by another program", "on the screen; nothing of it is lost.")
        await chat.press("ctrl+s")
        await chat.until(lambda: isinstance(chat.app.screen, SaveDialog), "where to")
        await chat.pilot.pause()
        await chat.press("enter")
        await reads(chat, "Saved as")
        saved = tmp_path / "conversation.md"
        assert "Q1 while it is locked" in saved.read_text("utf-8")
        assert "First" in saved.read_text("utf-8")
        assert saved.stat().st_mode & 0o777 == 0o600
        other.execute("ROLLBACK")
        other.close()
        await chat.say("Q2")
        await chat.sees_not("NOT KEPT")
        assert texts(only(folder)) == ["Q1 while it is locked", "First", "Q2", "Second"]


async def test_off_that_cannot_delete_says_so(chatting: Open, folder: Path) -> None:
    async with chatting(transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        await chat.say("Q1")
        other = sqlite3.connect(folder / NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await chat.press("ctrl+l")
        await chat.until(lambda: isinstance(chat.app.screen, ConsentDialog), "the dialog")
        await chat.pilot.pause()
        await chat.press("up", "enter")
        await chat.sees("is not deleted yet")
        await chat.press("escape")
        await reads(chat, "log: off NOT DELETED YET", "“Off” tries to delete it again.")
        other.execute("ROLLBACK")
        other.close()
        await chat.say("Not kept")
        assert texts(only(folder)) == ["Q1", "ok"]
        # Asked for as "off" already, it can be asked for again, or taken back.
        await chosen(chat, "down", "enter")
        assert texts(only(folder)) == ["Q1", "ok", "Not kept", "ok"]


async def test_a_session_deleted_elsewhere_goes_on_here(chatting: Open, folder: Path) -> None:
    async with chatting(transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        await chat.say("Q1")
        with Store(folder / NAME) as store:
            sessions.delete(store, sessions.listed(store)[0].id)
        await chat.say("Q2")
        await reads(chat, "log: off NOT KEPT", "was deleted from the store", "Q2")


async def test_saving_works_when_nothing_is_kept(
    chatting: Open, folder: Path, tmp_path: Path
) -> None:
    async with chatting(Reply(("A [b]",)), transcripts=folder) as chat:
        await chat.press("ctrl+s")
        await reads(chat, "Nothing has been said")
        await chat.say("Q")
        for name in ("talk.json", "talk.html", "talk"):
            await chat.press("ctrl+s")
            await chat.until(lambda: isinstance(chat.app.screen, SaveDialog), "where to")
            await chat.pilot.pause()
            chat.app.screen.query_one("#path").value = str(tmp_path / name)  # type: ignore[attr-defined]
            await chat.press("enter")
            await chat.until(lambda: chat.app.screen is chat.screen, "saved")
        await chat.until(lambda: (tmp_path / "talk.md").exists(), "the file")
        await chat.until(lambda: (tmp_path / "talk.json").exists(), "the JSON")
        assert "A [b]" in (tmp_path / "talk.json").read_text("utf-8")
        assert list(folder.iterdir()) == []


async def test_a_save_that_fails_says_why(chatting: Open, folder: Path) -> None:
    async with chatting(transcripts=folder) as chat:
        await chat.say("Q")
        await chat.press("ctrl+s")
        await chat.until(lambda: isinstance(chat.app.screen, SaveDialog), "where to")
        await chat.pilot.pause()
        chat.app.screen.query_one("#path").value = "/nowhere/at/all.md"  # type: ignore[attr-defined]
        await chat.press("enter")
        await chat.sees("cannot be written")


async def test_another_branch_in_sight_is_stored(chatting: Open, folder: Path) -> None:
    async with chatting(Reply(("A1",)), Reply(("A2",)), transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        await chat.say("Q")
        await chat.press("ctrl+r")
        await chat.done()
        await chat.press("alt+left")
        await chat.until(lambda: texts(only(folder)) == ["Q", "A1"], "the first answer")


async def marking(chat: Chat, key: str, *reason: str) -> None:
    chat.screen.session.pane.focus()
    await chat.press(key)
    await chat.until(lambda: isinstance(chat.app.screen, AskDialog), "the reason")
    await chat.pilot.pause()
    await chat.press(*reason, "enter")
    await chat.until(lambda: chat.app.screen is chat.screen, "the chat")


async def test_marks_are_stored_shown_and_taken_back(chatting: Open, folder: Path) -> None:
    async with chatting(Reply(("Paris.",)), transcripts=folder) as chat:
        await chosen(chat, "down", "down", "enter")
        await chat.say("Q")
        await marking(chat, "plus", *"short")
        await reads(chat, "(marked good)", words.EXAMPLE)
        with Store(folder / NAME) as store:
            (example,) = marks.examples(store)
        assert (example.kind, example.chosen, example.reason) == ("liked", "Paris.", "short")
        await marking(chat, "minus")
        await chat.sees("(marked bad)")
        await chat.press("minus")
        await chat.sees("The mark was taken back.")
        await chat.sees_not("(marked bad)")
        with Store(folder / NAME) as store:
            assert list(marks.examples(store)) == []


async def test_only_complete_replies_of_kept_sessions_are_marked(
    chatting: Open, folder: Path
) -> None:
    cut = Reply(("Once",), reason="length")
    async with chatting(Reply(("A",)), cut, transcripts=folder) as chat:
        chat.screen.action_mark_good()
        await reads(chat, "no reply to mark yet")
        await chat.say("Q")
        chat.screen.action_mark_bad()
        await reads(
            chat, "Only replies of a session that is kept can be marked. ^L keeps this one."
        )
        await chosen(chat, "down", "enter")
        await chat.say("Tell me")
        chat.screen.action_mark_good()
        await reads(chat, "Only a complete reply can be an example")


async def test_a_correction_is_kept_as_an_example(chatting: Open, folder: Path) -> None:
    wrong = Reply(("The capital of Turkey is Istanbul.",))
    async with chatting(wrong, transcripts=folder) as chat:
        await chosen(chat, "down", "down", "enter")
        await chat.say("What is the capital of Turkey?")
        await chat.press("ctrl+k")
        await chat.until(lambda: isinstance(chat.app.screen, CorrectDialog), "the dialog")
        await chat.pilot.pause()
        await chat.press(*"Ankara", "ctrl+s")
        await chat.done()
        await reads(chat, words.EXAMPLE)
        with Store(folder / NAME) as store:
            (example,) = marks.examples(store)
        assert example.chosen == "The capital of Turkey is Ankara."


async def test_quitting_in_the_middle_of_a_reply_loses_none_of_it(
    chatting: Open, folder: Path
) -> None:
    gate = asyncio.Semaphore(2)
    async with chatting(Reply(("Once", " upon", " a time"), each=gate), transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        await chat.send("Tell me")
        await chat.until(lambda: chat.nodes[-1].content == "Once upon", "two words")
    broken = only(folder).messages[-1]
    assert (broken.content, broken.status) == ("Once upon", "stopped")


async def test_a_crash_shows_nothing_that_was_said(chatting: Open) -> None:
    from chatapp.tui.app import crash

    def fail(said: str) -> None:
        raise ValueError(f"not {said}")

    try:
        fail("".join(["secret", "word"]))
    except ValueError as error:
        shown = crash(error)
    assert "in fail" in shown
    assert "ValueError" in shown
    assert "secret" + "word" not in shown


@pytest.mark.parametrize("ending", [True, False])
async def test_only_while_it_ends_may_a_screen_lack_its_widgets(
    chatting: Open, ending: bool
) -> None:
    async def opened_as_it_ends() -> None:
        async with chatting() as chat:
            if ending:  # as Textual does before widgets go
                chat.app._running = False
            try:
                chat.screen.query_one("#not-there")
            except NoMatches as error:
                chat.app._handle_exception(error)

    with contextlib.nullcontext() if ending else pytest.raises(NoMatches):
        await opened_as_it_ends()


async def test_an_app_that_crashes_prints_no_values(
    chatting: Open, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "".join(["secret", "word"])
    with pytest.raises(ZeroDivisionError):
        async with chatting(Reply((f"Hello {said}",))) as chat:
            await chat.say(f"A {said}")

            def broken() -> None:
                draft = chat.nodes[0].content
                raise ZeroDivisionError(draft)

            monkeypatch.setattr(chat.screen, "refresh_header", broken)
            await chat.until(lambda: chat.app._exception is not None, "the crash")
    shown = capsys.readouterr()
    assert "ZeroDivisionError" in shown.err
    assert "chatapp ended because of an error of its own" in shown.err
    assert said not in shown.err + shown.out


async def test_while_the_store_is_waited_for_the_screen_says_so(
    chatting: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting(transcripts=folder) as chat:
        await chosen(chat, "down", "enter")
        monkeypatch.setattr("chatapp.archive.store._WAIT", 2.0)
        chat.screen.archive._store = None
        other = sqlite3.connect(folder / NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await chat.write("Wait for it")
        await chat.press("enter")
        await reads(chat, "then storing your message, then sending")
        other.execute("ROLLBACK")
        other.close()
        await chat.until(lambda: not chat.screen.session.busy, "the answer")
