"""Requests and their answers over a stream of JSON lines, whoever is at its other end.

Two engines are made of it: one that owns the model's process (``client``), and one that shares it
with others (``shared``).
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from chatapp.context.messages import Message, as_dicts
from chatapp.context.prompt import Prompt
from chatapp.engine import wire
from chatapp.engine.protocol import (
    Checked,
    Done,
    Event,
    Fingerprint,
    Generate,
    Ready,
    Score,
    Scores,
    Token,
)
from chatapp.errors import ChatappError, EngineDied, EngineError, TemplateError

__all__ = ["GRACE", "Replies", "Requests", "error_from"]

GRACE: Final = 3.0
"""Seconds that the process has for ending a cancelled request before it is killed."""

Reply = dict[str, Any]
Replies = dict[int, "asyncio.Queue[Reply | EngineError]"]


class Requests(ABC):
    """Numbers requests, and hands each event to the request it belongs to."""

    def __init__(self) -> None:
        self.info: Ready | None = None
        self.starts = 0
        self.checked: Checked | None = None
        self.on_loading: Callable[[float], None] | None = None
        self.on_checked: Callable[[Checked], None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._replies: Replies = {}
        self._running: dict[int, Generate] = {}
        self._cancelling: set[int] = set()
        self._next = 0

    @abstractmethod
    async def start(self) -> Ready:
        """See that there is somebody at the other end. Raises a ``ChatappError``."""

    @abstractmethod
    def kill(self) -> None:
        """Nothing is heard from the other end any more."""

    @property
    @abstractmethod
    def _writer(self) -> asyncio.StreamWriter | None:
        """Where requests are written to, while there is anybody."""

    # ── events ──────────────────────────────────────────────────────────────────────────────────

    async def _hand_out(self, reader: asyncio.StreamReader, replies: Replies) -> None:
        """Hand each event to the request it belongs to, until there are no more."""
        with contextlib.suppress(ValueError, OSError, EngineError):
            while line := await reader.readline():
                event = wire.decode(line)
                if self._noted(event):
                    continue
                waiting = replies.get(event.get("id", 0))
                if waiting is not None:
                    waiting.put_nowait(event)

    def _gone(self, replies: Replies) -> None:
        """Tell all that wait that nothing will come."""
        for waiting in replies.values():
            waiting.put_nowait(self._died())

    @abstractmethod
    def _died(self) -> EngineDied:
        """What is raised where an answer was waited for and the other end has gone."""

    def _noted(self, event: Reply) -> bool:
        """Whether this event is none that a request waits for."""
        if event.get("type") != "checked":
            return False
        checked = wire.event_from_dict(event)
        if isinstance(checked, Checked):
            self.checked = checked
            if self.on_checked:
                self.on_checked(checked)
        return True

    # ── requests ────────────────────────────────────────────────────────────────────────────────

    async def _write(self, value: Mapping[str, Any]) -> int:
        """Write one request; its number. Raises :class:`EngineDied`."""
        self._next += 1
        number = self._next
        writer = self._writer
        try:
            if writer is None:
                raise BrokenPipeError
            writer.write(wire.encode({"id": number, **value}))
            await writer.drain()
        except (OSError, RuntimeError) as error:
            raise self._died() from error
        return number

    async def _send(self, value: Mapping[str, Any]) -> tuple[int, asyncio.Queue[Any]]:
        """Write a request that has answers; its number and the queue of its events.

        If it cannot be written, the queue says that the process ended, as it does later.
        """
        queue: asyncio.Queue[Any] = asyncio.Queue()
        number = self._next + 1
        self._replies[number] = queue
        try:
            await self._write(value)
        except EngineDied as error:
            if self._reader is not None:
                await asyncio.wait({self._reader}, timeout=GRACE)
            queue.put_nowait(error)
        return number, queue

    async def _cancel(self, number: int) -> None:
        with contextlib.suppress(EngineDied):
            await self._write({"type": "cancel", "target": number})

    async def _begin(
        self, value: Mapping[str, Any], request: Generate | None = None
    ) -> tuple[int, asyncio.Queue[Any], Any]:
        """Send a request; its number, the queue of its events, and the first of them.

        A process that died before it said anything about the request is replaced, once: nothing
        had happened yet.
        """
        for last in (False, True):
            await self.start()
            number, queue = await self._send(value)
            if request is not None:
                self._running[number] = request
            try:
                event = await queue.get()
            except BaseException:
                await self._leave(number)
                raise
            died = isinstance(event, EngineDied) and number not in self._cancelling
            if last or not died:
                break
            self._forget(number)
        return number, queue, event

    def _forget(self, number: int) -> None:
        self._running.pop(number, None)
        self._cancelling.discard(number)
        self._replies.pop(number, None)

    async def _leave(self, number: int) -> None:
        """Whoever listened has left: nobody should wait for the rest of this answer."""
        await asyncio.shield(self._cancel(number))
        self._forget(number)

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        number, queue, event = await self._begin(request.as_dict(), request)
        ended = False
        text = ""
        try:
            while True:
                if isinstance(event, EngineError):
                    ended = True
                    if number in self._cancelling:
                        yield Done(reason="cancelled", text=text)
                        return
                    raise event
                if event["type"] == "error":
                    ended = True
                    raise error_from(event)
                told = wire.event_from_dict(event)
                assert not isinstance(told, (Ready, Checked))
                ended = isinstance(told, Done)
                text += told.text if isinstance(told, Token) else ""
                yield told
                if ended:
                    return
                event = await queue.get()
        finally:
            if ended:
                self._forget(number)
            else:
                await self._leave(number)

    async def cancel(self, request: Generate | None = None) -> None:
        numbers = [
            n for n, running in self._running.items() if request is None or request is running
        ]
        reader = self._reader
        self._cancelling.update(numbers)
        for number in numbers:
            await self._cancel(number)
        deadline = asyncio.get_running_loop().time() + GRACE
        while any(number in self._running for number in numbers):
            if asyncio.get_running_loop().time() > deadline:
                if reader is self._reader:
                    self.kill()
                return
            await asyncio.sleep(0.02)

    async def render(self, messages: Sequence[Message], *, answer: bool = True) -> Prompt | None:
        result = await self._ask(
            {"type": "render", "messages": as_dicts(messages), "answer": answer}
        )
        return wire.prompt_from_dict(result)

    async def score(self, request: Score) -> Scores:
        """Log-probabilities of given continuations; nothing is drawn. Raises ``EngineError``."""
        return wire.scores_from_dict(await self._ask(request.as_dict()))

    async def fingerprint(self) -> Fingerprint:
        """Hash the weight file anew, and say how it is mapped and whether answers repeat."""
        found = await self._ask({"type": "fingerprint"})
        values: dict[str, Any] = {name: found.get(name) for name in _FINGERPRINT}
        return Fingerprint(**values)

    async def _ask(self, value: Mapping[str, Any]) -> Reply:
        """A request with a single answer."""
        number, _, event = await self._begin(value)
        self._forget(number)
        if isinstance(event, EngineError):
            raise event
        if event["type"] == "error":
            raise error_from(event)
        result: Reply = event
        return result


_FINGERPRINT: Final = [field.name for field in fields(Fingerprint)]


def error_from(event: Mapping[str, Any]) -> ChatappError:
    """The error that an ``error`` event tells of."""
    kind, sentence = str(event.get("kind", "engine")), str(event.get("message", ""))
    if kind == "template":
        return TemplateError(sentence)
    return EngineDied(sentence) if kind == "died" else EngineError(sentence, kind=kind)
