"""One engine among several visitors: whose turn it is, and that nothing crosses."""

from __future__ import annotations

import asyncio
import json

import pytest

from chatapp.serving import desk
from chatapp.serving.limits import Limits
from tests.serving.visitors import Scripted, class_of, held, said


def order(engine: Scripted) -> list[str]:
    """What the model was asked, in order."""
    return [request.messages[-1].content for request in engine.requests]


async def test_visitors_are_answered_in_turn_whoever_asked_more() -> None:
    engine, gates = held(*[("ok",)] * 6)
    async with class_of(engine) as room:
        many, one, two = await room.enter(), await room.enter(), await room.enter()
        for n in range(4):
            many.ask(n, messages=said(f"many {n}"))
        await many.until(lambda: many.of(0, "prompt"), "the first is being answered")
        await asyncio.sleep(0.05)
        one.ask(1, messages=said("one"))
        two.ask(1, messages=said("two"))
        await two.until(lambda: two.of(1, "place"), "a place")
        for gate in gates:
            gate.set()
        await asyncio.gather(many.end_of(3), one.end_of(1), two.end_of(1))
    assert order(engine) == ["many 0", "many 1", "one", "two", "many 2", "many 3"]


async def test_who_waits_is_told_how_many_are_before() -> None:
    engine, gates = held(("a",), ("b",), ("c",))
    async with class_of(engine) as room:
        first, second, third = await room.enter(), await room.enter(), await room.enter()
        first.ask(1)
        await first.until(lambda: first.of(1, "prompt"))
        second.ask(1)
        await second.until(lambda: second.of(1, "place"))
        third.ask(7)
        await third.until(lambda: third.of(7, "place"))
        gates[0].set()
        await second.until(lambda: second.of(1, "prompt"))
        gates[1].set()
        gates[2].set()
        await third.end_of(7)
        assert [e["before"] for e in second.of(1, "place")] == [1, 0]
        assert [e["before"] for e in third.of(7, "place")] == [2, 1, 0]
        assert not [e for e in first.told if e["type"] == "place" and e["before"]]


async def test_counting_does_not_wait_behind_a_reply() -> None:
    engine, gates = held(("slow",))
    async with class_of(engine) as room:
        first, second = await room.enter(), await room.enter()
        first.ask(1)
        await first.until(lambda: first.of(1, "prompt"))
        second.ask(1, "render")
        assert (await second.end_of(1))["text"]
        first.ask(2, "render")
        assert (await first.end_of(2))["text"]
        assert not first.of(1, "done")
        gates[0].set()
        await first.end_of(1)


async def test_the_same_ids_belong_to_each_visitor_alone() -> None:
    engine, gates = held(("for the first",), ("for the second",))
    async with class_of(engine) as room:
        first, second = await room.enter(), await room.enter()
        first.ask(1, messages=said("marker-1"))
        await first.until(lambda: first.of(1, "prompt"))
        second.ask(1, messages=said("marker-2"))
        await second.until(lambda: second.of(1, "place"))
        # Cancelling what has one's own id, or what another's might be called, reaches nobody else.
        second.ask(50, "cancel", target=2)
        assert (await second.end_of(50))["cancelled"] is False
        gates[0].set()
        gates[1].set()
        assert (await first.end_of(1))["text"] == "for the first"
        assert (await second.end_of(1))["text"] == "for the second"
    for mine, other in ((first, "2"), (second, "1")):
        assert f"marker-{other}" not in json.dumps(mine.told)


async def test_cancelling_stops_what_waits_and_what_runs() -> None:
    engine, gates = held(("never",), ("other",))
    async with class_of(engine) as room:
        first, second = await room.enter(), await room.enter()
        first.ask("a")
        await first.until(lambda: first.of("a", "prompt"))
        first.ask("b")
        second.ask("a")
        await second.until(lambda: second.of("a", "place"))
        first.ask(90, "cancel", target="b")
        assert (await first.end_of("b"))["reason"] == "cancelled"
        first.ask(91, "cancel", target="a")
        assert (await first.end_of("a"))["reason"] == "cancelled"
        gates[1].set()
        assert (await second.end_of("a"))["text"] == "other"
    assert len(engine.requests) == 2


async def test_a_score_can_be_given_up_and_is_answered_in_turn() -> None:
    engine, gates = held(("ok",))
    async with class_of(engine) as room:
        first, second = await room.enter(), await room.enter()
        first.ask(1, "score", continuations=["x"])
        await asyncio.sleep(0.05)
        second.ask(1)
        first.ask(2, "cancel", target=1)
        assert (await first.end_of(1))["cancelled"] is True
        gates[0].set()
        await second.end_of(1)
        engine.scoring.set()
        first.ask(3, "score", continuations=["x", "y"])
        assert len((await first.end_of(3))["scores"]) == 2


async def test_a_flood_is_held_back_and_the_others_go_on() -> None:
    engine, gates = held(*[("ok",)] * 30)
    async with class_of(engine, Limits(per_minute=6)) as room:
        flood, calm = await room.enter(), await room.enter()
        for n in range(60):
            flood.ask(n)
        calm.ask(1)
        await calm.until(lambda: calm.of(1, "place"))
        for gate in gates:
            gate.set()
        await calm.end_of(1)
        await flood.until(lambda: flood.of(30, "error"), "refused")
        refused = [e["message"] for e in flood.told if e["type"] == "error"]
        assert any("4 of your requests wait already" in text for text in refused)
        await flood.end_of(59)
        assert "6 times a minute" in flood.of(59, "error")[0]["message"]
        # No more was computed than a minute allows, and of 60 lines some had to wait unread.
        assert len(order(engine)) <= 7
        calm.ask(2)
        assert (await calm.end_of(2))["type"] == "done"


