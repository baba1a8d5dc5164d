"""Writing: several lines, pastes, drafts that survive."""

from __future__ import annotations

import asyncio

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from chatapp.tui.widgets.composer import Draft
from tests.scripted import Reply
from tests.tui.conftest import Chat, Open


async def paste(chat: Chat, text: str) -> None:
    chat.screen.composer.post_message(events.Paste(text))
    await chat.pilot.pause()


@pytest.mark.parametrize("key", ["ctrl+j", "alt+enter", "shift+enter"])
async def test_keys_that_break_the_line_do_not_send(chatting: Open, key: str) -> None:
    async with chatting() as chat:
        await chat.press("a", key, "b")
        assert chat.draft == "a\nb"
        await chat.press("enter")
        await chat.done()
        assert chat.nodes[0].content == "a\nb"


@pytest.mark.parametrize(
    ("bytes_", "key"),
    [("\x1b\r", "alt+enter"), ("\n", "ctrl+j"), ("\x1b[13;2u", "shift+enter"), ("\r", "enter")],
)
def test_what_terminals_send_for_these_keys(bytes_: str, key: str) -> None:
    parser = XTermParser(False)
    found = [event for event in parser.feed(bytes_) if isinstance(event, events.Key)]
    assert [event.key for event in found] == [key]


async def test_enter_does_not_overtake_letters_typed_just_before(chatting: Open) -> None:
    async with chatting() as chat:
        # As from a fast typist on a busy machine: all in the queue before any is handled.
        for letter in "hello":
            chat.app.post_message(events.Key(letter, letter))
        chat.app.post_message(events.Key("enter", "\r"))
        await chat.until(lambda: bool(chat.nodes), "the message")
        await chat.done()
        assert chat.nodes[0].content == "hello"
        assert chat.draft == ""


async def test_a_paste_never_sends(chatting: Open) -> None:
    async with chatting() as chat:
        await paste(chat, "one\r\ntwo\rthree\n")
        assert chat.draft == "one\ntwo\nthree\n"
        assert not chat.engine.requests


async def test_pasted_escape_sequences_are_harmless_and_visible(chatting: Open) -> None:
    async with chatting() as chat:
        await paste(chat, "a\x1b]52;c;ZXZpbA==\x07b")
        assert chat.draft == "a␛]52;c;ZXZpbA==␇b"


async def test_a_megabyte_is_pasted_and_sent_whole(chatting: Open) -> None:
    text = ("0123456789abcde\n" * 65_536)[: (1 << 20) - 1]
    async with chatting() as chat:
        chat.screen.composer.post_message(events.Paste(text))
        await chat.until(lambda: chat.screen.composer.attached)
        assert chat.draft == ""
        await chat.sees("pasted text · 1,048,575 characters")
        await chat.press("x")
        whole = f"Pasted text:\n```\n{text}\n```\n\nx"
        assert chat.screen.composer.draft.full == whole
        chat.talk.counter._engine.window = 10**7  # type: ignore[attr-defined]
        chat.engine.info = None
        await chat.press("enter")
        await chat.until(lambda: chat.engine.requests, "the request")
        await chat.done()
        assert chat.engine.requests[0].messages[0].content == whole
        await chat.sees("▸ pasted text · 1,048,575 characters")


async def test_the_input_grows_to_eight_lines(chatting: Open) -> None:
    async with chatting() as chat:
        composer = chat.screen.composer
        assert composer.size.height == 1
        await chat.write("\n".join("abc"))
        assert composer.size.height == 3
        await chat.write("\n" * 20)
        assert composer.size.height == 8


async def test_blank_lines_are_no_message(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.write(" \n ")
        await chat.press("enter")
        await chat.pilot.pause()
        assert not chat.engine.requests
        assert chat.nodes == []


async def test_one_can_write_while_the_model_answers(chatting: Open) -> None:
    each = asyncio.Semaphore(1)
    async with chatting(Reply(("a ", "b"), each=each)) as chat:
        await chat.send("hello")
        await chat.press("n", "e", "x", "t")
        assert chat.draft == "next"
        # The meter counts the draft and the growing reply at once.
        await chat.sees("draft 1")
        each.release()
        await chat.done()
        assert chat.draft == "next"


def test_drafts_join_without_loss() -> None:
    first, second = Draft("a [paste 1: x]", {"[paste 1: x]": "AAA"}), Draft("b")
    assert second.after(first).full == "a AAA\n\nb"
    assert Draft().after(first).full == "a AAA"
    assert second.after(Draft()).full == "b"


def test_a_mark_inside_a_paste_is_text() -> None:
    draft = Draft("[1][2]", {"[1]": "see [2]", "[2]": "two"})
    assert draft.full == "see [2]two"


def test_a_long_message_is_edited_as_a_mark() -> None:
    text = "x" * 20_000
    draft = Draft.of(text)
    assert draft.text == "[message: 20,000 characters]"
    assert draft.full == text
