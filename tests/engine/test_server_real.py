"""The client of servers against a real one: llama-cpp-python's own, on the default model."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest

from chatapp.context.messages import Message
from chatapp.conversation import Conversation, Failed, Step
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Done, Event, Generate, Sampling, Token
from chatapp.engine.server import ServerEngine
from chatapp.errors import ServerError

NAME = "smol"
SHORT = Sampling(max_tokens=6, seed=1)


class RealServer:
    """A server process that can be killed and started again at the same address."""

    def __init__(self, model: Path, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._model = model
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def launch(self) -> None:
        options = {"model": self._model, "model_alias": NAME, "port": self.port, "n_ctx": 2048}
        # Without all logits there are no log-probabilities: something for it to refuse.
        options |= {"logits_all": "false", "verbose": "false", "n_threads": 1}
        # It reads again only what it has not kept, in another batch, which rounds otherwise: token
        # by token it is always the same.
        options |= {"n_batch": 1}
        line = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "llama_cpp.server", *line],
                stdout=log,
                stderr=log,
                # Spinning threads starve whatever else runs on these cores.
                env=os.environ | {"GOMP_SPINCOUNT": "10000", "PYTHONUNBUFFERED": "1"},
            )

    async def ready(self) -> None:
        """Wait until it answers."""
        for _ in range(300):
            assert self._process
            assert self._process.poll() is None, self.log
            engine = ServerEngine(self.url)
            with suppress(ServerError):
                await engine.start()
                return
            await engine.close()
            await asyncio.sleep(0.2)
        pytest.fail(f"the server did not start: {self.log}")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()


class Recorder:
    """A reverse proxy on 127.0.0.1 that keeps the body of every chat request on its way."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self.bodies: list[Any] = []
        self.url = ""

    async def __aenter__(self) -> Recorder:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.wait([task for task in self._tasks if task], timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            sizes = [line for line in lines if line.lower().startswith("content-length:")]
            body = await reader.readexactly(int(sizes[0].split(":")[1]) if sizes else 0)
            if lines[0].startswith("POST /v1/chat/completions"):
                self.bodies.append(json.loads(body))
            # One request to a connection, so that its end is the answer's end.
            kept = [line for line in lines if not line.lower().startswith("connection:")]
            up_writer.write("\r\n".join([kept[0], "Connection: close", *kept[1:]]).encode() + body)
            while piece := await up_reader.read(65536):
                writer.write(piece)
                await writer.drain()
        finally:
            up_writer.close()
            writer.close()


@pytest.fixture(scope="session")
async def server(
    default_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RealServer]:
    """One real server for the whole run."""
    server = RealServer(default_model, tmp_path_factory.mktemp("server") / "log")
    server.launch()
    try:
        await server.ready()
        yield server
    finally:
        server.kill()


@pytest.fixture
async def client(server: RealServer) -> AsyncIterator[ServerEngine]:
    engine = ServerEngine(server.url, first=60, idle=20)
    yield engine
    await engine.close()


def talk_with(engine: ServerEngine, sampling: Sampling = SHORT) -> Conversation:
    return Conversation(engine, Counter(engine, None), sampling=sampling)


async def say(talk: Conversation, text: str) -> list[Step]:
    return [step async for step in talk.send(text)]


async def test_every_request_of_five_turns_holds_the_whole_transcript(server: RealServer) -> None:
    asked = ["Name a fish.", "And a bird?", "And a tree?", "Which flies?", "Thank you 🦙"]
    async with Recorder(server.port) as recorder:
        engine = ServerEngine(recorder.url)
        talk = talk_with(engine)
        for text in asked:
            steps = await say(talk, text)
            assert isinstance(steps[-1], Done)
        other = talk_with(engine)
        await say(other, "What did I ask first?")
        await engine.close()

    transcript: list[dict[str, str]] = []
    for turn, (text, body) in enumerate(zip(asked, recorder.bodies, strict=False)):
        transcript.append({"role": "user", "content": text})
        assert body["messages"] == transcript
        reply = talk.nodes[2 * turn + 1].content
        assert reply
        transcript.append({"role": "assistant", "content": reply})
    assert recorder.bodies[5]["messages"] == [
        {"role": "user", "content": "What did I ask first?"}
    ], "a new session takes nothing with it"
    assert len(recorder.bodies) == 6, "nothing else was sent"

    assert [node.sent for node in talk.nodes] == [5, 4, 4, 3, 3, 2, 2, 1, 1, 0]
    assert engine.starts == 1
    # This server reveals neither tokens nor counts, and nothing is made up in their place.
    for facts in talk.turns:
        assert (facts.prompt, facts.tokens_sent, facts.reused, facts.reply_tokens) == (None,) * 4
        assert facts.decode_seconds is not None
    assert talk.total_sent is None


async def test_what_it_tells_of_itself(client: ServerEngine) -> None:
    ready = await client.start()
    assert (ready.model, ready.window, ready.trained) == (NAME, None, None)
    with pytest.raises(ServerError, match=f"no model 'gpt'; it has: {NAME}"):
        await ServerEngine(client.address, model="gpt").start()


async def test_the_same_request_gives_the_same_reply(client: ServerEngine) -> None:
    request = Generate(messages=[Message("user", "Name three colours.")], sampling=SHORT)

    async def reply() -> str:
        events = [event async for event in client.generate(request)]
        assert isinstance(events[-1], Done)
        assert "".join(e.text for e in events if isinstance(e, Token)) == events[-1].text
        return events[-1].text

    assert await reply() == await reply() != ""


async def test_a_reply_ends_at_its_length_and_at_a_stop_text(client: ServerEngine) -> None:
    talk = talk_with(client, Sampling(max_tokens=3))
    await say(talk, "Count from 1 to 100.")
    assert talk.nodes[-1].status == "length"
    talk = talk_with(client, Sampling(max_tokens=40, stop=(" ",)))
    await say(talk, "Count from 1 to 100.")
    assert talk.nodes[-1].status == "complete"
    assert " " not in talk.nodes[-1].content


async def test_logprobs_that_it_cannot_give_are_left_out(client: ServerEngine) -> None:
    request = Generate(messages=[Message("user", "Hi")], sampling=SHORT, alternatives=3)
    events: list[Event] = [event async for event in client.generate(request)]
    assert isinstance(events[-1], Done)
    assert events[-1].text
    assert client.left_out == ("logprobs",)


async def test_a_transcript_too_long_is_refused_and_kept(client: ServerEngine) -> None:
    talk = talk_with(client)
    steps = await say(talk, "word " * 3000)
    assert isinstance(steps[-1], Failed)
    assert "without an answer" in steps[-1].sentence
    assert talk.nodes[0].content == "word " * 3000


async def test_cancel_reaches_the_server(server: RealServer, client: ServerEngine) -> None:
    before = server.log.count("Disconnected")
    talk = talk_with(client, Sampling(max_tokens=1500, seed=1))
    came: list[str] = []
    async with aclosing(talk.send("Tell me a very long story about the sea.")) as steps:
        async for step in steps:
            if isinstance(step, Token):
                came.append(step.text)
            if len(came) == 5:
                began = time.monotonic()
                await talk.stop()
                assert time.monotonic() - began < 1
    reply = talk.nodes[-1]
    assert reply.status == "stopped"
    assert reply.content.startswith("".join(came[:5]))
    async with asyncio.timeout(5):
        while server.log.count("Disconnected") == before:
            await asyncio.sleep(0.05)
    steps_after = await say(talk_with(client), "Hi")
    assert isinstance(steps_after[-1], Done)


async def test_a_server_killed_in_the_middle_of_a_reply(
    server: RealServer, client: ServerEngine
) -> None:
    talk = talk_with(client, Sampling(max_tokens=1500, seed=1))
    came = 0
    steps: list[Step] = []
    async for step in talk.send("Tell me a very long story about a fox."):
        steps.append(step)
        came += isinstance(step, Token)
        if came == 5:
            server.kill()
    reply = talk.nodes[-1]
    assert isinstance(steps[-1], Failed)
    assert steps[-1].sentence == f"The connection to {server.url} broke off."
    assert reply.status == "failed"
    assert reply.note == steps[-1].sentence
    partial = "".join(step.text for step in steps if isinstance(step, Token))
    assert reply.content == partial != ""

    with pytest.raises(ServerError, match="connection was refused"):
        await say(talk, "Are you there?")
    assert talk.nodes[-1] is reply, "nothing was sent, so nothing was added"

    server.launch()
    await server.ready()
    talk.sampling = SHORT
    steps = await say(talk, "Go on.")
    assert isinstance(steps[-1], Done)
    sent = [message.content for message in talk.turns[-1].messages]
    assert sent == ["Tell me a very long story about a fox.", partial, "Go on."]
    assert client.starts == 2
