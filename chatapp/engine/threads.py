"""How many threads the model should use here, and how they should wait for each other."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SPIN: Final = "10000"
"""How long an OpenMP thread spins before it sleeps (``GOMP_SPINCOUNT``).

With the default, threads spin for ever, and another busy process beside them makes decoding
collapse by a factor of a hundred; with this value an idle machine loses nothing.
"""


@dataclass(frozen=True, slots=True)
class Cores:
    """What there is to compute on. ``cpus`` counts hyper-threads; None: cannot be told.

    ``usable`` of the ``cpus`` are open to this process, on ``physical`` cores; ``share`` is what
    the container may use of them.
    """

    cpus: int
    usable: int | None = None
    physical: int | None = None
    share: int | None = None

    @property
    def threads(self) -> int:
        """Physical cores that this process may use, within its container's share; at least 1."""
        found = self.physical or self.cpus
        return max(min(found, self.share or found), 1)


def cores() -> Cores:
    """Look at this machine."""
    cpus = os.cpu_count() or 1
    try:
        usable = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return Cores(cpus)
    return Cores(cpus, len(usable), len({_siblings(cpu) for cpu in usable}), _quota())


def thread_count() -> int:
    """How many threads the model uses if nothing else is chosen."""
    return cores().threads


def processors() -> int:
    """How many hyper-threads are open to this process; at least 1."""
    found = cores()
    return max(min(found.usable or found.cpus, found.share or found.cpus), 1)


def _siblings(cpu: int) -> str:
    """The hyper-threads that share a core with this one."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return path.read_text().strip()
    except OSError:
        return str(cpu)


def _quota() -> int | None:
    """The container's share of processors (cgroup v2), rounded down."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else max(int(quota) // int(period), 1)
    except (OSError, ValueError):
        return None


def set_waiting(environment: MutableMapping[str, str]) -> None:
    """Make threads sleep soon when they wait; what a person has set stays."""
    environment.setdefault("GOMP_SPINCOUNT", SPIN)
