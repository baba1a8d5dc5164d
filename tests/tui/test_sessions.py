"""Sessions: each its own transcript and draft, nothing passes from one to another."""

from __future__ import annotations

import asyncio

from tests.scripted import Reply
from tests.tui.conftest import Open


async def test_a_new_session_sends_nothing_of_the_old_one(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("the secret is 42")
        await chat.press("ctrl+n")
        await chat.sees("session 2 of 2", "2 messages (", "were left behind")
        await chat.say("what is the secret")
        contents = [message.content for message in chat.engine.requests[-1].messages]
        assert contents == ["what is the secret"]


async def test_the_tokens_left_behind_are_those_of_the_messages(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("one two three")
        prompt = await chat.talk.counter.prompt(chat.talk.messages())
        assert prompt is not None
        said = prompt.tokens_of(0) + prompt.tokens_of(1)
        await chat.press("ctrl+n")
        await chat.sees(f"2 messages ({said} tokens) were left behind")


async def test_the_old_session_stays_open_with_its_draft(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("hello")
        await chat.write("draft one")
        await chat.press("ctrl+n")
        await chat.sees("session 2 of 2")
        assert chat.draft == ""
        await chat.write("draft two")
        await chat.press("ctrl+pageup")
        await chat.sees("session 1 of 2", "hello")
        assert chat.draft == "draft one"
        await chat.press("ctrl+pagedown")
        await chat.sees("session 2 of 2")
        assert chat.draft == "draft two"


async def test_a_reply_goes_on_in_a_session_that_is_out_of_sight(chatting: Open) -> None:
    go = asyncio.Event()
    async with chatting(Reply(("far ", "away"), go=go)) as chat:
        await chat.send("hello")
        first = chat.screen.session
        await chat.press("ctrl+n")
        await chat.write("me too")
        await chat.press("enter")
        await chat.sees("another session is being answered")
        assert len(chat.engine.requests) == 1
        go.set()
        await chat.until(lambda: not first.busy, "the first reply")
        await chat.done()
        assert first.conversation is not None
        assert first.conversation.nodes[-1].content == "far away"
        assert [node.content for node in chat.nodes] == ["me too", "ok"]
        await chat.press("ctrl+pageup")
        await chat.sees("far away")


async def test_the_session_list_goes_there(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("alpha [b]")
        await chat.press("ctrl+n", "f5")
        await chat.sees("alpha [b]", "you are here")
        await chat.press("1")
        await chat.sees("session 1 of 2")


async def test_new_by_mouse(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.pilot.click("Header", offset=(chat.app.size.width - 4, 0))
        await chat.sees("session 2 of 2")


async def test_the_total_starts_at_nothing(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("hello")
        await chat.press("ctrl+n")
        await chat.sees("sent since the start: nothing")
