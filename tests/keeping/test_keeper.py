"""Keeping a session: by consent, before the model runs, and never at the cost of a turn."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from chatapp.archive import ledger, marks, sessions
from chatapp.archive.records import Weights
from chatapp.archive.store import NAME, Store
from chatapp.conversation import Conversation, Started
from chatapp.conversation.corrections import Correction
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling, Token
from chatapp.errors import EngineDied, StoreError
from chatapp.keeping.archive import Archive
from chatapp.keeping.keeper import Keeper
from chatapp.keeping.turns import Answered, snapshot
from tests.keeping.conftest import BY, Make, say, stored, told
from tests.scripted import Reply, ScriptedEngine


async def test_off_makes_no_file_at_all(tmp_path: Path, make: Make) -> None:
    keeper = make()
    await say(keeper, "Nobody keeps this")
    assert (keeper.state, keeper.id, list(tmp_path.iterdir())) == ("off", "", [])


async def test_a_message_is_on_the_disk_before_the_model_runs(tmp_path: Path, make: Make) -> None:
    go = asyncio.Event()
    keeper = make(Reply(("Hello", "."), arrive=go))
    await keeper.set_state("kept")
    steps = keeper.follow(keeper.conversation.send("Is this kept?"))
    async for step in steps:
        if isinstance(step, Started):
            # The engine has not been asked yet.
            engine = keeper.conversation.engine
            assert isinstance(engine, ScriptedEngine)
            assert engine.requests == []
            raw = sqlite3.connect(tmp_path / NAME)
            assert raw.execute("SELECT content, status FROM messages").fetchall() == [
                ("Is this kept?", "complete"),
                ("", "streaming"),
            ]
            raw.close()
            go.set()
    assert told(stored(tmp_path, keeper.id)) == [
        ("Is this kept?", "complete"),
        ("Hello.", "complete"),
    ]


async def test_a_reply_is_stored_as_it_streams(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.keeping.keeper._FLUSH", 0.0)
    keeper = make(Reply(("One", " two", " three"), pace=0.05))
    await keeper.set_state("kept")
    seen: set[str] = set()
    async for step in keeper.follow(keeper.conversation.send("Count")):
        if isinstance(step, Token):
            raw = sqlite3.connect(tmp_path / NAME)
            seen.add(raw.execute("SELECT content FROM messages WHERE id = 2").fetchone()[0])
            raw.close()
    assert {"One", "One two"} & seen


async def test_raising_keeps_the_session_from_its_beginning_with_its_branches(
    tmp_path: Path, make: Make
) -> None:
    keeper = make(Reply(("A1",)), Reply(("A2",)), Reply(("A3",)), Reply(("A4",)))
    talk = keeper.conversation
    await say(keeper, "Q1")
    await say(keeper, "Q2")
    async for _ in keeper.follow(talk.regenerate(talk.nodes[1])):
        pass
    talk.root.children[0].children[0].choose()
    await keeper.set_state("training")
    session = stored(tmp_path, keeper.id)
    assert told(session) == [(text, "complete") for text in ("Q1", "A1", "Q2", "A2")]
    assert {message.content for message in session.messages} == {"Q1", "A1", "Q2", "A2", "A3"}
    assert all(
        message.turn is not None and message.turn.weights == BY.weights
        for message in session.messages
        if message.role == "assistant"
    )
    assert session.info.title == "Q1"
    await say(keeper, "Q3")
    assert [text for text, _ in told(stored(tmp_path, keeper.id))][-2:] == ["Q3", "A4"]


async def test_a_turn_is_kept_with_its_settings_counts_and_weights(
    tmp_path: Path, make: Make
) -> None:
    sampling = Sampling(temperature=0.7, seed=5, max_tokens=40, stop=("END",))
    keeper = make(Reply(("A",)), sampling=sampling, system="Be brief.")
    await keeper.set_state("kept")
    await say(keeper, "Q")
    facts = keeper.conversation.turns[0]
    turn = stored(tmp_path, keeper.id).messages[1].turn
    assert turn is not None
    assert turn.sampling == {**sampling.as_dict(), "stop": ["END"]}
    assert (turn.system, turn.window, turn.weights) == ("Be brief.", 2048, BY.weights)
    assert (turn.tokens_sent, turn.computed) == (facts.tokens_sent, facts.computed)
    assert turn.arrived
    assert len(turn.prompt_sha256 or "") == 64


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(("a", "b"), error=EngineDied("killed"), fail_after=1), "failed"),
        (Reply(("a", "b"), reason="length"), "length"),
    ],
)
async def test_a_reply_that_broke_off_is_kept_as_what_it_is(
    tmp_path: Path, make: Make, reply: Reply, status: str
) -> None:
    keeper = make(reply)
    await keeper.set_state("training")
    await say(keeper, "Q")
    assert told(stored(tmp_path, keeper.id))[1][1] == status
    with pytest.raises(StoreError, match="Only a complete reply"):
        await keeper.mark(keeper.conversation.nodes[1], "liked")


async def test_a_turn_that_is_cancelled_is_kept_as_far_as_it_came(
    tmp_path: Path, make: Make
) -> None:
    keeper = make(Reply(("One", " two", " three"), pace=0.02))
    await keeper.set_state("kept")
    started = asyncio.Event()

    async def follow() -> None:
        async for step in keeper.follow(keeper.conversation.send("Count")):
            if isinstance(step, Token):
                started.set()

    task = asyncio.create_task(follow())
    await started.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    text, status = told(stored(tmp_path, keeper.id))[1]
    assert text.startswith("One")
    assert status == "stopped"


async def test_lowering_to_off_deletes_and_raising_again_is_another_session(
    tmp_path: Path, make: Make
) -> None:
    keeper = make()
    await keeper.set_state("kept")
    await say(keeper, "A secretword")
    first = keeper.id
    await keeper.set_state("off")
    assert (keeper.state, keeper.id) == ("off", "")
    for file in tmp_path.iterdir():
        assert b"secretword" not in file.read_bytes()
    await say(keeper, "Not kept")
    await keeper.set_state("kept")
    assert keeper.id != first
    with Store(tmp_path / NAME) as store:
        assert [info.id for info in sessions.listed(store)] == [keeper.id]
        entries = [(entry.session, entry.state) for entry in ledger.consents(store)]
    assert entries == [(first, "kept"), (first, "off"), (keeper.id, "kept")]
    assert len(stored(tmp_path, keeper.id).messages) == 4


async def test_the_state_can_change_while_a_reply_streams(tmp_path: Path, make: Make) -> None:
    keeper = make(Reply(("One", " two"), pace=0.02), Reply(("Three", " four"), pace=0.02))
    async for step in keeper.follow(keeper.conversation.send("Q1")):
        if isinstance(step, Token) and keeper.state == "off":
            await keeper.set_state("kept")
    assert told(stored(tmp_path, keeper.id))[1] == ("One two", "complete")
    async for step in keeper.follow(keeper.conversation.send("Q2")):
        if isinstance(step, Token) and keeper.state == "kept":
            await keeper.set_state("off")
    with Store(tmp_path / NAME) as store:
        assert sessions.count(store) == 0


async def test_another_branch_in_sight_is_another_branch_in_the_store(
    tmp_path: Path, make: Make
) -> None:
    keeper = make(Reply(("A1",)), Reply(("A2",)))
    await keeper.set_state("kept")
    await say(keeper, "Q")
    talk = keeper.conversation
    async for _ in keeper.follow(talk.regenerate(talk.nodes[1])):
        pass
    assert told(stored(tmp_path, keeper.id))[1][0] == "A2"
    first = talk.root.children[0].children[0]
    first.choose()
    await keeper.chose(first)
    assert told(stored(tmp_path, keeper.id))[1][0] == "A1"


async def test_a_correction_becomes_one_record_whenever_it_was_made(
    tmp_path: Path, make: Make
) -> None:
    keeper = make(Reply(("The capital of Turkey is Istanbul.",)))
    await say(keeper, "What is the capital of Turkey?")
    reply = keeper.conversation.nodes[1]
    assert reply.facts is not None
    correction = Correction(
        context=list(reply.facts.messages),
        reply=reply,
        wrong="Istanbul",
        right="Ankara",
        said="No, it is Ankara.",
    )
    await keeper.correct(correction)
    await say(keeper, "No, it is Ankara.")
    await keeper.set_state("training")
    await keeper.set_state("kept")
    await keeper.set_state("training")
    with Store(tmp_path / NAME) as store:
        (example,) = marks.examples(store)
    assert [message.content for message in example.prompt] == ["What is the capital of Turkey?"]
    assert example.chosen == "The capital of Turkey is Ankara."
    assert example.rejected == "The capital of Turkey is Istanbul."
    assert (example.session, example.turn) == (keeper.id, 1)
    assert example.weights == BY.weights
    assert example.consent is not None
    assert example.consent.state == "training"


async def test_a_conversation_can_be_saved_elsewhere_without_any_store(make: Make) -> None:
    keeper = make(Reply(("A1",)), Reply(("A2",)))
    await say(keeper, "Q")
    async for _ in keeper.follow(keeper.conversation.regenerate(keeper.conversation.nodes[1])):
        pass
    session = snapshot(keeper.conversation, keeper.answered)
    assert [message.content for message in session.branch()] == ["Q", "A2"]
    assert [message.sent for message in session.messages] == [2, 0, 0]
    assert session.info.state == "off"
    assert session.messages[1].turn is not None


async def test_a_turn_that_is_cancelled_twice_is_kept_all_the_same(
    tmp_path: Path, make: Make
) -> None:
    keeper = make(Reply(("One", " two", " three"), each=asyncio.Semaphore(2)))
    await keeper.set_state("kept")
    both = asyncio.Event()

    async def follow() -> None:
        async for _ in keeper.follow(keeper.conversation.send("Count")):
            if keeper.conversation.nodes[-1].content == "One two":
                both.set()

    task = asyncio.create_task(follow())
    await both.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert told(stored(tmp_path, keeper.id))[1] == ("One two", "stopped")


async def test_the_weights_of_a_turn_are_those_known_at_its_end(
    tmp_path: Path, archive: Archive
) -> None:
    engine = ScriptedEngine()
    known = [Answered(Weights(model="m"), 2048)]
    keeper = Keeper(archive, Conversation(engine, Counter(engine, None)), by=lambda: known[-1])
    await keeper.set_state("kept")
    async for step in keeper.follow(keeper.conversation.send("Q")):
        if isinstance(step, Token):
            known.append(Answered(Weights(model="m", sha256="ef" * 32), 2048))
    turn = stored(tmp_path, keeper.id).messages[1].turn
    assert turn is not None
    assert turn.weights.sha256 == "ef" * 32


async def test_marks_go_with_the_session_and_only_fit_what_is_stored(
    tmp_path: Path, make: Make
) -> None:
    keeper = make(Reply(("A1",)))
    await say(keeper, "Q1")
    reply = keeper.conversation.nodes[1]
    assert "kept can be marked" in keeper.unfit(reply)
    await keeper.set_state("training")
    await keeper.mark(reply, "liked", "short")
    assert keeper.marks[reply].reason == "short"
    await keeper.mark(reply, "disliked")
    with Store(tmp_path / NAME) as store:
        assert [example.kind for example in marks.examples(store)] == ["disliked"]
    await keeper.unmark(reply)
    assert reply not in keeper.marks
    await keeper.mark(reply, "liked")
    await keeper.set_state("off")
    assert not keeper.marks


async def test_a_system_prompt_that_changes_stays_with_its_turns(
    tmp_path: Path, make: Make
) -> None:
    keeper = make(Reply(("A1",)), Reply(("A2",)), Reply(("A3",)), system="First.")
    await keeper.set_state("training")
    await say(keeper, "Q1")
    keeper.conversation.system = "Second."
    await say(keeper, "Q2")
    keeper.conversation.system = ""
    await say(keeper, "Q3")
    session = stored(tmp_path, keeper.id)
    turns = [message.turn for message in session.messages if message.turn is not None]
    assert [turn.system for turn in turns] == ["First.", "Second.", ""]
    with Store(tmp_path / NAME) as store:
        for message in session.messages[1::2]:
            marks.mark(store, keeper.id, message.id, "liked")
        prompts = {example.turn: example.prompt[0].content for example in marks.examples(store)}
    assert prompts == {1: "First.", 2: "Second.", 3: "Q1"}
