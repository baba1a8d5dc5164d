"""Turns with tools: text out, text in, and all of it sent again."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.context.template import ChatTemplate
from chatapp.context.tools import DECLARATION
from chatapp.conversation import Called, Conversation, Failed, Node, Overflow, Started, Step
from chatapp.conversation.tooling import NO_PLACE, NOT_SEEN, ROUNDS, TOO_OFTEN, UNSENT
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Done, Sampling, Sent, Token
from chatapp.errors import TemplateError
from tests.scripted import Reply, ScriptedEngine
from tests.tool_model import TEMPLATE

NOON = datetime(2026, 11, 25, 12, 5, tzinfo=UTC)
TOOLS = Message("tools", DECLARATION)


def call(expression: str) -> str:
    arguments = f'{{"expression": "{expression}"}}'
    return f'<tool_call>{{"name": "calculator", "arguments": {arguments}}}</tool_call>'


def scripted(*replies: str | Reply, window: int = 2048, **options: object) -> Conversation:
    script = [one if isinstance(one, Reply) else Reply((one,)) for one in replies]
    engine = ScriptedEngine(script, window=window)
    engine.template = ChatTemplate(TEMPLATE)
    options = {"tools": True, "sampling": Sampling(max_tokens=16), "clock": lambda: NOON} | options
    return Conversation(engine, Counter(engine, None), **options)  # type: ignore[arg-type]


def requests(talk: Conversation) -> list[list[Message]]:
    assert isinstance(talk.engine, ScriptedEngine)
    return [list(request.messages) for request in talk.engine.requests]


def said(talk: Conversation) -> list[tuple[str, str]]:
    return [(node.role, node.content) for node in talk.nodes]


async def say(talk: Conversation, text: str) -> list[Step]:
    return [step async for step in talk.send(text)]


async def test_a_call_is_answered_below_the_reply_and_all_is_sent_again() -> None:
    talk = scripted(call("12 * 7"), "It is 84.", system="Be brief.")
    steps = await say(talk, "What is 12 * 7?")
    ask = Message("user", "What is 12 * 7?")
    first = [Message("system", "Be brief."), TOOLS, ask]
    second = [*first, Message("assistant", call("12 * 7")), Message("tool", "12 * 7 = 84")]
    assert requests(talk) == [first, second]
    assert said(talk)[-1] == ("assistant", "It is 84.")
    kinds = [type(step) for step in steps if isinstance(step, (Started, Called, Done))]
    assert kinds == [Started, Done, Called, Started, Done]
    # Each round is a request of its own, with numbers of its own.
    one, two = talk.turns
    assert (one.number, two.number) == (1, 2)
    assert one.new == {0, 1, 2}
    assert two.new == {3, 4}
    assert one.tokens_sent is not None
    assert two.tokens_again is not None
    assert two.tokens_again >= one.tokens_sent - 8  # all but the cue to answer
    assert talk.total_sent == (one.tokens_sent or 0) + (two.tokens_sent or 0)
    assert [node.sent for node in talk.nodes] == [2, 1, 1, 0]


async def test_without_tools_a_call_is_only_text() -> None:
    talk = scripted(call("12 * 7"), tools=False)
    await say(talk, "What is 12 * 7?")
    assert requests(talk) == [[Message("user", "What is 12 * 7?")]]
    assert len(talk.nodes) == 2


async def test_tools_switched_on_or_off_count_from_the_next_turn() -> None:
    talk = scripted(call("1 + 1"), "Two.", "Fine.", tools=True)
    async for step in talk.send("Add."):
        if isinstance(step, Started):
            talk.tools = False
    assert [TOOLS in sent for sent in requests(talk)] == [True, True]
    await say(talk, "And now?")
    assert TOOLS not in requests(talk)[-1]
    # What was computed goes on being sent: it is part of the transcript.
    assert Message("tool", "1 + 1 = 2") in requests(talk)[-1]


async def test_several_calls_stand_one_below_another() -> None:
    talk = scripted(call("1 + 1") + call("2 + 2"), "Two and four.")
    await say(talk, "Add.")
    assert said(talk)[2:4] == [("tool", "1 + 1 = 2"), ("tool", "2 + 2 = 4")]
    assert [m.content for m in requests(talk)[1][-2:]] == ["1 + 1 = 2", "2 + 2 = 4"]


async def test_the_clock_tells_the_time_that_is() -> None:
    talk = scripted('{"name": "clock", "parameters": {}}', "Noon.")
    await say(talk, "What time is it?")
    assert said(talk)[2] == ("tool", "Wednesday, 2026-11-25, 12:05 (UTC+00:00)")


async def test_a_broken_call_is_answered_with_a_sentence() -> None:
    talk = scripted("<tool_call>12 * 7</tool_call>", "Sorry.")
    await say(talk, "What is 12 * 7?")
    assert said(talk)[2][0] == "tool"
    assert "not valid JSON" in said(talk)[2][1]


async def test_a_model_that_asks_without_end_is_stopped_with_a_sentence() -> None:
    talk = scripted(*[call("1 + 1")] * 20)
    await say(talk, "Add.")
    assert len(talk.turns) == ROUNDS + 1
    assert talk.nodes[-1].role == "assistant"
    assert talk.nodes[-1].note == TOO_OFTEN
    await say(talk, "Go on.")  # and the session goes on
    assert len(talk.turns) == 2 * (ROUNDS + 1)


async def test_esc_between_two_rounds_stops_the_turn() -> None:
    talk = scripted(call("1 + 1"), "Two.")
    async for step in talk.send("Add."):
        if isinstance(step, Called):
            await talk.stop()
    assert len(requests(talk)) == 1
    assert talk.nodes[-1].content == "1 + 1 = 2"
    assert talk.nodes[-1].note == UNSENT
    assert not talk.busy
    await say(talk, "And?")
    assert Message("tool", "1 + 1 = 2") in requests(talk)[-1]


async def test_esc_within_a_reply_runs_no_tool() -> None:
    talk = scripted(Reply((call("1 + 1"), " more")))
    async for step in talk.send("Add."):
        if isinstance(step, Sent):
            await talk.stop()
    assert [node.role for node in talk.nodes] == ["user", "assistant"]
    assert talk.nodes[-1].status == "stopped"


async def test_a_reply_below_a_result_can_be_had_again_and_a_question_edited() -> None:
    talk = scripted(call("1 + 1"), "Two.", "It is two.", "Hello.")
    await say(talk, "Add.")
    [step async for step in talk.regenerate(talk.nodes[-1])]
    assert said(talk)[2:] == [("tool", "1 + 1 = 2"), ("assistant", "It is two.")]
    assert requests(talk)[2] == requests(talk)[1]
    assert len(talk.nodes[-1].siblings) == 2
    [step async for step in talk.edit(talk.nodes[0], "Hi.")]
    assert said(talk) == [("user", "Hi."), ("assistant", "Hello.")]
    assert requests(talk)[3] == [TOOLS, Message("user", "Hi.")]
    talk.root.children[0].choose()
    assert talk.nodes[-1].content == "It is two."


async def test_an_engine_that_dies_in_a_round_loses_nothing() -> None:
    talk = scripted(call("1 + 1"), Reply(("Tw", "o"), error=TemplateError("broken"), fail_after=1))
    steps = await say(talk, "Add.")
    assert isinstance(steps[-1], Failed)
    assert said(talk)[2] == ("tool", "1 + 1 = 2")
    assert talk.nodes[-1].status == "failed"
    [step async for step in talk.regenerate(talk.nodes[-1])]
    assert talk.nodes[-1].status == "complete"


async def test_a_result_that_no_longer_fits_is_kept_and_the_turn_ends_with_a_sentence() -> None:
    talk = scripted(call("1 + 1") + "pad " * 300, "Two.", window=360)
    steps = await say(talk, "Add.")
    assert isinstance(steps[-1], Failed)
    assert "fit" in talk.nodes[-1].note
    assert talk.nodes[-1].content == "1 + 1 = 2"
    assert len(requests(talk)) == 1
    with pytest.raises(Overflow):
        await say(talk, "And?")
    assert talk.nodes[-1].role == "tool"


@pytest.mark.parametrize("policy", ["drop-oldest", "summary"])
async def test_a_view_never_begins_with_a_result_whose_call_has_left(policy: str) -> None:
    replies = [part for n in range(30) for part in (call(f"{n} + 1"), f"{n} and one." * 4)]
    talk = scripted(*replies, window=420, policy=policy)
    for n in range(14):
        await say(talk, f"What is {n} and one?")
    assert talk.view.first is not None
    moved = False
    for sent in requests(talk):
        roles = [m.role for m in sent if m.role not in ("system", "tools")]
        assert roles[0] == "user"
        for before, role in pairwise(roles):
            assert role != "tool" or before in ("assistant", "tool")
        moved = moved or Message("user", "What is 0 and one?") not in sent
    assert moved
    assert all(TOOLS in facts.messages for facts in talk.turns)


async def test_room_for_a_result_is_not_made_by_leaving_out_more_than_has_to_leave() -> None:
    """Where the usual reserve of room would leave the last question alone, less leaves."""
    replies = ["pad " * 60, "pad " * 60, call("1 + 1") + "pad " * 60, "Two."]
    talk = scripted(*replies, window=350, policy="drop-oldest")
    for text in ("One?", "Two?", "Add."):
        await say(talk, text)
    first, second, third = (node for node in talk.nodes if node.role == "user")
    assert Message("user", first.content) in requests(talk)[2]
    assert talk.view.first is second
    assert third.content == "Add."


async def test_where_tools_have_no_place_one_sentence_says_so(
    engine: LocalEngine, counter: Counter
) -> None:
    talk = Conversation(engine, counter, tools=True)
    assert await talk.why_no_tools() == NO_PLACE
    with pytest.raises(TemplateError, match="no place for tools"):
        await say(talk, "Hi")
    assert talk.nodes == []  # nothing was sent, and nothing is lost
    server = ScriptedEngine(kind="server")
    assert await Conversation(server, Counter(server, None)).why_no_tools() == NOT_SEEN
    assert await scripted().why_no_tools() == ""


# ── a real model ────────────────────────────────────────────────────────────────────────────────


def shown_how(talk: Conversation) -> None:
    """Calls that a person wrote in the model's place: this model rarely writes one unasked."""
    at: Node = talk.root
    for one in ("31 + 4", "9 * 8"):
        at = at.add("user", f"What is {one}?").add("assistant", call(one))


