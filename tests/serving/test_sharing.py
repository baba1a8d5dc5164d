"""The real model shared: every answer is the one that a visitor would get alone."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

from chatapp.context.messages import Message
from chatapp.conversation import Conversation
from chatapp.conversation.failure import why
from chatapp.engine.client import LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Done, Generate, Sampling, Score, Sent, Token
from chatapp.engine.shared import SharedEngine
from chatapp.errors import HostGone
from chatapp.proofs.new_session import prove_forgotten
from chatapp.tui.correcting import Told, keep
from tests.serving.visitors import Class, class_of, said

LONG = "Tell me about rivers. " * 40
"""More than two blocks, so that it could be reused."""


def question(number: int, tokens: int = 12) -> Generate:
    sampling = Sampling(max_tokens=tokens, temperature=0.7, seed=number)
    messages = [Message("user", f"{LONG}What is {number} plus {number}?")]
    return Generate(messages=messages, sampling=sampling, hashes=True)


async def answer(engine: LocalEngine | SharedEngine, request: Generate) -> list[tuple[int, str]]:
    """Tokens and the hashes of their logits."""
    found = []
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Token) and event.token is not None:
                found.append((event.token, str(event.logits)))
    return found


async def shared(room: Class, engine: LocalEngine) -> SharedEngine:
    return SharedEngine(engine.weights, await room.socket(room.admit()), engine.options)


async def test_a_shared_answer_is_the_answer_that_one_would_get_alone(engine: LocalEngine) -> None:
    alone = [await answer(engine, question(n)) for n in range(3)]
    async with class_of(engine) as room:
        visitors = [await shared(room, engine) for _ in range(3)]
        ready = await visitors[0].start()
        assert (ready.window, ready.pid) == (2048, engine.pid)
        for _ in range(2):  # the second time with what each one's first has left in the cache
            together = await asyncio.gather(
                *(answer(one, question(n)) for n, one in enumerate(visitors))
            )
            assert together == alone
        scores = Score(messages=[Message("user", "Hi")], continuations=["Hello", "Bye"])
        assert (await visitors[0].score(scores)).scores == (await engine.score(scores)).scores
        assert await visitors[1].render([Message("user", "Hi")]) == await engine.render(
            [Message("user", "Hi")]
        )
        for one in visitors:
            await one.close()


async def test_nobody_can_tell_from_reuse_what_somebody_else_sent(engine: LocalEngine) -> None:
    async def reused(visitor: SharedEngine) -> int | None:
        async with aclosing(visitor.generate(question(1, tokens=1))) as events:
            found = [event.reused async for event in events if isinstance(event, Sent)]
        return found[0]

    async with class_of(engine) as room:
        first, second = await shared(room, engine), await shared(room, engine)
        assert await reused(first) == 0
        assert await reused(second) == 0  # the same prompt, from somebody else
        assert await reused(first) > 0  # what was computed for oneself is still there
        assert await reused(second) > 0
        by_hand = await room.enter()
        mine = said(question(1).messages[0].content)
        by_hand.ask(1, scope=room.door.visitors[0].scope, messages=mine)
        assert (await by_hand.end_of(1))["reused"] == 0  # claiming another's scope is no use
        await first.close()
        await second.close()


async def test_a_killed_model_is_started_again_and_the_others_go_on(
    small_engine: LocalEngine,
) -> None:
    async with class_of(small_engine) as room:
        unlucky, other = await room.enter(), await room.enter()
        unlucky.ask(1, sampling={"max_tokens": 150}, messages=said("Count to a hundred."))
        await unlucky.until(lambda: unlucky.of(1, "token"))
        other.ask(1, sampling={"max_tokens": 3})
        small_engine.kill()
        assert (await unlucky.end_of(1))["kind"] == "died"
        assert (await other.end_of(1))["type"] == "done"
        await other.until(lambda: len(other.of(0, "ready")) == 2, "told of the restart")
        first, second = (event["starts"] for event in other.of(0, "ready"))
        assert second == first + 1
        unlucky.ask(2, sampling={"max_tokens": 3})
        assert (await unlucky.end_of(2))["type"] == "done"


async def test_each_sees_only_what_is_one_s_own(engine: LocalEngine) -> None:
    async with class_of(engine) as room:
        visitors = [await room.enter() for _ in range(5)]
        for n, one in enumerate(visitors):
            one.ask(
                1, messages=said(f"Repeat after me: marker-{n}-end"), sampling={"max_tokens": 16}
            )
        for one in visitors:
            await one.end_of(1)
        for n, one in enumerate(visitors):
            told = json.dumps(one.told)
            assert f"marker-{n}-end" in told
            assert not any(f"marker-{m}-end" in told for m in range(5) if m != n)


async def test_stopping_a_shared_reply_ends_it_where_it_is(engine: LocalEngine) -> None:
    async with class_of(engine) as room:
        visitor = await shared(room, engine)
        request = question(3, tokens=150)
        ended = None
        async with aclosing(visitor.generate(request)) as events:
            async for event in events:
                if isinstance(event, Token):
                    asyncio.get_running_loop().create_task(visitor.cancel(request))
                ended = event if isinstance(event, Done) else ended
        assert ended is not None
        assert ended.reason == "cancelled"
        assert ended.prompt_tokens  # the engine's own account, not one made up on the way
        await visitor.close()


async def test_when_the_owner_ends_the_shared_engine_says_so(engine: LocalEngine) -> None:
    lost: list[bool] = []
    async with class_of(engine) as room:
        visitor = await shared(room, engine)
        visitor.on_lost = lambda: lost.append(True)
        await visitor.start()
        assert visitor.state == "ready"
    await asyncio.sleep(0.05)
    assert lost == [True]
    assert visitor.state == "failed"
    try:
        await visitor.start()
    except Exception as error:
        assert isinstance(error, HostGone)
        assert "has ended this session" in str(error)
        # No process starts anew on this computer, so nothing says that one will.
        assert why(error) == str(error)
    else:
        raise AssertionError("it started")
    await visitor.close()


async def test_a_visitor_can_prove_that_a_correction_is_gone(engine: LocalEngine) -> None:
    async with class_of(engine) as room:
        visitor = await shared(room, engine)
        talk = Conversation(visitor, Counter(visitor, engine.weights))  # type: ignore[arg-type]
        for text in ("What is the capital of Turkey?", "No, the capital of Turkey is Ankara."):
            talk.sampling = Sampling(max_tokens=12)
            async for _ in talk.send(text):
                pass
        reply = talk.nodes[1]
        wrong = "Istanbul"
        assert wrong in reply.content
        kept = await keep(
            talk, reply, Told("Ankara", wrong, talk.nodes[2].content), since=0, mark=None, late=True
        )
        found = await prove_forgotten(
            visitor,  # type: ignore[arg-type]
            kept.correction,
            talk.messages(),
        )
        assert found.before == found.after  # to the bit, beside whatever the others ask
        assert found.corrected.right > found.fresh.right
        await visitor.close()
