"""Reopened means sent again: the same request, and from the real model the same bits."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import struct
from pathlib import Path

from chatapp.archive import sessions
from chatapp.archive.records import StoredSession, Weights
from chatapp.archive.search import search
from chatapp.archive.store import NAME, Store
from chatapp.context.parts import Part, with_notes, write
from chatapp.conversation import Conversation
from chatapp.engine.client import LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Done, Sampling, Sent, Token
from chatapp.keeping.archive import Archive
from chatapp.keeping.keeper import Keeper
from chatapp.keeping.reopening import reopen, request_of
from chatapp.keeping.turns import Answered
from tests.scripted import Reply, ScriptedEngine

BY = Answered(Weights(model="m", sha256="cd" * 32), 2048)


async def kept(archive: Archive, talk: Conversation, *texts: str) -> str:
    keeper = Keeper(archive, talk, by=lambda: BY)
    await keeper.set_state("kept")
    for text in texts:
        async for _ in keeper.follow(talk.send(text)):
            pass
    return keeper.id


def stored(tmp_path: Path, name: str) -> StoredSession:
    with Store(tmp_path / NAME) as store:
        return sessions.load(store, name)


async def test_any_turn_can_be_sent_again_exactly(
    tmp_path: Path, engine: LocalEngine, counter: Counter
) -> None:
    archive = Archive(tmp_path)
    sampling = Sampling(temperature=0.8, seed=3, max_tokens=24)
    talk = Conversation(engine, counter, sampling=sampling, system="Be brief.")
    name = await kept(archive, talk, "What is the capital of Turkey?", "Name a river.")
    await archive.close()
    session = stored(tmp_path, name)
    replies = [message for message in session.messages if message.turn is not None]
    assert len(replies) == 2
    for reply in replies:
        assert reply.turn is not None
        text, hashes = "", []
        async for event in engine.generate(request_of(session, reply)):
            if isinstance(event, Sent):
                assert event.prompt is not None
                ids = event.prompt.tokens
                packed = struct.pack(f"<{len(ids)}i", *ids)
                assert hashlib.sha256(packed).hexdigest() == reply.turn.prompt_sha256
            elif isinstance(event, Token) and event.logits:
                hashes.append(event.logits)
            elif isinstance(event, Done):
                text = event.text
        assert text == reply.content
        assert hashes == [reply.turn.first_logits]


async def test_a_reopened_session_goes_on_as_if_it_had_not_been_closed(
    tmp_path: Path, engine: LocalEngine, counter: Counter
) -> None:
    archive = Archive(tmp_path)
    talk = Conversation(engine, counter, sampling=Sampling(max_tokens=24))
    name = await kept(archive, talk, "What is the capital of Turkey?", "Name a river.")
    again = Conversation(engine, counter, sampling=Sampling(max_tokens=24))
    session = stored(tmp_path, name)
    ids = reopen(again, session)
    assert again.messages("And?") == talk.messages("And?")
    assert [node.sent for node in again.nodes] == [node.sent for node in talk.nodes]
    assert again.total_sent == talk.total_sent
    assert [turn.tokens_sent for turn in again.turns] == [turn.tokens_sent for turn in talk.turns]
    keeper = Keeper(archive, again, by=lambda: BY)
    keeper.resume(session, ids)
    async for _ in keeper.follow(again.send("And another?")):
        pass
    async for _ in talk.send("And another?"):
        pass
    await archive.close()
    assert again.nodes[-1].content == talk.nodes[-1].content
    assert again.turns[-1].tokens_sent == talk.turns[-1].tokens_sent
    texts = [message.content for message in stored(tmp_path, name).branch()]
    assert texts == [node.content for node in talk.nodes]


async def test_a_shortened_view_and_its_summary_come_back(tmp_path: Path) -> None:
    long = "word " * 60
    engine = ScriptedEngine([Reply((f"answer {n}",)) for n in range(9)], window=400)
    talk = Conversation(
        engine, Counter(engine, None), policy="drop-oldest", sampling=Sampling(max_tokens=40)
    )
    archive = Archive(tmp_path)
    name = await kept(archive, talk, *(f"{long}{n}" for n in range(5)))
    await archive.close()
    assert talk.view.first is not None
    again = Conversation(engine, Counter(engine, None), policy="drop-oldest")
    session = stored(tmp_path, name)
    reopen(again, session)
    assert again.messages() == talk.messages()
    assert [node.sent for node in again.nodes] == [node.sent for node in talk.nodes]
    last = session.messages[-1]
    assert request_of(session, last).messages == list(talk.turns[-1].messages)


async def test_a_reply_that_broke_off_with_the_program_is_marked_when_it_is_reopened(
    tmp_path: Path,
) -> None:
    archive = Archive(tmp_path)
    go = asyncio.Event()
    engine = ScriptedEngine([Reply(("Once", "upon", " a time"), each=asyncio.Semaphore(2))])
    keeper = Keeper(archive, Conversation(engine, Counter(engine, None)), by=lambda: BY)
    await keeper.set_state("kept")

    async def say() -> None:
        async for step in keeper.follow(keeper.conversation.send("Tell me")):
            if isinstance(step, Token):
                go.set()

    task = asyncio.create_task(say())
    await go.wait()
    # As a program that is killed here leaves it: what was written so far stays, and nothing else.
    await asyncio.sleep(0.1)
    copy = tmp_path / "killed"
    copy.mkdir()
    for file in tmp_path.glob(f"{NAME}*"):
        shutil.copy(file, copy)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await archive.close()
    with Store(copy / NAME) as store:
        assert [hit.role for hit in search(store, "tell me")] == ["user"]
        name = sessions.listed(store)[0].id
        broken = sessions.load(store, name).messages[1]
    assert (broken.content, broken.status) == ("Once", "stopped")
    assert broken.turn is not None
    assert broken.turn.sampling["seed"] is not None
    engine = ScriptedEngine()
    talk = Conversation(engine, Counter(engine, None))
    session = stored(copy, name)
    ids = reopen(talk, session)
    archive = Archive(copy)
    keeper = Keeper(archive, talk, by=lambda: BY)
    keeper.resume(session, ids)
    async for _ in keeper.follow(talk.send("Go on")):
        pass
    await archive.close()
    with Store(copy / NAME) as store:
        assert [hit.role for hit in search(store, "once")] == ["assistant"]
        status = [message.status for message in sessions.load(store, name).messages]
    assert status == ["complete", "stopped", "complete", "complete"]


async def test_a_reopened_session_goes_on_with_the_system_prompt_that_it_had_last(
    tmp_path: Path,
) -> None:
    long = "word " * 60
    engine = ScriptedEngine([Reply(("A summary.",))] * 9, window=400)
    talk = Conversation(
        engine,
        Counter(engine, None),
        system="First.",
        policy="summary",
        sampling=Sampling(max_tokens=40),
    )
    archive = Archive(tmp_path)
    keeper = Keeper(archive, talk, by=lambda: BY)
    await keeper.set_state("kept")
    for number in range(5):
        talk.system = "First." if number < 2 else "Second."
        async for _ in keeper.follow(talk.send(f"{long}{number}")):
            pass
    await archive.close()
    assert talk.view.summary
    again = Conversation(engine, Counter(engine, None))
    reopen(again, stored(tmp_path, keeper.id))
    assert again.system == "Second."
    assert again.messages() == talk.messages()


async def test_a_reopened_session_goes_on_knowing_what_answered(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    engine = ScriptedEngine([Reply(("One", " two"), reason="cancelled"), Reply(("A",))])
    talk = Conversation(engine, Counter(engine, None))
    name = await kept(archive, talk, "Q1", "Q2")
    with Store(tmp_path / NAME) as store, store.writing() as db:
        # As a program that was killed leaves it.
        db.execute("UPDATE messages SET status = 'streaming' WHERE content = 'One two'")
    session = stored(tmp_path, name)
    again = Conversation(engine, Counter(engine, None))
    ids = reopen(again, session)
    keeper = Keeper(archive, again, by=lambda: Answered(Weights(model="another")))
    keeper.resume(session, ids)
    assert keeper.state == "kept"
    turns = [message.turn for message in keeper.snapshot().messages if message.turn]
    assert [turn.weights for turn in turns] == [BY.weights, BY.weights]
    async for _ in keeper.follow(again.send("Q3")):
        pass
    await archive.close()
    after = [message for message in stored(tmp_path, name).messages if message.turn]
    assert [message.turn.weights.model for message in after if message.turn] == [
        BY.weights.model,
        BY.weights.model,
        "another",
    ]
    assert after[0].status == "stopped"
    assert after[0].turn is not None
    assert after[0].turn.window == BY.window


async def test_notes_and_attachments_come_back_as_what_they_are(
    tmp_path: Path, engine: LocalEngine, counter: Counter
) -> None:
    archive = Archive(tmp_path)
    sampling = Sampling(max_tokens=8)
    notes = ["My dog is called Biscuit."]
    talk = Conversation(engine, counter, sampling=sampling, system="Be brief.", notes=notes)
    text = write([Part("file", "The cat is called Muffin.", "pets.md")], "What is the cat called?")
    name = await kept(archive, talk, text)
    await archive.close()
    session = stored(tmp_path, name)
    assert session.system == with_notes("Be brief.", notes)
    again = Conversation(engine, counter, sampling=sampling)
    reopen(again, session)
    assert (again.system, again.notes) == ("Be brief.", tuple(notes))
    assert again.messages() == talk.messages()
    assert again.nodes[0].part_tokens is None
    for one in (talk, again):
        async for _ in one.send("And the dog?"):
            pass
    assert again.turns[-1].first_logits == talk.turns[-1].first_logits
    assert again.nodes[0].part_tokens == talk.nodes[0].part_tokens
    assert again.nodes[0].part_tokens
