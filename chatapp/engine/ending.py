"""How the model process ended, in words."""

from __future__ import annotations

import signal
from typing import Final

from chatapp.errors import EngineDied

__all__ = ["crash_of", "died"]

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


def died(sentence: str, status: int | None) -> EngineDied:
    """What to raise: ``sentence`` (*The model process ended…*), or that it crashed."""
    crash = crash_of(status)
    if crash is not None:
        sentence = sentence.replace("ended", f"crashed ({crash})", 1)
    return EngineDied(sentence, crash)
