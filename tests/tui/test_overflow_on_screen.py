"""A transcript that no longer fits: nothing is dropped in silence."""

from __future__ import annotations

from chatapp.context.overflow import Policy
from chatapp.engine.protocol import Sampling
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Chat, Open

LONG = "word " * 60


async def fill(chat: Chat) -> None:
    """Talk until the next message does not fit."""
    while True:
        count = await chat.talk.budget(LONG)
        assert count is not None
        if not count.fits:
            return
        await chat.say(LONG)


def small(policy: Policy = "stop") -> dict[str, object]:
    return {
        "engine": ScriptedEngine(window=400),
        "sampling": Sampling(max_tokens=40),
        "policy": policy,
    }


async def test_it_asks_and_cancelling_keeps_the_draft(chatting: Open) -> None:
    async with chatting(**small()) as chat:
        await fill(chat)
        requests, nodes = len(chat.engine.requests), len(chat.nodes)
        await chat.write(LONG)
        await chat.press("enter")
        await chat.sees("It does not fit")
        await chat.press("escape")
        await chat.until(lambda: chat.draft == LONG, "the draft back")
        assert len(chat.engine.requests) == requests
        assert len(chat.nodes) == nodes
        await chat.sees("no longer fits")


async def test_dropping_the_oldest_draws_a_line_and_marks_what_is_not_sent(
    chatting: Open,
) -> None:
    async with chatting(size=(120, 60), **small()) as chat:
        await fill(chat)
        await chat.write(LONG)
        await chat.press("enter")
        await chat.sees("Leave out the oldest")
        await chat.press("down", "enter")
        await chat.done()
        first = chat.talk.view.first
        assert first is not None
        out = chat.nodes.index(first)
        assert out > 0
        view = chat.screen.session.pane.view_of(chat.nodes[0])
        assert view is not None
        view.scroll_visible(animate=False)
        await chat.sees("the model's view begins here", f"{out} earlier messages", "not sent any")
        assert chat.engine.requests[-1].messages[0].content == first.content
        # The choice was made for this once.
        assert chat.talk.policy == "stop"


async def test_the_line_stays_as_it_is_until_the_view_moves(chatting: Open) -> None:
    async with chatting(size=(120, 60), **small("drop-oldest")) as chat:
        await fill(chat)
        await chat.say(LONG)
        pane = chat.screen.session.pane
        (rule,) = chat.screen.query(".view-rule")
        assert chat.talk.view.first is not None
        await pane.sync()
        assert list(chat.screen.query(".view-rule")) == [rule]
        # Messages that come back above it stand above the line.
        pane._first = chat.nodes.index(chat.talk.view.first)
        await pane.sync()
        pane._first = 0
        await pane.sync()
        (rule,) = chat.screen.query(".view-rule")
        parts = list(pane._talk.children)
        at_view = pane.view_of(chat.talk.view.first)
        assert at_view is not None
        assert parts[parts.index(at_view) - 1] is rule


async def test_a_summary_is_shown_as_text_written_by_the_model(chatting: Open) -> None:
    async with chatting(size=(120, 60), **small("summary")) as chat:
        await fill(chat)
        chat.engine.replies.append(Reply(("They said word.",)))
        await chat.say(LONG)
        assert chat.talk.view.summary == "They said word."
        rule = chat.screen.query_one(".view-rule")
        rule.scroll_visible(animate=False)
        await chat.sees("summary, written by the model", "They said word.")
        assert "They said word." in chat.engine.requests[-1].messages[0].content


async def test_a_message_too_long_by_itself_says_so(chatting: Open) -> None:
    async with chatting(**small("drop-oldest")) as chat:
        await chat.say("hello")
        await chat.write(LONG * 10)
        await chat.press("enter")
        await chat.sees("This message alone is too long")
        await chat.press("escape")
        await chat.until(lambda: chat.draft == LONG * 10, "the draft back")
        assert len(chat.engine.requests) == 1


async def test_the_meter_turns_amber_red_and_over_in_words(chatting: Open) -> None:
    async with chatting(**small()) as chat:
        for words, seen in ((100, "spoken for"), (285, "getting full"), (330, "almost full")):
            chat.screen.composer.load_text("w " * words)
            await chat.sees(seen)
        chat.screen.composer.load_text("w " * 400)
        await chat.sees("does not fit", "too many")
