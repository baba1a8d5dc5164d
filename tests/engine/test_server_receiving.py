"""How the client bears what servers send, whole or in pieces, and how it stops them."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest
from asking_servers import REQUEST, TALK, done, run, texts
from fake_server import DONE, FakeServer, Step, answer, delta, event, http, stream

from chatapp.conversation import Conversation
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Done, Event, Generate, Sent, Token
from chatapp.engine.server import ServerEngine

# ── receiving ───────────────────────────────────────────────────────────────────────────────────


async def test_a_stream_cut_anywhere_reads_the_same(fake: FakeServer, client: ServerEngine) -> None:
    parts = [
        b": hello\r\n\r\n",
        delta(None, delta={"role": "assistant", "content": None}),
        delta("né").replace(b"data: ", b"data:"),
        delta("🦙 漢字").replace(b"\n", b"\r\n"),
        b"event: x\nid: 1\n\n",
        delta(None, "stop"),
        event({"choices": [], "usage": None}),
        DONE,
    ]
    raw = b"".join(parts)
    whole = await run_with(fake, client, stream(raw))
    bytewise = await run_with(fake, client, stream(*(raw[i : i + 1] for i in range(len(raw)))))
    unframed = await run_with(fake, client, stream(raw[:200], raw[200:], chunked=False))
    assert texts(whole) == texts(bytewise) == texts(unframed) == ["né", "🦙 漢字"]
    assert [type(item) for item in whole] == [Sent, Token, Token, Done]


async def run_with(fake: FakeServer, client: ServerEngine, script: list[Step]) -> list[Event]:
    fake.chats = [script]
    return await run(client)


async def test_tokens_come_as_they_are_made_and_the_clock_starts_with_the_first(
    fake: FakeServer, client: ServerEngine
) -> None:
    seen = asyncio.Event()
    steps = [0.3, delta("a"), seen, delta("b"), delta(None, "stop"), DONE]
    fake.chats = [stream(*steps)]
    at: list[float] = []
    events: list[Event] = []
    async for item in client.generate(REQUEST):
        events.append(item)
        at.append(time.monotonic())
        if isinstance(item, Token) and item.text == "a":
            await asyncio.sleep(0.2)
            seen.set()  # "b" is written only now
    last = done(events)
    assert last.decode_seconds == pytest.approx(at[2] - at[1], abs=0.1)
    assert last.prefill_seconds is None


async def test_counts_come_after_the_end(fake: FakeServer, client: ServerEngine) -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    fake.chats = [stream(delta("a", "length"), event({"choices": [], "usage": usage}), DONE)]
    last = done(await run(client))
    assert (last.reason, last.prompt_tokens, last.reply_tokens, last.reused) == ("length", 9, 1, 4)


async def test_a_server_that_hangs_after_the_end_costs_no_reply(fake: FakeServer) -> None:
    engine = ServerEngine(fake.url, idle=0.2)
    fake.chats = [stream(delta("a", "stop"), 5.0)]
    assert done(await run(engine)).text == "a"
    await engine.close()


async def test_a_connection_is_closed_with_its_reply(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.chats = [stream(delta("a", "stop"), DONE, 30.0)]
    assert done(await run(client)).text == "a"
    async with asyncio.timeout(2):
        await fake.hung_up.wait()


async def test_an_answer_in_one_piece_is_taken_as_well(
    fake: FakeServer, client: ServerEngine
) -> None:
    message = {"role": "assistant", "content": "All at once"}
    fake.chats = [http({"choices": [{"message": message}], "usage": {"prompt_tokens": 3}})]
    events = await run(client)
    assert texts(events) == ["All at once"]
    assert (done(events).reason, done(events).prompt_tokens) == ("stop", 3)


async def test_several_replies_at_once_do_not_mix(fake: FakeServer, client: ServerEngine) -> None:
    fake.chats = [
        stream(delta("a"), 0.1, delta("b"), delta(None, "stop"), DONE),
        stream(delta("c"), 0.05, delta("d"), delta(None, "stop"), DONE),
    ]
    await client.start()
    found = await asyncio.gather(run(client), run(client))
    assert {done(events).text for events in found} == {"ab", "cd"}


# ── stopping ────────────────────────────────────────────────────────────────────────────────────


async def stop_after(engine: ServerEngine, seconds: float) -> tuple[list[Event], float]:
    """Run a request, cancel it after a while; its events, and how long the stopping took."""
    task = asyncio.create_task(run(engine))
    await asyncio.sleep(seconds)
    began = time.monotonic()
    await engine.cancel()
    return await task, time.monotonic() - began


@pytest.mark.parametrize(
    ("script", "text", "kinds"),
    [
        (stream(delta("It "), delta("is"), 30.0), "It is", [Sent, Token, Token, Done]),
        (stream(30.0), "", [Sent, Done]),  # the server reads the transcript
        ([30.0], "", [Sent, Done]),  # not even a status yet
    ],
)
async def test_cancel_closes_the_connection_and_keeps_the_text(
    fake: FakeServer, client: ServerEngine, script: list[Step], text: str, kinds: list[type]
) -> None:
    await client.start()
    fake.chats = [script, answer("again")]
    events, seconds = await stop_after(client, 0.4)
    assert [type(item) for item in events] == kinds
    last = done(events)
    assert (last.reason, last.text, last.reply_tokens) == ("cancelled", text, None)
    assert seconds < 0.5
    async with asyncio.timeout(2):
        await fake.hung_up.wait()
    assert client.state == "ready"
    assert done(await run(client)).text == "again"


async def test_a_reply_that_has_ended_is_not_cancelled_any_more(
    fake: FakeServer, client: ServerEngine
) -> None:
    await client.start()
    fake.chats = [stream(delta("All of it", "stop"), 30.0)]
    events, _ = await stop_after(client, 0.4)
    assert (done(events).reason, done(events).text) == ("stop", "All of it")


async def test_cancel_while_the_server_is_looked_for(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.others["/v1/models"] = [30.0]
    events, seconds = await stop_after(client, 0.3)
    assert events == [Done(reason="cancelled", text="")]
    assert seconds < 0.5


async def test_one_of_two_replies_is_stopped(fake: FakeServer, client: ServerEngine) -> None:
    fake.chats = [stream(delta("a"), 0.4, delta("b", "stop"), DONE)]
    await client.start()
    other = Generate(messages=TALK)
    tasks = [asyncio.create_task(run(client, request)) for request in (REQUEST, other)]
    await asyncio.sleep(0.2)
    await client.cancel(other)
    kept, stopped = await asyncio.gather(*tasks)
    assert (done(kept).reason, done(kept).text) == ("stop", "ab")
    assert (done(stopped).reason, done(stopped).text) == ("cancelled", "a")


async def test_cancel_of_nothing_is_nothing(client: ServerEngine) -> None:
    await client.cancel()
    assert texts(await run(client)) == ["Hello"]


async def test_leaving_a_reply_closes_its_connection(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.chats = [stream(delta("a"), 30.0)]
    async with aclosing(client.generate(REQUEST)) as events:
        async for item in events:
            if isinstance(item, Token):
                break
    async with asyncio.timeout(2):
        await fake.hung_up.wait()


async def test_a_conversation_is_stopped_in_the_middle(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.chats = [stream(delta("It is"), 30.0)]
    talk = Conversation(client, Counter(client, None))
    async with aclosing(talk.send("Well?")) as steps:
        async for step in steps:
            if isinstance(step, Token):
                await talk.stop()
    reply = talk.nodes[-1]
    assert (reply.content, reply.status) == ("It is", "stopped")
