"""One turn after the other: what is sent, what is shown of it, how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.timer import Timer

from chatapp.engine.protocol import Sampling
from chatapp.errors import EngineDied, EngineError
from chatapp.tui.widgets import conversation
from chatapp.tui.widgets.conversation import ConversationPane
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Open


async def test_the_whole_transcript_goes_every_time_and_says_so(chatting: Open) -> None:
    async with chatting() as chat:
        for text in ("one", "two", "three"):
            await chat.say(text)
        assert [len(request.messages) for request in chat.engine.requests] == [1, 3, 5]
        assert [node.sent for node in chat.nodes] == [3, 2, 2, 1, 1, 0]
        await chat.sees("sent ×3", "sent ×2", "sent ×1", "not sent yet")


async def test_the_line_after_a_turn_adds_up(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("one")
        await chat.say("two")
        facts = chat.talk.turns[-1]
        assert facts.tokens_again
        assert facts.tokens_new
        assert facts.tokens_sent == facts.tokens_again + facts.tokens_new
        await chat.sees(
            f"turn 2: {facts.tokens_sent} tokens sent, {facts.tokens_again} of them again, "
            f"{facts.tokens_new} new",
            f"computed {facts.computed}, reused from the arithmetic cache {facts.reused}",
        )
        await chat.sees(f"sent since the start: {chat.talk.total_sent} tokens")


async def test_a_server_that_hides_its_numbers_is_not_guessed(chatting: Open) -> None:
    engine = ScriptedEngine(window=None, revealing=False, kind="server")
    async with chatting(engine=engine) as chat:
        await chat.sees("server", "not revealed by this server")
        await chat.say("hello")
        await chat.sees("tokens sent: not revealed", "computed, reused: not revealed")
        await chat.sees("sent since the start: not revealed")
        assert "does not reveal" in chat.text


async def test_a_message_sent_while_loading_waits_in_sight(chatting: Open) -> None:
    gate = asyncio.Event()
    async with chatting(engine=ScriptedEngine(load=gate), ready=False) as chat:
        await chat.sees("loading the model")
        await chat.write("early bird")
        await chat.press("enter")
        await chat.sees("early bird", "waiting for the model to load")
        assert chat.draft == ""
        gate.set()
        await chat.done()
        assert [node.content for node in chat.nodes] == ["early bird", "ok"]
        await chat.sees_not("waiting for the model")


async def test_esc_takes_back_a_message_that_waits(chatting: Open) -> None:
    gate = asyncio.Event()
    async with chatting(engine=ScriptedEngine(load=gate), ready=False) as chat:
        await chat.sees("loading the model")
        await chat.write("early bird")
        await chat.press("enter")
        await chat.sees("waiting for the model to load")
        await chat.press("escape")
        await chat.until(lambda: chat.draft == "early bird", "the draft back")
        gate.set()
        await chat.ready()
        assert not chat.engine.requests
        assert chat.nodes == []


async def test_a_model_that_does_not_load_loses_nothing(chatting: Open) -> None:
    engine = ScriptedEngine(load_error=EngineError("The weights are a potato [b]."))
    async with chatting(engine=engine, ready=False) as chat:
        await chat.sees("The weights are a potato [b].", "F3 chooses", "not loaded")
        await chat.write("hello")
        await chat.press("enter")
        await chat.until(lambda: chat.draft == "hello", "the draft back")
        await chat.sees("Your message is in")
        assert chat.nodes == []


async def test_esc_stops_a_reply_and_keeps_what_was_said(chatting: Open) -> None:
    each = asyncio.Semaphore(2)
    async with chatting(Reply(("one ", "two ", "three"), each=each)) as chat:
        await chat.send("count")
        await chat.until(lambda: chat.nodes[-1].content == "one two ", "two words")
        await chat.press("escape")
        await chat.done()
        reply = chat.nodes[-1]
        assert (reply.content, reply.status) == ("one two ", "stopped")
        await chat.sees("stopped by you after 2 tokens")
        await chat.say("go on")
        assert chat.engine.requests[-1].messages[1].content == "one two "


async def test_esc_stops_the_reading_as_well_and_shows_its_progress(chatting: Open) -> None:
    go = asyncio.Event()
    async with chatting(Reply(go=go, prefill=400)) as chat:
        await chat.send("a long story")
        await chat.sees("reading the transcript: 400 of 400 tokens")
        await chat.press("escape")
        await chat.done()
        assert chat.nodes[-1].content == ""
        await chat.sees("stopped by you before the first word")


async def test_a_broken_turn_shows_why_and_can_be_asked_again(chatting: Open) -> None:
    died = Reply(("Hal", "f"), error=EngineDied("gone"), fail_after=1)
    async with chatting(died, Reply(("whole",))) as chat:
        await chat.say("hello")
        await chat.sees("The model process ended", "Nothing said is lost", "Ctrl+R asks again")
        assert chat.nodes[-1].content == "Hal"
        await chat.press("ctrl+r")
        await chat.until(lambda: len(chat.engine.requests) == 2, "asked again")
        await chat.done()
        assert chat.nodes[-1].content == "whole"
        assert len(chat.engine.requests[-1].messages) == 1
        await chat.sees("answer 2 of 2")


async def test_a_crash_is_named_and_says_where_to_look(chatting: Open) -> None:
    died = Reply(("Hal", "f"), error=EngineDied("gone", "SIGSEGV"), fail_after=1)
    async with chatting(died) as chat:
        await chat.say("hello")
        await chat.sees("The model process crashed (SIGSEGV)", "Nothing said is lost")
        await chat.sees("chatapp doctor says more")


async def test_a_second_message_waits_for_the_first_reply(chatting: Open) -> None:
    go = asyncio.Event()
    async with chatting(Reply(go=go)) as chat:
        await chat.send("first")
        await chat.write("second")
        await chat.press("enter")
        await chat.sees("The model is still answering")
        assert chat.draft == "second"
        go.set()
        await chat.done()
        assert chat.draft == "second"


async def test_regenerate_keeps_the_earlier_answers_one_key_apart(chatting: Open) -> None:
    async with chatting(Reply(("first",)), Reply(("second",))) as chat:
        await chat.say("hello")
        await chat.press("ctrl+r")
        await chat.until(lambda: len(chat.engine.requests) == 2, "asked again")
        await chat.done()
        await chat.sees("answer 2 of 2", "second")
        await chat.press("alt+left")
        await chat.sees("answer 1 of 2", "first")
        assert chat.nodes[-1].content == "first"
        await chat.press("alt+right")
        await chat.sees("answer 2 of 2")
        await chat.say("and now")
        assert chat.engine.requests[-1].messages[1].content == "second"


async def test_at_temperature_0_the_same_answer_is_announced(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("hello")
        await chat.press("ctrl+r")
        await chat.sees("the same input gives the")
        await chat.done()
    async with chatting(sampling=Sampling(temperature=0.8)) as chat:
        await chat.say("hello")
        await chat.press("ctrl+r")
        await chat.done()
        assert "the same input" not in chat.text


async def test_edit_and_resend_makes_a_branch(chatting: Open) -> None:
    async with chatting(Reply(("A",)), Reply(("B",))) as chat:
        await chat.say("hello")
        await chat.press("up")
        await chat.until(lambda: chat.draft == "hello", "the old text")
        await chat.sees("editing")
        await chat.write(" world")
        await chat.press("enter")
        await chat.until(lambda: len(chat.engine.requests) == 2, "sent again")
        await chat.done()
        assert [message.content for message in chat.engine.requests[-1].messages] == ["hello world"]
        await chat.sees("version 2 of 2")
        await chat.press("ctrl+up", "ctrl+up", "alt+left")
        await chat.until(lambda: chat.nodes[0].content == "hello", "the old branch")
        assert [node.content for node in chat.nodes] == ["hello", "A"]


async def test_leaving_an_edit_gives_the_draft_back(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("hello")
        await chat.write("my draft")
        await chat.press("ctrl+up", "ctrl+up")
        chat.screen.action_edit()
        await chat.pilot.pause()
        assert chat.draft == "hello"
        await chat.press("escape")
        assert chat.draft == "my draft"
        assert len(chat.engine.requests) == 1


async def test_counts_that_tick_up_while_the_transcript_goes(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With animations on, the sweep shows the old count until it has reached a message."""
    timed: list[Callable[[], None]] = []

    def by_hand(pane: ConversationPane, _: float, step: Callable[[], None]) -> Timer:
        timed.append(step)
        return Timer(pane, 3600, pause=True)

    monkeypatch.setattr(ConversationPane, "set_interval", by_hand)
    go = asyncio.Event()
    async with chatting(Reply(), Reply(go=go)) as chat:
        await chat.say("one")
        chat.app.animation_level = "full"
        await chat.send("two")
        (step,) = timed

        def counts() -> list[str]:
            views = map(chat.screen.session.pane.view_of, chat.nodes[:2])
            return [view._right().plain.strip() for view in views if view]

        await chat.sees("▶ sent ×2")
        assert counts() == ["▶ sent ×2", "not sent yet"]
        step()
        assert counts() == ["sent ×2", "▶ sent ×1"]
        await chat.sees("▶ sent ×1")
        for _ in range(2):  # the new message, and the end
            step()
        assert counts() == ["sent ×2", "sent ×1"]
        await chat.sees_not("▶")
        go.set()
        await chat.done()


