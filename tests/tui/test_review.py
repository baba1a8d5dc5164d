"""The review screen, on a real store: before and after, and a decision for each example."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from chatapp.archive import marks
from chatapp.archive.records import StoredTurn, Weights
from chatapp.archive.store import NAME, Store
from chatapp.archive.writing import NewMessage, Writer
from chatapp.keeping.archive import Archive
from chatapp.keeping.reviewing import Reviewing
from chatapp.tui.screens.review import ReviewScreen
from tests.scripted import Reply
from tests.tui.conftest import Open

SESSION = "a" * 16


@pytest.fixture
def marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a correction that holds an address, and a reply that was marked good later."""
    times = (f"2026-01-01T00:00:0{second}.000Z" for second in count())
    monkeypatch.setattr(marks, "now", lambda: next(times))
    with Store(tmp_path / NAME) as store:
        writer = Writer(store, SESSION)
        writer.begin("training", title="Turkey", system="", model="small")
        turn = StoredTurn(number=1, weights=Weights(model="small"))
        ids = writer.add(
            [
                NewMessage(role="user", content="The capital? [b]Mail[/] anna@example.org"),
                NewMessage(parent=-1, role="assistant", content="It is Istanbul.", turn=turn),
            ]
        )
        marks.correct(store, SESSION, ids[1], chosen="It is Ankara.", wrong="Istanbul")
        marks.mark(store, SESSION, ids[1], "liked")
    return tmp_path


@asynccontextmanager
async def opened(folder: Path, size: tuple[int, int] = (100, 30)) -> AsyncIterator[Pilot[None]]:
    archive = Archive(folder)
    app = App[None]()
    async with app.run_test(size=size) as pilot:
        await app.push_screen(ReviewScreen(Reviewing(archive)))
        await settled(pilot)
        yield pilot
    await archive.close()


async def settled(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete(
        [one for one in pilot.app.workers if one.name == "review"]
    )
    await pilot.pause()


def text(pilot: Pilot[None], name: str) -> str:
    return str(pilot.app.screen.query_one(name, Static).visual)


async def test_each_example_is_shown_before_and_after_and_decided(marked: Path) -> None:
    async with opened(marked) as pilot:
        assert text(pilot, "#case").startswith("1 of 2 · a correction")
        shown = text(pilot, "#lines")
        assert "- The capital? [b]Mail[/] anna@example.org" in shown
        assert "+ The capital? [b]Mail[/] [EMAIL 1]" in shown
        assert "datafog/EMAIL" in shown
        await pilot.press("a")
        await settled(pilot)
        assert text(pilot, "#case").startswith("2 of 2 · a reply marked good")
        await pilot.press("s")
        await settled(pilot)
        assert "approved: 1" in text(pilot, "#says")
        assert "skipped: 1" in text(pilot, "#says")
    with Store(marked / NAME) as store:
        rows = store._db.execute("SELECT decision FROM reviews ORDER BY decision").fetchall()
    assert rows == [("approved",), ("skipped",)]


async def test_what_is_edited_is_kept_and_nonsense_is_not(marked: Path) -> None:
    async with opened(marked) as pilot:
        await pilot.press("e")
        await pilot.pause()
        chosen = pilot.app.screen.query_one("#chosen", TextArea)
        assert chosen.has_focus
        chosen.text = "   "
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "must not be empty" in str(pilot.app.screen.query_one(".status", Static).visual)
        chosen.text = "The capital is Ankara."
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert "edited: 1" in text(pilot, "#says")
    with Store(marked / NAME) as store:
        (content,) = store._db.execute("SELECT content FROM reviews").fetchone()
    assert "The capital is Ankara." in content


async def test_without_anything_marked_it_says_how(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        assert "Nothing to review" in text(pilot, "#lines")
        await pilot.press("a", "s", "e", "n")
        await settled(pilot)


async def test_a_store_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"nothing of the kind " * 99)
    async with opened(tmp_path) as pilot:
        assert "damaged" in text(pilot, "#says")


@pytest.mark.parametrize("size", [(40, 12), (80, 24)])
async def test_it_fits_small_terminals(marked: Path, size: tuple[int, int]) -> None:
    async with opened(marked, size) as pilot:
        assert "correction" in text(pilot, "#case")
        await pilot.press("e")
        await pilot.pause()
        await pilot.press("escape")
        await settled(pilot)


async def test_the_chat_opens_the_review(chatting: Open, tmp_path: Path) -> None:
    folder = tmp_path / "transcripts"
    folder.mkdir()
    async with chatting(Reply(("Good answer.",)), transcripts=folder) as chat:
        chat.screen.action_review()
        await chat.sees("Nothing is stored, so nothing can leave")
        await chat.say("Question")
        assert chat.screen.session.keeper is not None
        await chat.screen.session.keeper.set_state("training")
        await chat.screen.session.keeper.mark(chat.nodes[1], "liked")
        chat.screen.action_review()
        await chat.until(lambda: isinstance(chat.app.screen, ReviewScreen), "the review")
        await chat.sees("a reply marked good", "Good answer.")
        await chat.press("a")
        await chat.sees("approved: 1")
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")


async def test_a_marked_reply_is_called_what_it_is(marked: Path) -> None:
    async with opened(marked) as pilot:
        assert "right answer" in text(pilot, "#lines")
        await pilot.press("n")
        await settled(pilot)
        shown = text(pilot, "#lines")
        assert "the reply, which you marked good" in shown
        assert "right answer" not in shown
        await pilot.press("e")
        await pilot.pause()
        areas = [area.id for area in pilot.app.screen.query(TextArea)]
        assert areas == ["prompt-0", "chosen", "reason"]