async def test_lines_are_read_no_faster_than_anybody_works() -> None:
    async with class_of(Scripted()) as room:
        flood = await room.enter()
        began = asyncio.get_running_loop().time()
        for n in range(60):
            flood.ask(n, "info")
        await flood.end_of(59)
        # 40 at once, then 20 a second.
        assert asyncio.get_running_loop().time() - began >= 0.9


async def test_who_leaves_frees_the_model_for_the_others() -> None:
    engine, gates = held(("never",), ("ok",))
    async with class_of(engine) as room:
        first, second = await room.enter(), await room.enter()
        first.ask(1)
        first.ask(2)
        await first.until(lambda: first.of(1, "prompt"))
        second.ask(1)
        await second.until(lambda: second.of(1, "place"))
        await first.leave()
        gates[1].set()
        assert (await second.end_of(1))["text"] == "ok"
        assert len(room.broker.desks) == 1
    assert len(engine.requests) == 2


async def test_who_does_not_read_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "MAX_UNREAD", 50_000)
    async with class_of(Scripted()) as room:
        deaf = await room.enter()
        deaf.listening.cancel()
        await asyncio.gather(deaf.listening, return_exceptions=True)
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for n in range(30):
            deaf.ask(n, "render", messages=said("word " * 5_000))
        async with asyncio.timeout(20):
            while room.broker.desks:
                await asyncio.sleep(0.05)
        calm = await room.enter()
        calm.ask(1)
        assert (await calm.end_of(1))["type"] == "done"
        deaf.listening = asyncio.create_task(asyncio.sleep(0))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"what is this\n", "not JSON"),
        (b"[1, 2]\n", "must be a JSON object"),
        (b'{"type": "generate"}\n', "needs an 'id'"),
        (b'{"id": true, "type": "info"}\n', "needs an 'id'"),
        (b'{"id": 5, "type": "adapter", "path": "/etc/passwd"}\n', "the same for everyone"),
        (b'{"id": 5, "type": "fingerprint"}\n', "the same for everyone"),
        (b'{"id": 5, "type": "cancel", "target": [1]}\n{"id": 6, "type": "x"}\n', "must be one of"),
        (b'{"id": 5, "type": "generate", "messages": []}\n', "at least one message"),
        (b'{"id": 5, "type": "score", "messages": [{"role": "user", "content": ""}]}\n', "list"),
        (b"[" * 200_000 + b"\n", "not JSON"),
        (b'{"id": 5, "type": "info", "x": "' + b"x" * (1 << 20) + b'"}\n', "too long"),
    ],
)
async def test_a_damaged_line_is_answered_and_harms_nobody(line: bytes, says: str) -> None:
    async with class_of(Scripted()) as room:
        clumsy = await room.enter()
        clumsy.write(line)
        await clumsy.until(
            lambda: any(says in e.get("message", "") for e in clumsy.told), f"“{says}”"
        )
        clumsy.ask(9)
        assert (await clumsy.end_of(9))["type"] == "done"


async def test_a_reply_is_no_longer_than_everyones_and_it_is_said() -> None:
    engine, gates = held(("a", "b", "c"), ("a", "b", "c"))
    engine.replies[0].reason = "length"
    gates[0].set()
    gates[1].set()
    limits = Limits(reply_tokens=3, total_tokens=60)
    async with class_of(engine, limits) as room:
        visitor = await room.enter()
        visitor.ask(1, sampling={"max_tokens": 500})
        await visitor.end_of(1)
        assert engine.requests[0].sampling.max_tokens == 3
        notes = [e["message"] for e in visitor.told if e["type"] == "note"]
        assert notes == ["The reply ends here: 3 tokens is the most for everyone."]
        while visitor.visitor.left:
            number = len(visitor.told) + 100
            visitor.ask(number)
            await visitor.end_of(number)
        visitor.ask(999)
        assert "are used up" in (await visitor.end_of(999))["message"]
        # Another page of the same visitor does not begin anew; another visitor does.
        again, other = await room.enter(visitor.visitor), await room.enter()
        again.ask(1)
        assert "are used up" in (await again.end_of(1))["message"]
        other.ask(1)
        assert (await other.end_of(1))["type"] == "done"


async def test_an_answer_that_takes_too_long_is_stopped() -> None:
    engine, gates = held(("never",), ("ok",))
    async with class_of(engine, Limits(reply_seconds=1)) as room:
        slow, other = await room.enter(), await room.enter()
        slow.ask(1)
        await slow.until(lambda: slow.of(1, "prompt"))
        other.ask(1)
        gates[1].set()
        assert (await slow.end_of(1))["reason"] == "cancelled"
        assert "after 1 seconds" in next(e["message"] for e in slow.told if e["type"] == "note")
        assert (await other.end_of(1))["text"] == "ok"
        slow.ask(2, "score", continuations=["x"])
        assert "after 1 seconds" in (await slow.end_of(2))["message"]
