"""Passages on the screen: shown and ticked before they are pasted, pointed to, and left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from chatapp.context.parts import parts_of
from chatapp.tui.dialogs.attach import FileDialog
from chatapp.tui.dialogs.passages import PassagesDialog
from tests.scripted import Reply
from tests.tui.conftest import Chat, Open


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "pets.md").write_text("The dog of the [b]house[/b] is called Biscuit.\n")
    (folder / "house.md").write_text("The house has a dog door.\n")
    return folder


async def search(chat: Chat, docs: Path) -> None:
    await chat.write("/search What is the dog called?")
    await chat.press("enter")
    await chat.until(lambda: isinstance(chat.app.screen, FileDialog), "the choice of a folder")
    await chat.pilot.pause()
    chat.app.screen.query_one(Input).value = str(docs)
    await chat.press("enter")
    await chat.until(lambda: isinstance(chat.app.screen, PassagesDialog), "the passages")
    await chat.pilot.pause()


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_from_the_question_to_the_pointer(
    chatting: Open, docs: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    replies = Reply(("Biscuit [1], and [7].",)), Reply(("No idea.",))
    async with chatting(*replies, size=size, cache=tmp_path / "cache") as chat:
        await search(chat, docs)
        await chat.sees(
            "[x] pets.md, line 1 · score", "[b]house[/b]", "[x] house.md", "not learning"
        )
        assert not chat.engine.requests
        await chat.press("enter")
        await chat.sees("[×] [1] pets.md, line 1", "[×] [2] house.md")
        assert chat.draft == "What is the dog called?"
        assert not chat.engine.requests
        await chat.press("enter")
        await chat.done()
        content = chat.engine.requests[0].messages[0].content
        assert [one.part.number for one in parts_of("user", content)] == [1, 2]
        assert content.endswith("like this: [1].\n\nWhat is the dog called?")
        await chat.sees("points to [1] pets.md, line 1", "▸ [1] pets.md, line 1")
        assert "points to [7]" not in chat.text
        assert "points to [2]" not in chat.text
        line = next(n for n, text in enumerate(chat.lines) if "points to [1]" in text)
        await chat.pilot.click(offset=(chat.lines[line].index("pets.md"), line))
        await chat.until(lambda: chat.screen.session.pane.selected is chat.nodes[0])
        await chat.until(lambda: chat.screen.session.pane.view_of(chat.nodes[0]).unfolded)  # type: ignore[union-attr]
        await chat.press("ctrl+n")
        await chat.sees("2 attachments and passages", "not learning")
        await chat.say("What is the dog called?")
        assert chat.engine.requests[1].messages[-1].content == "What is the dog called?"


async def test_a_passage_can_be_unticked(chatting: Open, docs: Path, tmp_path: Path) -> None:
    async with chatting(Reply(("x",)), cache=tmp_path / "cache") as chat:
        await search(chat, docs)
        await chat.press("space")
        await chat.sees("[ ] pets.md", "[x] house.md")
        await chat.press("enter")
        await chat.sees("[×] [1] house.md")
        assert len(chat.screen.composer.attached) == 1
        await chat.press("enter")
        await chat.done()
        await chat.sees("points to none of its 1 passage")


async def test_leaving_pastes_nothing_and_keeps_the_question(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await search(chat, docs)
        await chat.press("space", "down", "space", "enter")
        await chat.sees("Nothing is ticked")
        await chat.press("escape")
        await chat.until(lambda: chat.draft == "What is the dog called?", "the question")
        assert chat.screen.composer.attached == ()


async def test_the_folder_is_asked_for_once_and_can_be_another(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await search(chat, docs)
        await chat.press("escape")
        await chat.until(lambda: chat.draft, "the question")
        await chat.screen.run_action("screen.search")
        await chat.until(lambda: isinstance(chat.app.screen, PassagesDialog), "the passages")
        await chat.pilot.pause()
        await chat.press("ctrl+o")
        await chat.until(lambda: isinstance(chat.app.screen, FileDialog), "another folder")
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")


async def test_what_is_no_folder_is_said(chatting: Open, docs: Path, tmp_path: Path) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await chat.write("/search dog")
        await chat.press("enter")
        await chat.until(lambda: isinstance(chat.app.screen, FileDialog), "the choice of a folder")
        await chat.pilot.pause()
        chat.app.screen.query_one(Input).value = str(docs / "none")
        await chat.press("enter")
        await chat.sees("is not a folder")
        assert chat.draft == "dog"
