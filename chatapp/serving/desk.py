"""One visitor's connection: what is read from it, and what is told to it alone.

The protocol is the engine's. Numbers of requests stay with the connection: those that the engine
sees are its owner's own, so nobody can name another's request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from chatapp.engine import wire
from chatapp.engine.protocol import Done, Generate, Score
from chatapp.errors import ChatappError, ContextError, EngineError, TemplateError
from chatapp.serving.limits import LINES, Allowance, Visitor

if TYPE_CHECKING:
    from chatapp.serving.broker import Broker

__all__ = ["MAX_REQUEST", "Desk", "Job"]

MAX_REQUEST: Final = 1 << 20
"""The longest request, in bytes: many times what a window holds."""
MAX_UNREAD: Final = 16 << 20
"""Bytes that may wait for a visitor who does not read; beyond them the connection ends."""


@dataclass(slots=True, eq=False)
class Job:
    """A request that the model has to answer. ``before`` is the place that was told last."""

    desk: Desk
    number: int | str
    request: Generate | Score
    cut: str = ""
    before: int | None = None
    late: bool = False
    stopped: bool = False

    @property
    def visitor(self) -> Visitor:
        return self.desk.visitor

    def tell(self, event: Mapping[str, Any]) -> None:
        self.desk.tell(self.number, event)


class Desk:
    """Reads one visitor's requests and hands those for the model to the broker."""

    def __init__(
        self,
        broker: Broker,
        visitor: Visitor,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.visitor = visitor
        self.jobs: dict[int | str, Job] = {}
        self.closed = False
        self._broker = broker
        self._reader, self._writer = reader, writer
        self._lines = Allowance(LINES, 2 * LINES, visitor.clock)

    # ── to the visitor ──────────────────────────────────────────────────────────────────────────

    def tell(self, number: int | str, event: Mapping[str, Any]) -> None:
        """Write an event. Nobody waits for a visitor who does not read."""
        if self.closed:
            return
        self._writer.write(wire.encode({"id": number, **event}))
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            # Not at once: whoever tells may be going through the line that this visitor leaves.
            asyncio.get_running_loop().call_soon(self.leave)

    def fail(self, number: int | str, error: ChatappError) -> None:
        if isinstance(error, TemplateError):
            kind = "template"
        elif isinstance(error, EngineError):
            kind = error.kind
        else:
            kind = "request" if isinstance(error, ContextError) else "model"
        self.tell(number, {"type": "error", "kind": kind, "message": str(error)})

    def note(self, sentence: str) -> None:
        """Say something to the person."""
        self.tell(0, {"type": "note", "message": sentence})

    def leave(self) -> None:
        """End the connection; what it asked for is given up."""
        if not self.closed:
            self.closed = True
            self._writer.transport.abort()
            self._broker.forget(self)

    # ── from the visitor ────────────────────────────────────────────────────────────────────────

    async def attend(self) -> None:
        """Serve this connection until it ends."""
        try:
            while not self.closed:
                try:
                    line = await self._reader.readline()
                except ValueError:
                    self.fail(0, EngineError("This request is too long.", kind="request"))
                    continue
                if not line:
                    break
                # Whoever writes faster than this is read more slowly, and holds up nobody else.
                await self._lines.wait()
                await self._take(line)
        except OSError:
            pass
        finally:
            self.leave()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _take(self, line: bytes) -> None:
        number: int | str = 0
        try:
            request = wire.decode(line)
            found = request.get("id")
            if not isinstance(found, (int, str)) or isinstance(found, bool):
                raise EngineError("A request needs an 'id': a number or a text.", kind="request")
            number = found
            await self._answer(number, request)
        except ChatappError as error:
            self.fail(number, error)

    async def _answer(self, number: int | str, value: dict[str, Any]) -> None:
        """Answer what needs no model at once; hand on the rest."""
        kind, engine = value.get("type"), self._broker.engine
        if kind == "render":
            prompt = await engine.render(
                wire.messages_from(value), answer=value.get("answer", True) is not False
            )
            assert prompt is not None
            self.tell(number, {"type": "result", **wire.prompt_as_dict(prompt)})
        elif kind == "info":
            self.tell(number, {**wire.event_as_dict(await engine.start()), "type": "result"})
        elif kind == "cancel":
            target = value.get("target")
            job = self.jobs.get(target) if isinstance(target, (int, str)) else None
            if job is not None:
                self._broker.give_up(job)
            self.tell(number, {"type": "result", "cancelled": job is not None})
        elif kind in ("generate", "score"):
            self._ask(number, value)
        else:
            raise EngineError(
                "'type' must be one of generate, score, render, info, cancel: the weights and what "
                "is added to them are the same for everyone here.",
                kind="request",
            )

    def _ask(self, number: int | str, value: dict[str, Any]) -> None:
        if number in self.jobs:
            raise EngineError("This 'id' is already being answered.", kind="request")
        job = Job(self, number, self._allowed(value))
        if isinstance(job.request, Generate):
            job.cut = self._shorten(job)
        self.visitor.ask(self._broker.waiting(self.visitor))
        self.jobs[number] = job
        self._broker.take(job)

    def _allowed(self, value: dict[str, Any]) -> Generate | Score:
        """The request, to be computed in this visitor's scope whatever it says itself."""
        scope = self.visitor.scope
        if value["type"] == "score":
            return replace(wire.score_from(value), scope=scope)
        return replace(wire.generate_from(value), scope=scope)

    def _shorten(self, job: Job) -> str:
        """Hold the reply to what this visitor may have; the sentence to say if that ends it."""
        assert isinstance(job.request, Generate)
        limits, left = self.visitor.limits, max(self.visitor.left, 1)
        sampling = job.request.sampling
        most = min(limits.reply_tokens, left)
        if sampling.max_tokens <= most:
            return ""
        job.request = replace(job.request, sampling=replace(sampling, max_tokens=most))
        if left < limits.reply_tokens:
            return "The reply ends here: the tokens that each visitor has are used up."
        return f"The reply ends here: {limits.reply_tokens:,} tokens is the most for everyone."


def cancelled(job: Job) -> dict[str, Any]:
    """What a request is told that was given up before the model saw it."""
    if isinstance(job.request, Score):
        return {"type": "result", "cancelled": True}
    return wire.event_as_dict(Done(reason="cancelled", text=""))
