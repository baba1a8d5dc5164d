"""Several engines of one base that answer side by side, each in a session of its own.

The threads of one engine wait for each other hundreds of times a token, separate processes never:
two engines with a thread each answer 1.6 times as many questions as one with two. The weights are
mapped, so the processes share them. What is answered depends on neither (the self-test looks).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from chatapp.context.messages import Message
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.protocol import Done, Generate, Sampling, Score

T = TypeVar("T")

WINDOW: Final = 2048
MOST: Final = 4
"""More processes would take more memory than the time that they save is worth."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Ask:
    """A fresh session. ``tokens``: how long the reply may be (0: none is wanted); ``given``: an
    answer of which it is asked how improbable it is."""

    messages: Sequence[Message]
    tokens: int
    given: str | None = None


class Said(NamedTuple):
    """The reply, and the mean negative log-likelihood of the given answer (nats a token)."""

    text: str
    nll: float | None = None


async def answer(engine: LocalEngine, messages: Sequence[Message], tokens: int) -> str:
    """The most probable reply, up to so many tokens."""
    request = Generate(messages=messages, sampling=Sampling(max_tokens=tokens))
    text = ""
    async for event in engine.generate(request):
        if isinstance(event, Done):
            text = event.text
    return text


class Engines:
    """The base, or base + ``adapter``, on so many ``threads`` in all. Started when first asked."""

    def __init__(self, weights: Path, threads: int, adapter: Path | None = None) -> None:
        count = max(1, min(threads, MOST))
        options = EngineOptions(window=WINDOW, threads=max(1, threads // count), adapter=adapter)
        self._all = [LocalEngine(weights, options) for _ in range(count)]
        self._free: asyncio.LifoQueue[LocalEngine] = asyncio.LifoQueue()
        for engine in reversed(self._all):
            self._free.put_nowait(engine)

    async def ask(self, one: Ask) -> Said:
        """By one engine, which reads the prompt once for both."""
        async with self.one() as engine:
            text = await answer(engine, one.messages, one.tokens) if one.tokens else ""
            if one.given is None:
                return Said(text)
            scores = await engine.score(Score(messages=one.messages, continuations=[one.given]))
        logprobs = scores.scores[0].logprobs
        return Said(text, -math.fsum(logprobs) / max(len(logprobs), 1))

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[LocalEngine]:
        """An engine that has nothing to do, until it is given back."""
        engine = await self._free.get()
        try:
            yield engine
        finally:
            self._free.put_nowait(engine)

    async def __aenter__(self) -> Engines:
        return self

    async def __aexit__(self, *_: object) -> None:
        for engine in self._all:
            await engine.close()


async def side_by_side(
    work: Sequence[Callable[[], Awaitable[T]]], told: Callable[[int], None]
) -> list[T]:
    """The results in the order of ``work``, ``told`` how many there are; an error ends them all."""
    done = 0

    async def one(part: Callable[[], Awaitable[T]]) -> T:
        nonlocal done
        found = await part()
        done += 1
        told(done)
        return found

    tasks = [asyncio.create_task(one(part)) for part in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
