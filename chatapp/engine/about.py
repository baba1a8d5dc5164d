"""What llama.cpp is on this machine. Asked of a child process, as only that one may load it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from chatapp.errors import EngineDied, EngineError

_PATIENCE: Final = 60.0
"""Seconds that the child may take; loading the library takes a third of one."""


@dataclass(frozen=True, slots=True)
class About:
    """``build``: llama.cpp's version; ``system``: what it says of the processor; ``gpu``: whether
    it found a graphics processor to compute on. ``python -m chatapp.engine --about`` prints it.
    """

    build: str
    system: str
    gpu: bool

    @property
    def features(self) -> list[str]:
        """What llama.cpp makes use of, for example ``AVX2``."""
        parts = self.system.replace(":", "|").split("|")
        flags = [part.partition("=") for part in parts if "=" in part]
        return [name.strip() for name, _, value in flags if value.strip() not in ("", "0")]


def ask() -> About:
    """Start a child without a model and ask it. Raises :class:`EngineError` with the reason."""
    command = [sys.executable, "-P", "-m", "chatapp.engine", "--about"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise EngineDied(f"The model process did not answer in {_PATIENCE:.0f} seconds.") from None
    except OSError as error:
        raise EngineDied(f"The model process cannot be started: {error.strerror}.") from None
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise EngineDied(f"The model process ended at once{_how(done.returncode)}.") from None
    if "error" in found:
        raise EngineError(f"llama.cpp cannot be loaded: {found['error']}")
    return About(**found)


def _how(status: int) -> str:
    """In words, how a process ended."""
    if status >= 0:
        return f" (exit status {status})"
    name = signal.Signals(-status).name
    if name == "SIGILL":
        return ": this llama.cpp was built for a processor with more features (SIGILL)"
    return f" ({name})"
