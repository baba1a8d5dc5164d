"""Visitors for tests: protocol lines by hand, and an engine whose replies wait for a test."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from chatapp.engine.protocol import Checked, Score, Scored, Scores
from chatapp.serving.broker import MAX_REQUEST, Broker
from chatapp.serving.door import Door
from chatapp.serving.limits import Limits, Visitor
from tests.scripted import Reply, ScriptedEngine


@dataclass
class Scripted(ScriptedEngine):
    """A scripted engine with the rest of what a local one has."""

    checked: Checked | None = None
    on_checked: Any = None
    scoring: asyncio.Event = field(default_factory=asyncio.Event)

    async def score(self, request: Score) -> Scores:
        self.requests.append(request)  # type: ignore[arg-type]
        await self.scoring.wait()
        prompt = await self.render(request.messages)
        assert prompt is not None
        ones = tuple(Scored(text=t, tokens=(1,), logprobs=(-1.0,)) for t in request.continuations)
        return Scores(prompt=prompt, scores=ones, logits="00")

    async def cancel(self, request: Any = None) -> None:
        if request is None or (self.requests and request is self.requests[-1]):
            await super().cancel()


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


class ByHand:
    """A visitor who writes protocol lines, and everything that is told to that visitor."""

    def __init__(
        self, visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.visitor = visitor
        self.told: list[dict[str, Any]] = []
        self.writer = writer
        self.changed = asyncio.Event()
        self.ended = False
        self.listening = asyncio.create_task(self._listen(reader))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self.told.append(json.loads(line))
                self.changed.set()
        except OSError:
            pass
        self.ended = True
        self.changed.set()

    def write(self, line: bytes) -> None:
        self.writer.write(line)

    def ask(self, number: Any, kind: str = "generate", **fields: Any) -> None:
        if kind in ("generate", "score", "render"):
            fields.setdefault("messages", said("Hi"))
        self.write(json.dumps({"id": number, "type": kind, **fields}).encode() + b"\n")

    def of(self, number: Any, kind: str | None = None) -> list[dict[str, Any]]:
        """What was told of a request."""
        return [e for e in self.told if e["id"] == number and kind in (None, e["type"])]

    async def until(self, condition: Any, what: str = "") -> None:
        async with asyncio.timeout(20):
            try:
                while not condition():
                    self.changed.clear()
                    await self.changed.wait()
            except asyncio.CancelledError:
                raise AssertionError(f"never: {what}; told: {self.told}") from None

    async def end_of(self, number: Any) -> dict[str, Any]:
        """The last event of a request."""
        ends = ("done", "result", "error")
        await self.until(lambda: any(e["type"] in ends for e in self.of(number)), f"end {number}")
        return next(e for e in self.of(number) if e["type"] in ends)

    async def leave(self) -> None:
        self.writer.transport.abort()
        await self.listening


class Class:
    """A broker with its visitors."""

    def __init__(self, broker: Broker, door: Door) -> None:
        self.broker, self.door = broker, door
        self.visitors: list[ByHand] = []
        self.desks: list[asyncio.Task[None]] = []

    def admit(self) -> Visitor:
        visitor, _ = self.door.admit(self.door.new_link(1))
        return visitor

    async def socket(self, visitor: Visitor) -> socket.socket:
        """Another end of a connection of this visitor's, as its screen's process gets it."""
        ours, theirs = socket.socketpair()
        streams = await asyncio.open_connection(sock=ours, limit=MAX_REQUEST)
        self.desks.append(asyncio.create_task(self.broker.attend(visitor, *streams)))
        return theirs

    async def enter(self, visitor: Visitor | None = None) -> ByHand:
        visitor = visitor or self.admit()
        link = await self.socket(visitor)
        streams = await asyncio.open_connection(sock=link, limit=8 << 20)
        self.visitors.append(ByHand(visitor, *streams))
        return self.visitors[-1]


@asynccontextmanager
async def class_of(engine: Any, limits: Limits | None = None, **door: Any) -> AsyncIterator[Class]:
    """A class on this engine, which is not closed with it."""
    limits = limits or Limits()
    broker = Broker(engine, limits)
    await broker.start()
    found = Class(broker, Door(limits, **door))
    try:
        yield found
    finally:
        await broker.stop()
        await asyncio.gather(*found.desks, *(one.listening for one in found.visitors))
        for one in found.visitors:
            one.writer.close()
        engine.on_checked = None


def held(*replies: Sequence[str]) -> tuple[Scripted, list[asyncio.Event]]:
    """An engine whose replies wait, each for its event."""
    gates = [asyncio.Event() for _ in replies]
    made = [Reply(chunks, go=gate) for chunks, gate in zip(replies, gates, strict=True)]
    return Scripted(made), gates
