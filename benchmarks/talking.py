"""Requests to a real engine, timed where their events arrive: on the client's event loop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.protocol import Done, Generate, Sent, Token


@dataclass(slots=True)
class Heard:
    """One answer: its tokens, when each arrived, and the time until the first."""

    first: float = 0.0
    times: list[float] = field(default_factory=list)
    tokens: list[int | None] = field(default_factory=list)
    logits: list[str | None] = field(default_factory=list)
    prompt: tuple[int, ...] = ()
    reused: int | None = None
    done: Done | None = None

    @property
    def speed(self) -> float:
        """Tokens a second, from the first token to the last."""
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])

    @property
    def text(self) -> str:
        return self.done.text if self.done else ""


async def hear(engine: LocalEngine, request: Generate) -> Heard:
    """Send a request and take its answer."""
    heard = Heard()
    asked = time.perf_counter()
    async for event in engine.generate(request):
        if isinstance(event, Token) and event.token is not None and not event.ends:
            heard.times.append(time.perf_counter())
            heard.tokens.append(event.token)
            heard.logits.append(event.logits)
        elif isinstance(event, Sent) and event.prompt is not None:
            heard.prompt, heard.reused = event.prompt.tokens, event.reused
        elif isinstance(event, Done):
            heard.done = event
    heard.first = heard.times[0] - asked if heard.times else 0.0
    return heard


@asynccontextmanager
async def running(
    weights: Path, options: EngineOptions | None = None, *, settled: bool = True
) -> AsyncIterator[LocalEngine]:
    """A started engine; ``settled``: wait until its self-test is over."""
    engine = LocalEngine(weights, options)
    try:
        await engine.start()
        if settled:
            await engine.fingerprint()  # waits for the self-test; a process that has died is told
        yield engine
    finally:
        await engine.close()
