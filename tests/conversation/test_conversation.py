"""Turns on the real model: what is sent, what is counted, what is kept."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.context.parts import Part, write
from chatapp.context.prompt import build_prompt
from chatapp.context.template import ChatTemplate
from chatapp.conversation import (
    Conversation,
    Failed,
    Node,
    Overflow,
    Started,
    Step,
    Summarised,
    ViewMoved,
)
from chatapp.conversation.conversation import _count_parts
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Done, Prefill, Sampling, Sent, Token
from chatapp.errors import TemplateError
from tests.scripted import ToyTokenizer

FIVE = [
    "What is the capital of Turkey?",
    "No, actually the capital of Turkey is Ankara.",
    "What is the capital of Turkey?",
    "Name a river.",
    "Thank you!",
]
SHORT = Sampling(max_tokens=24)


@pytest.fixture
def chat(engine: LocalEngine, counter: Counter) -> Conversation:
    return Conversation(engine, counter, sampling=SHORT)


@pytest.fixture
def small(small_engine: LocalEngine, default_model: Path) -> Conversation:
    """A conversation in a window of 256 tokens."""
    counter = Counter(small_engine, default_model)
    return Conversation(small_engine, counter, sampling=Sampling(max_tokens=40))


async def say(chat: Conversation, text: str) -> list[Step]:
    return [step async for step in chat.send(text)]


def only(steps: list[Step], kind: type) -> list[Step]:
    return [step for step in steps if isinstance(step, kind)]


async def test_every_turn_sends_the_whole_transcript(chat: Conversation) -> None:
    total = 0
    for turn, text in enumerate(FIVE):
        before = [node.message for node in chat.nodes]
        steps = await say(chat, text)
        facts = chat.turns[-1]
        assert list(facts.messages) == [*before, Message("user", text)]
        sent = only(steps, Sent)[0]
        assert isinstance(sent, Sent)
        assert sent.prompt is not None
        for message in facts.messages:
            assert message.content in sent.prompt.text
        # Each number on the screen, recomputed from the tokens on the pipe.
        assert facts.tokens_sent == len(sent.prompt.tokens)
        total += len(sent.prompt.tokens)
        assert facts.total_sent == chat.total_sent == total
        assert facts.tokens_again is not None
        assert facts.tokens_new is not None
        assert facts.tokens_again + facts.tokens_new == facts.tokens_sent
        assert (facts.tokens_again == 0) == (turn == 0)
        assert facts.reused is not None
        assert facts.computed is not None
        assert facts.reused + facts.computed == facts.tokens_sent
        expected = [turn - n // 2 + 1 - n % 2 for n in range(2 * turn + 2)]
        assert [node.sent for node in chat.nodes] == expected
    assert chat.counter.doubt is None


async def test_what_is_kept_of_a_turn_does_not_grow_with_the_transcript(chat: Conversation) -> None:
    sent = []
    for text in FIVE[:3]:
        steps = await say(chat, text)
        sent += [step.prompt for step in steps if isinstance(step, Sent)]
    first, second, third = chat.turns
    # A message is one object in all requests, and the whole prompt stays for the latest alone.
    assert all(a is b for a, b in zip(first.messages, third.messages, strict=False))
    assert [first.prompt, second.prompt, third.prompt] == [None, None, sent[2]]
    for facts, prompt in zip(chat.turns, sent, strict=True):
        assert await chat.counter.prompt(facts.messages) == prompt


async def test_the_token_that_ends_a_reply_is_kept_but_not_said(chat: Conversation) -> None:
    chat.sampling = Sampling(max_tokens=60)
    await say(chat, FIVE[0])
    facts = chat.turns[-1]
    assert chat.nodes[-1].status == "complete"
    assert facts.tokens[-1].ends
    assert facts.reply_tokens == len(facts.tokens) - 1
    assert "".join(facts.tokens.texts) == chat.nodes[-1].content


async def test_the_correction_holds_in_the_session_and_dies_with_it(
    chat: Conversation, engine: LocalEngine, counter: Counter
) -> None:
    chat.sampling = Sampling(max_tokens=60)
    for text in FIVE[:3]:
        await say(chat, text)
    new = Conversation(engine, counter, number=2)
    await say(new, FIVE[0])
    assert "Istanbul" in chat.nodes[1].content
    assert "Istanbul" in new.nodes[1].content
    assert new.nodes[1].content == chat.nodes[1].content
    assert new.turns[0].messages == [Message("user", FIVE[0])]
    assert new.turns[0].tokens_again == 0


async def test_the_engine_may_be_killed_between_turns(default_model: Path) -> None:
    async def run(kill: bool) -> tuple[list[str], int]:
        engine = LocalEngine(default_model, EngineOptions(reuse=False))
        chat = Conversation(engine, Counter(engine, default_model), sampling=SHORT)
        for text in FIVE[:3]:
            await say(chat, text)
            if kill and engine.pid:
                os.kill(engine.pid, signal.SIGKILL)
                while engine.state == "ready":
                    await asyncio.sleep(0.01)
        await engine.close()
        return [node.content for node in chat.nodes], engine.starts

    whole, killed = await run(kill=False), await run(kill=True)
    assert whole[1] == 1
    assert killed[1] == 3
    assert killed[0] == whole[0]


async def test_an_engine_killed_in_a_reply_loses_nothing(small: Conversation) -> None:
    engine = small.engine
    assert isinstance(engine, LocalEngine)
    steps: list[Step] = []
    async for step in small.send("Tell me a story about the sea."):
        steps.append(step)
        if len(only(steps, Token)) == 5 and engine.pid:
            os.kill(engine.pid, signal.SIGKILL)
    assert isinstance(steps[-1], Failed)
    reply = small.nodes[-1]
    assert reply.status == "failed"
    assert "Nothing said is lost" in reply.note
    said = "".join(step.text for step in steps if isinstance(step, Token))
    assert reply.content == said != ""
    assert "process" not in reply.content
    await say(small, "Go on.")
    assert small.turns[-1].messages[1] == Message("assistant", said)
    assert small.nodes[-1].status in ("complete", "length")


async def test_stopping_keeps_the_text_and_marks_it_outside_the_text(chat: Conversation) -> None:
    chat.sampling = Sampling(max_tokens=400)
    async for step in chat.send("Tell me a long story."):
        if isinstance(step, Token) and len(chat.nodes[-1].content) > 30:
            asyncio.get_running_loop().create_task(chat.stop())
    reply = chat.nodes[-1]
    assert reply.status == "stopped"
    assert reply.content
    assert "stop" not in reply.content
    assert not chat.busy


async def test_stopping_in_prefill_leaves_a_question_that_can_be_asked_again(
    chat: Conversation,
) -> None:
    async for step in chat.send("word " * 800 + "Hi."):
        if isinstance(step, Prefill):
            asyncio.get_running_loop().create_task(chat.stop())
    assert (chat.nodes[-1].status, chat.nodes[-1].content) == ("stopped", "")
    # The empty reply is not sent on; the question is.
    assert [message.role for message in chat.messages("More?")] == ["user", "user"]


async def test_regenerate_keeps_the_earlier_answer(chat: Conversation) -> None:
    await say(chat, FIVE[0])
    first = chat.nodes[-1]
    steps = [step async for step in chat.regenerate(first)]
    second = chat.nodes[-1]
    assert isinstance(steps[0], Started)
    assert steps[0].user is None
    assert second is not first
    assert second.siblings == [first, second]
    assert second.content == first.content  # temperature 0: same in, same out
    assert chat.turns[1].tokens_new == 0
    first.choose()
    assert chat.nodes[-1] is first
    chat.sampling = Sampling(temperature=1.5, seed=5, max_tokens=24)
    _ = [step async for step in chat.regenerate(first)]
    assert chat.nodes[-1].content != first.content
    assert len(first.siblings) == 3


async def test_edit_and_resend_makes_a_branch(chat: Conversation) -> None:
    await say(chat, "Name a river.")
    await say(chat, "Another one.")
    question = chat.nodes[2]
    _ = [step async for step in chat.edit(question, "Name a mountain.")]
    assert [node.content for node in chat.nodes if node.role == "user"] == [
        "Name a river.",
        "Name a mountain.",
    ]
    assert list(chat.turns[-1].messages)[-1] == Message("user", "Name a mountain.")
    assert "Another one." not in chat.turns[-1].prompt.text  # type: ignore[union-attr]
    question.choose()
    assert [node.content for node in chat.nodes][2] == "Another one."
    assert chat.nodes[0].sent == 3


async def test_when_it_no_longer_fits_nothing_is_sent_and_nothing_is_dropped(
    small: Conversation,
) -> None:
    await say(small, "word " * 60 + "Hi.")
    before = list(small.nodes)
    with pytest.raises(Overflow) as over:
        for _ in range(9):
            before = list(small.nodes)
            await say(small, "word " * 50 + "Go on.")
    assert small.nodes == before
    assert not small.busy
    assert over.value.needed > over.value.available == 256 - 40
    assert over.value.first in before


async def test_a_message_that_can_never_fit_says_so(small: Conversation) -> None:
    small.policy = "drop-oldest"
    with pytest.raises(Overflow, match="This message does not fit") as over:
        await say(small, "word " * 500)
    assert over.value.first is None
    assert small.nodes == []


async def test_drop_oldest_moves_the_view_and_says_where_it_begins(small: Conversation) -> None:
    small.policy = "drop-oldest"
    moved: list[Step] = []
    for number in range(6):
        moved += only(await say(small, f"Fact {number}: " + "word " * 40), ViewMoved)
        budget = await small.budget()
        assert budget is not None
    assert moved
    last = moved[-1]
    assert isinstance(last, ViewMoved)
    assert last.first.role == "user"
    assert small.nodes[last.messages] is last.first
    text = small.turns[-1].prompt.text  # type: ignore[union-attr]
    assert "Fact 0" not in text
    assert "Fact 5" in text
    assert len(small.nodes) == 12  # the screen keeps all of it
    assert small.turns[-1].tokens_sent is not None
    assert small.turns[-1].tokens_sent <= 256 - 40


async def test_drop_oldest_makes_room_for_more_than_one_turn(small: Conversation) -> None:
    """Else the beginning would move with every turn, and nothing computed could be used again."""
    small.policy = "drop-oldest"
    small.sampling = Sampling(max_tokens=6)
    moved = []
    for number in range(12):
        moved.append(bool(only(await say(small, f"Fact {number}: " + "word " * 8), ViewMoved)))
    assert any(moved)
    assert not any(one and other for one, other in itertools.pairwise(moved))


async def test_a_summary_is_text_like_any_other(small: Conversation) -> None:
    small.policy = "summary"
    small.sampling = Sampling(max_tokens=20)
    steps: list[Step] = []
    for number in range(4):
        steps += await say(small, f"Fact {number}: the cat is called Tom. " + "la " * 30)
    told = only(steps, Summarised)
    assert told
    summary = told[-1]
    assert isinstance(summary, Summarised)
    assert summary.text
    assert summary.text in small.turns[-1].prompt.text  # type: ignore[union-attr]
    assert small.turns[-1].messages[0].role == "system"


async def test_a_system_prompt_goes_along_every_time(chat: Conversation) -> None:
    chat.system = "Answer in one word."
    for text in FIVE[:2]:
        await say(chat, text)
        assert chat.turns[-1].messages[0] == Message("system", "Answer in one word.")
    assert 0 in chat.turns[0].new
    assert 0 not in chat.turns[1].new
    budget = await chat.budget("hello")
    assert budget is not None
    prompt = await chat.counter.prompt(chat.messages("hello"))
    assert prompt is not None
    assert budget.sent == len(prompt)


async def test_the_hidden_system_prompt_is_counted_before_anything_is_typed(
    chat: Conversation,
) -> None:
    budget = await chat.budget()
    assert budget is not None
    assert budget.template > 20
    assert budget.draft == budget.earlier == 0


async def test_a_random_seed_is_kept_with_the_turn(chat: Conversation) -> None:
    chat.sampling = Sampling(temperature=1.3, max_tokens=12)
    await say(chat, "Name an animal.")
    first = chat.nodes[-1]
    facts = first.facts
    assert facts is not None
    assert facts.seed is not None
    chat.sampling = facts.sampling
    _ = [step async for step in chat.regenerate(first)]
    assert chat.nodes[-1].content == first.content


async def test_what_the_template_refuses_is_not_sent(
    engine: LocalEngine, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Conversation(engine, counter)

    async def refuse(*_: object, **__: object) -> None:
        raise TemplateError("The model's chat template refuses this: no")

    monkeypatch.setattr(counter, "prompt", refuse)
    with pytest.raises(TemplateError):
        await say(chat, "hello")
    assert chat.nodes == []


async def test_two_conversations_share_one_engine(engine: LocalEngine, counter: Counter) -> None:
    one, two = (Conversation(engine, counter, number=n, sampling=SHORT) for n in (1, 2))
    await asyncio.gather(say(one, "Name a river."), say(two, "Name a mountain."))
    assert one.nodes[1].status in ("complete", "length")
    assert "mountain" not in one.turns[0].prompt.text  # type: ignore[union-attr]
    assert "river" not in two.turns[0].prompt.text  # type: ignore[union-attr]


def test_a_title_is_the_first_words() -> None:
    chat = Conversation.__new__(Conversation)
    chat.root = Node("system", "")
    assert chat.title == ""
    chat.root.add("user", "  What\nis " + "x" * 60)
    assert chat.title.startswith("What is xxx")
    assert len(chat.title) == 40


async def test_the_reply_ends_with_done(chat: Conversation) -> None:
    steps = await say(chat, "Hi.")
    assert isinstance(steps[0], Started)
    assert isinstance(steps[-1], Done)


def test_parts_are_counted_anew_by_the_model_that_is_sent_them(counter: Counter) -> None:
    text = write([Part("file", "The dog is called Biscuit.", "a.md")], "Who?")
    node, plain = Node("user", text), Node("user", "No part.")
    messages = [Message("user", text), Message("user", "No part.")]
    template = ChatTemplate("{{ messages[0]['content'] }}{{ messages[1]['content'] }}")
    assert counter._vocabulary is not None
    counts = []
    for tokenizer in (ToyTokenizer(), counter._vocabulary):
        prompt = build_prompt(messages, template, tokenizer)
        _count_parts(prompt, messages, [node, plain])
        counts.append(node.part_tokens)
        assert plain.part_tokens == ()
    assert counts[0] != counts[1]
