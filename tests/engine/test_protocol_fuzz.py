"""Anything may come down the pipe: each line gets an answer, or an error, and the next one too."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatapp.context.messages import Message
from chatapp.engine import client
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.protocol import Done, Generate, Prefill, Sampling, Token
from chatapp.errors import EngineDied

FINAL = {"done", "result", "error"}

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["user", "assistant", "generate", 10**400, -1, 1e308, "\ud800", "<|im_end|>"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": st.text(max_size=30)}
)
request = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["generate", "score", "render", "info", "cancel", "fingerprint", "x"]
        )
    },
    optional={
        "id": st.integers(-5, 5) | values,
        "messages": st.lists(message | values, max_size=3) | values,
        "sampling": st.dictionaries(
            st.sampled_from(["temperature", "top_k", "seed", "max_tokens", "stop", "x"]),
            values | st.integers(0, 3),
            max_size=3,
        ).map(lambda given: {"max_tokens": 2, **given})
        | values,
        "alternatives": st.integers(-1, 60) | values,
        "continuations": st.lists(st.text(max_size=5), max_size=3) | values,
        "prefix": st.text(max_size=5) | values,
        "target": values,
        "answer": values,
    },
)
line = st.one_of(
    request.map(lambda value: json.dumps(value).encode()),
    values.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" ")),
    st.sampled_from([b"", b"\xff\xfe", b"[" * 100_000, b'{"id":1,"type":', b"NaN", b"9" * 5000]),
)


class Raw:
    """The child process itself, without the client."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.number = 1000

    async def ask(self, *lines: bytes) -> list[dict[str, Any]]:
        """Write the lines and one that is right; all events up to its answer."""
        self.number += 1
        last = json.dumps(
            {"id": self.number, "type": "generate", "sampling": {"max_tokens": 1},
             "messages": [{"role": "user", "content": "Hi"}]}
        ).encode()  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n".join([*lines, last, b""]))
        await self.process.stdin.drain()
        events: list[dict[str, Any]] = []
        while True:
            event = json.loads(await asyncio.wait_for(self.process.stdout.readline(), 60))
            events.append(event)
            if event["id"] == self.number and event["type"] in FINAL:
                assert event["type"] == "done"
                return events


@pytest.fixture(scope="module")
async def raw(default_model: Path) -> AsyncIterator[Raw]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatapp.engine", str(default_model), "--window", "256",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 26,
    )  # fmt: skip
    yield Raw(process)
    process.kill()
    await process.wait()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(line, max_size=5))
async def test_whatever_comes_the_next_request_is_answered(raw: Raw, lines: list[bytes]) -> None:
    events = await raw.ask(*lines)
    for event in events:
        if event["type"] == "error":
            assert event["kind"] in ("request", "window", "template", "model")
            assert event["message"].strip()


async def test_a_line_of_many_megabytes_is_taken(raw: Raw) -> None:
    text = "word " * 2_000_000
    big = {"id": 7, "type": "generate", "messages": [{"role": "user", "content": text}]}
    events = await raw.ask(json.dumps(big).encode())
    answers = [event for event in events if event["id"] == 7]
    assert [event["type"] for event in answers] == ["error"]
    assert answers[0]["kind"] == "window"


async def test_cancels_between_everything(small_engine: LocalEngine) -> None:
    """Ten rounds of requests, each cancelled at another moment; the last is answered."""
    request = Generate(messages=[Message("user", "word " * 100)], sampling=Sampling(max_tokens=60))
    for round_ in range(10):
        count = 0
        async for event in small_engine.generate(request):
            if isinstance(event, (Prefill, Token)):
                count += 1
                if count == round_:
                    asyncio.get_running_loop().create_task(small_engine.cancel(request))
            if isinstance(event, Done):
                assert event.reason in ("cancelled", "length", "stop")
    await asyncio.gather(*(small_engine.cancel() for _ in range(5)))
    kinds = [type(event) async for event in small_engine.generate(request)]
    assert kinds[-1] is Done


async def test_killed_while_loading_and_while_reading_back(default_model: Path) -> None:
    engine = LocalEngine(default_model, EngineOptions(window=512))
    engine.on_loading = lambda done: engine.kill() if done >= 0.5 else None
    with pytest.raises(Exception, match="loading"):
        await engine.start()
    engine.on_loading = None
    request = Generate(
        messages=[Message("user", "Tell me a story.")], sampling=Sampling(max_tokens=100)
    )
    first = [event.text async for event in engine.generate(request) if isinstance(event, Token)]
    await asyncio.sleep(0.05)  # it reads the reply back now
    engine.kill()
    again = [event.text async for event in engine.generate(request) if isinstance(event, Token)]
    assert again == first
    await engine.close()


async def _starts_and_stops(model: Path, times: int) -> None:
    fds = Path("/proc/self/fd")
    before = len(list(fds.iterdir())) if fds.exists() else 0
    for n in range(times):
        engine = LocalEngine(model, EngineOptions(window=256))
        await engine.start()
        pid = engine.pid
        if n % 3 == 0:
            engine.kill()
        await engine.close()
        assert not Path(f"/proc/{pid}").exists()
    if fds.exists():
        assert len(list(fds.iterdir())) <= before + 1


async def test_starts_and_stops_leak_nothing(default_model: Path) -> None:
    await _starts_and_stops(default_model, 8)


@pytest.mark.slow
async def test_many_starts_and_stops_leak_nothing(default_model: Path) -> None:
    await _starts_and_stops(default_model, 100)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the process stood in for is a shell script")
async def test_a_thousand_starts_and_stops_of_the_client_leak_nothing(
    default_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that loads nothing stands in: what the client opens, it closes."""
    script = tmp_path / "engine"
    ready = '{"id":0,"type":"ready","model":"none","window":256}'
    script.write_text(f"#!/bin/sh\necho '{ready}'\nexec cat > /dev/null\n")
    script.chmod(0o700)
    monkeypatch.setattr(client, "sys", SimpleNamespace(executable=str(script)))
    await _starts_and_stops(default_model, 1)
    tasks = len(asyncio.all_tasks())
    await _starts_and_stops(default_model, 1000)
    assert len(asyncio.all_tasks()) == tasks


async def test_a_process_that_died_unseen_is_replaced(default_model: Path) -> None:
    engine = LocalEngine(default_model, EngineOptions(window=256))
    await engine.start()
    engine.kill()  # nobody has noticed yet
    big = [Message("user", "x" * 1_000_000)]
    assert await engine.render(big) is not None
    assert engine.starts == 2
    await engine.close()


async def test_a_process_that_dies_of_a_request_is_not_tried_for_ever(
    default_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LocalEngine(default_model, EngineOptions(window=256))
    send = engine._send

    async def fatal(value: object) -> object:
        engine.kill()
        return await send(value)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "_send", fatal)
    with pytest.raises(EngineDied):
        await engine.render([Message("user", "x")])
    assert engine.starts == 2
    await engine.close()
