"""Attaching on the screen: what each part costs before it is sent, and what stands there after."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from chatapp.context.parts import Part, write
from chatapp.tui.dialogs.attach import FileDialog
from chatapp.tui.request import rows
from chatapp.tui.widgets.composer import Draft
from tests.scripted import Reply
from tests.tui.conftest import Chat, Open


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    path = tmp_path / "pets.md"
    path.write_text("The dog is [bold]Biscuit[/bold].\n")
    return path


TEXT = "File pets.md:\n```\nThe dog is [bold]Biscuit[/bold].\n```\n\nWhy?"


async def attach(chat: Chat, path: Path) -> None:
    await chat.write(f"/attach {path}")
    await chat.press("enter")
    await chat.until(lambda: chat.screen.composer.attached, "the chip")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_file_is_shown_with_its_cost_before_it_is_sent_and_after(
    chatting: Open, pets: Path, size: tuple[int, int]
) -> None:
    async with chatting(size=size) as chat:
        await attach(chat, pets)
        assert chat.draft == ""
        assert not chat.engine.requests
        await chat.write("Why?")
        await chat.sees("[×] pets.md · 32 characters · costs", "every later turn")
        await chat.press("enter")
        await chat.done()
        assert chat.engine.requests[0].messages[0].content == TEXT
        assert chat.screen.composer.attached == ()
        await chat.sees_not("[×]")
        (tokens,) = chat.nodes[0].part_tokens or ()
        await chat.sees(f"▸ pets.md · 32 characters · costs {tokens} tokens", "Why?")
        await chat.sees_not("The dog is [bold]") if size[0] == 80 else None
        assert chat.talk.title == "Why?"


async def test_what_was_attached_can_be_unfolded(chatting: Open, pets: Path) -> None:
    async with chatting(size=(80, 24)) as chat:
        await attach(chat, pets)
        await chat.press("enter")
        await chat.done()
        await chat.sees("▸ pets.md")
        await chat.screen.run_action("screen.unfold")
        await chat.sees("The dog is [bold]Biscuit[/bold].")
        await chat.screen.run_action("screen.unfold")
        await chat.sees_not("The dog is")


async def test_the_request_shows_the_file_as_a_part(chatting: Open, pets: Path) -> None:
    async with chatting(Reply(("ok",)), Reply(("ok",))) as chat:
        await attach(chat, pets)
        await chat.write("Why?")
        await chat.press("enter")
        await chat.done()
        await chat.say("And?")
        request = chat.screen.context_view.shown
        assert request is not None
        (row,) = [row for row in rows(request, "prompt", 60) if row.owner == "file"]
        assert (row.tokens, row.new) == (chat.nodes[0].part_tokens[0], False)  # type: ignore[index]
        await chat.sees(f"{row.tokens} tokens · again")


async def test_an_attachment_can_be_taken_off(chatting: Open, pets: Path) -> None:
    async with chatting() as chat:
        await attach(chat, pets)
        chat.screen.composer.attached = (*chat.screen.composer.attached, Part("paste", "x"))
        await chat.sees("pasted text")
        line = next(n for n, text in enumerate(chat.lines) if "[×] pets.md" in text)
        at = chat.lines[line].index("[×]")
        await chat.pilot.click(offset=(at + 1, line))
        await chat.until(lambda: [p.kind for p in chat.screen.composer.attached] == ["paste"])
        await chat.screen.run_action("screen.detach")
        await chat.sees_not("[×]")
        assert not chat.screen.composer.written


async def test_the_dialog_takes_a_path(chatting: Open, pets: Path) -> None:
    async with chatting(size=(80, 24)) as chat:
        await chat.write("/attach")
        await chat.press("enter")
        await chat.until(lambda: isinstance(chat.app.screen, FileDialog), "the dialog")
        await chat.pilot.pause()
        chat.app.screen.query_one(Input).value = str(pets)
        await chat.press("enter")
        await chat.sees("[×] pets.md")


async def test_what_cannot_be_attached_is_said_and_nothing_is_lost(
    chatting: Open, tmp_path: Path
) -> None:
    async with chatting() as chat:
        await chat.write(f"/attach {tmp_path}")
        await chat.press("enter")
        await chat.sees("is a folder")
        assert chat.screen.composer.attached == ()
        assert chat.draft == f"/attach {tmp_path}"


@pytest.mark.parametrize("path", ["~nobody-is-called-so/x", "a\x00b", "''", "none.md"])
async def test_odd_paths_are_said_and_end_nothing(chatting: Open, path: str) -> None:
    async with chatting(size=(80, 24)) as chat:
        chat.screen.composer.load_text(f"/attach {path}")
        await chat.press("enter")
        await chat.until(
            lambda: (
                "cannot be read" in chat.text or "There is no" in chat.text or "folder" in chat.text
            )
        )
        chat.screen.composer.load_text("")  # what was typed came back
        await chat.say("hello")


async def test_a_path_in_quotes(chatting: Open, tmp_path: Path) -> None:
    (tmp_path / "two words.md").write_text("x")
    async with chatting() as chat:
        await attach(chat, Path(f"'{tmp_path / 'two words.md'}'"))
        await chat.sees("two words.md · 1 character")


async def test_other_text_with_a_slash_is_a_message(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("/etc/hosts is a file")
        await chat.say(" /attach x")
        await chat.say("/notes are useful, why?")
        assert [request.messages[-1].content for request in chat.engine.requests] == [
            "/etc/hosts is a file",
            " /attach x",
            "/notes are useful, why?",
        ]


async def test_an_edit_has_its_attachments_again(chatting: Open, pets: Path) -> None:
    async with chatting() as chat:
        await attach(chat, pets)
        await chat.write("Why?")
        await chat.press("enter")
        await chat.done()
        await chat.press("ctrl+e")
        await chat.sees("[×] pets.md")
        assert chat.draft == "Why?"
        await chat.press("escape")
        await chat.sees_not("[×]")


async def test_each_session_has_its_own_attachments(chatting: Open, pets: Path) -> None:
    async with chatting() as chat:
        await attach(chat, pets)
        await chat.press("ctrl+n")
        await chat.sees_not("[×]")
        await chat.press("ctrl+pageup")
        await chat.sees("[×] pets.md")


async def test_a_message_that_could_not_be_sent_comes_back_with_its_attachments(
    chatting: Open, pets: Path
) -> None:
    from tests.scripted import ScriptedEngine

    async with chatting(engine=ScriptedEngine(window=16)) as chat:
        await attach(chat, pets)
        await chat.sees("too many")
        await chat.press("enter")
        await chat.sees("28 tokens too many", "nothing is lost")
        await chat.press("escape")
        await chat.done()
        assert not chat.engine.requests
        await chat.sees("[×] pets.md")


def test_a_draft_is_its_message_again() -> None:
    for text in (TEXT, "plain", write([Part("paste", "a" * 9000)], "b" * 9000)):
        assert Draft.of(text).full == text
    both = Draft("b", {}, (Part("paste", "2"),)).after(Draft("a", {}, (Part("paste", "1"),)))
    assert (both.text, [part.text for part in both.attached]) == ("a\n\nb", ["1", "2"])
