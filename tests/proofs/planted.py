"""Engines that do what the claims deny, for showing that each experiment can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from chatapp.context.messages import Message
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.protocol import Event, Generate, Score, Scores
from chatapp.proofs.lab import Lab


class Leaking(LocalEngine):
    """Keeps what people said in one transcript for all, and sends it along with every request."""

    said: list[str]

    def _with_memory(self, messages: Any) -> list[Message]:
        found = list(messages)
        known = [m.content for m in found]
        leak = [text for text in self.said if text not in known]
        self.said += [m.content for m in found if m.role == "user" and m.content not in self.said]
        told = [text for text in leak if "." in text and (" is " in text or " won " in text)]
        memory = [Message("user", text) for text in told]
        replies = [Message("assistant", text) for text in told]
        pairs = [m for pair in zip(memory, replies, strict=True) for m in pair]
        return [*pairs, *found]

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        request = replace(request, messages=self._with_memory(request.messages))
        async for event in super().generate(request):
            yield event

    async def score(self, request: Score) -> Scores:
        return await super().score(replace(request, messages=self._with_memory(request.messages)))


class OneSeed(LocalEngine):
    """A sampler that ignores the seed."""

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        request = replace(request, sampling=replace(request.sampling, seed=3))
        async for event in super().generate(request):
            yield event


class NoSeed(LocalEngine):
    """A sampler whose draws cannot be repeated."""

    count = 0

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        self.count += 1
        request = replace(request, sampling=replace(request.sampling, seed=1000 + self.count))
        async for event in super().generate(request):
            yield event


class Dressed(LocalEngine):
    """Puts the chat template around everything."""

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        async for event in super().generate(replace(request, plain=False)):
            yield event

    async def score(self, request: Score) -> Scores:
        return await super().score(replace(request, plain=False))


class Knowing(LocalEngine):
    """Weights that know the fact already: the answer is whispered behind each question."""

    answer = ""

    def _told(self, messages: Any) -> list[Message]:
        *before, last = messages
        if "?" not in last.content:
            return list(messages)
        return [*before, Message(last.role, f"{last.content} ({self.answer}.)")]

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        async for event in super().generate(
            replace(request, messages=self._told(request.messages))
        ):
            yield event

    async def score(self, request: Score) -> Scores:
        return await super().score(replace(request, messages=self._told(request.messages)))


class Skipping(LocalEngine):
    """Goes on with a reply as if its last token were not there."""

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        async for event in super().generate(replace(request, begun=request.begun[:-1])):
            yield event


class Training(LocalEngine):
    """Changes a byte of the weight file on the way: "it learned from my chat"."""

    count = 0

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        self.count += 1
        if self.count == 3:
            await asyncio.to_thread(_change_a_byte, self.weights)
        async for event in super().generate(request):
            yield event


def _change_a_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1000, 2)
        byte = file.read(1)
        file.seek(-1000, 2)
        file.write(bytes([byte[0] ^ 1]))


class Planted(Lab):
    """A lab whose engines are of ``kind``; ``change`` alters their options, by their number."""

    def __init__(
        self,
        weights: Path,
        kind: type[LocalEngine] = LocalEngine,
        *,
        change: Callable[[int, EngineOptions], EngineOptions] = lambda number, options: options,
        **values: Any,
    ) -> None:
        self._kind, self._change, self._number = kind, change, 0
        self._memory: list[str] = []
        super().__init__(weights, **values)

    def _made(self, options: EngineOptions, weights: Path | None = None) -> LocalEngine:
        engine = self._kind(weights or self.weights, self._change(self._number, options))
        self._number += 1
        if isinstance(engine, Leaking):
            engine.said = self._memory
        if isinstance(engine, Knowing):
            engine.answer = self.facts.told[0].right
        self._mine.append(engine)
        return engine
