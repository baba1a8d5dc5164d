"""What one visitor may take of what all share, and the sentences that say so."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from chatapp.errors import EngineError

__all__ = ["Allowance", "Limits", "Visitor"]

WAITING: Final = 4
"""Requests of one visitor that may wait at a time: the screen has one, a proof a few."""
LINES: Final = 20.0
"""Protocol lines a second that are read from one visitor; further ones wait in the socket."""
_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on each visitor, and how many there may be.

    ``visitors`` at once; ``sessions`` open in one screen; ``reply_tokens`` per reply;
    ``total_tokens`` sent and answered in all; ``per_minute`` requests; ``reply_seconds`` that one
    answer may take; ``minutes`` in all, ``idle_minutes`` without a key pressed, and
    ``link_minutes`` during which a link lets anybody in.
    """

    visitors: int = 20
    sessions: int = 8
    reply_tokens: int = 160
    total_tokens: int = 100_000
    per_minute: int = 20
    reply_seconds: int = 30
    minutes: int = 120
    idle_minutes: int = 20
    link_minutes: int = 60


@dataclass(slots=True, eq=False)
class Visitor:
    """Somebody who was let in. ``number`` is for the one who serves; ``scope`` names what was
    computed for this visitor; ``used`` tokens were sent and answered.
    """

    number: int
    scope: str
    limits: Limits
    joined: float
    clock: Callable[[], float] = time.monotonic
    used: int = 0
    asked: deque[float] = field(default_factory=deque)

    @property
    def left(self) -> int:
        """Tokens that are left."""
        return max(self.limits.total_tokens - self.used, 0)

    def ask(self, waiting: int) -> None:
        """One more request, while ``waiting`` others wait. Raises :class:`EngineError`."""
        now, limits = self.clock(), self.limits
        while self.asked and now - self.asked[0] >= _MINUTE:
            self.asked.popleft()
        if not self.left:
            raise _limit(
                f"The {limits.total_tokens:,} tokens that each visitor has here are used up: what "
                "is sent counts again with every turn."
            )
        if waiting >= WAITING:
            raise _limit(f"{waiting} of your requests wait already. They are answered first.")
        if len(self.asked) >= limits.per_minute:
            seconds = int(_MINUTE - (now - self.asked[0])) + 1
            raise _limit(
                f"Each visitor may ask {limits.per_minute} times a minute here. In {seconds} "
                "seconds you can ask again."
            )
        self.asked.append(now)

    def over(self) -> str:
        """Why this visit has ended; empty while it has not."""
        if self.clock() - self.joined >= self.limits.minutes * _MINUTE:
            return f"Your {self.limits.minutes} minutes here are over. Thank you for coming."
        return ""


def _limit(sentence: str) -> EngineError:
    return EngineError(sentence, kind="limit")


class Allowance:
    """So many things a second (``rate``), ``burst`` of them at once; more have to wait."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left, self._at = burst, clock()

    def take(self, amount: float = 1.0) -> float:
        """Take ``amount``; the seconds to wait before it is used."""
        now = self._clock()
        self._left = min(self._left + (now - self._at) * self._rate, self._burst) - amount
        self._at = now
        return max(-self._left / self._rate, 0.0)

    async def wait(self, amount: float = 1.0) -> None:
        """Take ``amount``, after as long as it takes."""
        if seconds := self.take(amount):
            await asyncio.sleep(seconds)
