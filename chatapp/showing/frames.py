"""The pictures of the screen that viewers wait for. They are made only while somebody waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

__all__ = ["Frame", "Frames", "Seen"]

PAUSE: Final = 0.3
"""Seconds between two pictures, at least."""
_LINGER: Final = 3.0
"""Seconds that the screen is still watched when nobody waits: a viewer asks again at once."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of the screen. Later ones have higher numbers, from 1."""

    number: int
    svg: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands on the screen now: equal ``looks`` look the same. ``draw`` makes the picture; it
    is called on a thread.
    """

    looks: Hashable
    draw: Callable[[], str]


class Frames:
    """``version`` tells (cheaply) whether anything was drawn since; ``look`` reads the screen. It
    returns None while there is none.
    """

    def __init__(
        self,
        version: Callable[[], Hashable],
        look: Callable[[], Seen | None],
        *,
        pause: float = PAUSE,
    ) -> None:
        self._version = version
        self._look = look
        self._pause = pause
        self._latest: Frame | None = None
        self._drawn: tuple[Hashable, Hashable] = (None, None)
        self._came = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._left = 0.0
        self._current = False
        """Whether the latest picture is of now; it may be old, if nobody has looked for a while."""
        self.viewers = 0
        """How many wait for a picture now."""

    @property
    def watched(self) -> bool:
        """Whether somebody looks."""
        return self._watching is not None and not self._watching.done()

    async def after(self, number: int, patience: float) -> Frame | None:
        """A picture that is later than ``number``, at once or when the screen changes; None if it
        does not change for ``patience`` seconds.
        """
        self.viewers += 1
        if not self.watched:
            self._watching = asyncio.create_task(self._watch())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    while True:
                        came, latest = self._came, self._latest
                        if self._current and latest is not None and latest.number > number:
                            return latest
                        await came.wait()
            return None
        finally:
            self.viewers -= 1
            self._left = time.monotonic()

    async def _watch(self) -> None:
        try:
            while self.viewers or time.monotonic() - self._left < _LINGER:
                if self._drawn[0] != self._version():
                    await self._draw()
                self._current = True
                self._came.set()
                self._came = asyncio.Event()
                await asyncio.sleep(self._pause)
        finally:
            self._current = False

    async def _draw(self) -> None:
        version, seen = self._version(), self._look()
        if seen is None:
            return
        if seen.looks != self._drawn[1]:
            svg = await asyncio.to_thread(seen.draw)
            number = self._latest.number + 1 if self._latest else 1
            self._latest = Frame(number, svg)
        self._drawn = version, seen.looks

    async def close(self) -> None:
        """Stop watching; whoever waits is sent away."""
        task, self._watching = self._watching, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
