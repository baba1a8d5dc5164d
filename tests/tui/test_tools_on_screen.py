"""Tools on the screen: text out, text in, each shown as what it is."""

from __future__ import annotations

import pytest

from chatapp.archive.marks import TOOLS_HELD
from chatapp.context.template import ChatTemplate
from chatapp.context.tools import DECLARATION
from chatapp.conversation.tooling import NOT_SEEN, TOO_OFTEN, UNSENT
from chatapp.engine.protocol import Sampling
from chatapp.tui import tool_words
from chatapp.tui.given import Values
from chatapp.tui.widgets.header import Header
from chatapp.tui.widgets.meter import Meter
from tests.scripted import Reply, ScriptedEngine
from tests.tool_model import TEMPLATE
from tests.tui.conftest import Chat, Open

CALL = '<tool_call>{"name": "calculator", "arguments": {"expression": "2 ** 5 ** 1"}}</tool_call>'
TWO = (Reply((CALL,)), Reply(("It is 32.",)))


def engine(**values: object) -> ScriptedEngine:
    made = ScriptedEngine(**values)  # type: ignore[arg-type]
    made.template = ChatTemplate(TEMPLATE)
    return made


def on() -> Values:
    return Values("", Sampling(max_tokens=100), "stop", None, tools=True)


def notices(chat: Chat) -> str:
    return " ".join(note.message for note in chat.app._notifications)


async def test_the_palette_switches_them_and_the_state_is_seen_while_on(chatting: Open) -> None:
    async with chatting(*TWO, engine=engine()) as chat:
        await chat.sees_not("tools")
        await chat.screen.run_action("screen.tools")
        await chat.sees("tools: on", "tools offered")
        await chat.until(lambda: tool_words.ON in notices(chat), "what it means")
        counted = chat.screen.query_one(Meter)._budget
        assert counted is not None
        prompt = await chat.talk.counter.prompt(
            [m for m in chat.talk.messages("x") if m.role != "user"] + chat.talk.messages("x")[-1:]
        )
        assert prompt is not None
        assert counted.tools == prompt.tokens_of(0) > 0
        await chat.screen.run_action("screen.tools")
        await chat.sees_not("tools: on")
        assert not chat.talk.tools
        await chat.say("What is 2 ** 5?")
        assert [message.role for message in chat.engine.requests[0].messages] == ["user"]


@pytest.mark.parametrize("size", [(120, 40), (80, 30), (40, 30)])
async def test_a_call_and_its_result_are_shown_as_what_they_are(
    chatting: Open, size: tuple[int, int]
) -> None:
    async with chatting(*TWO, engine=engine(), size=size, values=on) as chat:
        await chat.say("What is 2 ** 5?")
        assert [node.role for node in chat.nodes] == ["user", "assistant", "tool", "assistant"]
        pane = chat.screen.session.pane
        call, result = (pane.view_of(node) for node in chat.nodes[1:3])
        assert call is not None
        assert result is not None
        # As it was written: no Markdown makes something else of its asterisks.
        assert CALL.replace("\n", "") in "".join(str(body.render()) for body in call.query(".body"))
        foot = " ".join(str(line) for line in call._foot())
        assert "The model wrote this as text; chatapp ran the calculator" in foot
        assert "turn 1:" in foot
        assert "turn 2:" in " ".join(str(line) for line in pane.view_of(chat.nodes[3])._foot())  # type: ignore[union-attr]
        assert "Calculator" in str(result._left())
        assert "a program" in str(result._left())
        assert "sent ×1" in str(result._right())
        await chat.sees("2 ** 5 ** 1 = 32", "It is 32.")


async def test_the_context_view_shows_the_declaration_and_what_it_costs(chatting: Open) -> None:
    async with chatting(*TWO, engine=engine(), size=(160, 60), values=on) as chat:
        await chat.say("What is 2 ** 5?")
        await chat.sees("tools", "result", '{"name": "calculator"', "2 ** 5 ** 1 = 32")
        await chat.press("f6", "f6")  # as messages
        await chat.until(lambda: chat.screen.context_view.depth == "messages", "messages")
        await chat.sees('"role":"tools"')
        shown = chat.screen.context_view.shown
        assert shown is not None
        assert shown.messages[0].content == DECLARATION


async def test_where_they_have_no_place_a_sentence_says_so(chatting: Open) -> None:
    served = engine(kind="server", revealing=False, window=None)
    async with chatting(engine=served, values=on) as chat:
        await chat.sees("Tools are for models that run here")
        assert not chat.talk.tools
        chat.screen.session.pane.notice("")
        await chat.screen.run_action("screen.tools")
        await chat.sees(NOT_SEEN[:40])
        await chat.sees_not("tools: on")


async def test_esc_between_the_rounds_and_a_loop_are_said(chatting: Open) -> None:
    async with chatting(*[Reply((CALL,))] * 5, engine=engine(), size=(120, 70), values=on) as chat:
        await chat.say("What is 2 ** 5?")
        await chat.sees(TOO_OFTEN[:40])
        assert len(chat.engine.requests) == 5
        chat.engine.replies += [Reply((CALL,))]
        before = chat.talk._make_room

        async def stopped(*args: object):  # type: ignore[no-untyped-def]
            if chat.nodes[-1].role == "tool":
                await chat.press("escape")
                await chat.until(chat.talk._stopped.is_set, "stopped")
            async for step in before(*args):  # type: ignore[arg-type]
                yield step

        chat.talk._make_room = stopped  # type: ignore[method-assign,assignment]
        await chat.say("And again?")
        assert chat.nodes[-1].note == UNSENT
        await chat.sees(UNSENT)
        assert len(chat.engine.requests) == 6


async def test_each_session_has_its_own_switch(chatting: Open) -> None:
    async with chatting(engine=engine()) as chat:
        await chat.screen.run_action("screen.tools")
        await chat.sees("tools: on")
        await chat.press("ctrl+n")
        await chat.until(lambda: len(chat.screen.sessions) == 2, "a new session")
        await chat.sees_not("tools: on")
        await chat.press("ctrl+pageup")
        await chat.sees("tools: on")
        assert chat.screen.query_one(Header).facts.tools == tool_words.STATE


async def test_a_kept_reply_with_tools_cannot_be_marked_and_says_why(
    chatting: Open, tmp_path: object
) -> None:
    async with chatting(*TWO, engine=engine(), values=on, transcripts=tmp_path) as chat:
        assert chat.screen.session.keeper is not None
        await chat.screen.session.keeper.set_state("kept")
        await chat.say("What is 2 ** 5?")
        await chat.screen.run_action("screen.mark_good")
        await chat.until(lambda: TOOLS_HELD in notices(chat), "why")
