"""Random conversations, the same for the same number, and ways to hold them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import suppress
from dataclasses import dataclass

from benchmarks.talking import Heard, hear
from benchmarks.texts import words
from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Generate, Prefill, Sampling, Token
from chatapp.errors import EngineError

Turn = tuple[tuple[int | None, ...], tuple[str | None, ...]]
"""Token ids and the hash of the logits before each."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a person says in a conversation, and how its replies are drawn."""

    number: int
    texts: tuple[str, ...]
    system: str
    sampling: Sampling

    @classmethod
    def of(cls, number: int) -> Script:
        """Even numbers are greedy, odd ones are sampled."""
        source = random.Random(number)
        texts = tuple(
            words(source, source.randint(4, 20)) for _ in range(source.choice((2, 2, 3, 4)))
        )
        system = words(source, 6) if source.random() < 0.3 else ""
        sampling = Sampling(max_tokens=6)
        if number % 2:
            sampling = Sampling(max_tokens=6, temperature=0.9, seed=source.randrange(2**32))
        return cls(number, texts, system, sampling)


class Replay:
    """Holds a conversation on an engine. Subclasses disturb it between turns."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine

    async def disturb(self, source: random.Random) -> None:
        """Something that must not change anything."""

    async def turn(self, messages: list[Message], sampling: Sampling) -> Heard:
        await self.engine.start()
        request = Generate(messages=messages, sampling=sampling, hashes=True)
        return await hear(self.engine, request)

    async def hold(self, script: Script) -> list[Turn]:
        source = random.Random(script.number + 1_000_000)
        messages = [Message("system", script.system)] if script.system else []
        found: list[Turn] = []
        for text in script.texts:
            await self.disturb(source)
            messages.append(Message("user", text))
            heard = await self.turn(messages, script.sampling)
            found.append((tuple(heard.tokens), tuple(heard.logits)))
            messages.append(Message("assistant", heard.text))
        return found


class Fresh(Replay):
    """A fresh process for every turn."""

    async def disturb(self, source: random.Random) -> None:
        await self.engine.close()


class Visited(Replay):
    """Unrelated sessions in between, some of which share a beginning with this one."""

    async def disturb(self, source: random.Random) -> None:
        if source.random() < 0.7:
            other = [Message("user", words(source, source.randint(2, 20)))]
            await hear(self.engine, Generate(messages=other, sampling=Sampling(max_tokens=3)))


class Broken(Replay):
    """Aborted prefills; a process killed while it reads, decodes or idles."""

    async def disturb(self, source: random.Random) -> None:
        kind = source.choice(("abort", "abort", "abort", "kill idle", "kill reading", "kill late"))
        if kind == "kill idle":
            self.kill()
            return
        other = [Message("user", words(source, 60))]
        request = Generate(messages=other, sampling=Sampling(max_tokens=20))
        until = Token if kind == "kill late" else Prefill
        with suppress(EngineError):
            async for event in self.engine.generate(request):
                if isinstance(event, until):
                    if kind == "abort":
                        await self.engine.cancel(request)
                    else:
                        self.kill()

    def kill(self) -> None:
        if self.engine.pid:
            os.kill(self.engine.pid, signal.SIGKILL)

    async def turn(self, messages: list[Message], sampling: Sampling) -> Heard:
        while True:
            try:
                # The next request starts the process again.
                return await super().turn(messages, sampling)
            except EngineError:
                await asyncio.sleep(0.05)
