"""Whether others use the machine while something is measured, and waiting until they do not."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.plan import Plan

T = TypeVar("T")
QUIET = 0.15
"""Cores that others may use in a round that counts as undisturbed."""


class Others:
    """Counts processors' time from its making on. Linux only; elsewhere ``cores`` is None."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._machine, self._own = _machine(), _own()

    @property
    def cores(self) -> float | None:
        """How many cores were kept busy by processes that are not ours, on average."""
        now = _machine()
        if now is None or self._machine is None:
            return None
        used = now - self._machine - (_own() - self._own)
        return max(used / (time.monotonic() - self._started), 0.0)


async def rounds(plan: Plan, count: int, one: Callable[[], Awaitable[T]]) -> list[T]:
    """Measure ``count`` rounds. A round that others disturb is made again, while patience lasts."""
    found: list[T] = []
    while len(found) < count:
        await _quiet(plan)
        others = Others()
        value = await one()
        cores = others.cores or 0.0
        if cores <= QUIET or time.monotonic() >= plan.until:
            found.append(value)
        else:
            plan.say(f"(disturbed: others used {cores:.1f} cores; once more)")
    return found


async def _quiet(plan: Plan) -> None:
    """Wait until others have been quiet for a second, while patience lasts."""
    while time.monotonic() < plan.until:
        others = Others()
        await asyncio.sleep(1.0)
        if (others.cores or 0.0) <= QUIET:
            return


def _machine() -> float | None:
    """Seconds that all processors were busy since the system started."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, soft, steal = (int(field) for field in fields[:8])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Seconds of this process and of all that descend from it, ended ones included."""
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        number = int(folder.name)
        parents[number] = int(fields[1])
        used[number] = sum(int(field) for field in fields[11:15])
    ours, more = {os.getpid()}, True
    while more:
        found = {number for number, parent in parents.items() if parent in ours} - ours
        ours, more = ours | found, bool(found)
    return sum(used.get(number, 0) for number in ours) / os.sysconf("SC_CLK_TCK")