async def test_the_sweep_styles_no_more_than_the_message_it_is_at(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting() as chat:
        await chat.say("one")
        view = chat.screen.session.pane.view_of(chat.nodes[0])
        assert view is not None
        styled: list[object] = []
        once = Stylesheet.apply

        def apply(sheet: Stylesheet, node: DOMNode, **how: Any) -> None:
            styled.append(node)
            once(sheet, node, **how)

        monkeypatch.setattr(Stylesheet, "apply", apply)
        before = view.background_colors
        view.sweep(True)
        during = view.background_colors
        view.sweep(False)
        assert styled == [view, view]
        assert before == view.background_colors != during


async def test_a_message_may_leave_while_the_sweep_is_under_way(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "_SWEEP", 30.0)
    async with chatting(Reply(), Reply(go=asyncio.Event())) as chat:
        await chat.say("one")
        chat.app.animation_level = "full"
        await chat.send("two")
        await chat.sees("▶ sent ×2")
        pane = chat.screen.session.pane
        assert pane._sweep is not None
        pane._first = 2
        await pane.sync()
        assert pane._sweep is None
        assert not pane.query(".-sweeping")
        await chat.press("escape")
        await chat.done()


async def test_an_edit_is_counted_and_shown_as_what_it_would_send(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("first message")
        await chat.say("second message")
        chat.screen.session.pane.select(chat.nodes[0])
        chat.screen.action_edit()
        await chat.sees("would receive")
        shown = chat.screen.context_view.shown
        assert shown is not None
        assert [message.content for message in shown.messages] == ["first message"]
        await chat.write("!")
        await chat.until(
            lambda: chat.screen.context_view.shown.messages[-1].content == "first message!"
        )
        await chat.press("enter")
        await chat.until(lambda: len(chat.engine.requests) == 3, "sent")
        await chat.done()
        sent = chat.engine.requests[-1].messages
        assert [message.content for message in sent] == ["first message!"]


async def test_sending_by_mouse(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.write("click me")
        await chat.sees("Enter send")
        await chat.pilot.click("KeyBar", offset=(3, 0))
        await chat.until(lambda: chat.engine.requests, "sent")
        await chat.done()
        assert chat.nodes[0].content == "click me"


async def test_an_unexpected_failure_is_said_and_the_message_comes_back(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting() as chat:

        def broken(*_: object) -> None:
            raise KeyError("[b]")

        monkeypatch.setattr(chat.talk, "_make_room", broken)
        await chat.write("precious")
        await chat.press("enter")
        await chat.sees("Something went wrong", "[b]")
        await chat.until(lambda: chat.draft == "precious", "the draft back")
        assert chat.app.is_running
