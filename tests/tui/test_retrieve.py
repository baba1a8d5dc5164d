"""Passages with every message: shown before they go, one Enter, never silent, off at first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.widgets import Static

from chatapp.context.parts import parts_of
from chatapp.tui.dialogs.attach import FileDialog
from tests.scripted import Reply
from tests.tui.conftest import Chat, Open


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "pets.md").write_text("The dog of the [b]house[/b] is called Biscuit.\n")
    (folder / "house.md").write_text("The house has a dog door.\n")
    return folder


async def switch_on(chat: Chat, folder: Path) -> None:
    await chat.write(f"/retrieve {folder}")
    await chat.press("enter")
    await chat.sees("Retrieve: docs, up to 4 passages a question")


async def ask(chat: Chat, text: str) -> None:
    """Enter, once: the passages are shown."""
    await chat.write(text)
    await chat.press("enter")
    await chat.until(lambda: offered(chat), "passages")
    await chat.sees("Enter sends")


def offered(chat: Chat) -> bool:
    state = chat.screen.session.retrieving
    return state is not None and state.question is not None


def line(chat: Chat) -> str:
    return str(chat.screen.query_one("#retrieve", Static).render())


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_each_message_goes_with_passages_that_were_shown(
    chatting: Open, docs: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with chatting(size=size, cache=tmp_path / "cache") as chat:
        assert not chat.screen.query_one("#retrieve").display
        await switch_on(chat, docs)
        assert chat.draft == ""
        await ask(chat, "What is the dog called?")
        await chat.sees(
            "[×] [1] pets.md, line 1", "[×] [2] house.md, line 1", "tokens on this and every"
        )
        await chat.until(lambda: "2 passages" in line(chat) and "token" in line(chat), "the cost")
        assert not chat.engine.requests
        assert chat.draft == "What is the dog called?"
        await chat.press("enter")
        await chat.done()
        [request] = chat.engine.requests
        content = request.messages[0].content
        assert [one.part.name for one in parts_of("user", content)] == ["pets.md", "house.md"]
        assert content.endswith("What is the dog called?")
        assert chat.screen.composer.attached == ()
        # The next message is searched for by its own words.
        await chat.sees("up to 4 passages a question")
        await ask(chat, "Is there a door?")
        await chat.press("enter")
        await chat.done()
        last = chat.engine.requests[1].messages[-1].content
        assert [one.part.name for one in parts_of("user", last)] == ["house.md"]


async def test_the_cost_shown_is_that_of_the_passages(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await switch_on(chat, docs)
        await ask(chat, "What is the dog called?")
        await chat.until(lambda: "token" in line(chat), "the cost")
        shown = line(chat)
        await chat.press("enter")
        await chat.done()
        tokens = sum(chat.nodes[0].part_tokens or ())
        assert tokens > 0
        assert f"2 passages, {tokens} tokens" in shown


async def test_esc_sends_nothing_and_keeps_the_draft(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await switch_on(chat, docs)
        await ask(chat, "What is the dog called?")
        await chat.press("escape")
        await chat.sees("up to 4 passages a question · nothing was sent")
        assert chat.draft == "What is the dog called?"
        assert chat.screen.composer.attached == ()
        assert chat.screen.session.retrieving is not None
        await chat.sees("up to 4 passages a question")
        await chat.press("enter")
        await chat.until(lambda: offered(chat), "they are found again")
        assert not chat.engine.requests


async def test_a_passage_can_be_taken_off_and_changed_words_are_searched_for_anew(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await switch_on(chat, docs)
        await ask(chat, "What is the dog called?")
        await chat.write(" And the door?")
        await chat.sees("your words have changed")
        await chat.press("enter")
        await chat.sees("Enter sends")
        assert not chat.engine.requests
        chat.screen.action_detach(0)
        await chat.until(lambda: len(chat.screen.composer.attached) == 1, "one is off")
        [left] = chat.screen.composer.attached
        await chat.press("enter")
        await chat.done()
        [sent] = parts_of("user", chat.engine.requests[0].messages[0].content)
        assert sent.part == left


async def test_nothing_found_is_said_and_the_message_goes_alone(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await switch_on(chat, docs)
        await chat.write("Zebras?")
        await chat.press("enter")
        await chat.until(lambda: len(chat.nodes) == 2, "the answer")
        await chat.sees("up to 4 passages a question · nothing found: sent alone")
        await chat.done()
        assert [m.content for m in chat.engine.requests[0].messages] == ["Zebras?"]


async def test_a_folder_that_vanished_keeps_the_message(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await switch_on(chat, docs)
        shutil.rmtree(docs)
        await chat.write("What is the dog called?")
        await chat.press("enter")
        await chat.sees("is not a folder that can be read", "/retrieve off")
        assert chat.draft == "What is the dog called?"
        assert not chat.engine.requests
        chat.screen.composer.draft = type(chat.screen.composer.draft)()
        await chat.write("/retrieve off")
        await chat.press("enter")
        await chat.sees("Retrieve is off: messages go without passages")
        await chat.say("What is the dog called?")
        assert len(chat.engine.requests) == 1
        assert not chat.screen.query_one("#retrieve").display


async def test_off_in_a_new_session_which_says_so_and_switched_on_by_one_word(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(Reply(("x",)), cache=tmp_path / "cache") as chat:
        await switch_on(chat, docs)
        await chat.press("ctrl+n")
        await chat.sees("Retrieve is off here")
        assert not chat.screen.query_one("#retrieve").display
        await chat.say("What is the dog called?")
        assert chat.engine.requests[0].messages[-1].content == "What is the dog called?"
        await chat.write("/retrieve")
        await chat.press("enter")
        await chat.sees("Retrieve: docs, up to 4")
        await chat.press("ctrl+pageup")
        await chat.until(lambda: chat.screen.current == 0, "the first session")
        assert chat.screen.session.retrieving is not None


async def test_the_palette_asks_for_a_folder(chatting: Open, docs: Path, tmp_path: Path) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await chat.screen.run_action("screen.retrieve")
        await chat.until(lambda: isinstance(chat.app.screen, FileDialog), "the choice of a folder")
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
        assert chat.screen.session.retrieving is None


async def test_what_is_no_folder_is_said_and_stays_written(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    async with chatting(cache=tmp_path / "cache") as chat:
        await chat.write(f"/retrieve {docs / 'none'}")
        await chat.press("enter")
        await chat.sees("is not a folder")
        assert chat.draft == f"/retrieve {docs / 'none'}"
        assert chat.screen.session.retrieving is None


async def test_passages_that_were_taken_by_hand_stand_in_place_of_a_search(
    chatting: Open, docs: Path, tmp_path: Path
) -> None:
    from chatapp.context.parts import Part

    async with chatting(cache=tmp_path / "cache") as chat:
        await switch_on(chat, docs)
        mine = Part("passage", "A text.", "own.md", 1, "line 1")
        chat.screen.add_parts(chat.screen.session, (mine,))
        await chat.say("What is the dog called?")
        [sent] = parts_of("user", chat.engine.requests[0].messages[0].content)
        assert sent.part == mine
