"""An engine that is shared with others: the same protocol, over a socket to whoever owns it.

The owner (``chatapp.serving.broker``) answers each request alone and in turn, so an answer's bits
are those of an engine of one's own; one only waits. What it tells beside the answers: ``place``
(how many visitors are served before) and ``note`` (a sentence for the person).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from chatapp.engine import wire
from chatapp.engine.client import EngineOptions
from chatapp.engine.interface import State
from chatapp.engine.protocol import Ready
from chatapp.engine.requests import Replies, Requests, error_from
from chatapp.errors import EngineError, HostGone

__all__ = ["MAX_LINE", "SharedEngine"]

MAX_LINE: Final = 8 << 20
"""The longest event, in bytes: a prompt of a long window, with the pieces of its tokens."""


class SharedEngine(Requests):
    """A model that somebody else's process owns (an :class:`~chatapp.engine.interface.Engine`).

    ``link`` is this end of a connected socket. ``weights`` and ``options`` say what the owner runs;
    nothing here can change them. ``on_place`` is told how many visitors are served before this one,
    ``on_note`` a sentence for the person, ``on_lost`` that the owner has gone.
    """

    kind: Literal["local"] = "local"

    def __init__(
        self, weights: Path, link: socket.socket, options: EngineOptions | None = None
    ) -> None:
        super().__init__()
        self.weights = weights
        self.options = options or EngineOptions()
        self.on_place: Callable[[int], None] | None = None
        self.on_note: Callable[[str], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self._link = link
        self._stream: asyncio.StreamWriter | None = None
        self._starting = asyncio.Lock()
        self._lost = False

    @property
    def state(self) -> State:
        if self._lost:
            return "failed"
        if self.info is not None:
            return "ready"
        return "loading" if self._stream is not None else "stopped"

    @property
    def pid(self) -> int | None:
        """The process's id, as its owner told."""
        return self.info.pid if self.info is not None else None

    def kill(self) -> None:
        """The process is somebody else's: nothing here ends it."""

    @property
    def _writer(self) -> asyncio.StreamWriter | None:
        return None if self._lost else self._stream

    async def start(self) -> Ready:
        async with self._starting:
            if self._lost:
                raise self._died()
            if self.info is not None:
                return self.info
            if self._stream is None:
                reader, self._stream = await asyncio.open_connection(
                    sock=self._link, limit=MAX_LINE
                )
                self._replies[0] = asyncio.Queue()
                self._reader = asyncio.create_task(self._read(reader))
            return await self._await_ready()

    def _died(self) -> HostGone:
        return HostGone("The computer that runs the model for everyone has ended this session.")

    async def _await_ready(self) -> Ready:
        event: dict[str, Any] | EngineError = {}
        while self.info is None:
            event = await self._replies[0].get()
            if isinstance(event, EngineError):
                raise event
            if event.get("type") == "error":
                raise error_from(event)
        return self.info

    async def _read(self, reader: asyncio.StreamReader) -> None:
        replies: Replies = self._replies
        await self._hand_out(reader, replies)
        self._lost = True
        self._gone(replies)
        if self.on_lost is not None:
            self.on_lost()

    def _noted(self, event: dict[str, Any]) -> bool:
        kind = event.get("type")
        if kind == "place" and self.on_place is not None:
            self.on_place(int(event["before"]))
        elif kind == "note" and self.on_note is not None:
            self.on_note(str(event["message"]))
        elif kind == "ready":
            ready = wire.event_from_dict(event)
            assert isinstance(ready, Ready)
            self.info, self.starts = ready, int(event.get("starts", 1))
            return False
        return kind in ("place", "note") or super()._noted(event)

    async def close(self) -> None:
        """Leave; the model runs on for the others."""
        stream, self._stream, self._lost = self._stream, None, True
        if stream is not None:
            stream.close()
            with contextlib.suppress(OSError):
                await stream.wait_closed()
        else:
            self._link.close()
        if self._reader is not None:
            self.on_lost = None
            await self._reader
