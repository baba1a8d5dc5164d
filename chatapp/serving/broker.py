"""One engine, shared fairly: one request at a time, round robin between visitors.

The protocol is stateless and evaluation canonical, so sharing changes no answer: each is what the
visitor would get alone. A visitor who asks for much waits behind the others, not they behind him.
What was computed for one visitor is never reused for another (``scope``), so that nobody can read
from a count of reused tokens, or from its speed, what somebody else sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine
from contextlib import aclosing
from typing import Any

from chatapp.engine import wire
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Checked, Done, Generate, Ready, Score, Sent, Token
from chatapp.errors import ChatappError, EngineError
from chatapp.serving.desk import MAX_REQUEST, Desk, Job, cancelled
from chatapp.serving.limits import Limits, Visitor

__all__ = ["MAX_REQUEST", "Broker"]


class Broker:
    """Owns ``engine`` and answers the requests of all visitors with it."""

    def __init__(self, engine: LocalEngine, limits: Limits) -> None:
        self.engine = engine
        self.limits = limits
        self.desks: set[Desk] = set()
        self._lines: dict[Visitor, deque[Job]] = {}
        self._round: deque[Visitor] = deque()
        self._now: Job | None = None
        self._answer: asyncio.Task[None] | None = None
        self._work = asyncio.Event()
        self._starts = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Ready:
        """Load the model. Raises a ``ChatappError`` with the reason."""
        self.engine.on_checked = self._checked
        ready = await self.engine.start()
        self._starts = self.engine.starts
        self._aside(self._run())
        return ready

    async def attend(
        self, visitor: Visitor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one connection of a visitor until it ends."""
        desk = Desk(self, visitor, reader, writer)
        self.desks.add(desk)
        self._introduce(desk)
        await desk.attend()

    async def close(self) -> None:
        """End all connections and the model's process."""
        await self.stop()
        await self.engine.close()

    async def stop(self) -> None:
        """End all connections; what is being answered is given up."""
        for desk in list(self.desks):
            desk.leave()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _introduce(self, desk: Desk) -> None:
        if self.engine.info is not None:
            ready = wire.event_as_dict(self.engine.info)
            desk.tell(0, {**ready, "starts": max(self.engine.starts, 1)})
        if self.engine.checked is not None:
            desk.tell(0, wire.event_as_dict(self.engine.checked))

    def _checked(self, checked: Checked) -> None:
        for desk in list(self.desks):
            desk.tell(0, wire.event_as_dict(checked))

    # ── who is served when ──────────────────────────────────────────────────────────────────────

    def waiting(self, visitor: Visitor) -> int:
        """How many requests of this visitor wait."""
        return len(self._lines.get(visitor, ()))

    def take(self, job: Job) -> None:
        """Answer this request when it is its visitor's turn."""
        if not self.waiting(job.visitor):
            self._round.append(job.visitor)
        self._lines.setdefault(job.visitor, deque()).append(job)
        self._work.set()
        self._tell_places()

    def give_up(self, job: Job) -> None:
        """Answer this request no further. A reply that has begun ends with what it has."""
        line = self._lines.get(job.visitor, ())
        if job in line:
            self._drop(job)
            job.tell(cancelled(job))
            self._tell_places()
        elif job is self._now:
            self._stop(job)

    def forget(self, desk: Desk) -> None:
        """A visitor has left: nothing is computed for nobody."""
        self.desks.discard(desk)
        for job in list(desk.jobs.values()):
            self.give_up(job)

    def _drop(self, job: Job) -> None:
        line = self._lines[job.visitor]
        line.remove(job)
        job.desk.jobs.pop(job.number, None)
        if not line:
            del self._lines[job.visitor]
            self._round.remove(job.visitor)

    def _next(self) -> Job | None:
        """The request of the visitor whose turn it is; that visitor is last then."""
        if not self._round:
            return None
        visitor = self._round.popleft()
        line = self._lines[visitor]
        job = line.popleft()
        if line:
            self._round.append(visitor)
        else:
            del self._lines[visitor]
        return job

    def _tell_places(self) -> None:
        """Tell everybody who waits how many visitors are served before."""
        now = self._now.visitor if self._now is not None else None
        for place, visitor in enumerate(self._round):
            job = self._lines[visitor][0]
            before = place + (now is not None and now is not visitor)
            if job.before != before:
                job.before = before
                job.tell({"type": "place", "before": before})

    async def _run(self) -> None:
        while True:
            while (job := self._next()) is None:
                self._work.clear()
                await self._work.wait()
            self._now = job
            if job.before:
                job.before = 0
                job.tell({"type": "place", "before": 0})
            self._tell_places()
            self._answer = asyncio.create_task(self._serve(job))
            try:
                await asyncio.wait({self._answer})
            finally:
                self._answer.cancel()
                self._now = self._answer = None
                job.desk.jobs.pop(job.number, None)

    # ── one request ─────────────────────────────────────────────────────────────────────────────

    async def _serve(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        overdue = loop.call_later(self.limits.reply_seconds, self._overdue, job)
        try:
            if isinstance(job.request, Score):
                await self._score(job, job.request)
            else:
                await self._generate(job, job.request)
        except ChatappError as error:
            job.desk.fail(job.number, error)
        except asyncio.CancelledError:
            if job.late:
                job.desk.fail(job.number, EngineError(self._slow, kind="limit"))
            else:
                job.tell(cancelled(job))
        except Exception as error:
            name = type(error).__name__
            job.desk.fail(job.number, EngineError(f"This could not be answered ({name})."))
        finally:
            overdue.cancel()
            self._tell_starts()

    async def _generate(self, job: Job, request: Generate) -> None:
        async with aclosing(self.engine.generate(request)) as events:
            async for event in events:
                if isinstance(event, Sent):
                    job.visitor.used += len(event.prompt) if event.prompt else 0
                    if job.stopped:  # while the process was being started
                        self._stop(job)
                elif isinstance(event, Token):
                    job.visitor.used += 1
                elif isinstance(event, Done):
                    self._remark(job, event)
                job.tell(wire.event_as_dict(event))

    async def _score(self, job: Job, request: Score) -> None:
        scores = await self.engine.score(request)
        job.visitor.used += len(scores.prompt) + sum(len(one.tokens) for one in scores.scores)
        job.tell({"type": "result", **wire.scores_as_dict(scores)})

    def _remark(self, job: Job, done: Done) -> None:
        """Say why a reply ended, where a limit ended it."""
        if job.late and done.reason == "cancelled":
            job.desk.note(self._slow)
        elif job.cut and done.reason == "length":
            job.desk.note(job.cut)

    @property
    def _slow(self) -> str:
        return (
            f"The answer was stopped after {self.limits.reply_seconds} seconds, the most that one "
            "may take while others wait."
        )

    def _overdue(self, job: Job) -> None:
        job.late = True
        self._stop(job)

    def _stop(self, job: Job) -> None:
        job.stopped = True
        if isinstance(job.request, Generate):
            self._aside(self.engine.cancel(job.request))
        elif self._answer is not None:
            self._answer.cancel()

    def _tell_starts(self) -> None:
        """The process was started again: everybody may know."""
        if self.engine.starts != self._starts:
            self._starts = self.engine.starts
            for desk in list(self.desks):
                with contextlib.suppress(OSError):
                    self._introduce(desk)
