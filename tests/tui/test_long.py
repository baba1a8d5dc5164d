"""Long conversations: only their end is on the screen until more is asked for."""

from __future__ import annotations

import itertools

import pytest

from chatapp.context.messages import Message
from chatapp.conversation import Node
from chatapp.engine.protocol import Generate
from chatapp.tui.request import Request
from chatapp.tui.widgets import context_view
from chatapp.tui.widgets.context_view import _Rows
from chatapp.tui.widgets.message import MessageView
from tests.scripted import ScriptedEngine
from tests.tui.conftest import Chat, Open


async def fill(chat: Chat, turns: int) -> None:
    """As if this many turns had been taken."""
    at: Node = chat.talk.root
    for number in range(turns):
        at = at.add("user", f"question {number}")
        at = at.add("assistant", f"answer {number}")
    await chat.screen.session.pane.sync()
    await chat.pilot.pause()


def views(chat: Chat) -> int:
    return len(chat.screen.query(MessageView))


async def test_of_a_thousand_turns_the_end_is_on_the_screen(chatting: Open) -> None:
    async with chatting(engine=ScriptedEngine(window=10**6)) as chat:
        await fill(chat, 1000)
        assert views(chat) == 24
        await chat.sees("answer 999")
        await chat.say("one more")
        assert len(chat.engine.requests[-1].messages) == 2001
        assert views(chat) == 26


async def test_earlier_messages_come_when_asked_for(chatting: Open) -> None:
    async with chatting(engine=ScriptedEngine(window=10**6)) as chat:
        await fill(chat, 32)
        pane = chat.screen.session.pane
        pane.scroll_home(animate=False)
        await chat.sees("show 40 earlier messages (40 in all)")
        await chat.screen.run_action("screen.show_earlier")
        assert views(chat) == 64
        pane.scroll_home(animate=False)
        await chat.sees("question 0")
        await chat.sees_not("earlier message")


async def test_going_up_by_key_reaches_the_first_message(chatting: Open) -> None:
    async with chatting(engine=ScriptedEngine(window=10**6)) as chat:
        await fill(chat, 80)
        for _ in range(161):
            await chat.screen.run_action("screen.select_earlier")
        assert chat.screen.session.pane.selected is chat.nodes[0]


async def test_the_screen_stays_light_as_a_conversation_grows(chatting: Open) -> None:
    async with chatting(engine=ScriptedEngine(window=10**6)) as chat:
        for _ in range(3):
            await fill(chat, 1)
        pane = chat.screen.session.pane
        at = chat.nodes[-1]
        for number in range(120):
            at = at.add("user", str(number))
            await pane.sync()
        await chat.pilot.pause()
        assert views(chat) <= 41


async def test_a_long_request_is_made_in_slices(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A megabyte of prompt never holds the screen up for long."""
    async with chatting() as chat:
        chat.screen.count.close()
        messages = [Message("user", "lorem ipsum dolor " * 58_000)]
        request = Request(Generate(messages=messages), frozenset([0]), None, 1)
        rows = chat.screen.query_one(_Rows)
        chat.screen.context_view.show_depth("messages")
        # Counted, not timed: as if a millisecond passed each time the clock is asked.
        ticks = itertools.count(0, 0.001)
        monkeypatch.setattr(context_view.time, "perf_counter", lambda: next(ticks))
        chat.screen.context_view.show(request)
        assert rows._coming is not None
        assert 0 < len(rows._rows) < 1000
        monkeypatch.undo()
        await chat.until(lambda: rows._coming is None and len(rows._rows) > 20_000)
