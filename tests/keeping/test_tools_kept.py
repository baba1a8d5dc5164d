"""A session with tools in the store: each step at its time, and all of it to be sent again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Make, say, stored

from chatapp.archive import marks
from chatapp.archive.reading import as_json, as_markdown, as_page
from chatapp.archive.store import NAME, Store
from chatapp.context.template import ChatTemplate
from chatapp.context.tools import DECLARATION
from chatapp.conversation import Called, Conversation
from chatapp.conversation.corrections import Correction
from chatapp.conversation.tooling import UNSENT
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling
from chatapp.errors import StoreError
from chatapp.keeping.keeper import Keeper
from chatapp.keeping.reopening import reopen, request_of
from tests.scripted import Reply, ScriptedEngine
from tests.tool_model import TEMPLATE

CALL = '<tool_call>{"name": "calculator", "arguments": {"expression": "12 * 7"}}</tool_call>'
TWO = (Reply((CALL,)), Reply(("It is 84.",)))


def with_tools(make: Make, *replies: Reply, **values: object) -> Keeper:
    keeper = make(*(replies or TWO), tools=True, sampling=Sampling(seed=3), **values)
    assert isinstance(keeper.conversation.engine, ScriptedEngine)
    keeper.conversation.engine.template = ChatTemplate(TEMPLATE)
    return keeper


async def test_a_call_and_its_result_are_stored_before_the_model_runs_again(
    make: Make, tmp_path: Path
) -> None:
    keeper = with_tools(make)
    await keeper.set_state("kept")
    async for step in keeper.follow(keeper.conversation.send("What is 12 * 7?")):
        if isinstance(step, Called):
            there = stored(tmp_path, keeper.id).messages
            assert [(m.role, m.content, m.status) for m in there[1:]] == [
                ("assistant", CALL, "complete"),
                ("tool", "12 * 7 = 84", "complete"),
            ]
            assert there[1].turn is not None
    there = stored(tmp_path, keeper.id).messages
    assert [(m.role, m.content) for m in there[2:]] == [
        ("tool", "12 * 7 = 84"),
        ("assistant", "It is 84."),
    ]
    assert [m.turn.tools for m in there if m.turn] == [DECLARATION] * 2
    assert [m.sent for m in there] == [2, 1, 1, 0]


@pytest.mark.parametrize("system", ["", "Be brief."])
@pytest.mark.parametrize("late", [False, True])
async def test_every_request_can_be_made_again_and_the_session_goes_on(
    make: Make, tmp_path: Path, system: str, late: bool
) -> None:
    """``late``: kept from the beginning, or only afterwards."""
    keeper = with_tools(make, *TWO, Reply(("Bye.",)), system=system)
    if not late:
        await keeper.set_state("kept")
    await say(keeper, "What is 12 * 7?")
    keeper.conversation.tools = False
    await say(keeper, "Thanks.")
    keeper.conversation.tools = True
    if late:
        await keeper.set_state("kept")
    sent = [facts.request.messages for facts in keeper.conversation.turns]
    session = stored(tmp_path, keeper.id)
    again = [request_of(session, m) for m in session.messages if m.turn]
    assert [request.messages for request in again] == sent
    assert {m.role for request in sent[:2] for m in request} >= {"tools", "user"}
    engine = ScriptedEngine(list(TWO))
    engine.template = ChatTemplate(TEMPLATE)
    talk = Conversation(engine, Counter(engine, None), clock=keeper.conversation.clock)
    reopen(talk, session)
    assert talk.tools is False  # as the last turn was sent
    assert [facts.messages for facts in talk.turns] == sent
    assert talk.unsent() == {len(talk.messages()) - 1}  # the last reply
    talk.tools = True
    assert not talk.unsent() & {0, 1} - {len(talk.messages()) - 1}
    async for _ in talk.send("Once more."):
        pass
    assert [node.role for node in talk.nodes[-4:]] == ["user", "assistant", "tool", "assistant"]


async def test_a_request_whose_view_had_moved_can_be_made_again(make: Make, tmp_path: Path) -> None:
    keeper = with_tools(make, *TWO * 9, system="Be brief.", policy="drop-oldest")
    keeper.conversation.sampling = Sampling(seed=3, max_tokens=16)
    assert isinstance(keeper.conversation.engine, ScriptedEngine)
    keeper.conversation.engine.window = 360
    await keeper.set_state("kept")
    for _ in range(9):
        await say(keeper, "What is 12 * 7?")
    turns = keeper.conversation.turns
    assert keeper.conversation.view.first is not None
    session = stored(tmp_path, keeper.id)
    again = [request_of(session, message) for message in session.messages if message.turn]
    assert [request.messages for request in again] == [facts.messages for facts in turns]


async def test_why_a_result_was_not_sent_is_stored_with_it(make: Make, tmp_path: Path) -> None:
    keeper = with_tools(make)
    await keeper.set_state("kept")
    async for step in keeper.follow(keeper.conversation.send("What is 12 * 7?")):
        if isinstance(step, Called):
            await keeper.conversation.stop()
    last = stored(tmp_path, keeper.id).messages[-1]
    assert (last.role, last.note, last.sent) == ("tool", UNSENT, 0)
    assert keeper.trouble == ""


async def test_tools_come_back_on_with_a_session_that_had_them_last(
    make: Make, tmp_path: Path
) -> None:
    keeper = with_tools(make)
    await keeper.set_state("kept")
    await say(keeper, "What is 12 * 7?")
    talk = with_tools(make).conversation
    talk.tools = False
    reopen(talk, stored(tmp_path, keeper.id))
    assert talk.tools


async def test_a_transcript_for_people_shows_results_as_what_they_are(
    make: Make, tmp_path: Path
) -> None:
    keeper = with_tools(make)
    await say(keeper, "What is 12 * 7?")
    session = keeper.snapshot()
    for written in ("".join(as_markdown(session, True)), "".join(as_page(session, True))):
        assert "a tool: a program, not the model" in written
        assert "12 * 7 = 84" in written
        assert "may ask for tools" in written
    data = json.loads("".join(as_json(session)))
    assert [m["role"] for m in data["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert data["messages"][1]["turn"]["tools"] == DECLARATION


async def test_a_reply_to_a_request_with_tools_is_no_example(make: Make, tmp_path: Path) -> None:
    keeper = with_tools(make, *TWO, Reply(("Bye.",)), Reply(("Hello.",)))
    await keeper.set_state("training")
    await say(keeper, "What is 12 * 7?")
    keeper.conversation.tools = False
    await say(keeper, "Thanks.")  # a result stands in its context
    nodes = keeper.conversation.nodes
    there = stored(tmp_path, keeper.id).messages
    with Store(tmp_path / NAME) as store:
        for node, kept in zip(nodes, there, strict=True):
            if node.role != "assistant":
                continue
            assert keeper.unfit(node) == marks.TOOLS_HELD
            with pytest.raises(StoreError, match="tools"):
                await keeper.mark(node, "liked")
            with pytest.raises(StoreError, match="tools"):
                marks.mark(store, keeper.id, kept.id, "liked")
    # A correction is sent as ever, and holds up nothing in the store.
    assert nodes[-1].facts is not None
    context = nodes[-1].facts.messages
    wrong = Correction(context=context, reply=nodes[-1], wrong="Bye", right="Hi", said="No, Hi.")
    await keeper.correct(wrong)
    assert keeper.trouble == ""
    assert stored(tmp_path, keeper.id).examples == ()


async def test_where_the_results_have_left_the_view_a_reply_can_be_an_example(
    make: Make, tmp_path: Path
) -> None:
    keeper = with_tools(make, *TWO, Reply(("Bye.",)))
    await keeper.set_state("training")
    await say(keeper, "What is 12 * 7?")
    talk = keeper.conversation
    talk.tools = False
    await say(keeper, "Thanks.")
    talk.view.first = talk.nodes[-2]
    async for _ in keeper.follow(talk.regenerate(talk.nodes[-1])):
        pass
    assert keeper.unfit(talk.nodes[-1]) == ""
    await keeper.mark(talk.nodes[-1], "liked")
    (example,) = stored(tmp_path, keeper.id).examples
    assert [message.content for message in example.prompt] == ["Thanks."]
