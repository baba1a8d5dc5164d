"""How the model process ended: by itself, by others, or in a crash."""

from __future__ import annotations

import signal
from typing import Final

__all__ = ["crash_of", "how"]

_CRASHES: Final = {"SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV"}
"""Signals that a process gets for what it did itself; others come from outside."""


def crash_of(status: int | None) -> str | None:
    """The signal that a process with this exit status crashed with; None if it did not crash."""
    if status is None or status >= 0:
        return None
    try:
        name = signal.Signals(-status).name
    except ValueError:  # a real-time signal has no name
        return None
    return name if name in _CRASHES else None


def how(crash: str | None) -> str:
    """For a sentence about the process."""
    return f"crashed ({crash})" if crash else "ended"
