"""What the tests of the servers' client share: one request, and what comes of it."""

from __future__ import annotations

import pytest

from chatapp.context.messages import Message
from chatapp.engine.protocol import Done, Event, Generate, Sampling, Sent, Token
from chatapp.engine.server import ServerEngine
from chatapp.errors import ServerError

KEY = "sk-never-to-be-shown"
TALK = [Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello")]
REQUEST = Generate(messages=[*TALK, Message("user", "é🦙")], sampling=Sampling(seed=5))


async def run(engine: ServerEngine, request: Generate = REQUEST) -> list[Event]:
    return [item async for item in engine.generate(request)]


async def fails(engine: ServerEngine) -> tuple[list[Event], str]:
    """The events before a failure, and its sentence."""
    events: list[Event] = []

    async def drain() -> None:
        async for item in engine.generate(REQUEST):
            events.append(item)

    with pytest.raises(ServerError) as caught:
        await drain()
    await engine.close()
    sentence = str(caught.value)
    assert sentence
    assert sentence.isprintable(), "one line, no control characters"
    assert KEY not in sentence
    return events, sentence


def texts(events: list[Event]) -> list[str]:
    return [item.text for item in events if isinstance(item, Token)]


def done(events: list[Event]) -> Done:
    last = events[-1]
    assert isinstance(last, Done)
    assert sum(isinstance(item, Done) for item in events) == 1
    assert sum(isinstance(item, Sent) for item in events) == 1
    return last