async def test_a_real_model_writes_a_call_and_reads_what_came_of_it(tool_model: Path) -> None:
    options = EngineOptions(window=1024)
    engine, fresh = LocalEngine(tool_model, options), LocalEngine(tool_model, options)
    try:
        counter = Counter(engine, tool_model)
        greedy = Sampling(temperature=0, max_tokens=48)
        talk = Conversation(engine, counter, tools=True, sampling=greedy)
        assert await talk.why_no_tools() == ""
        shown_how(talk)
        steps = await say(talk, "What is 12 * 7?")
        wrote, result, reply = talk.nodes[-3:]
        assert wrote.content == call("12 * 7")
        assert (result.role, result.content) == ("tool", "12 * 7 = 84")
        assert "84" in reply.content
        first, second = (step for step in steps if isinstance(step, Sent))
        assert first.prompt is not None
        assert second.prompt is not None
        # The second request holds the first whole, the call as it was written, and the result.
        assert second.prompt.text == (
            f"{first.prompt.text}{wrote.content}<|im_end|>\n<|im_start|>user\n"
            f"<tool_response>{result.content}</tool_response><|im_end|>\n<|im_start|>assistant\n"
        )
        assert counter.doubt is None
        # The same bits as from a process that has seen nothing of it.
        facts = reply.facts
        assert facts is not None
        again = [event async for event in fresh.generate(facts.request)]
        assert isinstance(again[-1], Done)
        assert again[-1].text == reply.content
        told = [event.logits for event in again if isinstance(event, Token) and event.logits]
        assert told[0] == facts.first_logits
        # Killed between the two requests, with nothing reused: the same call, result and answer.
        talk.reuse = False
        async for step in talk.regenerate(wrote):
            if isinstance(step, Called) and engine.pid:
                os.kill(engine.pid, signal.SIGKILL)
        assert engine.starts == 2
        later = talk.nodes[-3:]
        assert [node.content for node in later] == [n.content for n in (wrote, result, reply)]
        assert [node.facts.first_logits for node in later if node.facts] == [
            node.facts.first_logits for node in (wrote, reply) if node.facts
        ]
        assert [node.facts.reused for node in later if node.facts] == [0, 0]
    finally:
        await engine.close()
        await fresh.close()
