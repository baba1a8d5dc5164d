"""As many threads as the machine has free just now: what others compute decides.

The threads of an evaluation wait for each other hundreds of times a token. Where another busy
process takes one of two cores, two threads are four times *slower* than one; on an idle machine
they are half again as fast. The bits of an answer do not depend on it (the self-test looks).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOOK: Final = 0.2
"""Seconds over which the work of others is measured."""
_STALE: Final = 2.0
"""A longer time says nothing about now."""
_SLACK: Final = 0.1
"""Cores by which the count has to be wrong before it is changed, beyond half a core."""


class Pace:
    """How many threads to use, at most ``most``; always ``most`` without ``adapt``.

    :meth:`allow` ends it where the self-test finds that bits depend on the count.
    ``busy`` tells the seconds that all processors have worked since the system started, None where
    it does not tell (only Linux does); ``own`` the seconds of this process; ``cpus`` is how many
    processors there are.
    """

    def __init__(
        self,
        most: int,
        *,
        adapt: bool = True,
        cpus: int | None = None,
        busy: Callable[[], float | None] | None = None,
        own: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self.adapt = adapt and most > 1
        self.free = self.adapt
        self._cpus = cpus or os.cpu_count() or most
        self._busy, self._own, self._clock = busy or busy_seconds, own, clock
        self._count = most
        self._fixed: int | None = None
        self._at = self._seen = self._used = float("-inf")
        self.threads()  # the first look, to compare the next one with

    def allow(self, free: bool) -> None:
        """Let the count follow the load, or hold it at ``most``."""
        self.free = free and self.adapt

    def threads(self) -> int:
        """How many threads to use for what is evaluated next."""
        if self._fixed is not None:
            return self._fixed
        if not self.free:
            return self.most
        now = self._clock()
        if now - self._at < LOOK:
            return self._count
        seen, used = self._busy(), self._own()
        if seen is None:
            self.free = False
            return self.most
        if now - self._at <= _STALE:
            others = max(seen - self._seen - (used - self._used), 0.0) / (now - self._at)
            self._fit(self._cpus - others)
        self._at, self._seen, self._used = now, seen, used
        return self._count

    @contextmanager
    def just(self, count: int) -> Iterator[None]:
        """Use this many threads meanwhile."""
        self._fixed = count
        try:
            yield
        finally:
            self._fixed = None

    def _fit(self, cores: float) -> None:
        """Follow the number of cores that nobody else uses, without wavering."""
        if abs(cores - self._count) > 0.5 + _SLACK:
            self._count = max(1, min(self.most, round(cores)))


def busy_seconds() -> float | None:
    """Seconds that all processors together have worked, or were taken by another machine."""
    try:
        with Path("/proc/stat").open() as file:
            fields = file.readline().split()[1:9]
        user, nice, system, _, _, irq, soft, steal = map(int, fields)
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
